"""Alerts, incidents, exceptions and health over the JSON interface: what programs see is what people see."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from livefire.web.access import Proxy
from livefire.web.desk import Desk
from livefire.web.serving import Place, make_app
from tests.cli.logs import record
from tests.web.site import ORIGIN, PORT, client, of, signed_in, with_alerts

ANA = {"type": "IAMUser", "principalId": "AIDA2", "arn": "arn:aws:iam::111122223333:user/ana", "accountId": "111122223333", "userName": "ana"}


@pytest.fixture
def made(tmp_path: Path) -> Desk:
    """Three alerts, a minute apart: two of `mo`, the last of `ana`."""
    return of(with_alerts(tmp_path, [record(1), record(2), record(3, userIdentity=ANA)]))


@pytest.fixture
def browser(made: Desk) -> TestClient:
    return signed_in(made)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """The same, for tests that only look."""
    return signed_in(of(with_alerts(tmp_path_factory.mktemp("lake"), [record(1), record(2), record(3, userIdentity=ANA)])))


def ask(browser: TestClient, path: str, **body: Any) -> Any:
    answer = browser.post(f"/api/v1{path}", json=body, headers={"origin": ORIGIN})
    return answer.json() | {"status": answer.status_code}


def listed(browser: TestClient, **wanted: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser.get("/api/v1/alerts", params=wanted).json()["items"]
    return found


def test_alerts_are_listed_by_filter_and_order(reader: TestClient) -> None:
    """The records are a minute apart, so the last of them comes first by time."""
    times = [a["last"] for a in listed(reader)]
    assert times == sorted(times, reverse=True)
    assert len(times) == 3
    assert [a["actor"] for a in listed(reader, text="ana")] == [ANA["arn"]]
    assert listed(reader, severity="critical") == []
    assert len(listed(reader, limit="1", offset="2")) == 1
    assert listed(reader, status="closed triaged") == []
    for wrong in ({"status": "lost"}, {"severity": "dire"}, {"limit": "-1"}, {"limit": "9" * 40}, {"order": "colour"}, {"colour": "red"}):
        assert reader.get("/api/v1/alerts", params=wrong).status_code == 400


def test_an_alert_and_its_incident(reader: TestClient) -> None:
    first = listed(reader)[0]
    found = reader.get(f"/api/v1/alerts/{first['fingerprint']}").json()
    assert found["events"][0]["event"]["eventName"] == "CreateSnapshot"
    assert found["acts"][0]["actor"] == ANA["arn"]
    incident = reader.get(f"/api/v1/incidents/{found['incident']}").json()
    assert [a["fingerprint"] for a in incident["members"]] == [first["fingerprint"]]
    assert reader.get("/api/v1/incidents").json()["total"] == 2
    for absent in ("/alerts/" + "f" * 64, "/alerts/zz", "/incidents/99", "/incidents/x", "/incidents/" + "9" * 30, "/incidents/٣"):
        assert reader.get(f"/api/v1{absent}").status_code == 404


def test_what_else_an_identity_did_stands_around_its_alert(reader: TestClient) -> None:
    """`mo` made two snapshots a minute apart, each an alert; `ana` made one."""
    first, second = listed(reader, text="mo")
    for one in (first, second):
        found = reader.get(f"/api/v1/alerts/{one['fingerprint']}/around").json()
        assert [a["action"] for a in found["acts"]] == ["CreateSnapshot", "CreateSnapshot"]
        assert sum(a["own"] for a in found["acts"]) == 1
        assert found["cut"] is False
    ana = listed(reader, text="ana")[0]["fingerprint"]
    assert [a["actor"] for a in reader.get(f"/api/v1/alerts/{ana}/around").json()["acts"]] == [ANA["arn"]]
    assert 'class="own"' in reader.get(f"/alerts/{ana}/around").text


def test_a_risk_is_the_sum_of_what_it_is_made_of(reader: TestClient) -> None:
    """The card of snapshot-created says 20; what weighs on it is added, within 0 to 100."""
    mark = listed(reader)[0]["fingerprint"]
    found = reader.get(f"/api/v1/alerts/{mark}/risk").json()
    assert found["own"] == 20
    assert found["weighed"] == min(100, max(0, 20 + sum(r["add"] for r in found["reasons"])))
    part = reader.get(f"/alerts/{mark}/risk", headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert all(r["when"] in html.unescape(part) for r in found["reasons"])


def test_alerts_are_moved(browser: TestClient, made: Desk) -> None:
    marks = [a["fingerprint"] for a in listed(browser, text="mo")]
    assert ask(browser, "/alerts/move", alerts=marks, to="closed", verdict="benign", reason="a drill") == {"moved": 2, "status": 200}
    assert len(listed(browser, status="closed")) == 2
    assert made.audit.latest()[0]["reason"] == "a drill"
    assert ask(browser, "/alerts/move", alerts=marks, to="closed", verdict="benign", reason=" ")["code"] == "E706"
    assert ask(browser, "/alerts/move", alerts=marks, to="lost")["status"] == 400
    number = listed(browser, text="ana")[0]["incident"]
    assert ask(browser, f"/incidents/{number}/move", to="triaged")["moved"] == 1
    assert [a["status"] for a in listed(browser, text="ana")] == ["triaged"]


def test_an_exception_has_an_effect_a_number_and_an_end(browser: TestClient) -> None:
    scope = {"rule": "T1578.001/*", "actor": "user/mo", "expires": "2099-01-01"}
    effect = ask(browser, "/exceptions/effect", **scope)
    assert (effect["looked"], len(effect["held"])) == (3, 2)
    assert browser.get("/api/v1/exceptions").json() == []
    assert ask(browser, "/exceptions", **scope)["code"] == "E712"  # no reason
    made = ask(browser, "/exceptions", **scope, reason="moves house")
    assert [e["id"] for e in browser.get("/api/v1/exceptions").json()] == [made["id"]]
    assert ask(browser, f"/exceptions/{made['id']}/end")["ended"] == made["id"]
    assert browser.get("/api/v1/exceptions").json() == []
    assert ask(browser, f"/exceptions/{made['id'] + 1}/end")["status"] == 404


@pytest.mark.parametrize(("to", "begins"), [("markdown", "#"), ("html", "<!doctype html>"), ("ocsf", "{"), ("stix", "{")])
def test_a_case_is_a_file(reader: TestClient, to: str, begins: str) -> None:
    found = reader.get(f"/api/v1/alerts/{listed(reader)[0]['fingerprint']}/case", params={"to": to}).json()
    assert found["text"].startswith(begins)
    assert "/" not in found["name"]
    if to == "stix":
        assert json.loads(found["text"])["type"] == "bundle"


def test_health_tells_of_lake_watch_and_work(reader: TestClient) -> None:
    found = reader.get("/api/v1/health").json()
    assert {s["name"]: s["events"] for s in found["sources"]} == {"aws_cloudtrail": 3, "azure_activity": 0, "gcp_audit": 0}
    assert found["watch"]["state"] == "never"
    assert found["jobs"] == []
    assert reader.get("/api/v1/audit").json()[-1]["action"] == "signed in"


def test_a_viewer_looks_and_changes_nothing(tmp_path: Path) -> None:
    """Every endpoint that changes something answers 403 to a viewer, before it looks at what is asked."""
    from livefire.web.case_interface import ENDPOINTS as OF_CASES
    from livefire.web.interface import ENDPOINTS

    place = Place(port=PORT, proxy=Proxy("X-User", frozenset({"testclient"}), frozenset()))
    made = of(with_alerts(tmp_path, [record(1)]), place)
    browser = client(make_app(made, place))
    viewer = {"x-user": "mo", "origin": ORIGIN}
    assert browser.get("/api/v1/alerts", headers=viewer).status_code == 200
    changing = [e for e in (*ENDPOINTS, *OF_CASES) if e.role == "editor"]
    assert len(changing) >= 10
    for one in changing:
        path = "/api/v1" + one.path.replace("{number}", "1").replace("{name}", "x")
        answer = browser.request(one.method, path, headers=viewer, **({"json": {}} if one.method == "POST" else {}))
        assert (answer.status_code, answer.json()["code"]) == (403, "E756"), one.path


def test_answers_are_of_the_types_that_the_document_names(tmp_path: Path) -> None:
    """An answer of another shape is given all the same, and the audit log says so: here none is."""
    made = of(with_alerts(tmp_path, [record(1), record(3, userIdentity=ANA)]))
    browser = signed_in(made)
    mark = listed(browser)[0]["fingerprint"]
    paths = [
        "/coverage",
        "/sources",
        "/histogram",
        "/alerts",
        f"/alerts/{mark}",
        f"/alerts/{mark}/around",
        f"/alerts/{mark}/risk",
        "/incidents",
        "/incidents/1",
    ]
    for path in [*paths, "/exceptions", "/hunt", "/health", "/jobs", "/audit", "/words/kql", "/detections/T1578.002/instance-created", "/techniques/T1578"]:
        assert browser.get(f"/api/v1{path}").status_code == 200, path
    assert [e for e in made.audit.latest() if e["action"] == "fault"] == []


def test_an_answer_of_another_shape_is_given_and_noted(made: Desk, browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made.workspace, "held_sources", lambda: [{"name": 7}])
    assert browser.get("/api/v1/sources").json() == [{"name": 7}]
    assert "another shape" in made.audit.latest()[0]["fault"]
