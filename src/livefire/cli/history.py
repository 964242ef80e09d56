"""The command that runs rules over history."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from livefire.cli.inputs import Json, LakeOption, LanguageOption, moment
from livefire.cli.program import app
from livefire.cli.proofs import rules_below
from livefire.cli.rules import needs_logs, over
from livefire.cli.terminal import FOUND, OK, REFUSED, USAGE, emit, progress, say, show, stop


@app.command()
def backtest(
    files: Annotated[list[Path], typer.Argument(help="Rule files and folders.")],
    *,
    on: Annotated[list[Path] | None, typer.Option("--on", help="Log files and folders to run over.")] = None,
    lake: LakeOption = None,
    since: Annotated[str | None, typer.Option("--from", help="First moment, ISO 8601; the first event by default.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Moment after the last, ISO 8601; a minute past the last event by default.")] = None,
    every: Annotated[float | None, typer.Option(help="Minutes between two runs of a rule that looks back from the present moment, as ago(1h) does.")] = None,
    against: Annotated[Path | None, typer.Option(help="An older version of the one rule: show what only one of them finds.")] = None,
    language: LanguageOption = None,
    as_json: Json = False,
) -> None:
    """Show what rules would have found in the past, day by day, and what a change of a rule loses and gains."""
    from livefire.detections import backtest as history
    from livefire.report import backtest as view

    absent = next((p for p in [*files, *([against] if against is not None else [])] if not p.exists()), None)
    if absent is not None:
        stop(f"E002: there is no file {absent}", USAGE)
    rules = [r for f in files for r in rules_below(f, language)]
    older = rules_below(against, language) if against is not None else []
    if against is not None and (len(rules), len(older)) != (1, 1):
        stop("E107: --against compares one rule with one rule", USAGE)
    if every is not None and every <= 0:
        stop("E107: --every is minutes, more than none", USAGE)
    needs_logs(lake, on)
    ws = over(lake, on, quiet=as_json)
    with progress("running", quiet=as_json) as tell:
        first, last = moment(since) or ws.info().first, moment(to) or ws.clock()
        moments = history.moments_between(first or last, last, timedelta(minutes=every)) if every is not None else []
        bench = ws.bench(last, start=moment(since), end=last)
        found = history.backtest([*rules, *older], bench, history.days_between(first or last, last), tell, moments)
    changes = [history.compare(found[1], found[0])] if older and not any(h.refused for h in found) else []
    if as_json:
        emit(view.as_json(found, changes))
    else:
        show(view.histories(found))
        for change in changes:
            say(view.change(rules[0].name, change))
    raise typer.Exit(REFUSED if any(h.refused for h in found) else FOUND if any(h.found for h in found) else OK)
