"""The command that turns a rule into another language."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livefire.cli.inputs import Json, Lenient, rule_source, workspace
from livefire.cli.program import app
from livefire.cli.terminal import FOUND, OK, emit, progress, refuse, say, show_diagnostics

if TYPE_CHECKING:
    from livefire.translating import Translated


class Target(StrEnum):
    """The languages a rule can be turned into."""

    kql = "kql"
    esql = "esql"
    eql = "eql"
    spl = "spl"
    cql = "cql"
    sigma = "sigma"


FromOption = Annotated[str | None, typer.Option("--from", help="kql, cql, eql, esql, spl or sigma; told from the file name otherwise.")]


@app.command()
def translate(
    file: Annotated[Path, typer.Argument(help="Rule file.")],
    to: Annotated[Target, typer.Option("--to", help="Language to turn it into.")],
    *,
    language: FromOption = None,
    on: Annotated[list[Path] | None, typer.Option("--on", help="Log files and folders to prove it over too.")] = None,
    prove: Annotated[bool, typer.Option(help="Run both over emulated events and near misses, and show an event that tells them apart.")] = True,
    lenient: Lenient = False,
    as_json: Json = False,
) -> None:
    """Turn a rule into another language, and prove that both find the same events."""
    from livefire.diagnostics import QueryError
    from livefire.report import translation as view

    source, chosen = rule_source(file, language)
    ws = workspace(None, on or [], quiet=as_json)
    try:
        with progress("proving", quiet=as_json or not prove):
            made = ws.translate(source.text, to.value, chosen, prove=prove, lenient=lenient, name=source.name)
    except QueryError as error:
        refuse(error, error.source if error.source.text else source, as_json=as_json)
    if as_json:
        emit(view.as_json(made))
    else:
        show_diagnostics(made.diagnostics, made.source)
        say(made.text)
        say(view.account(made), error=True)
    raise typer.Exit(OK if agreed(made) else FOUND)


def agreed(made: Translated) -> bool:
    """True when the proof was made, or was not asked for."""
    return made.proof is None or made.proof.verdict == "proved"
