"""Whatever the text, a reader gives a plan or placed diagnostics: never another exception, and never a fault of its own (E009)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import livefire
from livefire.languages import REGISTRY

PIECES = (
    "T | where name == 'x' has_any ( ) [ ] { } , ; := = != =~ : :* and or not in~ summarize count() by bin(time, 1h) stats values(a) as b eval",
    'case match groupBy /re/i #tag=* sequence [any where true] with maxspan=1m join kind=inner (T) on name mv-expand parse * "a" rex search',
    "index=t let f = (x:long){x}; f(1) `macro(1)` ?field from t | keep a \\ 1.5e3 1d datetime(2026-01-01) dynamic([1]) $left.a .. @'v' <= -",
)
WORDS = st.sampled_from([word for line in PIECES for word in line.split()] + ["\n", "\t"])
TEXTS = st.one_of(st.text(max_size=120), st.lists(WORDS, max_size=25).map(" ".join))


@pytest.mark.parametrize("language", sorted(REGISTRY))
@settings(max_examples=120, deadline=None, derandomize=True)
@given(text=TEXTS)
def test_any_text(language: str, text: str) -> None:
    workspace = livefire.Workspace()
    workspace.load("T", [{"name": "x", "a": 1, "time": "2026-01-01T00:00:00Z", "d": {"k": [1]}}], time_field="time")
    for lenient in (False, True):
        for found in workspace.check(text, language=language, index="T", lenient=lenient):
            assert found.code != "E009", found.message
            assert 0 <= found.span.start <= found.span.end <= len(text) + 1
