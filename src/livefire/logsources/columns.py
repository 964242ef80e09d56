"""Laying events out in columns, many at a time, and coercing values to column types."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from livefire.logsources.base import Event, Form, LogSource, Path
from livefire.logsources.canonical import embedded, encode
from livefire.schema import Type


@dataclass(frozen=True, slots=True)
class Repeated:
    """A column whose values recur: the distinct ones, and for each row the place of its own among them."""

    distinct: list[object]
    places: list[int]

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[object]:
        return map(self.distinct.__getitem__, self.places)

    def __getitem__(self, row: int) -> object:
        return self.distinct[self.places[row]]


@dataclass(frozen=True, slots=True)
class Utf8:
    """A column of texts that stay the UTF-8 that was read, and of nulls."""

    written: Sequence[bytes | None]

    def __len__(self) -> int:
        return len(self.written)

    def __iter__(self) -> Iterator[object]:
        return (text if text is None else text.decode() for text in self.written)

    def __getitem__(self, row: int) -> object:
        text = self.written[row]
        return text if text is None else text.decode()


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of 64-bit integers without nulls."""

    numbers: array[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[object]:
        return iter(self.numbers)

    def __getitem__(self, row: int) -> object:
        return self.numbers[row]


@dataclass(frozen=True, slots=True)
class Moments:
    """A column of times without nulls, in microseconds since 1970."""

    numbers: array[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[object]:
        return map(_moment, self.numbers)

    def __getitem__(self, row: int) -> object:
        return _moment(self.numbers[row])


Values: TypeAlias = list[object] | Repeated | Utf8 | Numbers | Moments
"""One column of many events."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_USUAL_TIME = {len("2026-01-31T23:59:59Z")}
_WORTH_ARROW = 64  # times; fewer are read sooner one by one
_NOTHING: Event = {}
_STRINGS = {str, type(None)}
_BOOLS = {bool, type(None)}
_INT64 = 1 << 63


def lay_out(source: LogSource, form: Form, events: Sequence[Event]) -> dict[str, list[object]]:
    """Return the hot columns of events that share a form, as lists in the order of the events.

    Values have the Python type of the column: str, bool, int, `datetime` (aware, UTC), and JSON
    text for dynamic. What cannot be read as the column's type is null, except that any value can
    be text.
    """
    parents: dict[Path, list[Event]] = {(): list(events)}
    laid: dict[str, list[object]] = {}
    for column in source.columns:
        place = form.places.get(column.name)
        if place is None:
            laid[column.name] = [None] * len(events)
            continue
        if callable(place):
            found = [place(event) for event in events]
        else:
            key = place[-1]
            found = [parent.get(key) for parent in _parents(parents, place[:-1])]
        laid[column.name] = COERCE[column.type](found)
    return laid


def _parents(known: dict[Path, list[Event]], path: Path) -> list[Event]:
    found = known.get(path)
    if found is None:
        key = path[-1]
        children = [parent.get(key) for parent in _parents(known, path[:-1])]
        found = known[path] = [child if type(child) is dict else _NOTHING for child in children]
    return found


def texts(values: list[object]) -> list[object]:
    """Coerce to text: other scalars as JSON writes them, objects and lists as JSON text."""
    if set(map(type, values)) <= _STRINGS:
        return values
    return [value if value is None or type(value) is str else encode(value).decode() for value in values]


def bools(values: list[object]) -> list[object]:
    """Coerce to bool: JSON booleans and the words true and false; all else is null."""
    if set(map(type, values)) <= _BOOLS:
        return values
    return [_bool(value) for value in values]


def _bool(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return None


def longs(values: list[object]) -> list[object]:
    """Coerce to a 64-bit integer: JSON integers and text of digits; all else is null."""
    return [_long(value) for value in values]


def _long(value: object) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = int(value) if isinstance(value, int | str) else None
    except ValueError:
        return None
    return number if number is not None and -_INT64 <= number < _INT64 else None


def documents(values: list[object]) -> list[object]:
    """Coerce to JSON text; JSON null is null."""
    return [None if value is None else encode(value).decode() for value in values]


def times(values: list[object]) -> list[object]:
    """Coerce to UTC datetimes: ISO 8601 text with an offset or Z, or without one taken as UTC."""
    known: dict[object, datetime | None] = {}
    found: list[object] = []
    for value in values:
        if type(value) is not str:
            found.append(None)
        elif value in known:
            found.append(known[value])
        else:
            known[value] = read_time(value)
            found.append(known[value])
    return found


def read_time(text: str) -> datetime | None:
    """Return a UTC datetime, or None if the text is no ISO 8601 time with a date.

    Fractions may have any number of digits; those beyond microseconds are cut off. A time of day
    of 24:00 or a 60th second is refused.
    """
    if len(text) < 16 or len(text) > 64:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def usual_times(texts: Sequence[str]) -> array[int] | None:
    """Return the microseconds since 1970 of texts that are all written like 2026-01-31T23:59:59Z, None where any is not, or they are few.

    It is what `read_time` gives: Arrow takes of ISO 8601 a part of what Python takes, but for the year 0.
    """
    if len(texts) < _WORTH_ARROW or set(map(len, texts)) != _USUAL_TIME or min(texts) < "0001":
        return None
    import pyarrow as pa

    try:
        read = pa.array(texts, pa.string()).cast(pa.timestamp("us", tz="UTC"))
    except pa.ArrowInvalid:
        return None
    found = array("q")
    found.frombytes(memoryview(read.buffers()[1])[: len(texts) * found.itemsize])
    return found


def microseconds(moment: datetime) -> int:
    """Return the microseconds from 1970 to a moment."""
    return (moment - _EPOCH) // _MICROSECOND


def _moment(number: int) -> datetime:
    return _EPOCH + timedelta(microseconds=number)


def parsed(value: object) -> object:
    """Return JSON that stands in a string as its value; anything else as it is."""
    return embedded(value) if isinstance(value, str) else value


COERCE: dict[Type, Callable[[list[object]], list[object]]] = {
    Type.STRING: texts,
    Type.BOOL: bools,
    Type.INT: longs,
    Type.LONG: longs,
    Type.DATETIME: times,
    Type.DYNAMIC: documents,
}
