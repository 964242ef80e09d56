"""How a run is stopped from another thread, by whoever asked for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from livefire.diagnostics import Diagnostic, QueryError

if TYPE_CHECKING:
    import pyarrow as pa

    from livefire.engines.base import Engine, Run, Statement, Storage
    from livefire.plan.nodes import Plan


class StoppedError(Exception):
    """Work of many runs that somebody asked to stop: no run's failure, so that nobody takes it for a rule's."""


class Stop:
    """Handed to a run with its budget; once asked for, the run ends with E761, also one that still waits its turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None
        self._asked = False

    @property
    def asked(self) -> bool:
        """True once somebody asked."""
        return self._asked

    def ask(self) -> None:
        """End the run, whatever it is at."""
        with self._lock:
            self._asked = True
            if self._end is not None:
                self._end()

    def watch(self, end: Callable[[], None]) -> None:
        """Say how what runs now is ended; it is at once when that was asked for before."""
        with self._lock:
            self._end = end
            if self._asked:
                end()

    def leave(self) -> None:
        """Say that nothing runs any more."""
        with self._lock:
            self._end = None


class Stoppable:
    """An engine whose runs all end when one `Stop` is asked for, so that work of many runs ends as a whole: StoppedError from the run that it meets."""

    def __init__(self, engine: Engine, stop: Stop) -> None:
        self._engine, self._stop = engine, stop
        self.name = engine.name

    def begin(self, storage: Storage) -> None:
        """Begin to get ready."""
        self._engine.begin(storage)

    def unsupported(self, plan: Plan) -> tuple[Diagnostic, ...]:
        """Return what the engine lacks."""
        return self._engine.unsupported(plan)

    def sql(self, plan: Plan) -> str:
        """Return the text the engine would run."""
        return self._engine.sql(plan)

    def prepare(self, plan: Plan) -> Statement:
        """Return the plan ready to run; StoppedError once it was asked for."""
        self._go_on()
        return self._engine.prepare(plan)

    def run(self, statement: Statement, storage: Storage, run: Run) -> pa.Table:
        """Return the rows of a prepared plan; StoppedError once it was asked for."""
        self._go_on()
        try:
            return self._engine.run(statement, storage, replace(run, stop=self._stop))
        except QueryError:
            self._go_on()
            raise

    def execute(self, plan: Plan, storage: Storage, run: Run) -> pa.Table:
        """Return the rows of the plan; StoppedError once it was asked for."""
        self._go_on()
        try:
            return self._engine.execute(plan, storage, replace(run, stop=self._stop))
        except QueryError:
            self._go_on()
            raise

    def _go_on(self) -> None:
        if self._stop.asked:
            raise StoppedError
