"""Commands over logs and lakes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livefire.cli.inputs import Json, moment, read_logs, workspace
from livefire.cli.program import app, lake_app
from livefire.cli.terminal import FOUND, OK, PARTIAL, USAGE, emit, say, show, stop

LEFT_OUT = {"E402", "E407"}  # hidden files, devices, digests: nothing that an event could have been in was lost


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


@lake_app.command("compact")
def lake_compact(lake: Annotated[Path, typer.Option("--lake", help="Folder of the lake.")]) -> None:
    """Join a lake's small files; the events stay the same. The old files stay until `vacuum`."""
    for one in workspace(lake, [], quiet=True).compact():
        if one.before != one.after:
            say(f"{one.table}: {one.before:,} files are {one.after:,} now")


@lake_app.command("retain")
def lake_retain(
    lake: Annotated[Path, typer.Option("--lake", help="Folder of the lake.")],
    since: Annotated[str, typer.Option(help="Events before this moment are dropped, ISO 8601.")],
) -> None:
    """Drop the events that happened before a moment."""
    first = moment(since)
    for one in workspace(lake, [], quiet=True).retain(first) if first is not None else ():
        if one.dropped:
            say(f"{one.table}: {one.dropped:,} events dropped")


@lake_app.command("vacuum")
def lake_vacuum(
    lake: Annotated[Path, typer.Option("--lake", help="Folder of the lake.")],
    keep: Annotated[str, typer.Option(help="Files that a version within this length of time had stay, such as 1d.")] = "1d",
) -> None:
    """Remove files that nothing needs any more: no version of a while, and no rule of a watch."""
    from livefire.watch.spans import span

    try:
        length = span(keep)
    except ValueError as fault:
        stop(f"E107: {fault}", USAGE)
    for one in workspace(lake, [], quiet=True).vacuum(length):
        if one.freed:
            say(f"{one.table}: {one.before - one.after:,} files removed, {one.freed:,} bytes")


@lake_app.command("verify")
def lake_verify(lake: Annotated[Path, typer.Option("--lake", help="Folder of the lake.")], as_json: Json = False) -> None:
    """Read every file of a lake and show each that is not what was written."""
    checked, damaged = workspace(lake, [], quiet=True).verify_lake()
    if as_json:
        emit({"files": checked, "damaged": [{"file": str(d.path), "reason": d.reason} for d in damaged]})
    else:
        for one in damaged:
            say(f"E716: {one.path}: {one.reason}")
        say(f"{checked:,} files checked, {len(damaged):,} damaged")
    raise typer.Exit(FOUND if damaged else OK)
