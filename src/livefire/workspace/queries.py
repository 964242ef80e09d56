"""Queries over what a workspace holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from livefire import query as stages
from livefire.detections.runner import listed, python_values, rows_of
from livefire.diagnostics import NOWHERE, Diagnostic, QueryError, Source
from livefire.engines.base import Run, Storage
from livefire.engines.sql import walk
from livefire.languages.base import Probe, Several
from livefire.plan import nodes as n
from livefire.plan.catalog import Catalog
from livefire.schema import Schema
from livefire.workspace.clock import naive, present
from livefire.workspace.holdings import Holdings

if TYPE_CHECKING:
    import pyarrow as pa


_MOST_TABLES = 256
_LEAST_SECONDS = 0.05
_MENDINGS = 8  # one fix may lay bare the next fault; no text needs many rounds


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query with what was said of it.

    `rows` are tuples of Python values: aware UTC datetimes, timedeltas, dicts and lists for
    dynamic values, None for null. `types` are the plan's type names.
    """

    schema: Schema
    table: pa.Table
    diagnostics: tuple[Diagnostic, ...]
    compiled: stages.Compiled
    name: str = ""
    others: tuple[Result, ...] = ()

    @property
    def tables(self) -> tuple[Result, ...]:
        """Every table of the query in its order: this one first, as most queries have just one; `name` is what the query calls it, if anything."""
        return (self, *self.others)

    @property
    def columns(self) -> list[str]:
        """Column names as the language names them."""
        return list(self.schema.names)

    @property
    def types(self) -> list[str]:
        """Type names: bool, int, long, real, decimal, string, datetime, timespan, dynamic, guid."""
        return [f.type.value for f in self.schema]

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows as Python values."""
        columns = [python_values(listed(self.table.column(i)), f.type) for i, f in enumerate(self.schema)]
        return list(zip(*columns, strict=True)) if columns else [()] * self.table.num_rows

    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table under the language's column names; dynamics are JSON text, timespans ticks."""
        return self.table.rename_columns(self.columns)


class Queries(Holdings):
    """What runs, checks and mends the text of a query."""

    def query(
        self,
        text: str,
        language: str = "kql",
        now: datetime | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        index: str | None = None,
        **options: Any,
    ) -> Result:
        """Run a query and return its rows.

        `now` is the query's clock (default: the present); `start` and `end` cut every timed
        table to [start, end). `index` names the table where the text names none. Options:
        `lenient`, `seconds` (budget), `max_rows`, `stop` (asked for from another thread), `name`
        (of the text, for messages), `most_tables`, and those of the language. A query with several
        tables (KQL `fork`, `facet`) has them in `tables`; they share the budget.

        Raises QueryError with diagnostics when the query cannot be run faithfully.
        """
        source, most = Source(text, str(options.pop("name", "<query>"))), int(options.pop("most_tables", _MOST_TABLES))
        run = Run(
            {"now": naive(now or present()), "start": naive(start), "end": naive(end)},
            float(options.pop("seconds", 60.0)),
            options.pop("max_rows", None),
            options.pop("stop", None),
        )
        probe = self.probe(run)
        if self._outputs is not None:
            options["write"] = self._writer(probe)
        options.update(bounded_start=start is not None, bounded_end=end is not None, probe=probe, index=index)
        storage, tables, until = self._storage(), Several(), monotonic() + run.seconds
        first = self._table(source, language, storage, run, {**options, "several": tables})
        if len(tables.names) < 2:
            return replace(first, name="".join(tables.names))
        if len(tables.names) > most:
            words = f"this gives {len(tables.names)} tables, and at most {most} are given"
            raise QueryError([Diagnostic("error", "E301", words, NOWHERE, help="ask for some of them at a time")], source)

        def left() -> Run:
            return replace(run, seconds=max(until - monotonic(), _LEAST_SECONDS))

        others = [self._table(source, language, storage, left(), {**options, "several": Several(i)}) for i in range(1, len(tables.names))]
        named = [replace(one, name=name) for one, name in zip((first, *others), tables.names, strict=True)]
        return replace(named[0], others=tuple(named[1:]))

    def _table(self, source: Source, language: str, storage: Storage, run: Run, options: Mapping[str, Any]) -> Result:
        """Return one table of a query."""
        compiled = self.compile(source, language, **options)
        try:
            table = self._engine().execute(compiled.plan, storage, run)
        except QueryError as error:
            raise QueryError((*compiled.diagnostics, *error.diagnostics), source) from error
        return Result(compiled.plan.schema, table, (*compiled.diagnostics, *self._unfilled(compiled.lowered, storage)), compiled)

    def _unfilled(self, plan: n.Plan, storage: Storage) -> tuple[Diagnostic, ...]:
        """Return W109 where every table that a plan reads is of logs of which the lake has none."""
        if self._lake is None and self._lake_path is None:
            return ()
        read = {x.table for x in walk(plan) if isinstance(x, n.Scan)}
        if not read or any(x not in storage.tables or storage.tables[x].files for x in read):
            return ()
        words = f"the lake holds no event of {', '.join(sorted(read))}: the query finds nothing"
        return (Diagnostic("warning", "W109", words, NOWHERE, help="say where such logs are: --on PATH, or livefire ingest"),)

    def compile(
        self,
        source: Source,
        language: str,
        *,
        lenient: bool = False,
        bounded_start: bool = False,
        bounded_end: bool = False,
        probe: Probe | None = None,
        clock: datetime | None = None,
        **options: Any,
    ) -> stages.Compiled:
        """Return a query at every stage without running it; QueryError when it cannot be run faithfully.

        `probe` lets a language look at the events where its columns depend on them
        (`Workspace.probe`); `clock` is short for the probe of a query at that moment. Without one
        such a query is refused with E305.
        """
        if probe is None and clock is not None:
            probe = self.probe(Run({"now": naive(clock), "start": None, "end": None}, 60.0, None))
        chosen = stages.Options(lenient, bounded_start, bounded_end, language=self._declared(options), probe=probe)
        return stages.compile(source, language, self.catalog(language), chosen)

    def probe(self, run: Run) -> Probe:
        """Return what shows a language the rows of a plan before its query runs; each look has the query's budget."""
        return lambda plan: rows_of(self._engine(), self._storage(), run, plan)

    def check(self, text: str, language: str = "kql", catalog: Catalog | None = None, **options: Any) -> list[Diagnostic]:
        """Return everything there is to say of a query without running it.

        A table that no catalog knows is reported as E101 and read with an open schema, so that
        syntax (E2xx) and unsupported (E3xx) are still found. The checks of the rule's sense (6xx)
        follow, over what could be read of it; `about` is what the rule's file or page says beside the query.
        """
        from livefire.lint import review

        source, about = Source(text, str(options.pop("name", "<query>"))), str(options.pop("about", ""))
        chosen = stages.Options(bool(options.pop("lenient", False)), language=self._declared(options))
        plan, found = stages.check(source, language, catalog or self.catalog(language), chosen)
        whole = not any(d.code.startswith("E30") or d.code in ("E101", "E103", "E150", "E155") for d in found)  # what was not read may make fields
        return [*found, *(review(source, language, plan, about, whole=whole) if plan is not None else ())]

    def mend(self, text: str, language: str = "kql", **options: Any) -> str:
        """Return a query with the fixes of its diagnostics applied, again and again until there are none left.

        The fixes are those of the lenient reading. A change after which there are more errors is not made.
        """
        from livefire.diagnostics.mending import mended

        options["lenient"] = True
        found = self.check(text, language, **options)
        for _ in range(_MENDINGS):
            changed = mended(text, found)
            if changed == text:
                break
            after = self.check(changed, language, **options)
            if sum(d.severity == "error" for d in after) > sum(d.severity == "error" for d in found):
                break
            text, found = changed, after
        return text

    def sql(self, compiled: stages.Compiled) -> str:
        """Return the statement the engine runs for a compiled query."""
        return self._engine().sql(compiled.plan)

    def _writer(self, probe: Probe) -> Callable[[str, n.Plan, bool], int | None]:
        """Return what writes the rows of a plan under a name into the folder allowed, and gives their number; None for a bad name."""
        from livefire.store.lookups import file_of, write_lookup

        def write(name: str, plan: n.Plan, append: bool) -> int | None:
            path = file_of(self._outputs, name) if self._outputs is not None else None
            return write_lookup(path, plan.schema.names, probe(plan), append=append) if path is not None else None

        return write
