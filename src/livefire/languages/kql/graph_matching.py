"""Patterns in graphs: each edge of a pattern is a join, an edge of several lengths a union of chains of joins.

https://learn.microsoft.com/kusto/query/graph-match-operator
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import combinations, pairwise
from typing import Any

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Apply, Member, Name
from livefire.languages.kql import coerce
from livefire.languages.kql import graph_nodes as g
from livefire.languages.kql import nodes as k
from livefire.languages.kql.graphs import EDGE, INTO, KEY, OUT, PART, SOURCE, TARGET, Graph, equal_all, identified, no_graph, visible, with_degrees
from livefire.languages.kql.naming import default_name
from livefire.languages.kql.rows import project, where
from livefire.languages.kql.scalars import lower_condition, lower_scalar
from livefire.languages.kql.scope import Relation, Scope
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, any_of, call, negate, window
from livefire.schema import Type

MOST_JOINS = 1_300
"""How many joins a pattern may take: an edge of up to 50 lengths, which is compiled in about a second."""

_DEGREES = {"node_degree_in": INTO, "node_degree_out": OUT, "node_id": KEY}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query asks of an edge of several lengths: `all`, `any` or `map` over its edges, or the nodes inside it."""

    kind: str
    inner: bool
    body: k.Expression
    column: str
    span: Span


@dataclass(slots=True)
class Matching:
    """A pattern under construction: what is asked of its edges, which nodes are read, and the rows of its edges joined so far."""

    scope: Scope
    graph: Graph
    step: g.GraphMatch
    edges: n.Plan
    nodes: n.Plan
    asked: dict[str, list[Asked]] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    plan: n.Plan | None = None
    ends: dict[str, e.Column] = field(default_factory=dict)
    part: e.Column | None = None
    steps: dict[str, dict[str, e.Expr]] = field(default_factory=dict)
    used: list[e.Column] = field(default_factory=list)
    within: list[e.Column] = field(default_factory=list)
    lengths: list[e.Column] = field(default_factory=list)

    @property
    def exact(self) -> bool:
        """True where no edge may be met twice."""
        return self.step.shortest or self.step.option != "all"

    @property
    def acyclic(self) -> bool:
        """True where no node may be met twice."""
        return not self.step.shortest and self.step.option == "none"


def graph_match(scope: Scope, graph: Relation, step: g.GraphMatch) -> Relation:
    """`graph-match` and `graph-shortest-paths`."""
    if not isinstance(graph, Graph):
        return no_graph(scope, graph, step.span)
    long = [h.edge for h in step.hops if h.edge.least is not None]
    if step.shortest and (len(step.hops) != 1 or not long):
        scope.error("E305", "a shortest path is one edge of several lengths between two nodes", step.span, "write (a)-[e*1..5]->(b)")
        return Relation(graph.plan, open=True)
    if step.option == "none" and step.sequences > 1:
        scope.error("E305", "cycles=none over several sequences is not run", step.span, "write the pattern as one sequence, or leave cycles out")
        return Relation(graph.plan, open=True)
    joins = sum((h.edge.most * (h.edge.most + 1) - (h.edge.least or 1) * ((h.edge.least or 1) - 1)) // 2 for h in step.hops)
    if joins > MOST_JOINS:
        words = f"the pattern takes {joins:,} joins, and up to {MOST_JOINS:,} are run: an edge is joined for each of its lengths"
        scope.error("E305", words, step.span, "ask for shorter paths, as in -[e*1..10]->")
        return Relation(graph.plan, open=True)
    named = [*dict.fromkeys(v.name for v in step.nodes), *(h.edge.name for h in step.hops)]
    if len(set(named)) < len(named):
        scope.error("E106", "two edges of the pattern have one name", step.span)
        return Relation(graph.plan, open=True)
    m = Matching(scope, graph, step, identified(scope, graph) if step.option != "all" or step.shortest else graph.edges, graph.nodes)
    condition, items = _rewritten(m)
    if not _connect(m):
        return Relation(graph.plan, open=True)
    _join_nodes(m)
    _without_repeats(m)
    assert m.plan is not None
    inner = replace(scope, steps={**scope.steps, **m.steps})
    rows = Relation(m.plan)
    if condition is not None:
        rows = where(inner, rows, k.Where(condition, step.span))
    if step.shortest:
        rows = rows.with_plan(_shortest(m, rows.plan))
    return project(inner, Relation(rows.plan), k.Project(items, step.span))


# what is asked of edges and nodes


def _rewritten(m: Matching) -> tuple[k.Expression | None, tuple[k.Item, ...]]:
    """Return the condition and items with a column for everything that is asked of an edge of several lengths."""
    step = m.step
    long = {h.edge.name for h in step.hops if h.edge.least is not None}
    nodes = {v.name for v in step.nodes}
    reads = [x for x in _names(step) if isinstance(x, Apply) and x.function in ("node_degree_in", "node_degree_out")]
    if reads:
        m.nodes = with_degrees(m.graph)

    def change(node: Any) -> Any:
        match node:
            case Apply(function="all" | "any" | "map" as kind, args=(first, second)) if (edge := _edge_of(first.value, long)) is not None:
                asked = Asked(kind, isinstance(first.value, Apply), second.value, m.scope.state.name("asked"), node.span)
                m.asked.setdefault(edge, []).append(asked)
                return Name(asked.column, node.span)
            case Apply(function="node_degree_in" | "node_degree_out" | "node_id" as name, args=(argument,)) if (
                isinstance(argument.value, Name) and argument.value.text in nodes
            ):
                m.read.add(argument.value.text)
                return Member(argument.value, _DEGREES[name], node.span)
            case Member(base=Name(text=text), name=name) if text in long:
                asked = Asked("map", False, Name(name, node.span), m.scope.state.name("asked"), node.span)
                m.asked.setdefault(text, []).append(asked)
                return Name(asked.column, node.span)
            case Member(base=Name(text=text)) if text in nodes:
                m.read.add(text)
                return node
        return _changed(node, change)

    items = tuple(_kept_name(i, change(i)) for i in step.items)
    return (change(step.condition) if step.condition is not None else None), items


def _kept_name(item: k.Item, changed: k.Item) -> k.Item:
    """Return an item under the name that it had before it was changed."""
    asked = isinstance(item.value, Apply) and item.value.function in ("all", "any", "map")
    name = None if asked else default_name(item.value)
    return changed if item.names or name is None or changed is item else replace(changed, names=(name,))


def _edge_of(node: object, long: set[str]) -> str | None:
    """Return the edge that `e` or `inner_nodes(e)` names."""
    if isinstance(node, Apply) and node.function == "inner_nodes" and len(node.args) == 1:
        node = node.args[0].value
    return node.text if isinstance(node, Name) and node.text in long else None


def _changed(node: Any, change: Callable[[Any], Any]) -> Any:
    """Return a tree with each part changed, the same object where none is."""
    if isinstance(node, tuple):
        parts = tuple(change(x) for x in node)
        return node if all(a is b for a, b in zip(parts, node, strict=True)) else parts
    if is_dataclass(node) and not isinstance(node, (type, Span)):
        held = {f.name: getattr(node, f.name) for f in fields(node)}
        fresh = {name: x for name, value in held.items() if (x := change(value)) is not value}
        return replace(node, **fresh) if fresh else node
    return node


def _names(node: object) -> Iterator[object]:
    """Yield a node and all below it."""
    yield node
    if isinstance(node, tuple):
        for part in node:
            yield from _names(part)
    elif is_dataclass(node) and not isinstance(node, Span):
        for part in fields(node):
            yield from _names(getattr(node, part.name))


# edges


@dataclass(frozen=True, slots=True)
class Strand:
    """Rows of one edge of a pattern: its ends in the pattern's order, and what a query reads of it."""

    plan: n.Plan
    start: e.Column
    stop: e.Column
    part: e.Column | None
    used: e.Column | None
    within: e.Column | None = None
    length: e.Column | None = None
    properties: dict[str, e.Expr] = field(default_factory=dict)


def _single(m: Matching, direction: str) -> Strand:
    """Return the edges once, under fresh names; those of any direction stand in both."""
    plan = m.edges
    if direction == "any":
        back = tuple(n.Item(f.name, n.column(plan, {SOURCE: TARGET, TARGET: SOURCE}.get(f.name, f.name))) for f in plan.schema)
        loop = call("compare.eq", n.column(plan, SOURCE), n.column(plan, TARGET))
        plan = n.Union((plan, n.Project(n.Filter(plan, negate(call("logic.is_true", loop))), back)))
    names = {f.name: m.scope.state.name("edge") for f in plan.schema}
    renamed = n.Project(plan, tuple(n.Item(names[f.name], n.unchanged(f.name, f.type).expr) for f in plan.schema))
    column = {f.name: e.Column(names[f.name], f.type) for f in plan.schema}
    start, stop = (TARGET, SOURCE) if direction == "in" else (SOURCE, TARGET)
    properties: dict[str, e.Expr] = {f.name: column[f.name] for f in visible(m.edges)}
    return Strand(renamed, column[start], column[stop], column.get(PART), column.get(EDGE), properties=properties)


def _instance(m: Matching) -> tuple[n.Plan, dict[str, e.Column]]:
    """Return the nodes once, under fresh names, and the names."""
    names = {f.name: e.Column(m.scope.state.name("node"), f.type) for f in m.nodes.schema}
    return n.Project(m.nodes, tuple(n.Item(names[f.name].name, n.unchanged(f.name, f.type).expr) for f in m.nodes.schema)), names


def _chains(m: Matching, edge: g.GraphEdge) -> Strand:
    """Return the chains of an edge of several lengths: a row a chain, with what is asked of its edges."""
    assert edge.least is not None
    asked = m.asked.get(edge.name, [])
    kind = m.graph.kind
    start, stop = (e.Column(m.scope.state.name("end"), kind) for _ in range(2))
    used, within = (e.Column(m.scope.state.name("list"), Type.DYNAMIC) for _ in range(2))
    length = e.Column(m.scope.state.name("length"), Type.LONG)
    part = e.Column(m.scope.state.name("part"), n.column(m.edges, PART).type) if m.graph.parted else None
    rows: list[n.Plan] = []
    for count in range(edge.least, edge.most + 1):
        plan, strands, nodes = _chain(m, edge, count, inner=any(a.inner for a in asked))
        first, last = (strands[0].start, strands[-1].stop) if strands else (nodes[0][KEY], nodes[0][KEY])
        parted = (strands[0].part if strands else nodes[0].get(PART)) if part is not None else None
        identities = [s.used for s in strands if s.used is not None]
        items = [n.Item(start.name, first), n.Item(stop.name, last), n.Item(length.name, e.whole(count))]
        items += [n.Item(part.name, parted)] if part is not None and parted is not None else []
        items += [n.Item(used.name, call("dynamic.array", *identities))]
        items += [n.Item(within.name, call("dynamic.array", *(s.stop for s in strands[:-1])))]
        inside = nodes if strands else []
        items += [n.Item(a.column, _answer(m, a, plan, strands, inside)) for a in asked]
        rows.append(n.Project(plan, tuple(items)))
    return Strand(rows[0] if len(rows) == 1 else n.Union(tuple(rows)), start, stop, part, used, within, length)


def _chain(m: Matching, edge: g.GraphEdge, count: int, inner: bool) -> tuple[n.Plan, list[Strand], list[dict[str, e.Column]]]:
    """Return chains of one length, their edges, and the nodes between these where they are read."""
    if count == 0:
        plan, names = _instance(m)
        return plan, [], [names]
    strands = [_single(m, edge.direction) for _ in range(count)]
    plan = strands[0].plan
    nodes: list[dict[str, e.Column]] = []
    for before, after in pairwise(strands):
        pairs = {before.stop.name: after.start.name, **({before.part.name: after.part.name} if before.part and after.part else {})}
        plan = n.Join(plan, after.plan, "inner", equal_all(plan, after.plan, pairs))
        if inner:
            rows, names = _instance(m)
            held = {before.stop.name: names[KEY].name, **({before.part.name: names[PART].name} if before.part else {})}
            plan = n.Join(plan, rows, "inner", equal_all(plan, rows, held))
            nodes.append(names)
    apart: list[e.Expr] = []
    if m.exact:
        apart += [call("compare.ne", a.used, b.used) for a, b in combinations(strands, 2) if a.used and b.used]
    if m.acyclic:
        apart += [call("compare.ne", a, b) for a, b in combinations([strands[0].start, *(s.stop for s in strands)], 2)]
    return (n.Filter(plan, all_of(*apart)) if apart else plan), strands, nodes


def _answer(m: Matching, asked: Asked, plan: n.Plan, strands: list[Strand], nodes: list[dict[str, e.Column]]) -> e.Expr:
    """Return `all`, `any` or `map` over the edges of a chain, or over the nodes between them."""
    held: list[dict[str, e.Expr]] = [dict(x) for x in nodes] if asked.inner else [s.properties for s in strands]
    bodies = [_of_nodes(x) if asked.inner else x for x in held]
    empty = not bodies
    sample = _sample(m, inner=asked.inner)
    values: list[e.Expr] = []
    for columns in bodies or [sample]:
        inner = replace(m.scope.bare(), relation=Relation(plan), columns=columns)
        body = _degrees(asked.body) if asked.inner else asked.body
        values.append(lower_scalar(inner, body) if asked.kind == "map" else lower_condition(inner, body))
    if asked.kind == "map":
        return call("dynamic.array", *(() if empty else (coerce.to_dynamic(v) for v in values)), span=asked.span)
    whole = [call("logic.is_true", v) for v in values]
    return (e.TRUE if asked.kind == "all" else e.FALSE) if empty else (all_of(*whole) if asked.kind == "all" else any_of(*whole))


def _sample(m: Matching, inner: bool) -> dict[str, e.Expr]:
    plan = m.nodes if inner else m.edges
    found: dict[str, e.Expr] = {f.name: e.null(f.type) for f in plan.schema if f in visible(plan) or f.name in (INTO, OUT, KEY)}
    return found


def _of_nodes(names: dict[str, e.Expr]) -> dict[str, e.Expr]:
    return {name: column for name, column in names.items() if not name.startswith("\x02") or name in (INTO, OUT, KEY)}


def _degrees(node: Any) -> Any:
    """Return the body over inner nodes with `node_degree_in()` and its like as columns."""
    if isinstance(node, Apply) and node.function in _DEGREES and not node.args:
        return Name(_DEGREES[node.function], node.span)
    return _changed(node, _degrees)


# joins


def _connect(m: Matching) -> bool:
    """Join the edges of the pattern, each to one whose node it shares; False after E305 where one shares none."""
    waiting = list(m.step.hops)
    while waiting:
        hop = next((h for h in waiting if h.left.name in m.ends or h.right.name in m.ends), None) or (waiting[0] if m.plan is None else None)
        if hop is None:
            m.scope.error("E305", "the sequences of a pattern share a node", waiting[0].edge.span, "name a node of the other sequences in this one")
            return False
        waiting.remove(hop)
        strand = _chains(m, hop.edge) if hop.edge.least is not None else _single(m, hop.edge.direction)
        _attach(m, hop, strand)
    if m.plan is None:
        for node in m.step.nodes[1:]:
            if node.name != m.step.nodes[0].name:
                m.scope.error("E305", "the sequences of a pattern share a node", node.span, "join them with an edge")
                return False
        m.plan, names = _instance(m)
        m.ends[m.step.nodes[0].name] = names[KEY]
        m.part = names.get(PART)
    return True


def _attach(m: Matching, hop: g.Hop, strand: Strand) -> None:
    sides = [(hop.left.name, strand.start), (hop.right.name, strand.stop)]
    met = [call("compare.eq", m.ends[name], end) for name, end in sides if name in m.ends]
    if hop.left.name == hop.right.name and not met:
        met.append(call("compare.eq", strand.start, strand.stop))
    if m.part is not None and strand.part is not None:
        met.append(call("compare.eq", m.part, strand.part))
    if m.plan is None:
        m.plan = n.Filter(strand.plan, all_of(*met)) if met else strand.plan
    else:
        m.plan = n.Join(m.plan, strand.plan, "inner", all_of(*met), hop.edge.span)
    for name, end in sides:
        m.ends.setdefault(name, end)
    m.part = m.part or strand.part
    m.steps[hop.edge.name] = strand.properties
    m.used += [strand.used] if strand.used is not None else []
    m.within += [strand.within] if strand.within is not None else []
    m.lengths += [strand.length] if strand.length is not None else []


def _join_nodes(m: Matching) -> None:
    """Join the nodes whose properties are read."""
    for name in dict.fromkeys(v.name for v in m.step.nodes):
        hidden: dict[str, e.Expr] = {}
        if name in m.read:
            assert m.plan is not None
            rows, names = _instance(m)
            held = {m.ends[name].name: names[KEY].name}
            if m.part is not None:
                held[m.part.name] = names[PART].name
            m.plan = n.Join(m.plan, rows, "inner", equal_all(m.plan, rows, held))
            hidden = _of_nodes(dict(names))
        m.steps[name] = hidden


def _without_repeats(m: Matching) -> None:
    """Leave out what meets an edge twice, or a node where cycles are not wanted; an edge of several lengths is so in itself."""
    assert m.plan is not None
    apart = [_apart(a, b) for a, b in combinations(m.used, 2)] if m.exact else []
    if m.acyclic:
        ends = list(m.ends.values())
        if len({v.name for v in m.step.nodes}) < len(m.step.nodes):
            apart.append(e.FALSE)
        apart += [call("compare.ne", a, b) for a, b in combinations(ends, 2)]
        apart += [_apart(a, b) for a in ends for b in m.within]
        apart += [_apart(a, b) for a, b in combinations(m.within, 2)]
    m.plan = n.Filter(m.plan, all_of(*apart)) if apart else m.plan


def _apart(a: e.Column, b: e.Column) -> e.Expr:
    """Return whether two values, or lists of them, have none in common."""
    if a.type is not Type.DYNAMIC and b.type is not Type.DYNAMIC:
        return call("compare.ne", a, b)
    if a.type is Type.DYNAMIC and b.type is Type.DYNAMIC:
        return call("compare.eq", call("array.length", call("array.intersect", a, b)), e.whole(0))
    one, many = (a, b) if b.type is Type.DYNAMIC else (b, a)
    return negate(call("logic.is_true", call("array.holds", many, coerce.to_dynamic(one))))


def _shortest(m: Matching, plan: n.Plan) -> n.Plan:
    """Keep the shortest path between each two nodes: one, or all that are as short."""
    rank = m.scope.state.name("rank")
    meaning = "window.row_number" if m.step.option == "any" else "window.rank"
    ends = tuple(dict.fromkeys([*m.ends.values(), *((m.part,) if m.part is not None else ())]))
    ranked = n.Window(plan, (n.Item(rank, window(meaning, partition_by=ends, order_by=(e.SortKey(m.lengths[0]),))),))
    return n.Filter(ranked, call("compare.eq", e.Column(rank, Type.LONG), e.whole(1)))


STEPS: dict[type, Callable[..., Relation]] = {g.GraphMatch: graph_match}
