"""Mutated queries give a plan or diagnostics, nothing else."""

from __future__ import annotations

import pytest

from tests.kusto.fuzz import fuzz
from tests.kusto.test_agreement import own_texts


def test_a_few_mutations() -> None:
    assert fuzz(own_texts(), 300, seed=1) == {}


@pytest.mark.slow
def test_many_mutations() -> None:
    assert fuzz(own_texts(), 20_000, seed=2) == {}
