"""Runs rules over stored events and turns their rows into findings with evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from livefire import query as stages
from livefire.detections.detection import Detection, Rule
from livefire.detections.evidence import acts_of, completing, fingerprint
from livefire.detections.finding import Finding, precedence, row_fingerprint, row_time
from livefire.diagnostics import Diagnostic, QueryError, Source
from livefire.engines.base import Engine, Run, Statement, Storage
from livefire.logsources.canonical import shown
from livefire.logsources.networks import Networks
from livefire.plan.catalog import Catalog
from livefire.plan.evidence import EVIDENCE, carry_evidence, name_events
from livefire.plan.nodes import Plan
from livefire.plan.rewrite import rewrite
from livefire.schema import Schema, Type

if TYPE_CHECKING:
    import pyarrow as pa

    from livefire.engines.program import TableFiles


SEQUENCE = "_sequence"
"""The column that numbers the matches of a language whose queries give a row for each event of a match."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a rule: rows with evidence, or the diagnostics that refuse it.

    `refused` is True when the rule could not be run faithfully; `rows` is empty then.
    """

    rule: Rule
    rows: tuple[dict[str, Any], ...] = ()
    evidence: tuple[tuple[str, ...], ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    refused: bool = False
    plan: Plan | None = None

    @property
    def reason(self) -> str:
        """The first error in words, empty when the rule ran."""
        first = next((d for d in self.diagnostics if d.severity == "error"), None)
        return f"{first.code} {first.message}" if first and self.refused else ""


@dataclass(frozen=True, slots=True)
class Bench:
    """What rules are run with: the tables each language sees, an engine, the stored events, a clock, a budget.

    `networks` says to whom addresses belong. A rule with a schedule is run `once`, at the moment `now`, or else at each of its moments over the events.
    """

    catalog: Callable[[str], Catalog]
    engine: Engine
    storage: Storage
    now: datetime
    start: datetime | None = None
    end: datetime | None = None
    seconds: float = 60.0
    max_rows: int | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    once: bool = False
    networks: Networks = field(default_factory=Networks)

    def over(self, tables: Mapping[str, TableFiles]) -> Bench:
        """Return a bench with other files for some tables."""
        return replace(self, storage=Storage({**self.storage.tables, **tables}, self.storage.roots))

    def run_values(self) -> Run:
        """Return the values for the plan's parameters and the budget of one run."""
        moments = {"now": self.now, "start": self.start, "end": self.end}
        return Run({k: v.astimezone(UTC).replace(tzinfo=None) if v else None for k, v in moments.items()}, self.seconds, self.max_rows)


def rows_of(engine: Engine, storage: Storage, run: Run, plan: Plan) -> list[tuple[Any, ...]]:
    """Return the rows of a plan as Python values: what a language sees that looks at events before its query runs."""
    table = engine.execute(rewrite(plan), storage, run)
    columns = [python_values(listed(table.column(i)), f.type) for i, f in enumerate(plan.schema)]
    return list(zip(*columns, strict=True)) if columns else []


def compile_rule(rule: Rule, bench: Bench, *, lenient: bool, looked: list[Plan] | None = None) -> stages.Compiled:
    """Return a rule ready to run over the bench's events; QueryError when it cannot be run faithfully.

    `looked` is given each plan whose rows decided what the rule became, so that it holds for these events only.
    """

    def probe(plan: Plan) -> list[tuple[Any, ...]]:
        if looked is not None:
            looked.append(plan)
        return rows_of(bench.engine, bench.storage, bench.run_values(), plan)

    options = stages.Options(lenient, bench.start is not None, bench.end is not None, language=bench.options, probe=probe)
    return stages.compile(Source(rule.text, str(rule.path or rule.name)), rule.language, bench.catalog(rule.language), options)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A rule compiled once, with the plan that carries evidence; or the diagnostics that refuse it.

    One that `looked` at events while it was compiled is compiled again for the events it is run over.
    """

    rule: Rule
    compiled: stages.Compiled | None = None
    plan: Plan | None = None
    statement: Statement | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    lenient: bool = False
    looked: bool = False


def prepare(rule: Rule, bench: Bench, *, lenient: bool = False) -> Prepared:
    """Return a rule ready to run over any storage; a rule that cannot be read is told by its diagnostics."""
    looked: list[Plan] = []
    try:
        compiled = compile_rule(rule, bench, lenient=lenient, looked=looked)
        plan = rewrite(name_events(compiled.lowered) or carry_evidence(compiled.lowered))
        return Prepared(rule, compiled, plan, bench.engine.prepare(plan), compiled.diagnostics, lenient, bool(looked))
    except QueryError as error:
        return Prepared(rule, diagnostics=error.diagnostics, lenient=lenient, looked=bool(looked))


def run_rule(rule: Rule, bench: Bench, *, lenient: bool = False) -> Outcome:
    """Run a rule and return its rows with their evidence; a rule that cannot run is a refused outcome."""
    if rule.alerting is not None:
        return rule.alerting.run(rule, bench, lenient=lenient)
    return _run(prepare(rule, bench, lenient=lenient), bench)


def run_prepared(prepared: Prepared, bench: Bench) -> Outcome:
    """Run a prepared rule over the bench's storage."""
    return _run(prepare(prepared.rule, bench, lenient=prepared.lenient) if prepared.looked else prepared, bench)


def _run(prepared: Prepared, bench: Bench) -> Outcome:
    rule, plan, compiled = prepared.rule, prepared.plan, prepared.compiled
    if plan is None or compiled is None or prepared.statement is None:
        return Outcome(rule, diagnostics=prepared.diagnostics, refused=True)
    try:
        table = bench.engine.run(prepared.statement, bench.storage, bench.run_values())
    except QueryError as error:
        return Outcome(rule, diagnostics=(*prepared.diagnostics, *error.diagnostics), refused=True)
    return outcome_of(prepared, table)


def outcome_of(prepared: Prepared, table: pa.Table) -> Outcome:
    """Return what the rows of a rule's plan are: its outcome."""
    plan, compiled = prepared.plan, prepared.compiled
    assert plan is not None
    assert compiled is not None
    rows = python_rows(table, plan.schema)
    evidence = [_events(row.pop(EVIDENCE)) for row in rows]
    if rows and SEQUENCE in rows[0]:
        rows, evidence = _whole_sequences(rows, evidence)
    return Outcome(prepared.rule, tuple(rows), tuple(evidence), compiled.diagnostics, plan=compiled.lowered)


def _events(carried: str | list[str] | None) -> tuple[str, ...]:
    return (carried,) if isinstance(carried, str) else tuple(sorted(set(carried or ())))


def _whole_sequences(rows: list[dict[str, Any]], evidence: list[tuple[str, ...]]) -> tuple[list[dict[str, Any]], list[tuple[str, ...]]]:
    """Return a row for each sequence, its last event's, with the events of all its steps; a query shows a row for each step."""
    last: dict[object, dict[str, Any]] = {}
    behind: dict[object, set[str]] = {}
    for row, events in zip(rows, evidence, strict=True):
        number = row[SEQUENCE]
        if events or number not in last:
            last[number] = row
        behind.setdefault(number, set()).update(events)
    return list(last.values()), [tuple(sorted(behind[number])) for number in last]


def findings(detection: Detection, outcome: Outcome, bench: Bench) -> tuple[Finding, ...]:
    """Return one finding for each thing an outcome found: of rows that rest on the same act, the one with most evidence."""
    card, language = detection.card, outcome.rule.language
    acts = acts_of((name for events in outcome.evidence for name in events), bench)
    found: dict[str, Finding] = {}
    for row, events in zip(outcome.rows, outcome.evidence, strict=True):
        mark = fingerprint(card.id, events, acts, card.finding) if events else row_fingerprint(card.id, row)
        last = completing(events, acts, card.finding)
        here = Finding(card.id, card.title, card.severity, language, row, events, row_time(row) or (last.time if last else None), mark)
        if mark not in found or precedence(here) < precedence(found[mark]):
            found[mark] = here
    return tuple(found.values())


def python_rows(table: pa.Table, schema: Schema) -> list[dict[str, Any]]:
    """Return rows as dicts of Python values: aware datetimes, timedeltas, decoded dynamics."""
    columns, names = [python_values(listed(table.column(i)), f.type) for i, f in enumerate(schema)], schema.names
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def listed(column: pa.ChunkedArray) -> list[Any]:
    """Return a column as a list; a moment outside the years 1 to 9999, which only arithmetic can give, is null."""
    try:
        found: list[Any] = column.to_pylist()
    except OverflowError:
        found = [_within(value) for value in column]
    return found


def _within(value: pa.Scalar) -> Any:
    try:
        return value.as_py()
    except OverflowError:
        return None


def python_values(raw: list[Any], type: Type) -> list[Any]:
    """Return a column's stored values as Python values of a plan type."""
    match type:
        case Type.DYNAMIC:
            return [None if v is None else shown(v) for v in raw]
        case Type.DATETIME:
            return [None if v is None else v.replace(tzinfo=UTC) for v in raw]
        case Type.TIMESPAN:
            return [None if v is None else timedelta(microseconds=v // 10) for v in raw]
        case _:
            return raw
