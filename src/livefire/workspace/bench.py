"""What a workbench asks: rows for a grid, the events behind a row, words for an editor, the shape of a plan, history by day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from livefire.diagnostics import Diagnostic, QueryError, Source
from livefire.languages.base import Several
from livefire.workspace.browsing import Browsing
from livefire.workspace.clock import naive

if TYPE_CHECKING:
    from livefire.detections.detection import Rule
    from livefire.engines.stopping import Stop
    from livefire.workspace.queries import Result

SECONDS = 120.0
MOST_TABLES = 32
_HISTOGRAM = (
    "union (AWSCloudTrail | project T = TimeGenerated, S = 'AWS'), (AzureActivity | project T = TimeGenerated, S = 'Azure'), "
    "(GCPAuditLogs | project T = TimeGenerated, S = 'GCP') | summarize N = count() by T = bin(T, {step}), S | sort by T asc"
)


class Benching(Browsing):
    """What is asked of queries while they are written."""

    def languages(self) -> tuple[str, ...]:
        """Return the names of the languages."""
        from livefire.languages import REGISTRY

        return tuple(REGISTRY)

    def words(self, language: str) -> dict[str, Any]:
        """Return the tables, columns, functions and commands that a language offers here; KeyError for no language."""
        from livefire.browsing.words import words
        from livefire.languages import REGISTRY
        from livefire.workspace.holdings import PRODUCTS

        if language not in REGISTRY:
            raise KeyError(language)
        return words(language, self.catalog(language), PRODUCTS[language])

    def stop(self) -> Stop:
        """Return what a run is stopped with from another thread."""
        from livefire.engines.stopping import Stop

        return Stop()

    def stoppable(self, stop: Stop) -> Self:
        """Return this workspace for work of many runs that ends as a whole, with StoppedError, once `stop` is asked for; tables and lake are the same."""
        from livefire.engines.stopping import Stoppable

        other = copy(self)
        other._engine_given = Stoppable(self._engine(), stop)
        return other

    def said(self, text: str, language: str, diagnostics: Iterable[Diagnostic] | None = None, *, lenient: bool = False) -> list[dict[str, Any]]:
        """Return all there is to say of a query, or what was said of it, as data; places count from 1 in lines and from 0 in characters."""
        from livefire.report.diagnostics import as_json

        found = self._heard(text, language, lenient=lenient) if diagnostics is None else diagnostics
        return as_json(found, Source(text))

    def _heard(self, text: str, language: str, *, lenient: bool) -> list[Diagnostic]:
        """Return all there is to say of a query that may give several tables, each thing once."""
        tables = Several()
        found = self.check(text, language, lenient=lenient, several=tables)
        for place in range(1, min(len(tables.names), MOST_TABLES)):
            found += self.check(text, language, lenient=lenient, several=Several(place))
        return list(dict.fromkeys(found))

    def look(
        self,
        text: str,
        language: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        lenient: bool = False,
        seconds: float = 60.0,
        stop: Stop | None = None,
    ) -> dict[str, Any]:
        """Run a query and return its rows as a grid and a chart show them; QueryError when it cannot be run faithfully.

        The clock stands at `end`, or a minute past the latest event.
        """
        from livefire.browsing.rows import MOST_ROWS, chart, grid
        from livefire.report.tables import shown

        now = end or self.clock()
        found = self.query(
            text,
            language,
            now=now,
            start=start,
            end=end,
            lenient=lenient,
            seconds=min(seconds, SECONDS),
            max_rows=MOST_ROWS,
            stop=stop,
            name="query",
            most_tables=MOST_TABLES,
        )

        def sheet(one: Result) -> dict[str, Any]:
            rows = one.rows
            return {"name": shown(one.name), **grid(one.columns, one.types, rows), "chart": chart(text, language, one.columns, one.types, rows)}

        first, *others = map(sheet, found.tables)
        said = dict.fromkeys(d for one in found.tables for d in one.diagnostics)
        return {**first, "now": now, "diagnostics": self.said(text, language, said), "others": others}

    def behind(
        self,
        text: str,
        language: str,
        row: Sequence[str],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        lenient: bool = False,
        table: int = 0,
    ) -> list[dict[str, Any]]:
        """Return the events that a row of a query rests on; the row is given as a grid shows it, `table` counts from 0. QueryError when it cannot be run."""
        from livefire.browsing.rows import MOST_ROWS, WIDEST
        from livefire.detections.detection import Rule
        from livefire.report.tables import shown

        outcome = self.run(
            Rule("query", language, text), lenient=lenient, now=end or self.clock(), start=start, end=end, max_rows=MOST_ROWS, several=Several(table)
        )
        if outcome.refused:
            raise QueryError(outcome.diagnostics, Source(text))
        names = {n for one, events in zip(outcome.rows, outcome.evidence, strict=True) if [shown(v, WIDEST) for v in one.values()] == list(row) for n in events}
        return self.stored_events(sorted(names)[:200])

    def stored_events(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Return events by `<log source>/<id>` as they were logged, by time; those that are not in the lake are left out."""
        import json

        from livefire.logsources.registry import SOURCES
        from livefire.plan import nodes as n
        from livefire.plan.expr import text
        from livefire.plan.functions import call

        bench, found = self.bench(), []
        for source in SOURCES:
            wanted = [text(name.partition("/")[2]) for name in names if name.partition("/")[0] == source.name]
            if not wanted:
                continue
            scan = n.Scan(source.name, source.schema, source.schema.names, identity="_id")
            plan = n.select(n.Filter(scan, call("compare.in", n.column(scan, "_id"), *wanted)), "_time", "_id", "_raw")
            rows = bench.engine.execute(plan, bench.storage, bench.run_values()).to_pylist()
            found += [{"source": source.name, "id": r["_id"], "time": r["_time"], "event": json.loads(r["_raw"])} for r in rows]
        return sorted(found, key=lambda e: (e["time"], e["id"]))

    def stage(self, text: str, language: str, stage: str, *, lenient: bool = False, table: int = 0) -> str:
        """Return a stage of a query of a table, counted from 0, as text: ast, plan or sql. QueryError when it cannot be read, KeyError for another stage."""
        from pprint import pformat

        from livefire.engines.base import Run
        from livefire.report.plans import as_text

        probe = self.probe(Run({"now": naive(self.clock()), "start": None, "end": None}))
        compiled = self.compile(Source(text, "query"), language, lenient=lenient, probe=probe, several=Several(table))
        shown: Mapping[str, Callable[[], str]] = {
            "ast": lambda: pformat(compiled.ast, width=120),
            "plan": lambda: as_text(compiled.lowered),
            "sql": lambda: self.sql(compiled),
        }
        return shown[stage]()

    def why_missed(self, text: str, language: str, event: str, *, lenient: bool = False, table: int = 0) -> str:
        """Return which clause of a query drops an event, given by the id it has in the lake; QueryError when it cannot be read."""
        from livefire.engines.base import Run

        now = self.clock()
        probe = self.probe(Run({"now": naive(now), "start": None, "end": None}))
        return self.explain_miss(self.compile(Source(text, "query"), language, lenient=lenient, probe=probe, several=Several(table)), event, now)

    def rendering(self, text: str, language: str, to: str, *, lenient: bool = False) -> dict[str, Any]:
        """Return a rule in another language with its proof; QueryError where that cannot be."""
        from livefire.report.translation import account, as_json

        made = self.translate(text, to, language, lenient=lenient)
        return {**as_json(made), "account": account(made)}

    def histogram(self, start: datetime | None = None, end: datetime | None = None) -> dict[str, Any]:
        """Return how many events the lake holds over time, by cloud, in about a hundred steps."""
        from livefire.browsing.rows import step_for

        info = self._held()
        first, last = start or (info.first if info else None), end or (info.last + timedelta(seconds=1) if info and info.last else None)
        if first is None or last is None or info is None or first >= last:
            return {"first": None, "last": None, "step": 0.0, "bars": []}
        text, seconds = step_for(first, last)
        rows = self.query(_HISTOGRAM.format(step=text), "kql", now=last, start=first, end=last, seconds=30.0).rows
        return {"first": first, "last": last, "step": seconds, "bars": [{"at": t.timestamp(), "source": s, "count": c} for t, s, c in rows]}

    def by_day(self, text: str, language: str) -> dict[str, Any]:
        """Return how many rows a rule gives for each day of the lake, as `backtest` counts them; QueryError when it cannot be run."""
        from livefire.detections.backtest import backtest, days_between
        from livefire.report.backtest import as_json

        last = self.clock()
        first = self.info().first or last
        history = backtest([self._own(text, language)], self.bench(last, end=last), days_between(first, last), lambda _t: None, [])
        if history[0].refused:
            raise QueryError(self.check(text, language), Source(text))
        found: dict[str, Any] = as_json(history, [])
        return found

    def rehearse(self, text: str, language: str, progress: Callable[[str], None] | None = None) -> dict[str, Any]:
        """Put a rule of one's own to the proof over the emulations that fit what it reads."""
        from livefire.report.rehearsal import Rehearsed, as_json

        bench, rule = self.rehearsal(), self._own(text, language)
        proof = bench.prove(rule, bench.trials(rule), progress=progress)
        found: dict[str, Any] = as_json([Rehearsed(proof)])[0]
        return found

    def _own(self, text: str, language: str) -> Rule:
        from livefire.detections.detection import Rule

        return Rule("query", language, text)
