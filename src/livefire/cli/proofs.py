"""The command that proves: detections over every emulation, and rules of one's own over their cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livefire.cli.inputs import Json, LanguageOption, Lenient, Placeholders, known_language, known_techniques, placeholders, rule_files, rule_source
from livefire.cli.program import app
from livefire.cli.terminal import FOUND, OK, REFUSED, USAGE, emit, progress, put, refuse, say, show, stop

if TYPE_CHECKING:
    from livefire.detections.detection import Rule
    from livefire.proof.edges import Schedule


@dataclass(frozen=True, slots=True)
class Further:
    """What else is asked of rules beside their cases."""

    mutants: bool
    schedule: Schedule | None
    placeholders: Mapping[str, Sequence[str]]
    bundle: Path | None = None
    key: Path | None = None


class Form(StrEnum):
    """The forms that `prove` writes."""

    text = "text"
    json = "json"
    junit = "junit"


@app.command()
def prove(
    subjects: Annotated[list[str] | None, typer.Argument(help="Techniques, or rule files and folders; by default the bundled detections.")] = None,
    *,
    published: Annotated[Path | None, typer.Option(help="Folder of published detection pages whose queries are proved too, as written.")] = None,
    packs: Annotated[Path | None, typer.Option(help="Folder of detections; the bundled ones by default.")] = None,
    details: Annotated[bool, typer.Option(help="Show every rule on every attack and look-alike.")] = True,
    language: LanguageOption = None,
    near: Annotated[bool, typer.Option("--near", help="Only the attacks that rules cover and what resembles those: quick, while a rule is written.")] = False,
    respelled: Annotated[
        bool, typer.Option("--respelled", help="The stories of Azure and Google in their other spellings: small letters, Succeeded for Success, beta for v1.")
    ] = False,
    attack: Annotated[list[Path] | None, typer.Option(help="Log file or folder in which the rules must find something.")] = None,
    benign: Annotated[list[Path] | None, typer.Option(help="Log file or folder in which the rules must find nothing.")] = None,
    cases: Annotated[Path | None, typer.Option(help="Case file; by default the one beside the rule, rule.cases.yml or cases.yml.")] = None,
    mutants: Annotated[bool, typer.Option("--mutants", help="Change one clause of each rule at a time, and show the changes that no case notices.")] = False,
    edges: Annotated[
        bool, typer.Option("--edges", help="Tell the attacks at other times, turned round, twice and late, and show what each rule loses.")
    ] = False,
    every: Annotated[float, typer.Option(help="For --edges: how often the rule runs, in minutes.")] = 5,
    lookback: Annotated[float, typer.Option(help="For --edges: how far back the rule looks, in minutes.")] = 10,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Write the proof of one rule to this zip: rule, events, rows, hashes, versions.")] = None,
    sign: Annotated[Path | None, typer.Option("--sign", help="For --bundle: an ed25519 private key, PEM, to sign it with.")] = None,
    lenient: Lenient = False,
    placeholder: Placeholders = None,
    form: Annotated[Form, typer.Option("--format", help="Text for people; JUnit for test runners (rules of one's own).")] = Form.text,
    as_json: Json = False,
) -> None:
    """Run rules over attacks and look-alikes, and show which fire, which are silent, and why."""
    known_language(language)
    chosen = Form.json if as_json else form
    files = [Path(s) for s in subjects or [] if Path(s).exists()]
    if not files and (attack or benign or cases is not None or bundle is not None):
        stop("E002: --attack, --benign, --cases and --bundle are for a rule file: livefire prove RULE", USAGE)
    if sign is not None and bundle is None:
        stop("E107: --sign is for --bundle", USAGE)
    if not files:
        prove_detections(subjects or [], published, packs, language, near=near, retold=respelled, details=details, as_json=chosen is Form.json)
    if len(files) != len(subjects or []):
        stop(f"E002: there is no file {next(s for s in subjects or [] if not Path(s).exists())}", USAGE)
    given = [*(attack or []), *(benign or []), *(p for p in (cases, sign) if p is not None)]
    absent = next((p for p in given if not p.exists()), None)
    if absent is not None:
        stop(f"E002: there is no file {absent}", USAGE)
    from livefire.proof.edges import Schedule

    if every <= 0 or lookback <= 0:
        stop("E107: --every and --lookback are minutes, more than none", USAGE)
    more = Further(
        mutants=mutants,
        placeholders=placeholders(placeholder),
        schedule=Schedule(timedelta(minutes=every), timedelta(minutes=lookback)) if edges else None,
        bundle=bundle,
        key=sign,
    )
    prove_rules(files, language, attack or [], benign or [], cases, more, form=chosen, lenient=lenient)


def prove_detections(
    ids: Sequence[str], published: Path | None, packs: Path | None, language: str | None, *, near: bool, retold: bool, details: bool, as_json: bool
) -> None:
    """Prove detections over the emulations, show the matrix, and leave."""
    from livefire.diagnostics import QueryError
    from livefire.report import proof as view
    from livefire.workspace import Workspace

    try:
        with progress("proving", quiet=as_json) as tell:
            ws = Workspace()
            chosen = ws.detections(packs)
            known_techniques(list(ids), chosen)
            matrix = ws.prove(ids, published=published, detections=chosen, language=language, near=near, retold=retold, progress=tell)
    except QueryError as error:
        refuse(error, error.source, as_json=as_json)
    if as_json:
        emit(view.as_json(matrix))
    else:
        for part in (view.legend, view.attacks, view.look_alikes, view.misses, view.differences)[: 5 if details else 0]:
            show(part(matrix))
        say(view.KEY)
        show(view.summary(matrix))
    raise typer.Exit(OK if view.proved(matrix) else FOUND)


def rules_below(path: Path, language: str | None) -> list[Rule]:
    """Return the rules of a file, or of every rule file below a folder."""
    from livefire.detections.detection import Rule
    from livefire.detections.formats import read_folder
    from livefire.diagnostics import QueryError

    if path.is_dir():
        found: list[Rule] = []
        for file, rules in read_folder(path):
            if file.name.endswith(("cases.yml", "cases.yaml")):
                continue
            if isinstance(rules, QueryError):
                stop(f"{rules.diagnostics[0].code}: {file}: {rules.diagnostics[0].message}", USAGE)
            found += [one.rule for one in rules]
        return found
    listed = [one.rule for one in rule_files(path, language)]
    if listed:
        return listed
    source, chosen = rule_source(path, language)
    return [Rule(path.stem, chosen, source.text, path)]


def prove_rules(
    files: Sequence[Path],
    language: str | None,
    attacks: Sequence[Path],
    benign: Sequence[Path],
    cases: Path | None,
    more: Further,
    *,
    form: Form,
    lenient: bool,
) -> None:
    """Prove rules of one's own, show what became of each case, and leave."""
    from livefire.diagnostics import QueryError
    from livefire.proof.stated import cases_beside
    from livefire.report import rehearsal as view
    from livefire.workspace import Workspace

    ws = Workspace()
    ws.declare(placeholders=more.placeholders)
    stage = ws.rehearsal()
    rules = [r for f in files for r in rules_below(f, language)]
    if more.bundle is not None and len(rules) != 1:
        stop(f"E107: a bundle holds the proof of one rule, and here are {len(rules)}", USAGE)
    proofs: list[view.Rehearsed] = []
    try:
        with progress("proving", quiet=form is not Form.text) as tell:
            for rule in rules:
                beside = cases if cases is not None else cases_beside(rule.path) if rule.path is not None else None
                trials = stage.trials(rule, cases=beside, attacks=attacks, benign=benign, lenient=lenient)
                proof = stage.prove(rule, trials, lenient=lenient, progress=tell)
                score = stage.score(rule, trials, lenient=lenient, progress=tell) if more.mutants and not proof.refused else None
                lost = stage.edges(rule, trials, more.schedule, lenient=lenient) if more.schedule is not None and not proof.refused else None
                proofs.append(view.Rehearsed(proof, score, lost))
                if more.bundle is not None:
                    made = ws.bundle(proof, stage, lenient=lenient, key=more.key.read_bytes() if more.key is not None else None)
                    more.bundle.write_bytes(made)
    except QueryError as error:
        stop(f"{error.diagnostics[0].code}: {error.diagnostics[0].message}", USAGE)
    if form is Form.json:
        emit(view.as_json(proofs))
    elif form is Form.junit:
        put(view.junit(proofs))
    else:
        for rehearsed in proofs:
            for table in view.tables(rehearsed):
                show(table)
        say(view.totals(proofs))
    raise typer.Exit(REFUSED if any(p.proof.refused for p in proofs) else OK if all(p.proof.proved for p in proofs) else FOUND)


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="An evidence bundle, as prove --bundle writes it.")],
    *,
    key: Annotated[Path | None, typer.Option("--key", help="The ed25519 public key, PEM, that must have signed it.")] = None,
    as_json: Json = False,
) -> None:
    """Run the proof of an evidence bundle again, and say whether rule, events and rows are those it says."""
    from livefire.diagnostics import QueryError
    from livefire.report.safe import safe_text
    from livefire.workspace import Workspace

    for path in (bundle, key):
        if path is not None and not path.is_file():
            stop(f"E002: there is no file {path}", USAGE)
    try:
        with progress("running again", quiet=as_json):
            found = Workspace().verify(bundle.read_bytes(), key=key.read_bytes() if key is not None else None)
    except QueryError as error:
        stop(f"{error.diagnostics[0].code}: {error.diagnostics[0].message}", REFUSED)
    if as_json:
        said = {"rule": found.rule, "agrees": found.agrees, "trials": found.trials, "signed_by": found.signed_by or None}
        emit({**said, "differs": list(found.differs), "versions": list(found.versions)})
    else:
        signer = f"signed by the key {found.signed_by}" if found.signed_by else "not signed"
        say(safe_text(f"{found.rule}: {'agrees' if found.agrees else 'does not agree'}, {found.trials} cases run again, {signer}"))
        for line in (*found.differs, *found.versions):
            say(safe_text(f"  {line}"))
    raise typer.Exit(OK if found.agrees else FOUND)
