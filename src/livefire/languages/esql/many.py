"""Functions of ES|QL over several values, and those that choose between values.

https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/mv-functions
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from livefire.languages.esql import maths
from livefire.languages.esql import values as v
from livefire.languages.esql.use import Builder, Use
from livefire.languages.esql.values import PLAN_TYPES, Kind, Value
from livefire.languages.kit.ast import Constant
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Type


def case(use: Use) -> Value:
    """`case(condition, value, …[, otherwise])`: the value of the first condition that is true; null where none is."""
    pairs = use.count // 2
    conditions = [use.expressions.condition(use.ast(2 * i)) for i in range(pairs)]
    values = [use.value(2 * i + 1) for i in range(pairs)]
    values.append(use.value(use.count - 1) if use.count % 2 else v.null())
    kind = _common(use, values)
    if kind is None:
        return v.null()
    sides, many = v.unify(values, kind)
    type = Type.DYNAMIC if many else PLAN_TYPES[kind]
    return Value(e.Case(tuple(zip(conditions, sides[:-1], strict=True)), sides[-1], type), kind, many)


def coalesce(use: Use) -> Value:
    """`coalesce(value, …)`: the first that is not null; several values are not null."""
    values = use.values()
    kind = _common(use, values)
    if kind is None:
        return v.null()
    sides, many = v.unify(values, kind)
    if many:
        sides = [e.Case(((use.expressions.missing(x), e.null(Type.DYNAMIC)),), s, Type.DYNAMIC) if x.many else s for x, s in zip(values, sides, strict=True)]
    return Value(call("logic.coalesce", *sides, span=use.span), kind, many)


def _common(use: Use, values: list[Value]) -> Kind | None:
    kind = v.common_kind(values)
    if kind is None or kind in (Kind.SPAN, Kind.PERIOD):
        kinds = ", ".join(dict.fromkeys(x.kind.value for x in values if x.kind is not Kind.NULL))
        use.expressions.error("E104", f"the values of {use.node.function} must be of one type, and they are {kinds}", use.span, "convert them with ::")
        return None
    return kind


def extremes(meaning: str) -> Builder:
    """Return the builder of `greatest` and `least`."""

    def build(use: Use) -> Value:
        values = use.values()
        kind = _common(use, values)
        if kind is None:
            return v.null()
        if kind is Kind.ANY:
            return _untyped(use)
        return maths.extreme_of(meaning, values, kind)

    return build


def clamp(use: Use) -> Value:
    """`clamp(value, least, most)`: null where one is null."""
    value, least, most = use.values()
    kind = _common(use, [value, least, most])
    if kind is None or kind is Kind.ANY:
        return _untyped(use) if kind is Kind.ANY else v.null()
    raised = maths.extreme_of("compare.greatest", [value, least], kind)
    return maths.extreme_of("compare.least", [raised, most], kind)


def round_to(use: Use) -> Value:
    """`round_to(value, points…)`: the greatest constant point not above the value, the least point for a value below all."""
    value, *points = use.values()
    kind = _common(use, [value, *points])
    if kind is None or kind is Kind.ANY:
        return _untyped(use) if kind is Kind.ANY else v.null()
    stops = [x for x in (v.scalar(p, kind) for p in points) if isinstance(x, e.Literal) and isinstance(x.value, (int, float, datetime))]
    if len(stops) < len(points) or not (kind.numeric or kind is Kind.DATE):
        return use.expressions.error("E305", "the points of round_to must be constant numbers or dates", use.span, "write them as numbers", kind)
    number = v.scalar(value, kind)
    ordered = sorted(stops, key=lambda x: x.value)  # type: ignore[arg-type,return-value]  # of one type, as checked
    arms = ((call("logic.is_null", number), e.null(number.type)), *((call("compare.ge", number, stop), stop) for stop in reversed(ordered)))
    return Value(e.Case(arms, ordered[0], number.type), kind)


def _untyped(use: Use) -> Value:
    return use.expressions.error("E305", f"{use.node.function} needs fields whose type is known", use.span, "convert them: field::long, field::keyword")


def count(use: Use) -> Value:
    """`mv_count`: null for no value."""
    value = use.value(0)
    size = call("array.length", v.array(value), span=use.span)
    return Value(call("convert.to_int", call("logic.null_if", size, e.whole(0))), Kind.INT)


def join(use: Use) -> Value:
    """`mv_concat(values, delimiter)`."""
    value, delimiter = use.value(0), use.text(1)
    if not value.kind.textual and value.kind not in (Kind.ANY, Kind.NULL):
        use.wrong(0, "keyword", value.kind)
        return v.null(Kind.TEXT)
    joined = call("text.join", call("logic.null_if", v.array(value), e.Literal("[]", Type.DYNAMIC)), delimiter, span=use.span)
    return Value(e.Case(((call("logic.is_null", delimiter), e.null(Type.STRING)),), joined, Type.STRING), Kind.TEXT)


def at(place: int) -> Builder:
    """Return the builder of `mv_first` and `mv_last`."""

    def build(use: Use) -> Value:
        value = use.value(0)
        if not value.many:
            return value
        return _typed(call("dynamic.element", v.array(value), e.whole(place), span=use.span), value.kind)

    return build


def _typed(element: e.Expr, kind: Kind) -> Value:
    found = Value(element, kind)
    return found if kind in (Kind.ANY, Kind.NULL) else Value(v.scalar(found, kind), kind)


def extreme(*, greatest: bool) -> Builder:
    """Return the builder of `mv_max` and `mv_min`."""

    def build(use: Use) -> Value:
        value = use.value(0)
        if not value.many:
            return value
        ordered = call("multi.sorted", v.array(value), e.text(v.order_of(value.kind)), e.Literal(greatest, Type.BOOL), span=use.span)
        return _typed(call("dynamic.element", ordered, e.whole(0)), value.kind)

    return build


def sort(use: Use) -> Value:
    """`mv_sort(values[, "asc" or "desc"])`."""
    value = use.value(0)
    down = False
    if use.count > 1:
        node = use.ast(1)
        if not isinstance(node, Constant) or str(node.value).lower() not in ("asc", "desc"):
            return use.expressions.error("E104", 'the order of mv_sort is "asc" or "desc"', node.span)
        down = str(node.value).lower() == "desc"
    return v.shown(call("multi.sorted", v.array(value), e.text(v.order_of(value.kind)), e.Literal(down, Type.BOOL), span=use.span), value.kind)


def dedupe(use: Use) -> Value:
    """`mv_dedupe`."""
    value = use.value(0)
    return v.shown(call("array.distinct", v.array(value), span=use.span), value.kind) if value.many else value


def slice_of(use: Use) -> Value:
    """`mv_slice(values, start[, end])`: both counted from 0 and taken, from the end when negative."""
    value, start = use.value(0), use.constant_whole(1)
    end = use.constant_whole(2) if use.count > 2 else start
    if start is None or end is None:
        return v.null(value.kind)
    if end < start and (end < 0) == (start < 0):
        return use.expressions.error("E104", "the end of mv_slice cannot lie before its start", use.span, kind=value.kind)
    values = v.array(value)
    if start < 0:
        # A start before the first value takes nothing unless the end is beyond it; the first value is then the start.
        size = call("array.length", values)
        far = call("compare.lt", call("number.add", size, e.whole(end), type=Type.LONG), e.whole(0)) if end < 0 else e.FALSE
        sliced = call("dynamic.slice", values, e.whole(start), e.whole(end), span=use.span)
        return v.shown(e.Case(((far, e.Literal("[]", Type.DYNAMIC)),), sliced, Type.DYNAMIC), value.kind)
    return v.shown(call("dynamic.slice", values, e.whole(start), e.whole(end), span=use.span), value.kind)


def append(use: Use) -> Value:
    """`mv_append(a, b, …)`: null where one is."""
    values = use.values()
    kind = _common(use, values)
    if kind is None:
        return v.null()
    missing = any_of(*(use.expressions.missing(x) for x in values))
    joined = call("multi.shown", call("dynamic.concat", *(v.array(x) for x in values), span=use.span))
    return Value(e.Case(((missing, e.null(Type.DYNAMIC)),), joined, Type.DYNAMIC), kind, many=True)


def _pair(use: Use) -> tuple[Value, Value, Kind] | None:
    first, second = use.value(0), use.value(1)
    kind = _common(use, [first, second])
    return (first, second, kind) if kind is not None else None


def common(use: Use) -> Value:
    """`mv_intersection(a, b)`: the values that both have, each once; null for none."""
    found = _pair(use)
    if found is None:
        return v.null()
    first, second, kind = found
    return v.shown(call("multi.common", v.array(first), v.array(second), span=use.span), kind)


def union(use: Use) -> Value:
    """`mv_union(a, b)`: the values that either has, each once; null only where both are."""
    found = _pair(use)
    if found is None:
        return v.null()
    first, second, kind = found
    return v.shown(call("array.distinct", call("dynamic.concat", v.array(first), v.array(second)), span=use.span), kind)


def difference(use: Use) -> Value:
    """`mv_difference(a, b)`: the values of the first that the second does not have; null where the first is, or none is left."""
    found = _pair(use)
    if found is None:
        return v.null()
    first, second, kind = found
    return v.shown(call("array.difference", v.array(first), v.array(second), span=use.span), kind)


def intersects(use: Use) -> Value:
    """`mv_intersects(a, b)`: whether they share a value."""
    found = _pair(use)
    if found is None:
        return v.null(Kind.BOOL)
    first, second, _ = found
    shared = call("array.length", call("multi.common", v.array(first), v.array(second)), span=use.span)
    return Value(call("compare.gt", shared, e.whole(0)), Kind.BOOL)


def holds_all(use: Use) -> Value:
    """`mv_contains(a, b)`: whether the first has every value of the second; an empty second always is."""
    found = _pair(use)
    if found is None:
        return v.null(Kind.BOOL)
    first, second, _ = found
    return Value(call("multi.holds_all", v.array(first), v.array(second), span=use.span), Kind.BOOL)


def total(use: Use) -> Value:
    """`mv_sum`."""
    value = use.value(0)
    if value.kind in (Kind.INT, Kind.LONG) and value.many:
        whole = call("multi.sum_whole", v.array(value), span=use.span)
        return Value(call("convert.to_int", whole) if value.kind is Kind.INT else whole, value.kind)
    if not value.many:
        return use.number(0)
    if value.kind not in (Kind.DOUBLE, Kind.ANY):
        use.wrong(0, "a number", value.kind)
        return v.null(Kind.DOUBLE)
    return Value(call("multi.sum", v.array(value), span=use.span), Kind.DOUBLE)


def average(use: Use) -> Value:
    """`mv_avg` as a double."""
    value = use.value(0)
    if not value.kind.numeric and value.kind not in (Kind.ANY, Kind.NULL):
        use.wrong(0, "a number", value.kind)
        return v.null(Kind.DOUBLE)
    values = v.array(value)
    size = call("logic.null_if", call("array.length", values), e.whole(0))
    return Value(call("number.divide", call("multi.sum", values), size, span=use.span), Kind.DOUBLE)


def zip_of(use: Use) -> Value:
    """`mv_zip(a, b[, delimiter])`: texts joined place by place, with a comma if nothing is said; the longer one's rest stays alone."""
    first, second = use.value(0), use.value(1)
    for place, value in enumerate((first, second)):
        if not value.kind.textual and value.kind not in (Kind.ANY, Kind.NULL):
            use.wrong(place, "keyword", value.kind)
            return v.null(Kind.TEXT)
    delimiter = use.text(2) if use.count > 2 else e.text(",")
    return v.shown(call("multi.zip", v.array(first), v.array(second), delimiter, span=use.span), Kind.TEXT)


def weighted_series(use: Use) -> Value:
    """`mv_pseries_weighted_sum(values, p)`: each value divided by its place to the power p."""
    value = use.value(0)
    if value.kind not in (Kind.DOUBLE, Kind.ANY, Kind.NULL):
        use.wrong(0, "double", value.kind)
        return v.null(Kind.DOUBLE)
    return maths.finite(call("multi.weighted_series", v.array(value), v.number(use.number(1)), span=use.span))


def percentile(use: Use) -> Value:
    """`mv_percentile(values, percent)`: between two values by their distance, cut to a whole number for whole numbers."""
    percent = use.value(1).expr
    if not isinstance(percent, e.Literal) or isinstance(percent.value, bool) or not isinstance(percent.value, (int, float)) or not 0 <= percent.value <= 100:
        return use.expressions.error("E305", "the percentile of mv_percentile must be a constant from 0 to 100", use.ast(1).span, kind=Kind.DOUBLE)
    return _summary(use, lambda values: call("multi.percentile", values, percent, span=use.span))


def deviation(use: Use) -> Value:
    """`mv_median_absolute_deviation(values)`; of whole numbers only where their median is whole too."""
    value = use.value(0)
    if value.kind in (Kind.INT, Kind.LONG):
        words = "mv_median_absolute_deviation of whole numbers rounds at each step in Elasticsearch, and is not built"
        return use.expressions.error("E302", words, use.node.name_span, "convert the values: field::double", value.kind)
    return _summary(use, lambda values: call("multi.deviation", values, span=use.span))


def _summary(use: Use, compute: Callable[[e.Expr], e.Expr]) -> Value:
    value = use.value(0)
    if not value.kind.numeric and value.kind not in (Kind.ANY, Kind.NULL):
        use.wrong(0, "a number", value.kind)
        return v.null(Kind.DOUBLE)
    real = compute(v.array(value))
    if value.kind in (Kind.INT, Kind.LONG):
        whole = call("number.to_long", real)
        return Value(call("convert.to_int", whole) if value.kind is Kind.INT else whole, value.kind)
    return Value(real, Kind.DOUBLE)


def median(use: Use) -> Value:
    """`mv_median`: the middle value; of an even number the mean of the two middle ones, cut to a whole number for whole numbers."""
    value = use.number(0) if not use.value(0).many else use.value(0)
    if not value.many:
        return value
    if not value.kind.numeric and value.kind is not Kind.ANY:
        use.wrong(0, "a number", value.kind)
        return v.null(Kind.DOUBLE)
    kind = value.kind if value.kind.numeric else Kind.DOUBLE
    ordered = call("multi.sorted", v.array(value), e.text("number"), e.FALSE)
    size = call("array.length", ordered)
    low = call("number.divide_whole", call("number.subtract", size, e.whole(1), type=Type.LONG), e.whole(2))
    high = call("number.divide_whole", size, e.whole(2))
    a, b = (v.number(Value(call("dynamic.element", ordered, place), kind), Kind.DOUBLE) for place in (low, high))
    if kind is Kind.DOUBLE:
        mean = call("number.divide", call("number.add", a, b, type=Type.REAL), e.whole(2), span=use.span)
        return Value(e.Case(((all_of(negate(call("compare.eq", size, e.whole(0)))), mean),), e.null(Type.REAL), Type.REAL), kind)
    both = [v.number(Value(call("dynamic.element", ordered, place), kind), Kind.LONG) for place in (low, high)]
    mean = call("number.divide_whole", call("number.add", *both, type=Type.LONG), e.whole(2), span=use.span)
    return Value(call("convert.to_int", mean) if kind is Kind.INT else mean, kind)
