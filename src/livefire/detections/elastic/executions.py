"""The executions of a rule over stored events: which of them sees an event, what it alerts on, what it leaves out.

An execution reads the events from its moment less `lookback` up to its moment less `until`. Without a
moment of its own a rule is run at every multiple of its interval, as a schedule would, and an event
alerts once. At most `most` alerts come of one execution, the earliest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from livefire.detections.elastic.rule import Schedule, Suppression

Row = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZERO = timedelta(0)


@dataclass(slots=True)
class Alert:
    """One alert: its row, the events it rests on, the time of its event; `moment` is the execution that made it."""

    row: Row
    evidence: tuple[str, ...]
    time: datetime
    moment: datetime = _EPOCH


@dataclass(slots=True)
class Counts:
    """What executions left out: events beyond the most alerts of one, events in gaps between executions, alerts joined to others."""

    cut: int = 0
    unseen: int = 0
    joined: int = 0


@dataclass(frozen=True, slots=True)
class Executions:
    """The moments a rule is run at: one, or every multiple of its interval."""

    schedule: Schedule
    once: datetime | None = None

    def first(self, time: datetime) -> datetime | None:
        """Return the first execution that sees an event of this time, None if no one does."""
        if self.once is not None:
            return self.once if self._sees(self.once, time) else None
        moment = _ceil(time + self.schedule.until, self.schedule.interval)
        return moment if self._sees(moment, time) else None

    def last(self, time: datetime) -> datetime | None:
        """Return the last execution that sees an event of this time, None if no one does."""
        if self.once is not None:
            return self.first(time)
        moment = _floor(time + self.schedule.lookback, self.schedule.interval)
        return moment if self._sees(moment, time) else None

    def after(self, moment: datetime) -> datetime:
        """Return the execution after one."""
        return moment + self.schedule.interval

    def _sees(self, moment: datetime, time: datetime) -> bool:
        return moment - self.schedule.lookback <= time <= moment - self.schedule.until

    def covering(self, times: Iterable[datetime]) -> list[datetime]:
        """Return every execution that sees at least one of these times, in order."""
        found: set[datetime] = set()
        for time in times:
            moment, last = self.first(time), self.last(time)
            while moment is not None and last is not None and moment <= last:
                found.add(moment)
                moment = self.after(moment)
        return sorted(found)


def _floor(time: datetime, interval: timedelta) -> datetime:
    return _EPOCH + (time - _EPOCH) // interval * interval


def _ceil(time: datetime, interval: timedelta) -> datetime:
    floor = _floor(time, interval)
    return floor if floor == time else floor + interval


def each_once(alerts: Sequence[Alert], executions: Executions, counts: Counts) -> list[list[Alert]]:
    """Return the alerts of each execution: every event once, by the first execution that still has room for it."""
    rounds: dict[datetime, list[Alert]] = {}
    for alert in sorted(alerts, key=lambda a: a.time):
        moment, last = executions.first(alert.time), executions.last(alert.time)
        if moment is None or last is None:
            counts.unseen += 1
            continue
        while moment <= last and len(rounds.get(moment, ())) >= executions.schedule.most:
            moment = executions.after(moment)
            if executions.once is not None:
                break
        if moment > last:
            counts.cut += 1
            continue
        alert.moment = moment
        rounds.setdefault(moment, []).append(alert)
    return [rounds[m] for m in sorted(rounds)]


@dataclass(slots=True)
class Suppressor:
    """Joins alerts of the same values into the first of them, and counts them in it."""

    suppression: Suppression
    counts: Counts
    _open: dict[tuple[str, ...], Alert] = field(default_factory=dict)

    def alerts(self, rounds: Iterable[list[Alert]]) -> Iterator[Alert]:
        """Yield the alerts that remain, in the order they were made."""
        duration = self.suppression.duration
        for found in rounds:
            if duration is None:
                self._open.clear()
            for alert in found:
                values = [_values(alert.row, f) for f in self.suppression.fields]
                if not self.suppression.missing and any(not v for v in values):
                    yield alert
                    continue
                key = tuple(str(sorted(map(str, v))) for v in values)
                before = self._open.get(key)
                if before is not None and (duration is None or before.moment + duration >= alert.moment):
                    before.row["kibana.alert.suppression.docs_count"] += 1
                    before.evidence = tuple(sorted({*before.evidence, *alert.evidence}))
                    self.counts.joined += 1
                    continue
                alert.row["kibana.alert.suppression.docs_count"] = 0
                self._open[key] = alert
                yield alert


def _values(row: Row, name: str) -> list[Any]:
    value = row.get(name)
    return [] if value is None else [v for v in value if v is not None] if isinstance(value, list) else [value]


def combinations(row: Row, fields: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield every combination of the values of fields; none where one of them is missing."""
    parts = [list(dict.fromkeys(v if not isinstance(v, (dict, list)) else str(v) for v in _values(row, f))) for f in fields]
    yield from product(*parts)


def limited(rounds: Iterable[list[Alert]], most: int, counts: Counts, key: Callable[[Alert], Any]) -> Iterator[list[Alert]]:
    """Yield the alerts of each execution up to the most it makes."""
    for found in rounds:
        kept = sorted(found, key=key)[:most]
        counts.cut += len(found) - len(kept)
        yield kept
