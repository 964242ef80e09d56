"""The bundled detections, proved: each fires on what it covers and is silent on every look-alike."""

from __future__ import annotations

import pytest

from livefire.emulation.catalogue import emulations
from livefire.proof.matrix import Matrix
from livefire.workspace import Workspace

PAGE_TESTS = 11


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return Workspace().prove()


def test_every_published_test_is_covered_and_found(matrix: Matrix) -> None:
    attacks = {m.id for m in emulations() if m.page_tests}
    assert len(attacks) == PAGE_TESTS
    found = {c.case for c in matrix.cells if c.case in attacks and c.covered and c.verdict == "fires"}
    assert found == attacks


def test_each_rule_fires_on_what_it_covers(matrix: Matrix) -> None:
    wrong = [(c.subject, c.case, c.verdict, c.reason) for c in matrix.cells if c.kind == "attack" and c.covered and c.verdict != "fires"]
    assert wrong == []


def test_each_rule_is_silent_on_every_look_alike(matrix: Matrix) -> None:
    wrong = [(c.subject, c.case, c.verdict, c.reason) for c in matrix.cells if c.kind == "look_alike" and c.verdict != "silent"]
    assert wrong == []


def test_no_row_rests_on_noise_alone(matrix: Matrix) -> None:
    assert [(c.subject, c.case, c.strays) for c in matrix.cells if c.kind == "attack" and c.strays] == []


def test_every_attack_is_covered_by_some_rule(matrix: Matrix) -> None:
    covered = {c.case for c in matrix.cells if c.covered}
    assert {m.id for m in emulations() if m.kind.value == "attack"} <= covered
