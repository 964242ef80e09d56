"""A plan taken apart: the events of each log source with their predicates, and the stages that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.walk import map_expr
from livefire.translation.refusal import NO_READING, Untranslatable

Columns: TypeAlias = Mapping[str, e.Expr]


@dataclass(frozen=True, slots=True)
class Predicate:
    """A filter over storage columns, with its place in the rule."""

    expr: e.Expr
    span: Span | None


@dataclass(frozen=True, slots=True)
class Events:
    """The events of one log source that meet predicates; `columns` are expressions over storage."""

    source: str
    scan: n.Scan
    predicates: tuple[Predicate, ...] = ()
    columns: Columns = field(default_factory=dict)
    table: frozenset[str] = frozenset()

    def own(self, name: str) -> bool:
        """True for a column that the rule named itself, and its table has not."""
        return name not in self.table


@dataclass(frozen=True, slots=True)
class Where:
    """Only rows for which the predicate over the columns of the stage before is true."""

    expr: e.Expr
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Grouped:
    """One row a group; keys and items are over what the stage before gives."""

    keys: tuple[n.Item, ...]
    items: tuple[n.Item, ...]
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Exactly these columns."""

    items: tuple[n.Item, ...]
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """Rows in an order."""

    keys: tuple[e.SortKey, ...]
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """The first rows."""

    count: int
    span: Span | None = None


Stage: TypeAlias = Where | Grouped | Kept | Ordered | Cut


@dataclass(frozen=True, slots=True)
class Flow:
    """Events of one or more log sources, then stages over all of them."""

    events: tuple[Events, ...]
    stages: tuple[Stage, ...] = ()


def read_flow(plan: n.Plan) -> Flow:
    """Return a plan as a flow; Untranslatable for a node that a flow has no place for."""
    match plan:
        case n.Scan(table=table):
            return Flow((Events(table, plan, (), {f.name: e.Column(f.name, f.type) for f in plan.schema}),))
        case n.Union(inputs=parts):
            flows = [read_flow(p) for p in parts]
            if any(f.stages for f in flows):
                raise Untranslatable(NO_READING, "a union of more than filtered events is not carried over", plan.span)
            return Flow(tuple(event for f in flows for event in f.events))
        case n.Filter(input=inner, predicate=predicate, span=span):
            return _filtered(read_flow(inner), predicate, span)
        case n.Project(input=inner, items=items, span=span):
            return _projected(read_flow(inner), items, span)
        case n.Sort(input=inner, span=None) | n.Limit(input=inner, span=None):
            # An order or a cap that the product adds by itself is none of the rule's.
            return read_flow(inner)
        case n.Sort(input=inner, keys=keys, span=span):
            return _then(read_flow(inner), Ordered(keys, span))
        case n.Limit(input=inner, count=count, offset=0, span=span):
            return _then(read_flow(inner), Cut(count, span))
        case n.Aggregate(input=inner, keys=keys, items=items, span=span):
            return _then(read_flow(inner), Grouped(keys, items, span))
        case n.Distinct(input=inner, span=span):
            keys = tuple(n.Item(f.name, e.Column(f.name, f.type)) for f in inner.schema)
            return _then(read_flow(inner), Grouped(keys, (), span))
        case _:
            what = {
                "Join": "a join",
                "Unnest": "one row an element of a list",
                "Window": "a value from rows before or after",
                "Sequence": "a sequence",
                "Values": "rows written out",
            }
            name = type(plan).__name__
            raise Untranslatable(NO_READING, f"{what.get(name, name.lower())} is not carried over", getattr(plan, "span", None) or _nearest(plan))


def _nearest(plan: n.Plan) -> Span | None:
    for child in n.inputs(plan):
        found = getattr(child, "span", None) or _nearest(child)
        if found is not None:
            return found
    return None


def _then(flow: Flow, stage: Stage) -> Flow:
    return replace(flow, stages=(*flow.stages, stage))


def _filtered(flow: Flow, predicate: e.Expr, span: Span | None) -> Flow:
    """A filter before any grouping or cut is one of the events; an order does not change which rows meet it."""
    if all(isinstance(s, Ordered) for s in flow.stages):
        parts = tuple(replace(p, predicates=(*p.predicates, Predicate(put(predicate, p.columns), span))) for p in flow.events)
        return replace(flow, events=parts)
    return _then(flow, Where(predicate, span))


def _projected(flow: Flow, items: tuple[n.Item, ...], span: Span | None) -> Flow:
    if not flow.stages:
        parts = tuple(_shown(p, items) for p in flow.events)
        return replace(flow, events=parts)
    if all(isinstance(s, Ordered) for s in flow.stages):
        # The order stays over the columns it was written for: they are kept as they are.
        orders = tuple(s for s in flow.stages if isinstance(s, Ordered))
        names = {c for o in orders for k in o.keys for c in e.columns_of(k.expr)}
        inner = {i.name: i.expr for i in items}
        if all(isinstance(inner.get(x), e.Column) and inner[x].name == x for x in names):  # type: ignore[union-attr]  # it is a column
            parts = tuple(replace(p, columns={i.name: put(i.expr, p.columns) for i in items}) for p in flow.events)
            return replace(flow, events=parts)
        return replace(_projected(replace(flow, stages=()), items, span), stages=())
    return _then(flow, Kept(items, span))


def _shown(events: Events, items: tuple[n.Item, ...]) -> Events:
    """Return events under other columns; the first such step is the vendor's table."""
    names = events.table or frozenset(i.name for i in items)
    return replace(events, columns={i.name: put(i.expr, events.columns) for i in items}, table=names)


def sequence_in(plan: n.Plan) -> n.Sequence | None:
    """Return the sequence whose matches a plan shows, event by event or one row a match; None for another plan."""
    while isinstance(plan, (n.Project, n.Sort)) or (isinstance(plan, n.Limit) and plan.span is None):
        plan = plan.input
    if isinstance(plan, n.Aggregate) and isinstance(plan.input, n.Sequence):
        numbered = e.Column(plan.input.sequence, plan.input.schema.fields[0].type)
        return plan.input if [k.expr for k in plan.keys] == [numbered] else None
    return plan if isinstance(plan, n.Sequence) else None


def put(expr: e.Expr, columns: Columns) -> e.Expr:
    """Return an expression with each column replaced by what it is made of."""

    def change(part: e.Expr) -> e.Expr:
        return columns.get(part.name, part) if isinstance(part, e.Column) else part

    return map_expr(expr, change)
