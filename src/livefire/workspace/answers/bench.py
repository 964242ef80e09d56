"""Answers of the workbench and of jobs."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from livefire.workspace.answers.parts import Answer, Moment, Said


class Column(Answer, frozen=True):
    """A column of a table."""

    name: str
    type: str


class WordTable(Answer, frozen=True):
    """A table that a language offers; the columns of those that events here can fill."""

    name: str
    title: str
    vendor: str
    compatibility: str
    columns: list[Column]


class Words(Answer, frozen=True):
    """What an editor offers in a language."""

    language: str
    tables: list[WordTable]
    functions: list[str]
    about: dict[str, str]
    commands: list[str]


class TimeBar(Answer, frozen=True):
    """Events of a cloud from a moment on, in seconds since 1970."""

    at: float
    source: str
    count: int


class Histogram(Answer, frozen=True):
    """Events over time, in steps of so many seconds."""

    first: Moment | None
    last: Moment | None
    step: float
    bars: list[TimeBar]


class Statistic(Answer, frozen=True):
    """What a column holds: different values, empty ones, and the most frequent with their counts."""

    distinct: int
    empty: int
    top: list[tuple[str, int]]


class Series(Answer, frozen=True):
    """A line of a chart, a value for each of its moments."""

    name: str
    values: list[float | None]


class Bar(Answer, frozen=True):
    """A bar or slice of a chart."""

    name: str
    value: float


class Chart(Answer, frozen=True):
    """What to draw, and the query's own word for it.

    `lines` and `areas` have times (seconds since 1970) and series, `groups` and `stacks` names and series, `bars` and `pie` bars.
    """

    kind: str
    asked: str
    times: list[float] | UnsetType = UNSET
    series: list[Series] | UnsetType = UNSET
    left_out: int | UnsetType = UNSET
    label: str | UnsetType = UNSET
    names: list[str] | UnsetType = UNSET
    bars: list[Bar] | UnsetType = UNSET


class Sheet(Answer, frozen=True):
    """A table of rows as a grid shows them; `name` is what the query calls it, if anything."""

    name: str
    columns: list[str]
    types: list[str]
    rows: list[list[str]]
    statistics: list[Statistic]
    chart: Chart | None


class Grid(Sheet, frozen=True):
    """The rows of a query; `others` are its further tables, of a query that gives several (KQL `fork`, `facet`)."""

    now: Moment
    diagnostics: list[Said]
    others: list[Sheet]


class Stopped(Answer, frozen=True):
    """Whether there was something to stop."""

    stopped: bool


class StageText(Answer, frozen=True):
    """A stage of a query."""

    text: str


class MissReason(Answer, frozen=True):
    """Which clause dropped an event."""

    reason: str


class Begun(Answer, frozen=True):
    """The name of a job that was begun."""

    job: str


class JobStanding(Answer, frozen=True):
    """How a job stands: running, done, failed or stopped; `result` is what came of it, of a shape that depends on what it did."""

    id: str
    title: str
    state: str
    doing: str
    version: int
    fault: str
    result: Any


class Kept(Answer, frozen=True):
    """The file that a query is kept in."""

    file: str
