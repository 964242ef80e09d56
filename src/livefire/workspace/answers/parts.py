"""What several answers hold: places, diagnostics, lines, sources, events.

Moments are ISO 8601 in UTC, `Z` at the end. A field that an answer may lack is `UNSET`; one that is there and empty is None.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class Answer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that is answered, and nothing beside it."""


class Position(Answer, frozen=True):
    """A place in a text: line and column from 1, offset from 0, in characters."""

    line: int
    column: int
    offset: int


class Fix(Answer, frozen=True):
    """A change that mends a text, by offsets."""

    start: int
    end: int
    replacement: str
    message: str


class Label(Answer, frozen=True):
    """What is said of another place of the text."""

    start: int
    end: int
    message: str


class Said(Answer, frozen=True):
    """A diagnostic."""

    severity: str
    code: str
    message: str
    file: str
    start: Position
    end: Position
    help: str | UnsetType = UNSET
    fix: Fix | UnsetType = UNSET
    labels: list[Label] | UnsetType = UNSET


class Line(Answer, frozen=True):
    """A line of a rule: its coloured runs of (kind, text), and what is said of it."""

    number: int
    runs: list[tuple[str, str]]
    diagnostics: list[Said]


class Checked(Answer, frozen=True):
    """All that is said of a query, and the query with its fixes applied."""

    diagnostics: list[Said]
    mended: str


class Source(Answer, frozen=True):
    """What the lake holds of a log source; `version` is -1 without a lake."""

    name: str
    title: str
    events: int
    files: int
    bytes: int
    first: Moment | None
    last: Moment | None
    version: int


class StoredEvent(Answer, frozen=True):
    """An event as it was logged."""

    source: str
    id: str
    time: Moment
    event: Any


class Modifier(Answer, frozen=True):
    """What adds to a risk or takes from it."""

    when: str
    add: int


class JobLine(Answer, frozen=True):
    """A job in a list."""

    id: str
    title: str
    owner: str
    state: str
    doing: str
    fault: str
