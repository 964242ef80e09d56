"""Operators that run over each group of rows by itself: the subqueries of mv-apply and partition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Apply, Name
from livefire.languages.kql import nodes as k
from livefire.languages.kql.grouping import summarize
from livefire.languages.kql.rows import count_of, sort_keys, where, with_windows, without_hidden
from livefire.languages.kql.scalars import lower_condition, lower_scalar
from livefire.languages.kql.scope import Gathered, Relation, Scope
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, all_of, call, window
from livefire.schema import Type

_PER_ROW = (k.Scan, k.Extend, k.ProjectRename, k.ProjectReorder, k.Parse, k.ParseKv, k.MvExpand)


@dataclass(frozen=True, slots=True)
class Carried:
    """Hidden columns of grouped rows: the keys of a group, columns that are equal within it, and whether a row counts.

    A row that is not live stands for a group that has none: it gives a summarize without keys its row.
    """

    keys: tuple[str, ...]
    same: tuple[str, ...]
    live: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every hidden column."""
        return (*self.keys, *self.same, *((self.live,) if self.live else ()))

    def by(self, relation: Relation) -> tuple[e.Expr, ...]:
        """Return the partition of a window: the keys, rows that do not count apart."""
        names = (*self.keys, *((self.live,) if self.live else ()))
        return tuple(n.column(relation.plan, x) for x in names)


def lower_within(scope: Scope, relation: Relation, steps: tuple[k.Step, ...], carried: Carried) -> Relation:
    """Return the rows after the operators, hidden columns included."""
    from livefire.languages.kql.lower import lower_steps

    relation = replace(relation, partition=tuple(x for x in (*carried.keys, carried.live) if x is not None))
    for step in steps:
        match step:
            case k.Where():
                relation = _where(scope, relation, step, carried)
            case k.Project():
                relation = lower_steps(scope, relation, (replace(step, items=(*step.items, *_items(carried, step.span))),))
            case k.Distinct():
                relation = lower_steps(scope, relation, (replace(step, items=(*step.items, *_items(carried, step.span))),))
            case k.ProjectNames(keep=True):
                hidden = tuple(k.Wildcard(x, step.span) for x in carried.names)
                relation = lower_steps(scope, relation, (replace(step, patterns=(*step.patterns, *hidden)),))
            case k.ProjectNames():
                relation = lower_steps(scope, relation, (step,))
            case k.Summarize():
                relation = _summarize(scope, relation, step, carried)
            case k.Count():
                counted = k.Item(_count_call(step.span), (step.name,), step.span, step.span)
                relation = _summarize(scope, relation, k.Summarize((counted,), (), step.span), carried)
            case k.Sort():
                relation = lower_steps(scope, relation, (step,))
            case k.Top():
                relation = _first(scope, relation, step.count, step.keys, carried)
            case k.Take():
                relation = _first(scope, relation, step.count, (), carried)
            case _ if isinstance(step, _PER_ROW):
                relation = lower_steps(scope, relation, (step,))
            case _:
                name = type(step).__name__
                scope.error("E301", f"this operator ({name}) inside a subquery of mv-apply or partition is not run", step.span)
                return Relation(relation.plan, open=True)
    return relation


def _items(carried: Carried, span: Span) -> tuple[k.Item, ...]:
    return tuple(k.Item(Name(x, span), (x,), span, span) for x in carried.names)


def _count_call(span: Span) -> k.Expression:

    return Apply("count", (), span, span)


def _where(scope: Scope, relation: Relation, step: k.Where, carried: Carried) -> Relation:

    if carried.live is None:
        return where(scope, relation, step)
    gathered = Gathered()
    condition = call("logic.is_true", lower_condition(scope.over(relation, gathered), step.predicate))
    plan = with_windows(relation, gathered)
    live = e.Column(carried.live, Type.BOOL)
    items = tuple(n.Item(f.name, all_of(live, condition) if f.name == carried.live else e.Column(f.name, f.type)) for f in relation.schema)
    return relation.with_plan(n.Project(plan, items, step.span))


def _summarize(scope: Scope, relation: Relation, step: k.Summarize, carried: Carried) -> Relation:
    """Group by the hidden keys too; columns equal within a group are carried along."""
    live = e.Column(carried.live, Type.BOOL) if carried.live is not None else None
    if live is not None and step.keys:
        relation = relation.with_plan(n.Filter(relation.plan, live))
    keys = tuple(k.Item(Name(x, step.span), (x,), step.span, step.span) for x in carried.keys)
    grouped = summarize(scope, relation, replace(step, keys=(*keys, *step.keys)), only=live, same=carried.same)
    if carried.live is None:
        return replace(grouped, partition=relation.partition)
    plan = n.Project(grouped.plan, (*n.keep_all(grouped.plan), n.Item(carried.live, e.TRUE)))
    return replace(grouped, plan=plan, partition=relation.partition)


def _first(scope: Scope, relation: Relation, count: k.Expression, keys: tuple[k.OrderKey, ...], carried: Carried) -> Relation:
    gathered = Gathered()
    order = sort_keys(scope, relation, keys, gathered)
    rank = scope.state.name("rank")
    call_ = window("window.row_number", partition_by=carried.by(relation), order_by=order, row_order=not order)
    plan = n.Window(with_windows(relation, gathered), (n.Item(rank, call_),))
    kept: n.Plan = n.Filter(plan, call("compare.le", e.Column(rank, Type.LONG), e.whole(count_of(scope, count))))
    if order:
        kept = n.Sort(kept, (*(e.SortKey(n.column(relation.plan, x)) for x in carried.keys), e.SortKey(e.Column(rank, Type.LONG))))
    return relation.with_plan(without_hidden(kept, relation.schema.names), ordered=True)


def partition(scope: Scope, relation: Relation, step: k.Partition) -> Relation:
    """`partition by key (steps)`: the steps run over the rows of each key by itself."""

    key = lower_scalar(scope.over(relation), step.key)
    hidden = scope.state.name("key")
    plan = n.Project(relation.plan, (*n.keep_all(relation.plan), n.Item(hidden, key)))
    found = lower_within(scope, relation.with_plan(plan), step.steps, Carried((hidden,), ()))
    names = tuple(x for x in found.schema.names if not x.startswith("\x02"))
    return Relation(n.select(found.plan, *names), open=found.open)


STEPS: dict[type, Callable[..., Relation]] = {k.Partition: partition}

__all__ = ["STEPS", "Carried", "aggregate", "lower_within"]
