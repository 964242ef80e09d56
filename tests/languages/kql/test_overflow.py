"""Where numbers, times and places leave what their type holds, and texts in all the forms that a conversion reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from livefire import QueryError, Workspace
from tests.languages.kql.running import faults, run

LEAST, MOST = -(2**63), 2**63 - 1


def over(value: str, expression: str) -> Any:
    """Return what an expression over the column `x` gives, where the engine does not know the value beforehand."""
    rows = run(f"datatable(i: int, x: long)[1, {value}, 2, 1, 3, 2] | where i == 1 | project y = {expression}")
    return rows[0][0]


@pytest.mark.parametrize(
    ("value", "expression", "expected"),
    [
        # Around the ends of 64 bits: what is wanted is the result modulo 2**64, from -2**63 on.
        ("9223372036854775807", "x + 1", LEAST),
        ("9223372036854775807", "x * 1000", -1000),  # (2**63 - 1) * 1000 = 500 * 2**64 - 1000
        ("9223372036854775807", "x * x", 1),  # (2**63 - 1)**2 = 2**126 - 2**64 + 1
        ("long(-9223372036854775808)", "x - 1", MOST),
        ("long(-9223372036854775808)", "-x", LEAST),
        ("long(-9223372036854775808)", "abs(x)", LEAST),
        ("long(-9223372036854775808)", "x / -1", LEAST),
        ("long(-9223372036854775808)", "x % -1", 0),
        ("long(-9223372036854775808)", "7 % x", 7),
        ("3", "x * 1000 + 7", 3007),
        ("9223372036854775807", "binary_shift_left(x, 1)", -2),
        ("-1", "binary_shift_left(5, x)", None),
        ("9223372036854775807", "bin(x, 10)", 9223372036854775800),
        ("long(-9223372036854775808)", "bin(x, 10)", None),  # the multiple below does not fit
        # Times end with the years 1 and 9999.
        ("9223372036854775807", "datetime_add('day', x, datetime(2026-01-01))", None),
        ("9223372036854775807", "datetime_add('month', x, datetime(2026-01-01))", None),
        ("9223372036854775807", "endofday(datetime(2026-01-01), x)", None),
        ("2", "datetime_add('month', x, datetime(2026-01-31))", datetime(2026, 3, 31, tzinfo=UTC)),
        ("3000000", "isnull(datetime(2026-01-01) + x * 1d)", True),
        ("3", "datetime(2026-01-01) + x * 1d", datetime(2026, 1, 4, tzinfo=UTC)),
        # Places beyond a text or an array.
        ("9223372036854775807", "substring('hello', x)", ""),
        ("9223372036854775807", "substring('hello', 1, x)", "ello"),
        ("9223372036854775807", "array_slice(dynamic([1, 2, 3]), 1, x)", [2, 3]),
        ("9223372036854775807", "array_shift_left(dynamic([1, 2]), x)", [None, None]),
        ("9223372036854775807", "round(1.25, x)", 1.25),
        ("long(-9223372036854775808)", "round(1.25, x)", 0.0),
        ("9223372036854775807", "repeat('a', x)", None),
        ("1114112", "make_string(x)", "\ufffd"),  # one beyond the last code point
        ("9223372036854775807", "range(x - 1, x, 1)", [MOST - 1, MOST]),
        ("long(-9223372036854775808)", "tostring(totimespan(x))", "-10675199.02:48:05.4775808"),
    ],
)
def test_a_hostile_number_decides_about_its_row_only(value: str, expression: str, expected: Any) -> None:
    assert over(value, expression) == expected


def test_constants_go_around_as_columns_do() -> None:
    assert run("print 9223372036854775807 + 1, 9223372036854775807 * 1000, -9223372036854775807 - 2") == [(LEAST, -1000, MOST)]


def test_sums_go_around_too() -> None:
    """Twice 2**63 - 1 is 2**64 - 2."""
    table = "datatable(x: long)[9223372036854775807, 9223372036854775807]"
    assert run(f"{table} | summarize sum(x), sumif(x, x > 1)") == [(-2, -2)]
    assert run(f"{table} | serialize | project row_cumsum(x)") == [(MOST,), (-2,)]


def test_a_zone_that_a_log_names_may_be_none() -> None:
    table = "datatable(i: int, z: string)[1, 'Nowhere/Town', 2, 'US/Pacific', 3, '']"
    rows = run(f"{table} | project i, datetime_utc_to_local(datetime(2026-01-01 10:00), z) | sort by i asc")
    assert rows == [(1, None), (2, datetime(2026, 1, 1, 2, 0, tzinfo=UTC)), (3, None)]


def test_decimals_multiply_in_all_their_digits() -> None:
    """123456789.5 squared, worked out by hand: 123456789**2 + 123456789 + 0.25."""
    assert run("datatable(x: decimal)[decimal(123456789.5), decimal(1)] | where x > 2 | project x * x") == [(Decimal("15241578873647310.25"),)]


def test_what_is_no_strict_json_is_shown_as_the_text_it_is() -> None:
    workspace = Workspace()
    workspace.load("T", [{"s": "-inf"}, {"s": "[1,]"}], schema={"s": "string"})
    assert sorted(workspace.query("T | project d = todynamic(s)", language="kql").rows) == [("-inf",), ("[1,]",)]
    assert [d.code for d in faults("print dynamic(1e400)")] == ["E206"]


TIMES: dict[str, datetime | None] = {
    "2026": datetime(2026, 1, 1),
    "2026-03": datetime(2026, 3, 1),
    "2026-03-04 05:06": datetime(2026, 3, 4, 5, 6),
    "2026-03-04T05:06:07.1234567Z": datetime(2026, 3, 4, 5, 6, 7, 123456),
    "2026-03-04T05:06:07 +02:00": datetime(2026, 3, 4, 3, 6, 7),
    "2026-03-04Z": datetime(2026, 3, 4),
    "20260304050607": datetime(2026, 3, 4, 5, 6, 7),
    "2026-03-04T24:00:00": None,
    "2026-03-04T05:06:07+99:00": None,
    "Wed, 4 Mar 26 05:06:07 GMT": datetime(2026, 3, 4, 5, 6, 7),
    "4 Mar 26 05:06": datetime(2026, 3, 4, 5, 6),
    "Wednesday, 04-Mar-26 05:06:07 GMT": datetime(2026, 3, 4, 5, 6, 7),
    "4 Mar 99 05:06": datetime(1999, 3, 4, 5, 6),
    "March 4, 2026 05:06": datetime(2026, 3, 4, 5, 6),
    "3/4/2026 5:06:07 PM": datetime(2026, 3, 4, 17, 6, 7),
}
"""Forms of https://learn.microsoft.com/kusto/query/scalar-data-types/datetime#supported-formats and what each says."""

SPANS: dict[str, timedelta | None] = {
    "100ms": timedelta(milliseconds=100),
    "5m": timedelta(minutes=5),
    "10microsecond": timedelta(microseconds=10),
    "2hrs": timedelta(hours=2),
    "1.02:03:04.5": timedelta(days=1, hours=2, minutes=3, seconds=4.5),
    "-1.5h": timedelta(hours=-1.5),
    "+1d": None,
    "7w": None,
}


def forms(function: str, texts: list[str]) -> list[tuple[Any, Any, Any]]:
    """Return what a conversion gives for each text: written in the query, in a column, and in a dynamic column."""
    rows = ", ".join(f"{i}, '{t}'" for i, t in enumerate(texts))
    found = run(f"datatable(i: int, s: string)[{rows}] | sort by i asc | project {function}(s), {function}(bag_pack('k', s).k)")
    (written,) = run("print " + ", ".join(f"{function}('{t}')" for t in texts))
    return [(a, *b) for a, b in zip(written, found, strict=True)]


def test_a_time_is_read_alike_wherever_it_stands() -> None:
    expected = [t.replace(tzinfo=UTC) if t else None for t in TIMES.values()]
    assert forms("todatetime", list(TIMES)) == [(t, t, t) for t in expected]


def test_a_length_of_time_is_read_alike_wherever_it_stands() -> None:
    assert forms("totimespan", list(SPANS)) == [(t, t, t) for t in SPANS.values()]


def test_numbers_and_bools_are_read_alike_wherever_they_stand() -> None:
    assert forms("tolong", ["0x1F", " 7 ", "7.5", "x"]) == [(31, 31, 31), (7, 7, 7), (None,) * 3, (None,) * 3]
    assert forms("tobool", ["1", "0", "True", "x"]) == [(True,) * 3, (False,) * 3, (True,) * 3, (None,) * 3]
    assert forms("toreal", ["1.5e3", "-inf", "x"]) == [(1500.0,) * 3, (None,) * 3, (None,) * 3]


def test_places_count_from_the_end_of_an_array_with_a_length_too() -> None:
    """From the last element on, one element long: https://learn.microsoft.com/kusto/query/array-index-of-function"""
    assert run("print array_index_of(dynamic([1, 2, 3, 2]), 2, -1, 1), array_index_of(dynamic([1, 2, 3, 2]), 2, -3, 1)") == [(3, 1)]


def test_keys_of_a_zipped_bag_are_texts() -> None:
    """Other keys are passed over: https://learn.microsoft.com/kusto/query/bag-zip-function"""
    assert run("print bag_zip(dynamic(['a', 5, 'b']), dynamic([1, 2]))") == [({"a": 1, "b": None},)]


@pytest.mark.parametrize("text", ["print bin_at('a', 'b', 'c')", "print range('a', 'b', 'c')"])
def test_a_text_is_no_number(text: str) -> None:
    assert {d.code for d in faults(text)} == {"E104"}


def test_strrep_counts_by_row() -> None:
    """More than 1024 times is 1024 times, none is the empty text: https://learn.microsoft.com/kusto/query/strrep-function"""
    table = 'datatable(i: int, n: long, d: string)[1, 3, "-", 2, -1, "+", 3, 9000, "ab"]'
    rows = run(f'{table} | sort by i asc | project strlen(strrep("xy", n)), substring(strrep("xy", n, d), 0, 9), strlen(strrep("x", n, d))')
    # 1024 letters and 1023 delimiters of two letters are 3070.
    assert rows == [(6, "xy-xy-xy", 5), (0, "", 0), (2048, "xyabxyabx", 3070)]


def test_a_group_that_a_match_does_not_use_is_empty() -> None:
    """Two matches of which one has no digit: https://learn.microsoft.com/kusto/query/extract-all-function"""
    table = 'datatable(i: int, s: string)[1, "a1b", 2, "b", 3, "-"]'
    rows = run(rf'{table} | sort by i asc | project extract_all(@"(\w)(\d)?", s), extract_all(@"\w(\d)?", s), extract_all(@"([a-z])", s)')
    assert rows == [([["a", "1"], ["b", ""]], ["1", ""], ["a", "b"]), ([["b", ""]], [""], ["b"]), (None, None, None)]


def test_a_lone_surrogate_in_an_agent_is_read_as_a_question_mark() -> None:
    assert run('print parse_user_agent("Mozilla/5.0 \\ud800", "browser")') == run('print parse_user_agent("Mozilla/5.0 ?", "browser")')


@pytest.mark.parametrize("bounds", ["from toscalar(print 1) to toscalar(print 3000000) step 1", "from datetime(2020-01-01) to datetime(2026-01-01) step 1m"])
def test_a_range_that_would_be_cut_ends_the_run(bounds: str) -> None:
    with pytest.raises(QueryError) as caught:
        Workspace().query(f"range x {bounds} | count", language="kql")
    assert [d.code for d in caught.value.diagnostics] == ["E458"]


def test_the_longest_computed_range_is_whole() -> None:
    # One more would be refused: as many as an array holds cannot be told from more.
    assert [tuple(row) for row in Workspace().query("range x from toscalar(print 1) to 1048575 step 1 | count", language="kql").rows] == [(1_048_575,)]
