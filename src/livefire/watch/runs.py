"""Makes the runs that scheduled rules owe: the oldest moment first, each within its time, and again when events came late."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from livefire.detections.runner import Outcome, prepare, run_prepared, run_rule
from livefire.diagnostics import Diagnostic
from livefire.engines.base import Engine
from livefire.store.lake import LakeError
from livefire.watch.alerts import Alerting, Judged, judge, overflow
from livefire.watch.config import Config
from livefire.watch.evaluation import Evaluation, waits
from livefire.watch.faults import WatchError
from livefire.watch.ground import Ground
from livefire.watch.journal import Journal
from livefire.watch.rules import Watched
from livefire.watch.sight import Profile, Sight
from livefire.watch.spans import span
from livefire.watch.state import State
from livefire.watch.state.ledger import Owed

_AT_ONCE = 400
_MOST_WARNED = 1_000
_IDLE = 0.5
_MADE_UP = timedelta(minutes=10)


@dataclass(frozen=True)
class _Before:
    """What a rule's last run found, and what it saw."""

    profile: Profile
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
        self._sight = Sight(self._rules.values(), ground, engine, self._timeout)
        self._empty: list[Owed] = []
        self._warned: set[tuple[str, str, str]] = set()
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
            except (WatchError, LakeError, OSError) as error:
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
        self._empty = []
        self._ground.lake.catch_up()
        for one in owed:
            if self._stop.is_set():
                break
            if one.rule not in failed and not self._run(one, rows[one.rule]):
                failed.add(one.rule)
        if self._empty:
            with self._state.ledger.writing() as connection:
                self._settle_empty(connection)
        return bool(owed)

    def _settle_empty(self, connection: sa.Connection) -> None:
        """Record the runs since the last one over windows that held nothing for their rules, in the order of their moments."""
        started = self._clock()
        for owed in self._alerting.supported(connection, self._empty):
            self._alerting.support(connection, owed, (), started)
        self._state.ledger.settle_empty(connection, self._empty, started)
        self._empty = []

    def _run(self, owed: Owed, row: Mapping[str, Any]) -> bool:
        """Make one run and keep what it found; return whether it succeeded."""
        watched, started, clock = self._rules[owed.rule], self._clock(), time.monotonic()
        owed = Owed(owed.rule, owed.moment, "made up", owed.asked) if owed.why == "scheduled" and started - owed.moment > _MADE_UP else owed
        profile = self._sight.profile(owed.rule, *watched.cadence.window(owed.moment))
        if profile == ():
            self._empty.append(owed)
            return True
        try:
            outcome, judged = self._outcome(watched, owed, profile)
        except (WatchError, LakeError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours with one rule is that rule's failure, and stalls no other
            words = f"a fault of livefire itself, {type(error).__name__}: {error}"
            outcome, judged = Outcome(watched.rule, diagnostics=(Diagnostic("error", "E009", words),), refused=True), []
        seconds, ledger = time.monotonic() - clock, self._state.ledger
        with ledger.writing() as connection:
            self._settle_empty(connection)
            if outcome.refused:
                ledger.record_run(connection, owed, started, seconds, "failed", 0, outcome.reason)
                self._evaluation.failed(connection, owed.rule, outcome.reason, row, started)
                return False
            self._warn(connection, outcome, owed.rule, started)
            self._alerting.keep(connection, judged, started)
            self._alerting.support(connection, owed, judged, started)
            ledger.record_run(connection, owed, started, seconds, "done", len(judged))
            ledger.settle(connection, owed)
            if row["failures"]:
                ledger.stand(connection, owed.rule, state="active", reason="", failures=0, due=None)
        if judged:
            self._journal.say("run", rule=owed.rule, moment=owed.moment.isoformat(), why=owed.why, findings=len(judged), seconds=f"{seconds:.2f}")
        return True

    def _warn(self, connection: sa.Connection, outcome: Outcome, rule: str, now: datetime) -> None:
        """Note what a run warns of, such as alerts beyond the most that its product makes; the same words once."""
        for said in outcome.diagnostics:
            words = (rule, said.code, said.message)
            if said.severity == "warning" and words not in self._warned and len(self._warned) < _MOST_WARNED:
                self._warned.add(words)
                self._state.ledger.note(connection, said.code, rule, said.message, now)

    def _outcome(self, watched: Watched, owed: Owed, profile: Profile | None) -> tuple[Outcome, list[Judged]]:
        """Return what a run finds; where it sees what the rule's last run saw, it is not made again."""
        before = self._before.get(owed.rule)
        if before is not None and profile == before.profile:
            return before.outcome, before.judged
        outcome, judged = self._ran(watched, owed, *watched.cadence.window(owed.moment))
        if not outcome.refused and profile is not None and len(judged) <= self._config.rules.most:  # more are told apart by their moment
            self._before[owed.rule] = _Before(profile, outcome, judged)
        return outcome, judged

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
    return row["state"] in ("active", "failing") and not waits(row, now)
