"""The proof of a translation: two rules over the same events, and the event that tells them apart."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

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
from livefire.plan.walk import map_inputs
from livefire.schema import Schema
from livefire.store.frames import empty_table, read_records
from livefire.translation.flow import sequence_in
from livefire.translation.places import PARSED, Steps
from livefire.translation.printer import Assumption

if TYPE_CHECKING:
    import pyarrow as pa

Record = Mapping[str, Any]
# The most rows that any of the products gives; a cut beyond it is the product's, not the rule's.
_EVERY = 10_000
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
    """Events to run two rules over; events of several log sources lie side by side. `excluded` were left out."""

    def __init__(self, title: str, storage: Storage, events: int, excluded: int = 0) -> None:
        self.title = title
        self.storage = storage
        self.events = events
        self.excluded = excluded


def ground(title: str, records: Mapping[str, Sequence[Record]], sources: Sequence[str], assumptions: Sequence[Assumption] = ()) -> Ground:
    """Lay out raw records of log sources as tables, without those that break an assumption; the other sources' tables are empty.

    Assumptions are for generated events alone: emulated and real ones are to keep them by themselves.
    """
    tables, count, excluded = {}, 0, 0
    for source in sources:
        table = read_table(source, records[source]) if source in records else empty_table(source)
        if assumptions:
            kept = [not any(_broken(row, a) for a in assumptions) for row in table.to_pylist()]
            excluded += kept.count(False)
            table = table.filter(kept) if table.num_rows else table
        count += table.num_rows
        tables[source] = TableFiles((shared_scratch().put(table),))
    return Ground(title, Storage(tables), count, excluded)


def read_table(source: str, records: Sequence[Record]) -> pa.Table:
    """Return raw records in the columns of their log source."""
    lines = b"\n".join(json.dumps(r, separators=(",", ":"), ensure_ascii=False).encode() for r in records)
    return read_records(io.BytesIO(lines), source)


Row: TypeAlias = tuple[tuple[str, ...], tuple[int, ...]]


class Runner:
    """Runs a compiled rule and counts how often each set of events, with the numbers named, is behind a row.

    Which of several rows with the same sort key a cut keeps is nobody's promise; so a rule that
    cuts is compared without its cuts, and its cut rows by their numbers alone.
    """

    def __init__(self, compiled: stages.Compiled, engine: Engine, now: Value, seconds: float, numbers: Sequence[str] = ()) -> None:
        self.engine = engine
        self.run_values = Run({"now": now, "start": None, "end": None}, seconds)
        self.numbers = tuple(numbers)
        plan = _matches(_stated(compiled.lowered))
        self.cut = min(_cuts(plan), default=None)
        self._whole = self._prepare(_uncut(plan))
        self._shortened = self._prepare(plan) if self.cut is not None else None

    def _prepare(self, plan: n.Plan) -> Statement:
        return self.engine.prepare(rewrite(n.select(carry_evidence(plan), EVIDENCE, *self.numbers)))

    def found(self, storage: Storage) -> Counter[Row]:
        """Return how many rows rest on each set of events, cuts left aside."""
        return Counter(self._rows(self._whole, storage))

    def shortened(self, storage: Storage) -> Counter[tuple[int, ...]] | None:
        """Return how many of the rows that a cut leaves have which numbers; None without a cut."""
        return None if self._shortened is None else Counter(numbers for _, numbers in self._rows(self._shortened, storage))

    def _rows(self, statement: Statement, storage: Storage) -> list[Row]:
        table = self.engine.run(statement, storage, self.run_values)
        evidence = [tuple(sorted(set(json.loads(v) if v else ()))) for v in table.column(0).to_pylist()]
        values = [table.column(at + 1).to_pylist() for at in range(len(self.numbers))]
        return [(events, tuple(int(v or 0) for v in row)) for events, *row in zip(evidence, *values, strict=True)]


def _stated(plan: n.Plan) -> n.Plan:
    """Drop a cap on rows that the text does not state; what it states is kept."""
    return _stated(plan.input) if isinstance(plan, n.Limit) and plan.span is None else plan


def _matches(plan: n.Plan) -> n.Plan:
    """Return one row a match of a sequence that shows its events one by one: they are found together."""
    sequence = sequence_in(plan)
    number = plan.schema.get(sequence.sequence) if sequence is not None and not _gathered(plan) else None
    return plan if number is None else n.Aggregate(plan, (n.Item(number.name, e.Column(number.name, number.type)),), ())


def _gathered(plan: n.Plan) -> bool:
    return isinstance(plan, n.Aggregate) or any(_gathered(p) for p in n.inputs(plan) if not isinstance(plan, n.Sequence))


def _uncut(plan: n.Plan) -> n.Plan:
    return _uncut(plan.input) if isinstance(plan, n.Limit) else map_inputs(plan, _uncut)


def _cuts(plan: n.Plan) -> list[int]:
    own = [plan.count] if isinstance(plan, n.Limit) and plan.count < _EVERY else []
    return own + [c for child in n.inputs(plan) for c in _cuts(child)]


def compare(original: Runner, translated: Runner, ground: Ground, schemas: Callable[[str], Schema]) -> Equivalence:
    """Run two rules over the same events."""
    try:
        left, right = original.found(ground.storage), translated.found(ground.storage)
    except QueryError as error:
        return Equivalence("not proved", ground.events, reason=str(error))
    if original.cut is not None and (translated.cut != original.cut or translated.shortened(ground.storage) != original.shortened(ground.storage)):
        return Equivalence("different", ground.events, sum(left.values()), reason=f"in the rows that are left by a cut, over {ground.title}")
    found = sum(left.values())
    differing = sorted((k for k in {*left, *right} if left[k] != right[k]), key=lambda k: (len(k[0]), k))
    rows = _rows({event for events, _ in differing for event in events}, ground, original, schemas)
    for row in differing[:1]:
        events = row[0]
        raws = [json.loads(rows[x]["_raw"]) for x in events if x in rows]
        source = events[0].partition("/")[0] if events else ""
        difference = Difference(source, ", ".join(events), (left[row], right[row]), raws[0] if len(raws) == 1 else raws)
        return Equivalence("different", ground.events, found, ground.excluded, difference, f"over {ground.title}")
    return Equivalence("proved", ground.events, found, ground.excluded)


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


def _broken(row: Mapping[str, Any], assumption: Assumption) -> bool:
    if assumption.kind == "moment":
        # Events that are made for a rule over what follows what have a moment each.
        return False
    value = row.get(assumption.column)
    if assumption.kind in ("apart", "beside"):
        other = row.get(assumption.text)
        return value not in (None, False) and (other not in (None, False)) is (assumption.kind == "apart")
    if assumption.steps or (isinstance(value, str) and assumption.kind not in ("never", "form")):
        value = _opened(value)
    return any(_breaks(v, assumption) for v in _reached(value, assumption.steps))


def _reached(value: Any, steps: Steps) -> Iterator[Any]:
    """Yield what stands at the end of a path: one value, or none; of every element of a list for `*`."""
    if not steps:
        yield value
        return
    step, *rest = steps
    if step == PARSED:
        yield from _reached(_opened(value), tuple(rest))
    elif step == "*":
        for element in value if isinstance(value, list) else ():
            yield from _reached(element, tuple(rest))
    elif isinstance(value, dict) and isinstance(step, str):
        yield from _reached(value.get(step), tuple(rest))
    elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
        yield from _reached(value[step], tuple(rest))


def _breaks(value: Any, assumption: Assumption) -> bool:
    match assumption.kind:
        case "plain":
            return isinstance(value, (list, dict))
        case "list":
            return value is not None and not isinstance(value, list)
        case "filled":
            return isinstance(value, (list, dict)) and not _leaves(value)
        case "address":
            return isinstance(value, str) and "/" in value
        case "single":
            return isinstance(value, list)
        case _:
            return isinstance(value, str) and value.casefold() == assumption.text.casefold()


def _leaves(value: Any) -> bool:
    """True for a value, or a list or object with one somewhere in it."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return value is not None if inside is None else any(_leaves(v) for v in inside)


def _opened(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
