"""Faults of Sigma rules: each is a placed, coded diagnostic, and nothing else ever comes out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import livefire
from livefire.diagnostics import Source

CORRELATION = """title: C
correlation:
  type: {kind}
  rules: {rules}
  group-by: [user]
  timespan: {span}
  condition: {condition}
"""
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
    source = Source(text)
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


@pytest.mark.parametrize(
    ("changed", "code", "line"),
    [
        ({"kind": "many"}, "E107", 3),
        ({"rules": "[a, a]"}, "E106", 4),
        ({"rules": "[]"}, "E201", 3),
        ({"span": "5 minutes"}, "E107", 6),
        ({"span": "0m"}, "E107", 6),
        ({"condition": "{gte: many}"}, "E104", 7),
        ({"condition": "{atleast: 3, gte: 1}"}, "E107", 7),
        ({"condition": "{field: x}"}, "E201", 7),
        ({"kind": "value_sum"}, "E201", 7),
        ({"kind": "value_percentile", "condition": "{field: x, gte: 1}"}, "E201", 7),
        ({"kind": "value_percentile", "condition": "{field: x, gte: 1, percentile: 101}"}, "E107", 7),
        ({"kind": "temporal", "condition": "a and b"}, "E102", 7),
        ({"kind": "temporal", "condition": "a and"}, "E201", 7),
    ],
)
def test_a_correlation_that_cannot_be_told_is_refused_at_its_place(changed: dict[str, str], code: str, line: int) -> None:
    said = {"kind": "event_count", "rules": "[a]", "span": "5m", "condition": "{gte: 1}", **changed}
    assert (code, line) in codes(CORRELATION.format(**said))


def test_a_key_that_would_be_passed_over_is_refused() -> None:
    text = CORRELATION.replace("group-by", "group_by").format(kind="event_count", rules="[a]", span="5m", condition="{gte: 1}")
    (fault,) = [d for d in livefire.Workspace().check(text, language="sigma") if d.code == "E107"]
    assert "did you mean 'group-by'?" in fault.help


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
