"""Expressions over null and several values agree with a small evaluator of their own, on expressions nobody wrote."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.languages.esql.evaluator import Both, expressions
from tests.languages.esql.running import run

# Numbers come in order and texts in order and once, so that the index changes nothing.
ROWS: list[dict[str, Any]] = [
    {"n": 1, "m": [1, 3], "k": "a", "t": ["a", "b"], "f": True},
    {"n": [2, 2], "m": 0, "k": ["", "ab"], "t": "b", "f": False},
    {"n": None, "m": 2**62, "k": None, "t": "", "f": None},
    {"n": -7, "m": None, "k": "ab", "t": None, "f": [False, True]},
    {"n": -(2**63), "m": -1, "k": "B", "t": "a", "f": True},
]
_TYPED = "FROM t | EVAL n = n::long, m = m::long, k = k::keyword, t = t::keyword, f = f::boolean"


def _agree(several: list[Both]) -> None:
    assigned = ", ".join(f"x{i} = {one.text}" for i, one in enumerate(several))
    rows = [{"id": i, **row} for i, row in enumerate(ROWS)]
    found = run(f"{_TYPED} | EVAL {assigned} | SORT id | KEEP " + ", ".join(f"x{i}" for i in range(len(several))), rows)
    for row, values in zip(ROWS, found, strict=True):
        for one, value in zip(several, values, strict=True):
            assert (type(value), value) == (type(one.of(row)), one.of(row)), (one.text, row)


_FEW, _MANY = (st.lists(st.one_of(*(expressions(kind, depth) for kind in "ntb")), min_size=6, max_size=6) for depth in (2, 3))
_SLOW = [HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large]


@settings(max_examples=8, deadline=None, suppress_health_check=_SLOW, derandomize=True)
@given(_FEW)
def test_expressions_agree(several: list[Both]) -> None:
    _agree(several)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=_SLOW)
@given(_MANY)
def test_many_expressions_agree(several: list[Both]) -> None:
    _agree(several)
