"""What a rule loses at the edges: its attacks at other times, in another order, twice, late; and how far back it must look."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from livefire.detections.detection import Rule
from livefire.detections.runner import Bench, Prepared, prepare, run_prepared, run_rule
from livefire.proof.trial import Trial

SHIFTS = tuple(timedelta(seconds=s) for s in (0, 59, 61, 151, 299, 307, 599, 601, 1799, 3541, 3599, 7207, 53_999))
"""How much later each attack is told again: across the ends of minutes, of 5 and 10 minutes, of hours, and of the day."""

DELAYS = {
    "aws_cloudtrail": (timedelta(minutes=5), timedelta(minutes=15)),
    "azure_activity": (timedelta(minutes=10), timedelta(minutes=20)),
    "gcp_audit": (timedelta(seconds=10), timedelta(minutes=1)),
}
"""How late each cloud's events are there: usually, and at worst.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html,
https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time; Google states no figure.
"""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often a rule runs and how far back it looks."""

    every: timedelta
    lookback: timedelta


@dataclass(frozen=True, slots=True)
class Edge:
    """One kind of edge: how many cases there were, and which the rule lost or found differently."""

    name: str
    cases: int
    lost: tuple[str, ...] = ()
    note: str = ""

    @property
    def kept(self) -> bool:
        """True when nothing was lost."""
        return not self.lost


def found(rule: Rule, trial: Trial, bench: Bench, *, ready: Prepared | None = None, lenient: bool = False) -> bool:
    """Tell whether a rule finds a trial's attack."""
    here = replace(bench, storage=trial.storage, now=trial.now)
    outcome = run_prepared(ready, here) if ready is not None else run_rule(rule, here, lenient=lenient)
    return any(trial.attack is None or trial.attack.intersection(events) for events in outcome.evidence)


def edge(name: str, rule: Rule, trials: Sequence[Trial], bench: Bench, *, lenient: bool = False, note: str = "") -> Edge:
    """Run a rule over variants of attacks that it finds, and return what it lost."""
    ready = prepare(rule, bench, lenient=lenient) if rule.alerting is None else None
    lost = tuple(t.name for t in trials if not found(rule, t, bench, ready=ready, lenient=lenient))
    return Edge(name, len(trials), lost, note)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An attack's events as they become visible: evidence name, the event's time, and when it is there."""

    event: str
    time: datetime
    there: datetime


def arrivals(events: Sequence[tuple[str, datetime]], *, worst: bool) -> list[Arrival]:
    """Return events with the delay of their cloud; in the worst case the last has the longest, and every second one before it."""
    listed = []
    for at, (event, time) in enumerate(sorted(events, key=lambda x: (x[1], x[0]), reverse=True)):
        usual, most = DELAYS.get(event.partition("/")[0], (timedelta(), timedelta()))
        listed.append(Arrival(event, time, time + (most if worst and at % 2 == 0 else usual)))
    return listed


def seen_together(listed: Sequence[Arrival], schedule: Schedule, phase: timedelta) -> bool:
    """Tell whether one run of a scheduled rule has all of the events before it: there in time, and within its look-back."""
    first, last_there = min(a.time for a in listed), max(a.there for a in listed)
    return any(run - schedule.lookback <= first and last_there <= run for run in _runs(first, last_there, schedule, phase))


def _runs(first: datetime, last: datetime, schedule: Schedule, phase: timedelta) -> Iterator[datetime]:
    epoch = datetime(1970, 1, 1, tzinfo=UTC) + phase
    number = math.ceil((last - epoch) / schedule.every)
    run = epoch + number * schedule.every
    while run - schedule.lookback <= first:
        yield run
        run += schedule.every


def needed(listed: Sequence[Arrival], every: timedelta) -> timedelta:
    """Return the shortest look-back with which some run sees all of the events at any phase, in whole minutes."""
    first, last_there = min(a.time for a in listed), max(a.there for a in listed)
    return timedelta(minutes=math.ceil((last_there - first + every) / timedelta(minutes=1)))


def scheduled(events_of: Sequence[tuple[str, Sequence[tuple[str, datetime]]]], schedule: Schedule, phases: int = 12) -> tuple[Edge, timedelta]:
    """Return what a schedule loses of attacks at the clouds' delays, and the look-back that would lose none.

    `events_of` holds for each attack its name and the events of one finding with their times. A case
    is an attack at one of `phases` offsets of the schedule, with usual and with worst delays.
    """
    lost: list[str] = []
    cases, most = 0, timedelta()
    for name, events in events_of:
        for worst in (False, True):
            listed = arrivals(events, worst=worst)
            most = max(most, needed(listed, schedule.every))
            for part in range(phases):
                cases += 1
                phase = schedule.every * part / phases
                if not seen_together(listed, schedule, phase):
                    lost.append(f"{name}, {'worst' if worst else 'usual'} delay, {_minutes(phase)} into the interval")
    shown = f"runs every {_minutes(schedule.every)}, looks back {_minutes(schedule.lookback)}"
    return Edge("delivery and schedule", cases, tuple(lost), shown), most


def _minutes(span: timedelta) -> str:
    return f"{span / timedelta(minutes=1):g} min"
