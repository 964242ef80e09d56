"""The operators of graphs. https://learn.microsoft.com/kusto/query/graph-operators"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias
from typing import Literal as Choice

from livefire.diagnostics import Span
from livefire.record import record

if TYPE_CHECKING:
    from livefire.languages.kql.nodes import Expression, Item, Step


@record(frozen=True, slots=True)
class GraphNode:
    """`(name)` of a pattern; an anonymous node has a name that no text can write."""

    name: str
    span: Span


@record(frozen=True, slots=True)
class GraphEdge:
    """`-[name]->`, `<-[name]-`, `-[name]-` or `-[name*1..5]->` of a pattern; `least` is None for one edge."""

    name: str
    direction: Choice["out", "in", "any"]
    least: int | None
    most: int
    span: Span


@record(frozen=True, slots=True)
class Hop:
    """An edge between two nodes of a pattern, the left one first."""

    left: GraphNode
    edge: GraphEdge
    right: GraphNode


@record(frozen=True, slots=True)
class MakeGraph:
    """`make-graph source --> target with (nodes) on key, …` or `with_node_id=name`, perhaps `partitioned-by column (operator)`."""

    source: Expression
    target: Expression
    nodes: tuple[tuple[Expression, Expression], ...]
    node_id: str | None
    partition: str | None
    steps: tuple[Step, ...]
    span: Span


@record(frozen=True, slots=True)
class GraphMatch:
    """`graph-match cycles=… pattern where condition project items`; `shortest` for `graph-shortest-paths output=…`."""

    option: str
    nodes: tuple[GraphNode, ...]
    hops: tuple[Hop, ...]
    condition: Expression | None
    items: tuple[Item, ...]
    shortest: bool
    sequences: int
    span: Span


@record(frozen=True, slots=True)
class GraphToTable:
    """`graph-to-table nodes` or `graph-to-table edges`, with names for the ids."""

    what: str
    ids: tuple[tuple[str, str], ...]
    span: Span


GraphStep: TypeAlias = MakeGraph | GraphMatch | GraphToTable
