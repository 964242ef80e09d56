"""What the checks say of the five published pages: the faults that their critique lists, each at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from livefire import Workspace
from livefire.proof.published import read_pages

PAGES = Path(__file__).resolve().parents[3] / "shared" / "sources"
pytestmark = pytest.mark.skipif(not PAGES.is_dir(), reason="the published pages are not here")

# Page → code → the beginning of the text it points at.
CQL = {
    "N108": "#event_simpleName",  # an event type that no product writes
    "E230": "where",  # a step that CQL does not have
    "E231": "in (",  # an operator that CQL does not have
    "E232": "=>",  # the arrow of match inside case
    "W653": "/(?i)",  # a pattern that thousands of operations meet
    "W662": "/(?i)(backup",  # names that an attacker can take
    "W640": "sort(RiskScore)",  # High, Low, Medium
    "N645": "timestamp",  # Falcon's own time
}
EXPECTED = {
    "T1578.002-logscale": CQL,
    "T1578.004-logscale": CQL,
    "T1578.002-sentinel": {"E102": "AwsRegion", "W623": 'ActivityStatusValue =~ "Succeeded"', "N671": "EventName", "N661": "isempty", "N646": "isfuzzy"},
    "T1578.002-attack": {"E101": "index=", "W151": "Status", "W153": "by", "W641": "Resource LIKE", "W642": "InitiatorName!="},
    "T1578-elastic": {"W660": "event.action"},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_faults_of_a_page(name: str) -> None:
    page = next(p for p in read_pages(PAGES) if p.name == name)
    ws = Workspace()
    # Read as a person would, too, so that what the product rejects does not hide the rest.
    said = [*ws.check(page.rule.text, page.rule.language), *ws.check(page.rule.text, page.rule.language, lenient=True)]
    places = {(d.code, page.rule.text[d.span.start : d.span.end]) for d in said}
    missing = {code: text for code, text in EXPECTED[name].items() if not any(c == code and p.startswith(text) for c, p in places)}
    assert missing == {}
