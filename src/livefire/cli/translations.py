"""Commands that turn rules into what other products read, and compare them with what is deployed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livefire.cli.inputs import Json, Lenient, Placeholders, placeholders, rule_source, workspace
from livefire.cli.program import app
from livefire.cli.terminal import FOUND, OK, REFUSED, USAGE, emit, progress, refuse, say, show_diagnostics, stop

if TYPE_CHECKING:
    from livefire.detections.detection import Detection
    from livefire.detections.formats import RuleFile
    from livefire.exporting import Site
    from livefire.exports import Artefact
    from livefire.translating import Translated
    from livefire.translation.equivalence import Equivalence
    from livefire.workspace import Workspace


TARGETS = ("kql", "esql", "eql", "spl", "cql", "sigma")
PRODUCTS = {"sentinel": "kql", "elastic": "esql", "splunk": "spl", "logscale": "cql"}

FromOption = Annotated[str | None, typer.Option("--from", help="kql, cql, eql, esql, spl or sigma; told from the file name otherwise.")]


@app.command()
def translate(
    file: Annotated[Path, typer.Argument(help="Rule file.")],
    to: Annotated[str, typer.Option("--to", help="kql, esql, eql, spl, cql or sigma; or a product: sentinel, elastic, splunk or logscale.")],
    *,
    language: FromOption = None,
    on: Annotated[list[Path] | None, typer.Option("--on", help="Log files and folders to prove it over too.")] = None,
    prove: Annotated[bool, typer.Option(help="Run both over emulated events and near misses, and show an event that tells them apart.")] = True,
    lenient: Lenient = False,
    placeholder: Placeholders = None,
    as_json: Json = False,
) -> None:
    """Turn a rule into another language, and prove that both find the same events."""
    from livefire.diagnostics import QueryError
    from livefire.report import translation as view

    target = PRODUCTS.get(to, to)
    if target not in TARGETS:
        stop(f"E001: no rule can be turned into {to!r}; there are {', '.join((*TARGETS, *PRODUCTS))}", USAGE)
    source, chosen = rule_source(file, language)
    ws = workspace(None, on or [], quiet=as_json)
    ws.declare(placeholders=placeholders(placeholder))
    try:
        with progress("proving", quiet=as_json or not prove):
            made = ws.translate(source.text, target, chosen, prove=prove, lenient=lenient, name=source.name)
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


@app.command()
def export(
    what: Annotated[str, typer.Argument(help="A detection such as T1578.002/instance-created, a technique, a pack, a folder of detections, or a rule file.")],
    to: Annotated[str, typer.Option("--to", help="sentinel, sentinel-arm, sentinel-bicep, elastic, kibana, splunk, contentctl, logscale, sigma or navigator.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    *,
    attack: Annotated[str | None, typer.Option(help="Version of ATT&CK to name techniques by, such as v19; the product's own by default.")] = None,
    tuning: Annotated[Path | None, typer.Option(help="For kibana: a site's tuning.toml, whose exceptions are written before the rules.")] = None,
    config: Annotated[Path | None, typer.Option(help="For kibana: the configuration of a watch, whose sinks are written as connectors.")] = None,
    as_json: Json = False,
) -> None:
    """Write detections as files that a product deploys, each checked before it is written."""
    from livefire.diagnostics import QueryError
    from livefire.exports import TARGETS
    from livefire.workspace import Workspace

    if to not in {t.name for t in TARGETS}:
        stop(f"E107: no target is named {to!r}; there are {', '.join(t.name for t in TARGETS)}", USAGE)
    if to != "kibana" and (tuning is not None or config is not None):
        stop("E107: --tuning and --config are for kibana: the other targets have no place for exceptions and connectors", USAGE)
    ws = Workspace()
    try:
        site = site_of(tuning, config)
        chosen = chosen_detections(ws, what)
        with progress("exporting", quiet=as_json):
            made = ws.export(chosen, to, attack=attack, site=site)
    except QueryError as error:
        refuse(error, error.source, as_json=as_json)
    write_files(out, made.artefacts)
    refused = [
        {"detection": name, "code": e.diagnostics[-1].code, "reason": e.diagnostics[-1].message, "help": e.diagnostics[-1].help} for name, e in made.refused
    ]
    if as_json:
        emit({"target": to, "files": [str(out / a.path) for a in made.artefacts], "refused": refused})
    else:
        for artefact in made.artefacts:
            say(str(out / artefact.path))
        for one in refused:
            say(f"not exported: {one['detection']}: {one['code']} {one['reason']}" + (f" ({one['help']})" if one["help"] else ""), error=True)
    raise typer.Exit(REFUSED if refused else OK)


def site_of(tuning: Path | None, config: Path | None) -> Site:
    """Return the exceptions and connectors of a site; what cannot be read ends the command, and a sink without a connector is said."""
    from livefire.detections.tuning import load_tuning
    from livefire.exporting import Site

    absent = next((p for p in (tuning, config) if p is not None and not p.is_file()), None)
    if absent is not None:
        stop(f"E002: there is no file {absent}", USAGE)
    excepted = load_tuning(tuning).exception if tuning is not None else ()
    if config is None:
        return Site(excepted)
    from livefire.watch.config import load
    from livefire.watch.connectors import connectors

    found, left = connectors(load(config).sink)
    for name in left:
        say(f"no connector: Kibana has none for the sink {name!r}", error=True)
    return Site(excepted, found)


def chosen_detections(ws: Workspace, what: str) -> tuple[Detection, ...]:
    """Return the detections that an argument means: a file, a folder, an id, a technique or a pack."""
    path = Path(what)
    if path.is_file():
        return tuple(one.detection() for one in ws.rules(path)) or stop(f"E506: {path.name} holds no rule", USAGE)
    if path.is_dir():
        return ws.detections(path) if any(path.rglob("detection.toml")) else ws.rule_folder(path)[0]
    every = ws.detections()
    wanted = what.lower()
    found = tuple(d for d in every if wanted in (d.card.id.lower(), d.folder.parent.name.lower()) or d.card.id.lower().startswith((f"{wanted}/", f"{wanted}.")))
    if not found:
        stop(f"E004: {what!r} is no file, folder, pack, technique or detection; there are {', '.join(d.card.id for d in every)}", USAGE)
    return found


def write_files(out: Path, artefacts: tuple[Artefact, ...]) -> None:
    """Write files below a folder, which is made; what cannot be written ends the command."""
    try:
        for artefact in artefacts:
            path = out / artefact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(artefact.text, encoding="utf-8")
    except OSError as fault:
        stop(f"E003: {out} cannot be written: {fault.strerror}", REFUSED)


@app.command()
def diff(
    deployed: Annotated[Path, typer.Argument(help="What runs in a product: its export or rule file, or a folder of them.")],
    what: Annotated[str, typer.Argument(help="A detection, or a rule file.")],
    *,
    on: Annotated[list[Path] | None, typer.Option("--on", help="Log files and folders to compare over too.")] = None,
    lenient: Lenient = False,
    placeholder: Placeholders = None,
    as_json: Json = False,
) -> None:
    """Show where what is deployed finds other events than a detection, by running both over the same events."""
    from livefire.diagnostics import QueryError
    from livefire.report import translation as view

    if not deployed.exists():
        stop(f"E002: there is no file {deployed}", USAGE)
    ws = workspace(None, on or [], quiet=as_json)
    ws.declare(placeholders=placeholders(placeholder))
    found: list[tuple[str, Equivalence | None]] = []
    try:
        rules = deployed_rules(ws, deployed)
        if not rules:
            stop(f"E506: {deployed.name} holds no rule", USAGE)
        chosen = chosen_detections(ws, what)
        compared = ws.deployed_of(rules, chosen)
        if len(compared) < len(rules):
            say(f"not compared: {len(rules) - len(compared)} of the {len(rules)} rules in {deployed.name}, which were made of other detections", error=True)
        for one in compared:
            counterpart = ws.counterpart(one.rule, one.title, chosen)
            if counterpart is None:
                found.append((one.title, None))
                continue
            with progress("comparing", quiet=as_json):
                found.append((one.title, ws.diff(one.rule, counterpart, lenient=lenient)))
    except QueryError as error:
        refuse(error, error.source, as_json=as_json)
    if as_json:
        emit([{"rule": title, **view.drift_json(drift)} for title, drift in found])
    else:
        for title, drift in found:
            say(f"{title}: {view.drift(drift)}")
    raise typer.Exit(OK if all(d is not None and d.verdict == "proved" for _, d in found) else FOUND)


def deployed_rules(ws: Workspace, path: Path) -> tuple[RuleFile, ...]:
    """Return the rules of a file, or of every file below a folder; QueryError for one that cannot be read."""
    from livefire.detections.formats import read_folder
    from livefire.diagnostics import QueryError

    if path.is_file():
        return ws.rules(path)
    found: list[RuleFile] = []
    for _, rules in read_folder(path):
        if isinstance(rules, QueryError):
            raise rules
        found += [one for one in rules if not one.inner]
    return tuple(found)
