"""Names and types that Kusto's binder gives the columns of calls; each was held against Microsoft's own binder."""

from __future__ import annotations

import pytest

from livefire import Workspace
from tests.languages.kql.running import columns, run

TABLE = "datatable(l: long, i: int, r: real, s: string, j: dynamic)[1, 2, 2.5, 'x', dynamic({\"a\": 2.5})]"


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        # The older functions name what they give after what is compared.
        ("summarize argmax(r, s)", [("max_r", "real"), ("max_r_s", "string")]),
        ("project l, r | summarize argmin(r, *)", [("min_r", "real"), ("min_r_l", "long")]),
        ("summarize arg_max(r, s)", [("r", "real"), ("s", "string")]),
        ("summarize binary_all_or(i), binary_all_and(l)", [("i", "int"), ("l", "long")]),
        ("project series_fill_const(j, 0)", [("j", "dynamic")]),
        ("project make_timespan(l, i), make_datetime(s)", [("Column1", "timespan"), ("s", "datetime")]),
        # A dynamic value takes the type of the number beside it.
        (
            "project l + j, i * j, r - j, j / l, j % i",
            [("Column1", "long"), ("Column2", "long"), ("Column3", "real"), ("Column4", "long"), ("Column5", "long")],
        ),
    ],
)
def test_names_and_types(tail: str, expected: list[tuple[str, str]]) -> None:
    assert columns(f"{TABLE} | {tail}") == expected


def test_a_dynamic_beside_a_whole_number_is_whole() -> None:
    """As `tolong` reads it, with a warning; beside a real it is a real."""
    assert run(f"{TABLE} | project j.a * l, j.a * r, toreal(j.a) * l") == [(2, 6.25, 2.5)]
    said = Workspace().check(f"{TABLE} | project j.a * l", language="kql")
    assert [d.code for d in said] == ["W104"]


def test_texts_of_a_join_and_keys_of_a_bag_may_be_columns() -> None:
    table = 'datatable(i: int, b: dynamic, k: string)[1, dynamic({"a": 1}), "a", 2, dynamic({"a": 1}), "b", 3, dynamic(null), "a"]'
    rows = run(f'{table} | sort by i asc | project bag_has_key(b, k), strcat_array(dynamic(["p", 3]), k)')
    assert rows == [(True, "pa3"), (False, "pb3"), (False, "pa3")]


def test_arrays_of_percentiles_have_a_name() -> None:
    assert columns(f"{TABLE} | summarize percentiles_array(l, 5, 50)") == [("percentiles_l", "dynamic")]


GRAPH = """datatable(a: string, b: string, at: datetime, took: timespan)["x", "y", datetime(2026-01-01 10:00), 1h, "y", "z", datetime(2026-01-02), 2h]
| make-graph a --> b with_node_id=n | graph-match (s)-[p*1..3]->(e) where s.n == "x" and e.n == "z" """


def test_what_is_asked_of_a_path_has_a_number_for_a_name_and_values_as_kusto_writes_them() -> None:
    assert columns(GRAPH + "project map(p, at), p.took, any(p, took > 90m), s.n") == [
        ("Column1", "dynamic"), ("p_took", "dynamic"), ("Column2", "bool"), ("s_n", "string"),
    ]  # fmt: skip
    assert run(GRAPH + "project map(p, at), map(p, took)") == [(["2026-01-01T10:00:00.0000000Z", "2026-01-02T00:00:00.0000000Z"], ["01:00:00", "02:00:00"])]


def test_a_series_of_percentiles_is_named_as_an_aggregate_is() -> None:
    assert columns(f"{TABLE} | make-series percentile(r, 50) default=0.0 on l from 0 to 3 step 1")[0] == ("percentile_r_50", "dynamic")


def test_what_print_sorts_has_a_number() -> None:
    assert columns("print array_sort_asc(dynamic([3, 1])), array_sort_desc(dynamic([1]))") == [("print_0", "dynamic"), ("print_1", "dynamic")]
