"""What queries mean, over rows of a few fields; the expected rows follow from the documented rules."""

from __future__ import annotations

from typing import Any

import pytest

import livefire
from tests.languages.cql.running import codes, result, run

ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": "ann", "n": "10", "o": {"k": "v", "l": [1, 2]}},
    {"id": 2, "name": "Bob", "n": "9"},
    {"id": 3, "name": "a*b", "n": "x"},
    {"id": 4, "n": ""},
]


def ids(query: str, rows: list[dict[str, Any]] | None = None, **options: Any) -> list[Any]:
    return [row[0] for row in run(query + " | select(id)", rows or ROWS, index="events", **options)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=ann", [1]),
        ("name=ANN", []),
        ("name=a*", [1, 3]),
        (r"name=a\*b", [3]),
        ("name!=ann", [2, 3, 4]),
        ("not name=ann", [2, 3, 4]),
        ("name=*", [1, 2, 3]),
        ("name!=*", [4]),
        ('n=""', [4]),
        ("n=*", [1, 2, 3, 4]),
        ("name like n", [1]),
        ("n>9", [1]),
        ("n<=10", [1, 2]),
        ("id=3", [3]),
        ("o.k=v", [1]),
        ("o.l[1]=2", [1]),
        ("o=*", []),
        ("name=/^b/i", [2]),
        ("name!=/^b/i", [1, 3, 4]),
        ("nosuch=1", []),
        ("nosuch!=1", [1, 2, 3, 4]),
        ("true", [1, 2, 3, 4]),
        ("false", []),
        ("*", [1, 2, 3, 4]),
        ("nn", [1]),
        ("/bob/i", [2]),
        ("!nn", [2, 3, 4]),
        ('wildcard(field=name, pattern="A*", ignoreCase=true)', [1, 3]),
        ("test(n > 9)", [1]),
        ('test(name == "ann")', [1]),
        ('text:contains(name, substring="b")', [2, 3]),
        ('regex("^a", field=name)', [1, 3]),
    ],
)
def test_filters(query: str, expected: list[int]) -> None:
    assert ids(query) == expected


def test_a_backslash_before_a_slash_in_a_pattern_keeps_its_meaning() -> None:
    rows = [{"id": 1, "p": "a\\x"}, {"id": 2, "p": "a/x"}, {"id": 3, "p": "ax"}]
    assert ids(r"p=/[\\/]x/", rows) == [1, 2]
    assert ids(r"p=/\/x/", rows) == [2]
    assert ids(r"p=a\\x", rows) == [1]
    assert ids(r'p="a\\x"', rows) == [1]


def test_a_named_group_extracts_only_where_it_matches() -> None:
    # An event keeps an older value of the field where the pattern does not match and strict is off.
    assert run('c := "old" | regex("^(?<c>[a-z])n", field=name, strict=false) | select([id, c])', ROWS, index="events") == [
        (1, "a"), (2, "old"), (3, "old"), (4, "old"),
    ]  # fmt: skip


def test_clauses_see_fields_of_their_own_and_leave_others_alone() -> None:
    query = 'tag := "none" | case { name=ann | tag := "first" | n > 100; n=10 | tag := "second"; n=9 | other := 1; * } | select([id, tag, other])'
    # The first clause returns no event, so its assignment is lost with it.
    assert run(query, ROWS, index="events") == [(1, "second", None), (2, "none", 1), (3, "none", None), (4, "none", None)]


def test_events_that_no_clause_returns_are_dropped() -> None:
    assert ids("case { name=ann; n=9 | n > 100; }") == [1]


def test_a_clause_of_another_type_makes_text() -> None:
    assert run('case { id=1 | v := 5; id=2 | v := "five"; } | select(v)', ROWS, index="events") == [("5",), ("five",)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("id + 1", 2.0), ("id / 0", None), ('"a" / 2', None), ("7 % 4", 3.0), ("2 * 3 + 1", 7.0), ("nosuch + 1", None),
        ('"a" == 2', "false"), ("1 != 2", "true"), ("n == 10", "true"), ("!false", "true"), ("!0", "true"), ("nosuch == 1", None), ('"10" == 10.0', "true"),
    ],
)  # fmt: skip
def test_expressions(expression: str, expected: object) -> None:
    # A truth is shown as the text LogScale keeps; a bool column and its text are the same here.
    ((found,),) = run(f"id=1 | x := {expression} | select(x)", ROWS, index="events")
    assert (str(found).lower() if isinstance(found, bool) else found) == expected


def test_nothing_is_assigned_where_there_is_no_result() -> None:
    assert run("n := n + 1 | select(n)", ROWS, index="events") == [("11",), ("10",), ("x",), ("",)]


def test_group_by_drops_events_without_the_key_and_counts_the_rest() -> None:
    assert sorted(run("groupBy(name)", ROWS, index="events")) == [("Bob", 1), ("a*b", 1), ("ann", 1)]


def test_aggregates_pass_over_what_is_no_number() -> None:
    found = result("[count(), count(name), sum(n), avg(n), min(n), max(n), count(name, distinct=true, as=d)]", ROWS, index="events")
    # Both counts write _count, and the later one stays: three events have a name.
    assert sorted(found.columns) == sorted(["_count", "_sum", "_avg", "_min", "_max", "d"])
    assert dict(zip(found.columns, found.rows[0], strict=True)) == {"_count": 3, "_sum": 19.0, "_avg": 9.5, "_min": 9.0, "_max": 10.0, "d": 3}


def test_sort_puts_numbers_by_size_then_texts_then_nothing() -> None:
    rows: list[dict[str, Any]] = [{"v": "9"}, {"v": "b"}, {"v": "10"}, {"v": "a"}, {"w": 1}]
    assert run("sort(v) | select(v)", rows, index="events") == [("10",), ("9",), ("b",), ("a",), (None,)]
    assert run("sort(v, order=asc, type=string) | select(v)", rows, index="events") == [("10",), ("9",), ("a",), ("b",), (None,)]


def test_sort_keeps_two_hundred_rows_and_says_so() -> None:
    found = result("sort(v) | count()", [{"v": i} for i in range(300)], index="events")
    assert found.rows == [(200,)]
    assert [d.code for d in found.diagnostics] == ["N133"]
    assert run("sort(v, limit=max) | count()", [{"v": i} for i in range(300)], index="events") == [(300,)]


def test_more_groups_than_logscale_keeps_are_all_there_and_that_is_said() -> None:
    # LogScale keeps 20,000 groups by default and up to 1,000,000: https://library.humio.com/data-analysis/functions-groupby.html
    rows = [{"k": i} for i in range(20_001)]
    found = result("groupBy(k) | count()", rows, index="events")
    assert found.rows == [(20_001,)]
    assert [d.code for d in found.diagnostics] == ["W133"]
    for query in ("groupBy(k, limit=max) | count()", "k < 20000 | groupBy(k) | count()"):
        assert result(query, rows, index="events").diagnostics == ()


def test_a_limit_of_groups_keeps_the_largest_and_says_so() -> None:
    rows = [{"k": k} for k in "aabbbc"]
    found = result("groupBy(k, limit=2)", rows, index="events")
    assert found.rows == [("b", 3), ("a", 2)]
    assert [d.code for d in found.diagnostics] == ["W133"]
    assert result("groupBy(k, limit=3)", rows, index="events").diagnostics == ()


def test_table_shows_the_latest_first() -> None:
    rows = [{"t": "2026-01-01T00:00:00Z", "v": 1}, {"t": "2026-01-03T00:00:00Z", "v": 3}, {"t": "2026-01-02T00:00:00Z", "v": 2}]
    assert run("table([v], limit=2)", rows, index="events", time="t") == [(3,), (2,)]
    assert run("head(2) | select(v)", rows, index="events", time="t") == [(1,), (2,)]
    assert run("tail(2) | select(v)", rows, index="events", time="t") == [(2,), (3,)]


RAW: list[dict[str, Any]] = [
    {"@rawstring": '{"a":{"b":"x"},"c.d":5,"e":[{"k":"1"},{"k":"2"}],"f":null,"g":""}'},
    {"@rawstring": "no json"},
]


def test_parsed_fields() -> None:
    query = 'parseJson(prefix="p.") | select([p.a.b, p.c.d, p.e[1].k, p.f, p.g, p.a])'
    # A dot may be part of a key; JSON null is the text null by default; an object is no value itself.
    assert run(query, RAW, index="events") == [("x", "5", "2", "null", "", None), (None,) * 6]


def test_parsed_fields_without_nulls_and_empties() -> None:
    assert run("parseJson(handleNull=discard, excludeEmpty=true) | select([f, g])", RAW[:1], index="events") == [(None, None)]


def test_parsed_fields_replace_those_of_the_same_name() -> None:
    query = 'a.b := "old" | z := "kept" | parseJson() | select([a.b, z])'
    assert run(query, RAW, index="events") == [("x", "kept"), ("old", "kept")]


def test_a_bag_parsed_in_one_clause_is_not_seen_by_events_of_another() -> None:
    rows = [{"@rawstring": '{"v":"1"}', "kind": "json"}, {"@rawstring": '{"v":"2"}', "kind": "text"}]
    assert run("case { kind=json | parseJson(); * } | select([kind, v])", rows, index="events") == [("json", "1"), ("text", None)]


def test_functions_over_elements() -> None:
    query = 'parseJson() | objectArray:eval(array="e[]", asArray="ks[]", function={e.k > 1 | ks := concat([e.k, a.b])}) | select([ks[0], ks[1]])'
    assert run(query, RAW[:1], index="events") == [("2x", None)]


def test_appended_elements_count_on() -> None:
    query = 'array:append("t[]", values=["p"]) | case { name=ann | array:append("t[]", values=["q", "r"]); * } | select([id, t[0], t[1], t[2], t[3]])'
    assert run(query, ROWS[:2], index="events") == [(1, "p", "q", "r", None), (2, "p", None, None, None)]


def test_a_parser_shows_its_tags() -> None:
    found = result('Vendor := "acme" | event.kind := "event"', [{"@rawstring": "x"}], index="events")
    assert dict(zip(found.columns, found.rows[0], strict=True)) == {
        "@rawstring": "x", "Vendor": "acme", "event.kind": "event", "#Vendor": "acme", "#event.kind": "event",
    }  # fmt: skip


def test_joins_take_the_first_row_and_empty_what_it_lacks() -> None:
    rows = [{"kind": "l", "k": 1, "v": "a"}, {"kind": "r", "k": 1, "w": "x"}, {"kind": "l", "k": 2, "v": "b"}]
    assert run("kind=l | join({kind=r}, field=k, include=[w, u]) | select([v, w, u])", rows, index="events") == [("a", "x", "")]
    assert sorted(run("kind=l | join({kind=r}, field=k, include=[w], mode=left) | select([v, w])", rows, index="events"), key=str) == [("a", "x"), ("b", None)]


def test_a_lookup_that_is_not_loaded_fails_only_when_an_event_gets_there() -> None:
    query = 'case { name=ann | match(file="gone.csv", field=name); * } | select(id)'
    assert run(query, ROWS[1:], index="events") == [(2,), (3,), (4,)]
    with pytest.raises(livefire.QueryError):
        run(query, ROWS, index="events")
    assert "E101" in {c for c, _, _ in codes('match(file="gone.csv", field=name)', ROWS, index="events")}


def test_tags_choose_the_tables() -> None:
    ws = livefire.Workspace()
    ws.load("one", [{"v": 1}])
    ws.load("two", [{"v": 2}])
    assert ws.query("#repo=two | select(v)", language="cql").rows == [(2,)]
    assert sorted(ws.query("#repo=one or #repo=two | select([v])", language="cql").rows) == [(1,), (2,)]
    with pytest.raises(livefire.QueryError) as caught:
        ws.query("#repo=three", language="cql")
    assert [d.code for d in caught.value.diagnostics] == ["E101"]


def test_a_layered_query_computes_each_value_once() -> None:
    # Thirty doublings of a value that is read twice would be 2**30 terms if they were written out.
    steps = " | ".join(["x := x + x"] * 30)
    assert run(f"x := 1 | {steps} | select(x)", [{"a": 1}], index="events") == [(float(2**30),)]


def test_saved_queries_take_the_place_of_their_call() -> None:
    saved = {"who": 'name = ?{which="*"} | seen := "yes"', "both": "$who(which=ann)", "round": "$round()"}
    assert run("$who() | select([name, seen])", ROWS, index="events", saved_queries=saved) == [("ann", "yes"), ("Bob", "yes"), ("a*b", "yes")]
    assert run("$both() | select([name, seen])", ROWS, index="events", saved_queries=saved) == [("ann", "yes")]
    assert codes("$round()", ROWS, index="events", saved_queries=saved) == [("E204", 1, 1)]
    assert codes("a=1 | $bad()", ROWS, index="events", saved_queries={"bad": "b=1 |\n )"}) == [("E201", 1, 7)]


def test_a_group_without_part_in_the_match_sets_no_field() -> None:
    rows = [{"s": "a,b"}, {"s": "c"}]
    assert run("s = /^(?<x>[^,]+)(,(?<y>.*))?$/ | select([x, y])", rows, index="events") == [("a", "b"), ("c", None)]
    # A group that must take part is set even where it is empty.
    assert run("s = /^c(?<rest>.*)$/ | select(rest)", rows, index="events") == [("",)]


def test_format_rounds_halves_away_from_zero() -> None:
    assert run('format("%.1f|%,.2f|%5s|%-4s|%d", field=[a, b, c, c, a], as=f) | select(f)', [{"a": 6.25, "b": 1234.5, "c": "x"}], index="events") == [
        ("6.3|1,234.50|    x|x   |6",)
    ]
