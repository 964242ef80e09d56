"""The guides of EQL and ES|QL have a running case for every function."""

from __future__ import annotations

import re

import pytest

from livefire.languages.eql.functions import FUNCTIONS as EQL
from livefire.languages.esql.functions import AGGREGATES, REFUSED, REFUSED_AGGREGATES
from livefire.languages.esql.functions import FUNCTIONS as ESQL
from tests.languages.mutants import seeds

# Second names of functions that have a case under their first.
ALIASES = {
    *("bin", "stddev", "to_bool", "to_dbl", "to_dt", "to_int", "to_str"),
}


def called(language: str) -> set[str]:
    """Return the functions that the examples with rows call."""
    return {name.lower() for x in seeds(language) if x.refused is None for name in re.findall(r"(\w+)~?\s*\(", x.query)}


def test_every_function_of_eql_has_a_case() -> None:
    assert set(EQL) - called("eql") == set()


def test_every_function_of_esql_has_a_case() -> None:
    assert (set(ESQL) | AGGREGATES) - called("esql") - ALIASES == set()


@pytest.mark.parametrize("refused", [REFUSED, REFUSED_AGGREGATES])
def test_no_function_is_both_run_and_refused(refused: dict[str, str]) -> None:
    assert not refused.keys() & (ESQL.keys() | AGGREGATES)
