"""Steps that put events in order and keep some of them: sort, head, tail and table.

Default limits are LogScale's and are said: https://library.humio.com/data-analysis/functions-sort.html.
Inside a function of groupBy they work on each group alone.
"""

from __future__ import annotations

from collections.abc import Callable

from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import is_null
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call, window
from livefire.schema import Type

_LIMIT = 200
_MOST = 200_000
_ANY = frozenset({"any", "number", "string", "hex"})


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


def order(event: Event, keys: tuple[e.SortKey, ...], limit: int | None, bound: Bound) -> None:
    """Put the events in order and keep the first of them, of each group where there are groups."""
    plan = event.rows.flush()
    if keys:
        plan = n.Sort(plan, keys, bound.span)
    if limit is not None:
        plan = _first(event, plan, limit, bound)
    event.rows.wrap(plan)
    event.aggregated = True


def _first(event: Event, plan: n.Plan, limit: int, bound: Bound) -> n.Plan:
    if not event.partition:
        event.most = limit if event.most is None else min(limit, event.most)
        return n.Limit(plan, limit, 0, bound.span)
    rank = event.rows.fresh()
    numbered = n.Window(plan, (n.Item(rank, window("window.row_number", partition_by=event.partition, row_order=True)),), bound.span)
    return n.Filter(numbered, call("compare.le", n.column(numbered, rank), e.whole(limit)), bound.span)


def _sort(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-sort.html"""
    words = bound.fields("field") or [s.Word("_count", "_count", quoted=False, span=bound.span)]
    order(event, order_of(event, words, bound), limit_of(bound, _LIMIT), bound)


def order_of(event: Event, words: list[s.Word], bound: Bound) -> tuple[e.SortKey, ...]:
    """Return the keys of sort and of table's sortby: one order and one type for all fields, or one for each."""
    orders = [w.text.lower() for w in bound.words("order")] or ["desc"]
    if bound.has("reverse"):
        orders = ["desc" if bound.flag("reverse") else "asc"]
    kinds = [w.text.lower() for w in bound.words("type")] or ["number"]
    if any(o not in ("asc", "desc", "ascending", "descending") for o in orders):
        bound.wrong("order", "asc or desc")
    if any(k not in _ANY for k in kinds):
        bound.wrong("type", "number, string, hex or any")
    keys: list[e.SortKey] = []
    for place, word in enumerate(words):
        descending = orders[min(place, len(orders) - 1)].startswith("desc")
        keys.extend(sort_keys(event, event.read(word.text), kinds[min(place, len(kinds) - 1)], descending))
    return tuple(keys)


def sort_keys(event: Event, value: e.Expr, kind: str, descending: bool) -> list[e.SortKey]:
    """Numbers go by magnitude, then texts by their characters; events without the field come last."""
    if is_null(value):
        return []
    if kind == "string":
        return [e.SortKey(event.hold(coerce.text(value)), descending)]
    if value.type.numeric or value.type is Type.DATETIME:
        return [e.SortKey(value, descending)]
    held = event.hold(coerce.text(value))
    number = call("number.parse_base", held, e.whole(16)) if kind == "hex" else coerce.number(value)
    return [e.SortKey(event.hold(number), descending), e.SortKey(held, descending)]


def _head(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-head.html"""
    limit, time = limit_of(bound, _LIMIT), event.peek("@timestamp")
    order(event, () if event.aggregated or is_null(time) else (e.SortKey(time),), limit, bound)


def _tail(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-tail.html"""
    limit, time = limit_of(bound, _LIMIT), event.peek("@timestamp")
    if event.aggregated or is_null(time):
        _last(event, limit, bound)
        return
    order(event, (e.SortKey(time, True),), limit, bound)
    order(event, (e.SortKey(time, False),), None, bound)


def _last(event: Event, limit: int, bound: Bound) -> None:
    """Keep the last rows in the order they already have."""
    place, size = event.rows.fresh(), event.rows.fresh()
    items = (
        n.Item(place, window("window.row_number", partition_by=event.partition, row_order=True)),
        n.Item(size, window("agg.count", partition_by=event.partition)),
    )
    plan = n.Window(event.rows.flush(), items, bound.span)
    left = call("number.subtract", n.column(plan, size), n.column(plan, place), type=Type.LONG)
    event.rows.wrap(n.Filter(plan, call("compare.lt", left, e.whole(limit)), bound.span))
    event.aggregated = True


def _table(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-table.html"""
    if bound.need("fields") is None:
        return
    words = bound.fields("fields")
    values = {w.text: event.read(w.text) for w in words}
    limit = limit_of(bound, _LIMIT)
    by = bound.fields("sortby")
    if by:
        order(event, order_of(event, by, bound), limit, bound)
    elif not event.aggregated and not is_null(time := event.peek("@timestamp")):
        ascending = (bound.text("order", "desc") or "desc").lower().startswith("asc")
        order(event, (e.SortKey(time, not ascending),), limit, bound)
    else:
        order(event, (), limit, bound)
    settle(lower, event, {name: shown(value) for name, value in values.items()}, bound)


def settle(lower: Lower, event: Event, values: dict[str, e.Expr], bound: Bound) -> None:
    """Go on with rows of exactly these fields, in the groups that they are in."""
    within = [n.Item(event.rows.fresh(), part) for part in event.partition]
    items = [n.Item(name, value) for name, value in values.items()]
    most = event.most
    event.become(lower.rows_of(event.rows.finish([*within, *items], bound.span)))
    event.partition = tuple(e.Column(item.name, item.expr.type) for item in within)
    event.most = most


def shown(value: e.Expr) -> e.Expr:
    """Return a value as a column of a table: objects are no values."""
    if value.type is Type.DYNAMIC:
        return coerce.text(value)
    return e.null(Type.STRING) if is_null(value) else value


def fields_of(event: Event) -> list[str]:
    """Return the names of the fields that are there to be shown, in order."""
    names = list(event.base.names) if event.base is not None and not event.closed else []
    return [x for x in dict.fromkeys([*names, *event.mentioned, *event.fields]) if x in event.fields or not is_null(event.peek(x))]


Run = Callable[[Lower, Event, Bound], None]

FUNCTIONS = (
    Function("sort", "rows", ("field", "order", "type", "limit", "reverse"), _sort),
    Function("head", "rows", ("limit",), _head),
    Function("tail", "rows", ("limit",), _tail),
    Function("table", "rows", ("fields", "limit", "sortby", "order", "type", "reverse"), _table),
)
