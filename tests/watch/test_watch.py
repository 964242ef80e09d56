"""From a file in a folder to an alert in the state and in a sink."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livefire.detections.runner import run_prepared
from livefire.watch.faults import WatchError
from tests.watch.staging import BURST, START, STOPPED, Stage, event

MINUTE = timedelta(minutes=1)


def snapshots(count: int, first: int = 1, user: str = "mallory", start: timedelta = MINUTE) -> list[dict[str, object]]:
    return [event(first + n, start + n * MINUTE, "CreateSnapshot", user) for n in range(count)]


def test_a_file_dropped_into_a_folder_becomes_alerts(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    watch = stage.watch()
    share = event(50, 5 * MINUTE, "ModifySnapshotAttribute", "mallory")
    stage.deliver("a.json", [event(99, MINUTE), event(40, 2 * MINUTE, "StopInstances", "bob"), *snapshots(3), share])
    stage.settle(watch)
    assert [a.rule for a in stage.alerts()] == ["stopped"], "the scheduled rules wait for their moment, ten past"
    stage.clock.now = START + 11 * MINUTE
    stage.settle(watch)
    found = stage.alerts()
    assert [(a.rule, a.actor.rpartition("/")[2], a.events, a.severity) for a in found] == [
        ("burst", "mallory", 3, "high"),
        # Three snapshots before one share: Elastic's sequences keep the latest first step, so one match of two events.
        ("shared", "mallory", 2, "medium"),
        ("stopped", "bob", 1, "medium"),
    ]
    # Several rows of the same kind are sent once each, and the severe one made an incident of mallory's.
    assert sorted(m["kind"] for m in stage.sent()) == ["alert.opened"] * 3 + ["incident.opened"]
    keys = [m["key"] for m in stage.sent()]
    assert len(set(keys)) == len(keys)
    health = stage.state().health(stage.clock.now)
    assert (health.problems, health.waiting, health.sources[0].stored) == ((), 0, 6)


def test_the_same_events_again_alert_no_one(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    watch = stage.watch()
    events = [event(40, 2 * MINUTE, "StopInstances", "bob"), *snapshots(3)]
    stage.deliver("a.json", events)
    stage.clock.now = START + 11 * MINUTE
    stage.settle(watch)
    sent = len(stage.sent())
    assert sent == 3
    stage.deliver("b.json", events[::-1])  # other bytes, the same events
    stage.settle(watch)
    again = stage.watch()  # and a restart
    stage.deliver("c.json", [*events, event(98, MINUTE)])
    stage.settle(again)
    assert (len(stage.sent()), len(stage.alerts())) == (sent, 2)


def test_late_events_run_the_windows_they_fall_into_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    watch = stage.watch()
    stage.deliver("a.json", snapshots(2))
    stage.clock.now = START + 90 * MINUTE
    stage.settle(watch)
    assert stage.alerts() == ()
    stage.deliver("late.json", snapshots(1, first=9, start=3 * MINUTE))
    stage.settle(watch)
    assert [(a.rule, a.events) for a in stage.alerts()] == [("burst", 3)]
    with stage.state().ledger.reading() as connection:
        runs = stage.state().ledger.last_runs(connection, "burst", 200)
    assert {r.why for r in runs if r.findings} == {"late"}
    # An event at 10:03 lies in the windows of the hour that end at 10:10, 10:20 ... 11:00.
    assert sorted({f"{r.moment:%H:%M}" for r in runs if r.findings}) == ["10:10", "10:20", "10:30", "10:40", "10:50", "11:00"]


def test_an_alert_that_late_events_disprove_is_withdrawn_and_said_so(tmp_path: Path) -> None:
    few = BURST.replace("Count > 2", "Count < 2")
    stage = Stage(tmp_path, rules={"few.yaml": few})
    watch = stage.watch()
    stage.deliver("a.json", snapshots(1))
    stage.clock.now = START + 11 * MINUTE
    stage.settle(watch)
    assert [a.rule for a in stage.alerts()] == ["burst"]
    stage.deliver("late.json", snapshots(1, first=9, start=MINUTE))
    stage.settle(watch)
    assert stage.alerts() == ()
    (gone,) = stage.alerts(withdrawn=True)
    assert (gone.withdrawn, [m["kind"] for m in stage.sent() if m.get("fingerprint") == gone.fingerprint]) == (True, ["alert.opened", "alert.withdrawn"])
    assert stage.state().desk.alert(gone.fingerprint).history[-1].after == "withdrawn"


def test_runs_missed_while_nothing_ran_are_made_up_in_order(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.deliver("a.json", [event(1, MINUTE)])
    stage.clock.now = START + 5 * MINUTE
    stage.settle(stage.watch())
    # The watch is down from 10:05 to 14:00; what happened meanwhile comes in one file.
    stage.deliver("b.json", [*snapshots(3, start=150 * MINUTE), event(60, 200 * MINUTE)])
    stage.clock.now = START + 240 * MINUTE
    stage.settle(stage.watch())
    assert [(a.rule, a.events) for a in stage.alerts()] == [("burst", 3)]
    with stage.state().ledger.reading() as connection:
        runs = list(stage.state().ledger.last_runs(connection, "burst", 200))[::-1]
    moments = [r.moment for r in runs]
    # Every ten minutes from 10:10 to 14:00: the first event's windows end at 11:00, the later ones' begin at 12:40.
    assert moments == sorted(moments)
    assert {r.why for r in runs if r.moment <= START + 230 * MINUTE} == {"made up"}
    assert stage.state().health(stage.clock.now).gaps == ()


def test_events_beyond_the_horizon_are_a_gap_that_is_shown(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"burst.yaml": BURST})
    stage.text = stage.text.replace('every = "10m"', 'every = "10m"\nhorizon = "2h"')
    watch = stage.watch()
    stage.clock.now = START + 600 * MINUTE
    stage.deliver("a.json", [event(1, 595 * MINUTE)])
    stage.settle(watch)
    stage.clock.now = START + 660 * MINUTE
    stage.settle(watch)
    stage.deliver("late.json", snapshots(3))
    stage.settle(watch)
    (problem,) = stage.state().health(stage.clock.now).problems
    assert problem == "rule burst did not look at 2026-05-04 09:10 to 2026-05-04 11:00 UTC: its events came later than the horizon of 2h"


def test_events_dated_ahead_do_not_move_a_schedule(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"burst.yaml": BURST})
    watch = stage.watch()
    stage.deliver("future.json", [event(1, timedelta(days=300))])
    stage.clock.now = START + 11 * MINUTE
    stage.settle(watch)
    stage.deliver("a.json", snapshots(3))
    stage.settle(watch)
    assert [a.rule for a in stage.alerts()] == ["burst"]
    assert "dated more than a day ahead" in stage.state().health(stage.clock.now).problems[0]


def test_a_rule_that_fails_waits_longer_each_time_and_is_disabled_in_the_open(tmp_path: Path) -> None:
    # RE2 has no repetition of so many: the pattern is found out when the rule runs, each time.
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED, "slow.kql": "AWSCloudTrail | where EventName matches regex '(a{1000}){1000}'"})
    stage.text = stage.text.replace('every = "10m"', 'every = "10m"\nbackoff = "30s"\ndisable_after = 3')
    watch = stage.watch()
    stage.deliver("a.json", [event(40, MINUTE, "StopInstances", "bob")])
    stage.settle(watch)
    assert [a.rule for a in stage.alerts()] == ["stopped"], "the other rule was not held up"
    slow = next(r for r in stage.state().health(stage.clock.now).rules if r.rule == "slow")
    assert (slow.state, slow.failures) == ("failing", 1)
    for wait in (timedelta(seconds=40), timedelta(seconds=70)):
        stage.clock.pass_(wait)
        stage.settle(watch)
    health = stage.state().health(stage.clock.now)
    slow = next(r for r in health.rules if r.rule == "slow")
    assert (slow.state, slow.failures) == ("disabled", 3)
    assert health.problems[0].startswith("rule slow is disabled: E205")
    assert [m["rule"] for m in stage.sent() if m["kind"] == "rule.disabled"] == ["slow"]
    # Mended, it is shown everything that it missed.
    (tmp_path / "rules" / "slow.kql").write_text(STOPPED.replace("Stop", "Describe") + ' or EventName == "StopInstances"', encoding="utf-8")
    stage.settle(stage.watch())
    assert [a.rule for a in stage.alerts()] == ["slow", "stopped"]


def test_a_fault_of_our_own_with_one_rule_stalls_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, rules={"burst.yaml": BURST, "other.yaml": BURST.replace("id: burst", "id: other")})
    real = run_prepared

    def broken(prepared: Any, bench: Any) -> Any:
        if prepared.rule.path.name == "burst.yaml":
            raise ZeroDivisionError("of the test")
        return real(prepared, bench)

    monkeypatch.setattr("livefire.watch.runs.run_prepared", broken)
    watch = stage.watch()
    stage.deliver("a.json", [event(n, n * MINUTE, "CreateSnapshot") for n in range(1, 4)])
    stage.clock.now = START + 11 * MINUTE
    stage.settle(watch)
    assert [a.rule for a in stage.alerts()] == ["other"]
    states = {r.rule: (r.state, r.reason) for r in stage.state().health(stage.clock.now).rules}
    assert states["burst"] == ("failing", "E009 a fault of livefire itself, ZeroDivisionError: of the test")


def test_an_exception_keeps_and_counts_and_does_not_send(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    watch = stage.watch()
    desk = stage.state().desk
    made = desk.except_("stop*", owner="ops", reason="the nightly stop", expires=START + timedelta(days=1), now=START, actor="user/night")
    desk.announce("move", start=START + 60 * MINUTE, end=START + 120 * MINUTE, account="111122223333")
    stops = [event(1, MINUTE, "StopInstances", "night"), event(2, MINUTE, "StopInstances", "day"), event(3, 70 * MINUTE, "StopInstances", "day")]
    stage.deliver("a.json", stops)
    stage.settle(watch)
    assert sorted(a.suppressed for a in stage.alerts()) == ["", "announced work 1: move", f"exception {made.id}: the nightly stop"]
    assert len(stage.sent()) == 1
    assert (desk.exceptions()[0].hits, desk.windows()[0].hits) == (1, 1)


def test_suppression_makes_one_alert_of_an_actor_and_stretch(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    stage.text += '[[alerts.suppress]]\nrule = "stopped"\nwithin = "1h"\n'
    watch = stage.watch()
    stage.deliver("a.json", [event(n, n * 10 * MINUTE, "StopInstances", "bob") for n in range(1, 8)])
    stage.settle(watch)
    # 10:10 to 10:50 are five in the hour from 10:00, 11:00 and 11:10 two in the next.
    assert sorted(a.events for a in stage.alerts()) == [2, 5]


def test_more_findings_than_one_run_may_alert_on_are_counted_in_one_more(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    stage.text = stage.text.replace('every = "10m"', 'every = "10m"\nmost = 3')
    watch = stage.watch()
    stage.deliver("a.json", [event(n, MINUTE, "StopInstances", f"u{n}") for n in range(1, 11)])
    stage.settle(watch)
    (more,) = [a for a in stage.alerts() if not a.evidence]
    assert (len(stage.alerts()), more.row["findings"], more.title) == (4, 10, "stopped: 10 findings in one run, of which 3 are alerts")


def test_what_cannot_be_run_is_refused_with_its_reason_and_the_rest_runs(tmp_path: Path) -> None:
    stage = Stage(
        tmp_path, rules={"bad.kql": "AWSCloudTrail | where NoSuch == 1", "torn.yaml": "a: [", "stopped.kql": STOPPED, "odd.yaml": BURST.replace("10m", "soon")}
    )
    watch = stage.watch()
    refused = {w.name: w.refused[:4] for w in watch.rules if w.refused}
    assert refused == {"bad": "E102", "torn": "torn", "burst": "E713"}
    stage.deliver("a.json", [event(1, MINUTE, "StopInstances")])
    stage.settle(watch)
    assert [a.rule for a in stage.alerts()] == ["stopped"]
    assert len([p for p in stage.state().health(stage.clock.now).problems if "is refused" in p]) == 3


def test_only_one_watch_runs_over_a_lake(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    one, other = stage.watch(), stage.watch()
    with one.alone(), pytest.raises(WatchError, match="E707: another watch runs"), other.alone():
        pass


def test_a_torn_line_of_the_file_sink_is_ended_before_the_next(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    (tmp_path / "alerts.jsonl").write_text('{"torn":', encoding="utf-8")
    watch = stage.watch()
    stage.deliver("a.json", [event(1, MINUTE, "StopInstances")])
    stage.settle(watch)
    lines = (tmp_path / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    assert (lines[0], json.loads(lines[1])["rule"]) == ('{"torn":', "stopped")
