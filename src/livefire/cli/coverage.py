"""The command that says what is covered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livefire.cli.inputs import Json, known_language, stored_in
from livefire.cli.program import app
from livefire.cli.terminal import FOUND, OK, USAGE, emit, progress, say, show, stop


@app.command()
def coverage(
    data: Annotated[Path, typer.Option("--data", help="A lake, or logs: what is covered there.")],
    *,
    packs: Annotated[Path | None, typer.Option(help="Folder of detections; the bundled ones by default.")] = None,
    language: Annotated[str | None, typer.Option("--language", "-l", help="The language whose rules are deployed; each detection's first otherwise.")] = None,
    layer: Annotated[Path | None, typer.Option(help="Write a layer of the ATT&CK Navigator to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Show which techniques are covered: counted are only detections that are proved and whose data is in these logs."""
    from livefire.report import coverage as view
    from livefire.workspace import Workspace

    known_language(language)
    if not data.exists():
        stop(f"E002: there is no {data}", USAGE)
    ws: Workspace = stored_in(data, quiet=as_json)
    with progress("proving", quiet=as_json) as tell:
        found = ws.covered(ws.detections(packs), language=language, progress=tell)
    if layer is not None:
        layer.write_text(ws.covered_layer(found), encoding="utf-8")
    if as_json:
        emit(view.as_json(found))
    else:
        show(view.techniques(found))
        if any(not c.counts for c in found):
            show(view.missing(found))
        say(view.total(found))
    raise typer.Exit(OK if all(c.counts for c in found) else FOUND)
