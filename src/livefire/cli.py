"""The command line. Every command is a few lines around `Workspace`; exit codes are in `docs/cli.md`."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from livefire.detections.detection import Detection
    from livefire.diagnostics import Diagnostic, Source
    from livefire.workspace import Result, Workspace

PIPE_WIDTH = 180
OK, FOUND, USAGE, REFUSED, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 4, 130
LEFT_OUT = {"E402", "E407"}  # hidden files, devices, digests: nothing that an event could have been in was lost


class Commands(TyperGroup):
    """The commands; what one of them cannot do ends in a diagnostic, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, BrokenPipeError):
            raise
        except foreseen() as error:
            end(error)


def end(error: Any) -> NoReturn:
    """Show a foreseen error, whichever it is, and leave."""
    if hasattr(error, "diagnostics"):
        refuse(error, error.source, as_json=False)
    if hasattr(error, "code"):
        stop(str(error), REFUSED)
    stop(f"E003: {error.filename or 'a file'}: {(error.strerror or str(error)).lower()}", REFUSED)


def foreseen() -> tuple[type[Exception], ...]:
    """Return what a command may raise; loaded only once something was."""
    from livefire.diagnostics import QueryError
    from livefire.store.lake import LakeError

    return (QueryError, LakeError, OSError)


app = typer.Typer(
    name="livefire",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help starts in half the time
    help="Run any SIEM's detection, exactly as written, over cloud audit logs, and prove that it fires.",
)
lake_app = typer.Typer(no_args_is_help=True, help="What a lake of events holds.")
app.add_typer(lake_app, name="lake")


class Stage(StrEnum):
    """What `--explain` shows."""

    ast = "ast"
    plan = "plan"
    sql = "sql"
    miss = "miss"


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
LakeOption = Annotated[Path | None, typer.Option("--lake", help="Folder of the lake.")]
LanguageOption = Annotated[str | None, typer.Option("--language", "-l", help="kql, cql, eql, spl or sigma; told from the file name otherwise.")]
Moment = Annotated[str | None, typer.Option(help="ISO 8601 time, UTC where it names no zone.")]
Lenient = Annotated[bool, typer.Option("--lenient", help="Run what the product would reject by the reading a person would take.")]
Verbatim = Annotated[list[Path], typer.Argument(help="Rule files.")]


# output


def console(*, error: bool = False) -> Console:
    """Return the console; text that is not ours reaches it only through `report`."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    # A pipe has no width; tables squeezed into 80 columns cannot be read.
    return Console(stderr=error, highlight=False, markup=False, emoji=False, width=None if stream.isatty() else PIPE_WIDTH)


def say(text: str, *, error: bool = False) -> None:
    """Print a text of ours, with whatever it quotes made safe."""
    from livefire.report.safe import safe_text

    console(error=error).print(safe_text(text, lines=True), soft_wrap=True)


def show(table: Table) -> None:
    """Print a table."""
    console().print(table)


def emit(data: Any) -> None:
    """Print JSON; every control character and every character beyond ASCII is escaped."""
    sys.stdout.write(json.dumps(data, indent=2, default=str).replace("\x7f", "\\u007f") + "\n")


def stop(text: str, code: int) -> NoReturn:
    """Print an error and leave."""
    say(text, error=True)
    raise typer.Exit(code)


def show_diagnostics(diagnostics: tuple[Diagnostic, ...], source: Source) -> None:
    """Print diagnostics to standard error."""
    from livefire.report.diagnostics import as_text

    if diagnostics:
        say(as_text(diagnostics, source), error=True)


@contextmanager
def progress(label: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show a line that changes while long work runs; nothing where nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield lambda _text: None
        return
    from livefire.report.safe import safe_text

    with console(error=True).status(label) as status:
        yield lambda text: status.update(f"{label}: {safe_text(text)}")


# input


def moment(text: str | None) -> datetime | None:
    """Return an ISO 8601 time; no zone is UTC."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        stop(f"{text!r} is no ISO 8601 time, such as 2026-11-21T05:00:00Z", USAGE)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


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
    try:
        return Source(load_rule(path, chosen).text, str(path)), chosen
    except QueryError as error:
        stop(f"{error.diagnostics[0].code}: {error.diagnostics[0].message}", USAGE)


def known_language(language: str | None) -> None:
    """End the command when a language is named that is none."""
    from livefire.languages import REGISTRY

    if language is not None and language not in REGISTRY:
        stop(f"E001: no language is named {language!r}; there are {', '.join(REGISTRY)}", USAGE)


def known_techniques(ids: list[str], detections: Sequence[Detection]) -> None:
    """End the command when a technique is named that no emulation and no detection is of."""
    from livefire.emulation.catalogue import emulations
    from livefire.proving import wanted

    known = sorted({m.technique for m in emulations()} | {t for d in detections for a in d.card.attack for t in a.techniques})
    absent = [i for i in ids if not any(wanted(technique, [i]) for technique in known)]
    if absent:
        stop(f"E004: nothing here is of {absent[0]}; there are {', '.join(known)}", USAGE)


def workspace(lake: Path | None, on: list[Path], *, quiet: bool) -> Workspace:
    """Return a workspace over a lake, or over logs read into a temporary one."""
    from livefire.workspace import Workspace

    if lake is not None and not on and not lake.is_dir():
        stop(f"E002: there is no lake at {lake}; make one with: livefire ingest PATH --lake {lake}", USAGE)
    ws = Workspace(lake)
    if on:
        read_logs(ws, on, None, quiet=quiet)
    return ws


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


# commands


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Log files and folders.")],
    lake: Annotated[Path, typer.Option("--lake", help="Folder of the lake; made when it does not exist.")],
    source: Annotated[str | None, typer.Option(help="Read everything as this log source: aws_cloudtrail, azure_activity or gcp_audit.")] = None,
    as_json: Json = False,
) -> None:
    """Read log files into a lake: every record stored once, counted as a duplicate, or set aside with its reason."""
    from livefire.report import ingest as view
    from livefire.workspace import Workspace

    report = read_logs(Workspace(lake), paths, source, quiet=as_json)
    if as_json:
        emit(view.report_json(report))
    else:
        say(view.balance(report))
        faults = view.faults(report)
        if faults is not None:
            show(faults)
    raise typer.Exit(PARTIAL if report.quarantined or any(f.code and f.code not in LEFT_OUT for f in report.files) else OK)


@lake_app.command("info")
def lake_info(lake: Annotated[Path, typer.Option("--lake", help="Folder of the lake.")], as_json: Json = False) -> None:
    """Show what a lake holds of each log source."""
    from livefire.report import ingest as view

    info = workspace(lake, [], quiet=True).info()
    if as_json:
        emit(view.lake_json(info))
    else:
        show(view.lake(info))


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="Rule file.")],
    *,
    on: Annotated[list[Path] | None, typer.Option("--on", help="Log files and folders to run over.")] = None,
    lake: LakeOption = None,
    language: LanguageOption = None,
    index: Annotated[str | None, typer.Option(help="Table to read where the rule names none.")] = None,
    explain: Annotated[Stage | None, typer.Option(help="Show a stage instead of rows; miss says which clause dropped the events given by --event.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="Event id (_id) that should have been found, for --explain miss.")] = None,
    now: Moment = None,
    start: Moment = None,
    end: Moment = None,
    lenient: Lenient = False,
    seconds: Annotated[float, typer.Option(help="Time budget.")] = 60.0,
    as_json: Json = False,
) -> None:
    """Run a rule, exactly as written, over logs or a lake."""
    from livefire.diagnostics import QueryError

    source, chosen = rule_source(file, language)
    if not on and lake is None and explain in (None, Stage.miss):
        stop("say what to run over: --on PATH or --lake DIR", USAGE)
    ws = workspace(lake, on or [], quiet=as_json)
    options = {"index": index} if index else {}
    try:
        if explain is not None and explain is not Stage.miss:
            explain_stage(ws, source, chosen, explain, lenient=lenient, **options)
            return
        clock = moment(now) or ws.clock()
        result = ws.query(source.text, chosen, now=clock, start=moment(start), end=moment(end), lenient=lenient, seconds=seconds, name=source.name, **options)
    except QueryError as error:
        refuse(error, source, as_json=as_json)
    if explain is Stage.miss:
        explain_miss(ws, result, event or [], clock)
        return
    show_result(result, source, clock, as_json=as_json)


def refuse(error: Any, source: Source, *, as_json: bool) -> NoReturn:
    """Show why a query cannot be run and leave."""
    from livefire.report.diagnostics import as_json as objects

    if as_json:
        emit({"refused": True, "diagnostics": objects(error.diagnostics, source)})
    else:
        show_diagnostics(error.diagnostics, source)
    raise typer.Exit(REFUSED)


def show_result(result: Result, source: Source, clock: datetime, *, as_json: bool) -> None:
    """Print rows with what was said of the query."""
    from livefire.report.diagnostics import as_json as objects
    from livefire.report.tables import fits, iso, plain, records, table

    if as_json:
        values = [[plain(v) for v in row] for row in result.rows]
        emit({"columns": result.columns, "types": result.types, "rows": values, "diagnostics": objects(result.diagnostics, source)})
        return
    show_diagnostics(result.diagnostics, source)
    rows = result.rows
    show((table if fits(result.columns, rows, console().width) else records)(result.columns, rows))
    say(f"{len(rows):,} row{'s' if len(rows) != 1 else ''}, clock set to {iso(clock)}")


def explain_stage(ws: Workspace, source: Source, language: str, stage: Stage, *, lenient: bool, **options: Any) -> None:
    """Print the AST, the plan or the SQL of a rule."""
    from pprint import pformat

    from livefire.report.plans import as_text

    compiled = ws.compile(source, language, lenient=lenient, **options)
    show_diagnostics(compiled.diagnostics, source)
    if stage is Stage.ast:
        say(pformat(compiled.ast, width=140))
    else:
        say(as_text(compiled.lowered) if stage is Stage.plan else ws.sql(compiled))


def explain_miss(ws: Workspace, result: Result, events: list[str], clock: datetime) -> None:
    """Print which clause dropped the events that were expected."""
    if not events:
        stop("say which events were expected: --event ID (the _id of the event, such as CloudTrail's eventID)", USAGE)
    for event in events:
        say(f"{event}: {ws.explain_miss(result.compiled, event, clock)}")


@app.command()
def check(files: Verbatim, language: LanguageOption = None, lenient: Lenient = False, as_json: Json = False) -> None:
    """Read rules without running them, and say all there is to say of each."""
    from livefire.report.diagnostics import as_json as objects
    from livefire.workspace import Workspace

    ws, failed, listed = Workspace(), 0, []
    for file in files:
        source, chosen = rule_source(file, language)
        found = tuple(ws.check(source.text, chosen, name=source.name, lenient=lenient))
        failed += any(d.severity == "error" for d in found)
        if as_json:
            listed.append({"file": str(file), "language": chosen, "diagnostics": objects(found, source)})
        else:
            show_diagnostics(found, source)
    if as_json:
        emit(listed)
    else:
        say(f"{len(files)} rule{'s' if len(files) != 1 else ''}, {failed} with errors")
    raise typer.Exit(FOUND if failed else OK)


@app.command()
def hunt(
    paths: Annotated[list[Path] | None, typer.Argument(help="Log files and folders.")] = None,
    *,
    lake: LakeOption = None,
    packs: Annotated[Path | None, typer.Option(help="Folder of detections; the bundled ones by default.")] = None,
    language: LanguageOption = None,
    now: Moment = None,
    as_json: Json = False,
) -> None:
    """Read logs, run the detections over them, and show what they find."""
    from livefire.diagnostics import QueryError
    from livefire.report import hunt as view
    from livefire.report import ingest as account
    from livefire.workspace import Workspace

    if not paths and lake is None:
        stop("say what to hunt in: livefire hunt PATH, or --lake DIR", USAGE)
    if lake is not None and not paths and not lake.is_dir():
        stop(f"E002: there is no lake at {lake}", USAGE)
    known_language(language)
    ws = Workspace(lake)
    report = read_logs(ws, paths, None, quiet=as_json) if paths else None
    try:
        with progress("hunting", quiet=as_json) as tell:
            found = ws.hunt(ws.detections(packs), language=language, now=moment(now), progress=tell)
    except QueryError as error:
        refuse(error, error.source, as_json=as_json)
    if as_json:
        emit({"ingest": account.report_json(report) if report else None, **view.as_json(found)})
    else:
        if report is not None:
            say(account.balance(report))
            faults = account.faults(report)
            if faults is not None:
                show(faults)
        show(view.findings(found))
        say(view.totals(found))
    raise typer.Exit(REFUSED if found.refused else FOUND if found.findings else OK)


@app.command()
def prove(
    ids: Annotated[list[str] | None, typer.Argument(help="Techniques, such as T1578.002; all by default.")] = None,
    published: Annotated[Path | None, typer.Option(help="Folder of published detection pages whose queries are proved too, as written.")] = None,
    packs: Annotated[Path | None, typer.Option(help="Folder of detections; the bundled ones by default.")] = None,
    details: Annotated[bool, typer.Option(help="Show every rule on every attack and look-alike.")] = True,
    as_json: Json = False,
) -> None:
    """Run rules over emulated attacks and look-alikes, and show which fire, which are silent, and why."""
    from livefire.diagnostics import QueryError
    from livefire.report import proof as view
    from livefire.workspace import Workspace

    try:
        with progress("proving", quiet=as_json) as tell:
            ws = Workspace()
            chosen = ws.detections(packs)
            known_techniques(ids or [], chosen)
            matrix = ws.prove(ids or (), published=published, detections=chosen, progress=tell)
    except QueryError as error:
        refuse(error, error.source, as_json=as_json)
    if as_json:
        emit(view.as_json(matrix))
    else:
        for part in (view.legend, view.attacks, view.look_alikes, view.misses)[: 4 if details else 0]:
            show(part(matrix))
        say(view.KEY)
        show(view.summary(matrix))
    raise typer.Exit(OK if view.proved(matrix) else FOUND)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to write the demo's logs and lake to.")],
    published: Annotated[Path | None, typer.Option(help="Folder of published detection pages.")] = None,
) -> None:
    """Write logs of a small company's week, prove the detections, and hunt in the logs."""
    from livefire.emulation.demo import write_demo
    from livefire.report import hunt as view
    from livefire.report import ingest as account
    from livefire.report import proof
    from livefire.workspace import Workspace

    with progress("writing logs", quiet=False):
        made = write_demo(out)
    say(f"Wrote {made.events:,} events of three clouds to {made.logs}")
    ws = Workspace(out / "lake")
    say(account.balance(read_logs(ws, [made.logs], None, quiet=False)))
    show(account.lake(ws.info()))
    with progress("proving", quiet=False) as tell:
        matrix = ws.prove(published=published, progress=tell)
    say("Each rule over each attack and each look-alike:")
    for part in (proof.legend, proof.attacks, proof.look_alikes, proof.misses):
        show(part(matrix))
    say(proof.KEY)
    show(proof.summary(matrix))
    with progress("hunting", quiet=False) as tell:
        found = ws.hunt(progress=tell)
    say(f"What the detections find in {made.logs}:")
    show(view.findings(found))
    say(view.totals(found))
    raise typer.Exit(OK if proof.proved(matrix) and found.findings and not found.refused else FOUND)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except KeyboardInterrupt:
        say("interrupted; what was committed is kept", error=True)
        sys.exit(INTERRUPTED)
    except Exception as error:
        if "LIVEFIRE_TRACEBACK" in os.environ:
            raise
        at = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} at {Path(at.filename).name}:{at.lineno}"
        say(f"E009: a fault of livefire itself ({place}); please report it with what LIVEFIRE_TRACEBACK=1 shows", error=True)
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
