"""Commands over rule files."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livefire.cli.inputs import Json, LakeOption, LanguageOption, Lenient, Moment, Verbatim, moment, rule_source, workspace
from livefire.cli.program import app
from livefire.cli.terminal import FOUND, OK, USAGE, console, emit, progress, refuse, say, show, show_diagnostics, stop

if TYPE_CHECKING:
    from livefire.diagnostics import Source
    from livefire.report.check import Checked
    from livefire.workspace import Result, Workspace

MANY = 20


class Stage(StrEnum):
    """What `--explain` shows."""

    ast = "ast"
    plan = "plan"
    sql = "sql"
    miss = "miss"


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


class Form(StrEnum):
    """The forms that `check` writes."""

    text = "text"
    json = "json"
    sarif = "sarif"
    junit = "junit"


@app.command()
def check(
    files: Verbatim,
    *,
    language: LanguageOption = None,
    lenient: Lenient = False,
    form: Annotated[Form, typer.Option("--format", help="Text for people; SARIF for code hosts, JUnit for test runners.")] = Form.text,
    as_json: Json = False,
) -> None:
    """Read rules without running them, and say all there is to say of each: what the product rejects, and what cannot work as meant."""
    from livefire.report.check import Checked
    from livefire.workspace import Workspace

    ws, checked = Workspace(), []
    with progress("checking", quiet=len(files) < MANY) as tell:
        for file in files:
            tell(str(file))
            source, chosen = rule_source(file, language)
            checked.append(Checked(source, chosen, tuple(ws.check(source.text, chosen, name=source.name, lenient=lenient))))
    show_checked(checked, Form.json if as_json else form)
    raise typer.Exit(FOUND if any(d.severity == "error" for c in checked for d in c.diagnostics) else OK)


def show_checked(checked: list[Checked], form: Form) -> None:
    """Print what was said of rule files."""
    from livefire import __version__
    from livefire.report import check as view
    from livefire.report.diagnostics import as_json as objects
    from livefire.report.tables import counted

    if form is Form.json:
        emit([{"file": c.source.name, "language": c.language, "diagnostics": objects(c.diagnostics, c.source)} for c in checked])
    elif form is Form.sarif:
        emit(view.sarif(checked, __version__))
    elif form is Form.junit:
        say(view.junit(checked).rstrip())
    else:
        for c in checked:
            show_diagnostics(c.diagnostics, c.source)
        wrong = sum(any(d.severity == "error" for d in c.diagnostics) for c in checked)
        doubtful = sum(any(d.severity == "warning" for d in c.diagnostics) for c in checked)
        say(f"{counted(len(checked), 'rule')}, {wrong} with errors, {doubtful} with warnings")
