"""Rows of queries whose meaning is easy to get wrong; each expected value is reasoned from the vendor's pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from livefire import Workspace
from tests.languages.kql.running import NOW, Tables, columns, faults, run


def value(expression: str) -> Any:
    return run(f"print {expression}")[0][0]


def test_a_null_of_a_condition_drops_the_row_and_its_negation_does_too() -> None:
    # n > 1 is null for the null, so neither the condition nor its negation keeps that row.
    rows = "datatable(n: long)[1, 2, long(null)]"
    assert run(f"{rows} | where n > 1") == [(2,)]
    assert run(f"{rows} | where not(n > 1)") == [(1,)]
    # Inequality with a constant is true for null.
    assert run(f"{rows} | where n != 1") == [(2,), (None,)]


def test_a_missing_text_of_a_table_is_empty() -> None:
    rows: Tables = {"T": [{"a": "x", "b": 1}, {"b": 2}]}
    assert run("T | where isempty(a) | project a, b", rows) == [("", 2)]
    assert run("T | where a != 'x' | project b", rows) == [(2,)]
    assert run("T | where a !contains 'x' | project b", rows) == [(2,)]


def test_a_name_of_a_column_hides_one_of_a_let() -> None:
    assert run("let a = 5; datatable(a: long)[1] | extend b = a") == [(1, 1)]


def test_extend_reads_the_columns_before_it() -> None:
    assert run("print a = 1 | extend a = 2, b = a") == [(2, 1)]


def test_functions_see_the_names_before_them_and_take_defaults_and_tables() -> None:
    text = """
    let least = 2;
    let big = (T: (n: long), m: long = 10) { T | where n >= least and n < m };
    let twice = (x: long) { x * 2 };
    big(datatable(n: long)[1, 2, 30]) | extend d = twice(n) | union (big(datatable(n: long)[30], m = 99) | extend d = 0)
    """
    assert run(text) == [(2, 4), (30, 0)]


@pytest.mark.parametrize(
    ("text", "needle", "found"),
    [
        ("North America", "north", True),
        ("NorthAmerica", "north", False),
        ("a_b", "b", True),
        ("x.y-z", "y", True),
        ("10.0.0.1", "0.0", True),
        ("abc", "", True),
    ],
)
def test_terms(text: str, needle: str, found: bool) -> None:
    assert value(f"'{text}' has '{needle}'") is found


def test_text_forms_of_values() -> None:
    # The forms are .NET's: seven digits of a second, days before a point, reals with their point.
    assert value("tostring(datetime(2026-01-02 03:04:05.678))") == "2026-01-02T03:04:05.6780000Z"
    assert value("tostring(1d + 2h + 3ms)") == "1.02:00:00.0030000"
    assert value("tostring(2.0)") == "2.0"
    assert value("tostring(true)") == "true"
    assert value("tostring(long(null))") == ""
    assert value("""tostring(dynamic({"a":[1,"x"]}))""") == '{"a":[1,"x"]}'


def test_conversions_that_fail_are_null() -> None:
    assert run("print tolong('12'), tolong('x'), todouble('1.5'), todatetime('no'), tobool('TRUE'), toint(3000000000)") == [(12, None, 1.5, None, True, None)]


def test_literals_of_time() -> None:
    assert value("timespan(1.02:03:04)") == timedelta(days=1, hours=2, minutes=3, seconds=4)
    assert value("time(90m)") == timedelta(hours=1, minutes=30)
    assert value("datetime(2026-01-02T03:04:05+02:00)") == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert value("datetime(12/31/2026)") == datetime(2026, 12, 31, tzinfo=UTC)
    assert value("now() - 1d") == NOW - timedelta(days=1)


def test_names_of_columns() -> None:
    text = "datatable(a: long, s: string, d: dynamic)[1, 'x', dynamic({})]"
    assert columns(f"{text} | extend a + 1, d.x.y, d['k'], tolower(s), tostring(d.z), strlen(s)") == [
        ("a", "long"), ("s", "string"), ("d", "dynamic"), ("Column1", "long"), ("d_x_y", "dynamic"), ("d_k", "dynamic"), ("Column2", "string"),
        ("d_z", "string"), ("strlen_s", "long"),
    ]  # fmt: skip
    assert columns(f"{text} | summarize count(), sum(a), dcount(s), make_set(s), max(a), percentile(a, 95), arg_max(a, *) by bin(a, 5), tolower(s)") == [
        ("a", "long"), ("Column1", "string"), ("count_", "long"), ("sum_a", "long"), ("dcount_s", "long"), ("set_s", "dynamic"), ("max_a", "long"),
        ("percentile_a_95", "long"), ("a1", "long"), ("s", "string"), ("d", "dynamic"),
    ]  # fmt: skip
    assert columns("print 1, a = 2, 'x'") == [("print_0", "long"), ("a", "long"), ("print_2", "string")]
    assert columns(f"{text} | join kind=inner (datatable(a: long, s: string, c: int)[1, 'y', 2]) on a")[3:] == [("a1", "long"), ("s1", "string"), ("c", "int")]


def test_types_of_arithmetic() -> None:
    text = "print i = toint(7), l = 7, r = 7.0, t = 1h, d = datetime(2026-01-01)"
    extended = columns(f"{text} | project i / 2, i + i, l * r, t * 2, t / 2, t / t, d - d, d + t, -i, bin(r, 2), iff(true, i, l), coalesce(i, l)")
    assert [kind for _, kind in extended] == ["long", "long", "real", "timespan", "timespan", "real", "timespan", "datetime", "long", "real", "long", "long"]


def test_sort_puts_nulls_where_kusto_does() -> None:
    rows = "datatable(n: long)[2, long(null), 1]"
    # Descending is the default, with nulls last; ascending has them first.
    assert run(f"{rows} | sort by n") == [(2,), (1,), (None,)]
    assert run(f"{rows} | sort by n asc") == [(None,), (1,), (2,)]
    assert run(f"{rows} | sort by n asc nulls last") == [(1,), (2,), (None,)]


def test_a_null_key_joins_nothing() -> None:
    text = "let L = datatable(k: long, v: string)[long(null), 'l', 1, 'm']; let R = datatable(k: long, w: string)[long(null), 'r', 1, 's'];"
    assert run(f"{text} L | join kind=inner R on k") == [(1, "m", 1, "s")]
    assert sorted(run(f"{text} L | join kind=leftouter R on k"), key=str) == [(1, "m", 1, "s"), (None, "l", None, "")]


def test_lookup_keeps_the_key_once() -> None:
    text = "datatable(k: string, v: long)['a', 1, 'z', 2] | lookup (datatable(k: string, n: string)['a', 'Ann']) on k | sort by v asc"
    assert run(text) == [("a", 1, "Ann"), ("z", 2, "")]


def test_aggregates_of_nothing() -> None:
    # Without rows and keys there is one row: sums are 0, lists empty, the rest null.
    text = "datatable(n: long, s: string)[] | summarize count(), sum(n), max(n), make_list(s), dcount(s), take_any(s)"
    assert run(text) == [(0, 0, None, [], 0, "")]
    assert run("datatable(n: long, s: string)[] | summarize count() by s") == []


def test_arg_max_takes_its_columns_from_one_row() -> None:
    rows = "datatable(k: string, n: long, s: string)['a', 1, 'first', 'a', 3, '', 'a', 2, 'mid', 'b', long(null), 'only']"
    # The greatest row's text is empty and stays so; a group without any value still gives a row.
    assert run(f"{rows} | summarize arg_max(n, *) by k | sort by k asc") == [("a", 3, ""), ("b", None, "only")]


def test_in_takes_lists_rows_and_arrays_of_either() -> None:
    rows = "datatable(s: string)['a', 'B', 'c']"
    assert run(f"let xs = dynamic(['A', 'b']); {rows} | where s in~ (xs)") == [("a",), ("B",)]
    assert run(f"let xs = datatable(x: string)['a', 'b']; {rows} | where s in (xs)") == [("a",)]
    assert run(f"let xs = toscalar(datatable(x: string)['c'] | summarize make_set(x)); {rows} | where s in (xs)") == [("c",)]
    assert run(f"{rows} | where s !in ('a', 'c')") == [("B",)]


def test_mv_apply_ranks_within_each_row() -> None:
    rows = "datatable(k: string, a: dynamic)['x', dynamic([3, 1, 2]), 'y', dynamic([9])]"
    text = f"{rows} | mv-apply n = a to typeof(long) on (top 2 by n | extend r = row_number())"
    assert [(k, n) for k, _, n, _ in run(text)] == [("x", 3), ("x", 2), ("y", 9)]


def test_mv_expand_pads_the_shorter_array() -> None:
    text = "print a = dynamic([1, 2, 3]), b = dynamic(['x']) | mv-expand with_itemindex=i a to typeof(long), b to typeof(string)"
    assert run(text) == [(1, "x", 0), (2, "", 1), (3, "", 2)]


def test_parse_is_all_or_nothing_unless_relaxed() -> None:
    rows = "datatable(m: string)['id=7 at=2026-01-02', 'id=x at=2026-01-03']"
    moment = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
    assert run(f"{rows} | parse m with 'id=' i: long ' at=' t: datetime | project i, t") == [(7, moment[0]), (None, None)]
    assert run(f"{rows} | parse kind=relaxed m with 'id=' i: long ' at=' t: datetime | project i, t") == [(7, moment[0]), (None, moment[1])]
    assert run(f"{rows} | parse-where m with 'id=' i: long ' at=' * | project i") == [(7,)]


def test_external_files_are_tables_loaded_under_their_address() -> None:
    rows = {"https://files.example/a.csv": [{"Name": "x", "Size": "7"}]}
    assert run("externaldata(Name: string, Size: long)['https://files.example/a.csv'] with (format='csv')", rows) == [("x", 7)]


def test_addresses() -> None:
    assert run("print ipv4_is_private('172.31.0.1'), ipv4_is_private('172.32.0.1'), ipv4_is_private('no')") == [(True, False, None)]
    assert run("print ipv4_is_in_range('10.1.2.3', '10.0.0.0/8'), ipv4_is_match('1.2.3.4', '1.2.3.9', 24)") == [(True, True)]


def test_rows_need_an_order() -> None:
    assert [d.code for d in faults("datatable(n: long)[1] | summarize c = count() by n | extend p = prev(c)")] == ["E120"]
    assert run("datatable(n: long)[1, 2] | summarize c = count() by n | serialize | extend p = prev(c) | summarize countif(isnull(p))") == [(1,)]


def test_partition_works_on_each_key() -> None:
    text = "datatable(k: string, n: long)['a', 1, 'b', 5, 'a', 3] | partition by k (top 1 by n) | sort by k asc"
    assert run(text) == [("a", 3), ("b", 5)]


def test_the_same_text_with_another_order_of_sources_gives_the_same_rows() -> None:
    workspace = Workspace()
    workspace.load("A", [{"x": 1}])
    workspace.load("B", [{"y": "q"}])
    assert sorted(workspace.query("union A, B").rows, key=str) == [(1, ""), (None, "q")]
    assert sorted(workspace.query("union B, A").rows, key=str) == [("", 1), ("q", None)]


def test_a_column_declared_dynamic_reads_json_text() -> None:
    workspace = Workspace()
    workspace.load("T", [{"d": '{"k": [7]}'}, {"d": "plain"}], schema={"d": "dynamic"})
    assert workspace.query("T | project tolong(d.k[0]), tostring(d)").rows == [(7, '{"k":[7]}'), (None, "plain")]


def test_a_remainder_is_never_negative() -> None:
    # The page states 0 <= N % D < abs(D): -7 is -3 times 3 and 2, -7.5 is -4 times 2 and 0.5.
    assert run("print -7 % 3, 7 % -3, -7 % -3, -7.5 % 2, 6 % -3") == [(2, 1, 2, 0.5, 0)]
    assert run("datatable(n: long)[-1, long(null)] | project n % 24") == [(23,), (None,)]


def test_the_mean_of_nothing_passes_no_threshold() -> None:
    # It is NaN, which is above nothing: a rule with a threshold does not fire on no event.
    nothing = "datatable(n: long)[] | summarize a = avg(n)"
    assert run(f"{nothing} | where a > 5 or a >= 0 or a == a or a between (0.0 .. 9.0)") == []
    assert len(run(f"{nothing} | where not(a > 5) and a != a and isnan(a)")) == 1
    # The other side of the sign is guarded too.
    assert run(f"{nothing} | where 5.0 < a or 5.0 <= a") == []


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("asc", ["null", "nan", "-inf", "-5", "5", "inf"]),
        ("desc", ["inf", "5", "-5", "-inf", "nan", "null"]),
        ("asc nulls last", ["-inf", "-5", "5", "inf", "nan", "null"]),
        ("desc nulls first", ["null", "nan", "inf", "5", "-5", "-inf"]),
    ],
)
def test_no_number_is_sorted_beside_the_nulls(order: str, wanted: list[str]) -> None:
    # The table of https://learn.microsoft.com/kusto/query/sort-operator#use-of-special-floating-point-values
    rows = 'datatable(x: real, s: string)[5, "5", real(nan), "nan", real(null), "null", real(+inf), "inf", real(-inf), "-inf", -5, "-5"]'
    assert run(f"{rows} | sort by x {order} | project s") == [(w,) for w in wanted]
