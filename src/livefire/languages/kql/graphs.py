"""Graphs made of rows, and the tables read from them. https://learn.microsoft.com/kusto/query/make-graph-operator"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Name
from livefire.languages.kql import coerce
from livefire.languages.kql import graph_nodes as g
from livefire.languages.kql.expressions import span_of
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import Relation, Scope, fill
from livefire.languages.kql.sources import lower_source
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, call, window
from livefire.record import record
from livefire.schema import Field, Schema, Type

KEY, SOURCE, TARGET, PART, EDGE, INTO, OUT = (f"\x02graph {x}" for x in ("key", "source", "target", "part", "edge", "in", "out"))
"""Hidden columns: the id of a node; the ends, partition and identity of an edge; how many edges enter and leave a node."""


_NOTHING = n.Values(Schema(()), ())


@record(frozen=True, slots=True)
class Graph(Relation):
    """A graph where rows would stand: its edges with their ends, its nodes with their ids.

    `plan` holds nothing; `kind` is the type of the ids, `parted` tells whether both sides have a partition.
    """

    edges: n.Plan = _NOTHING
    nodes: n.Plan = _NOTHING
    kind: Type = Type.STRING
    parted: bool = False

    @property
    def graph(self) -> bool:
        """True."""
        return True

    def on(self, *names: str) -> tuple[str, ...]:
        """Return the names with the partition's, where there is one."""
        return (*names, *((PART,) if self.parted else ()))


def visible(plan: n.Plan) -> tuple[Field, ...]:
    """Return the properties among the columns of nodes or edges."""
    return tuple(f for f in plan.schema if not f.name.startswith("\x02"))


def make_graph(scope: Scope, relation: Relation, step: g.MakeGraph) -> Relation:
    """`make-graph source --> target …`."""
    if relation.open:
        return Relation(relation.plan, open=True)
    inner = scope.over(relation)
    source, target = lower_scalar(inner, step.source), lower_scalar(inner, step.target)
    kind = _kind(scope, source, target, span_of(step.target))
    part = lower_scalar(inner, Name(step.partition, step.span)) if step.partition is not None else None
    if kind is None or (part is not None and part.type is Type.UNKNOWN):
        return Relation(relation.plan, open=True)
    ends = (n.Item(SOURCE, coerce.fit(source, kind)), n.Item(TARGET, coerce.fit(target, kind)), *((n.Item(PART, part),) if part is not None else ()))
    edges = n.Project(relation.plan, (*n.keep_all(relation.plan), *ends), step.span)
    graph = Graph(_NOTHING, edges=edges, kind=kind, parted=part is not None)
    nodes = _nodes(scope, graph, step, part.type if part is not None else None)
    if nodes is None:
        return Relation(relation.plan, open=True)
    graph = replace(graph, nodes=nodes)
    if not step.steps:
        return graph
    from livefire.languages.kql.lower import lower_steps

    return lower_steps(scope, graph, step.steps)


def _kind(scope: Scope, one: e.Expr, other: e.Expr, span: Span) -> Type | None:
    kind = coerce.meet([one.type, other.type])
    if kind is None or kind is Type.DYNAMIC:
        scope.error("E104", f"the ids of nodes are of one simple type, not {one.type.value} and {other.type.value}", span, "convert both, as in tostring(x)")
        return None
    return None if kind is Type.UNKNOWN else kind


def _nodes(scope: Scope, graph: Graph, step: g.MakeGraph, part: Type | None) -> n.Plan | None:
    """Return every node once: those of the tables, and those that only edges name."""
    keys = graph.on(KEY)
    ends = [_renamed(graph.edges, dict(zip(keys, graph.on(end), strict=True))) for end in (SOURCE, TARGET)]
    tables: list[n.Plan] = []
    for table, column in step.nodes:
        rows = lower_source(scope.bare(), table)
        if rows.open:
            return None
        key = lower_scalar(scope.over(rows), column)
        if _kind(scope, key, e.null(graph.kind), span_of(column)) is not graph.kind:
            if key.type is not Type.UNKNOWN and key.type is not graph.kind:
                scope.error("E104", f"the edges name nodes by a {graph.kind.value}, and this id is a {key.type.value}", span_of(column))
            return None
        items = [*n.keep_all(rows.plan), n.Item(KEY, coerce.fit(key, graph.kind))]
        if step.partition is not None:
            parted = lower_scalar(scope.over(rows), Name(step.partition, span_of(table)))
            if parted.type is not part:
                return None
            items.append(n.Item(PART, parted))
        tables.append(_first(scope, n.Project(rows.plan, tuple(items), step.span), keys))
    every = n.Distinct(n.Union((*ends, *(n.select(t, *keys) for t in tables))))
    if not tables:
        shown = (n.Item(step.node_id, e.Column(KEY, graph.kind)),) if step.node_id is not None else ()
        return n.Project(every, (*n.keep_all(every), *shown))
    ids = {c.text for _, c in step.nodes if isinstance(c, Name)}
    return _merged(scope, every, tables, keys, ids)


def _renamed(plan: n.Plan, names: dict[str, str]) -> n.Plan:
    return n.Project(plan, tuple(n.Item(new, n.column(plan, old)) for new, old in names.items()))


def _first(scope: Scope, plan: n.Plan, keys: tuple[str, ...]) -> n.Plan:
    """Keep one row a node: Kusto takes any, and the first one is taken here."""
    rank = scope.state.name("rank")
    numbered = n.Window(plan, (n.Item(rank, window("window.row_number", partition_by=tuple(n.column(plan, x) for x in keys), row_order=True)),))
    return n.select(n.Filter(numbered, call("compare.eq", e.Column(rank, Type.LONG), e.whole(1))), *plan.schema.names)


def _merged(scope: Scope, plan: n.Plan, tables: list[n.Plan], keys: tuple[str, ...], ids: set[str]) -> n.Plan:
    """Join the properties of the tables to the nodes; of two values of a property the first table's is taken."""
    found: dict[str, list[e.Expr]] = {x: [e.Column(KEY, n.column(plan, KEY).type)] for x in ids}
    for table in tables:
        fresh = {f.name: scope.state.name("property") for f in table.schema}
        right = _renamed(table, {new: old for old, new in fresh.items()})
        plan = n.Join(plan, right, "left", equal_all(plan, right, {x: fresh[x] for x in keys}))
        for f in visible(table):
            held = found.setdefault(f.name, [])
            if not held or held[0].type is f.type:
                held.append(e.Column(fresh[f.name], f.type))
    order = list(dict.fromkeys(f.name for t in tables for f in visible(t)))
    items = [n.Item(x, fill(found[x][0] if len(found[x]) == 1 else call("logic.coalesce", *found[x], type=found[x][0].type))) for x in order]
    return n.Project(plan, (*(n.unchanged(x, n.column(plan, x).type) for x in keys), *items))


def equal_all(left: n.Plan, right: n.Plan, names: dict[str, str]) -> e.Expr:
    """Return the condition that columns of the left side equal columns of the right."""
    parts = [call("compare.eq", n.column(left, a), n.column(right, b)) for a, b in names.items()]
    return parts[0] if len(parts) == 1 else call("logic.and", *parts)


def identified(scope: Scope, graph: Graph) -> n.Plan:
    """Return the edges with an identity: all they hold, and which of several alike."""
    held = tuple(n.unchanged(f.name, f.type).expr for f in graph.edges.schema)
    rank = scope.state.name("alike")
    numbered = n.Window(graph.edges, (n.Item(rank, window("window.row_number", partition_by=held)),))
    name = coerce.to_text(call("dynamic.array", *held, e.Column(rank, Type.LONG)))
    return n.Project(numbered, (*n.keep_all(graph.edges), n.Item(EDGE, name)))


def with_degrees(graph: Graph) -> n.Plan:
    """Return the nodes with the numbers of edges that enter and leave them."""
    plan = graph.nodes
    for name, end in ((INTO, TARGET), (OUT, SOURCE)):
        keys = graph.on(end)
        renamed = {x: f"{name} {x}" for x in keys}
        counted = n.Aggregate(graph.edges, tuple(n.Item(renamed[x], n.column(graph.edges, x)) for x in keys), (n.Item(f"{name} n", aggregate("agg.count")),))
        joined = n.Join(plan, counted, "left", equal_all(plan, counted, dict(zip(graph.on(KEY), renamed.values(), strict=True))))
        number = call("logic.coalesce", e.Column(f"{name} n", Type.LONG), e.whole(0))
        plan = n.Project(joined, (*n.keep_all(plan), n.Item(name, number)))
    return plan


def to_table(scope: Scope, graph: Relation, step: g.GraphToTable) -> Relation:
    """`graph-to-table nodes` and `graph-to-table edges`."""
    if not isinstance(graph, Graph):
        return no_graph(scope, graph, step.span)
    if step.ids:
        scope.error("E304", "the ids that Kusto gives nodes are not run", step.span, "name the column of the id: with_node_id=… of make-graph")
        return Relation(graph.plan, open=True)
    plan = graph.nodes if step.what == "nodes" else graph.edges
    return Relation(n.select(plan, *(f.name for f in visible(plan))))


def no_graph(scope: Scope, relation: Relation, span: Span) -> Relation:
    """Report rows where a graph is expected."""
    if not relation.open:
        scope.error("E104", "a graph is expected here, and these are rows", span, "make one with make-graph source --> target")
    return Relation(relation.plan, open=True)


STEPS: dict[type, Callable[..., Relation]] = {g.MakeGraph: make_graph, g.GraphToTable: to_table}
