"""Null and several values against every kind of operator, by the rules of the reference rather than by what is handy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.languages.esql.running import refusal, run, value

# An index keeps a text once however often an event names it, and gives several values back in order; numbers stay as many as they are.
# https://www.elastic.co/docs/reference/query-languages/esql/esql-multivalued-fields
STORED: list[dict[str, Any]] = [{"t": ["foo", "foo", "bar"], "n": [2, 2, 1], "b": [True, False], "o": {"x": ["z", "y", "z"]}, "mixed": ["a", 1]}]


def test_values_come_back_as_an_index_keeps_them() -> None:
    rows = run("FROM t | KEEP t, n, b, o.x, mixed", STORED)
    assert rows == [(["bar", "foo"], [1, 2, 2], [False, True], ["y", "z"], ["a", 1])]


def test_repeated_texts_do_not_count_twice() -> None:
    assert run("FROM t | STATS c = COUNT(t), d = COUNT(n), e = COUNT_DISTINCT(n)", STORED) == [(2, 3, 2)]
    assert run("FROM t | EVAL c = MV_COUNT(t), f = MV_FIRST(t), l = MV_LAST(n) | KEEP c, f, l", STORED) == [(2, "bar", 2)]


def test_a_list_that_a_query_makes_stays_as_it_is() -> None:
    assert value('SPLIT("b,a,b", ",")') == ["b", "a", "b"]


SIDES: list[dict[str, Any]] = [
    {"id": 1, "k": ["a", "b"], "n": [1, 9]},
    {"id": 2, "k": "a", "n": 5},
    {"id": 3, "k": None, "n": None},
    {"id": 4, "k": [], "n": []},
    {"id": 5, "k": ["a"], "n": [5]},
]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        # One value, or a list of one, is compared; several and none are null, which neither a condition nor its negation takes.
        ('k == "a"', [2, 5]),
        ('NOT k == "a"', []),
        ('k != "z"', [2, 5]),
        ("n > 2", [2, 5]),
        ("NOT n > 2", []),
        ('k IN ("a", "b")', [2, 5]),
        ('NOT k IN ("z")', [2, 5]),
        ('k LIKE "a*"', [2, 5]),
        ('NOT k LIKE "z*"', [2, 5]),
        ('k RLIKE "[ab]"', [2, 5]),
        ("k == k", [2, 5]),
        ('STARTS_WITH(k, "a")', [2, 5]),
        # Several values are a value to IS NULL.
        ("k IS NULL", [3, 4]),
        ("NOT k IS NULL", [1, 2, 5]),
        ("k IS NOT NULL AND n IS NOT NULL", [1, 2, 5]),
        ("(n > 2) IS NULL", [1, 3, 4]),
        # true OR null is true, false AND null is false.
        ("n > 2 OR id < 4", [1, 2, 3, 5]),
        ("NOT (n > 2 AND id > 100)", [1, 2, 3, 4, 5]),
        # CASE takes null for false; COALESCE takes several values as they are.
        ('CASE(n > 2, "big", "other") == "other"', [1, 3, 4]),
        ("COALESCE(n, 0) == 0", [3, 4]),
        # The functions that begin with MV_ take several.
        ("MV_COUNT(k) == 2", [1]),
        ("MV_COUNT(k) IS NULL", [3, 4]),
        ("MV_MAX(n) > 2", [1, 2, 5]),
        ('MV_CONTAINS(k, "a")', [1, 2, 5]),
        ('MV_CONTAINS(k, ["a", "b"])', [1]),
    ],
)
def test_conditions(condition: str, found: list[int]) -> None:
    assert [row[0] for row in run(f"FROM t | WHERE {condition} | SORT id | KEEP id", SIDES)] == found


def test_order_takes_the_least_going_up_and_the_greatest_going_down() -> None:
    rows: list[dict[str, Any]] = [{"id": 1, "n": [1, 9]}, {"id": 2, "n": 5}, {"id": 3, "n": None}, {"id": 4, "n": [0, 6]}]
    assert [r[0] for r in run("FROM t | SORT n | KEEP id", rows)] == [4, 1, 2, 3]
    assert [r[0] for r in run("FROM t | SORT n DESC | KEEP id", rows)] == [3, 1, 4, 2]
    assert [r[0] for r in run("FROM t | SORT n DESC NULLS LAST | KEEP id", rows)] == [1, 4, 2, 3]


def test_expanding_twice_gives_every_pair() -> None:
    rows: list[dict[str, Any]] = [{"k": ["a", "b"], "n": [1, 2]}, {"k": None, "n": [3, 4]}]
    assert run("FROM t | MV_EXPAND k | MV_EXPAND n | SORT k, n", rows) == [("a", 1), ("a", 2), ("b", 1), ("b", 2), (None, 3), (None, 4)]


def test_groups_of_two_fields_with_several_values_are_every_pair() -> None:
    rows: list[dict[str, Any]] = [{"k": ["a", "b"], "n": [1, 2]}, {"k": "a", "n": 1}, {"k": None, "n": 1}]
    found = run("FROM t | STATS c = COUNT(*) BY k, n | SORT k, n", rows)
    assert found == [(2, "a", 1), (1, "a", 2), (1, "b", 1), (1, "b", 2), (1, None, 1)]


@pytest.mark.parametrize(
    "expression",
    [
        "9223372036854775807 + 1",
        "-9223372036854775807 - 2",
        "9223372036854775807 * 2",
        "-(-9223372036854775807 - 1)",
        "ABS(-9223372036854775807 - 1)",
        "2147483647 + 1",
        "1e308 * 10",
        "1e308 + 1e308",
        "1 / 0",
        "1 % 0",
        "1.0 / 0",
        "ATANH(2)",
        "ACOSH(0.5)",
        "POW(10, 400)",
        "1 + null",
        "null - 1.5",
        "GREATEST(1, null)",
        "CLAMP(5, null, 7)",
        'CONCAT("a", null)',
        'TO_LONG("none")',
        "TO_INTEGER(3000000000)",
        "[1, 2] + 1",
        "[1, 2] == 1",
        'MV_CONCAT("a", null::keyword)',
        'MV_CONCAT(null::keyword, ",")',
    ],
)
def test_what_has_no_value_is_null(expression: str) -> None:
    assert value(expression) is None


def test_a_sign_belongs_to_the_number_before_a_conversion() -> None:
    # Java rounds half up: -2.5 to -2, where the negative of 2.5 rounded would be -3.
    assert value("-2.5::long") == -2
    assert value("-1::keyword") == "-1"
    assert value("10 -2.5::long") == 7


def test_greatest_takes_each_column_by_its_own_greatest() -> None:
    assert value("GREATEST([1, 9], 3)") == 9
    assert value("LEAST([4, 5], 7)") == 4


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('MV_UNION(["a", "b"], ["b", "c"])', ["a", "b", "c"]),
        ('MV_UNION(null, "c")', "c"),
        ('MV_UNION("c", null::keyword)', "c"),
        ("MV_UNION(null::keyword, null::keyword)", None),
        ('MV_DIFFERENCE(["a", "b"], "b")', "a"),
        ('MV_DIFFERENCE(["a", "b"], null::keyword)', ["a", "b"]),
        ('MV_DIFFERENCE(null::keyword, "b")', None),
        ('MV_DIFFERENCE("b", ["a", "b"])', None),
        ('MV_INTERSECTION(["a", "b"], null::keyword)', None),
        ('MV_INTERSECTION(["a", "b"], ["b", "a"])', ["a", "b"]),
        ('MV_INTERSECTS(null::keyword, "a")', False),
        ('MV_CONTAINS("a", null::keyword)', True),
    ],
)
def test_sets_of_values(expression: str, found: Any) -> None:
    assert value(expression) == found


def test_limits_of_a_number() -> None:
    assert run("ROW a = 5 | EVAL b = CLAMP(a, 1, 3), c = CLAMP_MIN(a, 7), d = CLAMP_MAX(a, 2), e = ROUND_TO(a, 8, 0, 4), f = ROUND_TO(-1, 0, 4) | DROP a") == [
        (3, 7, 2, 4, 0)
    ]


def test_a_text_taken_apart_may_give_its_own_column() -> None:
    rows: list[dict[str, Any]] = [{"s": "a-b-c"}]
    assert run('FROM t | DISSECT s "%{s}-%{x}-%{y}" | KEEP s, x, y', rows) == [("a", "b", "c")]
    assert run('FROM t | GROK s "(?<s>.)-(?<x>.)" | KEEP s, x', rows) == [("a", "b")]
    assert run('FROM t | EVAL x = "z" | DISSECT s "%{x}-%{s}" | KEEP s, x', rows) == [("b-c", "a")]


ADDRESSES: list[dict[str, Any]] = [
    {"id": 1, "ip": "2001:DB8:0:0::1"},
    {"id": 2, "ip": "10.0.0.9"},
    {"id": 3, "ip": "9.255.0.1"},
    {"id": 4, "ip": "none"},
    {"id": 5, "ip": None},
]


def test_addresses_are_numbers_whatever_their_form() -> None:
    read = "FROM t | EVAL i = ip::ip"
    assert value('TO_IP("::FFFF:10.0.0.9")') == "10.0.0.9"
    assert value('CIDR_MATCH(TO_IP("::ffff:10.0.0.9"), "10.0.0.0/8")') is True
    assert run(f"{read} | SORT i, id | KEEP id, i", ADDRESSES) == [(3, "9.255.0.1"), (2, "10.0.0.9"), (1, "2001:db8::1"), (4, None), (5, None)]
    assert run(f'{read} | WHERE i == "2001:db8:0::0001" | KEEP id', ADDRESSES) == [(1,)]
    assert run(f'{read} | WHERE i IN ("2001:0db8::1", "10.0.0.9") | SORT id | KEEP id', ADDRESSES) == [(1,), (2,)]
    assert run(f'{read} | WHERE i < "10.0.0.0" | KEEP id', ADDRESSES) == [(3,)]
    assert run(f"{read} | STATS MIN(i), MAX(i)", ADDRESSES) == [("9.255.0.1", "2001:db8::1")]
    assert refusal(f'{read} | WHERE i LIKE "10.*"', ADDRESSES).code == "E104"
    assert refusal(f'{read} | WHERE i == "ten"', ADDRESSES).code == "E104"
    assert refusal(f'{read} | EVAL c = CONCAT(i, "/32")', ADDRESSES).code == "E104"


def test_medians_are_over_every_value() -> None:
    rows: list[dict[str, Any]] = [{"k": "a", "n": [1, 2, 9]}, {"k": "a", "n": 4}, {"k": "b", "n": None}]
    # 1, 2, 4, 9: the median lies between 2 and 4, three quarters of the way are 2.25 steps, so 4 + 0.25 · 5; distances from 3 are 2, 1, 1, 6.
    query = "FROM t | STATS m = MEDIAN(n), p = PERCENTILE(n, 75), d = MEDIAN_ABSOLUTE_DEVIATION(n) BY k | SORT k"
    assert run(query, rows) == [(3, 5.25, 1.5, "a"), (None, None, None, "b")]
    assert refusal("FROM t | STATS s = STD_DEV(n)", rows).code == "E305"


def test_the_pattern_of_a_mail_address_runs() -> None:
    rows: list[dict[str, Any]] = [{"s": "by jo.doe+x@mail.example.com now"}, {"s": "none"}]
    assert run('FROM t | GROK s "%{EMAILADDRESS:who}" | KEEP who | SORT who', rows) == [("jo.doe+x@mail.example.com",), (None,)]
