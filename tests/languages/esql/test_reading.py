"""What ES|QL text is read as, and the words for what cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import livefire
from tests.languages.esql.running import refusal, run, value

ROWS = [{"a": 1, "b": "x", "user.name": "ana"}]
_COMMANDS = ("FROM t", "| WHERE", "| EVAL x =", "| STATS", "BY", "| KEEP", "| GROK b", '"%{WORD:w}"', "| DISSECT b", '"%{a} %{b}"', "| SORT", "| MV_EXPAND")
_WORDS = ("a", "b", "==", "(", ")", "IN", "LIKE", '"x*"', "RLIKE", "NOT", "AND", "IS NULL", "1 hour", "1", "*", ",", "COUNT(*)", "::", "integer", "[", "]")
_NOISE = ('"""', "`", "\\", "\0", "\ud800", "?p", "-", ".")
_PIECES = st.sampled_from((*_COMMANDS, *_WORDS, *_NOISE))


@settings(max_examples=60, deadline=None)
@given(st.lists(_PIECES, max_size=14).map(" ".join) | st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a plan or diagnostics comes of any text."""
    ws = livefire.Workspace()
    ws.load("t", ROWS)
    for diagnostic in ws.check(text, language="esql"):
        assert diagnostic.code[0] in "EWN"


def test_keywords_and_functions_in_any_case_and_comments() -> None:
    query = "from t // the table\n| Where a == 1 /* one\n| not this */ | eval B = To_Upper(b) | KEEP B"
    assert run(query, ROWS) == [("X",)]


def test_not_binds_looser_than_comparison_and_tighter_than_and() -> None:
    assert value("NOT 1 == 2 AND true") is True
    assert value("true OR false AND false") is True
    assert value("1 + 2 * 3 == 7") is True
    assert value("-2 * -3") == 6


def test_strings() -> None:
    assert value('"a\\tb\\"c\\\\"') == 'a\tb"c\\'
    assert value('"""C:\\dir "x" """') == 'C:\\dir "x" '
    assert refusal('ROW x = "a\\d"').code == "E206"


def test_names_with_dots_and_backquotes() -> None:
    assert run("FROM t | EVAL `a b` = a, `user`.`name` | KEEP `a b`, user.name", ROWS) == [(1, "ana")]
    assert run("FROM t | STATS COUNT(*) | EVAL n = `COUNT(*)` + 1 | KEEP n", ROWS) == [(2,)]


def test_numbers_take_the_narrowest_type() -> None:
    shown = livefire.Workspace().query("ROW i = 1, l = 3000000000, d = 1.5, e = 1e3, n = -5", language="esql")
    assert shown.types == ["int", "long", "real", "real", "int"]
    assert shown.rows == [(1, 3_000_000_000, 1.5, 1000.0, -5)]


def test_parameters() -> None:
    assert run("FROM t | WHERE a == ?n | KEEP ??c", ROWS, params={"n": 1, "c": "b"}) == [("x",)]
    assert run("FROM t | WHERE a == ?1 AND b == ?2 | KEEP a", ROWS, params=[1, "x"]) == [(1,)]
    found = refusal("FROM t | WHERE a == ?n", ROWS)
    assert (found.code, found.span.start) == ("E176", 20)


@pytest.mark.parametrize(
    ("query", "code", "at", "words"),
    [
        ("FRM t", "E201", "FRM", "FROM or ROW"),
        ("FROM t | WERE a == 1", "E201", "WERE", "no command"),
        ("FROM t | WHERE a = 1", "E201", "=", "`==`"),
        ("FROM t | WHERE (a == 1", "E202", "(", "close"),
        ("FROM t | WHERE a == 1 == 2", "E201", "==", "chained"),
        ("FROM t | WHERE b LIKE a", "E104", "a", "pattern in quotes"),
        ("FROM t | STATS x = a BY b", "E172", "a ", "no column"),
        ("FROM t | FUSE", "E301", "FUSE", "relevance"),
        ("FROM t | WHERE nme == 1", "E172", "nme", "'nme'"),
        ("FROM t | WHERE a == lenght(b)", "E103", "lenght", "lenght"),
        ("FROM t | WHERE substring(b) == 1", "E105", "substring(b)", "takes 2 to 3"),
        ("FROM nothere | KEEP a", "E101", "nothere", "nothere"),
        ('FROM t | WHERE b RLIKE "("', "E205", '"("', "regular expression"),
        ('FROM t | GROK b "%{NOPE:x}"', "E305", '"%{NOPE:x}"', "NOPE"),
        ('FROM t | GROK b "(?<=a)b"', "E205", '"(?<=a)b"', "looks around"),
        ("FROM t | EVAL x = a + b", "E104", "b", "numbers"),
        ("FROM t | EVAL x = 1 hour", "E104", "x = 1 hour", "time span"),
        ("FROM t | EVAL x = count(a)", "E104", "count", "aggregate"),
        ('FROM t | EVAL x = hash("sha-512", b)', "E305", '"sha-512"', "not computed"),
        ("FROM t | LIMIT -1", "E201", "-1", "not negative"),
        ("FROM t METADATA _idd", "E172", "_idd", "_idd"),
    ],
)
def test_refusals_name_code_place_and_reason(query: str, code: str, at: str, words: str) -> None:
    found = refusal(query, ROWS)
    assert found.code == code
    assert query[found.span.start :].startswith(at)
    assert words in found.message


def test_the_nearest_name_is_offered() -> None:
    found = refusal('FROM t | WHERE user.nam == "ana"', ROWS)
    assert found.fix is not None
    assert found.fix.replacement == "user.name"
