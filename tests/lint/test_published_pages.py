"""What `check` says of the five published pages: every fault that people found in them, at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from livefire.proof.published import read_pages
from tests.published_faults import FAULTS, page_text, places, said_of

PAGES = Path(__file__).resolve().parents[3] / "shared" / "sources"
DOCS = Path(__file__).resolve().parents[2] / "docs" / "published-queries.md"
pytestmark = pytest.mark.skipif(not PAGES.is_dir(), reason="the published pages are not here")


def test_every_fault_of_every_page_is_told() -> None:
    pages = read_pages(PAGES)
    said = said_of(pages)
    untold = [(page.name, f.what, code) for page in pages for f in FAULTS if page.name in f.pages for code, at in places(f, page, said[page.name]) if not at]
    assert untold == []


def test_a_place_is_where_the_fault_stands() -> None:
    # Read off the pages: the misspelt column, the placeholder, and the step that is of another language.
    pages = {p.name: p for p in read_pages(PAGES)}
    expected = {("T1578.002-sentinel", "E102"): "AwsRegion", ("T1578.002-attack", "W642"): "InitiatorName!=", ("T1578.002-logscale", "E230"): "where"}
    said = said_of(tuple(pages.values()))
    for (name, code), text in expected.items():
        starts = {pages[name].rule.text[d.span.start :][: len(text)] for d in said[name] if d.code == code}
        assert starts == {text}


def test_the_page_is_current() -> None:
    # What others' readers say of the mended texts stands behind it, and needs them.
    table, _, _ = DOCS.read_text(encoding="utf-8").partition("\n## The mended texts")
    assert table == page_text(PAGES)
