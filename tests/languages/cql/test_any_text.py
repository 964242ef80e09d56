"""Any text gives a plan or diagnostics, never another exception."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

import livefire

PIECES = (
    "a", "=", "!=", "/x/i", '"t"', "|", "case", "{", "}", ";", "match", "=>", "*", "(", ")", "[", "]", ",", ":=", "count()", "groupBy", "in",
    "values=", "or", "and", "not", "!", "?p", "?{p=1}", "$q()", "#tag", "x[0]", "=~", "like", "<", "5", "sort(", "parseJson()", "array:append(",
    "\\", "`", "//", "/*", "\n", "where", "-", "+", "join({", "})", "if(", "then=", "format(", "%s", "regex(", "split(", "top(",
    "selfJoinFilter(", "objectArray:eval(", "function={", "é", "\x00",
)  # fmt: skip
WS = livefire.Workspace()
WS.load("events", [{"a": "1", "x": [1, 2], "@rawstring": "{}"}])


def read(text: str) -> None:
    WS.check(text, language="cql")
    try:
        WS.compile(livefire.diagnostics.Source(text), "cql", index="events", lenient=True)
    except livefire.QueryError as error:
        assert error.diagnostics


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_any_characters(text: str) -> None:
    read(text)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join))
def test_any_pieces_of_the_language(text: str) -> None:
    read(text)
