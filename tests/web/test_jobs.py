"""Long work ends when it is asked to: the run it is at, the runs it would begin, and what it would have kept."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from livefire import Stop, StoppedError, Workspace
from livefire.detections.detection import Rule
from livefire.web.access import Proxy
from livefire.web.desk import Desk
from livefire.web.jobs import MOST_RUNNING, BusyError, Job, Jobs
from livefire.web.serving import Place, make_app
from tests.web.site import ORIGIN, PORT, client, desk, lake, of, signed_in

# A product of 10^10 rows: minutes, if nobody ends it.
ENDLESS = "range a from 1 to 100000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 100000 step 1 | extend k = 1) on k | summarize sum(a * b)"
PATIENCE = 30.0


def until(true: Any) -> None:
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.02)


def telling(begun: threading.Event) -> Any:
    """Return work without an end that tells what it does."""

    def work(job: Job) -> None:
        while True:
            job.tell("counting")
            begun.set()
            time.sleep(0.01)

    return work


def post(browser: TestClient, path: str, **body: Any) -> Any:
    answer = browser.post(f"/api/v1{path}", json=body, headers={"origin": ORIGIN})
    return answer.json() | {"status": answer.status_code}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk(lake(tmp_path_factory.mktemp("lake")))


def test_a_job_that_is_stopped_makes_room_for_another() -> None:
    jobs, begun = Jobs(), threading.Event()
    running = [jobs.begin(f"job {n}", telling(begun)) for n in range(MOST_RUNNING)]
    with pytest.raises(BusyError):
        jobs.begin("one too many", lambda _job: None)
    assert begun.wait(PATIENCE)
    assert running[0].ask_to_stop() is True
    until(lambda: running[0].state == "stopped")
    assert running[0].wait(-1, 0)["fault"].startswith("E761 ")
    assert running[0].ask_to_stop() is False  # it has ended
    after = jobs.begin("the next", lambda _job: 7)
    until(lambda: after.state == "done")
    assert after.result == 7
    for one in running[1:]:
        one.ask_to_stop()


def test_who_asks_again_while_a_job_stops_gets_a_new_one() -> None:
    jobs, held = Jobs(), threading.Event()
    first = jobs.begin("first", lambda _job: held.wait(PATIENCE), key="hunt")
    assert jobs.begin("second", lambda _job: None, key="hunt") is first
    first.ask_to_stop()
    assert jobs.begin("second", lambda _job: None, key="hunt") is not first
    held.set()


def test_every_later_run_of_what_was_stopped_is_refused_and_no_other(made: Desk) -> None:
    """A rule that met the stop is no refused rule: then a hunt would say that it found nothing."""
    stop, ws = Stop(), made.workspace
    mine, rule = ws.stoppable(stop), Rule("all", "kql", "AWSCloudTrail")
    assert len(mine.run(rule).rows) == 5
    stop.ask()
    for work in (lambda: mine.run(rule), lambda: mine.stored_events(["aws_cloudtrail/1"]), lambda: mine.by_day(rule.text, "kql")):
        with pytest.raises(StoppedError):
            work()
    assert len(ws.run(rule).rows) == 5


@pytest.mark.slow
def test_a_backtest_is_stopped_while_its_query_runs(made: Desk) -> None:
    """The query would take minutes. Its process is ended, so the next query is answered at once."""
    browser = signed_in(made)
    assert post(browser, "/query", text="AWSCloudTrail | count", language="kql")["rows"] == [["5"]]  # the worker is warm
    name = post(browser, "/backtest", text=ENDLESS, language="kql")["job"]
    time.sleep(0.5)
    assert browser.get(f"/api/v1/jobs/{name}").json()["state"] == "running"
    began = time.monotonic()
    assert post(browser, f"/jobs/{name}/stop") == {"stopped": True, "status": 200}
    until(lambda: browser.get(f"/api/v1/jobs/{name}").json()["state"] != "running")
    ended = browser.get(f"/api/v1/jobs/{name}").json()
    assert (ended["state"], ended["result"]) == ("stopped", None)
    assert post(browser, "/query", text="AWSCloudTrail | count", language="kql")["rows"] == [["5"]]
    assert time.monotonic() - began < 10  # on a machine that does much else; 0.3 s where it is quiet
    assert post(browser, f"/jobs/{name}/stop")["stopped"] is False


def test_a_job_that_waits_its_turn_is_stopped_without_it(made: Desk) -> None:
    browser, ws, first = signed_in(made), made.workspace, Stop()
    ws.query("AWSCloudTrail | count", now=ws.clock())

    def endless() -> None:
        with pytest.raises(StoppedError):
            ws.stoppable(first).query(ENDLESS)

    held = threading.Thread(target=endless)
    held.start()
    time.sleep(0.4)
    name = post(browser, "/backtest", text="AWSCloudTrail", language="kql")["job"]
    time.sleep(0.2)
    post(browser, f"/jobs/{name}/stop")
    until(lambda: browser.get(f"/api/v1/jobs/{name}").json()["state"] == "stopped")
    assert held.is_alive()
    first.ask()
    held.join(PATIENCE)
    assert not held.is_alive()


@pytest.mark.slow
def test_a_hunt_and_a_proof_that_are_stopped_leave_nothing(tmp_path: Path) -> None:
    made = of(Workspace(lake(tmp_path)))
    browser = signed_in(made)
    for path, body in (("/hunt", {}), ("/prove", {"detection": "T1578.002/instance-created"})):
        name = post(browser, path, **body)["job"]
        post(browser, f"/jobs/{name}/stop")
        until(lambda name=name: browser.get(f"/api/v1/jobs/{name}").json()["state"] == "stopped")
    assert browser.get("/api/v1/hunt").json()["ever"] is False
    assert made.workspace.proof_record() == {}


def test_a_job_has_a_button_that_works_without_script(made: Desk) -> None:
    browser, begun = signed_in(made), threading.Event()
    job = made.jobs.begin("Long work", telling(begun), "owner")
    begun.wait(PATIENCE)
    assert f'action="/jobs/{job.id}/stop"' in browser.get(f"/jobs/{job.id}?back=/hunt").text
    assert f'action="/jobs/{job.id}/stop"' in browser.get("/health").text
    answer = browser.post(f"/jobs/{job.id}/stop", data={"back": "/hunt"}, headers={"origin": ORIGIN})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/jobs/{job.id}?back=%2Fhunt")
    until(lambda: job.state == "stopped")
    page = browser.get(answer.headers["location"]).text
    assert "before its end" in page
    assert 'href="/hunt"' in page
    assert "/stop" not in page
    assert made.audit.latest()[0]["action"] == "stop"


def test_a_viewer_stops_only_what_is_theirs(made: Desk) -> None:
    place = Place(port=PORT, proxy=Proxy("X-User", frozenset({"testclient"}), frozenset()))
    own = of(made.workspace, place)
    browser, begun = client(make_app(own, place)), threading.Event()
    theirs, mine = own.jobs.begin("theirs", telling(begun), "ana"), own.jobs.begin("mine", telling(begun), "mo")
    viewer = {"x-user": "mo", "origin": ORIGIN}
    answer = browser.post(f"/api/v1/jobs/{theirs.id}/stop", json={}, headers=viewer)
    assert (answer.status_code, answer.json()["code"]) == (403, "E756")
    assert browser.post(f"/jobs/{theirs.id}/stop", headers=viewer).status_code == 403
    assert "/stop" not in browser.get(f"/jobs/{theirs.id}", headers=viewer).text
    assert browser.post(f"/api/v1/jobs/{mine.id}/stop", json={}, headers=viewer).json() == {"stopped": True}
    assert browser.post("/api/v1/jobs/none/stop", json={}, headers=viewer).status_code == 404
    assert theirs.state == "running"
    theirs.ask_to_stop()
