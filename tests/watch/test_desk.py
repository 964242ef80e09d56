"""People list, move and except alerts; what they may not do is refused with its reason."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from livefire.watch.faults import WatchError
from livefire.watch.state import AlertFilter, State
from livefire.watch.state import tables as t

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def opened(tmp_path: Path) -> State:
    return State.open(f"sqlite:///{tmp_path / 'deep' / 'state.sqlite'}")


def plant(state: State, number: int, **said: Any) -> str:
    """Put an alert into the state as a watch would, and return its fingerprint."""
    mark = f"{number:064x}"
    values = {
        "rule": "shared", "title": "A snapshot is shared", "severity": "high", "rank": 3, "risk": 60, "status": "new", "verdict": "", "reason": "",
        "actor": "user/ann", "account": "111111111111", "incident": None, "first": NOW, "last": NOW, "opened": NOW + number * HOUR, "changed": NOW,
        "seen": 1, "suppressed": "", "withdrawn": False, "language": "kql", "events": 1, "evidence": ["aws_cloudtrail/1"], "row": {"n": number},
    }  # fmt: skip
    with state.database.writing() as connection:
        connection.execute(t.alerts.insert().values(fingerprint=mark, **{**values, **said}))
    return mark


def marks(state: State, **said: Any) -> list[int]:
    return [int(a.fingerprint, 16) for a in state.desk.alerts(AlertFilter(**said)).items]


def test_the_migrations_make_the_tables_that_the_code_reads(tmp_path: Path) -> None:
    with opened(tmp_path).database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), t.metadata) == []


def test_only_the_owner_may_read_a_state(tmp_path: Path) -> None:
    plant(opened(tmp_path), 1)
    for path in (tmp_path / "deep").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700


def test_alerts_are_listed_newest_first_by_what_is_asked(tmp_path: Path) -> None:
    state = opened(tmp_path)
    plant(state, 1)
    plant(state, 2, severity="low", rank=1, actor="user/bob")
    plant(state, 3, suppressed="exception 1")
    plant(state, 4, withdrawn=True)
    plant(state, 5, status="closed", verdict="benign", title="50% of_all")
    assert marks(state) == [5, 3, 2, 1]
    assert marks(state, severity="medium") == [5, 3, 1]
    assert marks(state, actor="user/bob") == [2]
    assert marks(state, suppressed=False) == [5, 2, 1]
    assert marks(state, withdrawn=None) == [5, 4, 3, 2, 1]
    assert marks(state, status=("new",), since=NOW + 2 * HOUR, until=NOW + 3 * HOUR) == [2]
    assert marks(state, text="0% OF_") == [5]
    assert marks(state, text="%") == [5], "a wildcard of SQL is a plain character here"
    page = state.desk.alerts(AlertFilter(limit=1, offset=1))
    assert (page.total, [int(a.fingerprint, 16) for a in page.items]) == (4, [3])


def test_an_alert_goes_from_new_to_closed_with_a_reason(tmp_path: Path) -> None:
    state = opened(tmp_path)
    mark = plant(state, 0xABCDE)
    desk = state.desk
    assert desk.move(mark, "triaged", who="ann", reason="looking", now=NOW).status == "triaged"
    with pytest.raises(WatchError, match=r"E706: closing needs a reason and a verdict"):
        desk.move(mark, "closed", who="ann", now=NOW)
    with pytest.raises(WatchError, match="E706: it is triaged already"):
        desk.move(mark, "triaged", who="bob", now=NOW)
    closed = desk.move(mark, "closed", who="ann", verdict="false_positive", reason="the nightly copy", now=NOW + HOUR)
    assert (closed.status, closed.verdict, closed.reason, closed.changed) == ("closed", "false_positive", "the nightly copy", NOW + HOUR)
    with pytest.raises(WatchError, match="E706: what is closed cannot become new"):
        desk.move(mark, "new", who="ann", now=NOW)
    assert [(m.before, m.after, m.who) for m in desk.alert(mark).history] == [("new", "triaged", "ann"), ("triaged", "closed", "ann")]
    assert desk.feedback()[0] == {"rule": "shared", "alerts": 1, "open": 0, "true_positive": 0, "false_positive": 1, "benign": 0}


def test_a_beginning_of_a_fingerprint_names_an_alert_if_it_is_the_only_one(tmp_path: Path) -> None:
    state = opened(tmp_path)
    plant(state, 0x1, actor="user/ann")
    plant(state, 0x2)
    with pytest.raises(WatchError, match="E705: several alerts begin with 0000"):
        state.desk.alert("0000")
    with pytest.raises(WatchError, match="E705: no alert begins with ffff"):
        state.desk.alert("ffff")
    with pytest.raises(WatchError, match=r"E705: .* is no fingerprint"):
        state.desk.alert("%")


def test_an_incident_takes_its_open_alerts_along(tmp_path: Path) -> None:
    state = opened(tmp_path)
    with state.database.writing() as connection:
        values = {"key": "k", "actor": "user/ann", "account": "1", "title": "T", "severity": "high", "rank": 3, "risk": 60, "status": "new", "verdict": ""}
        times = {"first": NOW, "last": NOW, "opened": NOW, "changed": NOW}
        connection.execute(t.incidents.insert().values(id=7, **values, reason="", raised=True, alerts=2, **times))
    one, other = plant(state, 0x10001, incident=7), plant(state, 0x20002, incident=7, status="closed", verdict="benign", reason="known")
    moved = state.desk.move_incident(7, "closed", who="ann", verdict="true_positive", reason="contained", now=NOW)
    assert moved.status == "closed"
    assert (state.desk.alert(one).alert.verdict, state.desk.alert(other).alert.verdict) == ("true_positive", "benign")
    assert state.desk.incidents().total == 1
    assert state.desk.incidents(("new",)).total == 0
    with pytest.raises(WatchError, match="E705"):
        state.desk.incident(8)


def test_an_exception_needs_a_scope_an_owner_and_an_end(tmp_path: Path) -> None:
    desk = opened(tmp_path).desk
    with pytest.raises(WatchError, match="E712: an exception needs a scope"):
        desk.except_("shared", owner="ann", reason="tests", expires=NOW + HOUR, now=NOW)
    with pytest.raises(WatchError, match=r"E712: .* an owner and a reason"):
        desk.except_("shared", owner=" ", reason="tests", expires=NOW + HOUR, now=NOW, actor="x")
    with pytest.raises(WatchError, match="E712: the exception would have ended"):
        desk.except_("shared", owner="ann", reason="tests", expires=NOW, now=NOW, actor="x")
    made = desk.except_("shared", owner="ann", reason="tests", expires=NOW + HOUR, now=NOW, actor="role/load")
    assert desk.exceptions() == (made,)
    desk.end_exception(made.id)
    assert desk.exceptions() == ()
    assert [e.ended for e in desk.exceptions(ended=True)] == [True]
    with pytest.raises(WatchError, match="E712"):
        desk.announce("work", start=NOW, end=NOW)
    assert desk.announce("work", start=NOW, end=NOW + HOUR, ticket="C-1").ticket == "C-1"


def test_what_a_log_said_comes_back_or_is_made_storable(tmp_path: Path) -> None:
    state = opened(tmp_path)
    mark = plant(state, 0xFFFF, actor="nul\x00 and \ud800 half", row={"k\x00": "\x1b[31m\x00\ud800"})
    found = state.desk.alert(mark).alert
    assert found.actor == "nul\ufffd and ? half"
    assert found.row == {"k\x00": "\x1b[31m\x00\ud800"}


def test_a_state_of_a_newer_livefire_is_left_alone(tmp_path: Path) -> None:
    state = opened(tmp_path)
    with state.database.writing() as connection:
        connection.execute(sa.table("alembic_version", sa.column("version_num")).update().values(version_num="9999"))
    with pytest.raises(WatchError, match="E704: a newer livefire made this state"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("url", "words"), [("nonsense", "E703"), ("mysql://h/x", "not in mysql"), ("sqlite://", "needs a file"), ("sqlite:////proc/x/y", "E703")]
)
def test_a_state_that_cannot_be_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(WatchError, match=words):
        State.open(url)


def test_health_of_a_state_that_no_watch_ran_on(tmp_path: Path) -> None:
    state = opened(tmp_path)
    plant(state, 1)
    health = state.health(NOW)
    assert (health.state, health.alerts, health.problems) == ("never", {"new": 1, "triaged": 0, "closed": 0}, ("no watch ran on this state yet",))
    with state.ledger.writing() as connection:
        state.ledger.beat(connection, NOW, pid=42, state="running", started=NOW)
        state.ledger.source(connection, "inbox", "folder", "failing", "permission denied")
        state.ledger.record_gap(connection, "shared", NOW - HOUR, NOW, "ran out of time", NOW)
    assert state.health(NOW + timedelta(seconds=30)).state == "running"
    later = state.health(NOW + HOUR)
    assert later.state == "stalled"
    assert later.problems == (
        "the watch (process 42) gave no sign of life since 2026-06-01 12:00:00 UTC",
        "source inbox is failing: permission denied",
        "rule shared did not look at 2026-06-01 11:00 to 2026-06-01 12:00 UTC: ran out of time",
    )
