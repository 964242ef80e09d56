"""What ES|QL means, by rows reasoned from the reference; the guide has the plain cases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import livefire
from tests.languages.esql.running import codes, refusal, result, run, value

MANY: list[dict[str, Any]] = [{"k": "a", "v": ["x", "y"]}, {"k": "b", "v": "x"}, {"k": "c", "v": None}]


def test_three_valued_logic() -> None:
    assert value("null == 1") is None
    assert value("NOT (null == 1)") is None
    assert value("false AND null == 1") is False
    assert value("true OR null == 1") is True
    assert value("1 IN (2, null)") is None
    assert value("null IS NULL") is True


def test_functions_give_null_for_several_values_and_conversions_take_each() -> None:
    rows = run("FROM t | EVAL l = LENGTH(v), u = TO_UPPER(v), s = v::keyword, has = v IS NOT NULL | SORT k | KEEP l, u, s, has", MANY)
    assert rows == [(None, ["X", "Y"], ["x", "y"], True), (1, "X", "x", True), (None, None, None, False)]


def test_aggregates_count_every_value() -> None:
    numbers: list[dict[str, Any]] = [{"n": [1, 5]}, {"n": 3}, {"n": None}]
    query = "FROM t | STATS c = COUNT(n), s = SUM(n), a = AVG(n), least = MIN(n), most = MAX(n), d = COUNT_DISTINCT(n), all = VALUES(n)"
    # 1 + 5 + 3 over three values; the row without a value does not count.
    assert run(query, numbers) == [(3, 9, 3, 1, 5, 3, [1, 3, 5])]


def test_a_row_groups_once_for_a_value_it_has_twice() -> None:
    assert run("FROM t | STATS n = COUNT(*) BY v | SORT v", [{"v": ["x", "x"]}, {"v": "x"}]) == [(2, "x")]


def test_aggregates_of_no_rows() -> None:
    assert run('FROM t | WHERE k == "none" | STATS c = COUNT(*), d = COUNT_DISTINCT(k), m = MAX(k), v = VALUES(k)', MANY) == [(0, 0, None, None)]
    assert run('FROM t | WHERE k == "none" | STATS c = COUNT(*) BY k', MANY) == []


def test_the_rightmost_of_a_repeated_name_counts() -> None:
    shown = result("FROM t | STATS x = COUNT(*), y = COUNT(v), x = MAX(k)", MANY)
    assert (shown.columns, shown.rows) == (["y", "x"], [(3, "c")])
    assert result("FROM t | STATS k = COUNT(*) BY k | SORT k | LIMIT 1", MANY).rows == [("a",)]


def test_first_and_last_pass_rows_without_a_value_over() -> None:
    rows: list[dict[str, Any]] = [{"at": 1, "v": None}, {"at": 2, "v": "b"}, {"at": 3, "v": "c"}, {"at": 4, "v": None}]
    assert run("FROM t | STATS f = FIRST(v, at), l = LAST(v, at)", rows) == [("b", "c")]


def test_inline_stats_over_all_rows_and_by_a_field_with_several_values() -> None:
    assert run("FROM t | INLINE STATS n = COUNT(*) | SORT k | KEEP k, n", MANY) == [("a", 3), ("b", 3), ("c", 3)]
    # x is in two rows; the row with two values of the key fits no group, the one without is in that of null.
    assert run("FROM t | INLINE STATS n = COUNT(*) BY v | SORT k | KEEP k, n, v", MANY) == [("a", None, ["x", "y"]), ("b", 2, "x"), ("c", 1, None)]


def test_rename_and_reuse_of_names() -> None:
    rows = [{"a": 1, "b": 2}]
    swapped = result("FROM t | RENAME a AS c, b AS a | EVAL b = a + c", rows)
    assert (swapped.columns, swapped.rows) == (["c", "a", "b"], [(1, 2, 3)])
    taken = result("FROM t | RENAME a AS b", rows)
    assert (taken.columns, taken.rows) == (["b"], [(1,)])


def test_eval_reads_what_it_just_made() -> None:
    assert run("ROW a = 1 | EVAL b = a + 1, a = b * 10, c = a") == [(2, 20, 20)]


def test_sort_is_kept_through_later_commands_and_orders_several_values() -> None:
    rows: list[dict[str, Any]] = [{"k": "p", "v": [5, 1]}, {"k": "q", "v": 3}, {"k": "r", "v": 2}]
    assert run("FROM t | SORT v | EVAL z = 1 | WHERE z == 1 | KEEP k", rows) == [("p",), ("r",), ("q",)]
    assert run("FROM t | SORT v DESC | KEEP k | LIMIT 2", rows) == [("p",), ("q",)]


def test_a_query_without_limit_gives_a_thousand_rows_and_says_so() -> None:
    many = [{"n": i} for i in range(1200)]
    shown = result("FROM t", many)
    assert len(shown.rows) == 1000
    assert [d.code for d in shown.diagnostics] == ["N170"]
    assert len(run("FROM t | LIMIT 1100", many)) == 1100
    assert run("FROM t | STATS n = COUNT(*)", many) == [(1200,)]


def test_like_escapes_and_regular_expressions_fit_the_whole_text() -> None:
    assert value('"a*c" LIKE """a\\*c"""') is True
    assert value('"abc" LIKE """a\\*c"""') is False
    assert value('"abc" LIKE ("x*", "a?c")') is True
    assert value('"abc" RLIKE "b"') is False
    assert value('"a.c" RLIKE """a\\.c"""') is True
    # Lucene repeats what is repeated: (b+)? takes none, where other languages read a lazy b+.
    assert value('"ac" RLIKE "ab+?c"') is True
    assert value('"*x" RLIKE "*x"') is True


def test_percent_under_like_is_pointed_out() -> None:
    assert "W175" in codes('FROM t | WHERE k LIKE "%a%"', MANY)


def test_numbers_and_their_limits() -> None:
    assert value("7 / 2") == 3
    assert value("-7 % 3") == -1
    assert value("1.0 / 0") is None
    assert value("ROUND(2.5)") == 3.0
    assert value("TO_INTEGER(-2.5)") == -2
    assert value("TO_INTEGER(3000000000)") is None
    assert value("GREATEST(1, null)") is None
    assert value("LEAST(2, 1.5)") == 1.5
    assert value("LOG(2, 8)") == 3.0
    assert value("TO_STRING(12345678.0)") == "1.2345678E7"
    assert value("TO_STRING(2.0)") == "2.0"


def test_texts() -> None:
    assert value('SUBSTRING("hello", 2)') == "ello"
    assert value('SUBSTRING("hello", -10, 2)') == "he"
    assert value('SUBSTRING("hello", 2, null)') is None
    assert value('LEFT("hello", 2)') == "he"
    assert value('RIGHT("hello", 2)') == "lo"
    assert value('LOCATE("abcabc", "c", 4)') == 6
    assert value('TRIM("\\t x \\n")') == "x"
    assert value('CONCAT("a", null)') is None
    assert value('URL_DECODE("a%20b+c")') == "a b c"
    assert value('URL_DECODE("100%")') is None
    assert value('JSON_EXTRACT("""{"a":{"b":[7,"x"]}}""", "$.a.b[1]")') == "x"
    assert value('REPLACE("a.b", "[.]", "$0\\\\$")') == "a.$b"


def test_dates() -> None:
    assert value('DATE_TRUNC(1 week, "2026-03-04T10:00:00Z"::datetime)') == datetime(2026, 3, 2, tzinfo=UTC)
    assert value('DATE_TRUNC(15 minutes, "2026-03-04T10:44:00Z"::datetime)') == datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
    assert value('DATE_DIFF("month", "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z")') == 0
    assert value('DATE_DIFF("hours", "2026-01-01T02:00:00Z", "2026-01-01T00:30:00Z")') == -1
    assert value('"2026-01-31T00:00:00Z"::datetime + 1 month') == datetime(2026, 2, 28, tzinfo=UTC)
    assert value('TO_DATETIME("soon")') is None
    assert value('DATE_EXTRACT("day_of_week", "2026-03-01T00:00:00Z")') == 7
    assert value('DATE_PARSE("dd.MM.yyyy", "05.03.2026")') == datetime(2026, 3, 5, tzinfo=UTC)
    assert value("NOW() - 1 hour") == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_several_values() -> None:
    assert value("MV_SLICE([1, 2, 3, 4], -2, -1)") == [3, 4]
    assert value("MV_SLICE([1, 2], 5, 6)") is None
    assert value("MV_CONTAINS([1, 2], 2)") is True
    assert value('MV_INTERSECTION(["a", "b"], ["b", "c"])') == "b"
    assert value("MV_APPEND([1, 2], 3)") == [1, 2, 3]
    assert value("MV_MEDIAN([1, 4])") == 2
    assert value("MV_AVG([1, 4])") == 2.5
    assert value("MV_COUNT(null)") is None
    assert value("MV_SORT([10, 9])") == [9, 10]


def test_dissect_modifiers() -> None:
    assert run('ROW t = "2026  ok x" | DISSECT t "%{year->} %{?skip} %{rest}" | DROP t') == [("2026", "x")]
    assert run('ROW t = "a b c" | DISSECT t "%{+n/2} %{+n/1} %{x}" APPEND_SEPARATOR = "-" | DROP t') == [("b-a", "c")]
    # Nothing is left of the text behind a delimiter at the end of the pattern.
    assert run('ROW t = "k=v;more;" | DISSECT t "k=%{v};" | DROP t') == [("v",)]
    assert run('ROW t = "no" | DISSECT t "%{a}:%{b}" | DROP t') == [(None, None)]


def test_grok_takes_the_first_pattern_that_fits_and_repeated_names() -> None:
    query = 'ROW t = "id 7" | GROK t "name %{WORD:name}", "id %{INT:id:int}" | DROP t'
    assert run(query) == [(None, 7)]
    assert run('ROW t = "a-b" | GROK t "%{WORD:w}-%{WORD:w}" | KEEP w') == [(["a", "b"],)]
    assert run('ROW t = "ip=10.0.0.256" | GROK t "ip=%{IP:ip}" | KEEP ip') == [(None,)]
    assert run('ROW t = "x" | GROK t "^%{WORD:w}(?:/%{WORD:rest})?$" | KEEP w, rest') == [("x", None)]


def test_addresses() -> None:
    assert value('CIDR_MATCH("2001:db8::1", "2001:db8::/32")') is True
    assert value('CIDR_MATCH("nowhere", "0.0.0.0/0")') is None
    assert value('TO_IP("10.0.0.1") == "10.0.0.1"') is True
    assert value('TO_IP("ten")') is None


def test_kql_takes_any_value_and_its_negation_keeps_missing_fields() -> None:
    assert run('FROM t | WHERE KQL("v:x") | SORT k | KEEP k', MANY) == [("a",), ("b",)]
    assert run('FROM t | WHERE NOT KQL("v:(x or z)") | KEEP k', MANY) == [("c",)]
    assert run('FROM t | WHERE KQL("v:* and not k:\\"b\\"") | KEEP k', MANY) == [("a",)]
    assert run('FROM t | WHERE KQL("missing:x")', MANY) == []
    assert refusal('FROM t | WHERE KQL("just words")', MANY).code == "E305"


def test_fields_below_json_columns() -> None:
    rows = [{"user": {"name": "ana", "roles": ["r1", "r2"]}, "n": 1}, {"user": {"name": "ben"}, "n": 2}]
    assert run('FROM t | WHERE user.name == "ana" | KEEP user.name, user.roles', rows) == [("ana", ["r1", "r2"])]
    assert run("FROM t | KEEP user.* | LIMIT 1", rows) == [({"name": "ana", "roles": ["r1", "r2"]},)]
    assert run('FROM t | EVAL user.name = "x" | STATS n = SUM(n) BY user.name', rows) == [(3, "x")]


def test_source_is_put_together_from_the_columns() -> None:
    rows = [{"a.b": 1, "a.c": {"d": "x"}, "e": None}]
    shown = result('FROM t METADATA _source | EVAL d = JSON_EXTRACT(_source, "$.a.c.d"), b = JSON_EXTRACT(_source, "a.b") | KEEP d, b', rows)
    assert shown.rows == [("x", "1")]
    assert "W173" in [d.code for d in shown.diagnostics]


def test_tables_by_pattern_are_put_under_each_other() -> None:
    ws = livefire.Workspace()
    ws.load("logs-a", [{"x": 1, "only": "a"}])
    ws.load("logs-b", [{"x": 2.5}])
    shown = ws.query("FROM logs-*,-logs-c METADATA _index | SORT x | KEEP _index, x, only", language="esql")
    assert shown.rows == [("logs-a", 1.0, "a"), ("logs-b", 2.5, None)]


def test_lookup_join_repeats_rows_and_puts_new_columns_last() -> None:
    ws = livefire.Workspace()
    ws.load("t", [{"k": "a", "v": 1, "old": 0}, {"k": None, "v": 2, "old": 0}])
    ws.load("names", [{"k": "a", "old": "n1"}, {"k": "a", "old": "n2"}, {"k": None, "old": "n3"}])
    shown = ws.query("FROM t | LOOKUP JOIN names ON k | SORT v, old", language="esql")
    # A null key joins nothing, and the joined column takes the place of the one that had its name.
    assert shown.columns == ["k", "v", "old"]
    assert shown.rows == [("a", 1, "n1"), ("a", 1, "n2"), (None, 2, None)]
    gathered = ws.query("FROM t | ENRICH names ON k | SORT v | KEEP v, old", language="esql")
    assert gathered.rows == [(1, ["n1", "n2"]), (2, None)]
