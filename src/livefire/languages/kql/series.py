"""`make-series`. https://learn.microsoft.com/kusto/query/make-series-operator"""

from __future__ import annotations

from collections.abc import Callable

from livefire.languages.kql import coerce
from livefire.languages.kql import nodes as k
from livefire.languages.kql.grouping import group_keys
from livefire.languages.kql.naming import Namer, default_name
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import Gathered, Relation, Scope, fill
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, all_of, call
from livefire.schema import Type


def make_series(scope: Scope, relation: Relation, step: k.MakeSeries) -> Relation:
    """`make-series items on axis from a to b step c by keys`: an array of bins a group, empty bins filled with the default."""
    axis = lower_scalar(scope.over(relation), step.axis.value)
    if step.step is None:
        scope.error("E105", "make-series needs its step", step.span, "write: step 1h")
        return Relation(relation.plan, open=True)
    if axis.type not in (Type.DATETIME, Type.LONG, Type.INT, Type.REAL):
        if axis.type is not Type.UNKNOWN:
            scope.error("E104", f"the axis is a datetime or a number, not a {axis.type.value}", step.axis.span)
        return Relation(relation.plan, open=True)
    size = lower_scalar(scope.bare(), step.step)
    start, count = _range(scope, relation, step, axis, size)
    place = _place(axis, start, size)
    names = Namer()
    keyed, keys = group_keys(scope, relation, step.keys, names)
    binned = _binned(scope, keyed, place, count)
    return _series(scope, relation, step, binned, keys, (start, count, size, axis.type), names)


def _number(value: e.Expr) -> e.Expr:
    """Return a datetime or timespan as ticks, a number as a real."""
    if value.type is Type.DATETIME:
        return call("convert.datetime_ticks", value)
    if value.type is Type.TIMESPAN:
        return call("logic.cast", value, type=Type.LONG)
    return coerce.to_real(value)


def _steps(distance: e.Expr, size: e.Expr) -> e.Expr:
    """Return how many whole steps fit, rounded down."""
    if distance.type is Type.REAL:
        return call("number.floor", call("number.divide", distance, coerce.to_real(size)), type=Type.LONG)
    cut = call("number.bin", distance, size, type=Type.LONG)
    return call("number.divide_whole", cut, size, type=Type.LONG)


def _distance(value: e.Expr, start: e.Expr) -> e.Expr:
    a, b = _number(value), _number(start)
    return call("number.subtract", a, b, type=a.type)


def _place(axis: e.Expr, start: e.Expr, size: e.Expr) -> e.Expr:
    return _steps(_distance(axis, start), _number(size))


def _range(scope: Scope, relation: Relation, step: k.MakeSeries, axis: e.Expr, size: e.Expr) -> tuple[e.Expr, e.Expr]:
    """Return where the series starts and its number of bins; an end that is not written is that of the data."""
    start = lower_scalar(scope.bare(), step.start) if step.start is not None else _end_of_data(scope, relation, axis, "agg.min")
    if step.start is None and axis.type is Type.DATETIME:
        start = call("time.bin", start, size)
    elif step.start is None:
        start = call("number.bin", coerce.to_real(start), coerce.to_real(size), type=Type.REAL)
    one = e.whole(1)
    if step.stop is None:
        last = _place(_end_of_data(scope, relation, axis, "agg.max"), start, size)
        return start, call("number.add", last, one, type=Type.LONG)
    stop = lower_scalar(scope.bare(), step.stop)
    if step.inclusive:
        return start, call("number.add", _place(stop, start, size), one, type=Type.LONG)
    # The end is not part of the series, so the bins are the steps rounded up.
    backwards = _distance(start, stop)
    return start, call("number.negate", _steps(backwards, _number(size)))


def _end_of_data(scope: Scope, relation: Relation, axis: e.Expr, meaning: str) -> e.Expr:
    name = scope.state.name("end")
    return e.ScalarQuery(n.Aggregate(relation.plan, (), (n.Item(name, aggregate(meaning, axis)),)), axis.type)


def _binned(scope: Scope, keyed: Relation, place: e.Expr, count: e.Expr) -> tuple[Relation, str]:
    name = scope.state.name("place")
    plan = n.Project(keyed.plan, (*n.keep_all(keyed.plan), n.Item(name, place)))
    inside = all_of(call("compare.ge", e.Column(name, Type.LONG), e.whole(0)), call("compare.lt", e.Column(name, Type.LONG), count))
    return keyed.with_plan(n.Filter(plan, inside)), name


def _series(
    scope: Scope,
    relation: Relation,
    step: k.MakeSeries,
    binned: tuple[Relation, str],
    keys: list[tuple[str, str, Type]],
    axis: tuple[e.Expr, e.Expr, e.Expr, Type],
    names: Namer,
) -> Relation:
    rows, place = binned
    start, count, size, kind = axis
    gathered = Gathered(aggregates=[])
    inner = Scope(scope.state, scope.frame, rows, scope.over(relation).columns, gathered=gathered)
    found: list[tuple[str, e.Expr, e.Expr]] = []
    for item in step.items:
        value = lower_scalar(inner, item.value)
        default = lower_scalar(scope.bare(), item.default) if item.default is not None else e.whole(0)
        name = item.name if item.name is not None else default_name(item.value)
        shown = names.unique(name) if name is not None else names.numbered()
        found.append((shown, value, coerce.fit(default, value.type) if default.type.numeric and value.type.numeric else default))
    # A constant key makes no rows give no series, as Kusto does, where a group of all rows would give one.
    one_group = n.Item(scope.state.name("key"), e.whole(1))
    never_empty = any(o.name == "kind" and o.value == "nonempty" for o in step.options)
    hidden_keys = tuple(n.Item(h, e.Column(h, t)) for _, h, t in keys) or (() if never_empty else (one_group,))
    outer_keys = tuple(n.Item(i.name, e.Column(i.name, i.expr.type)) for i in hidden_keys)
    grouped: n.Plan = n.Aggregate(rows.plan, (*hidden_keys, n.Item(place, e.Column(place, Type.LONG))), tuple(gathered.aggregates or ()))
    name_of_place = call("number.text", e.Column(place, Type.LONG))
    packed = [n.Item(scope.state.name("bin"), call("dynamic.object", name_of_place, coerce.to_dynamic(value))) for _, value, _ in found]
    bins = n.Project(grouped, (*outer_keys, *packed))
    merged = tuple(n.Item(p.name, aggregate("agg.merge_objects", e.Column(p.name, Type.DYNAMIC), type=Type.DYNAMIC)) for p in packed)
    whole = n.Aggregate(bins, outer_keys, merged)
    items = [n.Item(name, fill(e.Column(h, t))) for name, h, t in keys]
    for (name, _, default), column in zip(found, merged, strict=True):
        series = call("array.of_places", e.Column(column.name, Type.DYNAMIC), count, coerce.to_dynamic(default), span=step.span)
        items.append(n.Item(name, series))
    items.append(n.Item(names.unique(step.axis.names[0] if step.axis.names else default_name(step.axis.value) or "Column1"), _axis(start, count, size, kind)))
    return Relation(n.Project(whole, tuple(items), step.span))


def _axis(start: e.Expr, count: e.Expr, size: e.Expr, kind: Type) -> e.Expr:
    steps = call("number.subtract", count, e.whole(1), type=Type.LONG)
    if kind is Type.DATETIME:
        last = call("time.add", start, call("number.multiply", size, steps, type=Type.TIMESPAN))
        return call("array.range_datetime", start, last, size)
    wide = Type.REAL if Type.REAL in (kind, size.type) else Type.LONG
    low, width = coerce.to_long(start) if wide is Type.LONG else coerce.to_real(start), coerce.fit(size, wide)
    last = call("number.add", low, call("number.multiply", width, coerce.fit(steps, wide), type=wide), type=wide)
    return call("array.range", low, last, width)


STEPS: dict[type, Callable[..., Relation]] = {k.MakeSeries: make_series}
