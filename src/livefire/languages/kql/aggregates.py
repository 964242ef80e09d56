"""Aggregate functions of `summarize`. https://learn.microsoft.com/kusto/query/aggregation-functions"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from livefire.languages.kit.ast import Apply, Star
from livefire.languages.kql import coerce
from livefire.languages.kql.scalars import lower_condition, lower_scalar
from livefire.languages.kql.scope import Scope, fill
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, all_of, call, negate
from livefire.schema import Type


@dataclass(frozen=True, slots=True)
class Group:
    """One aggregate call: its argument nodes and the condition of an `…if` form."""

    scope: Scope
    node: Apply
    where: e.Expr | None

    def value(self, place: int = 0) -> e.Expr:
        """Return an argument over the rows of the group."""
        inner = Scope(self.scope.state, self.scope.frame, self.scope.relation, self.scope.columns)
        return lower_scalar(inner, self.node.args[place].value)

    def number(self, place: int = 0) -> e.Expr:
        """Return an argument that can be summed: a number or timespan; dynamics are read as numbers."""
        value = self.value(place)
        if value.type is Type.DYNAMIC:
            return call("dynamic.real", value)
        if value.type is Type.BOOL:
            return coerce.to_long(value)
        if value.type in (Type.STRING, Type.GUID):
            what = f"{self.node.function} needs numbers, not text"
            self.scope.error("E104", what, self.node.args[place].span, "convert with tolong() or todouble()")
            return e.null(Type.LONG)
        return coerce.fit(value, Type.LONG) if value.type in (Type.INT, Type.UNKNOWN) else value

    def keep(self, meaning: str, *args: e.Expr, type: Type | None = None, distinct: bool = False, extra: e.Expr | None = None) -> e.Expr:
        """Return the column that holds an aggregate once the rows are grouped."""
        where = all_of(*(w for w in (self.where, extra) if w is not None)) if self.where is not None or extra is not None else None
        found = aggregate(meaning, *args, type=type, distinct=distinct, where=where, span=self.node.span)
        return keep(self.scope, found)


def keep(scope: Scope, found: e.Aggregate) -> e.Expr:
    """Set an aggregate aside for the grouping and return the column it will be."""
    assert scope.gathered is not None
    assert scope.gathered.aggregates is not None
    name = scope.state.name("aggregate")
    scope.gathered.aggregates.append(n.Item(name, found))
    return e.Column(name, found.type)


@dataclass(frozen=True, slots=True)
class Rule:
    """An aggregate: how it lowers, its arguments, and where the condition of an `…if` form stands."""

    lower: Callable[[Group], e.Expr]
    least: int
    most: int | None
    condition: int | None = None


def lower_aggregate(scope: Scope, node: Apply) -> e.Expr:
    """Return the value of an aggregate call in `summarize`."""
    rule = AGGREGATES[node.function]
    if len(node.args) < rule.least or (rule.most is not None and len(node.args) > rule.most):
        wanted = f"{rule.least}" if rule.least == rule.most else f"{rule.least} to {rule.most if rule.most is not None else 'many'}"
        return scope.error("E105", f"{node.function} takes {wanted} arguments, and {len(node.args)} were given", node.span)
    where = None
    if rule.condition is not None and len(node.args) > rule.condition:
        inner = Scope(scope.state, scope.frame, scope.relation, scope.columns)
        where = call("logic.is_true", lower_condition(inner, node.args[rule.condition].value))
        rest = tuple(a for i, a in enumerate(node.args) if i != rule.condition)
        node = Apply(node.function, rest, node.span, node.name_span)
    return rule.lower(Group(scope, node, where))


def _count(group: Group) -> e.Expr:
    return group.keep("agg.count")


_WHOLE = (Type.INT, Type.LONG, Type.TIMESPAN)


def _sum(group: Group) -> e.Expr:
    value = group.number()
    zero = e.Literal(0, Type.LONG)
    if value.type is Type.DATETIME:
        return group.scope.error("E104", "datetimes cannot be summed", group.node.span)
    # Kusto's sum over no value is 0, not null.
    return call("logic.coalesce", group.keep("agg.sum_wrapping" if value.type in _WHOLE else "agg.sum", value, type=value.type), coerce.fit(zero, value.type))


def _avg(group: Group) -> e.Expr:
    value = group.number()
    if value.type is Type.DATETIME:
        ticks = group.keep("agg.avg", call("convert.datetime_ticks", value))
        return call("convert.ticks_datetime", call("number.to_long", ticks))
    found = group.keep("agg.avg", value)
    if value.type is Type.TIMESPAN:
        return call("logic.cast", call("number.to_long", found), type=Type.TIMESPAN)
    if value.type is Type.DECIMAL:
        return coerce.to_decimal(found)
    # Over no value the mean is NaN.
    return call("logic.coalesce", found, e.Literal(float("nan"), Type.REAL))


def _extreme(meaning: str) -> Callable[[Group], e.Expr]:
    def lower(group: Group) -> e.Expr:
        value = group.value()
        if value.type is Type.DYNAMIC:
            name = "max" if meaning == "agg.max" else "min"
            help = f"convert them, as in {name}(todouble(x))"
            return group.scope.error("E104", f"{group.node.function} over dynamic values is not defined", group.node.span, help)
        return fill(group.keep(meaning, value))

    return lower


def _dcount(group: Group) -> e.Expr:
    value = group.value()
    # The empty text is a value of its own, as any other.
    return group.keep("agg.count_distinct", value)


def _spread(meaning: str) -> Callable[[Group], e.Expr]:
    def lower(group: Group) -> e.Expr:
        return call("logic.coalesce", group.keep(meaning, coerce.to_real(group.number())), e.Literal(0.0, Type.REAL))

    return lower


def _limit(group: Group, place: int = 1) -> int:
    if len(group.node.args) <= place:
        return 1_048_576
    value = group.value(place)
    if isinstance(value, e.Literal) and isinstance(value.value, int):
        return value.value
    group.scope.error("E107", "the largest size is a constant whole number", group.node.args[place].span)
    return 1_048_576


def _collect(meaning: str, nulls: bool = False) -> Callable[[Group], e.Expr]:
    def lower(group: Group) -> e.Expr:
        value = group.value()
        if value.type is Type.UNKNOWN:
            value = e.null(Type.STRING)
        # Arrays are not nested: their elements are gathered.
        wanted = "agg.list_all" if nulls else f"{meaning}_of_elements" if value.type is Type.DYNAMIC else meaning
        found = group.keep(wanted, dynamic_of(value), type=Type.DYNAMIC)
        limit = _limit(group)
        if limit >= 1_048_576:
            return found
        return call("dynamic.slice", found, e.whole(0), e.whole(limit - 1)) if limit > 0 else e.Literal("[]", Type.DYNAMIC)

    return lower


def dynamic_of(value: e.Expr) -> e.Expr:
    """Return a value as an element of an array: times in Kusto's text form."""
    return coerce.to_dynamic(value)


def _bag(group: Group) -> e.Expr:
    value = group.value()
    if value.type not in (Type.DYNAMIC, Type.UNKNOWN):
        return group.scope.error("E104", f"{group.node.function} takes bags, not a {value.type.value}", group.node.span, "make one with bag_pack()")
    found = group.keep("agg.merge_objects", coerce.fit(value, Type.DYNAMIC), type=Type.DYNAMIC)
    limit = _limit(group)
    return found if limit >= 1_048_576 else call("object.first_members", found, e.whole(limit))


def _any(group: Group) -> e.Expr:
    value = group.value()
    return fill(group.keep("agg.any", value))


def _arg(group: Group) -> e.Expr:
    return group.scope.error("E305", f"{group.node.function} stands alone in summarize", group.node.span, "give it its own column")


def percentile_value(group: Group, value: e.Expr, percent: e.Expr) -> e.Expr:
    """Return the smallest value at or above which the share lies."""
    if not isinstance(percent, e.Literal) or not isinstance(percent.value, (int, float)) or not 0 <= percent.value <= 100:
        return group.scope.error("E107", "a percentile is a constant from 0 to 100", group.node.span)
    return group.keep("agg.percentile", value, percent)


def _percentile(group: Group) -> e.Expr:
    return percentile_value(group, group.number(), group.value(1))


def _percentiles_array(group: Group) -> e.Expr:
    value = group.number()
    percents = _listed_percents(group, 1)
    return call("dynamic.array", *(dynamic_of(percentile_value(group, value, p)) for p in percents))


def weighted_value(group: Group, value: e.Expr, weight: e.Expr, percent: e.Expr) -> e.Expr:
    """Return the smallest value at or below which the share of the weights lies."""
    if not isinstance(percent, e.Literal) or not isinstance(percent.value, (int, float)) or not 0 <= percent.value <= 100:
        return group.scope.error("E107", "a percentile is a constant from 0 to 100", group.node.span)
    return group.keep("agg.percentile_weighted", value, coerce.to_long(weight), percent)


def _weighted(group: Group) -> e.Expr:
    return weighted_value(group, group.number(), group.number(1), group.value(2))


def _weighted_array(group: Group) -> e.Expr:
    percents = _listed_percents(group, 2)
    return call("dynamic.array", *(dynamic_of(weighted_value(group, group.number(), group.number(1), p)) for p in percents))


def _listed_percents(group: Group, first: int) -> list[e.Expr]:
    """Return the percentages that stand one by one or as a constant array."""
    percents = [group.value(i) for i in range(first, len(group.node.args))]
    if len(percents) != 1 or percents[0].type is not Type.DYNAMIC or not isinstance(percents[0], e.Literal):
        return percents
    listed = json.loads(str(percents[0].value)) if percents[0].value is not None else []
    if not isinstance(listed, list) or not all(isinstance(x, (int, float)) for x in listed):
        group.scope.error("E107", "percentiles are numbers from 0 to 100", group.node.span)
        return []
    return [e.Literal(float(x), Type.REAL) for x in listed]


def _covariance(meaning: str) -> Callable[[Group], e.Expr]:
    def lower(group: Group) -> e.Expr:
        return call("logic.coalesce", group.keep(meaning, *(coerce.to_real(group.number(i)) for i in range(2))), e.Literal(0.0, Type.REAL))

    return lower


def _bits(meaning: str) -> Callable[[Group], e.Expr]:
    def lower(group: Group) -> e.Expr:
        value = group.value()
        return coerce.narrow(group.keep(meaning, coerce.to_long(value)), Type.INT if value.type is Type.INT else Type.LONG)

    return lower


def _sketch(group: Group) -> e.Expr:
    """`hll(x)`: the different values themselves stand for the sketch, so that what is counted of it is exact."""
    words = "a sketch holds the values themselves here: dcount_hll() of it is exact, and what it looks like is Kusto's own"
    group.scope.context.diagnostics.notice("N110", words, group.node.name_span)
    return group.keep("agg.set", dynamic_of(group.value()), type=Type.DYNAMIC)


def _sketches(group: Group) -> e.Expr:
    return group.keep("agg.union_arrays", coerce.fit(group.value(), Type.DYNAMIC), type=Type.DYNAMIC)


def _approximate(group: Group) -> e.Expr:
    return group.scope.error("E302", f"{group.node.function} gives a sketch that only Kusto reads", group.node.name_span, "use dcount() or percentile()")


def _no_schema(group: Group) -> e.Expr:
    return group.scope.error("E302", "buildschema is not run: it writes schemas in a form of its own", group.node.name_span, "list members with bag_keys()")


AGGREGATES: dict[str, Rule] = {
    "count": Rule(_count, 0, 1, 0), "cnt": Rule(_count, 0, 0), "countif": Rule(_count, 1, 1, 0), "sum": Rule(_sum, 1, 1), "sumif": Rule(_sum, 2, 2, 1),
    "avg": Rule(_avg, 1, 1), "avgif": Rule(_avg, 2, 2, 1), "min": Rule(_extreme("agg.min"), 1, 1), "minif": Rule(_extreme("agg.min"), 2, 2, 1),
    "max": Rule(_extreme("agg.max"), 1, 1), "maxif": Rule(_extreme("agg.max"), 2, 2, 1), "dcount": Rule(_dcount, 1, 2),
    "dcountif": Rule(_dcount, 2, 3, 1), "count_distinct": Rule(_dcount, 1, 1), "count_distinctif": Rule(_dcount, 2, 2, 1),
    "stdev": Rule(_spread("agg.stdev"), 1, 1), "stdevif": Rule(_spread("agg.stdev"), 2, 2, 1), "stdevp": Rule(_spread("agg.stdev_population"), 1, 1),
    "variance": Rule(_spread("agg.variance"), 1, 1), "varianceif": Rule(_spread("agg.variance"), 2, 2, 1),
    "variancep": Rule(_spread("agg.variance_population"), 1, 1), "variancepif": Rule(_spread("agg.variance_population"), 2, 2, 1),
    "make_list": Rule(_collect("agg.list"), 1, 2), "makelist": Rule(_collect("agg.list"), 1, 2), "make_list_if": Rule(_collect("agg.list"), 2, 3, 1),
    "make_list_with_nulls": Rule(_collect("agg.list", nulls=True), 1, 1), "make_set": Rule(_collect("agg.set"), 1, 2),
    "makeset": Rule(_collect("agg.set"), 1, 2), "make_set_if": Rule(_collect("agg.set"), 2, 3, 1), "make_bag": Rule(_bag, 1, 2),
    "make_bag_if": Rule(_bag, 2, 3, 1), "make_dictionary": Rule(_bag, 1, 2), "take_any": Rule(_any, 1, None), "any": Rule(_any, 1, None),
    "take_anyif": Rule(_any, 2, 2, 1), "anyif": Rule(_any, 2, 2, 1), "arg_max": Rule(_arg, 1, None),
    "arg_min": Rule(_arg, 1, None), "argmax": Rule(_arg, 1, None), "argmin": Rule(_arg, 1, None),
    "percentile": Rule(_percentile, 2, 2), "percentiles": Rule(_percentile, 2, None), "percentiles_array": Rule(_percentiles_array, 2, None),
    "percentilew": Rule(_weighted, 3, 3), "percentilesw": Rule(_weighted, 3, None), "percentilesw_array": Rule(_weighted_array, 3, None),
    "covariance": Rule(_covariance("agg.covariance"), 2, 2), "covarianceif": Rule(_covariance("agg.covariance"), 3, 3, 2),
    "covariancep": Rule(_covariance("agg.covariance_population"), 2, 2), "covariancepif": Rule(_covariance("agg.covariance_population"), 3, 3, 2),
    "binary_all_and": Rule(_bits("agg.bit_and"), 1, 1), "binary_all_or": Rule(_bits("agg.bit_or"), 1, 1),
    "binary_all_xor": Rule(_bits("agg.bit_xor"), 1, 1), "hll": Rule(_sketch, 1, 2), "tdigest": Rule(_approximate, 1, 2),
    "hll_if": Rule(_sketch, 2, 3, 1), "merge_tdigest": Rule(_approximate, 1, 1), "hll_merge": Rule(_sketches, 1, 1),
    "tdigest_merge": Rule(_approximate, 1, 1), "buildschema": Rule(_no_schema, 1, 1),
}  # fmt: skip

__all__ = ["AGGREGATES", "Group", "Rule", "Star", "keep", "lower_aggregate", "negate", "percentile_value", "weighted_value"]
