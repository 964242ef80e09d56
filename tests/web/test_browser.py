"""The pages in a real browser: what people come for, end to end, with a console that has nothing to say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from livefire.emulation.catalogue import find
from livefire.emulation.delivery import write
from livefire.proving import STORY_START
from tests.cli.logs import record
from tests.web.browser import NEEDS, NEEDS_SCRIPTS, Seen, browsing, serving, sign_in
from tests.web.site import with_alerts

pytestmark = [pytest.mark.slow, NEEDS, NEEDS_SCRIPTS]  # a server, a browser and a proof take minutes together
# Pages of our own with faults like those that pages have: a column in another case; an arrow of another language; a step that is none.
KQL = "AWSCloudTrail\n| where EventName == 'CreateSnapshot'\n| extend Scope = AwsRegion\n| project TimeGenerated, Scope"
CQL = """Vendor.eventName = CreateSnapshot
| case {
    Vendor.eventName = /Snapshot/ => Risk := "High";
    * => Risk := "Low";
  }
| where Risk in ("High")
| groupBy([Vendor.eventName, Risk])"""
VERDICT = "\nhigh severity low confidence\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """A lake with a chain in it (a copy mounted in an instance), two alerts, and a folder of published pages."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "T1578.002-mine.txt").write_text(f"Detect\nkql\n{KQL}{VERDICT}", encoding="utf-8")
    (folder / "T1578.002-other.txt").write_text(f"Detect\ncql\n{CQL}{VERDICT}", encoding="utf-8")
    ws = with_alerts(tmp_path_factory.mktemp("lake"), [record(1), record(2)])
    logs = tmp_path_factory.mktemp("logs")
    write(find("T1578.002/aws-snapshot-to-instance"), logs, STORY_START, 0)
    ws.ingest(logs)
    with serving(ws, published=folder) as served:
        yield served


@pytest.fixture
def opened(place: tuple[str, Any]) -> Iterator[tuple[Any, str, Seen]]:
    address, desk = place
    with browsing() as (page, seen):
        sign_in(page, address, desk)
        yield page, address, seen
        assert (seen.complaints, seen.elsewhere, seen.dialogs) == ([], [], [])


def test_find_a_technique_and_read_why_the_published_query_fails(opened: tuple[Any, str, Seen]) -> None:
    page, _, _ = opened
    page.get_by_role("link", name="T1578.002 Create Cloud Instance").first.click()
    page.get_by_role("link", name="T1578.002-mine").click()
    assert "the product would not run it" in page.inner_text(".head")
    assert re.search(r"E102 no column is named 'AwsRegion'.*did you mean 'AWSRegion'", page.inner_text(".said-error"))


def test_triage_an_alert_and_see_what_an_exception_would_hide(opened: tuple[Any, str, Seen]) -> None:
    page, address, _ = opened
    page.goto(f"{address}/alerts")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/alerts/[0-9a-f]{64}"))
    page.click("button:has-text('Take it on')")
    assert "triaged" in page.inner_text(".head")
    page.fill("input[name=resource]", "")
    page.fill(".fieldset input[name=reason]", "moves house")
    page.click("button:has-text('Show its effect')")
    assert "would have held back 2" in page.inner_text(".effect")
    page.click("button:has-text('Make the exception')")
    assert "moves house" in page.inner_text("main")
