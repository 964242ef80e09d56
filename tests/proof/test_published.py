"""The published pages: their queries, taken from the page byte for byte, put to the proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from livefire.proof.matrix import Matrix
from livefire.proof.published import read_pages
from livefire.workspace import Workspace

PAGES = Path(__file__).resolve().parents[3] / "shared" / "sources"
pytestmark = pytest.mark.skipif(not PAGES.is_dir(), reason="the published pages are not beside the project")


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return Workspace().prove(published=PAGES, detections=(), near=True)


def test_five_pages_hold_a_query() -> None:
    assert {p.name: p.rule.language for p in read_pages(PAGES)} == {
        "T1578-elastic": "eql",
        "T1578.002-attack": "spl",
        "T1578.002-logscale": "cql",
        "T1578.002-sentinel": "kql",
        "T1578.004-logscale": "cql",
    }


def test_each_query_stands_on_its_page_as_it_was_taken() -> None:
    for page in read_pages(PAGES):
        assert page.rule.text in (PAGES / f"{page.name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("page", "written", "meant"),
    [
        # As written Sentinel rejects AwsRegion and LogScale the `where`, `=>` and infix `in`; read as meant, the KQL
        # lacks the word Success and all of Google Cloud, and the CQL's last filter drops what it scored Low.
        ("T1578.002-sentinel", 0, 2),
        ("T1578.002-logscale", 0, 1),
        ("T1578.004-logscale", 0, 1),
        # Elastic accepts the EQL; it reads Azure only, and two of its three tests are AWS.
        ("T1578-elastic", 1, 1),
    ],
)
def test_how_many_of_its_own_tests_a_page_fires_on(matrix: Matrix, page: str, written: int, meant: int) -> None:
    for mode, expected in (("written", written), ("meant", meant)):
        own = [c for c in matrix.of(f"{page} as {mode}") if c.covered]
        assert sum(c.verdict == "fires" for c in own) == expected


def test_as_written_one_of_the_eleven_tests_is_found(matrix: Matrix) -> None:
    names = {s.name for s in matrix.subjects if s.note == "published" and s.name.endswith("as written")}
    found = {c.case for c in matrix.cells if c.subject in names and c.covered and c.verdict == "fires"}
    assert len(found) == 1


def test_every_miss_has_a_reason(matrix: Matrix) -> None:
    for cell in matrix.cells:
        if cell.kind == "attack" and cell.covered and cell.verdict != "fires":
            assert cell.reason, cell


def test_the_spl_of_the_reference_page_can_pass_no_row(matrix: Matrix) -> None:
    for mode in ("written", "meant"):
        assert {c.rows for c in matrix.of(f"T1578.002-attack as {mode}")} == {0}
