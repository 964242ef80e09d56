"""Hunts that go on: together they tell what one hunt over everything tells, each finding once, and look at no more than they must."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from livefire.detections.detection import Card, Detection, Risk, Rule
from livefire.detections.onward import Onward, read_passed
from livefire.diagnostics import QueryError
from livefire.workspace import Workspace

NOW = datetime(2026, 5, 5, tzinfo=UTC)
SINGLE = 'AWSCloudTrail | where EventName == "RunInstances" | project TimeGenerated, UserIdentityUserName'
SEVERAL = 'AWSCloudTrail | where EventName == "StopInstances" | summarize n = count() by UserIdentityUserName | where n >= 2'
RECENT = 'AWSCloudTrail | where TimeGenerated > ago(1d) and EventName == "RunInstances" | project TimeGenerated, UserIdentityUserName'


def event(number: int, name: str, user: str) -> dict[str, Any]:
    moment = datetime(2026, 5, 4, 10, tzinfo=UTC) + timedelta(seconds=number)
    return {
        "eventVersion": "1.11",
        "eventTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "eventID": f"e-{number}",
        "eventName": name,
        "eventSource": "ec2.amazonaws.com",
        "awsRegion": "eu-west-3",
        "userIdentity": {"type": "IAMUser", "userName": user},
    }


class Site:
    """A lake that log files come into, and rules that are hunted over it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._files = folder, 0
        self.ws = Workspace(folder / "lake")

    def add(self, *events: dict[str, Any]) -> None:
        self._files += 1
        path = self._folder / f"{self._files}.json"
        path.write_text("\n".join(map(json.dumps, events)))
        self.ws.ingest(path, now=NOW)

    def hunt(self, *texts: str, keep: bool = True) -> Onward:
        onward = self.ws.hunt_on([detection(f"r{at}", text) for at, text in enumerate(texts)], now=NOW)
        if keep:
            self.ws.told(onward)
        return onward


def detection(name: str, text: str) -> Detection:
    card = Card(name, name, "", "", "low", "low", Risk(1), (), (), ())
    return Detection(card, (Rule(name, "kql", text),), Path())


def users(onward: Onward) -> list[tuple[str, str]]:
    return [(f.detection, str(f.row["UserIdentityUserName"])) for f in onward.hunt.findings]


def how(onward: Onward) -> tuple[int, int, int]:
    return onward.over_all, onward.over_new, onward.spared


@pytest.fixture
def site(tmp_path: Path) -> Site:
    found = Site(tmp_path)
    found.add(event(1, "RunInstances", "ann"), event(2, "StopInstances", "ben"))
    return found


def test_each_finding_is_told_once(site: Site) -> None:
    assert users(site.hunt(SINGLE, SEVERAL)) == [("r0", "ann")]
    assert users(site.hunt(SINGLE, SEVERAL)) == []
    site.add(event(3, "RunInstances", "eve"))
    assert users(site.hunt(SINGLE, SEVERAL)) == [("r0", "eve")]


def test_a_rule_over_several_events_sees_the_old_ones_beside_the_new(site: Site) -> None:
    site.hunt(SINGLE, SEVERAL)
    site.add(event(3, "StopInstances", "ben"))  # the second of two, the first of which an earlier hunt saw
    onward = site.hunt(SINGLE, SEVERAL)
    assert users(onward) == [("r1", "ben")]
    assert how(onward) == (1, 1, 0)


def test_what_no_new_event_matters_to_is_not_run(site: Site) -> None:
    site.hunt(SINGLE, SEVERAL)
    site.add(event(3, "RunInstances", "eve"))
    assert how(site.hunt(SINGLE, SEVERAL)) == (0, 1, 1)


def test_a_rule_that_moves_with_the_clock_is_run_over_everything(site: Site) -> None:
    assert users(site.hunt(RECENT)) == [("r0", "ann")]
    onward = site.hunt(RECENT)
    assert (users(onward), how(onward)) == ([], (1, 0, 0))


def test_a_rule_that_reads_otherwise_now_is_new(site: Site) -> None:
    site.hunt(SINGLE)
    onward = site.hunt(SINGLE.replace("RunInstances", "StopInstances"))
    assert (users(onward), how(onward)) == ([("r0", "ben")], (1, 0, 0))


def test_what_was_not_kept_is_told_again(site: Site) -> None:
    site.hunt(SINGLE, keep=False)
    assert users(site.hunt(SINGLE)) == [("r0", "ann")]


def test_after_a_compaction_nothing_is_missed(site: Site) -> None:
    site.hunt(SINGLE)
    site.add(event(3, "RunInstances", "eve"))
    site.add(event(4, "RunInstances", "fay"))
    site.ws.compact()
    site.ws.vacuum(timedelta())
    assert users(site.hunt(SINGLE)) == [("r0", "eve"), ("r0", "fay")]


def test_a_refused_rule_is_not_passed_over_next_time(site: Site) -> None:
    onward = site.hunt("AWSCloudTrail | where EventName ==")
    assert (onward.hunt.findings, len(onward.hunt.refused), dict(onward.passed)) == ((), 1, {})


def test_what_cannot_be_read_is_told(site: Site) -> None:
    site.hunt(SINGLE)
    (kept,) = (site.ws.lake.path / "hunts").iterdir()
    kept.write_bytes(b"torn")
    with pytest.raises(QueryError) as caught:
        read_passed(site.ws.lake)
    assert [d.code for d in caught.value.diagnostics] == ["E522"]
