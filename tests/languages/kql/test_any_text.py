"""Whatever is typed gives a plan or diagnostics, never another exception."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livefire import Workspace
from livefire.diagnostics import Diagnostic, Source
from livefire.diagnostics.diagnostic import QueryError
from livefire.languages.kql.functions import FUNCTIONS
from livefire.languages.kql.steps import READERS

WORDS = [
    *sorted(READERS), *sorted(FUNCTIONS), "T", "a", "b", "d", "|", "|", "|", "(", ")", "[", "]", "{", "}", ",", ";", "=", "==", "=~", "!in~", "in", "has",
    "has_any", "between", "..", "and", "or", "not", "by", "on", "with", "to", "typeof", "(long)", "let", "x", "f", "datatable", "print", "range", "union",
    "kind=inner", "$left.a", "$right.a", "*", "-", "+", "/", "%", ".", "1", "2.5", "1d", "'t'", '"q"', "@'\\d'", "datetime(2026-01-01)", "dynamic([1,{'k':2}])",
    "int(null)", "true", "null", "asc", "desc", "default", "from", "step", "as", "view", "1.02:03:04", "```m```", "//c\n", "#d\n", "0x1F",
]  # fmt: skip


def workspace() -> Workspace:
    found = Workspace()
    found.load("T", [{"a": 1, "b": "x", "d": {"k": [1]}}])
    return found


WORKSPACE = workspace()


def outcome(text: str) -> None:
    """Compile and check a text; anything but a plan or a QueryError is a fault of ours."""
    try:
        WORKSPACE.compile(Source(text), "kql")
    except QueryError as error:
        assert all(isinstance(d, Diagnostic) for d in error.diagnostics)
        assert any(d.severity == "error" for d in error.diagnostics)
    for diagnostic in WORKSPACE.check(text, language="kql"):
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(WORDS), max_size=14))
def test_words_in_any_order(words: list[str]) -> None:
    outcome("T | " + " ".join(words))
    outcome(" ".join(words))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_characters(text: str) -> None:
    outcome(text)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(FUNCTIONS)), st.lists(st.sampled_from(["a", "b", "d", "d.k", "1", "'x'", "1d", "datetime(2026-01-01)", "null", "true"]), max_size=4)
)
def test_functions_with_any_arguments(name: str, arguments: list[str]) -> None:
    outcome(f"T | serialize | extend z = {name}({', '.join(arguments)})")


def test_deep_nesting_is_told_and_not_a_crash() -> None:
    for text in ("print " + "(" * 5000 + "1" + ")" * 5000, "T | where " + "not(" * 3000 + "true" + ")" * 3000, "print " + "-" * 4000 + "1"):
        codes = {d.code for d in WORKSPACE.check(text, language="kql")}
        assert "E204" in codes
