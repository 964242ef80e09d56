"""Operators that rank values: `top-hitters`, `top-nested`, `sample` and `sample-distinct`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livefire.languages.kit.ast import Apply, Argument, Name
from livefire.languages.kql import coerce
from livefire.languages.kql import nodes as k
from livefire.languages.kql.expressions import kit
from livefire.languages.kql.naming import Namer, default_name
from livefire.languages.kql.rows import count_of, distinct, take
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import Gathered, Relation, Scope
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, call, window
from livefire.schema import Type


def top_hitters(scope: Scope, relation: Relation, step: k.TopHitters) -> Relation:
    """`top-hitters`: exact here, where Kusto gives an estimate."""
    from livefire.languages.kql.lower import lower_steps

    if step.weight is None:
        call_, name = Apply("count", (), step.span, step.span), f"approximate_count_{default_name(step.value.value) or ''}"
    else:
        weight = Argument(kit(step.weight.value), None, step.span)
        call_, name = Apply("sum", (weight,), step.span, step.span), f"approximate_sum_{default_name(step.weight.value) or ''}"
    grouped = k.Summarize((k.Item(call_, (name,), step.span, step.span),), (step.value,), step.span)
    top = k.Top(step.count, (k.OrderKey(Name(name, step.span), True, None, step.span),), step.span)
    return lower_steps(scope, relation, (grouped, top))


@dataclass(frozen=True, slots=True)
class Level:
    """One level of top-nested: the hidden column of its value, the names shown, and its aggregates with what is made of them."""

    key: e.Column
    name: str
    by: str
    value: e.Expr
    aggregates: tuple[n.Item, ...]


def top_nested(scope: Scope, relation: Relation, step: k.TopNested) -> Relation:
    """`top-nested`: the rows are cut level by level to the groups with the greatest values. https://learn.microsoft.com/kusto/query/top-nested-operator"""
    if relation.open:
        return Relation(relation.plan, open=True)
    for above in step.levels[:-1]:
        if above.others is not None:
            scope.error("E304", "`with others` above the last level is not run", above.span, "leave it out, or rank that level by itself")
            return Relation(relation.plan, open=True)
    levels, rows = _levels(scope, relation, step)
    found: n.Plan | None = None
    for place, (level, written) in enumerate(zip(levels, step.levels, strict=True)):
        rows = _cut(scope, rows, levels[: place + 1], written, level)
        # The value of a group is that of all its rows, whatever the levels below leave of them.
        grouped = _grouped(rows, levels[: place + 1])
        found = grouped if found is None else _joined(scope, grouped, found, levels[:place])
    assert found is not None
    pairs = zip(levels, step.levels, strict=True)
    order = tuple(x for level, written in pairs for x in (e.SortKey(e.Column(level.by, level.value.type), written.descending), e.SortKey(level.key, True)))
    shown = [x for level in levels for x in (n.Item(level.name, level.key), n.Item(level.by, e.Column(level.by, level.value.type)))]
    return Relation(n.Project(n.Sort(found, order), tuple(shown), step.span), ordered=True)


def _levels(scope: Scope, relation: Relation, step: k.TopNested) -> tuple[list[Level], n.Plan]:
    names = Namer()
    levels: list[Level] = []
    computed: list[n.Item] = []
    for written in step.levels:
        value = lower_scalar(scope.over(relation), written.value.value)
        key = e.Column(scope.state.name("level"), value.type)
        computed.append(n.Item(key.name, value))
        gathered = Gathered(aggregates=[])
        inner = Scope(scope.state, scope.frame, relation, scope.over(relation).columns, gathered=gathered)
        ranked = lower_scalar(inner, written.by.value)
        name = names.unique(written.value.names[0] if written.value.names else default_name(written.value.value) or "Column1")
        by = names.unique(written.by.names[0] if written.by.names else f"aggregated_{name}")
        levels.append(Level(key, name, by, ranked, tuple(gathered.aggregates or ())))
    return levels, n.Project(relation.plan, (*n.keep_all(relation.plan), *computed))


def _grouped(rows: n.Plan, levels: Sequence[Level]) -> n.Plan:
    """Return a row for each group of the levels' values, with the last level's value to rank by."""
    last = levels[-1]
    grouped = n.Aggregate(rows, tuple(n.Item(x.key.name, x.key) for x in levels), last.aggregates)
    return n.Project(grouped, (*(n.Item(x.key.name, x.key) for x in levels), n.Item(last.by, last.value)))


def _cut(scope: Scope, rows: n.Plan, levels: Sequence[Level], written: k.NestedLevel, level: Level) -> n.Plan:
    """Return the rows of the groups that rank first within the groups of the levels above; the rest goes, or becomes one group."""
    if written.count is None:
        return rows
    grouped = _grouped(rows, levels)
    rank = scope.state.name("rank")
    order = (e.SortKey(e.Column(level.by, level.value.type), written.descending), e.SortKey(level.key))
    above = tuple(x.key for x in levels[:-1])
    ranked = n.Window(grouped, (n.Item(rank, window("window.row_number", partition_by=above, order_by=order)),))
    first = call("compare.le", e.Column(rank, Type.LONG), e.whole(count_of(scope, written.count)))
    if written.others is None:
        kept, keys = _renamed(scope, n.Filter(ranked, first), levels)
        return n.Join(rows, kept, "semi", _same(levels, keys), written.span)
    kept, keys = _renamed(scope, n.Project(ranked, (*(n.Item(x.key.name, x.key) for x in levels), n.Item(rank, e.Column(rank, Type.LONG)))), levels)
    joined = n.Join(rows, kept, "inner", _same(levels, keys), written.span)
    others = coerce.fit(lower_scalar(scope.bare(), written.others), level.key.type)
    inside = call("compare.le", e.Column(rank, Type.LONG), e.whole(count_of(scope, written.count)))
    mapped = e.Case(((inside, level.key),), others, level.key.type)
    return n.Project(joined, tuple(n.Item(f.name, mapped if f.name == level.key.name else e.Column(f.name, f.type)) for f in rows.schema))


def _renamed(scope: Scope, plan: n.Plan, levels: Sequence[Level]) -> tuple[n.Plan, list[e.Column]]:
    keys = [e.Column(scope.state.name("level"), x.key.type) for x in levels]
    known = {x.key.name: key.name for x, key in zip(levels, keys, strict=True)}
    return n.Project(plan, tuple(n.Item(known.get(f.name, f.name), e.Column(f.name, f.type)) for f in plan.schema)), keys


def _same(levels: Sequence[Level], keys: list[e.Column]) -> e.Expr:
    return all_of(*(call("compare.same", x.key, key) for x, key in zip(levels, keys, strict=True)))


def _joined(scope: Scope, grouped: n.Plan, above: n.Plan, levels: Sequence[Level]) -> n.Plan:
    """Return the groups with the values of the groups above that they lie in."""
    renamed, keys = _renamed(scope, above, levels)
    joined = n.Join(grouped, renamed, "inner", _same(levels, keys))
    return n.select(joined, *grouped.schema.names, *(x.by for x in levels))


def sample(scope: Scope, relation: Relation, step: k.Sample) -> Relation:
    """`sample n` and `sample-distinct n of x`: Kusto picks at random, and the first ones are taken here."""
    scope.context.diagnostics.notice("N128", "Kusto picks at random; the first ones are taken here, so that runs repeat", step.span)
    if step.value is not None:
        relation = distinct(scope, relation, k.Distinct((step.value,), step.span))
    return take(scope, relation, k.Take(step.count, step.span))


STEPS: dict[type, Callable[..., Relation]] = {k.TopHitters: top_hitters, k.TopNested: top_nested, k.Sample: sample}
