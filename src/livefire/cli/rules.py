"""Commands over rule files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livefire.cli.inputs import (
    EngineOption,
    Json,
    LakeOption,
    LanguageOption,
    Lenient,
    Lookups,
    Macros,
    Moment,
    Outputs,
    Parameters,
    Placeholders,
    Site,
    declare,
    moment,
    parameters,
    placeholders,
    reads_tables,
    rule_files,
    rule_source,
    workspace,
)
from livefire.cli.program import app
from livefire.cli.terminal import REFUSED, USAGE, console, emit, refuse, say, show, show_diagnostics, stop

if TYPE_CHECKING:
    from livefire.detections.formats import RuleFile
    from livefire.diagnostics import Source
    from livefire.workspace import Result, Workspace


class Stage(StrEnum):
    """What `--explain` shows."""

    ast = "ast"
    plan = "plan"
    sql = "sql"
    miss = "miss"
    hit = "hit"


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="Rule file.")],
    *,
    on: Annotated[list[Path] | None, typer.Option("--on", help="Log files and folders to run over.")] = None,
    lake: LakeOption = None,
    engine: EngineOption = "duckdb",
    language: LanguageOption = None,
    index: Annotated[str | None, typer.Option(help="Table to read where the rule names none.")] = None,
    explain: Annotated[
        Stage | None,
        typer.Option(
            help="Show a stage instead of rows; miss: which clause dropped the events of --event, or the last of all; hit: what the events behind a row met."
        ),
    ] = None,
    event: Annotated[list[str] | None, typer.Option(help="Event id (_id) to be explained, for --explain miss and hit.")] = None,
    now: Moment = None,
    start: Moment = None,
    end: Moment = None,
    lenient: Lenient = False,
    macros: Macros = None,
    lookups: Lookups = None,
    outputs: Outputs = None,
    site: Site = None,
    parameter: Parameters = None,
    placeholder: Placeholders = None,
    seconds: Annotated[float, typer.Option(help="Time budget.")] = 60.0,
    as_json: Json = False,
) -> None:
    """Run a rule, exactly as written, over logs or a lake."""
    from livefire.diagnostics import QueryError

    rules = rule_files(file, language)
    if rules:
        if explain is not None:
            stop("--explain shows the stages of a query; this file holds a rule, so put its query into a file of its own", USAGE)
        ws = over(lake, on, engine, quiet=as_json)
        declare(ws, site)
        ws.declare(placeholders=placeholders(placeholder))
        run_rules(rules, ws, now, start, end, lenient=lenient, seconds=seconds, as_json=as_json)
        return
    source, chosen = rule_source(file, language)
    if explain in (None, Stage.miss, Stage.hit):
        needs_logs(lake, on, engine)
    ws = workspace(lake, on or [], quiet=as_json, engine=engine)
    declare(ws, site, macros=macros, lookups=lookups, outputs=outputs)
    ws.declare(placeholders=placeholders(placeholder))
    options: dict[str, Any] = {"index": index} if index else {}
    if parameter:
        options["parameters"] = parameters(parameter)
    try:
        if explain not in (None, Stage.miss, Stage.hit):
            looked = moment(now) or ws.clock() if on or lake is not None else None
            explain_stage(ws, source, chosen, explain, lenient=lenient, clock=looked, **options)
            return
        clock = moment(now) or ws.clock()
        result = ws.query(source.text, chosen, now=clock, start=moment(start), end=moment(end), lenient=lenient, seconds=seconds, name=source.name, **options)
    except QueryError as error:
        refuse(error, source, as_json=as_json)
    if explain is not None:
        explain_events(ws, result, event or [], clock, hit=explain is Stage.hit)
        return
    show_result(result, source, clock, as_json=as_json)


def needs_logs(lake: Path | None, on: list[Path] | None, engine: str = "duckdb") -> None:
    """End the command when there is nothing to run over."""
    if not on and lake is None and not reads_tables(engine):
        stop("say what to run over: --on PATH or --lake DIR", USAGE)


def over(lake: Path | None, on: list[Path] | None, engine: str = "duckdb", *, quiet: bool) -> Workspace:
    """Return the workspace a rule is run over."""
    needs_logs(lake, on, engine)
    return workspace(lake, on or [], quiet=quiet, engine=engine)


def run_rules(
    rules: Sequence[RuleFile], ws: Workspace, now: str | None, start: str | None, end: str | None, *, lenient: bool, seconds: float, as_json: bool
) -> None:
    """Run the rules of a file and print the alerts of each; exit code 3 when one cannot be run."""
    from livefire.diagnostics import Source
    from livefire.report.diagnostics import as_json as objects
    from livefire.report.tables import counted, fits, plain, records, table

    listed, refused = [], False
    for one in rules:
        outcome = ws.run(one.rule, lenient=lenient, now=moment(now), start=moment(start), end=moment(end), seconds=seconds)
        source = Source(one.rule.text, str(one.rule.path or one.rule.name))
        columns = list(dict.fromkeys(name for row in outcome.rows for name, value in row.items() if value is not None))
        rows = [tuple(row.get(name) for name in columns) for row in outcome.rows]
        refused = refused or outcome.refused
        said = objects(outcome.diagnostics, source)
        if as_json:
            values = [[plain(v) for v in row] for row in rows]
            listed.append({"rule": one.id, "title": one.title, "refused": outcome.refused, "columns": columns, "rows": values, "diagnostics": said})
            continue
        show_diagnostics(outcome.diagnostics, source)
        if rows:
            show((table if fits(columns, rows, console().width) else records)(columns, rows))
        say(f"{one.title}: {'not run' if outcome.refused else counted(len(rows), 'alert')}")
    if as_json:
        emit(listed[0] if len(listed) == 1 else listed)
    if refused:
        raise typer.Exit(REFUSED)


def show_result(result: Result, source: Source, clock: datetime, *, as_json: bool) -> None:
    """Print rows with what was said of the query."""
    from livefire.report.diagnostics import as_json as objects
    from livefire.report.tables import fits, iso, plain, records, table

    if as_json:
        listed = [
            {"columns": one.columns, "types": one.types, "rows": [[plain(v) for v in row] for row in one.rows], "diagnostics": objects(one.diagnostics, source)}
            for one in result.tables
        ]
        more = {"tables": [{"name": one.name, **values} for one, values in zip(result.tables, listed, strict=True)]} if result.others else {}
        emit({**listed[0], **more})
        return
    show_diagnostics(tuple(dict.fromkeys(d for one in result.tables for d in one.diagnostics)), source)
    for place, one in enumerate(result.tables):
        rows = one.rows
        if result.others:
            say(one.name or f"table {place + 1}")
        show((table if fits(one.columns, rows, console().width) else records)(one.columns, rows))
        say(f"{len(rows):,} row{'s' if len(rows) != 1 else ''}, clock set to {iso(clock)}")


def explain_stage(ws: Workspace, source: Source, language: str, stage: Stage, *, lenient: bool, **options: Any) -> None:
    """Print the AST, the plan or the SQL of a rule."""
    from pprint import pformat

    from livefire.report.plans import as_text
    from livefire.report.statements import laid_out

    compiled = ws.compile(source, language, lenient=lenient, **options)
    show_diagnostics(compiled.diagnostics, source)
    if stage is Stage.ast:
        say(pformat(compiled.ast, width=140))
    else:
        say(as_text(compiled.lowered) if stage is Stage.plan else laid_out(ws.sql(compiled)))


def explain_events(ws: Workspace, result: Result, events: list[str], clock: datetime, *, hit: bool) -> None:
    """Print which clause dropped the events that were expected, or which ones they met; without any, of those that came farthest."""
    asked: list[str | None] = [*events] or [None]
    for event in asked:
        for words in ws.explain_hit(result.compiled, event, clock) if hit else [ws.explain_miss(result.compiled, event, clock)]:
            say(words if event is None else f"{event}: {words}")
