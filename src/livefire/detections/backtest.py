"""Rules over history: what each would have found, day by day, and what another version of it would have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from livefire.detections.detection import Rule, Told
from livefire.detections.evidence import acts_of, completing, fingerprint
from livefire.detections.finding import row_fingerprint, row_time
from livefire.detections.runner import Bench, Outcome, prepare, run_prepared, run_rule
from livefire.diagnostics import Diagnostic

_NAME = "backtest"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a rule found: when it was complete, by whom; both None where no event tells."""

    mark: str
    time: datetime | None
    actor: str


@dataclass(frozen=True, slots=True)
class History:
    """What a rule found over a time: `days` are all days of it, those without a finding too."""

    rule: Rule
    found: tuple[Found, ...]
    days: Mapping[date, int]
    undated: int
    refused: str = ""

    @property
    def usual(self) -> float:
        """The median number of findings a day."""
        return float(median(self.days.values())) if self.days else 0.0

    @property
    def most(self) -> int:
        """The most findings on one day."""
        return max(self.days.values(), default=0)

    @property
    def actors(self) -> list[tuple[str, int]]:
        """Who is behind the findings, most first; findings that no actor is known of are left out."""
        return Counter(f.actor for f in self.found if f.actor).most_common()


@dataclass(frozen=True, slots=True)
class Change:
    """What two versions of a rule find: both, only the old one, only the new one."""

    both: int
    lost: tuple[Found, ...]
    gained: tuple[Found, ...]


def backtest(
    rules: Sequence[Rule], bench: Bench, days: Sequence[date], progress: Callable[[str], None] | None = None, moments: Sequence[datetime] = ()
) -> tuple[History, ...]:
    """Run each rule over the bench's time and return its findings by day (UTC).

    A rule that asks for the present moment (`ago(1h)`) is run at each of `moments`, over what had happened by then; one
    with a schedule of its own at its own moments; any other once. Rows that rest on the same act are one finding, as
    everywhere. A rule that cannot be run has the reason in `refused`.
    """
    listed = []
    for rule in rules:
        if progress is not None:
            progress(rule.name)
        listed.append(_history(rule, _outcome(rule, replace(bench, once=False), moments), bench, days))
    return tuple(listed)


def _outcome(rule: Rule, bench: Bench, moments: Sequence[datetime]) -> Outcome:
    if rule.alerting is not None:
        return run_rule(rule, bench)
    ready = prepare(rule, bench)
    if ready.statement is None or "now" not in ready.statement.parameters:
        return run_prepared(ready, bench)
    if not moments:
        said = "the rule looks back from the present moment, so it has to be run again and again: say how often with --every"
        return Outcome(rule, diagnostics=(Diagnostic("error", "E107", said),), refused=True)
    rows: list[dict[str, Any]] = []
    evidence: list[tuple[str, ...]] = []
    for moment in moments:
        here = replace(bench, now=moment, start=None, end=moment)
        outcome = run_prepared(prepare(rule, here), here)
        if outcome.refused:
            return outcome
        rows.extend(outcome.rows)
        evidence.extend(outcome.evidence)
    return Outcome(rule, tuple(rows), tuple(evidence))


def moments_between(first: datetime, last: datetime, every: timedelta) -> list[datetime]:
    """Return the moments a rule is run at: each `every` after the first, and the last."""
    count = -(-(last - first) // every)
    return [min(first + every * (n + 1), last) for n in range(count)]


def _history(rule: Rule, outcome: Outcome, bench: Bench, days: Sequence[date]) -> History:
    if outcome.refused:
        return History(rule, (), dict.fromkeys(days, 0), 0, outcome.reason)
    bench = replace(bench, start=None, end=None)
    acts = acts_of((name for events in outcome.evidence for name in events), bench)
    told = Told()
    found: dict[str, Found] = {}
    for row, events in zip(outcome.rows, outcome.evidence, strict=True):
        act = completing(events, acts, told)
        mark = fingerprint(_NAME, events, acts, told) if events else row_fingerprint(_NAME, row)
        found.setdefault(mark, Found(mark, act.time if act is not None else row_time(row), act.actor if act is not None else ""))
    counted = Counter(f.time.date() for f in found.values() if f.time is not None)
    per_day = {day: counted.get(day, 0) for day in sorted({*days, *counted})}
    ordered = sorted(found.values(), key=lambda f: (f.time is None, f.time.timestamp() if f.time else 0.0, f.mark))
    return History(rule, tuple(ordered), per_day, sum(f.time is None for f in found.values()))


def days_between(first: datetime, last: datetime) -> list[date]:
    """Return every day from that of `first` to that of the moment before `last`."""
    final = (last - timedelta(microseconds=1)).date()
    return [first.date() + timedelta(days=n) for n in range((final - first.date()).days + 1)]


def compare(old: History, new: History) -> Change:
    """Return what a new version of a rule no longer finds, and what it finds beside."""
    before, after = {f.mark for f in old.found}, {f.mark for f in new.found}
    lost = tuple(f for f in old.found if f.mark not in after)
    gained = tuple(f for f in new.found if f.mark not in before)
    return Change(len(before & after), lost, gained)
