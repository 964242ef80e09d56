"""Aggregate and window meanings over rows written out by hand."""

from __future__ import annotations

import pytest

from livefire.engines.base import Run, Storage
from livefire.engines.duckdb import DuckDB
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Scalar
from livefire.plan.functions import FUNCTIONS, aggregate, window
from livefire.plan.rewrite import rewrite
from livefire.schema import Schema, Type

# (group, order, number, text): nulls in both value columns, repeated values out of order.
ROWS: tuple[tuple[Scalar, ...], ...] = (
    ("g", 1, 5, "b"),
    ("g", 2, None, "a"),
    ("g", 3, 2, "b"),
    ("g", 4, 9, None),
    ("g", 5, 2, "c"),
    ("h", 6, None, None),
)
SCHEMA = Schema.of(("k", Type.STRING), ("o", Type.LONG), ("v", Type.LONG), ("s", Type.STRING))
TABLE = n.Sort(n.Values(SCHEMA, ROWS), (e.SortKey(e.Column("o", Type.LONG)),))
K, O, V, S = (e.Column(f.name, f.type) for f in SCHEMA)  # noqa: E741 - the order column


def grouped(call: e.Aggregate) -> dict[object, object]:
    plan = rewrite(n.Aggregate(TABLE, (n.Item("k", K),), (n.Item("r", call),)))
    table = DuckDB().execute(plan, Storage(), Run())
    return dict(zip(table.column(0).to_pylist(), table.column(1).to_pylist(), strict=True))


CASES: list[tuple[e.Aggregate, object, object]] = [
    (aggregate("agg.count"), 5, 1),
    (aggregate("agg.count", V), 4, 0),
    (aggregate("agg.count_distinct", V), 3, 0),
    (aggregate("agg.count_distinct", V, S), 3, 0),  # (5,b) (2,b) (2,c); a null in the pair leaves it out
    (aggregate("agg.sum", V, type=Type.LONG), 18, None),
    (aggregate("agg.avg", V), 4.5, None),
    (aggregate("agg.min", V), 2, None),
    (aggregate("agg.max", S), "c", None),
    (aggregate("agg.variance", V), 11.0, None),  # deviations .5 -2.5 4.5 -2.5: 33 / 3
    (aggregate("agg.variance_population", V), 8.25, None),
    (aggregate("agg.stdev", V), 11.0**0.5, None),
    (aggregate("agg.stdev_population", V), 8.25**0.5, None),
    (aggregate("agg.percentile", V, e.whole(50)), 2, None),  # of 2 2 5 9 half lie at or below 2
    (aggregate("agg.percentile", V, e.whole(75)), 5, None),
    (aggregate("agg.median", V), 3.5, None),
    (aggregate("agg.any", S), "b", None),
    (aggregate("agg.first", V), 5, None),
    (aggregate("agg.last", S), "c", None),
    (aggregate("agg.arg_max", S, V), None, None),  # the row with 9 has no text, and keeps its place
    (aggregate("agg.arg_min", O, V), 3, None),
    (aggregate("agg.list", S), '["b","a","b","c"]', "[]"),
    (aggregate("agg.list", V, where=e.Call("compare.gt", (V, e.whole(2)), Type.BOOL)), "[5,9]", "[]"),
    (aggregate("agg.set", S), '["b","a","c"]', "[]"),
    (aggregate("agg.set", V), "[5,2,9]", "[]"),
    (aggregate("agg.set_sorted", S), '["a","b","c"]', "[]"),
]


@pytest.mark.parametrize(("call", "first", "second"), CASES, ids=lambda x: x.function if isinstance(x, e.Aggregate) else "")
def test_aggregate(call: e.Aggregate, first: object, second: object) -> None:
    got = grouped(call)
    assert got["g"] == (pytest.approx(first) if isinstance(first, float) else first)
    assert got["h"] == second


def test_union_of_arrays() -> None:
    arrays: tuple[tuple[Scalar, ...], ...] = (('["a","b"]',), (None,), ('["b","c"]',))
    plan = n.Aggregate(n.Values(Schema.of(("a", Type.DYNAMIC)), arrays), (), (n.Item("r", aggregate("agg.union_arrays", e.Column("a", Type.DYNAMIC))),))
    (found,) = DuckDB().execute(rewrite(plan), Storage(), Run()).column(0).to_pylist()
    assert sorted(found.strip("[]").split(",")) == ['"a"', '"b"', '"c"']


def test_a_text_that_looks_like_a_mark_of_the_printer_stays_as_it_is() -> None:
    marks = "/*filter*/ /*over*/"
    assert grouped(aggregate("agg.list", e.text(marks), where=e.Call("compare.gt", (V, e.whole(5)), Type.BOOL)))["g"] == f'["{marks}"]'


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("window.row_number", (), [1, 2, 3, 4, 5, 1]),
        ("window.previous", (V, e.whole(1)), [None, 5, None, 2, 9, None]),
        ("window.last_known", (V,), [5, 5, 2, 9, 2, None]),
        ("window.next", (V, e.whole(1), e.whole(-1)), [None, 2, 9, 2, -1, -1]),
    ],
)
def test_window(name: str, args: tuple[e.Expr, ...], expected: list[object]) -> None:
    call = window(name, *args, partition_by=(K,), order_by=(e.SortKey(O),))
    plan = rewrite(n.select(n.Window(TABLE, (n.Item("r", call),)), "r"))
    assert DuckDB().execute(plan, Storage(), Run()).column(0).to_pylist() == expected


def test_rank_counts_ties() -> None:
    for name, expected in (("window.rank", [1, 1, 3, 4]), ("window.dense_rank", [1, 1, 2, 3])):
        table = n.Filter(TABLE, e.Call("logic.not", (e.Call("logic.is_null", (V,), Type.BOOL),), Type.BOOL))
        plan = rewrite(n.select(n.Window(table, (n.Item("r", window(name, order_by=(e.SortKey(V),))),)), "r"))
        assert sorted(DuckDB().execute(plan, Storage(), Run()).column(0).to_pylist()) == expected


def test_every_plain_aggregate_is_tried_here() -> None:
    tried = {c.function for c, _, _ in CASES} | {"agg.union_arrays"}
    plain = {f.name for f in FUNCTIONS.values() if f.kind == "aggregate"}
    elsewhere = plain - tried
    assert not elsewhere & {"agg.count", "agg.set", "agg.list"}
