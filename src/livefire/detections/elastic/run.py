"""Runs a detection rule of Elastic: its query over its indices, cut by filters and exceptions, and the alerts of its executions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from livefire import query as stages
from livefire.detections.detection import Review, Rule
from livefire.detections.elastic.aggregates import crossings, first_seen
from livefire.detections.elastic.executions import Alert, Counts, Executions, Suppressor, each_once, limited
from livefire.detections.elastic.indicators import indicated
from livefire.detections.elastic.rule import ElasticRule
from livefire.detections.runner import Bench, Outcome, python_rows, rows_of
from livefire.diagnostics import NOWHERE, Diagnostic, Diagnostics, QueryError, Source, Span
from livefire.languages.base import Context
from livefire.languages.index.conditions import Conditions
from livefire.languages.index.documents import covers, open_documents
from livefire.languages.index.filters import AllOf, Filter, Not, field_names
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Catalog, Table, TableCatalog
from livefire.plan.evidence import EVIDENCE, carry_evidence
from livefire.plan.functions import all_of, call
from livefire.plan.rewrite import rewrite
from livefire.schema import TICKS_PER_SECOND, Type

_TIME = "@timestamp"
_MOST_EXECUTIONS = 500
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Alerting:
    """A rule with what its file says; the query stands in the file's text at `shift`, where it stands there as it is."""

    said: ElasticRule
    faults: tuple[Diagnostic, ...] = ()
    shift: int | None = None

    def check(self, rule: Rule, catalog: Catalog, *, lenient: bool, review: Review) -> tuple[Diagnostic, ...]:
        """Return everything there is to say of the rule without running it; `review` judges the sense of its query."""
        found = list(self.faults)
        if self.said.query or self.said.type in ("query", "threshold", "new_terms"):
            source = Source(self.said.query, str(rule.path or rule.name))
            options = stages.Options(lenient, open_schema=True, language=self._options(catalog, found))
            plan, said = stages.check(source, self.said.language, catalog, options)
            found += self._shifted((*said, *(review(source, self.said.language, plan) if plan is not None else ())))
        return tuple(found)

    def run(self, rule: Rule, bench: Bench, *, lenient: bool) -> Outcome:
        """Run the rule and return one row an alert; a rule that cannot run is a refused outcome."""
        notes: list[Diagnostic] = list(self.faults)
        try:
            if any(f.severity == "error" for f in self.faults):
                raise QueryError(())
            alerts = self._alerts(bench, lenient=lenient, notes=notes)
        except QueryError as error:
            return Outcome(rule, diagnostics=(*notes, *self._shifted(error.diagnostics)), refused=True)
        return Outcome(rule, tuple(a.row for a in alerts), tuple(a.evidence for a in alerts), tuple(dict.fromkeys(notes)))

    # alerts

    def _alerts(self, bench: Bench, *, lenient: bool, notes: list[Diagnostic]) -> list[Alert]:
        said, counts = self.said, Counts()
        executions = Executions(said.schedule, bench.now if bench.once else None)
        if said.type == "new_terms" and said.history < said.schedule.lookback:
            raise QueryError(
                [Diagnostic("error", "E107", "the history of new terms begins after the rule's own window", help="make history_window_start earlier than from")]
            )
        if said.type == "esql" and not bench.once and self._gathers(bench, notes):
            return self._joined(list(self._each_execution(bench, executions, lenient=lenient, notes=notes)), counts, notes)
        events = self._events(bench, executions, lenient=lenient, notes=notes)
        rounds: Iterable[list[Alert]]
        if said.threshold is not None:
            rounds = limited(crossings(events, said.threshold, executions), said.schedule.most, counts, lambda a: a.time)
        elif said.type == "new_terms":
            rounds = limited(first_seen(events, said.new_terms, said.history, executions), said.schedule.most, counts, lambda a: a.time)
        elif events and "_sequence" in events[0].row:
            rounds = [events]
            notes.append(Diagnostic("notice", "N507", "a sequence is matched over all events at once, not execution by execution"))
        elif said.type == "esql":
            rounds = [events]
        else:
            rounds = each_once(events, executions, counts)
        return self._joined(rounds, counts, notes)

    def _gathers(self, bench: Bench, notes: list[Diagnostic]) -> bool:
        """Tell whether the query puts events together, so that its rows depend on the window it is run over."""
        plan = stages.read(Source(self.said.query), self.said.language, self._catalog(bench, notes, cut=None), stages.Options(open_schema=True))[1]
        return plan is not None and not _single(plan.input if isinstance(plan, n.Limit) else plan)

    def _joined(self, rounds: Iterable[list[Alert]], counts: Counts, notes: list[Diagnostic]) -> list[Alert]:
        """Return the alerts that suppression leaves, with a note on what is left out."""
        suppression = self.said.suppression
        if suppression is not None and self.said.threshold is not None and not suppression.fields:
            suppression = replace(suppression, fields=self.said.threshold.fields)
        alerts = list(Suppressor(suppression, counts).alerts(rounds)) if suppression is not None else [a for found in rounds for a in found]
        most = self.said.schedule.most
        for count, words in (
            (counts.cut, f"matches are beyond the {most} alerts that one execution makes (max_signals), and Elastic would not show them"),
            (counts.unseen, "matches are in no execution's window: `from` looks back less far than `interval`, or --now is elsewhere"),
        ):
            if count:
                notes.append(Diagnostic("warning", "W507", f"{count:,} {words}"))
        return alerts

    def _each_execution(self, bench: Bench, executions: Executions, *, lenient: bool, notes: list[Diagnostic]) -> Iterator[list[Alert]]:
        """Yield what each execution of an ES|QL rule gives that no execution before it gave."""
        catalog = self._catalog(bench, notes, cut=None)
        times = _occupied(self.said, catalog, bench)
        moments = executions.covering(times)
        if len(moments) > _MOST_EXECUTIONS:
            words = f"the rule would be run {len(moments):,} times over these events, more than {_MOST_EXECUTIONS:,}"
            raise QueryError([Diagnostic("error", "E304", words, help="name one moment with --now, or a range with --start and --end")])
        known: set[tuple[str, tuple[str, ...]]] = set()
        for moment in moments:
            found = []
            for alert in self._events(replace(bench, now=moment, once=True), Executions(self.said.schedule, moment), lenient=lenient, notes=notes):
                key = (str(sorted(alert.row.items(), key=str)), alert.evidence)
                if key not in known:
                    known.add(key)
                    alert.moment = moment
                    found.append(alert)
            yield found[: self.said.schedule.most]

    # events

    def _events(self, bench: Bench, executions: Executions, *, lenient: bool, notes: list[Diagnostic]) -> list[Alert]:
        """Run the query and return its rows as alerts, by the time of their events."""
        cut = None
        if executions.once is not None:
            back = max(self.said.schedule.lookback, self.said.history)
            cut = (executions.once - back, executions.once - self.said.schedule.until)
        catalog = self._catalog(bench, notes, cut=cut)
        options = stages.Options(lenient, bench.start is not None, bench.end is not None, language=self._options(catalog, notes), probe=_prober(bench))
        compiled = stages.compile(Source(self.said.query), self.said.language, catalog, options)
        notes += [d for d in self._shifted(compiled.diagnostics) if d not in notes]
        plan = rewrite(carry_evidence(compiled.lowered))
        table = bench.engine.run(bench.engine.prepare(plan), bench.storage, bench.run_values())
        alerts = []
        for row in python_rows(table, plan.schema):
            evidence = tuple(sorted(set(row.pop(EVIDENCE) or ())))
            alerts.append(Alert(row, evidence, _time(row, self.said.override, bench.now)))
        return alerts

    def _catalog(self, bench: Bench, notes: list[Diagnostic], *, cut: tuple[datetime, datetime] | None) -> TableCatalog:
        """Return the tables of the language, each cut to the documents that filters, exceptions and the window leave."""
        catalog = bench.catalog(self.said.language)
        parts: list[Filter] = [*self.said.filters, *(Not(x, NOWHERE) for x in self.said.exceptions)]
        if self.said.indicators is not None:
            parts.append(indicated(self.said.indicators, catalog, bench))
        diagnostics = Diagnostics(Source(""))
        tables = tuple(_cut(t, parts, cut, self.said.override, diagnostics) if self._reads(t) else t for t in catalog.tables())
        notes += [replace(d, span=NOWHERE) for d in diagnostics if replace(d, span=NOWHERE) not in notes]
        diagnostics.raise_if_failed()
        return TableCatalog(tables)

    def _reads(self, table: Table) -> bool:
        return not self.said.index or any(covers(pattern, table) for pattern in self.said.index)

    def _options(self, catalog: Catalog, notes: list[Diagnostic]) -> Mapping[str, object]:
        """Return the options of the query's language: the indices that are here, and the fields that alerts need."""
        said = self.said
        options: dict[str, object] = {"event_category_field" if k == "event_category_override" else k: v for k, v in said.options.items()}
        if said.language == "esql":
            return options
        tables = catalog.tables("elastic")
        wanted = [p for p in said.index if p.startswith("-") or any(covers(p, t) for t in tables)]
        absent = [p for p in said.index if p not in wanted]
        if absent and any(not p.startswith("-") for p in wanted):
            note = Diagnostic("notice", "N506", f"no table here is of {', '.join(absent)}; as in Elasticsearch the rule reads the others")
            notes += [note] if note not in notes else []
        options["index"] = ",".join(wanted if any(not p.startswith("-") for p in wanted) else said.index) or None
        if said.language in ("kuery", "lucene"):
            counted = [f for f, _ in said.threshold.cardinality] if said.threshold else []
            grouped = said.suppression.fields if said.suppression else ()
            override = [said.override] if said.override else []
            options["fields"] = tuple(dict.fromkeys([*(said.threshold.fields if said.threshold else ()), *counted, *said.new_terms, *grouped, *override]))
        return {k: v for k, v in options.items() if v is not None}

    def _shifted(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return diagnostics of the query at their places in the rule's file."""
        if self.shift is None:
            return tuple(replace(d, fix=None) for d in diagnostics)

        def moved(span: Span) -> Span:
            return Span(span.start + self.shift, span.end + self.shift) if self.shift is not None and span != NOWHERE else span

        return tuple(
            replace(
                d,
                span=moved(d.span),
                labels=tuple(replace(x, span=moved(x.span)) for x in d.labels),
                fix=replace(d.fix, span=moved(d.fix.span)) if d.fix else None,
            )
            for d in diagnostics
        )


def _prober(bench: Bench) -> Any:
    return lambda plan: rows_of(bench.engine, bench.storage, bench.run_values(), plan)


def _time(row: Mapping[str, Any], override: str | None, otherwise: datetime) -> datetime:
    for name in (override, _TIME):
        value = row.get(name) if name else None
        if isinstance(value, datetime):
            return value
    return max((v for v in row.values() if isinstance(v, datetime)), default=otherwise)


def _cut(table: Table, parts: Sequence[Filter], window: tuple[datetime, datetime] | None, override: str | None, diagnostics: Diagnostics) -> Table:
    """Return a table with only the documents that meet all filters and lie in the window."""
    if not parts and (window is None or table.time is None):
        return table
    tree = AllOf(tuple(parts), NOWHERE)
    context = Context(TableCatalog((table,)), diagnostics, options={"index": table.name})
    documents = open_documents(context, field_names(tree))
    kept = [Conditions(documents, context).lower(tree)] if parts else []
    if window is not None and table.time is not None:
        time: e.Expr = n.column(documents.plan, table.time)
        if override and (other := documents.plan.schema.get(override)) is not None and other.type is Type.DATETIME:
            time = call("logic.coalesce", e.Column(override, Type.DATETIME), time)
        first, last = (e.Literal(m.astimezone(UTC).replace(tzinfo=None), Type.DATETIME) for m in window)
        kept += [call("compare.ge", time, first), call("compare.le", time, last)]
    return replace(table, plan=n.select(n.Filter(documents.plan, all_of(*kept)), *table.plan.schema.names))


def _occupied(said: ElasticRule, catalog: TableCatalog, bench: Bench) -> list[datetime]:
    """Return the start and end of every stretch, as long as the rule's interval, in which the query has an event to work on."""
    ticks = int(said.schedule.interval.total_seconds()) * TICKS_PER_SECOND
    lowered = stages.read(Source(said.query), said.language, catalog, stages.Options(open_schema=True))[1]
    found: set[datetime] = set()
    for worked in _worked_on(lowered) if lowered is not None else ():
        time = worked.schema.get(_TIME)
        plan = worked if time is not None and time.type is Type.DATETIME else _source(worked)
        names = [f.name for f in plan.schema if f.type is Type.DATETIME and f.name in (_TIME, "_time")]
        if not names:
            continue
        start = call("time.bin_at", n.column(plan, names[0]), e.Literal(ticks, Type.TIMESPAN), e.Literal(_EPOCH, Type.DATETIME))
        rows = rows_of(bench.engine, bench.storage, bench.run_values(), n.Aggregate(plan, (n.Item("start", start),), ()))
        found |= {row[0] for row in rows if row[0] is not None}
    return sorted(t + step for t in found for step in (timedelta(0), said.schedule.interval - timedelta(microseconds=1)))


def _worked_on(plan: n.Plan) -> list[n.Plan]:
    """Return the plans of single events below the first nodes that put events together, the whole plan where there is none."""
    return [plan] if _single(plan) else [p for child in n.inputs(plan) for p in _worked_on(child)]


def _single(plan: n.Plan) -> bool:
    """Tell whether every row of a plan is one event."""
    if not isinstance(plan, (n.Scan, n.Filter, n.Project, n.Union, n.Unnest, n.Sort)):
        return False
    return all(_single(child) for child in n.inputs(plan))


def _source(plan: n.Plan) -> n.Plan:
    """Return the first plan below that still has the time of its events."""
    while plan.schema.get(_TIME) is None and (children := n.inputs(plan)):
        plan = children[0]
    return plan
