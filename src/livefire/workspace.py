"""The one object that does everything: load or ingest events, check and run queries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire import query as stages
from livefire.diagnostics import Diagnostic, QueryError, Source
from livefire.engines.base import Run, Storage, Value
from livefire.plan import nodes as n
from livefire.plan.catalog import Catalog, Table, TableCatalog
from livefire.schema import Schema, Type

if TYPE_CHECKING:
    import pyarrow as pa

    from livefire.engines.duckdb import DuckDB
    from livefire.engines.program import TableFiles


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
        columns = [_values(self.table.column(i).to_pylist(), f.type) for i, f in enumerate(self.schema)]
        return list(zip(*columns, strict=True)) if columns else [()] * self.table.num_rows

    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table under the language's column names; dynamics are JSON text, timespans ticks."""
        return self.table.rename_columns(self.columns)


class Workspace:
    """Tables, a lake of events if a path is given, and the queries over them."""

    def __init__(self, lake: str | Path | None = None) -> None:
        self._lake_path = Path(lake) if lake is not None else None
        self._loaded: dict[str, tuple[Table, TableFiles]] = {}
        self._roots: tuple[Path, ...] = ()

    # data

    def load(self, name: str, rows: Iterable[Mapping[str, Any]], schema: Mapping[str, str] | None = None, time_field: str | None = None) -> None:
        """Load rows as a table that any language can name: KQL table, EQL and SPL index, CQL #repo.

        `schema` gives column types by KQL name, the rest are inferred; `time_field` is the event
        time. A table of the same name is replaced.
        """
        from livefire.engines.program import TableFiles
        from livefire.engines.worker import shared_scratch
        from livefire.store.loaded import load_rows

        loaded = load_rows(rows, schema, time_field)
        scan = n.Scan(f"loaded:{name}", loaded.schema, loaded.physical, time=time_field)
        path = shared_scratch().put(loaded.data)
        self._loaded[name] = (Table(name, scan, time=time_field), TableFiles((path,)))

    # queries

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
        `lenient`, `seconds` (budget), `max_rows`, `name` (of the text, for messages), and those of
        the language. Raises QueryError with diagnostics when the query cannot be run faithfully.
        """
        source = Source(text, str(options.pop("name", "<query>")))
        run = Run(
            {"now": _naive(now or datetime.now(timezone.utc)), "start": _naive(start), "end": _naive(end)},
            float(options.pop("seconds", 60.0)),
            options.pop("max_rows", None),
        )
        compiled = self.compile(source, language, bounded_start=start is not None, bounded_end=end is not None, index=index, **options)
        try:
            table = self._engine().execute(compiled.plan, self._storage(), run)
        except QueryError as error:
            raise QueryError((*compiled.diagnostics, *error.diagnostics), source) from error
        return Result(compiled.plan.schema, table, compiled.diagnostics, compiled)

    def compile(
        self,
        source: Source,
        language: str,
        *,
        lenient: bool = False,
        bounded_start: bool = False,
        bounded_end: bool = False,
        **options: Any,
    ) -> stages.Compiled:
        """Return a query at every stage without running it; QueryError when it cannot be run faithfully."""
        chosen = stages.Options(lenient, bounded_start, bounded_end, language=options)
        return stages.compile(source, language, self.catalog(language), chosen)

    def check(self, text: str, language: str = "kql", catalog: Catalog | None = None, **options: Any) -> list[Diagnostic]:
        """Return everything there is to say of a query without running it.

        A table that no catalog knows is reported as E101 and read with an open schema, so that
        syntax (E2xx) and unsupported (E3xx) are still found.
        """
        source = Source(text, str(options.pop("name", "<query>")))
        chosen = stages.Options(bool(options.pop("lenient", False)), language=options)
        return list(stages.check(source, language, catalog or self.catalog(language), chosen))

    def sql(self, compiled: stages.Compiled) -> str:
        """Return the statement the engine runs for a compiled query."""
        return self._engine().sql(compiled.plan)

    def catalog(self, language: str) -> TableCatalog:
        """Return the tables a language sees: the vendor tables, then those loaded here."""
        from livefire.tables import vendor_tables

        return TableCatalog((*vendor_tables(), *(table for table, _ in self._loaded.values())))

    def _engine(self) -> DuckDB:
        from livefire.engines.duckdb import DuckDB

        return DuckDB()

    def _storage(self) -> Storage:
        return Storage({table.plan.table: files for table, files in self._loaded.values() if isinstance(table.plan, n.Scan)}, self._roots)


def _naive(moment: datetime | None) -> Value:
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


def _values(raw: list[Any], type: Type) -> list[Any]:
    match type:
        case Type.DYNAMIC:
            return [None if v is None else json.loads(v) for v in raw]
        case Type.DATETIME:
            return [None if v is None else v.replace(tzinfo=timezone.utc) for v in raw]
        case Type.TIMESPAN:
            return [None if v is None else timedelta(microseconds=v // 10) for v in raw]
        case _:
            return raw
