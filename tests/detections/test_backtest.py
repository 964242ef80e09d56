"""Rules over history: findings by day, days without one, and what two versions of a rule find."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from livefire.detections.backtest import backtest, compare, days_between, moments_between
from livefire.detections.detection import Rule
from livefire.report.backtest import bars
from livefire.workspace import Workspace


def record(number: int, day: int, name: str, user: str) -> dict[str, object]:
    return {
        "eventVersion": "1.08",
        "eventTime": f"2026-03-{day:02d}T12:00:00Z",
        "eventID": f"e-{number}",
        "eventName": name,
        "eventSource": "ec2.amazonaws.com",
        "awsRegion": "us-east-1",
        "userIdentity": {"type": "IAMUser", "userName": user, "arn": f"arn:aws:iam::111122223333:user/{user}"},
        "recipientAccountId": "111122223333",
        "eventType": "AwsApiCall",
    }


def lake(folder: Path) -> Workspace:
    """Return a lake with three snapshots on the 1st and one on the 4th, and a copy on the 4th."""
    records = [record(1, 1, "CreateSnapshot", "ann"), record(2, 1, "CreateSnapshot", "ann"), record(3, 1, "CreateSnapshot", "bob")]
    records += [record(4, 4, "CreateSnapshot", "ann"), record(5, 4, "CopySnapshot", "eve")]
    (folder / "logs.json").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    ws = Workspace()
    ws.ingest(folder / "logs.json")
    return ws


def rule(text: str) -> Rule:
    return Rule("snapshots", "kql", f"AWSCloudTrail | where {text}")


def test_findings_by_day(tmp_path: Path) -> None:
    ws = lake(tmp_path)
    last = ws.clock()
    days = days_between(ws.info().first or last, last)
    assert days == [date(2026, 3, d) for d in (1, 2, 3, 4)]
    (found,) = backtest([rule('EventName == "CreateSnapshot"')], ws.bench(last), days)
    assert list(found.days.values()) == [3, 0, 0, 1]
    # The days in order are 0, 0, 1, 3: the two in the middle are 0 and 1.
    assert (found.usual, found.most, found.undated) == (0.5, 3, 0)
    assert [count for _, count in found.actors] == [3, 1]
    # A third of eight steps is nearest to the third.
    assert bars(found) == "█  ▃"


def test_the_range_bounds_what_is_found(tmp_path: Path) -> None:
    ws = lake(tmp_path)
    start, end = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
    (found,) = backtest([rule('EventName == "CreateSnapshot"')], ws.bench(end, start=start, end=end), days_between(start, end))
    assert found.days == {date(2026, 3, 2): 0, date(2026, 3, 3): 0, date(2026, 3, 4): 1}


def test_two_versions(tmp_path: Path) -> None:
    ws = lake(tmp_path)
    old, new = rule('EventName == "CreateSnapshot"'), rule('EventName in ("CreateSnapshot", "CopySnapshot") and TimeGenerated > datetime(2026-03-02)')
    before, after = backtest([old, new], ws.bench(), [])
    change = compare(before, after)
    assert (change.both, len(change.lost), [f.actor.rpartition("/")[2] for f in change.gained]) == (1, 3, ["eve"])


def test_a_rule_that_cannot_run_says_so(tmp_path: Path) -> None:
    (found,) = backtest([rule("NoSuchColumn == 1")], lake(tmp_path).bench(), [])
    assert found.refused.startswith("E102")
    assert found.found == ()


@pytest.mark.slow
def test_a_rule_that_looks_back_is_run_again_and_again(tmp_path: Path) -> None:
    ws = lake(tmp_path)
    hourly = rule('EventName == "CreateSnapshot" and TimeGenerated > ago(1h)')
    first, last = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
    (alone,) = backtest([hourly], ws.bench(last), [])
    assert "--every" in alone.refused
    # Run every half hour, each event is seen by two runs and is one finding; run every two hours, the hour before
    # 12:00 and the one after are looked at by turns, and events at 12:00 lie in none of (11:00, 12:00), (13:00, 14:00).
    (often,) = backtest([hourly], ws.bench(last), [], None, moments_between(first, last, timedelta(minutes=30)))
    assert list(often.days.values()) == [3, 1]
    (seldom,) = backtest([hourly], ws.bench(last), [], None, moments_between(first, last, timedelta(hours=2)))
    assert seldom.found == ()
