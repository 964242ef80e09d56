"""Rewrites keep what a plan means: order to the end, evidence with every row, and no column less than is read."""

from __future__ import annotations

import json

from livefire.engines.base import Run, Storage
from livefire.engines.duckdb import DuckDB
from livefire.engines.program import TableFiles
from livefire.engines.worker import shared_scratch
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.evidence import EVIDENCE, carry_evidence
from livefire.plan.functions import aggregate, call, window
from livefire.plan.prune import prune_columns
from livefire.plan.rewrite import keep_order, rewrite
from livefire.plan.sink import sink_filters
from livefire.schema import Schema, Type
from livefire.store.loaded import load_rows

ROWS = [
    {"id": "e1", "who": "ann", "what": "run", "at": 3},
    {"id": "e2", "who": "bob", "what": "run", "at": 1},
    {"id": "e3", "who": "ann", "what": "stop", "at": 2},
    {"id": "e4", "who": "cy", "what": "run", "at": 5},
]
LOADED = load_rows(ROWS)
EVENTS = n.Scan("events", LOADED.schema, LOADED.physical, identity="id")


def col(name: str) -> e.Column:
    return n.column(EVENTS, name)


def run(plan: n.Plan) -> list[tuple[object, ...]]:
    storage = Storage({"events": TableFiles((shared_scratch().put(LOADED.data),))})
    table = DuckDB().execute(rewrite(plan), storage, Run())
    return list(zip(*(c.to_pylist() for c in table.columns), strict=True))


def evidence(plan: n.Plan) -> list[list[str]]:
    carried = carry_evidence(plan)
    place = carried.schema.names.index(EVIDENCE)
    return sorted(sorted(json.loads(str(row[place]))) for row in run(carried))


IS_RUN = call("compare.eq", col("what"), e.text("run"))


def test_order_lasts_through_projection_and_filter() -> None:
    plan = n.select(n.Filter(n.Sort(EVENTS, (e.SortKey(col("at"), descending=True),)), IS_RUN), "id")
    assert run(plan) == [("e4",), ("e1",), ("e2",)]


def test_limit_takes_the_first_in_order() -> None:
    plan = n.Limit(n.select(n.Sort(EVENTS, (e.SortKey(col("at")),)), "id"), 2)
    assert run(plan) == [("e2",), ("e3",)]


def test_a_second_sort_keeps_the_first_among_equals() -> None:
    first = n.Sort(EVENTS, (e.SortKey(col("at")),))
    assert run(n.select(n.Sort(first, (e.SortKey(col("who")),)), "id")) == [("e3",), ("e1",), ("e2",), ("e4",)]


def test_lists_are_gathered_in_order() -> None:
    ordered = n.Sort(EVENTS, (e.SortKey(col("at")),))
    plan = n.Aggregate(ordered, (n.Item("who", col("who")),), (n.Item("ids", aggregate("agg.list", col("id"))),))
    assert sorted(run(plan)) == [("ann", '["e3","e1"]'), ("bob", '["e2"]'), ("cy", '["e4"]')]


def test_row_order_windows_follow_the_sort() -> None:
    ordered = n.Sort(EVENTS, (e.SortKey(col("at")),))
    before = window("window.previous", col("id"), row_order=True)
    assert run(n.select(n.Window(ordered, (n.Item("before", before),)), "id", "before")) == [("e2", None), ("e3", "e2"), ("e1", "e3"), ("e4", "e1")]


def test_evidence_of_rows_and_groups() -> None:
    assert evidence(n.Filter(EVENTS, IS_RUN)) == [["events/e1"], ["events/e2"], ["events/e4"]]
    grouped = n.Aggregate(EVENTS, (n.Item("who", col("who")),), (n.Item("n", aggregate("agg.count")),))
    assert evidence(grouped) == [["events/e1", "events/e3"], ["events/e2"], ["events/e4"]]


def test_evidence_of_distinct_union_and_join() -> None:
    whos = n.select(EVENTS, "who")
    assert evidence(n.Distinct(whos)) == [["events/e1", "events/e3"], ["events/e2"], ["events/e4"]]
    assert len(evidence(n.Union((whos, whos)))) == 8
    stops = n.Project(n.Filter(EVENTS, call("compare.eq", col("what"), e.text("stop"))), (n.Item("stopper", col("who")),))
    joined = n.Join(n.Filter(EVENTS, IS_RUN), stops, "inner", call("compare.eq", col("who"), e.Column("stopper", Type.STRING)))
    assert evidence(joined) == [["events/e1", "events/e3"]]
    assert evidence(n.Join(whos, stops, "semi", call("compare.eq", col("who"), e.Column("stopper", Type.STRING)))) == [["events/e1"], ["events/e3"]]


def test_constants_have_no_evidence() -> None:
    assert evidence(n.Values(Schema.of(("a", Type.LONG)), ((1,),))) == [[]]


def test_pruning_reads_only_what_is_needed() -> None:
    wide = n.extend(EVENTS, n.Item("shout", call("text.upper", col("who"))))
    pruned = prune_columns(n.select(n.Filter(wide, IS_RUN), "shout"))
    scans = [x for x in _nodes(pruned) if isinstance(x, n.Scan)]
    assert [s.schema.names for s in scans] == [("who", "what")]
    assert sorted(run(n.select(n.Filter(wide, IS_RUN), "shout"))) == [("ANN",), ("BOB",), ("CY",)]


def test_pruning_keeps_distinct_and_union_whole() -> None:
    pairs = n.Distinct(n.select(EVENTS, "who", "what"))
    assert len(run(n.select(pairs, "who"))) == 4
    both = n.Union((n.select(EVENTS, "who", "at"), n.select(EVENTS, "who", "at")))
    assert prune_columns(n.select(both, "who")).schema.names == ("who",)
    assert len(run(n.select(both, "who"))) == 8


def test_names_that_differ_only_in_case_stay_apart() -> None:
    plan = n.Project(EVENTS, (n.Item("Who", col("id")), n.Item("who", col("who"))))
    assert sorted(run(keep_order(plan))) == [("e1", "ann"), ("e2", "bob"), ("e3", "ann"), ("e4", "cy")]


def _nodes(plan: n.Plan) -> list[n.Plan]:
    return [plan, *(x for child in n.inputs(plan) for x in _nodes(child))]


def test_no_column_is_captured_by_a_name_of_the_engine() -> None:
    """Spellings bind short names inside SQL; a column of that very name must still be read."""
    for name in ("k", "v", "x", "l", "i", "t1", "x1", "X"):
        given = n.Values(Schema.of((name, Type.DYNAMIC)), (('{"a":1,"b":2}',), ('{"a":1,"b":2}',)))
        column = e.Column(name, Type.DYNAMIC)
        assert run(n.select(n.Limit(n.Unnest(given, column, "member"), 2), "member")) == [('{"a":1}',), ('{"b":2}',)], name
        assert run(n.Aggregate(given, (), (n.Item(name, aggregate("agg.set", column)),))) == [('[{"a":1,"b":2}]',)], name
        keys = call("dynamic.keys", column)
        assert run(n.Limit(n.Project(given, (n.Item(name, call("text.join", keys, e.text("+"))),)), 1)) == [("a+b",)], name


FILLED = n.Project(
    EVENTS,
    (
        n.Item("name", call("logic.coalesce", col("what"), e.text(""))),
        n.Item("who", col("who")),
        n.Item("twice", call("number.add", col("at"), col("at"), type=Type.LONG)),
    ),
)


def test_conditions_are_tested_where_rows_are_read() -> None:
    named = call("compare.eq", n.column(FILLED, "name"), e.text("run"))
    sunk = sink_filters(n.Filter(FILLED, named))
    # The empty text that stands for null is not "run", so the column itself is tested, below the projection.
    assert sunk == n.Project(n.Filter(EVENTS, IS_RUN), FILLED.items)
    assert len(run(sunk)) == 3


def test_conditions_that_stay_where_they_are() -> None:
    dear = call("compare.gt", n.column(FILLED, "twice"), e.whole(4))
    empty = call("compare.eq", n.column(FILLED, "name"), e.text(""))
    both = sink_filters(n.Filter(n.Filter(FILLED, dear), empty))
    # What is computed is tested once it is; a null that is filled in with what is asked for has to be filled in.
    filled = call("compare.eq", call("logic.coalesce", col("what"), e.text("")), e.text(""))
    assert both == n.Filter(n.Project(n.Filter(EVENTS, filled), FILLED.items), dear)
    ends = n.Filter(n.Filter(FILLED, call("logic.fail_if", empty, e.text("no name"))), empty)
    assert sink_filters(ends) == ends


def test_nulls_filled_in_are_found_by_what_fills_them() -> None:
    rows = n.Values(Schema.of(("a", Type.STRING)), ((None,), ("",), ("x",)))
    named = n.Project(rows, (n.Item("b", call("logic.coalesce", e.Column("a", Type.STRING), e.text(""))),))
    for value, count in (("", 2), ("x", 1)):
        assert len(run(n.Filter(named, call("compare.eq", e.Column("b", Type.STRING), e.text(value))))) == count
