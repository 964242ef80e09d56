"""Commands over findings: alerts, tune, investigate, baseline, inventory, background."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livefire.cli.inputs import (
    EngineOption,
    Json,
    LakeOption,
    LanguageOption,
    Moment,
    Site,
    declare,
    engine_given,
    known_language,
    moment,
    read_logs,
    reads_tables,
)
from livefire.cli.program import alerts_app, app
from livefire.cli.terminal import FOUND, OK, USAGE, emit, progress, say, show, stop

if TYPE_CHECKING:
    from livefire.workspace import Workspace

Paths = Annotated[list[Path] | None, typer.Argument(help="Log files and folders.")]
TuningOption = Annotated[Path | None, typer.Option(help="File of what the site trusts and excepts; the example company's by default.")]
_BUDGET = 600.0
"""Seconds for one query: these commands look at all that a lake holds."""


def _workspace(paths: list[Path] | None, lake: Path | None, engine: str, *, quiet: bool) -> Workspace:
    from livefire.workspace import Workspace

    if not paths and lake is None and not reads_tables(engine):
        stop("say what to look in: PATH, or --lake DIR", USAGE)
    if lake is not None and not paths and not lake.is_dir():
        stop(f"E002: there is no lake at {lake}", USAGE)
    ws = Workspace(lake, engine_given(engine))
    if paths:
        read_logs(ws, paths, None, quiet=quiet)
    return ws


@alerts_app.command("raise")
def alerts(
    paths: Paths = None,
    *,
    lake: LakeOption = None,
    engine: EngineOption = "duckdb",
    tuning: TuningOption = None,
    site: Site = None,
    language: LanguageOption = None,
    now: Moment = None,
    as_json: Json = False,
) -> None:
    """Hunt, weigh what is found against what is usual, and show what calls for a person: one alert an identity and day."""
    from livefire.report import cases as view

    known_language(language)
    ws = _workspace(paths, lake, engine, quiet=as_json)
    declare(ws, site)
    with progress("hunting", quiet=as_json) as tell:
        found = ws.triage(tuning=tuning, language=language, now=moment(now), progress=tell, seconds=_BUDGET)
    if as_json:
        emit(view.alerts_json(found))
    else:
        if found.alerts:
            show(view.alerts(found))
        say(view.totals(found))
    raise typer.Exit(FOUND if found.alerts else OK)


@app.command()
def tune(
    detection: Annotated[str, typer.Argument(help="Detection, such as T1578.002/instance-created.")],
    paths: Paths = None,
    *,
    lake: LakeOption = None,
    engine: EngineOption = "duckdb",
    tuning: TuningOption = None,
    site: Site = None,
    truth: Annotated[Path | None, typer.Option(help='Lines of JSON with the "marks" or "event_id" of what is known to be an attack.')] = None,
    language: LanguageOption = None,
    now: Moment = None,
    as_json: Json = False,
) -> None:
    """Show how often a detection fires, because of whom, and the exception that takes away most and loses nothing true."""
    from livefire.detections.advice import advise
    from livefire.detections.triage import span_days
    from livefire.report import cases as view

    known_language(language)
    ws = _workspace(paths, lake, engine, quiet=as_json)
    declare(ws, site)
    if detection not in {d.card.id for d in ws.detections()}:
        stop(f"E004: there is no detection {detection}", USAGE)
    marks = _marks(truth) if truth is not None else frozenset()
    with progress("hunting", quiet=as_json) as tell:
        found = ws.triage(tuning=tuning, language=language, now=moment(now), progress=tell, seconds=_BUDGET)
    advice, today = advise(detection, found, marks), found.hunt.now.date()
    if as_json:
        emit(view.advice_json(advice, today))
    else:
        say(view.advice_text(advice, today, span_days(found)))


def _marks(path: Path) -> frozenset[str]:
    marks: set[str] = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            said = json.loads(line)
        except ValueError:
            stop(f"E004: line {number} of {path} is no JSON", USAGE)
        if isinstance(said, dict) and said.get("role", "attack") == "attack":
            listed = said.get("marks")
            marks.update(str(m) for m in (listed if isinstance(listed, list) else [said.get("event_id") or ""]) if m)
    return frozenset(marks)


@app.command()
def investigate(
    finding: Annotated[str, typer.Argument(help="Fingerprint of a finding, or its beginning, as `hunt --json`, `chains --json` and `alerts --json` show it.")],
    paths: Paths = None,
    *,
    lake: LakeOption = None,
    engine: EngineOption = "duckdb",
    language: LanguageOption = None,
    now: Moment = None,
    as_json: Json = False,
) -> None:
    """Run the investigation guide of a finding: who, from where, what it reached, what to preserve before what to contain."""
    from livefire.report import cases as view

    known_language(language)
    ws = _workspace(paths, lake, engine, quiet=as_json)
    with progress("hunting", quiet=as_json) as tell:
        found = ws.hunt(language=language, now=moment(now), progress=tell, seconds=_BUDGET)
        chains = [c.as_finding for c in ws.chains(now=moment(now), seconds=_BUDGET)]
    chosen = [f for f in (*found.findings, *chains) if f.fingerprint.startswith(finding.lower())]
    if len(chosen) != 1:
        stop(f"E004: {len(chosen)} findings begin with {finding!r}; `livefire hunt --json` and `chains --json` list them", USAGE)
    case = ws.investigate(chosen[0], now=moment(now), seconds=_BUDGET)
    if as_json:
        emit(view.case_json(case))
    else:
        say(view.case_text(case))


@app.command()
def baseline(
    paths: Paths = None,
    *,
    lake: LakeOption = None,
    engine: EngineOption = "duckdb",
    keep: Annotated[bool, typer.Option("--keep", help="Keep what is learnt beside the lake, as the next version.")] = False,
    version: Annotated[int | None, typer.Option(help="Show a version that is kept instead of learning.")] = None,
    who: Annotated[str | None, typer.Option(help="Show what is known of identities that contain this text.")] = None,
    to: Annotated[str | None, typer.Option(help="Write it for a product: sentinel, splunk, logscale or elastic.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write to; shown otherwise.")] = None,
    site: Site = None,
    now: Moment = None,
    as_json: Json = False,
) -> None:
    """Learn what is usual, or show what was learnt: since when each identity, action, network, client, region and type is known."""
    from livefire.detections.baseline_files import TARGETS, load
    from livefire.report import cases as view
    from livefire.report.safe import safe_cell

    if to is not None and to not in TARGETS:
        stop(f"E004: a baseline is written for {', '.join(TARGETS)}", USAGE)
    ws = _workspace(paths, lake, engine, quiet=as_json)
    declare(ws, site)
    kept = load(ws.lake.path, version) if version is not None else ws.learn(keep=keep, now=moment(now), seconds=_BUDGET)
    if to is not None:
        written = TARGETS[to](kept.baseline, safe_cell)
        if out is None:
            say(written)
        else:
            out.write_text(written, encoding="utf-8")
            say(f"wrote {out}")
    elif as_json:
        emit(view.baseline_json(kept, who))
    else:
        show(view.baseline(kept, who))
        say(view.baseline_totals(kept))


@app.command()
def inventory(paths: Paths = None, *, lake: LakeOption = None, engine: EngineOption = "duckdb", now: Moment = None, as_json: Json = False) -> None:
    """Show the machines that the log tells of: who made them, what changed since, what is gone."""
    from livefire.report import cases as view

    ws = _workspace(paths, lake, engine, quiet=as_json)
    machines = ws.inventory(moment(now), seconds=_BUDGET)
    if as_json:
        emit(view.inventory_json(machines))
    else:
        show(view.inventory(machines))


@app.command()
def background(
    out: Annotated[Path, typer.Option(help="Folder to write the logs and planted.jsonl to.")],
    days: Annotated[int, typer.Option(min=1, help="How many days.")] = 30,
    events: Annotated[int, typer.Option(min=0, help="How many events, all clouds together.")] = 2_000_000,
    attacks: Annotated[int, typer.Option(min=0, help="How many attacks to plant, after the fortnight that baselines need.")] = 60,
    seed: Annotated[int, typer.Option(help="Another seed gives other people, addresses and days.")] = 0,
    start: Moment = None,
    as_json: Json = False,
) -> None:
    """Write months of ordinary traffic of three clouds, with attacks planted in it and the truth beside it."""
    from livefire.emulation.background import Plan, write_background

    begin = moment(start) or datetime(2026, 9, 1, tzinfo=UTC)
    with progress("writing", quiet=as_json) as tell:
        made = write_background(out, Plan(begin, days, events, attacks, seed), tell)
    if as_json:
        emit({"logs": str(made.logs), "truth": str(made.truth), "events": made.events, "principals": made.principals, "planted": len(made.plants)})
    else:
        say(f"{made.events:,} events of {made.principals} principals in {made.logs}; {len(made.plants)} attacks, named in {made.truth}")
