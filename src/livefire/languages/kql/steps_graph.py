"""Parsing of the operators of graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Literal as Choice

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Name
from livefire.languages.kql import graph_nodes as g
from livefire.languages.kql import nodes as k

if TYPE_CHECKING:
    from livefire.languages.kql.steps import StepParser


def make_graph(parser: StepParser, start: Span) -> k.Step:
    """Read the rest of `make-graph`."""
    source = _column(parser)
    for sign in ("-", "-", ">"):
        parser.expect(sign, "in source --> target")
    target = _column(parser)
    nodes: list[tuple[k.Expression, k.Expression]] = []
    node_id = partition = None
    if parser.take("with"):
        while True:
            table = parser.joined()
            parser.expect("on", "before the column of the node's id")
            nodes.append((table, _column(parser)))
            if not parser.take(","):
                break
    elif parser.take("with_node_id"):
        parser.expect("=")
        node_id = parser.declared_name("the name of the node's id")
    steps: tuple[k.Step, ...] = ()
    if parser.take("partitioned-by"):
        partition = parser.declared_name("the column to partition by")
        steps = parser.subquery()
    return g.MakeGraph(source, target, tuple(nodes), node_id, partition, steps, start.to(parser.last()))


def _column(parser: StepParser) -> k.Expression:
    start = parser.token.span
    return Name(parser.declared_name("a column"), start.to(parser.last()))


def graph_match(parser: StepParser, start: Span) -> k.Step:
    """Read the rest of `graph-match`."""
    return _match(parser, start, "cycles", ("unique_edges", "all", "none"), shortest=False)


def graph_shortest_paths(parser: StepParser, start: Span) -> k.Step:
    """Read the rest of `graph-shortest-paths`."""
    return _match(parser, start, "output", ("any", "all"), shortest=True)


def _match(parser: StepParser, start: Span, option: str, values: tuple[str, ...], *, shortest: bool) -> k.Step:
    chosen = values[0]
    for said in parser.options(option):
        if said.name == option and said.value not in values:
            parser.fail(f"no {option} are named {said.value!r}", span=said.span, code="E107", help=f"{option}: " + ", ".join(values))
        chosen = said.value if said.name == option else chosen
    nodes: list[g.GraphNode] = []
    hops: list[g.Hop] = []
    sequences = 0
    while True:
        sequences += 1
        left = _node(parser)
        nodes.append(left)
        while parser.at("-", "<"):
            edge = _edge(parser)
            right = _node(parser)
            nodes.append(right)
            hops.append(g.Hop(left, edge, right))
            left = right
        if not parser.take(","):
            break
    condition = parser.expression() if parser.take("where") else None
    parser.expect("project", "with what to show of each match")
    return g.GraphMatch(chosen, tuple(nodes), tuple(hops), condition, parser.items(), shortest, sequences, start.to(parser.last()))


def _node(parser: StepParser) -> g.GraphNode:
    opened = parser.expect("(", "of a node, as in (n)")
    name = f"\x02node{parser.place}" if parser.at(")") else parser.declared_name("the node's name")
    parser.close(opened)
    return g.GraphNode(name, opened.span.to(parser.last()))


def _edge(parser: StepParser) -> g.GraphEdge:
    start = parser.token.span
    inward = parser.take("<") is not None
    parser.expect("-", "of an edge, as in -[e]->")
    name, least, most = f"\x02edge{parser.place}", None, 1
    if parser.at("["):
        opened = parser.advance()
        if not parser.at("*", "]"):
            name = parser.declared_name("the edge's name")
        if parser.take("*"):
            least = _count(parser)
            parser.expect("..", "between the least and the greatest number of edges")
            most = _count(parser)
            if most < least or most == 0 or most > 100:
                parser.fail("the numbers of edges go from the least to the greatest, up to 100", span=opened.span.to(parser.last()), code="E107")
        parser.close(opened)
    parser.expect("-", "of an edge, as in -[e]->")
    outward = not inward and parser.take(">") is not None
    direction: Choice["out", "in", "any"] = "in" if inward else "out" if outward else "any"
    return g.GraphEdge(name, direction, least, most, start.to(parser.last()))


def _count(parser: StepParser) -> int:
    token = parser.expect_kind("long", "a whole number")
    return min(int(token.text), 10_000)


def graph_to_table(parser: StepParser, start: Span) -> k.Step:
    """Read the rest of `graph-to-table`."""
    what = parser.advance().text
    if what not in ("nodes", "edges"):
        parser.fail("graph-to-table gives nodes or edges", span=parser.last())
    if parser.take("as"):
        parser.fail("a name for the table is not run: one table is given", span=parser.last(), code="E304", help="name the whole query with let")
    ids: list[tuple[str, str]] = []
    while parser.at("with_node_id", "with_source_id", "with_target_id"):
        kind = parser.advance().text
        parser.expect("=")
        ids.append((kind, parser.declared_name("the column's name")))
    if parser.at(","):
        parser.fail("two tables at once are not given", code="E304", help="run graph-to-table nodes and graph-to-table edges as two queries")
    return g.GraphToTable(what, tuple(ids), start.to(parser.last()))
