"""What commands are given: options, moments, rule files, logs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livefire.cli.terminal import REFUSED, USAGE, progress, stop

if TYPE_CHECKING:
    from livefire.detections.detection import Detection
    from livefire.detections.formats import RuleFile
    from livefire.diagnostics import Source
    from livefire.workspace import Workspace

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
LakeOption = Annotated[Path | None, typer.Option("--lake", help="Folder of the lake.")]
EngineOption = Annotated[str, typer.Option("--engine", help="duckdb, spark (SPARK_REMOTE says where), spark:ADDRESS, or a settings file of Spark (FILE.toml).")]
LanguageOption = Annotated[
    str | None, typer.Option("--language", "-l", help="kql, cql, eql, esql, kuery, lucene, spl or sigma; told from the file name otherwise.")
]
Moment = Annotated[str | None, typer.Option(help="ISO 8601 time, UTC where it names no zone.")]
Macros = Annotated[Path | None, typer.Option(help="Folder of macros.conf, transforms.conf or contentctl YAML files.")]
Lookups = Annotated[Path | None, typer.Option(help="Folder of CSV files, each a lookup table of its name.")]
Outputs = Annotated[Path | None, typer.Option(help="The only folder that outputlookup may write to; without it nothing is written.")]
Lenient = Annotated[bool, typer.Option("--lenient", help="Run what the product would reject by the reading a person would take.")]
Site = Annotated[Path | None, typer.Option("--site", help="Folder of watchlists, externaldata files, saved functions, and networks with their owners.")]
Parameters = Annotated[list[str] | None, typer.Option("--parameter", help="Value of a query parameter, as name=value.")]
Placeholders = Annotated[
    list[str] | None, typer.Option("--placeholder", help="Value of the %name% of a Sigma rule, as name=value; once for each value of a list.")
]
Verbatim = Annotated[list[Path], typer.Argument(help="Rule files and folders of them.")]


def moment(text: str | None) -> datetime | None:
    """Return an ISO 8601 time; no zone is UTC."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        stop(f"{text!r} is no ISO 8601 time, such as 2026-11-21T05:00:00Z", USAGE)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def parameters(given: list[str] | None) -> dict[str, str]:
    """Return the values of query parameters, given as name=value."""
    wrong = [p for p in given or [] if "=" not in p]
    if wrong:
        stop(f"{wrong[0]!r} is no parameter: write name=value", USAGE)
    return {name: value for name, _, value in (p.partition("=") for p in given or [])}


def placeholders(given: list[str] | None) -> dict[str, list[str]]:
    """Return the values of Sigma's placeholders, given as name=value once for each value."""
    found: dict[str, list[str]] = {}
    for one in given or []:
        name, sign, value = one.partition("=")
        if not sign or not name:
            stop(f"{one!r} is no placeholder: write name=value", USAGE)
        found.setdefault(name.strip("%"), []).append(value)
    return found


def rule_source(path: Path, language: str | None) -> tuple[Source, str]:
    """Return a rule's text and its language, told from the suffix."""
    from livefire.detections.pack import load_rule
    from livefire.diagnostics import QueryError, Source
    from livefire.languages import REGISTRY, SUFFIXES

    if path.is_dir():
        stop(f"E002: {path} is a folder, not a rule file", USAGE)
    if not path.is_file():
        stop(f"E002: there is no file {path}", USAGE)
    chosen = language or SUFFIXES.get(path.suffix.lower())
    if chosen not in REGISTRY:
        stop(f"E001: cannot tell the language of {path.name}; say --language {'|'.join(REGISTRY)}", USAGE)
    from livefire.detections.formats.references import with_neighbours

    try:
        text = load_rule(path, chosen).text
        return Source(with_neighbours(text, path) if chosen == "sigma" else text, str(path)), chosen
    except QueryError as error:
        stop(f"{error.diagnostics[0].code}: {error.diagnostics[0].message}", USAGE)


def declare(ws: Workspace, site: Path | None = None, *, macros: Path | None = None, lookups: Path | None = None, outputs: Path | None = None) -> None:
    """Tell a workspace what a site keeps beside its events; what cannot be read ends the command."""
    if site is None and macros is None and lookups is None and outputs is None:
        return
    from livefire.languages.spl.macro_files import MacroFileError
    from livefire.store.site import SiteError

    for path in (macros, lookups, outputs):
        if path is not None and not path.exists():
            stop(f"E002: there is no file {path}", USAGE)
    try:
        ws.declare(site, macros=macros, lookups=lookups, outputs=outputs)
    except SiteError as error:
        stop(f"E002: {error}", USAGE)
    except MacroFileError as problem:
        stop(f"E003: {problem}", REFUSED)


def rule_files(path: Path, language: str | None) -> tuple[RuleFile, ...]:
    """Return the rules of a file whose format says more than its query; none where the file is read as a query."""
    from livefire.detections.formats import read_file
    from livefire.diagnostics import QueryError

    if language is not None or not path.is_file():
        return ()
    try:
        found = read_file(path)
    except QueryError as error:
        stop(f"{error.diagnostics[0].code}: {error.diagnostics[0].message}", USAGE)
    whole = path.read_text(encoding="utf-8")
    return tuple(f for f in found if f.rule.alerting is not None or f.rule.text != whole)


def known_language(language: str | None) -> None:
    """End the command when a language is named that is none."""
    from livefire.languages import REGISTRY

    if language is not None and language not in REGISTRY:
        stop(f"E001: no language is named {language!r}; there are {', '.join(REGISTRY)}", USAGE)


def known_techniques(ids: list[str], detections: Sequence[Detection]) -> None:
    """End the command when what is named is no technique of an emulation or a detection, and no detection."""
    from difflib import get_close_matches

    from livefire.emulation.catalogue import emulations
    from livefire.proving import named, wanted

    known = sorted({m.technique for m in emulations()} | {t for d in detections for a in d.card.attack for t in a.techniques})
    for one in ids:
        if any(wanted(technique, [one]) for technique in known) or any(named(d, [one]) for d in detections):
            continue
        meant = get_close_matches(one, [d.card.id for d in detections], 1)
        stop(f"E004: nothing here is of {one}; {f'did you mean {meant[0]}?' if meant else 'there are ' + ', '.join(known)}", USAGE)


def engine_given(text: str) -> str:
    """Return an engine as a workspace takes it: `spark` alone is the Spark that the environment names, if it names one."""
    if text.partition(":")[0] == "spark":
        # A Spark that this machine starts runs this Python on its nodes.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        where = os.environ.get("SPARK_REMOTE", "")
        return f"spark:{where}" if text == "spark" and where else text
    return text


def reads_tables(engine: str) -> bool:
    """Tell whether an engine may have its events in tables of the site, so that neither a lake nor logs need be named."""
    return engine.endswith(".toml")


def workspace(lake: Path | None, on: list[Path], *, quiet: bool, engine: str = "duckdb") -> Workspace:
    """Return a workspace over a lake, or over logs read into a temporary one."""
    from livefire.workspace import Workspace

    if lake is not None and not on and not lake.is_dir():
        stop(f"E002: there is no lake at {lake}; make one with: livefire ingest PATH --lake {lake}", USAGE)
    ws = Workspace(lake, engine_given(engine))
    if on:
        read_logs(ws, on, None, quiet=quiet)
    return ws


def stored_in(path: Path, *, quiet: bool) -> Workspace:
    """Return a workspace over a path that is a lake, or over logs read into a temporary one."""
    from livefire.store.lake import MARK

    is_lake = path.is_dir() and (path / MARK).is_file()
    return workspace(path if is_lake else None, [] if is_lake else [path], quiet=quiet)


def read_logs(ws: Workspace, paths: list[Path], source: str | None, *, quiet: bool) -> Any:
    """Ingest with progress; a missing path or an unknown source ends the command."""
    from livefire.store.lake import LakeError

    absent = [p for p in paths if not p.exists()]
    if absent:
        stop(f"E002: there is no {absent[0]}", USAGE)
    try:
        with progress("reading", quiet=quiet) as tell:
            report = ws.ingest(*paths, source=source, progress=lambda p: tell(f"{p.files:,} files, {p.records:,} records"))
    except KeyError as error:
        stop(str(error.args[0]), USAGE)
    except LakeError as error:
        stop(str(error), REFUSED)
    return report
