"""The aggregates of ES|QL; several values of a row each count.

https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/aggregation-functions
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from livefire.diagnostics import Span
from livefire.languages.esql import functions
from livefire.languages.esql import values as v
from livefire.languages.esql.expressions import Expressions
from livefire.languages.esql.use import Use
from livefire.languages.esql.values import Kind, Value
from livefire.languages.kit.ast import Apply, Constant, Name, Star
from livefire.plan import expr as e
from livefire.plan.functions import aggregate, all_of, call, negate
from livefire.schema import Type


@dataclass(frozen=True, slots=True)
class Group:
    """One call of an aggregate with its filter."""

    use: Use
    where: e.Expr | None

    @property
    def span(self) -> Span:
        """The place of the call."""
        return self.use.span

    def over(self, meaning: str, *args: e.Expr, type: Type | None = None) -> e.Aggregate:
        """Return an aggregate over the rows that pass the filter."""
        return aggregate(meaning, *args, type=type, where=self.where, span=self.span)

    def refuse_many(self, value: Value) -> bool:
        """Report an aggregate that does not take several values of a row here."""
        if value.many:
            words = f"{self.use.node.function} over a field that may have several values is not supported"
            self.use.expressions.error("E305", words, self.span, "MV_EXPAND the field before")
        return value.many

    def approximate(self) -> None:
        """Say that Elasticsearch gives an estimate where livefire is exact."""
        words = f"{self.use.node.function} is exact here; Elasticsearch estimates it over many values"
        self.use.expressions.context.diagnostics.notice("N171", words, self.span)


def build(node: Apply, expressions: Expressions, where: e.Expr | None) -> Value:
    """Return an aggregate as an expression over the rows of a group."""
    least, most, make = _AGGREGATES[node.function]
    if not least <= len(node.args) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        return expressions.error("E105", f"{node.function} takes {wanted} arguments, found {len(node.args)}", node.span)
    for arg in node.args:
        if isinstance(arg.value, Apply) and arg.value.function in functions.AGGREGATES:
            return expressions.error("E104", "an aggregate cannot stand inside another", arg.value.span, "aggregate in two STATS")
    return make(Group(Use(expressions, node), where))


def _count(group: Group) -> Value:
    if group.use.count == 0 or isinstance(group.use.ast(0), Star):
        return Value(group.over("agg.count"), Kind.LONG)
    node = group.use.ast(0)
    if isinstance(node, Constant):
        return Value(group.over("agg.count") if node.value is not None else e.whole(0), Kind.LONG)
    value = group.use.value(0)
    if value.kind is Kind.NULL:
        return Value(call("number.multiply", group.over("agg.count"), e.whole(0), type=Type.LONG), Kind.LONG)
    if not value.many:
        return Value(group.over("agg.count", value.expr), Kind.LONG)
    total = group.over("agg.sum", call("array.length", v.array(value)), type=Type.LONG)
    return Value(call("logic.coalesce", total, e.whole(0)), Kind.LONG)


def _count_distinct(group: Group) -> Value:
    group.approximate()
    value = group.use.value(0)
    if value.many:
        return Value(call("array.length", group.over("agg.union_arrays", v.array(value))), Kind.LONG)
    return Value(group.over("agg.count_distinct", value.expr), Kind.LONG)


def _numeric(group: Group, place: int = 0) -> Value | None:
    value = group.use.value(place)
    if not value.kind.numeric and value.kind not in (Kind.ANY, Kind.NULL):
        group.use.wrong(place, "a number", value.kind)
        return None
    return value


def _sum(group: Group) -> Value:
    value = _numeric(group)
    if value is None:
        return v.null(Kind.LONG)
    whole = value.kind in (Kind.INT, Kind.LONG)
    kind, type = (Kind.LONG, Type.LONG) if whole else (Kind.DOUBLE, Type.REAL)
    if value.many:
        inner = call("multi.sum_whole" if whole else "multi.sum", v.array(value))
        return Value(group.over("agg.sum", inner, type=type), kind)
    return Value(group.over("agg.sum", v.number(value, kind), type=type), kind)


def _avg(group: Group) -> Value:
    value = _numeric(group)
    if value is None:
        return v.null(Kind.DOUBLE)
    if value.many:
        values = v.array(value)
        total = group.over("agg.sum", call("multi.sum", values), type=Type.REAL)
        size = call("logic.null_if", group.over("agg.sum", call("array.length", values), type=Type.LONG), e.whole(0))
        return Value(call("number.divide", total, size), Kind.DOUBLE)
    return Value(group.over("agg.avg", v.number(value)), Kind.DOUBLE)


def _extreme(meaning: str) -> Callable[[Group], Value]:
    def make(group: Group) -> Value:
        value = group.use.value(0)
        if value.kind is Kind.NULL:
            return v.null()
        if value.kind is Kind.ANY:
            return _extreme_any(meaning, value, group)
        inner = v.extreme(value, greatest=meaning == "agg.max") if value.many else value.expr
        if value.kind is Kind.IP:
            by = "agg.arg_max" if meaning == "agg.max" else "agg.arg_min"
            return Value(group.over(by, inner, call("address.digits", inner)), value.kind)
        return Value(group.over(meaning, inner), value.kind)

    return make


def _extreme_any(meaning: str, value: Value, group: Group) -> Value:
    """A field of unknown mapping is ordered as text where it holds text, else by number."""
    element = v.extreme(value, greatest=meaning == "agg.max") if value.many else value.expr
    is_text = call("compare.eq", call("logic.type_name", element), e.text("string"))
    texts = group.over(meaning, e.Case(((is_text, call("dynamic.text", element)),), e.null(Type.STRING), Type.STRING))
    numbers = group.over(meaning, e.Case(((is_text, e.null(Type.REAL)),), call("dynamic.real", element), Type.REAL))
    found = e.Case(((negate(call("logic.is_null", texts)), call("dynamic.of", texts)),), call("dynamic.of", numbers), Type.DYNAMIC)
    return Value(found, Kind.ANY)


def _every(group: Group, value: Value) -> e.Expr:
    """Return all values of all rows in one array."""
    return call("multi.values", group.over("agg.list", v.array(value)))


_OF_ALL: dict[str, Callable[[e.Expr], e.Expr]] = {
    "agg.median": lambda every: call("multi.percentile", every, e.whole(50)),
    "agg.median_deviation": lambda every: call("multi.deviation", every),
}


def _over_real(meaning: str) -> Callable[[Group], Value]:
    def make(group: Group) -> Value:
        value = _numeric(group)
        if meaning in _OF_ALL:
            group.approximate()
            if value is not None and value.many:
                return Value(_OF_ALL[meaning](_every(group, value)), Kind.DOUBLE)
        if value is None or group.refuse_many(value):
            return v.null(Kind.DOUBLE)
        return Value(group.over(meaning, v.number(value), type=Type.REAL), Kind.DOUBLE)

    return make


def _percentile(group: Group) -> Value:
    group.approximate()
    value, percent = _numeric(group), group.use.value(1)
    literal = percent.expr
    if not isinstance(literal, e.Literal) or isinstance(literal.value, bool) or not isinstance(literal.value, (int, float)) or not 0 <= literal.value <= 100:
        return group.use.expressions.error("E104", "a percentile is a constant from 0 to 100", group.use.ast(1).span, kind=Kind.DOUBLE)
    if value is None:
        return v.null(Kind.DOUBLE)
    if value.many:
        return Value(call("multi.percentile", _every(group, value), literal), Kind.DOUBLE)
    return Value(group.over("agg.percentile_linear", v.number(value), literal), Kind.DOUBLE)


def _values(group: Group) -> Value:
    value = group.use.value(0)
    if value.many:
        every = group.over("agg.union_arrays", v.array(value))
        return v.shown(call("multi.sorted", every, e.text(v.order_of(value.kind)), e.FALSE), value.kind)
    inner = v.json(value) if value.kind is Kind.DATE else value.expr
    return v.shown(group.over("agg.set_sorted", inner), value.kind)


def _top(group: Group) -> Value:
    limit, order = group.use.constant_whole(1), group.use.constant(2) if group.use.count > 2 else "asc"
    if group.use.count > 3:
        return group.use.expressions.error("E305", "top with an output field is not supported", group.span, "use FIRST or LAST")
    if limit is None or order is None:
        return v.null()
    if limit <= 0 or order.lower() not in ("asc", "desc"):
        return group.use.expressions.error("E104", 'top takes a field, a number above 0, and "asc" or "desc"', group.span)
    value = group.use.value(0)
    listed = call("multi.values", group.over("agg.list", v.array(value) if value.many else value.expr))
    ordered = call("multi.sorted", listed, e.text(v.order_of(value.kind)), e.Literal(order.lower() == "desc", Type.BOOL))
    return v.shown(call("dynamic.slice", ordered, e.whole(0), e.whole(limit - 1)), value.kind)


def _edge(meaning: str) -> Callable[[Group], Value]:
    """FIRST and LAST: the value in the row with the least or greatest of the second field; rows without a value do not count."""

    def make(group: Group) -> Value:
        value = group.use.value(0)
        by = group.use.value(1) if group.use.count > 1 else group.use.expressions.value(Name("@timestamp", group.span))
        if by.kind is Kind.ANY and (group.use.expressions.scope.open or group.use.expressions.context.open_schema):
            return v.null(Kind.ANY)
        if by.kind not in (Kind.DATE, Kind.LONG, Kind.INT, Kind.DOUBLE):
            group.use.wrong(group.use.count - 1, "a date or number", by.kind)
            return v.null(value.kind)
        known = negate(group.use.expressions.missing(value))
        where = known if group.where is None else all_of(group.where, known)
        return Value(aggregate(meaning, value.expr, v.scalar(by, by.kind), where=where, span=group.span), value.kind, value.many)

    return make


def _weighted(group: Group) -> Value:
    value, weight = _numeric(group, 0), _numeric(group, 1)
    if value is None or weight is None or group.refuse_many(value) or group.refuse_many(weight):
        return v.null(Kind.DOUBLE)
    a, b = v.number(value), v.number(weight)
    known = negate(call("logic.is_null", a))
    total = group.over("agg.sum", call("number.multiply", a, b, type=Type.REAL), type=Type.REAL)
    weights = group.over("agg.sum", e.Case(((known, b),), e.null(Type.REAL), Type.REAL), type=Type.REAL)
    return Value(call("number.divide", total, call("logic.null_if", weights, e.Literal(0.0, Type.REAL))), Kind.DOUBLE)


def _exists(meaning: str) -> Callable[[Group], Value]:
    def make(group: Group) -> Value:
        return Value(call(meaning, _count(group).expr, e.whole(0)), Kind.BOOL)

    return make


_AGGREGATES: dict[str, tuple[int, int, Callable[[Group], Value]]] = {
    "absent": (1, 1, _exists("compare.eq")),
    "avg": (1, 1, _avg),
    "count": (0, 1, _count),
    "count_distinct": (1, 2, _count_distinct),
    "earliest": (1, 1, _edge("agg.arg_min")),
    "first": (2, 2, _edge("agg.arg_min")),
    "last": (2, 2, _edge("agg.arg_max")),
    "latest": (1, 1, _edge("agg.arg_max")),
    "max": (1, 1, _extreme("agg.max")),
    "median": (1, 1, _over_real("agg.median")),
    "median_absolute_deviation": (1, 1, _over_real("agg.median_deviation")),
    "min": (1, 1, _extreme("agg.min")),
    "percentile": (2, 2, _percentile),
    "present": (1, 1, _exists("compare.gt")),
    "std_dev": (1, 1, _over_real("agg.stdev_population")),
    "stddev": (1, 1, _over_real("agg.stdev_population")),
    "sum": (1, 1, _sum),
    "top": (2, 4, _top),
    "values": (1, 1, _values),
    "variance": (1, 1, _over_real("agg.variance_population")),
    "weighted_avg": (2, 2, _weighted),
}
