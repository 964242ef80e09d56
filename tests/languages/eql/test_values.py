"""How EQL compares values: many in one field, of several types, or none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import livefire
from tests.languages.eql.running import Row, faults, numbers, shown

NESTED: list[Row] = [
    {"a": {"b": "x", "n": 7}},
    {"a": [{"b": "y"}, {"b": ["X", "z"]}]},
    {"a": {"b": 12, "n": "9"}},
    {"a": {"c": True}},
    {"a": {"b": [], "n": None}},
]


def test_a_path_reads_through_arrays_of_objects() -> None:
    assert numbers('any where a.b == "z"', NESTED) == [1]
    assert numbers('any where a.b : "x"', NESTED) == [0, 1]
    assert numbers("any where a.b == null", NESTED) == [3, 4]


def test_not_holds_only_when_no_value_fits() -> None:
    # The second event has y, X and z: X fits, so its negation does not hold.
    assert numbers('any where not a.b : "x"', NESTED) == [2, 3, 4]
    assert numbers('any where a.b != "y"', NESTED) == [0, 2, 3, 4]


def test_a_number_in_json_compares_as_a_number_and_a_text_as_text() -> None:
    assert numbers("any where a.n > 6", NESTED) == [0, 2]
    # "9" and "10" are text here, and "9" comes after "10".
    assert numbers("any where a.n > 10", NESTED) == [2]
    assert numbers('any where a.b == "12" and a.b == 12', NESTED) == [2]


def test_a_bool_in_json_is_a_condition() -> None:
    assert numbers("any where a.c", NESTED) == [3]
    assert numbers("any where not a.c", NESTED) == [0, 1, 2, 4]
    assert numbers("any where a.c == true", NESTED) == [3]


def test_a_script_tries_every_value() -> None:
    # concat sees y, X and z one after the other; "X!" and "x!" differ in case only.
    assert numbers('any where concat(a.b, "!") == "z!"', NESTED) == [1]
    assert numbers('any where concat(a.b, "!") : "x!"', NESTED) == [0, 1]
    # Not is inside the script: one value that does not fit is enough.
    assert numbers('any where not concat(a.b, "!") == "z!"', NESTED) == [0, 1, 2]


TYPED: list[Row] = [
    {"s": "10", "n": 4, "r": 2.5, "f": True},
    {"s": "9", "n": -7, "r": 2.0, "f": False},
    {"s": None, "n": None, "r": None, "f": None},
]


def test_a_text_in_quotes_is_read_as_the_type_of_the_field() -> None:
    assert numbers('any where n == "4"', TYPED) == [0]
    assert numbers('any where r >= "2.5"', TYPED) == [0]
    assert numbers('any where f == "false"', TYPED) == [1]
    assert faults('any where n == "many"', TYPED) == [("E104", '"many"')]
    assert faults("any where f > true", TYPED) == [("E104", "true")]


def test_a_text_field_compares_with_a_number_letter_by_letter_and_says_so() -> None:
    ws = livefire.Workspace()
    ws.load("log", TYPED)
    result = ws.query("any where s > 5", language="eql", index="log")
    assert [row[0] for row in result.rows] == ["9"]
    assert "W146" in [d.code for d in result.diagnostics]
    assert numbers("any where s == 10", TYPED) == [0]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # Whole quotients are cut toward zero, as Java's.
        ("any where n / 2 == -3", [1]),
        ("any where n % 4 == -3", [1]),
        ("any where n / 2.0 == -3.5", [1]),
        ("any where -n == 7 or n + 1 == 5", [0, 1]),
        ("any where r * 2 == 5", [0]),
        ("any where multiply(n, 2) == 8 and divide(n, 3) == 1 and modulo(n, 3) == 1 and subtract(n, 1) == add(1, 2)", [0]),
        # A condition in an expression is three-valued.
        ("any where (n > 0) == null", [2]),
        ("any where (n > 0 and null) == null", [0, 2]),
        ("any where (n > 0) == false", [1]),
        # Division by zero is no match.
        ("any where 1 / (n - 4) == 0 or n == 4", [0, 1]),
    ],
)
def test_arithmetic(query: str, expected: list[int]) -> None:
    assert numbers(query, TYPED) == expected


def test_not_is_carried_inward() -> None:
    # not (n > 0 or s == "9") is n <= 0 and s != "9": the second event fails on s, the third has no n.
    assert numbers('any where not (n > 0 or s == "9")', TYPED) == []
    assert numbers('any where not (n > 0 and s == "9")', TYPED) == [0, 1, 2]
    assert numbers('any where not (not (s : "1?"))', TYPED) == [0]
    assert numbers("any where not (length(s) == 2 and n == 4)", TYPED) == [1, 2]


def test_a_sum_with_a_constant_is_a_comparison_of_the_field() -> None:
    # Elasticsearch moves the constant over, so an event without n is unequal, though a script would not say so.
    assert numbers("any where n + 1 == 5", TYPED) == [0]
    assert numbers("any where not n + 1 == 5", TYPED) == [1, 2]
    assert numbers("any where 3 - n != -1 and -n != 7", TYPED) == [2]
    assert numbers("any where n * 2 != 8", TYPED) == [1]


TEXTS: list[Row] = [{"s": "C:\\Win\\cmd.exe"}, {"s": "100%_done"}, {"s": "tab\there"}, {"s": "É*?"}, {"s": None}]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('any where s : "c:\\\\win\\\\*"', [0]),
        ('any where s like """C:\\Win\\???.exe"""', [0]),
        ('any where s == "tab\\there"', [2]),
        ('any where s == "\\u{c9}*?"', [3]),
        ('any where s : "é*?"', [3]),
        ('any where s like "100%_*"', [1]),
        ('any where s like "100_*"', []),
        ('any where s regex~ """c:\\\\win\\\\.*"""', [0]),
        ('any where s regex "100.*"', [1]),
        ('any where s regex "00.*"', []),
        # What is repeated may be repeated again, and a sign without anything before it stands for itself.
        ('any where s regex "1?0++%*?.*"', [1]),
        ('any where s regex "*100.*"', []),
        ('any where s regex "100%_done(x{2})?"', [1]),
        ('any where s regex """[^a-z]{3}%_(done|gone)"""', [1]),
        ('any where s in ("tab\\there", null)', [2]),
        ('any where s not in ("tab\\there")', [0, 1, 3, 4]),
        ('any where not s regex ".*e"', [3, 4]),
        ('any where s : ("nothing", "*done", "C*")', [0, 1]),
        ('any where "C:\\\\Win\\\\cmd.exe" == s', [0]),
        ('any where s >= "t"', [2, 3]),
    ],
)
def test_text(query: str, expected: list[int]) -> None:
    assert numbers(query, TEXTS) == expected


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('between("a[b]c]", "[", "]")', '"b"'),
        ('between("a[b]c]", "[", "]", true)', '"b]c"'),
        ('between("a[b]", "<", "]")', '""'),
        ('between~("aXbYc", "x", "y")', '"b"'),
        ('cidrMatch("10.9.0.1", "192.168.0.0/16", "10.1.2.3/8")', "true"),
        ('cidrMatch("2001:db8::1", "2001:db8::/32")', "true"),
        ('cidrMatch("no address", "10.0.0.0/8")', "false"),
        ('concat("a", 1, true, 2.5)', '"a1true2.5"'),
        ('concat("a", null)', "null"),
        ('endsWith~("AbC", "bc")', "true"),
        ('indexOf("abcabc", "c")', "2"),
        ('indexOf("abcabc", "c", 3)', "5"),
        ('indexOf("abc", "x")', "null"),
        ('indexOf~("ABC", "b")', "1"),
        ('length("")', "0"),
        ('number("12")', "12"),
        ('number("-1.5")', "-1.5"),
        ('number("ff", 16)', "255"),
        ('number("0xff")', "255"),
        ('number("twelve")', "null"),
        ('number("7") / 2', "3"),
        ('startsWith("abc", null)', "null"),
        ("string(12)", '"12"'),
        ('stringContains("abc", "C")', "false"),
        ('stringcontains~("abc", "C")', "true"),
        ('substring("hello", 1)', '"ello"'),
        ('substring("hello", 1, 3)', '"el"'),
        ('substring("hello", -3, -1)', '"ll"'),
        ('substring("hello", 3, 1)', '""'),
        ('substring("hello", -99, 2)', '"he"'),
    ],
)
def test_functions(expression: str, value: str) -> None:
    assert numbers(f"any where ({expression}) == {value}", [{"x": 1}]) == [0]


DATES: list[Row] = [
    {"at": "2026-02-28T23:59:59.999999Z"},
    {"at": "2026-03-01T00:00:00Z"},
    {"at": "2026-03-01T23:59:59.5Z"},
    {"at": "2026-03-02T00:00:00Z"},
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('any where at == "2026-03-01"', [1, 2]),
        ('any where at > "2026-03-01"', [3]),
        ('any where at >= "2026-03-01"', [1, 2, 3]),
        ('any where at < "2026-03-01"', [0]),
        ('any where at <= "2026-03-01"', [0, 1, 2]),
        ('any where at != "2026-03-01"', [0, 3]),
        ('any where at >= "2026-03-01T01:00:00+01:00" and at < "2026-03-01||+1d"', [1, 2]),
        ("any where at == 1772323200000", [1]),
        ('any where at < "now-1d"', [0]),
        # Rounded to the day before: its start under >= and <, its end under > and <=.
        ('any where at >= "now-1d/d"', [1, 2, 3]),
        ('any where at > "now-1d/d"', [3]),
        ('any where at < "now-1d/d"', [0]),
        ('any where at <= "2026-03-01T10:00:00Z||/d"', [0, 1, 2]),
    ],
)
def test_dates(query: str, expected: list[int]) -> None:
    ws = livefire.Workspace()
    ws.load("log", [{"place": i, **row} for i, row in enumerate(DATES)], schema={"at": "datetime"}, time_field="at")
    result = ws.query(query, language="eql", index="log", now=datetime(2026, 3, 2, tzinfo=UTC))
    assert [row[result.columns.index("place")] for row in result.rows] == expected


def test_a_date_that_cannot_be_read_is_refused() -> None:
    assert faults('any where @timestamp > "soon"', [{"x": 1}]) == [("E104", '"soon"')]
    assert faults('any where @timestamp > "now-1d/x"', [{"x": 1}]) == [("E104", '"now-1d/x"')]


def test_names_in_backticks_and_dotted_columns() -> None:
    rows: list[Row] = [{"my field": "x", "a.b": "y", "where": 1}]
    assert numbers('any where `my field` == "x" and a.b == "y" and `where` == 1', rows) == [0]


def test_events_come_by_time_then_tiebreaker_then_as_stored() -> None:
    rows: list[Row] = [{"@timestamp": "2026-03-01T10:00:00Z", "tie": tie} for tie in (2, None, 1, 1)]
    assert numbers("any where true", rows) == [0, 1, 2, 3]
    assert numbers("any where true", rows, tiebreaker_field="tie") == [2, 3, 0, 1]
    assert numbers("any where true | tail 2", rows, tiebreaker_field="tie") == [0, 1]
    assert [r["place"] for r in shown("any where true | head 1", rows, tiebreaker_field="tie")] == [2]


def test_an_address_field_equals_a_block_that_holds_it() -> None:
    rows: list[Row] = [{"source.ip": "10.1.2.3", "note": "10.1.2.3"}, {"source.ip": "192.168.0.1", "note": "10.0.0.0/8"}, {"note": None}]
    assert numbers('any where source.ip == "10.0.0.0/8"', rows) == [0]
    assert numbers('any where source.ip in ("10.0.0.0/8", "192.168.0.1")', rows) == [0, 1]
    assert numbers('any where not source.ip : "10.0.0.0/8"', rows) == [1, 2]
    # Another field is text, which a block is too.
    assert numbers('any where note == "10.0.0.0/8"', rows) == [1]


def test_the_text_of_a_date_is_refused() -> None:
    assert faults('any where string(@timestamp) == "x"', [{"x": 1}]) == [("E305", "string(@timestamp)")]
