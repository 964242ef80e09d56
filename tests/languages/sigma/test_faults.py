"""Faults of Sigma rules: each is a placed, coded diagnostic, and nothing else ever comes out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import livefire

RULE = """title: T
logsource:
  product: aws
  service: cloudtrail
detection:
  selection:
    name: x
  condition: {condition}
"""


def codes(text: str) -> list[tuple[str, int]]:
    source = livefire.diagnostics.Source(text)
    return [(d.code, source.position(d.span.start).line) for d in livefire.Workspace().check(text, language="sigma", index=None) if d.severity == "error"]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: [1, 2", "E201", 1),
        ("a: &x [*x]\n", "E204", 1),
        ("[" * 100, "E204", 1),
        ("- 1\n- 2\n", "E201", 1),
        ("title: x\ndetection: {}\n", "E201", 1),
        (RULE.format(condition="selection and ("), "E201", 8),
        (RULE.format(condition="(selection"), "E202", 8),
        (RULE.format(condition="selection | count() > 3"), "E305", 8),
        (RULE.format(condition="1 of other*"), "E102", 8),
        (RULE.format(condition="selection") + "  selection:\n    name: y\n", "E106", 9),
        ("correlation:\n  type: event_count\n", "E201", 2),
    ],
)
def test_fault_has_code_and_line(text: str, code: str, line: int) -> None:
    assert (code, line) in codes(text)


def test_condition_carets_point_into_the_line() -> None:
    text = RULE.format(condition="selection and not selektion")
    (fault,) = [d for d in livefire.Workspace().check(text, language="sigma") if d.code == "E102" and "selektion" in d.message]
    assert text[fault.span.start : fault.span.end] == "selektion"
    assert fault.fix is not None
    assert fault.fix.replacement == "selection"


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=200), st.text(alphabet="-: []{}'\"#|&*!\n abconditieslg", max_size=300)))
def test_any_text_gives_diagnostics(text: str) -> None:
    for candidate in (text, RULE.format(condition=text.replace("\n", " "))):
        for found in livefire.Workspace().check(candidate, language="sigma"):
            assert found.code
            assert 0 <= found.span.start <= len(candidate)
