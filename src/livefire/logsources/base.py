"""What a log source is: how its events are known, unwrapped, named in time and laid out in columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from livefire.schema import Field, Schema, Type

Event = Mapping[str, Any]
Path = tuple[str, ...]
Getter = Callable[[Event], object]


@dataclass(frozen=True, slots=True)
class Column:
    """A hot column: its name, type, and what it holds; null where the event has no such value."""

    name: str
    type: Type
    description: str


COMMON: tuple[Column, ...] = (
    Column("_time", Type.DATETIME, "When it happened, by the event's own clock; digits beyond microseconds are cut off."),
    Column("_id", Type.STRING, "The event's own id, or a hash of its content where it has none. With `_digest` it tells events apart."),
    Column("_digest", Type.LONG, "64 bits of BLAKE2b of the canonical event: the same id with the same content is the same event."),
    Column("_file", Type.STRING, "The file it was first read from."),
    Column("_record", Type.LONG, "Its place among the records of that file, from 0."),
    Column("_flags", Type.STRING, "What was odd about its JSON, comma-separated; null for nothing."),
    Column("_raw", Type.DYNAMIC, "The whole event as canonical JSON."),
)


@dataclass(frozen=True, slots=True)
class Form:
    """One spelling of a source's events.

    `places` says for each column where its value stands: a path of keys, or a function of the
    event. `time` is where the event time stands, by preference. `identity` returns the event's
    own id or None. `orders` are the top-level keys as the vendor usually writes them, the most
    usual order first; with `required` keys as text a record is of this form, and `id_key` is the
    one that holds the id. Records so written are read many at once; see `ordinary`.
    """

    name: str
    recognise: Callable[[Event], bool]
    time: tuple[Path, ...]
    identity: Callable[[Event], str | None]
    places: Mapping[str, Path | Getter]
    orders: tuple[tuple[str, ...], ...] = ()
    required: frozenset[str] = frozenset()
    id_key: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a hot column is in events of some forms, of all where none is named: the first that is there of places in other hot columns that hold JSON."""

    places: tuple[tuple[str, tuple[str | int, ...]], ...]
    forms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogSource:
    """A kind of log: its forms, its hot columns, and the envelopes its events travel in.

    `origins` are hot columns that hold what stands in the JSON of another in every form, or in some.
    `unwrap` opens an envelope: it returns the values inside (decoded, or as JSON text), or None
    if the value is no envelope it knows. `explain` names JSON that belongs to the source but holds
    no events, such as digest files.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    forms: tuple[Form, ...]
    unwrap: Callable[[Event], list[object] | None] = field(default=lambda _event: None)
    explain: Callable[[Event], str | None] = field(default=lambda _event: None)
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def schema(self) -> Schema:
        """All columns of the lake table: the common ones, then the hot ones."""
        return Schema(tuple(Field(c.name, c.type) for c in (*COMMON, *self.columns)))

    def form(self, event: Event) -> Form | None:
        """Return the form an event is written in, or None if it is not of this source."""
        for form in self.forms:
            if form.recognise(event):
                return form
        return None

    def recognise(self, event: object) -> bool:
        """True for a decoded event of this source."""
        return isinstance(event, dict) and self.form(event) is not None

    def row(self, event: Event) -> dict[str, object]:
        """Return the hot columns of one event; see `columns.lay_out` for many."""
        from livefire.logsources.columns import lay_out

        form = self.form(event)
        if form is None:
            raise ValueError(f"not an event of {self.name}")
        return {name: values[0] for name, values in lay_out(self, form, [event]).items()}


def at(event: object, path: Path) -> Any:
    """Return the value at a path of keys, None where any step is missing or not an object."""
    for key in path:
        if not isinstance(event, dict):
            return None
        event = event.get(key)
    return event
