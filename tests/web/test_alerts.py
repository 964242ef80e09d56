"""Alerts in pages: listed, moved, excepted after a look at the effect, given away as a case."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from livefire.web.desk import Desk
from tests.cli.logs import record
from tests.web.site import ORIGIN, of, signed_in, with_alerts

FORM = {"origin": ORIGIN}


@pytest.fixture
def made(tmp_path: Path) -> Desk:
    """Three alerts: two of `mo`, one of `ana`."""
    ana = {"type": "IAMUser", "principalId": "AIDA2", "arn": "arn:aws:iam::111122223333:user/ana", "accountId": "111122223333", "userName": "ana"}
    return of(with_alerts(tmp_path, [record(1), record(2), record(3, userIdentity=ana)]))


@pytest.fixture
def browser(made: Desk) -> TestClient:
    return signed_in(made)


def marks(browser: TestClient, **chosen: str) -> list[str]:
    return re.findall(r'data-href="/alerts/([0-9a-f]{64})"', browser.get("/alerts", params=chosen).text)


def test_the_queue_is_filtered(browser: TestClient) -> None:
    assert len(marks(browser)) == 3
    assert len(marks(browser, text="ana")) == 1
    assert len(marks(browser, severity="critical")) == 0
    assert len(marks(browser, status="closed")) == 0
    assert '<span class="tally">3</span>' in browser.get("/").text


def test_alerts_are_moved_together_and_say_by_whom(browser: TestClient, made: Desk) -> None:
    first, second, _ = marks(browser)
    form = {"alert": [first, second], "to": "closed", "verdict": "benign", "reason": "the drill of March"}
    assert browser.post("/alerts/move", data=form, headers=FORM).status_code == 303
    assert len(marks(browser)) == 1
    assert set(marks(browser, status="closed")) == {first, second}
    page = browser.get(f"/alerts/{first}").text
    assert "owner: new → closed" in page
    assert "the drill of March" in page
    assert made.audit.latest()[0]["action"] == "move"


def test_closing_needs_a_reason(browser: TestClient) -> None:
    answer = browser.post("/alerts/move", data={"alert": marks(browser)[0], "to": "closed", "verdict": "benign", "reason": " "}, headers=FORM)
    assert (answer.status_code, "E706" in answer.text) == (422, True)
    assert len(marks(browser)) == 3


def test_an_exception_shows_what_it_would_have_held_back_before_it_is_made(browser: TestClient) -> None:
    """Of the three alerts two are of mo: they, and not ana's, would have been held back."""
    mo = next(m for m in marks(browser) if "user/mo" in browser.get(f"/alerts/{m}").text.split("<aside")[1])
    form = {"rule": "T1578.001/*", "actor": "user/mo", "expires": "2099-01-01", "reason": "moves house"}
    page = browser.post(f"/alerts/{mo}/except", data={**form, "preview": "1"}, headers=FORM).text
    assert "Of 3 alerts of this rule it would have held back <strong>2</strong>" in page
    assert "moves house" not in browser.get("/alerts").text
    assert browser.post(f"/alerts/{mo}/except", data={**form, "make": "1"}, headers=FORM).status_code == 303
    page = browser.get("/alerts").text
    assert "moves house" in page
    number = re.search(r'action="/exceptions/(\d+)/end"', page)
    assert number is not None
    browser.post(f"/exceptions/{number[1]}/end", data={"x": ""}, headers=FORM)
    assert "moves house" not in browser.get("/alerts").text


def test_an_exception_for_everything_is_refused(browser: TestClient) -> None:
    answer = browser.post(f"/alerts/{marks(browser)[0]}/except", data={"rule": "*", "expires": "2099-01-01", "preview": "1"}, headers=FORM)
    assert (answer.status_code, "E712" in answer.text) == (422, True)


def test_an_alert_shows_its_event(browser: TestClient) -> None:
    mark = marks(browser)[0]
    page = browser.get(f"/alerts/{mark}").text
    assert "CreateSnapshot" in page
    assert "&#34;volumeId&#34;: &#34;vol-0000000" in page
    assert browser.get(f"/alerts/{mark[:12]}").status_code == 200
    assert browser.get("/alerts/ffffffffffff").status_code == 404


def test_a_case_is_given_as_files(browser: TestClient) -> None:
    mark = marks(browser)[0]
    ocsf = json.loads(browser.get(f"/alerts/{mark}/case", params={"to": "ocsf"}).text.splitlines()[0])
    assert (ocsf["class_uid"] if isinstance(ocsf, dict) else ocsf[0]["class_uid"]) == 2004
    assert json.loads(browser.get(f"/alerts/{mark}/case", params={"to": "stix"}).text)["type"] == "bundle"
    alone = browser.get(f"/alerts/{mark}/case", params={"to": "html"}).text
    assert not re.search(r"<script|<form|<link|href=\"/", alone)
    assert "CreateSnapshot" in alone
    assert browser.get(f"/alerts/{mark}/case", params={"to": "exe"}).status_code == 404


def test_an_incident_holds_its_alerts(browser: TestClient) -> None:
    number = re.search(r'href="/incidents/(\d+)"', browser.get("/alerts").text)
    assert number is not None
    page = browser.get(f"/incidents/{number[1]}").text
    assert "Timeline" in page
    assert browser.get("/incidents/999").status_code == 404
    moved = browser.post(f"/incidents/{number[1]}/move", data={"to": "triaged"}, headers=FORM)
    assert moved.status_code == 303
    assert 'class="state none">triaged' in browser.get(f"/incidents/{number[1]}").text


def test_without_a_watch_the_pages_say_so(tmp_path: Path) -> None:
    from livefire import Workspace

    browser = signed_in(of(Workspace(tmp_path / "none")))
    assert "No watch has run over this lake yet" in browser.get("/alerts").text
    assert "No watch has run over this lake" in browser.get("/health").text
    assert browser.get("/hunt").status_code == 200
