"""The same events give the same alerts, whatever the order, however late, however often, however often the watch is started anew."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.watch.staging import BURST, SHARED, START, STOPPED, Stage, event

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ACTIVE = """
id: active
name: A user at work in the night
kind: Scheduled
severity: Low
queryFrequency: 1h
queryPeriod: 3h
query: |
  AWSCloudTrail
  | where TimeGenerated > ago(2h) and EventName == "RunInstances"
  | summarize Machines = dcount(tostring(parse_json(RequestParameters))), Last = max(TimeGenerated) by UserIdentityUserName
  | where Machines >= 2
"""
RULES = {
    "stopped.kql": STOPPED.replace('"StopInstances"', '"StopInstances" and UserIdentityUserName startswith "bad"'),
    # Each look overlaps half of the one before: windows side by side could cut a burst in two, and then no one finds it, here or in Sentinel.
    "burst.yaml": BURST.replace("queryPeriod: 1h", "queryPeriod: 2h").replace("10m", "1h"),
    "shared.eql": SHARED,
    "active.yaml": ACTIVE,
    "savedsearches.conf": '[deletions]\nsearch = index=* eventName=DeleteSnapshot | stats count by userIdentity.userName | where count >= 2\n'
    "cron_schedule = 30 * * * *\ndispatch.earliest_time = -2h\ndispatch.latest_time = now\n",
}  # fmt: skip
Delivery = tuple[datetime, list[dict[str, Any]]]
Way = Callable[[Sequence[tuple[timedelta, dict[str, Any]]]], list[Delivery]]


def month(days: int, seed: int = 3) -> list[tuple[timedelta, dict[str, Any]]]:
    """A month of ordinary events with attacks in it, by their time."""
    chance = random.Random(seed)  # noqa: S311 - a month that is the same each time
    numbers = iter(range(1, 1_000_000))
    found = []

    def add(at: timedelta, name: str, user: str) -> None:
        found.append((at, event(next(numbers), at, name, user)))

    for day in range(days):
        for _ in range(40):
            add(
                day * DAY + chance.random() * DAY,
                chance.choice(["DescribeInstances", "StopInstances", "CreateSnapshot", "RunInstances"]),
                f"user{chance.randrange(30)}",
            )
        if day % 3 == 0:
            at = day * DAY + chance.random() * 20 * HOUR
            for n in range(4):
                add(at + n * 7 * MINUTE, "CreateSnapshot", f"bad{day}")
            add(at + 40 * MINUTE, "ModifySnapshotAttribute", f"bad{day}")
            add(at + 50 * MINUTE, "StopInstances", f"bad{day}")
            for n in range(2):
                add(at + 60 * MINUTE + n * 20 * MINUTE, "RunInstances", f"bad{day}")
                add(at + 70 * MINUTE + n * MINUTE, "DeleteSnapshot", f"bad{day}")
    return sorted(found, key=lambda f: (f[0], f[1]["eventID"]))


def by_hours(events: Sequence[tuple[timedelta, dict[str, Any]]], hours: int) -> list[Delivery]:
    """Files of so many hours each, delivered five minutes after their end."""
    files: dict[int, list[dict[str, Any]]] = {}
    for at, one in events:
        files.setdefault(at // (hours * HOUR), []).append(one)
    return [(START + (number + 1) * hours * HOUR + 5 * MINUTE, found) for number, found in sorted(files.items())]


def in_order(events: Sequence[tuple[timedelta, dict[str, Any]]]) -> list[Delivery]:
    return by_hours(events, 12)


def shuffled(events: Sequence[tuple[timedelta, dict[str, Any]]]) -> list[Delivery]:
    """Each event up to fifteen minutes off its place, and each file in any order."""
    chance = random.Random(5)  # noqa: S311 - the same each time
    files = by_hours([(max(at + chance.uniform(-15, 15) * MINUTE, timedelta(0)), one) for at, one in events], 12)
    return [(at, chance.sample(found, len(found))) for at, found in files]


def thrice(events: Sequence[tuple[timedelta, dict[str, Any]]]) -> list[Delivery]:
    """Each file three times, each time with other bytes, the last a day later."""
    files = by_hours(events, 12)
    return sorted(
        [*files, *((at + HOUR, found[::-1]) for at, found in files), *((at + DAY, [*found[1:], found[0]]) for at, found in files)], key=lambda f: f[0]
    )


def straggling(events: Sequence[tuple[timedelta, dict[str, Any]]]) -> list[Delivery]:
    """One event in five comes six hours late."""
    late = [(at, one) for n, (at, one) in enumerate(events) if n % 5 == 0]
    rest = [(at, one) for n, (at, one) in enumerate(events) if n % 5]
    return sorted([*by_hours(rest, 12), *((at + 6 * HOUR, found) for at, found in by_hours(late, 12))], key=lambda f: f[0])


def marks(root: Path, deliveries: Sequence[Delivery], rules: Mapping[str, str], restarts: int = 0) -> set[tuple[str, str, int]]:
    """Deliver files at their moments and return the fingerprints of the alerts that stand, with their rules and events."""
    stage = Stage(root, rules=rules)
    stage.text = stage.text.replace('every = "10m"', 'every = "1h"\nlookback = "2h"')
    watch = stage.watch()
    starts = {len(deliveries) * n // (restarts + 1) for n in range(1, restarts + 1)}
    for number, (at, found) in enumerate(deliveries):
        if number in starts:
            watch.state.close()
            watch = stage.watch()
        stage.deliver(f"{number}.json", found)
        stage.clock.now = max(stage.clock.now, at)
        stage.settle(watch)
    stage.clock.pass_(DAY)
    stage.settle(watch)
    health = stage.state().health(stage.clock.now)
    assert (health.gaps, health.waiting, [r.reason for r in health.rules if r.state != "active"]) == ((), 0, [])
    return {(a.fingerprint, a.rule, a.events) for a in stage.alerts()}


def compare(tmp_path: Path, days: int, rules: Mapping[str, str], ways: Mapping[str, Way], restarts: int) -> None:
    events = month(days)
    expected = marks(tmp_path / "once", in_order(events), rules)
    attacks = len(range(0, days, 3))
    found = [rule for _, rule, _ in expected]
    # Each attack is one stop and one share; what is counted by hour falls on one day or on two, and ordinary users may do it too.
    assert found.count("stopped") == attacks
    assert {rule for rule in found if found.count(rule) >= attacks} == {Path(name).stem.replace("savedsearches", "deletions") for name in rules}
    for name, way in ways.items():
        got = marks(tmp_path / name, way(events), rules)
        assert {(mark, rule) for mark, rule, _ in got} == {(mark, rule) for mark, rule, _ in expected}, name
        if way is straggling:  # what a run saw before a late event came stays evidence of its alert: there may be more of it, never less
            least = {mark: n for mark, _, n in expected}
            assert all(n >= least[mark] for mark, _, n in got), name
        else:
            assert got == expected, name
    if restarts:
        assert marks(tmp_path / "restarted", in_order(events), rules, restarts) == expected, "restarted"


def test_a_day_with_stragglers_comes_to_the_same_alerts(tmp_path: Path) -> None:
    compare(tmp_path, 1, {name: RULES[name] for name in ("stopped.kql", "burst.yaml")}, {"straggling": straggling}, 0)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_month_in_any_order(tmp_path: Path) -> None:
    ways = {"shuffled": shuffled, "thrice": thrice, "straggling": straggling}
    compare(tmp_path, int(os.environ.get("LIVEFIRE_DAYS", "30")), RULES, ways, 20)
