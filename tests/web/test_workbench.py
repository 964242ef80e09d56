"""The workbench without script: a form that runs a query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def test_a_form_shows_every_table_of_a_query(browser: TestClient) -> None:
    """Five events of one name in one region: facet counts them twice."""
    page = run(browser, text="AWSCloudTrail | facet by EventName, AWSRegion", language="kql")
    assert page.count("<table") == 2
    assert "EventName: 1 row," in page
    assert "AWSRegion: 1 row," in page


def asked(browser: TestClient, path: str, **more: object) -> dict[str, Any]:
    text = "AWSCloudTrail | fork copied=(where EventName == 'CreateSnapshot' | project AwsEventId | top 2 by AwsEventId asc) (summarize N = count())"
    answer = browser.post(f"/api/v1/{path}", json={"text": text, "language": "kql", **more}, headers={"origin": ORIGIN})
    return {"status": answer.status_code, **(answer.json() if isinstance(answer.json(), dict) else {"events": answer.json()})}


def test_each_table_of_a_query_has_its_rows_its_events_and_its_stages(browser: TestClient) -> None:
    """The first table of two holds two events, the second the number of all five."""
    found = asked(browser, "query")
    assert (found["name"], len(found["rows"])) == ("copied", 2)
    assert [(s["name"], s["columns"], s["rows"]) for s in found["others"]] == [("", ["N"], [["5"]])]
    assert len(asked(browser, "behind", row=found["rows"][0])["events"]) == 1
    assert len(asked(browser, "behind", row=["5"], table=1)["events"]) == 5
    assert "aggregate" not in asked(browser, "stage", stage="plan")["text"]
    assert "aggregate" in asked(browser, "stage", stage="plan", table=1)["text"]
    assert asked(browser, "stage", stage="plan", table=7)["code"] == "E301"


def test_a_query_of_more_tables_than_a_page_shows_is_refused(browser: TestClient) -> None:
    text = "AWSCloudTrail | fork " + " ".join(["(count)"] * 33)
    answer = browser.post("/api/v1/query", json={"text": text, "language": "kql"}, headers={"origin": ORIGIN})
    assert (answer.status_code, answer.json()["code"]) == (422, "E301")
    assert "33 tables" in answer.json()["message"]


def test_a_query_of_several_tables_is_judged_as_it_runs(browser: TestClient) -> None:
    """What the page runs it does not call an error; a fault in a later table is found, a fault before all of them once."""

    def said(text: str) -> list[str]:
        answer = browser.post("/api/v1/check", json={"text": text, "language": "kql"}, headers={"origin": ORIGIN})
        return [d["code"] for d in answer.json()["diagnostics"] if d["severity"] == "error"]

    assert said("AWSCloudTrail | facet by EventName, AWSRegion") == []
    assert said("AWSCloudTrail | fork (count) (where AwsRegion == '')") == ["E102"]
    assert said("AWSCloudTrail | where AwsRegion == '' | fork (count) (count)") == ["E102"]
