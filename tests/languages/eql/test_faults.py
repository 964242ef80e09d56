"""Faults of EQL texts: each is a placed, coded diagnostic, and nothing else ever comes out."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import livefire
from tests.languages.eql.running import faults, numbers, shown

ROWS = [{"event": {"category": "file"}, "name": "x", "n": 1, "f": True}]


@pytest.mark.parametrize(
    ("query", "code", "place"),
    [
        # names
        ("any where nam == 1", "E102", "nam"),
        ("any where lenght(name) == 1", "E103", "lenght"),
        ('any where wildcard(name, "x*")', "E103", "wildcard"),
        ("any where length~(name) == 1", "E103", "length~"),
        ("any where length(name, name) == 1", "E105", "length(name, name)"),
        ("any where substring(name) == null", "E105", "substring(name)"),
        # types
        ("any where name + 1 == 2", "E104", "name + 1"),
        ("any where n", "E104", "n"),
        ("any where length(name)", "E104", "length(name)"),
        ("any where not name", "E104", "name"),
        ("any where name like 5", "E104", "5"),
        ("any where f == 1", "E104", "1"),
        ('any where number("1", 99) == 1', "E104", "99"),
        ('any where cidrMatch(name, "10.0.0.0/99")', "E206", '"10.0.0.0/99"'),
        ("any where name == name", "E144", "name"),
        ("any where name in (name)", "E144", "name"),
        ("sequence [any where f] by n [any where f] by name", "E104", "n"),
        # syntax
        ("", "E201", ""),
        ("any", "E201", ""),
        ("any where", "E201", ""),
        ("any where f and", "E201", ""),
        ("any where f or or f", "E201", "or"),
        ("any where (f", "E202", "("),
        ("any where name in (1, 2", "E202", "("),
        ('any where name : "x', "E203", '"x'),
        ("any where name in 5", "E201", "5"),
        ('any where name == "\\x"', "E206", "\\x"),
        ("any where n == 99999999999999999999", "E206", "99999999999999999999"),
        ("any where by == 1", "E201", "by"),
        ("any where f | head", "E201", ""),
        ("any where f | head 1.5", "E201", "1.5"),
        ("any where f | count", "E301", "count"),
        ("any where n[0] == 1", "E305", "["),
        ('any WHERE name == "x"', "E240", "WHERE"),
        ("any where f AND f", "E240", "AND"),
        ("any where n = 1", "E242", "="),
        ("any where name == 'x'", "E243", "'x'"),
        ('any where name == ?"x"', "E243", '?"x"'),
        # regular expressions
        ('any where name regex "(a"', "E205", '"(a"'),
        ('any where name regex "[a"', "E205", '"[a"'),
        ('any where name regex "(?i)a"', "E205", '"(?i)a"'),
        ('any where name regex "a{5000}"', "E205", '"a{5000}"'),
        ('any where name regex "~a"', "E305", '"~a"'),
        ('any where name regex "ba{2}?"', "E305", '"ba{2}?"'),
        # sequences
        ("sequence [any where f]", "E201", "sequence"),
        ("sequence [any where f] [any where f", "E202", "["),
        ("sequence by n, n [any where f] [any where f] by n", "E201", "[any where f] by n"),
        ("sequence ![any where f] [any where f]", "E201", "![any where f]"),
        ("sequence with maxspan=5m ![any where f] ![any where f]", "E201", "sequence"),
        ("sequence with maxspan=5 [any where f] [any where f]", "E201", "5"),
        ("sequence with maxspan=5y [any where f] [any where f]", "E201", "y"),
        ("sequence with maxspan=0s [any where f] [any where f]", "E201", "0"),
        ("sequence [any where f] with runs=0 [any where f]", "E201", "0"),
        ("sequence [any where f] with runs=101 [any where f]", "E201", "101"),
        ("sequence with maxspan=1s by n [any where f] [any where f]", "E241", "by"),
        ("sequence by n * 2 [any where f] [any where f]", "E305", "*"),
        ("sample [any where f] [any where f]", "E201", "sample"),
        ("sample by n ![any where f] [any where f]", "E201", "!"),
        ("sample by n [any where f] [any where f] until [any where f]", "E201", "until"),
        ("join by n [any where f] [any where f]", "E305", "join"),
    ],
)
def test_fault(query: str, code: str, place: str) -> None:
    assert (code, place) in faults(query, ROWS)


def test_a_fault_says_what_to_write() -> None:
    ws = livefire.Workspace()
    ws.load("log", ROWS)

    def fixed(query: str) -> str:
        with pytest.raises(livefire.QueryError) as caught:
            ws.query(query, language="eql", index="log")
        (found,) = (d for d in caught.value.diagnostics if d.severity == "error")
        assert found.fix is not None
        return query[: found.fix.span.start] + found.fix.replacement + query[found.fix.span.end :]

    assert fixed("any where n = 1") == "any where n == 1"
    assert fixed("any where name == 'it\"s'") == 'any where name == "it\\"s"'
    assert fixed("any WHERE f") == "any where f"
    assert fixed("any where Name : 1") == "any where name : 1"
    assert fixed('any where startWith(name, "x")') == 'any where startsWith(name, "x")'
    assert fixed("any where name : (1") == "any where name : (1)"


def test_lenient_reads_what_a_person_would() -> None:
    for query in ("any WHERE f", "any where n = 1", "any where name == 'x'", 'any where name == ?"x"', "any where name == event.category or name == name"):
        assert faults(query, ROWS)
        assert numbers(query, ROWS, lenient=True) == [0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # match looks at the whole text and does not regard case, as the older EQL has it.
        ('any where match(name, "[W-Z]")', [0]),
        ('any where match(name, "a", "x.")', []),
        ('any where not match(name, "a")', [0]),
        ('any where name:length() == 1 and wildcard(name, "X*", "y")', [0]),
        ('any where string(n):substring(0, 1) == "1"', [0]),
        ("any where nothing == null", [0]),
        ("any where nothing == 1 or not nothing == 1", []),
    ],
)
def test_the_older_language_when_lenient(query: str, found: list[int]) -> None:
    assert faults(query, ROWS)
    assert numbers(query, ROWS, lenient=True) == found


def test_a_constant_is_compared_with_what_a_function_gives() -> None:
    for query in ('any where true : startsWith(name, "x")', 'any where true:startsWith(name, "x")', "any where 1 : length(name)"):
        assert numbers(query, ROWS) == [0]
        assert numbers(query, ROWS, lenient=True) == [0]
    assert numbers('any where false : startsWith(name, "x")', ROWS) == []


def test_a_sequence_needs_times_and_single_keys() -> None:
    with pytest.raises(livefire.QueryError, match="without a time"):
        ws = livefire.Workspace()
        ws.load("log", [{"@timestamp": None, "n": 1}], schema={"@timestamp": "datetime"}, time_field="@timestamp")
        ws.query("sequence [any where true] [any where true]", language="eql", index="log")
    two = [{"k": ["a", "b"]}, {"k": ["a"]}]
    with pytest.raises(livefire.QueryError, match="array of several values"):
        shown("sequence by k [any where true] [any where true]", two)
    # One value in an array is that value.
    assert numbers("sequence by k [any where true] [any where true]", [{"k": ["a"]}, {"k": "a"}]) == [0, 1]


def test_options_that_change_results_are_not_passed_over() -> None:
    assert faults("any where f", ROWS, size=10) == [("E304", "any where f")]
    assert faults("any where f", ROWS, case_sensitive=False) == [("E304", "any where f")]
    assert numbers("any where f", ROWS, case_sensitive=True) == [0]


def test_an_unknown_table_does_not_hide_other_faults() -> None:
    codes = [d.code for d in livefire.Workspace().check('any where x : (1 and "y"', language="eql", index="nothing")]
    assert "E202" in codes


_PIECES = st.lists(
    st.sampled_from(
        [
            *("any", "where", "sequence", "sample", "by", "with", "maxspan", "runs", "=", "5m", "until", "and", "or", "not", "null", "true", "head", "tail"),
            *("in", "like~", "regex", ":", "==", "<", "(", ")", "[", "]", "!", "|", ",", ".", "+", "/", "1", "2.5", '"x*"', "'y'", '"""z"""'),
            *("name", "n", "event.category", "?q", "`a b`", "length", "between~", "cidrMatch", "number", "\\", '"', "\n", "//", "/*", "{", "\u0000", "\ud800"),
        ]
    ),
    max_size=25,
).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=60), _PIECES, _PIECES.map("any where ".__add__)))
@example("any where " + "(" * 500)
@example("any where " + "not " * 5000 + "f")
@example("any where " + "-" * 5000 + "1 == 1")
@example("any where " + "f and " * 3000 + "f")
def test_any_text_is_a_plan_or_diagnostics(text: str) -> None:
    ws = livefire.Workspace()
    ws.load("log", ROWS)
    for lenient in (False, True):
        for found in ws.check(text, language="eql", index="log", lenient=lenient):
            assert 0 <= found.span.start <= found.span.end <= len(text)
