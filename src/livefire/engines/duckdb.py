"""DuckDB: plans printed as its SQL and run in the confined worker."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from livefire.diagnostics import Diagnostic, QueryError, Span
from livefire.engines import sql as printing
from livefire.engines.base import Run, Statement, Storage, Value
from livefire.engines.duckdb_sql import DIALECT
from livefire.engines.failure import FailureKind, WorkerFailure
from livefire.engines.program import Budget, NativeStage, Program, SqlStage, TableFiles
from livefire.engines.pruning import files_within
from livefire.engines.worker import Worker, shared_scratch, shared_worker
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.reach import windows
from livefire.schema import Type

if TYPE_CHECKING:
    import pyarrow as pa

CODES: dict[FailureKind, str] = {
    "timeout": "E451",
    "memory": "E452",
    "spill": "E452",
    "rows": "E453",
    "regex": "E205",
    "engine": "E454",
    "data": "E458",
    "crashed": "E455",
    "refused": "E456",
    "stopped": "E761",
}
_HELP: dict[FailureKind, str] = {
    "timeout": "narrow the time range, filter earlier, or give the run more seconds",
    "memory": "filter earlier or group by fewer values",
    "rows": "add a limit, or aggregate",
    "regex": "the engine's patterns are RE2's: no lookaround and no back-references",
    "engine": "run with --explain sql to see what ran",
    "crashed": "run it again; if it repeats, report the query",
}


class DuckDB:
    """The embedded engine; with a `worker` of its own it waits for no other's runs."""

    name = "duckdb"

    def __init__(self, worker: Worker | None = None) -> None:
        self._worker = worker

    def begin(self, storage: Storage) -> None:
        """Begin to start the worker, if it is not there."""
        self._chosen(storage).start()

    def unsupported(self, plan: n.Plan) -> tuple[Diagnostic, ...]:
        """Return an E303 for each meaning in the plan that DuckDB has no spelling for."""
        return tuple(dict.fromkeys(printing.unsupported(plan, DIALECT)))

    def sql(self, plan: n.Plan) -> str:
        """Return the statements DuckDB runs for the plan, the last one being the result."""
        return ";\n".join(stage.sql for stage in self._stages(plan) if isinstance(stage, SqlStage))

    def prepare(self, plan: n.Plan) -> Statement:
        """Return the plan as statements; QueryError E303 for a meaning that DuckDB has no spelling for."""
        nodes, parts = printing.survey(plan)
        missing = tuple(dict.fromkeys(printing.unspelled(parts, DIALECT)))
        if missing:
            raise QueryError(missing)
        tables = frozenset(node.table for node in nodes if isinstance(node, n.Scan))
        used = frozenset(part.name for part in parts if isinstance(part, e.Parameter))
        return Statement(self._stages(plan), tables, used, windows(plan))

    def run(self, statement: Statement, storage: Storage, run: Run) -> pa.Table:
        """Return the rows of a prepared plan; QueryError with an E45x (E205 for a bad pattern) when the run fails."""
        stored = {name: storage.tables.get(name, TableFiles()) for name in statement.tables}
        tables = {name: files_within(files, statement.windows.get(name, ()), run.parameters) for name, files in stored.items()}
        program = Program(tables, statement.stages, _bound(statement, run))
        try:
            return self._chosen(storage).run(program, Budget(seconds=run.seconds, max_rows=run.max_rows), run.stop)
        except WorkerFailure as failure:
            raise QueryError([_diagnose(failure)]) from failure

    def _chosen(self, storage: Storage) -> Worker:
        if self._worker is None:
            return shared_worker(storage.roots)
        self._worker.allow([*storage.roots, shared_scratch().root])
        return self._worker

    def execute(self, plan: n.Plan, storage: Storage, run: Run) -> pa.Table:
        """Return the rows of the plan; QueryError with an E45x (E205 for a bad pattern) when the run fails."""
        return self.run(self.prepare(plan), storage, run)

    def _stages(self, plan: n.Plan) -> tuple[SqlStage | NativeStage, ...]:
        printer = printing.Printer(DIALECT, plan)
        last = printer.statement()
        stages: list[SqlStage | NativeStage] = []
        for native in printer.natives:
            spec = sequence_spec(native.node, printer)
            keys = [*(k for s in spec["steps"] for k in s["keys"]), *(spec["until"] or [])]
            columns = ", ".join(DIALECT.identifier(c) for c in dict.fromkeys([printing.ROW, printing.STEPS, *keys, *spec["order"]]))
            # All columns stay in a table that can spill; the matcher is handed only what it reads.
            rows = DIALECT.identifier(f"{native.name}_rows")
            stages.append(SqlStage(f"{native.name}_rows", native.sql))
            narrow = f"SELECT {columns} FROM {rows} ORDER BY {DIALECT.identifier(printing.ROW)}"
            stages.append(SqlStage(f"{native.name}_input", narrow))
            stages.append(NativeStage(native.name, "sequence", f"{native.name}_input", spec))
        return (*stages, SqlStage("result", last))


def sequence_spec(node: n.Sequence, printer: printing.Printer) -> dict[str, Any]:
    """Return what the matcher of sequences is told: the columns of each step's keys, and the order of the events."""
    sets = printing.key_sets(node)
    order = [printer.physical(c) for c in (node.time, *node.tiebreak)] if node.ordered else []
    return {
        "steps": [{"keys": sets[s.keys], "missing": s.missing, "runs": s.runs} for s in node.steps],
        "until": sets[node.until.keys] if node.until else None,
        "order": order,
        "max_span": node.max_span,
        "ordered": node.ordered,
        "lists": [name for keys, names in sets.items() for key, name in zip(keys, names, strict=True) if key.type is Type.DYNAMIC],
    }


def _bound(statement: Statement, run: Run) -> dict[str, Value]:
    """Return the values of just the parameters that the plan reads; E457 for one that nobody gave."""
    absent = sorted(statement.parameters - run.parameters.keys())
    if absent:
        raise QueryError([Diagnostic("error", "E457", f"the query needs a value for {', '.join(absent)}", Span(0, 0), help="give it when the query is run")])
    return {name: run.parameters[name] for name in sorted(statement.parameters)}


def _diagnose(failure: WorkerFailure) -> Diagnostic:
    help = _HELP.get(failure.kind, "")
    pattern = re.search(r"invalid [^\"]*", failure.detail) if failure.kind == "regex" else None
    message = f"{failure.message}: {pattern.group()[:120]}" if pattern else failure.message
    return Diagnostic("error", CODES[failure.kind], message, Span(0, 0), help=help)
