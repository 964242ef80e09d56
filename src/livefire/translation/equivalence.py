"""The proof of a translation: two rules over the same events, and the event that tells them apart."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from livefire import query as stages
from livefire.diagnostics import QueryError
from livefire.engines.base import Engine, Run, Statement, Storage, Value
from livefire.engines.program import TableFiles
from livefire.engines.worker import shared_scratch
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.evidence import EVIDENCE, carry_evidence
from livefire.plan.functions import call
from livefire.plan.rewrite import rewrite
from livefire.schema import Schema
from livefire.store.frames import empty_table, read_records
from livefire.translation.places import PARSED
from livefire.translation.printer import Assumption

if TYPE_CHECKING:
    import pyarrow as pa

Record = Mapping[str, Any]
Verdict = Literal["proved", "different", "not proved"]


@dataclass(frozen=True, slots=True)
class Difference:
    """An event that one rule finds and the other does not: `times` is how often each does."""

    log_source: str
    event: str
    times: tuple[int, int]
    raw: Any

    @property
    def words(self) -> str:
        """Which of the two found it."""
        return "found by the original alone" if self.times[0] > self.times[1] else "found by the translation alone"


@dataclass(frozen=True, slots=True)
class Equivalence:
    """What running both rules showed: over how many events, how many of them were found, and where they differ."""

    verdict: Verdict
    events: int = 0
    found: int = 0
    excluded: int = 0
    difference: Difference | None = None
    reason: str = ""


class Ground:
    """Events to run two rules over; events of several log sources lie side by side.

    `generated` events may break what a translation assumes and are then left out; of real and
    emulated ones none is.
    """

    def __init__(self, title: str, storage: Storage, events: int, *, generated: bool = False) -> None:
        self.title = title
        self.storage = storage
        self.events = events
        self.generated = generated


def ground(title: str, records: Mapping[str, Sequence[Record]], sources: Sequence[str], *, generated: bool = False) -> Ground:
    """Lay out raw records of log sources as tables; the other sources' tables are empty."""
    tables, count = {}, 0
    for source in sources:
        table = read_table(source, records[source]) if source in records else empty_table(source)
        count += table.num_rows
        tables[source] = TableFiles((shared_scratch().put(table),))
    return Ground(title, Storage(tables), count, generated=generated)


def read_table(source: str, records: Sequence[Record]) -> pa.Table:
    """Return raw records in the columns of their log source."""
    lines = b"\n".join(json.dumps(r, separators=(",", ":"), ensure_ascii=False).encode() for r in records)
    return read_records(io.BytesIO(lines), source)


class Runner:
    """Runs a compiled rule over grounds and counts how often each event is behind a row."""

    def __init__(self, compiled: stages.Compiled, engine: Engine, now: Value, seconds: float) -> None:
        self.engine = engine
        self.run_values = Run({"now": now, "start": None, "end": None}, seconds)
        self.plan = rewrite(_evidence_alone(compiled.lowered))
        self.statement: Statement = engine.prepare(self.plan)

    def found(self, storage: Storage) -> Counter[tuple[str, ...]]:
        """Return how many rows rest on each set of events."""
        table = self.engine.run(self.statement, storage, self.run_values)
        return Counter(tuple(sorted(set(json.loads(v) if v else ()))) for v in table.column(0).to_pylist())


def _evidence_alone(plan: n.Plan) -> n.Plan:
    return n.select(carry_evidence(_unlimited(plan)), EVIDENCE)


def _unlimited(plan: n.Plan) -> n.Plan:
    """Drop a cap on rows that the text does not state; what it states is kept."""
    return _unlimited(plan.input) if isinstance(plan, n.Limit) and plan.span is None else plan


def compare(original: Runner, translated: Runner, ground: Ground, assumptions: Sequence[Assumption], schemas: Callable[[str], Schema]) -> Equivalence:
    """Run two rules over the same events; generated events that break an assumption are left out of the comparison."""
    try:
        left, right = original.found(ground.storage), translated.found(ground.storage)
    except QueryError as error:
        return Equivalence("not proved", ground.events, reason=str(error))
    found, excluded = sum(left.values()), 0
    differing = sorted((k for k in {*left, *right} if left[k] != right[k]), key=lambda k: (len(k), k))
    rows = _rows({event for events in differing for event in events}, ground, original, schemas)
    for events in differing:
        if ground.generated and any(_breaks(rows[e], assumptions) for e in events if e in rows):
            excluded += 1
            continue
        raws = [json.loads(rows[e]["_raw"]) for e in events if e in rows]
        source = events[0].partition("/")[0] if events else ""
        difference = Difference(source, ", ".join(events), (left[events], right[events]), raws[0] if len(raws) == 1 else raws)
        return Equivalence("different", ground.events, found, excluded, difference, f"over {ground.title}")
    return Equivalence("proved", ground.events, found, excluded)


def _rows(events: set[str], ground: Ground, runner: Runner, schemas: Callable[[str], Schema]) -> dict[str, Mapping[str, Any]]:
    """Return the stored columns of events, by the names they have as evidence."""
    found: dict[str, Mapping[str, Any]] = {}
    for source in {x.partition("/")[0] for x in events}:
        schema = schemas(source)
        scan = n.Scan(source, schema, schema.names, identity="_id")
        wanted = [e.text(x.partition("/")[2]) for x in sorted(events) if x.partition("/")[0] == source]
        table = runner.engine.execute(n.Filter(scan, call("compare.in", n.column(scan, "_id"), *wanted)), ground.storage, runner.run_values)
        for row in table.rename_columns(list(schema.names)).to_pylist():
            found[f"{source}/{row['_id']}"] = row
    return found


def _breaks(row: Mapping[str, Any], assumptions: Sequence[Assumption]) -> bool:
    return any(_broken(row, a) for a in assumptions)


def _broken(row: Mapping[str, Any], assumption: Assumption) -> bool:
    value = row.get(assumption.column)
    if assumption.steps or (isinstance(value, str) and assumption.kind != "never"):
        value = _opened(value)
    for step in assumption.steps:
        if step == PARSED:
            value = _opened(value)
        elif isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            value = None
    if assumption.kind == "plain":
        return isinstance(value, (list, dict))
    if assumption.kind == "single":
        return isinstance(value, list)
    return isinstance(value, str) and value.casefold() == assumption.text.casefold()


def _opened(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
