"""What new events mean for the rules: live rules are shown them, scheduled rules owe the runs whose windows they fall into.

The lake's versions are the sequence. Everything up to a version is evaluated, and noted together with the alerts, in one
transaction; what a crash undoes is done again and comes to the same alerts. A rule that fails leaves the common checkpoint
and keeps one of its own, from which it goes on later, so it loses nothing and holds nobody up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import sqlalchemy as sa

from livefire.detections.runner import Bench
from livefire.detections.shared_scan import SharedScan
from livefire.engines.base import Engine
from livefire.logsources.registry import SOURCES
from livefire.store.changes import Change, changes, minutes
from livefire.watch.alerts import Alerting, Judged, judge, overflow
from livefire.watch.config import Config
from livefire.watch.ground import Ground
from livefire.watch.journal import Journal
from livefire.watch.rules import Watched
from livefire.watch.spans import shown, span
from livefire.watch.state import State
from livefire.watch.state.ledger import EVERYONE, Owed

_ROWS = 200_000
_MINUTE = timedelta(minutes=1)
_AHEAD = timedelta(days=1)
_MOST_MOMENTS = 10_000
LONGEST_WAIT = timedelta(hours=1)
"""After a failure."""
_FUTURE = "its events are dated more than a day ahead of the clock"
_MANY = f"more than {_MOST_MOMENTS:,} runs at once; the latest were made"


@dataclass(frozen=True)
class Stretch:
    """Versions of the log sources that are evaluated together, and the files they brought."""

    before: Mapping[str, int]
    after: Mapping[str, int]
    files: Mapping[str, Sequence[Path]]
    rows: int


class Evaluation:
    """Shows new events to the rules."""

    def __init__(
        self,
        config: Config,
        rules: Sequence[Watched],
        ground: Ground,
        engine: Engine,
        state: State,
        alerting: Alerting,
        clock: Callable[[], datetime],
        journal: Journal,
    ) -> None:
        self._config, self._ground, self._engine, self._state, self._alerting = config, ground, engine, state, alerting
        self._clock, self._journal = clock, journal
        self._rules = {w.name: w for w in rules}
        self._timeout, self._backoff = span(config.rules.timeout).total_seconds(), span(config.rules.backoff)
        self._horizon = span(config.rules.horizon)
        self._shared: tuple[tuple[str, ...], SharedScan] | None = None

    def enroll(self) -> None:
        """Keep the configuration's rules in the state; new ones begin where the configuration says."""
        ledger, now = self._state.ledger, self._clock()
        with ledger.writing() as connection:
            fresh, changed = ledger.enroll(connection, [w.enrolled() for w in self._rules.values()])
            first = EVERYONE not in ledger.checkpoints(connection)
            present = {s.name: self._ground.lake.version(s.name) for s in SOURCES}
            if first:
                ledger.advance(connection, EVERYONE, dict.fromkeys(present, -1) if self._config.rules.backfill == "all" else present)
            elif self._config.rules.backfill == "all":
                for name in fresh:
                    ledger.advance(connection, name, dict.fromkeys(present, -1))
            for name in (*fresh, *changed):
                for words in self._rules[name].notes:
                    ledger.note(connection, "N720", name, words, now)
            for name in changed:
                ledger.note(connection, "N714", name, "its text or schedule changed; it goes on from where it was", now)

    def round(self) -> bool:
        """Evaluate the next stretch of new events, for all rules or for one that lags; return whether there was one."""
        with self._state.ledger.reading() as connection:
            checkpoints = self._state.ledger.checkpoints(connection)
            rows = self._state.ledger.rules(connection)
        now = self._clock()
        self._tick(rows, now)
        alone = {name for name in checkpoints if name != EVERYONE}
        stretch = self._next(checkpoints.get(EVERYONE, {}), None)
        if stretch is not None:
            self._evaluate([w for w in self._rules.values() if w.name not in alone and not w.refused], EVERYONE, stretch, rows, now)
        busy = stretch is not None
        for name in sorted(alone & self._rules.keys()):
            if name not in rows or rows[name]["state"] in ("disabled", "refused") or waits(rows[name], now):
                continue
            behind = self._next(checkpoints[name], checkpoints.get(EVERYONE, {}) if stretch is None else stretch.after)
            if behind is None:
                with self._state.ledger.writing() as connection:
                    self._state.ledger.attach(connection, [name])
                continue
            self._evaluate([self._rules[name]], name, behind, rows, now)
            busy = True
        return busy

    def _tick(self, rows: dict[str, Mapping[str, object]], now: datetime) -> None:
        """Owe the runs whose moment has come, for rules with events in their windows."""
        ripe = [w for w in self._rules.values() if not w.cadence.live and not w.refused and _ripe(w, rows.get(w.name, {}), now)]
        if not ripe:
            return
        with self._state.ledger.writing() as connection:
            for watched in ripe:
                self._due(connection, watched, rows[watched.name], (), now)
            rows.update(self._state.ledger.rules(connection))

    def _next(self, seen: Mapping[str, int], upto: Mapping[str, int] | None) -> Stretch | None:
        """Return the next versions to evaluate, at most so many rows of them."""
        before, after, files, rows = {}, {}, {}, 0
        for source in SOURCES:
            name = source.name
            start = seen.get(name, -1)
            end = self._ground.lake.version(name) if upto is None else upto.get(name, -1)
            before[name] = after[name] = start
            if start >= end or rows >= _ROWS:
                continue
            found: list[Change] = []
            for version, brought in groupby(changes(self._ground.lake.table(name).folder, start, end), key=lambda c: c.version):
                if rows >= _ROWS:
                    break
                listed = list(brought)
                found += listed
                rows += sum(c.rows for c in listed)
                after[name] = version
            if rows < _ROWS:
                after[name] = end  # the versions at the end that brought nothing
            files[name] = [c.path for c in found]
        return Stretch(before, after, files, rows) if after != before else None

    def _evaluate(self, rules: Sequence[Watched], checkpoint: str, stretch: Stretch, rows: Mapping[str, Mapping[str, object]], now: datetime) -> None:
        found, failed = self._show([w for w in rules if w.cadence.live], stretch, now) if stretch.rows else ({}, {})
        times = _stretches(minutes([p for files in stretch.files.values() for p in files])) if stretch.rows else []
        ledger, new = self._state.ledger, 0
        with ledger.writing() as connection:
            for name, judged in found.items():
                new += self._alerting.keep(connection, overflow(self._rules[name], judged, self._config.rules.most, now), now)
            for watched in rules:
                if not watched.cadence.live and times:
                    self._due(connection, watched, rows.get(watched.name, {}), times, now)
            ledger.advance(connection, checkpoint, {k: v for k, v in stretch.after.items() if checkpoint not in failed})
            for name, reason in failed.items():
                if checkpoint == EVERYONE:
                    ledger.advance(connection, name, stretch.before)
                self.failed(connection, name, reason, rows.get(name, {}), now)
            for name in found:
                if rows.get(name, {}).get("failures"):
                    ledger.stand(connection, name, state="active", reason="", failures=0, due=None)
        if new or failed:
            self._journal.say("evaluated", rows=stretch.rows, alerts=new, failed=len(failed))

    def _show(self, rules: Sequence[Watched], stretch: Stretch, now: datetime) -> tuple[dict[str, list[Judged]], dict[str, str]]:
        """Return what live rules find in new events, and why those fail that fail."""
        bench = self._ground.bench(self._engine, stretch.files, now, seconds=self._timeout)
        found, failed = {}, {}
        for watched, outcome in zip(rules, self._scan(rules, bench).run(bench), strict=True):
            if outcome.refused:
                failed[watched.name] = outcome.reason
            else:
                found[watched.name] = judge(watched, outcome, bench, self._alerting.suppress) if outcome.rows else []
        return found, failed

    def _scan(self, rules: Sequence[Watched], bench: Bench) -> SharedScan:
        """Return what runs these rules in one pass over a batch; prepared once, as long as they stay the same."""
        names = tuple(w.name for w in rules)
        if self._shared is None or self._shared[0] != names:
            self._shared = (names, SharedScan([w.prepared for w in rules if w.prepared is not None], bench))
        return self._shared[1]

    def failed(self, connection: sa.Connection, name: str, reason: str, row: Mapping[str, object], now: datetime) -> None:
        """Let a rule that failed wait longer and longer, and disable it when it fails again and again; that is told to every sink."""
        failures = int(str(row.get("failures") or 0)) + 1
        if failures >= self._config.rules.disable_after:
            self._state.ledger.stand(connection, name, state="disabled", reason=reason, failures=failures, due=None)
            self._state.ledger.note(connection, "E715", name, f"disabled after {failures} failures: {reason}", now)
            body = {"rule": name, "title": f"{name} is disabled: {reason}", "severity": "high"}
            self._alerting.tell(connection, "rule.disabled", f"rule.disabled:{name}:{now.isoformat()}", body, "high", "", now)
        else:
            wait = min(self._backoff * 2 ** min(failures - 1, 20), LONGEST_WAIT)
            self._state.ledger.stand(connection, name, state="failing", reason=reason, failures=failures, due=now + wait)
        self._journal.say("rule.failed", rule=name, failures=failures, reason=reason)

    def _due(self, connection: sa.Connection, watched: Watched, row: Mapping[str, object], times: Sequence[tuple[datetime, datetime]], now: datetime) -> None:
        """Owe a rule's runs up to now: the next ones of its schedule, and those whose windows new events fall into, however late.

        Events that are dated ahead, or came later than the horizon, are gaps and shown.
        """
        ledger, name, cadence = self._state.ledger, watched.name, watched.cadence
        reached, covered = (v if isinstance(v := row.get(k), datetime) else None for k in ("reached", "covered"))
        owed: dict[datetime, str] = {}
        if reached is not None and covered is not None:
            owed = dict.fromkeys(cadence.moments(reached, _until(watched, covered, now)), "scheduled")
        ahead = [t for t in times if t[1] > now + _AHEAD]
        if ahead:
            ledger.record_gap(connection, name, ahead[0][0], ahead[-1][1], _FUTURE, now)
        sound = _upto(times, now + _AHEAD)
        touched = [m for m in cadence.touched(sound) if m <= now]
        floor = reached - self._horizon if reached is not None else None
        if floor is not None and touched and touched[0] < floor:
            late = [m for m in touched if m < floor]
            words = f"its events came later than the horizon of {shown(self._horizon)}"
            ledger.record_gap(connection, name, cadence.window(late[0])[0], late[-1], words, now)
        owed |= {m: "late" if reached is not None and m <= reached else "scheduled" for m in touched if floor is None or m >= floor}
        moments = sorted(owed)
        if len(moments) > _MOST_MOMENTS:
            ledger.record_gap(connection, name, cadence.window(moments[0])[0], moments[-_MOST_MOMENTS - 1], _MANY, now)
            moments = moments[-_MOST_MOMENTS:]
        ledger.owe(connection, [Owed(name, m, owed[m]) for m in moments], now)
        until = max([*([covered] if covered else []), *([sound[-1][1] + cadence.start.reach] if sound else [])], default=None)
        latest = max([*([reached] if reached else []), *moments[-1:]], default=now if sound else None)
        if (until, latest) != (covered, reached):
            ledger.stand(connection, name, covered=until, reached=latest)


def waits(row: Mapping[str, object], now: datetime) -> bool:
    """Tell whether a rule that failed is to wait still; not for longer than one does, as after the clock was set back."""
    due = row["due"]
    return isinstance(due, datetime) and now < due <= now + LONGEST_WAIT


def _ripe(watched: Watched, row: Mapping[str, object], now: datetime) -> bool:
    reached, covered = row.get("reached"), row.get("covered")
    if not isinstance(reached, datetime) or not isinstance(covered, datetime):
        return False
    return next(watched.cadence.moments(reached, _until(watched, covered, now)), None) is not None


def _until(watched: Watched, covered: datetime, now: datetime) -> datetime:
    """Return until when a rule has something to look at: while events lie in its windows, or always if it may find something in none."""
    return now if watched.always else min(now, covered)


def _stretches(found: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """Return minutes in order as stretches without a hole, both ends inclusive."""
    stretches: list[tuple[datetime, datetime]] = []
    for minute in found:
        end = minute + _MINUTE - timedelta(microseconds=1)
        if stretches and minute - stretches[-1][1] <= _MINUTE:
            stretches[-1] = (stretches[-1][0], end)
        else:
            stretches.append((minute, end))
    return stretches


def _upto(times: Iterable[tuple[datetime, datetime]], end: datetime) -> list[tuple[datetime, datetime]]:
    return [(first, min(last, end)) for first, last in times if first <= end]
