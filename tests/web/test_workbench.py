"""The workbench without script: a form that runs a query."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.web.site import ORIGIN, desk, lake, signed_in


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return signed_in(desk(lake(tmp_path_factory.mktemp("lake"))))


def run(browser: TestClient, **form: str) -> str:
    return str(browser.post("/workbench", data=form, headers={"origin": ORIGIN}).text)


def test_a_form_runs_a_query(browser: TestClient) -> None:
    page = run(browser, text="AWSCloudTrail\r\n| project EventName, UserAgent", language="kql")
    assert page.count("<td>CreateSnapshot</td>") == 5
    assert "5 rows" in page


def test_a_refusal_is_shown(browser: TestClient) -> None:
    page = run(browser, text="AWSCloudTrail | where AwsRegion == ''", language="kql")
    assert "E102" in page
    assert "AWSRegion" in page


def test_a_time_that_is_none_is_said(browser: TestClient) -> None:
    assert "no ISO 8601 time" in run(browser, text="AWSCloudTrail", language="kql", start="soon")


def test_a_rule_of_the_catalogue_is_opened(browser: TestClient) -> None:
    page = browser.get("/workbench", params={"rule": "T1578.002/instance-created/splunk.spl"}).text
    assert '<option value="spl" selected>' in page
    assert browser.get("/workbench", params={"rule": "T1578.002/instance-created/detection.toml"}).status_code == 404


def test_a_published_page_is_opened(tmp_path: Path) -> None:
    """A page of our own: the query stands between the word of its language and the verdict line."""
    (tmp_path / "T1578.002-mine.txt").write_text("Detect\nkql\nAWSCloudTrail\n| where AwsRegion == 'x'\nhigh severity low confidence\n", encoding="utf-8")
    browser = signed_in(desk(published=tmp_path))
    page = browser.get("/published/T1578.002-mine").text
    assert "E102" in page
    assert "AWSRegion" in page
    assert "where AWSRegion" in browser.get("/workbench", params={"page": "T1578.002-mine", "mended": "1"}).text
    assert "where AwsRegion" in browser.get("/workbench", params={"page": "T1578.002-mine"}).text
