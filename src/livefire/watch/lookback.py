"""How far back a query reads by what it says itself: bounds on time, the length of a sequence, the time a correlation spans.

Where a rule's file states no schedule, a watch looks back at least that far. Where a search of Splunk names its own time, that goes
before the range its schedule gives it
(https://help.splunk.com/en/splunk-enterprise/search/search-manual/search-over-time/specify-time-modifiers-in-your-search).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from livefire.engines import sql as printing
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.reach import Window, readings
from livefire.schema import Type

_MICROSECOND = timedelta(microseconds=1)
_FRAMES = {"sigma": _MICROSECOND}
"""By language, what the frames of its windows over time are counted in; those of others cannot be told."""
_UNITS = {"second": timedelta(seconds=1), "minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
_LONG_UNITS = {"month": timedelta(days=31), "quarter": timedelta(days=92), "year": timedelta(days=366)}


def bounded(plan: n.Plan) -> bool:
    """Tell whether each of a plan's readings has a bound on how far before the moment of a run it lies."""
    return all(_back(window) is not None for _, window in readings(plan))


def furthest(plan: n.Plan) -> timedelta | None:
    """Return the furthest back of those readings that have a bound, None where none has."""
    return max((back for _, window in readings(plan) if (back := _back(window)) is not None), default=None)


def spanned(plan: n.Plan, language: str) -> timedelta:
    """Return the longest time that one result of a plan may span by what it says: of a sequence, or of a window over time; zero for none."""
    return max(_lengths(plan, language), default=timedelta(0))


def _lengths(plan: n.Plan, language: str) -> Iterator[timedelta]:
    for node in printing.walk(plan):
        if isinstance(node, n.Sequence) and node.max_span is not None:
            yield node.max_span // 10 * _MICROSECOND
        if isinstance(node, n.Window) and language in _FRAMES:
            for item in node.items:
                if isinstance(item.expr, e.WindowCall) and item.expr.by_value and item.expr.frame is not None:
                    yield max((abs(end) for end in item.expr.frame if end is not None), default=0) * _FRAMES[language]


def _back(window: Window) -> timedelta | None:
    backs = [back for bound in window.earliest if (back := _before(bound)) is not None]
    return min(backs, default=None)


def _before(moment: e.Expr) -> timedelta | None:
    """Return how long before the moment of a run a bound lies at most, None where it does not hang on that or cannot be told."""
    match moment:
        case e.Parameter(name="now"):
            return timedelta(0)
        case e.Call(function="time.add" | "time.subtract" as way, args=(base, e.Literal(value=int() as ticks, type=Type.TIMESPAN))):
            before = _before(base)
            return None if before is None else before + (-ticks if way == "time.add" else ticks) // 10 * _MICROSECOND
        case e.Call(function="time.start_of", args=(base, e.Literal(value=str() as unit))):
            before, length = _before(base), {**_UNITS, **_LONG_UNITS}.get(unit)
            return None if before is None or length is None else before + length
    return None
