"""The one object that does everything: load or ingest events, check and run queries, hunt and prove."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire import query as stages
from livefire.detections.hunt import Hunt, hunt
from livefire.detections.runner import Bench, Outcome, python_values, rows_of, run_rule
from livefire.diagnostics import Diagnostic, QueryError, Source
from livefire.engines.base import Engine, Run, Storage, Value
from livefire.languages.base import Probe
from livefire.plan import nodes as n
from livefire.plan.catalog import Catalog, Table, TableCatalog
from livefire.plan.expr import text as constant
from livefire.plan.functions import call
from livefire.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

    from livefire.detections.baseline import Baseline
    from livefire.detections.baseline_files import Kept
    from livefire.detections.chain import ChainFinding
    from livefire.detections.detection import Detection, Rule
    from livefire.detections.finding import Finding
    from livefire.detections.formats import RuleFile
    from livefire.detections.inventory import Machine
    from livefire.detections.investigation import Case
    from livefire.detections.triage import Triage
    from livefire.engines.program import TableFiles
    from livefire.exporting import Exported
    from livefire.exports import Artefact
    from livefire.proof.matrix import Matrix
    from livefire.rehearsing import Rehearsal
    from livefire.store.lake import Lake, LakeInfo
    from livefire.store.report import IngestReport, Progress
    from livefire.translating import Translated, Translator
    from livefire.translation.equivalence import Equivalence

# The product whose tables each language reads.
_PRODUCTS = {
    "kql": "sentinel",
    "cql": "logscale",
    "eql": "elastic",
    "esql": "elastic",
    "kuery": "elastic",
    "lucene": "elastic",
    "spl": "splunk",
    "sigma": "sigma",
}

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
        columns = [python_values(self.table.column(i).to_pylist(), f.type) for i, f in enumerate(self.schema)]
        return list(zip(*columns, strict=True)) if columns else [()] * self.table.num_rows

    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table under the language's column names; dynamics are JSON text, timespans ticks."""
        return self.table.rename_columns(self.columns)


class Workspace:
    """Tables, a lake of events, and the queries over them.

    `lake` is a folder, made when it does not exist; without one events are kept in a temporary
    folder that goes with the workspace.
    """

    def __init__(self, lake: str | Path | None = None) -> None:
        self._lake_path = Path(lake).absolute() if lake is not None else None
        self._lake: Lake | None = None
        self._loaded: dict[str, tuple[Table, TableFiles]] = {}
        self._macros: dict[str, Mapping[str, Any]] = {}
        self._outputs: Path | None = None
        self._functions: dict[str, str] = {}

    # data

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

        return ingest(paths, self.lake, source=source, now=now or _present(), progress=progress)

    def declare(
        self,
        site: str | Path | None = None,
        *,
        macros: str | Path | None = None,
        lookups: str | Path | None = None,
        outputs: str | Path | None = None,
    ) -> None:
        """Take what a site keeps beside its logs.

        `site` is a folder: `watchlists/<alias>.csv` answers `_GetWatchlist`, `external/<file>` an
        `externaldata` whose address ends in that name, `functions/<Name>.kql` a call of that name, `places.csv` says
        where networks are (see `store.site`). `macros` is a folder of macros.conf or contentctl YAML files, `lookups` one of CSV
        files (each a table of its name), `outputs` the only folder that outputlookup may write to;
        without it nothing is written. SiteError, MacroFileError or OSError for what cannot be read.
        """
        from livefire.languages.spl.macro_files import read_macros
        from livefire.store.lookups import read_lookups

        if site is not None:
            self._declare_site(Path(site))
        if macros is not None:
            self._macros |= read_macros(Path(macros))
        for name, rows, schema in read_lookups(Path(lookups)) if lookups is not None else ():
            self.load(name, rows, schema)
        if outputs is not None:
            self._outputs = Path(outputs)

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
        return self.lake.info()

    def latest(self) -> datetime | None:
        """Return the time of the latest event in the lake, None when it is empty."""
        return self.info().last

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
            {"now": _naive(now or _present()), "start": _naive(start), "end": _naive(end)},
            float(options.pop("seconds", 60.0)),
            options.pop("max_rows", None),
        )
        probe = self.probe(run)
        if self._outputs is not None:
            options["write"] = self._writer(probe)
        compiled = self.compile(source, language, bounded_start=start is not None, bounded_end=end is not None, probe=probe, index=index, **options)
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
        probe: Probe | None = None,
        **options: Any,
    ) -> stages.Compiled:
        """Return a query at every stage without running it; QueryError when it cannot be run faithfully.

        `probe` lets a language look at the events where its columns depend on them (`Workspace.probe`);
        without one such a query is refused with E305.
        """
        chosen = stages.Options(lenient, bounded_start, bounded_end, language=self._declared(options), probe=probe)
        return stages.compile(source, language, self.catalog(language), chosen)

    def probe(self, run: Run) -> Probe:
        """Return what shows a language the rows of a plan before its query runs; each look has the query's budget."""
        return lambda plan: rows_of(self._engine(), self._storage(), run, plan)

    def check(self, text: str, language: str = "kql", catalog: Catalog | None = None, **options: Any) -> list[Diagnostic]:
        """Return everything there is to say of a query without running it.

        A table that no catalog knows is reported as E101 and read with an open schema, so that
        syntax (E2xx) and unsupported (E3xx) are still found. The checks of the rule's sense (6xx)
        follow, over what could be read of it.
        """
        from livefire.lint import review

        source = Source(text, str(options.pop("name", "<query>")))
        chosen = stages.Options(bool(options.pop("lenient", False)), language=self._declared(options))
        plan, found = stages.check(source, language, catalog or self.catalog(language), chosen)
        return [*found, *(review(source, language, plan) if plan is not None else ())]

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

    def catalog(self, language: str) -> TableCatalog:
        """Return the tables a language sees: those of its product, then those loaded here."""
        from livefire.tables import schemas, vendor_tables

        loaded = tuple(table for table, _ in self._loaded.values())
        product = _PRODUCTS.get(language)
        return TableCatalog((*vendor_tables(product), *loaded), vendor_tables, schemas(product))

    # detections

    def bench(self, now: datetime | None = None, *, start: datetime | None = None, end: datetime | None = None, **options: Any) -> Bench:
        """Return what rules are run with; `now` is by default a minute past the latest event."""
        seconds, rows = float(options.pop("seconds", 60.0)), options.pop("max_rows", None)
        return Bench(self.catalog, self._engine(), self._storage(), now or self.clock(), start, end, seconds, rows, self._declared(options), now is not None)

    def clock(self) -> datetime:
        """Return the moment a rule over stored events is run for: a minute past the latest, or the present when there is none."""
        latest = self.latest()
        return latest + timedelta(minutes=1) if latest is not None else _present()

    def run(self, rule: Rule, *, lenient: bool = False, now: datetime | None = None, **options: Any) -> Outcome:
        """Run a rule and return its rows with the events they rest on; a rule that cannot run is a refused outcome."""
        return run_rule(rule, self.bench(now, **options), lenient=lenient)

    def rules(self, path: str | Path) -> tuple[RuleFile, ...]:
        """Return the rules of a file of any product, none where it holds none; QueryError E505 or E506 for a broken one."""
        from livefire.detections.formats import read_file

        return read_file(Path(path))

    def check_rule(self, rule: Rule, *, lenient: bool = False) -> list[Diagnostic]:
        """Return everything there is to say of a rule without running it; places are in its file."""
        from livefire.lint import review

        if rule.alerting is not None:
            return list(rule.alerting.check(rule, self.catalog(rule.language), lenient=lenient, review=review))
        return self.check(rule.text, rule.language, lenient=lenient, name=str(rule.path or rule.name))

    def rule_folder(self, folder: str | Path) -> tuple[tuple[Detection, ...], tuple[tuple[Path, QueryError], ...]]:
        """Return every rule below a folder as a detection of its own, and the files that cannot be read with the reason.

        QueryError E501 for a folder without rules.
        """
        from livefire.detections.formats import read_folder

        found: list[Detection] = []
        broken: list[tuple[Path, QueryError]] = []
        for path, rules in read_folder(Path(folder)):
            if isinstance(rules, QueryError):
                broken.append((path, rules))
            else:
                found += [one.detection() for one in rules]
        if not found and not broken:
            raise QueryError([Diagnostic("error", "E501", f"{Path(folder).name} holds no rule file")])
        return tuple(found), tuple(broken)

    def detections(self, folder: str | Path | None = None) -> tuple[Detection, ...]:
        """Return the detections below a folder, by default those that come with livefire; QueryError E5xx for a bad one."""
        from livefire.detections.pack import BUNDLED, load_packs

        return load_packs(Path(folder) if folder is not None else BUNDLED)

    def hunt(
        self,
        detections: Sequence[Detection] | None = None,
        *,
        language: str | None = None,
        now: datetime | None = None,
        progress: Callable[[str], None] | None = None,
        **options: Any,
    ) -> Hunt:
        """Run detections over the lake, each in one language, and return their findings by time.

        `language` chooses the rules; a detection without a rule in it is refused in its outcome.
        """
        chosen = detections if detections is not None else self.detections()
        return hunt(chosen, self.bench(now, **options), language, progress)

    def chains(self, now: datetime | None = None, **options: Any) -> tuple[ChainFinding, ...]:
        """Return the chains completed in the lake, each with its steps, the events they rest on, and the links between resources."""
        from livefire.detections.chain import acts_for_chains, find_chains, load_chains

        return find_chains(load_chains(), acts_for_chains(self.bench(now, **options)))

    def triage(
        self,
        detections: Sequence[Detection] | None = None,
        *,
        tuning: str | Path | None = None,
        baseline: Baseline | None = None,
        language: str | None = None,
        now: datetime | None = None,
        progress: Callable[[str], None] | None = None,
        **options: Any,
    ) -> Triage:
        """Hunt, score what is found against what is usual, and raise alerts; `tuning` is a file of what the site trusts and excepts."""
        from livefire.detections.triage import triage
        from livefire.detections.tuning import SHIPPED, load_tuning

        chosen, said = detections if detections is not None else self.detections(), load_tuning(Path(tuning) if tuning is not None else SHIPPED)
        bench = self.bench(now, **options)
        return triage(hunt(chosen, bench, language, progress), chosen, bench, said, baseline)

    def learn(self, *, keep: bool = False, now: datetime | None = None, **options: Any) -> Kept:
        """Return the baseline of the lake's events, version 0; with `keep` it is kept beside the lake as the next version."""
        from livefire.detections.baseline import learn
        from livefire.detections.baseline_files import Kept
        from livefire.detections.baseline_files import keep as keep_baseline
        from livefire.detections.chain import acts_for_chains

        bench = self.bench(now, **options)
        known = learn(bench, acts_for_chains(bench))
        version = keep_baseline(self.lake.path, known, bench.now, self.lake.keep) if keep else 0
        return Kept(version, bench.now, known)

    def inventory(self, now: datetime | None = None, **options: Any) -> tuple[Machine, ...]:
        """Return the machines that the lake's events tell of: by whom they were made, what changed, what is gone."""
        from livefire.detections.chain import acts_for_chains
        from livefire.detections.inventory import take_inventory

        return take_inventory(acts_for_chains(self.bench(now, **options)))

    def investigate(self, finding: Finding, now: datetime | None = None, **options: Any) -> Case:
        """Run the guide of a finding's detection for it, and return the case; KeyError for a finding of no bundled detection."""
        from livefire.detections.chain import acts_for_chains
        from livefire.detections.investigation import investigate

        detection = {d.card.id: d for d in self.detections()}[finding.detection]
        bench = self.bench(now, **options)
        return investigate(finding, detection, bench, acts_for_chains(bench))

    def prove(
        self,
        ids: Sequence[str] = (),
        *,
        published: str | Path | None = None,
        detections: Sequence[Detection] | None = None,
        language: str | None = None,
        near: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> Matrix:
        """Run detections over every emulation of attack and look-alike, and return the matrix of verdicts.

        `ids` keeps detections and emulations of these techniques (`T1578.002`); `published` is a
        folder of published pages whose queries are put to the same proof, as written;
        `detections` are the bundled ones unless given, `language` keeps their rules in one. `near`
        runs only what they cover and the look-alikes of that: quick, while one is written.
        """
        from livefire.proof import matrix
        from livefire.proof.case import stage
        from livefire.proving import cases, subjects

        chosen = subjects(self.detections() if detections is None else detections, ids, Path(published) if published else None, language)
        sources = tuple(s.name for s in self.info().sources)
        staged = (stage(c, sources) for c in cases(ids, chosen, near=near))
        return matrix.prove(chosen, staged, Bench(self.catalog, self._engine(), Storage(), _present()), progress)

    def rehearsal(self, **options: Any) -> Rehearsal:
        """Return what puts rules of one's own to the proof, over cases, log files and emulations; nothing of it is stored in the lake."""
        from livefire.logsources.registry import SOURCES
        from livefire.rehearsing import Rehearsal

        apart: list[Workspace] = []  # they live as long as their events are looked at

        def stored(path: Path) -> tuple[Storage, datetime]:
            other = Workspace()
            apart.append(other)
            report = other.ingest(path)
            if report.quarantined or not report.stored:
                raise QueryError([Diagnostic("error", "E509", f"{path.name}: {report.quarantined} of {report.records} records cannot be read as events")])
            if report.skipped:
                raise QueryError([Diagnostic("error", "E509", f"{path.name}: {report.skipped[0].path} holds no events: {report.skipped[0].reason}")])
            return other._storage(), other.clock()

        declared = self._declared(options)
        empty = Workspace()._storage()
        return Rehearsal(Bench(self.catalog, self._engine(), empty, _present(), options=declared), tuple(s.name for s in SOURCES), stored, declared)

    def translator(self, **options: Any) -> Translator:
        """Return what translates rules; one serves for many, for it keeps the events that proofs are made over."""
        from livefire.logsources.registry import SOURCES
        from livefire.tables import vendor_tables
        from livefire.translating import Translator

        has_lake = self._lake is not None or self._lake_path is not None
        return Translator(self.bench(**options), vendor_tables, tuple(s.name for s in SOURCES), self._storage() if has_lake else None)

    def translate(self, text: str, to: str, language: str = "sigma", *, prove: bool = True, lenient: bool = False, **options: Any) -> Translated:
        """Return a rule in another language, proved on emulations, near misses and the lake's events.

        QueryError where the rule cannot be read, or a clause has no faithful form in the other
        language (E310 to E312). A `proof.verdict` other than `proved` says that the text is no
        translation to rely on; with `prove` False there is none.
        """
        source = Source(text, str(options.pop("name", "<query>")))
        return self.translator(**options).translate(source, language, to, prove=prove, lenient=lenient)

    def export(self, detections: Sequence[Detection], target: str, *, attack: str | None = None, now: datetime | None = None) -> Exported:
        """Return detections as the files that a product deploys; those that it cannot have are in `refused` with the reason.

        A detection without a rule in the target's language is translated, if that is proved. `attack`
        is the version of ATT&CK to name techniques by, such as v19. KeyError for an unknown target.
        """
        from livefire.exporting import export
        from livefire.exports import find

        return export(detections, find(target), self.translator, f"{now or _present():%Y-%m-%d}", attack)

    def export_findings(self, found: Hunt, target: str, *, attack: str | None = None, now: datetime | None = None) -> tuple[Artefact, ...]:
        """Return the findings of a hunt for programs: `ocsf` (Detection Finding 2004) or `stix` (2.1). KeyError for another target."""
        from livefire import __version__
        from livefire.exporting import export_findings

        return export_findings(found, target, now or _present(), __version__, attack)

    def diff(self, deployed: Rule, rule: Rule, *, lenient: bool = False) -> Equivalence:
        """Run what is deployed beside a rule over the same events: emulations, near misses, the lake's.

        `proved` says that both find the same; otherwise there is an event that tells them apart.
        QueryError where one of them cannot be read.
        """
        from livefire.exporting import compiled_rule

        translator = self.translator()
        one, other = (compiled_rule(r, translator, lenient=lenient) for r in (deployed, rule))
        return translator.compare(one, other)

    def explain_miss(self, compiled: stages.Compiled, event: str, now: datetime | None = None) -> str:
        """Return in words which clause of a compiled query dropped an event, given by the id it has in the lake."""
        from livefire.proof.miss import explain_miss

        bench = self.bench(now)
        wanted = frozenset(f"{source}/{event}" for source in self._holding(event, bench))
        if not wanted:
            return "no event of that id is in the lake"
        return explain_miss(compiled.lowered, wanted, compiled.source, bench.engine, bench.storage, bench.run_values()).reason

    def _holding(self, event: str, bench: Bench) -> list[str]:
        """Return the log sources that hold an event of that id."""
        from livefire.logsources.registry import SOURCES

        found = []
        for source in SOURCES:
            scan = n.Scan(source.name, source.schema, source.schema.names, identity="_id")
            here = n.select(n.Filter(scan, call("compare.eq", n.column(scan, "_id"), constant(event))), "_id")
            if bench.engine.execute(here, bench.storage, bench.run_values()).num_rows:
                found.append(source.name)
        return found

    def _declared(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the options of a query with the macros and functions declared here; one's own come first."""
        given = options.get("macros")
        macros = {"macros": {**self._macros, **(given if isinstance(given, Mapping) else {})}} if self._macros else {}
        return {**({"functions": self._functions} if self._functions else {}), **options, **macros}

    def _writer(self, probe: Probe) -> Callable[[str, n.Plan, bool], int | None]:
        """Return what writes the rows of a plan under a name into the folder allowed, and gives their number; None for a bad name."""
        from livefire.store.lookups import file_of, write_lookup

        def write(name: str, plan: n.Plan, append: bool) -> int | None:
            path = file_of(self._outputs, name) if self._outputs is not None else None
            return write_lookup(path, plan.schema.names, probe(plan), append=append) if path is not None else None

        return write

    def _engine(self) -> Engine:
        from livefire.engines.duckdb import DuckDB

        return DuckDB()

    def _storage(self) -> Storage:
        tables = {table.plan.table: files for table, files in self._loaded.values() if isinstance(table.plan, n.Scan)}
        return Storage({**self._stored(), **tables}, (self.lake.path,) if self._lake is not None or self._lake_path is not None else ())

    def _stored(self) -> dict[str, TableFiles]:
        """Return the lake's tables; without a lake none is made, and every log source is empty."""
        from livefire.engines.program import TableFiles
        from livefire.logsources.registry import SOURCES
        from livefire.store.lake import arrow_schema

        has_lake = self._lake is not None or self._lake_path is not None
        found = {}
        for source in SOURCES:
            files = tuple(str(f) for f in self.lake.files(source.name)) if has_lake else ()
            found[source.name] = TableFiles(files, arrow_schema(source.schema).serialize().to_pybytes())
        return found


def _present() -> datetime:
    return datetime.now(UTC)


def _naive(moment: datetime | None) -> Value:
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)
