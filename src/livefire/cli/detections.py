"""Commands over detections: hunt, prove, demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livefire.cli.inputs import (
    EngineOption,
    Json,
    LakeOption,
    LanguageOption,
    Moment,
    Placeholders,
    engine_given,
    known_language,
    moment,
    placeholders,
    read_logs,
    reads_tables,
)
from livefire.cli.program import app
from livefire.cli.terminal import FOUND, OK, REFUSED, USAGE, emit, progress, refuse, say, show, stop
from livefire.cli.translations import write_files

if TYPE_CHECKING:
    from livefire.detections.detection import Detection
    from livefire.workspace import Workspace

DEMONSTRATED = "T1578.004"


@app.command()
def hunt(
    paths: Annotated[list[Path] | None, typer.Argument(help="Log files and folders.")] = None,
    *,
    lake: LakeOption = None,
    engine: EngineOption = "duckdb",
    packs: Annotated[Path | None, typer.Option(help="Folder of detections; the bundled ones by default.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Folder of rule files of any product, or one file, in the place of packs.")] = None,
    language: LanguageOption = None,
    now: Moment = None,
    placeholder: Placeholders = None,
    new: Annotated[bool, typer.Option("--new", help="Only what no earlier hunt with --new over this lake told; looks at what came since.")] = False,
    to: Annotated[str | None, typer.Option("--to", help="Write the findings to --out too: ocsf (Detection Finding 2004) or stix (2.1).")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for --to.")] = None,
    as_json: Json = False,
) -> None:
    """Read logs, run the detections over them, and show what they find."""
    from livefire.diagnostics import QueryError
    from livefire.report import hunt as view
    from livefire.report import ingest as account
    from livefire.workspace import Workspace

    if (to is not None and to not in ("ocsf", "stix")) or (to is None) is not (out is None):
        stop("E107: --to is ocsf or stix, with --out FOLDER", USAGE)
    if not paths and lake is None and not reads_tables(engine):
        stop("say what to hunt in: livefire hunt PATH, or --lake DIR", USAGE)
    if lake is not None and not paths and not lake.is_dir():
        stop(f"E002: there is no lake at {lake}", USAGE)
    if new and (lake is None or engine != "duckdb"):
        stop("E107: --new goes on where the last hunt over a lake ended: name it with --lake DIR, and no other engine", USAGE)
    known_language(language)
    if rules is not None and not rules.exists():
        stop(f"E002: there is no {rules}", USAGE)
    ws = Workspace(lake, engine_given(engine))
    ws.declare(placeholders=placeholders(placeholder))
    chosen, broken = rule_detections(ws, rules) if rules is not None else (None, ())
    report = read_logs(ws, paths, None, quiet=as_json) if paths else None
    try:
        with progress("hunting", quiet=as_json) as tell:
            asked = ws.detections(packs) if chosen is None else chosen
            onward = ws.hunt_on(asked, language=language, now=moment(now), progress=tell) if new else None
            found = onward.hunt if onward is not None else ws.hunt(asked, language=language, now=moment(now), progress=tell)
    except QueryError as error:
        refuse(error, error.source, as_json=as_json)
    if to is not None and out is not None:
        write_files(out, ws.export_findings(found, to, now=moment(now)))
    if as_json:
        emit({"ingest": account.report_json(report) if report else None, **view.as_json(found), "unread": [{"file": f, "reason": r} for f, r in broken]})
    else:
        if report is not None:
            say(account.balance(report))
            faults = account.faults(report)
            if faults is not None:
                show(faults)
        if found.findings:
            show(view.findings(found))
        say(view.totals(found))
        if onward is not None:
            say(view.gone_on(onward))
        for file, reason in broken:
            say(f"not read: {file}: {reason}")
    if onward is not None:
        ws.told(onward)
    raise typer.Exit(REFUSED if found.refused or broken else FOUND if found.findings else OK)


def rule_detections(ws: Workspace, path: Path) -> tuple[tuple[Detection, ...], tuple[tuple[str, str], ...]]:
    """Return the rules of a folder or file as detections, and each file that cannot be read with its reason."""
    if path.is_file():
        return tuple(one.detection() for one in ws.rules(path)), ()
    found, broken = ws.rule_folder(path)
    return found, tuple((str(file), f"{error.diagnostics[0].code} {error.diagnostics[0].message}") for file, error in broken)


@app.command()
def chains(
    paths: Annotated[list[Path] | None, typer.Argument(help="Log files and folders.")] = None,
    *,
    lake: LakeOption = None,
    engine: EngineOption = "duckdb",
    as_json: Json = False,
) -> None:
    """Follow copies, machines and identities through the logs, and show the chains of acts that make an attack."""
    from livefire.report import chains as view
    from livefire.workspace import Workspace

    if not paths and lake is None and not reads_tables(engine):
        stop("say what to look in: livefire chains PATH, or --lake DIR", USAGE)
    if lake is not None and not paths and not lake.is_dir():
        stop(f"E002: there is no lake at {lake}", USAGE)
    ws = Workspace(lake, engine_given(engine))
    if paths:
        read_logs(ws, paths, None, quiet=as_json)
    found = ws.chains()
    if as_json:
        emit(view.as_json(found))
    else:
        for finding in found:
            say(view.story(finding))
        say(f"{len(found):,} chain{'s' if len(found) != 1 else ''}")
    raise typer.Exit(FOUND if found else OK)


@app.command()
def emulate(
    name: Annotated[str, typer.Argument(help="Emulation, such as T1578.004-aws-2 or T1578.004/aws-volume-from-snapshot; all of a technique for T1578.004.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write log files to, as the cloud would deliver them; without it the story is shown.")] = None,
    start: Moment = None,
    seed: Annotated[int, typer.Option(help="Another seed gives other ids, addresses and pauses.")] = 0,
    as_json: Json = False,
) -> None:
    """Write an attack's or a look-alike's telemetry as log files, and show its story: commands, clean-up, what to look for."""
    from livefire.emulation.catalogue import UnknownEmulationError, find, for_technique
    from livefire.emulation.delivery import write
    from livefire.proving import STORY_START
    from livefire.report import emulation as view

    chosen = for_technique(name)
    if not chosen:
        try:
            chosen = (find(name),)
        except UnknownEmulationError as error:
            stop(f"E004: {error.args[0]}", USAGE)
    begin = moment(start) or STORY_START
    written = {e.id: write(e, out / (e.number or e.id.replace("/", "-")) if len(chosen) > 1 else out, begin, seed) if out else () for e in chosen}
    if as_json:
        emit([view.as_json(e, written[e.id]) for e in chosen])
        return
    for emulation in chosen:
        say(view.story(emulation))
        for file in written[emulation.id]:
            say(f"wrote {file}")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to write the demo's logs and lake to.")],
    published: Annotated[Path | None, typer.Option(help="Folder of published detection pages.")] = None,
) -> None:
    """Write logs of a small company's week, prove the detections, and hunt in the logs."""
    from livefire.emulation.demo import write_demo
    from livefire.report import hunt as view
    from livefire.report import ingest as account
    from livefire.report import proof
    from livefire.workspace import Workspace

    with progress("writing logs", quiet=False):
        made = write_demo(out)
    say(f"Wrote {made.events:,} events of three clouds to {made.logs}")
    ws = Workspace(out / "lake")
    say(account.balance(read_logs(ws, [made.logs], None, quiet=False)))
    show(account.lake(ws.info()))
    with progress("proving", quiet=False) as tell:
        matrix = ws.prove((DEMONSTRATED,), published=published, language="kql", near=True, progress=tell)
    say(f"The detections of {DEMONSTRATED} in KQL over the attacks they cover and what resembles those (livefire prove does it for all, in every language):")
    for part in (proof.legend, proof.attacks, proof.look_alikes, proof.misses):
        show(part(matrix))
    say(proof.KEY)
    show(proof.summary(matrix))
    with progress("hunting", quiet=False) as tell:
        found = ws.hunt(progress=tell)
    say(f"What the detections find in {made.logs}:")
    show(view.findings(found))
    say(view.totals(found))
    raise typer.Exit(OK if proof.proved(matrix) and found.findings and not found.refused else FOUND)
