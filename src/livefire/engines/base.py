"""What an engine is: it says what it cannot do, prints a plan, and runs it to Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from livefire.diagnostics import Diagnostic
from livefire.plan.nodes import Plan

if TYPE_CHECKING:
    import pyarrow as pa

    from livefire.engines.program import NativeStage, SqlStage, TableFiles
    from livefire.engines.stopping import Stop
    from livefire.plan.reach import Window

Value = str | int | float | bool | datetime | None


@dataclass(frozen=True, slots=True)
class Storage:
    """Where the scanned tables lie: files we wrote, and the folders a worker may read."""

    tables: Mapping[str, TableFiles] = field(default_factory=dict)
    roots: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Values for the plan's parameters, and bounds: seconds of wall time, rows at most (None for no bound), and how it is stopped."""

    parameters: Mapping[str, Value] = field(default_factory=dict)
    seconds: float = 60.0
    max_rows: int | None = None
    stop: Stop | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Statement:
    """A plan as an engine will run it, any number of times: its stages, the tables it scans, the parameters it reads, the times it asks for."""

    stages: tuple[SqlStage | NativeStage, ...]
    tables: frozenset[str]
    parameters: frozenset[str]
    windows: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)


class Engine(Protocol):
    """A place where plans run."""

    name: str

    def begin(self, storage: Storage) -> None:
        """Begin to get ready for runs over a storage without waiting for it, so that a start hides behind other work."""

    def unsupported(self, plan: Plan) -> tuple[Diagnostic, ...]:
        """Return an E303 for each meaning in the plan that this engine lacks."""

    def sql(self, plan: Plan) -> str:
        """Return the text this engine would run."""

    def prepare(self, plan: Plan) -> Statement:
        """Return the plan ready to run many times; QueryError E303 for what the engine lacks."""

    def run(self, statement: Statement, storage: Storage, run: Run) -> pa.Table:
        """Return the rows of a prepared plan; QueryError E45x when the run fails."""

    def execute(self, plan: Plan, storage: Storage, run: Run) -> pa.Table:
        """Return the rows; columns are in plan order under engine names. QueryError E45x when the run fails."""
