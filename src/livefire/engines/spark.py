"""Spark: plans printed as its SQL, with what it lacks carried to its nodes, and run through Spark Connect."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livefire.diagnostics import Diagnostic, QueryError, Span
from livefire.engines import sql as printing
from livefire.engines.base import Run, Statement, Storage
from livefire.engines.distributed import NESTED
from livefire.engines.distributed.faults import diagnose, of_cluster
from livefire.engines.distributed.nested import bind, settle
from livefire.engines.distributed.printing import Script, SparkPrinter, Stage
from livefire.engines.distributed.session import SAIL, Session, by_value, session
from livefire.engines.distributed.shaping import STORED_AT, native, shape
from livefire.engines.distributed.stored import Places, Views
from livefire.engines.duckdb import CODES
from livefire.engines.duckdb_sql import DIALECT as EMBEDDED
from livefire.engines.program import SqlStage
from livefire.engines.pruning import files_within
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import FUNCTIONS
from livefire.plan.reach import windows
from livefire.schema import Type

if TYPE_CHECKING:
    import pyarrow as pa

_BUCKETS = {"sail": 4}
_MOST_BUCKETS = 64


@dataclass(frozen=True, slots=True)
class SparkStatement(Statement):
    """A plan as Spark runs it; it is printed when it runs, with its values and the tables it finds."""

    plan: n.Plan | None = None


class Spark:
    """A cluster behind Spark Connect, a Spark of this machine, or Sail in this process.

    `address` is `sc://host:port`, a master that this machine starts (`local[4]`), or `sail`.
    `places` says where the cluster finds the lake. With `carry` false nothing is computed on the
    nodes outside Spark's own SQL: what Spark has no words for is then unsupported.
    """

    name = "spark"

    def __init__(self, address: str = SAIL, places: Places | None = None, *, carry: bool = True, opened: Session | None = None) -> None:
        self.address, self.places, self.carry = address, places or Places(), carry
        self._opened = opened
        self._views: dict[int, Views] = {}

    def begin(self, storage: Storage) -> None:
        """Do nothing: a session is made when it is first asked."""

    def unsupported(self, plan: n.Plan) -> tuple[Diagnostic, ...]:
        """Return an E303 for each meaning in the plan that neither Spark nor, unless switched off, the engine carried to its nodes has."""
        found = list(printing.unsupported(plan, EMBEDDED))
        if not self.carry:
            found += [_lacking(part) for node in printing.walk(plan) for x in printing.expressions(node) for part in _parts_lacking(x)]
            kinds = (n.Unnest, n.Recurrence, n.Sequence)
            found += [_no_node(node) for node in printing.walk(plan) if isinstance(node, kinds)]
        return tuple(dict.fromkeys(found))

    def sql(self, plan: n.Plan) -> str:
        """Return the statements that Spark runs for the plan, each followed by what is carried to the nodes as a comment."""
        script = self._script(plan, "")
        parts = []
        for stage in script.stages:
            carried = stage.sql.replace("\n", " ") or "the matcher of sequences"
            parts.append(f"-- {stage.name} is the result of the next statement, on the nodes: {carried}\n{stage.source}")
        return ";\n".join([*parts, script.statement])

    def prepare(self, plan: n.Plan) -> SparkStatement:
        """Return the plan ready to run; QueryError E303 for what cannot run there."""
        missing = self.unsupported(plan)
        if missing:
            raise QueryError(missing)
        tables = frozenset(node.table for node in printing.walk(plan) if isinstance(node, n.Scan))
        used = frozenset(
            p.name for node in printing.walk(plan) for x in printing.expressions(node) for p in printing.walk_expr(x) if isinstance(p, e.Parameter)
        )
        return SparkStatement((SqlStage("result", ""),), tables, used, windows(plan), plan)

    def run(self, statement: Statement, storage: Storage, run: Run) -> pa.Table:
        """Return the rows of a prepared plan; QueryError E45x or E46x when the run fails."""
        assert isinstance(statement, SparkStatement) and statement.plan is not None
        opened = self._session()
        tag = f"livefire-{uuid.uuid4().hex}"
        plan = statement.plan
        tables = {name: files_within(files, statement.windows.get(name, ()), run.parameters) for name, files in storage.tables.items()}
        within = Storage(tables, storage.roots)

        def work() -> pa.Table:
            opened.spark.addTag(tag)
            return _fit(self._rows(opened, bind(plan, run.parameters), within, run.max_rows), plan)

        try:
            return _within(run.seconds, work, lambda: opened.spark.interruptTag(tag))
        except TimeoutError:
            help = "narrow the time range, filter earlier, or give the run more seconds"
            raise QueryError([Diagnostic("error", "E451", "the query took longer than its budget", Span(0, 0), help=help)]) from None
        except QueryError:
            raise
        except Exception as error:
            if not of_cluster(error):
                raise
            raise QueryError([diagnose(error, CODES)]) from error

    def execute(self, plan: n.Plan, storage: Storage, run: Run) -> pa.Table:
        """Return the rows of the plan; QueryError E45x or E46x when the run fails."""
        return self.run(self.prepare(plan), storage, run)

    def _session(self) -> Session:
        return self._opened if self._opened is not None else session(self.address)

    def _script(self, plan: n.Plan, prefix: str) -> Script:
        shaped = shape(plan, lambda scan: self.places.knows_order(scan.table) and not scan.table.startswith(NESTED))
        return SparkPrinter(shaped, prefix, _BUCKETS.get(self.address, _MOST_BUCKETS)).script()

    def _rows(self, opened: Session, plan: n.Plan, storage: Storage, most: int | None) -> pa.Table:
        """Run a plan whose values are all known, its nested queries first."""
        nested: dict[str, bytes] = {}
        settled = settle(plan, lambda inner: self._rows(opened, inner, storage, None), nested)
        prefix = f"livefire_{uuid.uuid4().hex[:12]}_"
        script = self._script(settled, prefix)
        made: list[str] = []
        try:
            for name, given in script.views.items():
                ordered = STORED_AT in script.statement or any(STORED_AT in s.source for s in script.stages)
                view = self._views.setdefault(id(opened), Views()).open(opened, name, storage, self.places, ordered=ordered)
                opened.spark.table(view).createOrReplaceTempView(given)
                made.append(given)
            for stage in script.stages:
                opened.require_nodes()
                _carry(opened.spark, stage, nested).createOrReplaceTempView(stage.name)
                made.append(stage.name)
            rows = opened.spark.sql(script.statement)
            return _bounded(rows if most is None else rows.limit(most + 1), most)
        finally:
            for name in made:
                opened.spark.catalog.dropTempView(name)


def _carry(spark: Any, stage: Stage, nested: Mapping[str, bytes]) -> Any:
    """Return the rows of a stage: its statement's rows, handed to what is carried."""
    from livefire.engines import sequence
    from livefire.engines.distributed import carried

    by_value(carried, sequence)
    schema = _arrow(stage.columns)
    tables = {name: nested[name] for name in stage.nested}
    source, result = spark.sql(stage.source), _spark_type(stage.columns)
    if not stage.grouped:
        return source.mapInArrow(carried.row_wise(stage.sql, schema, tables), result)
    buckets = source.groupBy(carried.BUCKET)
    if stage.sequence is not None:
        return buckets.applyInArrow(carried.matching(sequence.match, stage.sequence.spec, stage.sequence.layout, schema), result)
    return buckets.applyInArrow(carried.group_wise(stage.sql, schema, tables, sentinel=stage.sentinel), result)


def _arrow_types() -> dict[Type, Any]:
    import pyarrow as pa

    known = {Type.BOOL: pa.bool_(), Type.INT: pa.int64(), Type.LONG: pa.int64(), Type.TIMESPAN: pa.int64(), Type.REAL: pa.float64()}
    return {**known, Type.DECIMAL: pa.decimal128(38, 12), Type.DATETIME: pa.timestamp("us")}


def _arrow(columns: tuple[tuple[str, Type], ...]) -> bytes:
    import pyarrow as pa

    types = _arrow_types()
    data: bytes = pa.schema([pa.field(name, types.get(kind, pa.string())) for name, kind in columns]).serialize().to_pybytes()
    return data


def _spark_type(columns: tuple[tuple[str, Type], ...]) -> Any:
    from pyspark.sql import types as t

    known: dict[Type, Any] = {Type.BOOL: t.BooleanType(), Type.INT: t.LongType(), Type.LONG: t.LongType(), Type.TIMESPAN: t.LongType()}
    known |= {Type.REAL: t.DoubleType(), Type.DECIMAL: t.DecimalType(38, 12), Type.DATETIME: t.TimestampNTZType()}
    return t.StructType([t.StructField(name, known.get(kind, t.StringType())) for name, kind in columns])


def _bounded(rows: Any, most: int | None) -> pa.Table:
    table: pa.Table = rows.toArrow()
    if most is not None and table.num_rows > most:
        message = "the result has more rows than the budget allows"
        raise QueryError([Diagnostic("error", "E453", message, Span(0, 0), help="add a limit, or aggregate")])
    return table


def _fit(table: pa.Table, plan: n.Plan) -> pa.Table:
    """Return the rows under the names and types that every engine gives them."""
    import pyarrow as pa

    types = _arrow_types() | {Type.INT: pa.int32()}
    names = printing.physical_names(plan)
    schema = pa.schema([pa.field(names[f.name], types.get(f.type, pa.string())) for f in plan.schema])
    return table.select(range(len(plan.schema))).rename_columns(schema.names).cast(schema) if len(plan.schema) else table


def _within(seconds: float, work: Callable[[], pa.Table], stop: Callable[[], object]) -> pa.Table:
    """Return what some work gives, or raise TimeoutError; what does not stop is left behind."""
    found: list[pa.Table] = []
    failed: list[BaseException] = []

    def attempt() -> None:
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            failed.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        threading.Thread(target=stop, daemon=True).start()
        thread.join(5.0)
        raise TimeoutError
    if failed:
        raise failed[0]
    return found[0]


def _parts_lacking(expr: e.Expr) -> list[e.Expr]:
    return [] if native(expr) else [part for part in printing.walk_expr(expr) if not native(part) and all(native(c) for c in e.children(part))]


def _lacking(part: e.Expr) -> Diagnostic:
    span = getattr(part, "span", None) or Span(0, 0)
    name = getattr(part, "function", None)
    what = f"{name} ({FUNCTIONS[name].summary})" if name else type(part).__name__.lower()
    return Diagnostic("error", "E303", f"engine spark cannot compute {what} of these types in its own words", span)


def _no_node(node: n.Plan) -> Diagnostic:
    return Diagnostic("error", "E303", f"engine spark has no {type(node).__name__.lower()} of its own", getattr(node, "span", None) or Span(0, 0))
