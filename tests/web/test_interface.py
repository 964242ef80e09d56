"""The JSON interface: what it answers, what it refuses, and that its document says so."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.web.site import ORIGIN, desk, lake, signed_in

COUNT = "AWSCloudTrail | summarize N = count() by EventName"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return signed_in(desk(lake(tmp_path_factory.mktemp("lake"))))


def post(browser: TestClient, path: str, **body: Any) -> Any:
    answer = browser.post(f"/api/v1{path}", json={"language": "kql", **body}, headers={"origin": ORIGIN})
    return answer.json() | {"status": answer.status_code} if isinstance(answer.json(), dict) else answer.json()


def test_a_query_gives_rows_with_what_each_column_holds(browser: TestClient) -> None:
    """The lake holds five events, all CreateSnapshot."""
    found = post(browser, "/query", text=COUNT)
    assert (found["columns"], found["rows"]) == (["EventName", "N"], [["CreateSnapshot", "5"]])
    assert found["statistics"][0] == {"distinct": 1, "empty": 0, "top": [["CreateSnapshot", 1]]}
    assert found["chart"]["bars"] == [{"name": "CreateSnapshot", "value": 5.0}]


def test_a_query_is_cut_to_its_stretch_of_time(browser: TestClient) -> None:
    """The events are a minute apart from 09:00: two of them lie in [09:01, 09:03)."""
    found = post(browser, "/query", text=COUNT, start="2026-03-02T09:01:00", end="2026-03-02T09:03:00Z")
    assert found["rows"] == [["CreateSnapshot", "2"]]


def test_a_refused_query_says_where(browser: TestClient) -> None:
    found = post(browser, "/query", text="AWSCloudTrail | where AwsRegion == 'x'")
    assert (found["status"], found["code"]) == (422, "E102")
    assert found["diagnostics"][0]["start"] == {"line": 1, "column": 23, "offset": 22}


def test_a_check_carries_the_text_with_its_fixes(browser: TestClient) -> None:
    found = post(browser, "/check", text="AWSCloudTrail | where AwsRegion == 'x'")
    assert found["mended"] == "AWSCloudTrail | where AWSRegion == 'x'"


def test_the_events_behind_a_row(browser: TestClient) -> None:
    events = post(browser, "/behind", text=COUNT, row=["CreateSnapshot", "5"])
    assert [e["id"][-1] for e in events] == ["0", "1", "2", "3", "4"]
    assert events[0]["event"]["eventName"] == "CreateSnapshot"
    assert post(browser, "/behind", text=COUNT, row=["CreateSnapshot", "6"]) == []


def test_an_event_by_its_id(browser: TestClient) -> None:
    found = browser.get("/api/v1/events/aws_cloudtrail/11111111-0000-0000-0000-000000000003").json()
    assert found[0]["event"]["requestParameters"] == {"volumeId": "vol-00000003"}
    assert browser.get("/api/v1/events/aws_cloudtrail/none").json() == []


def test_the_histogram_counts_every_event(browser: TestClient) -> None:
    assert sum(bar["count"] for bar in browser.get("/api/v1/histogram").json()["bars"]) == 5


def test_stages_are_text(browser: TestClient) -> None:
    assert post(browser, "/stage", text=COUNT, stage="plan")["text"].startswith("scan aws_cloudtrail")
    assert "SELECT" in post(browser, "/stage", text=COUNT, stage="sql")["text"]
    assert post(browser, "/stage", text=COUNT, stage="bytes")["status"] == 400


def test_a_miss_is_explained(browser: TestClient) -> None:
    found = post(browser, "/miss", text="AWSCloudTrail | where EventName == 'RunInstances'", event="11111111-0000-0000-0000-000000000003")
    assert "EventName == 'RunInstances'" in found["reason"]


@pytest.mark.parametrize(
    "body",
    [
        {"text": 1},
        {"text": "T", "more": 1},
        {},
        {"text": "T", "language": "klingon"},
        {"text": "T", "start": "yesterday"},
        {"text": "T", "seconds": 0},
        {"text": "T" * 300_000},
    ],
    ids=lambda b: str(b)[:40],
)
def test_what_cannot_be_is_said(browser: TestClient, body: dict[str, Any]) -> None:
    assert post(browser, "/query", **body)["status"] == 400


@pytest.mark.parametrize("path", ["/nothing", "/jobs/none", "/words/klingon", "/detections/T0000/none", "/emulations/none"])
def test_what_is_not_there_is_said(browser: TestClient, path: str) -> None:
    answer = browser.get(f"/api/v1{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "E757")


def test_nothing_is_saved_without_a_folder(browser: TestClient) -> None:
    assert "--rules" in post(browser, "/save", text="T", name="mine")["message"]


def test_a_rule_is_saved_once_and_nowhere_else(tmp_path: Path) -> None:
    made = desk()
    made.rules = tmp_path / "rules"
    browser = signed_in(made)
    assert post(browser, "/save", text="T | count", name="mine")["file"] == "mine.kql"
    assert (tmp_path / "rules" / "mine.kql").read_text(encoding="utf-8") == "T | count"
    assert "already" in post(browser, "/save", text="T", name="mine")["message"]
    for name in ("../mine", "a/b", "", ".", "A", "mine.kql", "a\n", "x" * 200):
        assert post(browser, "/save", text="T", name=name)["status"] == 400
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["mine.kql"]


def test_a_run_is_stopped(browser: TestClient) -> None:
    """A product of 10^10 rows takes minutes; half a second after it began it is asked to stop, and the next query runs."""
    slow = "range a from 1 to 100000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 100000 step 1 | extend k = 1) on k | summarize sum(a * b)"
    said: list[Any] = []
    began = time.monotonic()
    thread = threading.Thread(target=lambda: said.append(post(browser, "/query", text=slow, run="r1", seconds=100)))
    thread.start()
    while not post_stop(browser)["stopped"]:
        time.sleep(0.1)
    thread.join(30)
    assert said[0]["code"] == "E761"
    assert time.monotonic() - began < 30
    assert post(browser, "/query", text=COUNT)["rows"] == [["CreateSnapshot", "5"]]


def post_stop(browser: TestClient) -> Any:
    time.sleep(0.5)
    return browser.post("/api/v1/stop", json={"run": "r1"}, headers={"origin": ORIGIN}).json()


def test_the_document_names_every_endpoint(browser: TestClient) -> None:
    from livefire.web.interface import ENDPOINTS

    document = browser.get("/api/v1/openapi.json").json()
    named = {o["operationId"] for methods in document["paths"].values() for o in methods.values()}
    assert {e.name for e in ENDPOINTS} <= named
    assert document["openapi"] == "3.1.0"
    assert document["components"]["schemas"]["Query"]["required"] == ["text", "language"]
