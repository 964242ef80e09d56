"""Commands over rule files."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livefire.cli.inputs import (
    Json,
    LakeOption,
    LanguageOption,
    Lenient,
    Moment,
    Parameters,
    Site,
    Verbatim,
    declare,
    moment,
    parameters,
    rule_source,
    workspace,
)
from livefire.cli.program import app
from livefire.cli.terminal import FOUND, OK, USAGE, console, emit, refuse, say, show, show_diagnostics, stop

if TYPE_CHECKING:
    from livefire.diagnostics import Source
    from livefire.workspace import Result, Workspace


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
    site: Site = None,
    parameter: Parameters = None,
    seconds: Annotated[float, typer.Option(help="Time budget.")] = 60.0,
    as_json: Json = False,
) -> None:
    """Run a rule, exactly as written, over logs or a lake."""
    from livefire.diagnostics import QueryError

    source, chosen = rule_source(file, language)
    if not on and lake is None and explain in (None, Stage.miss):
        stop("say what to run over: --on PATH or --lake DIR", USAGE)
    ws = workspace(lake, on or [], quiet=as_json)
    declare(ws, site)
    options: dict[str, Any] = {"index": index} if index else {}
    if parameter:
        options["parameters"] = parameters(parameter)
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


@app.command()
def check(files: Verbatim, language: LanguageOption = None, lenient: Lenient = False, site: Site = None, as_json: Json = False) -> None:
    """Read rules without running them, and say all there is to say of each."""
    from livefire.report.diagnostics import as_json as objects
    from livefire.workspace import Workspace

    ws, failed, listed = Workspace(), 0, []
    declare(ws, site)
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
