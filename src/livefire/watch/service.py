"""A watch: sources, evaluation, scheduled runs and couriers, put together and kept going until it is told to stop."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from livefire.engines.base import Engine
from livefire.logsources.registry import SOURCES
from livefire.store.lake import Lake, LakeError
from livefire.watch import sinks, sources
from livefire.watch.alerts import Alerting
from livefire.watch.config import Config
from livefire.watch.courier import Courier
from livefire.watch.evaluation import Evaluation
from livefire.watch.faults import WatchError
from livefire.watch.ground import Ground
from livefire.watch.intake import Reception
from livefire.watch.journal import Journal
from livefire.watch.operations import Operations
from livefire.watch.rules import Watched
from livefire.watch.runs import Runs
from livefire.watch.sinks import Services
from livefire.watch.spans import span
from livefire.watch.state import State
from livefire.watch.state.ledger import seen_by_all
from livefire.watch.upkeep import Housekeeping

_GRACE = 10.0
_RETRY = 2.0


class Watch:
    """One watch over one lake. `step` does one round of everything in this thread; `run` keeps going, each part in its own."""

    def __init__(
        self, config: Config, rules: tuple[Watched, ...], ground: Ground, state: State, services: Services, engine: Callable[[], Engine], journal: Journal
    ) -> None:
        self.config, self.state, self.journal, self.rules = config, state, journal, rules
        self._ground, self._clock = ground, services.clock
        self._folder = ground.lake.path / "watch"
        alerting = Alerting(config, state.outbox)
        intakes = [sources.build(s, config, services, self._folder / "spool") for s in config.source]
        self.reception = Reception(intakes, ground.lake, state.ledger, services.clock, journal, config.operations.batch_files)
        self.evaluation = Evaluation(config, rules, ground, engine(), state, alerting, services.clock, journal)
        self.runs: list[Runs] = []
        workers = max(1, config.rules.concurrency)
        for number in range(workers):
            apart = Ground(ground.catalog, Lake.open(ground.lake.path), ground.loaded, ground.options)
            part = (number, workers)
            self.runs.append(Runs(config, rules, apart, engine(), state, alerting, self.evaluation, services.clock, journal, part))
        self.upkeep = Housekeeping(config.operations, ground.lake, state.outbox, services.clock, journal, self._seen)
        self.operations = Operations(config.operations.listen, lambda: state.health(services.clock()), services.clock)
        self.couriers = [Courier(sinks.build(s, config, services), state.outbox, services.clock, journal) for s in config.sink]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lake for this watch; WatchError E707 when another one runs over it."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise WatchError("E707", f"another watch runs over {self._ground.lake.path}") from None
            yield
        finally:
            os.close(handle)

    def begin(self) -> None:
        """Note that it runs, and keep its rules."""
        now = self._clock()
        with self.state.ledger.writing() as connection:
            self.state.ledger.beat(connection, now, pid=os.getpid(), state="running", started=now, versions=self.versions())
        self.evaluation.enroll()

    def step(self) -> bool:
        """Do one round of everything here and now; return whether there was something to do."""
        busy = self.advance()
        for runs in self.runs:
            while runs.round():
                busy = True
        for courier in self.couriers:
            while courier.carry():
                busy = True
        return busy

    def advance(self) -> bool:
        """Take in what is new and evaluate it; return whether there was something."""
        busy = self.reception.round() > 0
        self._ground.lake.catch_up()  # to what another process committed
        while self.evaluation.round():
            busy = True
        self.upkeep.round()
        with self.state.ledger.writing() as connection:
            self.state.ledger.beat(connection, self._clock(), versions=self.versions())
        return busy

    def _seen(self) -> dict[str, int]:
        """Return, by log source, the version that every rule has seen."""
        with self.state.ledger.reading() as connection:
            return {**dict.fromkeys(self.versions(), -1), **seen_by_all(self.state.ledger.checkpoints(connection))}

    def versions(self) -> dict[str, int]:
        """Return the version of each log source."""
        return {s.name: self._ground.lake.version(s.name) for s in SOURCES}

    def run(self, stop: threading.Event) -> None:
        """Keep going until `stop` is set; then finish what is under way."""
        with self.alone():
            self.operations.open()
            self._begin(stop)
            threads: list[Runs | Courier | Operations] = [*self.runs, *self.couriers, self.operations]
            for thread in threads:
                thread.start()
            self.journal.say("started", pid=os.getpid(), rules=sum(not w.refused for w in self.rules), refused=sum(bool(w.refused) for w in self.rules))
            poll = span(self.config.operations.poll).total_seconds()
            failed = False
            while not stop.is_set():
                well = self._guarded()
                if well and failed:
                    self.journal.say("going on")
                failed = not well
                if failed:
                    stop.wait(_RETRY)
                stop.wait(poll)
            self.journal.say("stopping")
            for thread in threads:
                thread.stop(_GRACE)
            self.reception.close()
            with self.state.ledger.writing() as connection:
                self.state.ledger.beat(connection, self._clock(), state="stopped")
            self.journal.say("stopped")

    def _begin(self, stop: threading.Event) -> None:
        while True:
            try:
                self.begin()
            except WatchError as error:
                self.journal.say("state.failing", error=str(error))
                if stop.wait(_RETRY):
                    return
            else:
                return

    def _guarded(self) -> bool:
        """Do one round; a fault of the disk or the database is said and tried again, never the end."""
        try:
            self.advance()
        except (WatchError, LakeError, OSError) as error:
            self.journal.say("failing", error=str(error))
            return False
        return True
