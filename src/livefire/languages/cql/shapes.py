"""Steps that turn rows into other rows: transpose, fieldset, the reductions and sets of arrays, selfJoin, sample and counters.

https://library.humio.com/data-analysis/functions-transpose.html
"""

from __future__ import annotations

from collections.abc import Callable

from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.aggregates import Gathered, group
from livefire.languages.cql.arrays import array_name
from livefire.languages.cql.event import Bag, Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.intervals import within
from livefire.languages.cql.ordering import fields_of, order
from livefire.languages.cql.parsing import Named
from livefire.languages.cql.relations import functions_of, rows_of_groups
from livefire.languages.cql.rows import is_null
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, call, window
from livefire.schema import Type

_ROWS, _MOST_ROWS = 5, 1000


def _alone(event: Event, bound: Bound) -> bool:
    if event.forked:
        bound.context.diagnostics.error("E305", f"{bound.function.name} inside case does not run here", bound.span)
    return not event.forked


def _transpose(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-transpose.html

    Each field becomes a row, named in `column`, and each row a field row[1], row[2] …, or one named
    by what the row has in the field `header`.
    """
    if bound.refuse("pivot"):
        return
    limit = bound.whole("limit", _ROWS)
    if not 1 <= limit <= _MOST_ROWS:
        bound.wrong("limit", f"a whole number from 1 to {_MOST_ROWS:,}")
        return
    if not _alone(event, bound):
        return
    header, column = bound.text("header"), bound.text("column", "column") or "column"
    names = [x for x in fields_of(event) if x != header and not is_null(event.peek(x))]
    values = {x: event.hold(coerce.text(event.peek(x))) for x in names}
    heading = event.hold(coerce.text(event.read(header))) if header is not None else None
    most = min(limit, event.most if event.most is not None else limit)
    order(event, (), limit, bound)
    place = n.Item(event.rows.fresh(), window("window.row_number", row_order=True))
    event.rows.wrap(n.Window(event.rows.flush(), (place,), bound.span))
    number = e.Column(place.name, Type.LONG)
    key = heading if heading is not None and not is_null(heading) else call("number.text", number)
    pairs = event.hold(call("dynamic.array", *(_pair(x, key, values[x]) for x in names)))
    element, index = e.Column(event.rows.fresh(), Type.DYNAMIC), e.Column(event.rows.fresh(), Type.LONG)
    event.rows.wrap(n.Unnest(event.rows.flush(), pairs, element.name, index.name, outer=False, span=bound.span))
    made = aggregate("agg.merge_objects", event.hold(e.Path(element, ("o",))), order_by=(e.SortKey(number),), span=bound.span)
    name = event.hold(call("dynamic.text", e.Path(element, ("n",))))
    held = event.rows.fresh()
    group(lower, event, [n.Item(place.name, index), n.Item(column, name)], Gathered([n.Item(held, made)]), bound.span)
    order(event, (e.SortKey(e.Column(place.name, Type.LONG)),), None, bound)
    event.fields = {column: event.fields[column]}
    rows = e.Column(held, Type.DYNAMIC)
    if header is not None:
        event.push(Named("", rows))
        return
    for row in range(1, most + 1):
        event.replace(f"row[{row}]", call("dynamic.text", e.Path(rows, (str(row),))))


def _pair(name: str, key: e.Expr, value: e.Expr) -> e.Expr:
    """Return `{n: name, o: {key: value}}`; a row without the field has no such member."""
    member = call("dynamic.object", key, value)
    absent = call("logic.or", call("logic.is_null", value), call("logic.is_null", key))
    inside = e.Case(((absent, e.Literal("{}", Type.DYNAMIC)),), member, Type.DYNAMIC)
    return call("dynamic.object", e.text("n"), e.text(name), e.text("o"), inside)


def _fieldset(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-fieldset.html"""
    if not _alone(event, bound):
        return
    there: list[e.Expr] = []
    items: list[n.Item] = []
    for name in fields_of(event):
        value = event.peek(name)
        if is_null(value):
            continue
        item = n.Item(event.rows.fresh(), aggregate("agg.count", event.hold(coerce.text(value)), span=bound.span))
        items.append(item)
        there.append(e.Case(((call("compare.gt", e.Column(item.name, Type.LONG), e.whole(0)), e.text(name)),), e.null(Type.STRING), Type.STRING))
    group(lower, event, [], Gathered(items), bound.span)
    # Hidden counts are no fields; settled() leaves them out.
    names = event.hold(call("array.compact", call("dynamic.array", *there)))
    _unnested(event, names, "field", bound)


def _unnested(event: Event, array: e.Expr, name: str, bound: Bound) -> None:
    element = e.Column(event.rows.fresh(), Type.DYNAMIC)
    event.rows.wrap(n.Unnest(event.rows.flush(), array, element.name, outer=False, span=bound.span))
    event.fields = {}
    event.replace(name, call("dynamic.leaf", element))
    event.most = None


# arrays


def _elements(event: Event, bound: Bound, *, outer: bool = False) -> tuple[str, e.Column, e.Column] | None:
    """Make one row of each element of an array: its name in the function, the element, its place."""
    name = array_name(bound)
    if name is None or bound.need("function") is None or not _alone(event, bound):
        return None
    array = event.array(name)
    if is_null(array):
        array = e.Literal("[]", Type.DYNAMIC)
    element, index = e.Column(event.rows.fresh(), Type.DYNAMIC), e.Column(event.rows.fresh(), Type.LONG)
    event.rows.wrap(n.Unnest(event.rows.flush(), array, element.name, index.name, outer=outer, span=bound.span))
    var = bound.text("var") or name
    event.replace(var, call("dynamic.leaf", element))
    event.push(Bag(f"{var}.", element, None))
    return var, element, index


def _reduce_all(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-array-reduceall.html"""
    if _elements(event, bound) is not None:
        rows_of_groups(lower, event, [], bound)


def _reduce_column(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-array-reducecolumn.html"""
    found = _elements(event, bound)
    if found is None:
        return
    _, _, index = found
    gathered = functions_of(lower, event, bound)
    if not gathered.items:
        return
    target = (bound.text("as") or gathered.items[0].name).removesuffix("[]")
    value = gathered.items[0].name
    group(lower, event, [n.Item(event.rows.fresh(), index)], gathered, bound.span)
    place = next(name for name in event.rows.plan.schema.names if name.startswith("\x02"))
    listed = aggregate("agg.list_all", event.hold(coerce.text(event.peek(value))), order_by=(e.SortKey(e.Column(place, Type.LONG)),), span=bound.span)
    held = event.rows.fresh()
    group(lower, event, [], Gathered([n.Item(held, listed)]), bound.span)
    event.arrays[target], event.sizes[target] = e.Column(held, Type.DYNAMIC), None
    event.mentioned.setdefault(f"{target}[]")


def _reduce_row(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-array-reducerow.html"""
    shown = [x for x in fields_of(event) if not is_null(event.peek(x))]
    arrays = dict(event.arrays)
    if not _alone(event, bound):
        return
    row = n.Item(event.rows.fresh(), window("window.row_number", row_order=True))
    held = {x: event.hold(event.peek(x)) for x in shown}
    event.rows.wrap(n.Window(event.rows.flush(), (row,), bound.span))
    if _elements(event, bound, outer=True) is None:
        return
    gathered = functions_of(lower, event, bound)
    aggregates = {x: n.Item(event.rows.fresh(), aggregate("agg.any", v, span=bound.span)) for x, v in held.items()}
    lists = {x: n.Item(event.rows.fresh(), aggregate("agg.any", v, span=bound.span)) for x, v in arrays.items() if isinstance(v, e.Column)}
    gathered.items = [*gathered.items, *aggregates.values(), *lists.values()]
    made = [i.name for i in gathered.items if not i.name.startswith("\x02")]
    group(lower, event, [n.Item(row.name, e.Column(row.name, Type.LONG))], gathered, bound.span)
    order(event, (e.SortKey(e.Column(row.name, Type.LONG)),), None, bound)
    if bound.has("as") and len(made) == 1:
        event.fields[bound.text("as") or made[0]] = event.fields.pop(made[0])
    for name, item in aggregates.items():
        event.fields.setdefault(name, e.Column(item.name, item.expr.type))
    for name, item in lists.items():
        event.arrays[name], event.sizes[name] = e.Column(item.name, Type.DYNAMIC), None


def _set_of(*, every: bool) -> Callable[[Lower, Event, Bound], None]:
    def run(lower: Lower, event: Event, bound: Bound) -> None:
        """https://library.humio.com/data-analysis/functions-array-union.html"""
        name = array_name(bound)
        if name is None or not _alone(event, bound):
            return
        target = (bound.text("as") or f"_{bound.function.name.partition(':')[2]}").removesuffix("[]")
        array = event.hold(call("array.distinct", event.array(name))) if not is_null(event.array(name)) else e.Literal("[]", Type.DYNAMIC)
        total = n.Item(event.rows.fresh(), window("agg.count"))
        event.rows.wrap(n.Window(event.rows.flush(), (total,), bound.span))
        element = e.Column(event.rows.fresh(), Type.DYNAMIC)
        event.rows.wrap(n.Unnest(event.rows.flush(), array, element.name, outer=False, span=bound.span))
        value = event.hold(call("dynamic.leaf", element))
        many, all_rows, key = event.rows.fresh(), event.rows.fresh(), event.rows.fresh()
        counts = [n.Item(many, aggregate("agg.count")), n.Item(all_rows, aggregate("agg.max", e.Column(total.name, Type.LONG)))]
        group(lower, event, [n.Item(key, value)], Gathered(counts), bound.span)
        if every:
            event.keep(call("compare.eq", e.Column(many, Type.LONG), e.Column(all_rows, Type.LONG)), bound.span)
        held = event.rows.fresh()
        listed = aggregate("agg.set_sorted", e.Column(key, Type.STRING), span=bound.span)
        group(lower, event, [], Gathered([n.Item(held, listed)]), bound.span)
        event.arrays[target], event.sizes[target] = e.Column(held, Type.DYNAMIC), None
        event.mentioned.setdefault(f"{target}[]")

    return run


# joins of a stream with itself


def _self_join(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-selfjoin.html"""
    if bound.need("field") is None or bound.need("where") is None or bound.refuse("postfilter"):
        return
    given = {a.name: a for a in bound.call.args if a.name is not None}
    field, where = bound.get("field"), bound.get("where")
    assert field is not None and where is not None  # need() has seen them
    kept = (s.Argument("field", field, bound.place("field")), s.Argument("where", where, bound.place("where")))
    prefilter = tuple(a for name, a in given.items() if name.lower() == "prefilter")
    lower.steps(event, _one_step("selfJoinFilter", (*kept, *prefilter), bound))
    functions: list[s.Value] = []
    for parameter, function in (("collect", "collect"), ("select", "selectLast")):
        chosen = bound.get(parameter)
        if chosen is not None:
            functions.append(s.Call(function, (s.Argument(None, chosen, chosen.span),), bound.span, bound.span))
    limit = tuple(a for name, a in given.items() if name.lower() == "limit")
    lower.steps(event, _one_step("groupBy", (kept[0], s.Argument("function", s.Items(tuple(functions), bound.span), bound.span), *limit), bound))


def _one_step(name: str, args: tuple[s.Argument, ...], bound: Bound) -> s.Pipeline:
    return s.Pipeline((s.FilterStep(s.Call(name, args, bound.span, bound.call.name_span), bound.span),), bound.span)


def _set_interval(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-settimeinterval.html"""
    within(event, bound)


FUNCTIONS = (
    Function("transpose", "rows", ("header", "column", "limit", "pivot"), _transpose),
    Function("fieldset", "rows", (), _fieldset),
    Function("array:reduceAll", "rows", ("array", "function", "var"), _reduce_all),
    Function("array:reduceColumn", "rows", ("array", "function", "var", "as"), _reduce_column),
    Function("array:reduceRow", "rows", ("array", "function", "var", "as"), _reduce_row),
    Function("array:union", "rows", ("array", "as"), _set_of(every=False)),
    Function("array:intersection", "rows", ("array", "as"), _set_of(every=True)),
    Function("selfJoin", "rows", ("field", "where", "collect", "limit", "prefilter", "postfilter", "select"), _self_join),
    Function("setTimeInterval", "step", ("start", "end", "timezone"), _set_interval),
)
