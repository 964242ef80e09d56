"""Commands over logs and lakes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livefire.cli.inputs import Json, read_logs, workspace
from livefire.cli.program import app, lake_app
from livefire.cli.terminal import OK, PARTIAL, emit, say, show

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
