"""Graphs: patterns against walks made by hand, and what is no rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.languages.kql.running import faults, run

ROLES = """
let Roles = datatable(name: string, tier: long)["ann", 0, "bob", 0, "dev", 1, "ops", 2, "root", 3];
let Assumed = datatable(who: string, what: string, how: string)[
    "ann", "dev", "sso", "bob", "dev", "key", "dev", "ops", "role", "ops", "dev", "role", "ops", "root", "role"];
"""


def test_a_node_is_shared_by_the_sequences_of_a_pattern() -> None:
    text = ROLES + "Assumed | make-graph who --> what with Roles on name"
    # Both ways into dev that are no role, each pair once in each order; dev --> ops follows.
    text += ' | graph-match (a)-[x]->(r)-->(o), (b)-[y]->(r) where x.how != "role" and y.how != "role" and o.name == "ops" project a.name, b.name, r.tier'
    assert sorted(run(text)) == [("ann", "bob", 1), ("bob", "ann", 1)]


def test_an_edge_of_any_direction_is_met_from_both_ends_and_a_loop_once() -> None:
    text = 'datatable(a: string, b: string)["x", "y", "z", "z"] | make-graph a --> b with_node_id=id | graph-match (m)-[e]-(n) project m.id, n.id'
    assert sorted(run(text)) == [("x", "y"), ("y", "x"), ("z", "z")]


def test_edges_that_are_alike_are_edges_of_their_own() -> None:
    text = 'datatable(a: string, b: string)["x", "y", "x", "y"] | make-graph a --> b with_node_id=id'
    assert run(text + " | graph-match (m)-[e]->(n) project m.id") == [("x",), ("x",)]
    # To y and back again takes two edges, which differ by default: each of the two may be the first.
    assert run(text + " | graph-match (m)-[e]-(n)-[f]-(m) where m.id == 'x' project n.id") == [("y",), ("y",)]
    assert run(text + " | graph-match cycles=all (m)-[e]-(n)-[f]-(m) where m.id == 'x' project n.id") == [("y",)] * 4


def test_no_edge_at_all_is_a_path_of_length_0() -> None:
    text = ROLES + "Assumed | make-graph who --> what with Roles on name | graph-match (a)-[p*0..1]->(b) where a.name == 'ops'"
    text += " project b.name, Ways = map(p, how), None = any(p, true), All = all(p, false)"
    assert sorted(run(text), key=str) == [("dev", ["role"], True, False), ("ops", [], False, True), ("root", ["role"], True, False)]


def test_a_node_that_only_an_edge_names_has_its_id_and_empty_properties() -> None:
    text = 'let N = datatable(id: string, note: string, rank: long)["a", "first", 1]; datatable(s: string, t: string)["a", "b"]'
    text += " | make-graph s --> t with N on id | graph-match (m)-->(n) project m.note, n.id, n.note, n.rank"
    assert run(text) == [("first", "b", "", None)]


def test_two_tables_of_nodes_are_one() -> None:
    text = 'let N = datatable(id: string, note: string)["a", "x"]; let M = datatable(key: string, age: long)["b", 7];'
    text += ' datatable(s: string, t: string)["a", "b"] | make-graph s --> t with N on id, M on key | graph-match (m)-->(n) project m.note, m.age, n.age, n.id'
    assert run(text) == [("x", None, 7, "b")]


def test_one_shortest_path_or_all_of_them() -> None:
    square = 'datatable(s: string, t: string)["a", "b", "b", "d", "a", "c", "c", "d", "a", "x", "x", "y", "y", "d"] | make-graph s --> t with_node_id=id'
    ask = " (m)-[p*1..4]->(n) where m.id == 'a' and n.id == 'd' project Inside = tostring(map(inner_nodes(p), id))"
    assert sorted(run(f"{square} | graph-shortest-paths output=all{ask}")) == [('["b"]',), ('["c"]',)]
    assert run(f"{square} | graph-shortest-paths{ask}")[0][0] in ('["b"]', '["c"]')
    # The condition is part of the search: the short ways are not through x.
    assert run(f"{square} | graph-shortest-paths{ask.replace('project', 'and any(inner_nodes(p), id == {!r}) project'.format('x'))}") == [('["x","y"]',)]


def test_a_partition_is_a_graph_of_its_own() -> None:
    text = 'datatable(s: string, t: string, where_: string)["a", "b", "one", "b", "c", "two", "b", "d", "one"]'
    text += " | make-graph s --> t with_node_id=id partitioned-by where_ (graph-match (m)-->(n)-->(o) project o.id)"
    assert run(text) == [("d",)]


def walks(edges: list[tuple[int, int]], least: int, most: int, cycles: str) -> Iterator[tuple[int, int, int]]:
    """Yield first node, last node and length of every walk that the option lets through."""

    def go(path: list[int], nodes: list[int]) -> Iterator[tuple[int, int, int]]:
        if least <= len(path):
            yield nodes[0], nodes[-1], len(path)
        if len(path) == most:
            return
        for place, (start, stop) in enumerate(edges):
            if start != nodes[-1] or (cycles != "all" and place in path) or (cycles == "none" and stop in nodes):
                continue
            yield from go([*path, place], [*nodes, stop])

    for first in {x for edge in edges for x in edge}:
        yield from go([], [first])


@pytest.mark.parametrize("cycles", ["all", "unique_edges", "none"])
def test_paths_are_the_walks_that_the_option_lets_through(cycles: str) -> None:
    edges = [(0, 1), (1, 2), (2, 0), (1, 1), (0, 2), (2, 3), (3, 1), (0, 1), (4, 0)]  # a ring, a loop, two alike, and a way back in
    rows = ", ".join(f"{a}, {b}" for a, b in edges)
    text = f"datatable(s: long, t: long)[{rows}] | make-graph s --> t with_node_id=id | graph-match cycles={cycles} (m)-[p*1..3]->(n)"
    assert Counter(run(text + " project m.id, n.id, array_length(map(p, s))")) == Counter(walks(edges, 1, 3, cycles))


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ("| count", "E104"),
        ("", "E104"),
        ("| graph-match (a)-->(b), (c)-->(d) project x = 1", "E305"),
        ("| graph-match cycles=none (a)-->(b), (b)-->(c) project x = 1", "E305"),
        # Lengths 1 to 60 are 1 + 2 + … + 60 = 1,830 joins.
        ("| graph-match (a)-[e*1..60]->(b) project x = 1", "E305"),
        ("| graph-match cycles=some (a)-->(b) project x = 1", "E107"),
        ("| graph-match (a)-[e]->(b)-[e]->(c) project x = 1", "E106"),
        ("| graph-match (a)-[e*3..1]->(b) project x = 1", "E107"),
        ("| graph-match (a)-->(b) project a.nothing", "E102"),
        ("| graph-shortest-paths (a)-[e]->(b) project a.id", "E305"),
        ("| graph-to-table nodes with_node_id=Hash", "E304"),
        ("| graph-mark-components | graph-to-table nodes", "E301"),
    ],
)
def test_what_cannot_be_read_is_refused(rest: str, code: str) -> None:
    text = 'datatable(s: string, t: string)["a", "b"] | make-graph s --> t with_node_id=id ' + rest
    assert [d.code for d in faults(text)][:1] == [code]


def test_rows_are_no_graph_and_ids_are_of_one_type() -> None:
    assert [d.code for d in faults("print x = 1 | graph-match (a) project a.x")] == ["E104"]
    assert [d.code for d in faults('datatable(s: string, t: long)["a", 1] | make-graph s --> t | graph-match (a) project x = 1')] == ["E104"]
