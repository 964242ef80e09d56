"""Commands over logs and lakes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livefire.cli.inputs import Json, moment, read_logs, workspace
from livefire.cli.program import app, lake_app
from livefire.cli.terminal import FOUND, OK, PARTIAL, REFUSED, USAGE, emit, say, show, stop

LEFT_OUT = {"E402", "E407"}  # hidden files, devices, digests: nothing that an event could have been in was lost


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Log files and folders.")],
    lake: Annotated[Path, typer.Option("--lake", help="Folder of the lake; made when it does not exist.")],
    source: Annotated[str | None, typer.Option(help="Read everything as this log source: aws_cloudtrail, azure_activity or gcp_audit.")] = None,
    verify_digests: Annotated[
        Path | None, typer.Option("--verify-digests", help="Public keys of CloudTrail: read nothing unless its digests prove every log file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read log files into a lake: every record stored once, counted as a duplicate, or set aside with its reason."""
    from livefire.report import ingest as view
    from livefire.workspace import Workspace

    for path in paths:
        if verify_digests is not None and not _proved(path, verify_digests, quiet=as_json):
            stop("E718: nothing was read: the trail is not proved", REFUSED)
    report = read_logs(Workspace(lake), paths, source, quiet=as_json)
    if as_json:
        emit(view.report_json(report))
    else:
        say(view.balance(report))
        faults = view.faults(report)
        if faults is not None:
            show(faults)
    raise typer.Exit(PARTIAL if report.quarantined or any(f.code and f.code not in LEFT_OUT for f in report.files) else OK)


def _proved(folder: Path, keys: Path, *, quiet: bool) -> bool:
    """Check a trail, say what it came to, and return whether nothing is wrong."""
    from livefire.workspace import Workspace

    for path in (folder, keys):
        if not path.exists():
            stop(f"E002: there is no {path}", USAGE)
    report = Workspace().verify_trail(folder, keys)
    for fault in report.faults if not quiet else ():
        say(f"E718: {fault.path}: {fault.reason}", error=True)
    for unproved in report.unproved if not quiet else ():
        say(f"N719: {unproved}: nothing here holds its signature; a file {Path(unproved).name}.signature beside it may", error=True)
    if not quiet:
        said = f"{report.digests:,} digests, {report.logs:,} log files: {report.proved:,} proved, {len(report.faults):,} faults"
        say(f"{said}, {len(report.unproved):,} digests not proved", error=True)
    return report.sound


@app.command("verify-trail")
def verify_trail(
    folder: Annotated[Path, typer.Argument(help="A bucket of CloudTrail on disk, or a part of it, with its digests.")],
    keys: Annotated[Path, typer.Option(help="What `aws cloudtrail list-public-keys` printed.")],
    as_json: Json = False,
) -> None:
    """Prove with CloudTrail's digests that log files on disk were not changed, removed or added to."""
    from livefire.workspace import Workspace

    if as_json:
        found = Workspace().verify_trail(folder, keys)
        faults = [{"path": f.path, "reason": f.reason} for f in found.faults]
        emit({"digests": found.digests, "logs": found.logs, "proved": found.proved, "faults": faults, "unproved": found.unproved})
        raise typer.Exit(OK if found.sound else FOUND)
    raise typer.Exit(OK if _proved(folder, keys, quiet=False) else FOUND)


@lake_app.command("info")
def lake_info(lake: Annotated[Path, typer.Option("--lake", help="Folder of the lake.")], as_json: Json = False) -> None:
    """Show what a lake holds of each log source."""
    from livefire.report import ingest as view
    from livefire.report.tables import counted

    info = workspace(lake, [], quiet=True).info()
    if as_json:
        emit(view.lake_json(info))
    else:
        show(view.lake(info))
        if info.quarantined:
            say(f"{counted(info.quarantined, 'record')} could not be read as events: livefire lake quarantine --lake {lake}")


@lake_app.command("quarantine")
def lake_quarantine(
    lake: Annotated[Path, typer.Option("--lake", help="Folder of the lake.")],
    most: Annotated[int, typer.Option(min=1, max=100_000, help="How many entries, the latest first.")] = 50,
    as_json: Json = False,
) -> None:
    """Show what could not be read as events: each entry with its file, place, reason and beginning."""
    from livefire.report import ingest as view
    from livefire.report.tables import counted

    ws = workspace(lake, [], quiet=True)
    rows, records = ws.set_aside(most), ws.info().quarantined
    if as_json:
        emit(view.quarantine_json(rows, records))
    else:
        if rows:
            show(view.quarantine(rows))
        say(f"{counted(records, 'record')} could not be read as events")
    raise typer.Exit(FOUND if rows else OK)


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
