"""The bundled detections, proved: each fires on what it covers, is silent on every look-alike, and finds the same in every language."""

from __future__ import annotations

import pytest

from livefire.detections.detection import Detection
from livefire.detections.pack import load_packs
from livefire.emulation.catalogue import emulations
from livefire.proof.matrix import Matrix, disagreements
from livefire.proving import cases, subjects
from livefire.workspace import Workspace

PAGE_TESTS = 11
DETECTIONS = load_packs()
ATTACKS = {m.id for m in emulations() if m.kind.value == "attack"}


def wrong(matrix: Matrix) -> list[tuple[str, str, str, str]]:
    """Return the cells that are not as they should be: attacks missed, look-alikes that are not, rows that rest on noise, runs that end in a refusal."""
    cells = [c for c in matrix.cells if c.covered or c.kind == "look_alike" or c.strays or c.verdict == "refused"]
    return [(c.subject, c.case, c.verdict, c.reason) for c in cells if not c.right]


@pytest.mark.parametrize("number", range(len(DETECTIONS)), ids=[d.card.id for d in DETECTIONS])
def test_a_detection_fires_and_is_silent_where_it_should(number: int) -> None:
    # One language each here, another for the next detection; the slow test below runs all.
    detection = DETECTIONS[number]
    language = detection.languages[number % len(detection.languages)]
    matrix = Workspace().prove(detections=[detection], language=language, near=True)
    assert any(c.covered for c in matrix.cells)
    assert wrong(matrix) == []


def test_a_detection_is_asked_for_by_its_own_id() -> None:
    chosen = subjects(DETECTIONS, ["t1578.004/root-disk-swapped"], None, "kql")
    assert [s.name for s in chosen] == ["T1578.004/root-disk-swapped kql"]
    # What it covers, and what resembles that; the technique's other attacks are left out.
    told = {c.id for c in cases(["T1578.004/root-disk-swapped"], chosen) if c.kind == "attack"}
    assert told == {"T1578.004/aws-volume-from-snapshot", "T1578.004/azure-disk-from-snapshot", "T1578.004/gcp-boot-disk-swap"}


def test_every_attack_is_covered_by_some_detection() -> None:
    assert {c for d in DETECTIONS for c in d.card.covers} == ATTACKS


def test_every_published_test_is_covered() -> None:
    tests = {m.id for m in emulations() if m.page_tests}
    assert len(tests) == PAGE_TESTS
    assert tests <= {c for d in DETECTIONS for c in d.card.covers}


@pytest.mark.parametrize("detection", DETECTIONS, ids=lambda d: d.card.id)
def test_a_language_without_a_rule_says_why(detection: Detection) -> None:
    absent = {"kql", "cql", "eql", "esql", "spl", "sigma"} - set(detection.languages)
    assert absent <= {d.language for d in detection.card.differs if len(d.reason) > 20}


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return Workspace().prove()


@pytest.mark.slow
def test_every_rule_fires_on_what_it_covers_and_is_silent_on_every_look_alike(matrix: Matrix) -> None:
    assert wrong(matrix) == []


@pytest.mark.slow
def test_all_languages_of_a_detection_find_the_same(matrix: Matrix) -> None:
    assert disagreements(matrix) == ()


@pytest.mark.slow
@pytest.mark.parametrize("detection", DETECTIONS, ids=lambda d: d.card.id)
def test_nothing_changes_where_azure_and_google_write_the_same_in_other_letters_and_words(detection: Detection) -> None:
    # Small letters in operation names and resource ids, Succeeded for Success, beta for v1: the same acts, found alike.
    retold = Workspace().prove(detections=[detection], near=True, retold=True)
    elsewhere = {m.id for m in emulations() if m.cloud.value != "aws"}
    assert {c.case for c in retold.cells if c.covered} == elsewhere & set(detection.card.covers)
    assert wrong(retold) == []
    assert disagreements(retold) == ()
