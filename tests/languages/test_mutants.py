"""Mutants of the guides' queries give rows or diagnostics, nothing else, and never a statement that the engine cannot read."""

from __future__ import annotations

import pytest

from tests.languages.mutants import run_mutants

LANGUAGES = ("cql", "eql", "esql")


@pytest.mark.parametrize("language", LANGUAGES)
def test_some_mutants(language: str) -> None:
    tally = run_mutants(language, 100, seed=1)
    # Were all refused or all run, the mutants would test nothing.
    assert min(tally.values()) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
@pytest.mark.parametrize("language", LANGUAGES)
def test_many_mutants(language: str, seed: int) -> None:
    assert sum(run_mutants(language, 1_500, seed).values()) == 1_500
