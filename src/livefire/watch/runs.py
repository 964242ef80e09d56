"""Makes the runs that scheduled rules owe: the oldest moment first, each within its time, and again when events came late."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from livefire.detections.runner import Outcome, prepare, run_prepared, run_rule
from livefire.engines.base import Engine
from livefire.logsources.registry import SOURCES
from livefire.store.changes import minutes
from livefire.watch.alerts import Alerting, Judged, judge, overflow
from livefire.watch.config import Config
from livefire.watch.evaluation import Evaluation
from livefire.watch.faults import WatchError
from livefire.watch.ground import Ground
from livefire.watch.journal import Journal
from livefire.watch.rules import Watched
from livefire.watch.spans import span
from livefire.watch.state import State
from livefire.watch.state.ledger import Owed

_AT_ONCE = 64
_IDLE = 0.5
_MANY_FILES = 5_000
_MADE_UP = timedelta(minutes=10)


@dataclass(frozen=True)
class _Before:
    """What a rule's last run found, over which window of which versions; a rule that reads the clock has none."""

    versions: tuple[int, ...]
    start: datetime
    end: datetime
    outcome: Outcome
    judged: list[Judged]


class Runs:
    """Runs scheduled rules, in a thread of its own with an engine of its own, so that live rules never wait for one."""

    def __init__(
        self,
        config: Config,
        rules: Sequence[Watched],
        ground: Ground,
        engine: Engine,
        state: State,
        alerting: Alerting,
        evaluation: Evaluation,
        clock: Callable[[], datetime],
        journal: Journal,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        self._config, self._ground, self._engine, self._state, self._alerting = config, ground, engine, state, alerting
        self._evaluation, self._clock, self._journal = evaluation, clock, journal
        number, of = part
        scheduled = sorted(w.name for w in rules if not w.cadence.live and not w.refused)
        self._rules = {w.name: w for w in rules if w.name in scheduled[number::of]}
        self._timeout = span(config.rules.timeout).total_seconds()
        self._before: dict[str, _Before] = {}
        self._minutes: dict[Path, tuple[datetime, ...]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"rules {number}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End after the run that is under way."""
        self._stop.set()
        self._thread.join(seconds)

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                busy = self.round()
            except (WatchError, OSError) as error:
                self._journal.say("runs.failing", error=str(error))
                busy = False
                self._stop.wait(_IDLE * 4)
            if not busy:
                self._stop.wait(_IDLE)

    def round(self) -> bool:
        """Make runs that are due; return whether there were any."""
        now = self._clock()
        with self._state.ledger.reading() as connection:
            rows = self._state.ledger.rules(connection)
            ready = [name for name in self._rules if name in rows and _ready(rows[name], now)]
            owed = self._state.ledger.owed(connection, now, ready, _AT_ONCE) if ready else []
        failed: set[str] = set()
        self._forget()
        for one in owed:
            if self._stop.is_set():
                break
            if one.rule not in failed and not self._run(one, rows[one.rule]):
                failed.add(one.rule)
        return bool(owed)

    def _forget(self) -> None:
        """Drop what is known of files that the lake no longer has."""
        if len(self._minutes) > _MANY_FILES:
            self._minutes.clear()

    def _run(self, owed: Owed, row: Mapping[str, Any]) -> bool:
        """Make one run and keep what it found; return whether it succeeded."""
        watched, started, clock = self._rules[owed.rule], self._clock(), time.monotonic()
        self._ground.lake.refresh()
        outcome, judged = self._outcome(watched, owed)
        seconds, ledger = time.monotonic() - clock, self._state.ledger
        owed = Owed(owed.rule, owed.moment, "made up", owed.asked) if owed.why == "scheduled" and started - owed.moment > _MADE_UP else owed
        with ledger.writing() as connection:
            if outcome.refused:
                ledger.record_run(connection, owed, started, seconds, "failed", 0, outcome.reason)
                self._evaluation.failed(connection, owed.rule, outcome.reason, row, started)
                return False
            self._alerting.keep(connection, judged, started)
            self._alerting.support(connection, owed, judged, started)
            ledger.record_run(connection, owed, started, seconds, "done", len(judged))
            ledger.settle(connection, owed)
            if row["failures"]:
                ledger.stand(connection, owed.rule, state="active", reason="", failures=0, due=None)
        if judged:
            self._journal.say("run", rule=owed.rule, moment=owed.moment.isoformat(), why=owed.why, findings=len(judged), seconds=f"{seconds:.2f}")
        return True

    def _outcome(self, watched: Watched, owed: Owed) -> tuple[Outcome, list[Judged]]:
        start, end = watched.cadence.window(owed.moment)
        versions = tuple(self._ground.lake.version(s.name) for s in SOURCES)
        before = self._before.get(owed.rule)
        if before is not None and before.versions == versions and self._same(before, start, end):
            self._before[owed.rule] = replace(before, start=start, end=end)
            return before.outcome, before.judged
        outcome, judged = self._ran(watched, owed, start, end)
        if (
            not outcome.refused
            and watched.prepared is not None
            and watched.prepared.statement is not None
            and "now" not in watched.prepared.statement.parameters
        ):
            self._before[owed.rule] = _Before(versions, start, end, outcome, judged)
        return outcome, judged

    def _same(self, before: _Before, start: datetime, end: datetime) -> bool:
        """True when a window holds the same events as the one before: none lies between their starts or between their ends."""
        return self._quiet(before.start, start) and self._quiet(before.end, end)

    def _quiet(self, one: datetime, other: datetime) -> bool:
        """True when no event of the lake lies in the whole minutes from one moment to another."""
        first, last = min(one, other), max(one, other)
        if first == last:
            return True
        floor = first.replace(second=0, microsecond=0)
        for paths in self._ground.within(first, last).values():
            for path in paths:
                if path not in self._minutes:
                    self._minutes[path] = tuple(minutes([path]))
                known = self._minutes[path]
                at = bisect_left(known, floor)
                if at < len(known) and known[at] < last:
                    return False
        return True

    def _ran(self, watched: Watched, owed: Owed, start: datetime, end: datetime) -> tuple[Outcome, list[Judged]]:
        alerting = watched.rule.alerting is not None
        files = self._ground.within(None if alerting else start, end)
        cut = {} if alerting else {"start": start, "end": end}
        bench = self._ground.bench(self._engine, files, owed.moment, seconds=self._timeout, **cut)
        outcome = run_rule(watched.rule, bench) if alerting else run_prepared(watched.prepared or prepare(watched.rule, bench), bench)
        if outcome.refused or not watched.cadence.triggers(len(outcome.rows)):
            return outcome, []
        judged = judge(watched, outcome, bench, self._alerting.suppress)
        return outcome, overflow(watched, judged, self._config.rules.most, owed.moment)


def _ready(row: Mapping[str, Any], now: datetime) -> bool:
    return row["state"] in ("active", "failing") and (row["due"] is None or row["due"] <= now)
