"""Plugins whose rows only the service can find: their columns are known, and a run that brings them rows is ended.

Over no rows they give none, as there. https://learn.microsoft.com/kusto/query/evaluate-operator
"""

from __future__ import annotations

from collections.abc import Callable

from livefire.languages.kit.ast import Apply
from livefire.languages.kql import nodes as k
from livefire.languages.kql.naming import default_name
from livefire.languages.kql.scalars import lower_condition, lower_scalar
from livefire.languages.kql.scope import Gathered, Relation, Scope
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, call, negate
from livefire.schema import Field, Type

_FOUND = "its patterns are found by an algorithm of the service, and there are rows to find them in"


def ended(scope: Scope, rows: n.Plan, fields: list[Field], words: str, step: k.Evaluate) -> Relation:
    """Return no rows with these columns, and end the run where there are rows to begin with."""
    count = e.Column(scope.state.name("count"), Type.LONG)
    counted = n.Aggregate(rows, (), (n.Item(count.name, aggregate("agg.count")),))
    some = call("compare.gt", count, e.whole(0))
    none = n.Filter(counted, call("logic.and", negate(call("logic.fail_if", some, e.text(words))), some), step.span)
    return Relation(n.Project(none, tuple(n.Item(f.name, e.null(f.type)) for f in fields), step.span))


def patterns(scope: Scope, relation: Relation, step: k.Evaluate, node: Apply) -> Relation:
    """`autocluster()` and `basket()`: segments of the rows with a value or none for each column."""
    if relation.open:
        return Relation(relation.plan, open=True)
    fixed = [Field("SegmentId", Type.LONG), Field("Count", Type.LONG), Field("Percent", Type.REAL)]
    return ended(scope, relation.plan, [*fixed, *relation.schema], f"evaluate {node.function}: {_FOUND}", step)


def differences(scope: Scope, relation: Relation, step: k.Evaluate, node: Apply) -> Relation:
    """`diffpatterns(column, one, other)`: segments that are frequent in one part of the rows and not in the other."""
    if len(node.args) < 3:
        scope.error("E105", "diffpatterns takes a column and two of its values", node.span)
        return Relation(relation.plan, open=True)
    lower_scalar(scope.over(relation), node.args[0].value)
    if relation.open:
        return Relation(relation.plan, open=True)
    counts = [Field(x, Type.LONG) for x in ("SegmentId", "CountA", "CountB")]
    shares = [Field(x, Type.REAL) for x in ("PercentA", "PercentB", "PercentDiffAB")]
    return ended(scope, relation.plan, [*counts, *shares, *relation.schema], f"evaluate diffpatterns: {_FOUND}", step)


def sequences(scope: Scope, relation: Relation, step: k.Evaluate, node: Apply) -> Relation:
    """`sequence_detect(time, step, span, name = condition, …, dimensions)`: the times at which events follow one another.

    Which of several events counts is not published: a run ends in which an event fits each condition.
    """
    if len(node.args) < 4:
        scope.error("E105", "sequence_detect takes a time, the longest step, the longest span, and conditions", node.span)
        return Relation(relation.plan, open=True)
    inner = scope.over(relation, Gathered())
    time = lower_scalar(inner, node.args[0].value)
    for argument in node.args[1:3]:
        lower_scalar(scope.bare(), argument.value)
    conditions = [(a.name, lower_condition(inner, a.value)) for a in node.args[3:] if a.name is not None]
    dimensions = [(default_name(a.value) or f"Column{i}", lower_scalar(inner, a.value)) for i, a in enumerate(node.args[3:], 1) if a.name is None]
    if relation.open:
        return Relation(relation.plan, open=True)
    shown = default_name(node.args[0].value) or "Column1"
    fields = [Field(name, value.type) for name, value in dimensions]
    fields += [*(Field(f"{name}_{shown}", time.type) for name, _ in conditions), Field("Duration", Type.TIMESPAN)]
    counts = [n.Item(scope.state.name("fit"), aggregate("agg.count", where=call("logic.is_true", c))) for _, c in conditions]
    counted = n.Aggregate(relation.plan, (), tuple(counts))
    every = [call("compare.gt", e.Column(c.name, Type.LONG), e.whole(0)) for c in counts]
    reached = n.Filter(counted, call("logic.and", *every) if len(every) > 1 else every[0], step.span) if every else counted
    return ended(scope, reached, fields, "evaluate sequence_detect: which of several events of a sequence counts is not published", step)


SERVICE: dict[str, Callable[[Scope, Relation, k.Evaluate, Apply], Relation]] = {
    "autocluster": patterns, "basket": patterns, "diffpatterns": differences, "sequence_detect": sequences,
}  # fmt: skip
