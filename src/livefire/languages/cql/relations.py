"""Steps over all events at once: groupBy, stats, top, sort, table, head, tail, bucket and timeChart.

Default limits are LogScale's and are said: https://library.humio.com/data-analysis/functions-sort.html
"""

from __future__ import annotations

import re
from collections.abc import Callable

from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.aggregates import Find, Gathered, gather, group
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import is_null
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, call, window
from livefire.schema import TICKS_PER_SECOND, Type

_LIMIT = 200
_MOST = 20_000
_SPAN = re.compile(r"(\d+)\s*(ms|millis|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|w|weeks?)$", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_TICKS = {"ms": TICKS_PER_SECOND // 1000, **{unit: seconds * TICKS_PER_SECOND for unit, seconds in _SECONDS.items()}}


def find_of(lower: Lower) -> Find:
    """Return the lookup of aggregate functions, which reports names it does not know."""

    def find(name: str) -> Function | None:
        return lower.function(name)

    return find


def limit_of(bound: Bound, default: int, most: int = _MOST) -> int:
    """Return the limit of a step; a default one is said, as rows past it are cut."""
    written = bound.text("limit")
    if written is None:
        said = f"{bound.function.name} keeps {default} rows where no limit is given, as LogScale does"
        bound.context.diagnostics.notice("N133", said, bound.span, help="write limit=max for all")
        return default
    if written.lower() == "max":
        return most
    return max(bound.whole("limit", default), 0)


def _keys(event: Event, words: list[s.Word]) -> list[n.Item]:
    items: dict[str, n.Item] = {}
    for word in words:
        value = event.read(word.text)
        items[word.text] = n.Item(word.text, event.hold(coerce.text(value)) if value.type in (Type.DYNAMIC, Type.UNKNOWN) else value)
    return list(items.values())


def _group_by(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-groupby.html"""
    if bound.need("field") is None:
        return
    keys = _keys(event, bound.fields("field"))
    gathered = _functions(lower, event, bound)
    group(lower, event, keys, gathered, bound.span)
    written = bound.text("limit")
    if written is not None and written.lower() != "max":
        _most(event, gathered, bound)


def _functions(lower: Lower, event: Event, bound: Bound) -> Gathered:
    values = bound.items("function")
    if not bound.has("function"):
        return Gathered([n.Item("_count", aggregate("agg.count", span=bound.span))])
    return gather(lower, event, values, find_of(lower))


def _most(event: Event, gathered: Gathered, bound: Bound) -> None:
    """Keep as many groups as the limit says, those with the highest numbers."""
    plan = event.rows.flush()
    numbers = [i.name for i in gathered.items if (f := plan.schema.get(i.name)) is not None and f.type.numeric]
    keys = tuple(e.SortKey(n.column(plan, name), True) for name in numbers[:1])
    limited = n.Limit(n.Sort(plan, keys, bound.span) if keys else plan, bound.whole("limit", _MOST), 0, bound.span)
    event.rows.wrap(limited)


def _stats(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-stats.html"""
    group(lower, event, [], _functions(lower, event, bound), bound.span)


def _top(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-top.html"""
    if bound.need("field") is None:
        return
    for name in ("percent", "rest", "error"):
        if bound.has(name) and bound.text(name) not in ("false", None):
            bound.context.diagnostics.error("E304", f"{name} of top does not run here", bound.place(name), help="use groupBy and sort")
    keys = _keys(event, bound.fields("field"))
    out, made = "_count", aggregate("agg.count", span=bound.span)
    for name, meaning in (("sum", "agg.sum"), ("max", "agg.max")):
        field = bound.field(name)
        if field is not None:
            out, made = f"_{name}", aggregate(meaning, event.hold(coerce.real(event.read(field))), type=Type.REAL, span=bound.span)
    out = bound.text("as") or out
    group(lower, event, keys, Gathered([n.Item(out, made)]), bound.span)
    plan = event.rows.flush()
    limit = bound.whole("limit", 10) if bound.text("limit") != "max" else _MOST
    event.rows.wrap(n.Limit(n.Sort(plan, (e.SortKey(n.column(plan, out), True),), bound.span), limit, 0, bound.span))


def _sort(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-sort.html"""
    words = bound.fields("field") or [s.Word("_count", "_count", quoted=False, span=bound.span)]
    order(event, _order_of(event, words, bound), limit_of(bound, _LIMIT), bound)


def _order_of(event: Event, words: list[s.Word], bound: Bound) -> tuple[e.SortKey, ...]:
    """Return the keys of sort and of table's sortby: one order and one type for all fields, or one for each."""
    orders = [w.text.lower() for w in bound.words("order")] or ["desc"]
    if bound.has("reverse"):
        orders = ["desc" if bound.flag("reverse") else "asc"]
    kinds = [w.text.lower() for w in bound.words("type")] or ["number"]
    if any(o not in ("asc", "desc", "ascending", "descending") for o in orders):
        bound.wrong("order", "asc or desc")
    if any(k not in ("any", "number", "string") for k in kinds):
        bound.context.diagnostics.error("E304", f"sort by type {kinds[0]} does not run here", bound.place("type"), help="type=number or type=string")
    keys: list[e.SortKey] = []
    for place, word in enumerate(words):
        descending = orders[min(place, len(orders) - 1)].startswith("desc")
        keys.extend(_sort_keys(event, event.read(word.text), kinds[min(place, len(kinds) - 1)], descending))
    return tuple(keys)


def _sort_keys(event: Event, value: e.Expr, kind: str, descending: bool) -> list[e.SortKey]:
    """Numbers go by magnitude, then texts by their characters; events without the field come last."""
    if is_null(value):
        return []
    if kind == "string":
        return [e.SortKey(event.hold(coerce.text(value)), descending)]
    if value.type.numeric or value.type is Type.DATETIME:
        return [e.SortKey(value, descending)]
    return [e.SortKey(event.hold(coerce.number(value)), descending), e.SortKey(event.hold(coerce.text(value)), descending)]


def order(event: Event, keys: tuple[e.SortKey, ...], limit: int | None, bound: Bound) -> None:
    """Put the events in order and keep the first of them."""
    plan = event.rows.flush()
    if keys:
        plan = n.Sort(plan, keys, bound.span)
    if limit is not None:
        plan = n.Limit(plan, limit, 0, bound.span)
    event.rows.wrap(plan)
    event.aggregated = True


def _head(descending: bool) -> Callable[[Lower, Event, Bound], None]:
    def run(_: Lower, event: Event, bound: Bound) -> None:
        """https://library.humio.com/data-analysis/functions-head.html"""
        limit = limit_of(bound, _LIMIT)
        time = event.peek("@timestamp")
        if event.aggregated or is_null(time):
            if descending and event.aggregated:
                bound.context.diagnostics.error("E305", "tail after an aggregate does not run here", bound.span, help="sort the other way and use head")
            order(event, (), limit, bound)
            return
        order(event, (e.SortKey(time, descending),), limit, bound)
        if descending:
            order(event, (e.SortKey(time, False),), None, bound)

    return run


def _table(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-table.html"""
    if bound.need("fields") is None:
        return
    words = bound.fields("fields")
    values = {w.text: event.read(w.text) for w in words}
    limit = limit_of(bound, _LIMIT)
    by = bound.fields("sortby")
    if by:
        order(event, _order_of(event, by, bound), limit, bound)
    elif not event.aggregated and not is_null(time := event.peek("@timestamp")):
        ascending = (bound.text("order", "desc") or "desc").lower().startswith("asc")
        order(event, (e.SortKey(time, not ascending),), limit, bound)
    else:
        order(event, (), limit, bound)
    items = [n.Item(name, _shown(value)) for name, value in values.items()]
    event.become(lower.rows_of(event.rows.finish(items, bound.span)))


def _shown(value: e.Expr) -> e.Expr:
    if value.type is Type.DYNAMIC:
        return coerce.text(value)
    return e.null(Type.STRING) if is_null(value) else value


def _bucket(chart: bool) -> Callable[[Lower, Event, Bound], None]:
    def run(lower: Lower, event: Event, bound: Bound) -> None:
        """https://library.humio.com/data-analysis/functions-bucket.html"""
        time = event.peek("@timestamp")
        if is_null(time) and bound.context.open_schema:
            time = e.null(Type.DATETIME)
        if time.type is not Type.DATETIME:
            bound.context.diagnostics.error("E305", f"{bound.function.name} needs the time of the event, which the rows here do not have", bound.span)
            return
        size = _span_of(event, time, bound)
        if size is None:
            return
        keys = _keys(event, bound.fields("series" if chart else "field"))
        bucketed = event.hold(call("time.bin", time, size, span=bound.span))
        group(lower, event, [n.Item("_bucket", bucketed), *keys], _functions(lower, event, bound), bound.span)
        plan = event.rows.flush()
        event.rows.wrap(n.Sort(plan, (e.SortKey(n.column(plan, "_bucket")),), bound.span))

    return run


def _span_of(event: Event, time: e.Expr, bound: Bound) -> e.Expr | None:
    written = bound.text("span")
    if written is None or written.lower() == "auto":
        said = "no span is given: it is chosen from the events' own times, where LogScale goes by the time range of the search"
        bound.context.diagnostics.warn("W139", said, bound.span, help="write span=1h")
        return _own_span(event, time, bound)
    found = _SPAN.match(written.strip())
    if found is None:
        bound.wrong("span", "a length of time such as 1h")
        return None
    unit = found.group(2).lower()
    short = "ms" if unit == "ms" or unit.startswith("mil") else unit[0]
    return e.Literal(int(found.group(1)) * _TICKS[short], Type.TIMESPAN)


def _own_span(event: Event, time: e.Expr, bound: Bound) -> e.Expr:
    """Return the smallest width of an even length that makes at most a hundred buckets of the events."""
    low, high = event.rows.fresh(), event.rows.fresh()
    held = event.hold(time)
    items = (n.Item(low, window("agg.min", held)), n.Item(high, window("agg.max", held)))
    event.rows.wrap(n.Window(event.rows.flush(), items, bound.span))
    whole = call("time.difference", e.Column(high, Type.DATETIME), e.Column(low, Type.DATETIME))
    steps = [_TICKS[unit] * times for unit, times in (("s", 1), ("s", 5), ("s", 30), ("m", 1), ("m", 5), ("m", 30), ("h", 1), ("h", 6), ("d", 1), ("w", 1))]
    arms = tuple((call("compare.le", whole, e.Literal(100 * ticks, Type.TIMESPAN)), e.Literal(ticks, Type.TIMESPAN)) for ticks in steps)
    return event.hold(e.Case(arms, e.Literal(30 * _TICKS["d"], Type.TIMESPAN), Type.TIMESPAN))


FUNCTIONS = (
    Function("groupBy", "step", ("field", "function", "limit"), _group_by),
    Function("stats", "step", ("function",), _stats),
    Function("top", "step", ("field", "limit", "sum", "max", "as", "percent", "rest", "error"), _top),
    Function("sort", "step", ("field", "order", "type", "limit", "reverse"), _sort),
    Function("head", "step", ("limit",), _head(descending=False)),
    Function("tail", "step", ("limit",), _head(descending=True)),
    Function("table", "step", ("fields", "limit", "sortby", "order", "type", "reverse"), _table),
    Function("bucket", "step", ("span", "field", "function", "limit", "buckets", "minSpan", "timezone", "unit"), _bucket(chart=False)),
    Function("timeChart", "step", ("series", "span", "function", "limit", "buckets", "minSpan", "timezone", "unit"), _bucket(chart=True)),
)
