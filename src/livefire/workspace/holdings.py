"""What a workspace holds: tables loaded, what a site declares, and the lake."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire.engines.base import Engine, Storage
from livefire.logsources.networks import Networks
from livefire.plan import nodes as n
from livefire.plan.catalog import Table, TableCatalog
from livefire.workspace.clock import present, utc

if TYPE_CHECKING:
    from livefire.engines.program import TableFiles
    from livefire.store.lake import Lake, LakeInfo
    from livefire.store.report import IngestReport, Progress


# The product whose tables each language reads.
PRODUCTS = {
    "kql": "sentinel",
    "cql": "logscale",
    "eql": "elastic",
    "esql": "elastic",
    "kuery": "elastic",
    "lucene": "elastic",
    "spl": "splunk",
    "sigma": "sigma",
}


class Holdings:
    """Tables, a lake of events, and what a site keeps beside its logs."""

    def __init__(self, lake: str | Path | None = None, engine: Engine | str = "duckdb") -> None:
        self._engine_given = engine
        self._lake_path = Path(lake).absolute() if lake is not None else None
        self._lake: Lake | None = None
        self._loaded: dict[str, tuple[Table, TableFiles]] = {}
        self._macros: dict[str, Mapping[str, Any]] = {}
        self._lookup_definitions: dict[str, Mapping[str, Any]] = {}
        self._outputs: Path | None = None
        self._functions: dict[str, str] = {}
        self._placeholders: dict[str, tuple[str, ...]] = {}
        self._networks = Networks()

    def load(self, name: str, rows: Iterable[Mapping[str, Any]], schema: Mapping[str, str] | None = None, time_field: str | None = None) -> None:
        """Load rows as a table that any language can name: KQL table, EQL and SPL index, CQL #repo.

        `schema` gives column types by KQL name, the rest are inferred; `time_field` is the event
        time. A table of the same name is replaced.
        """
        self._put(name, rows, schema, time_field)

    def _put(
        self, name: str, rows: Iterable[Mapping[str, Any]], schema: Mapping[str, str] | None, time_field: str | None = None, vendor: str = "", form: str = ""
    ) -> None:
        from livefire.engines.program import TableFiles
        from livefire.engines.worker import shared_scratch
        from livefire.store.loaded import load_rows

        loaded = load_rows(rows, schema, time_field)
        scan = n.Scan(f"loaded:{name}", loaded.schema, loaded.physical, time=time_field)
        path = shared_scratch().put(loaded.data)
        table = Table(name, scan, time=time_field, vendor=vendor, tags={"format": form} if form else {})
        self._loaded[name] = (table, TableFiles((path,)))

    def ingest(
        self, *paths: str | Path, source: str | None = None, now: datetime | None = None, progress: Callable[[Progress], None] | None = None
    ) -> IngestReport:
        """Read log files and folders into the lake and return what became of every record.

        The log source is recognised by content unless `source` states it. When it returns, all of
        it is on disk; the same file or event again adds nothing. LakeError when the lake cannot be
        written, KeyError for an unknown source.
        """
        from livefire.store.ingest import ingest

        return ingest(paths, self.lake, source=source, now=now or present(), progress=progress)

    def declare(
        self,
        site: str | Path | None = None,
        *,
        macros: str | Path | None = None,
        lookups: str | Path | None = None,
        outputs: str | Path | None = None,
        placeholders: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Take what a site keeps beside its logs.

        `site` is a folder: `watchlists/<alias>.csv` answers `_GetWatchlist`, `external/<file>` an
        `externaldata` whose address ends in that name, `functions/<Name>.kql` a call of that name, `places.csv` says
        where networks are and whose (see `store.site`). `macros` is a folder of macros.conf or contentctl YAML files, `lookups` one of CSV
        files (each a table of its name); a transforms.conf, or the YAML of a lookup, in either says how lookups match. `outputs`
        is the only folder that outputlookup may write to; without it nothing is written. `placeholders` are a site's values for the `%name%` of Sigma's
        `expand`. SiteError, MacroFileError or OSError for what cannot be read.
        """
        from livefire.languages.spl.lookup_files import read_lookup_definitions
        from livefire.languages.spl.macro_files import read_macros
        from livefire.store.lookups import read_lookups

        if site is not None:
            self._declare_site(Path(site))
        if macros is not None:
            self._macros |= read_macros(Path(macros))
        for folder in (macros, lookups):
            self._lookup_definitions |= read_lookup_definitions(Path(folder)) if folder is not None else {}
        for name, rows, schema in read_lookups(Path(lookups)) if lookups is not None else ():
            self.load(name, rows, schema)
        if outputs is not None:
            self._outputs = Path(outputs)
        self._placeholders |= {name: tuple(values) for name, values in (placeholders or {}).items()}

    def _declare_site(self, folder: Path) -> None:
        from livefire.store.site import read_site

        site = read_site(folder)
        for kind, tables in (("watchlist", site.watchlists), ("external", site.external)):
            for name, rows in tables.items():
                texts = dict.fromkeys(rows.columns, "string") if rows.format != "json" else None
                schema = {**texts, "row": "long"} if texts and kind == "external" else texts
                self._put(f"{kind}:{name}", rows.rows, schema, vendor="site", form=rows.format)
        if site.places is not None:
            self._put("places", site.places.rows, dict.fromkeys(site.places.columns, "string"), vendor="site", form="csv")
        self._functions.update(site.functions)
        if site.owners:
            self._networks = Networks.of_ranges(site.owners)

    @property
    def lake(self) -> Lake:
        """The lake, opened or made when first asked for."""
        if self._lake is None:
            from livefire.store.lake import Lake

            if self._lake_path is None:
                folder = tempfile.TemporaryDirectory(prefix="livefire-lake-")
                weakref.finalize(self, folder.cleanup)
                self._lake_path = Path(folder.name) / "lake"
            self._lake = Lake.create(self._lake_path)
        return self._lake

    def info(self) -> LakeInfo:
        """Return what the lake holds of each log source."""
        self.lake.catch_up()
        return self.lake.info()

    def set_aside(self, most: int = 100) -> list[dict[str, Any]]:
        """Return what could not be read as events, the latest entries first: file, record, offset, code, reason, how many records, and a sample."""
        self.lake.catch_up()
        return self.lake.set_aside(most)

    def latest(self) -> datetime | None:
        """Return the time of the latest event in the lake, None when it is empty."""
        return self.info().last

    def clock(self) -> datetime:
        """Return the moment a rule over stored events is run for: a minute past the latest, or the present when there is none."""
        latest = self.latest()
        return latest + timedelta(minutes=1) if latest is not None else present()

    def catalog(self, language: str) -> TableCatalog:
        """Return the tables a language sees: those of its product, then those loaded here."""
        from livefire.tables import schemas, vendor_tables

        loaded = tuple(table for table, _ in self._loaded.values())
        product = PRODUCTS.get(language)
        return TableCatalog((*vendor_tables(product), *loaded), vendor_tables, schemas(product))

    def _declared(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the options of a query with the macros, functions and placeholders declared here; one's own come first."""
        given = options.get("macros")
        macros = {"macros": {**self._macros, **(given if isinstance(given, Mapping) else {})}} if self._macros else {}
        named = {"functions": self._functions, "placeholders": self._placeholders, "lookup_definitions": self._lookup_definitions}
        return {**{name: values for name, values in named.items() if values}, **options, **macros}

    def _engine(self) -> Engine:
        if isinstance(self._engine_given, str):
            from livefire.engines.choice import engine_named

            self._engine_given = engine_named(self._engine_given)
        return self._engine_given

    def _storage(self) -> Storage:
        tables = {table.plan.table: files for table, files in self._loaded.values() if isinstance(table.plan, n.Scan)}
        return Storage({**self._stored(), **tables}, (self.lake.path,) if self._lake is not None or self._lake_path is not None else ())

    def _stored(self) -> dict[str, TableFiles]:
        """Return the lake's tables; without a lake none is made, and every log source is empty."""
        from livefire.engines.program import TableFiles
        from livefire.logsources.registry import SOURCES
        from livefire.store.lake import arrow_schema

        has_lake = self._lake is not None or self._lake_path is not None
        if has_lake:
            self.lake.catch_up()  # another process may watch and write
        found = {}
        for source in SOURCES:
            files = self.lake.data_files(source.name) if has_lake else []
            times = tuple((utc(f.first), utc(f.last)) if f.first is not None and f.last is not None else None for f in files)
            found[source.name] = TableFiles(tuple(str(f.path) for f in files), arrow_schema(source.schema).serialize().to_pybytes(), times)
        return found
