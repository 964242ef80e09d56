"""Time ranges that a query gives itself: start and end of defineTable, join and setTimeInterval.

https://library.humio.com/data-analysis/syntax-time-relative.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from livefire.languages.cql import coerce
from livefire.languages.cql.durations import ticks
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound
from livefire.languages.cql.rows import is_null
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_EDGES = (("start", "compare.ge"), ("end", "compare.lt"))


def within(event: Event, bound: Bound) -> None:
    """Keep the events from `start` up to `end`, as far as the call gives them."""
    if not any(bound.has(name) for name, _ in _EDGES):
        return
    time = event.peek("@timestamp")
    if is_null(time) or time.type is not Type.DATETIME:
        if not bound.context.open_schema:
            bound.context.diagnostics.error("E305", f"{bound.function.name} needs the time of the event to keep to {_said(bound)}", bound.span)
        return
    for name, meaning in _EDGES:
        moment = _moment(bound, name) if bound.has(name) else None
        if moment is not None:
            event.keep(coerce.certain(call(meaning, time, moment, span=bound.place(name))), bound.place(name))


def _said(bound: Bound) -> str:
    return " and ".join(name for name, _ in _EDGES if bound.has(name))


def _moment(bound: Bound, name: str) -> e.Expr | None:
    """Return a moment as written: now, a length of time before now, milliseconds since 1970, or ISO 8601."""
    written = (bound.text(name) or "").strip()
    now = e.Parameter("now", Type.DATETIME)
    if written.lower() == "now":
        # What happens in the very millisecond of the run belongs to it.
        return call("time.add", now, e.Literal(10_000, Type.TIMESPAN))
    before = ticks(re.sub(r"^now\s*-\s*|^-|\s+ago$", "", written))
    if before is not None and not written.isdigit():
        return call("time.subtract", now, e.Literal(before, Type.TIMESPAN))
    if re.fullmatch(r"\d{10,14}", written):
        return call("time.from_epoch", e.whole(int(written)), e.text("ms"))
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        bound.wrong(name, "a time such as 7d, now or 2026-01-01T00:00:00Z")
        return None
    return e.Literal((found if found.tzinfo is None else found.astimezone(UTC)).replace(tzinfo=None), Type.DATETIME)
