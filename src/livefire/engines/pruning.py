"""Leaving out files that hold no event of the time a statement asks for, before the engine opens any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from livefire.engines.base import Value
from livefire.engines.program import TableFiles
from livefire.plan import expr as e
from livefire.plan.reach import Window
from livefire.schema import Type

_MARGIN = timedelta(milliseconds=1)  # a tick is finer than a datetime holds


def files_within(files: TableFiles, windows: Sequence[Window], values: Mapping[str, Value]) -> TableFiles:
    """Return the files that may hold an event of one of the windows; all of them where that cannot be told.

    A table needs a schema to be left without files; without one it is returned as it is.
    """
    if not windows or not files.times or not files.schema or len(files.times) != len(files.files):
        return files
    spans = [_span(window, values) for window in windows]
    kept = [at for at, times in enumerate(files.times) if times is None or any(_meets(times, span) for span in spans)]
    return TableFiles(tuple(files.files[at] for at in kept), files.schema, tuple(files.times[at] for at in kept))


def _span(window: Window, values: Mapping[str, Value]) -> tuple[datetime, datetime]:
    earliest = [moment for bound in window.earliest if (moment := _moment(bound, values)) is not None]
    latest = [moment for bound in window.latest if (moment := _moment(bound, values)) is not None]
    return max(earliest, default=datetime.min), min(latest, default=datetime.max)


def _meets(times: tuple[datetime, datetime], span: tuple[datetime, datetime]) -> bool:
    return times[1] + _MARGIN >= span[0] and times[0] - _MARGIN <= span[1]


def _moment(bound: e.Expr, values: Mapping[str, Value]) -> datetime | None:
    """Return the moment of a bound, None for what is not plain arithmetic with times."""
    match bound:
        case e.Literal(value=datetime() as moment):
            return moment
        case e.Parameter(name=name):
            value = values.get(name)
            return value if isinstance(value, datetime) and value.tzinfo is None else None
        case e.Call(function="time.add" | "time.subtract" as way, args=(base, e.Literal(value=int() as ticks, type=Type.TIMESPAN))):
            moment_of_base = _moment(base, values)
            if moment_of_base is None:
                return None
            length = timedelta(microseconds=ticks // 10)
            try:
                return moment_of_base + length if way == "time.add" else moment_of_base - length
            except OverflowError:
                return None
    return None
