"""Detections to what a product deploys: the rule in its language, translated and proved where there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from livefire import query as stages
from livefire.detections.detection import Attack, Detection, Rule
from livefire.detections.elastic.run import Alerting
from livefire.detections.hunt import Hunt
from livefire.detections.tuning import Excepted
from livefire.diagnostics import QueryError, Source
from livefire.emulation.catalogue import emulations
from livefire.emulation.model import Kind
from livefire.exports import Artefact, Subject, Target, ocsf, stix
from livefire.exports.attack import LATEST, placed
from livefire.exports.model import NO_RULE, REFUSED, Connector, Sample, refuse
from livefire.plan import nodes as n
from livefire.proving import STORY_START
from livefire.translating import Translated, Translator
from livefire.translation.condition import FALSE
from livefire.translation.statement import conditions_of

_CLOUDS = {"aws_cloudtrail": "AWS", "azure_activity": "Azure", "gcp_audit": "Google Cloud"}


@dataclass(frozen=True, slots=True)
class Exported:
    """The files of an export, and the detections that have none with the reason."""

    artefacts: tuple[Artefact, ...]
    refused: tuple[tuple[str, QueryError], ...]


@dataclass(frozen=True, slots=True)
class Site:
    """What a site adds to detections where it deploys them: its exceptions, and where alerts are sent."""

    excepted: tuple[Excepted, ...] = ()
    connectors: tuple[Connector, ...] = ()


def export(
    detections: Sequence[Detection], target: Target, translator: Callable[[], Translator], day: str, attack: str | None = None, site: Site | None = None
) -> Exported:
    """Return what a target needs of detections; one that it cannot have is refused by itself, with the reason."""
    site = site or Site()
    subjects: list[Subject] = []
    refused: list[tuple[str, QueryError]] = []
    keep = [translator()] if target.languages else []
    for one in detections:
        try:
            found = subjects_of(one, target, keep[0] if keep else None, day, attack)
            found = [replace(s, excepted=site.excepted, connectors=site.connectors) for s in found]
            target.write(found)
        except QueryError as error:
            refused.append((one.card.id, error))
            continue
        subjects += found
    return Exported(target.write(subjects) if subjects else (), tuple(refused))


def subjects_of(detection: Detection, target: Target, translator: Translator | None, day: str, attack: str | None) -> list[Subject]:
    """Return a detection's rules in the target's languages; QueryError E511 where there is none and none can be made."""
    where = placed(detection.card, attack or target.attack)
    if translator is None:
        return [Subject(detection.card, detection.rules[0], attack=where, day=day)]
    own = [rule for rule in map(plain_rule, detection.rules) if rule.language in target.languages]
    found = _named([_subject(detection, rule, translator, day, where) for rule in own] if own else _translated(detection, target, translator, day, where))
    return [replace(s, samples=_samples(s)) for s in found] if target.samples else found


def _samples(subject: Subject) -> tuple[Sample, ...]:
    """Return for each log source of a rule an emulated attack that its detection must fire on."""
    found: dict[str, Sample] = {}
    for emulation in emulations():
        if emulation.kind is Kind.ATTACK and emulation.id in subject.card.covers and emulation.log_source in subject.sources:
            lines = "".join(json.dumps(_as_collected(raw, emulation.log_source), ensure_ascii=False) + "\n" for raw in emulation.generate(STORY_START).raws())
            name = re.sub(r"[^a-z0-9]+", "_", emulation.id.lower()).strip("_")
            found.setdefault(emulation.log_source, Sample(emulation.log_source, f"attack_data/{name}.json", lines))
    return tuple(found.values())


def _as_collected(raw: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """Return an event as Splunk's add-on brings it: the others' envelope around it, CloudTrail's record as it is."""
    return {"azure_activity": {"body": raw}, "gcp_audit": {"data": raw}}.get(source, raw)


def _named(subjects: list[Subject]) -> list[Subject]:
    """Tell the rules of a language apart by their clouds: that of the file's name, and for the file without one what is left."""
    found = []
    for subject in subjects:
        own = _cloud(subject.rule)
        others = {_cloud(s.rule) for s in subjects if s.rule.language == subject.rule.language and s is not subject}
        left = (own,) if own else tuple(x for x in subject.sources if x not in others)
        found.append(replace(subject, sources=left, part=" and ".join(_CLOUDS.get(x, x) for x in left) if others else ""))
    return found


def _cloud(rule: Rule) -> str:
    """Return the log source that a rule's file is named for, as splunk.azure.spl is."""
    stem = rule.path.stem if rule.path is not None else ""
    return {"aws": "aws_cloudtrail", "azure": "azure_activity", "gcp": "gcp_audit"}.get(stem.rpartition(".")[2], "") if "." in stem else ""


def _subject(detection: Detection, rule: Rule, translator: Translator, day: str, where: Attack | None) -> Subject:
    compiled = translator.compile(Source(rule.text, str(rule.path or rule.name)), rule.language, lenient=False)
    columns = compiled.lowered.schema.names
    read = _sources(compiled.lowered)
    # A language without a table in its text reads every table of the product; the card knows better.
    sources = tuple(x for x in read if x in detection.card.data) or detection.card.data or read
    return Subject(detection.card, rule, columns, sources, single=single(compiled), attack=where, day=day)


def _sources(plan: n.Plan) -> tuple[str, ...]:
    """Return the log sources that a plan reads."""
    own = (plan.table,) if isinstance(plan, n.Scan) else ()
    return tuple(dict.fromkeys((*own, *(s for child in n.inputs(plan) for s in _sources(child)))))


def _translated(detection: Detection, target: Target, translator: Translator, day: str, where: Attack | None) -> list[Subject]:
    """Return the first language whose every rule has a translation that is proved; E511 with every reason otherwise."""
    reasons: list[str] = []
    for origin in detection.languages:
        for language in target.languages:
            found = []
            for rule in map(plain_rule, detection.written_in(origin)):
                made = _proved(detection, rule, language, translator)
                if isinstance(made, str):
                    reasons.append(f"{origin} to {language}: {made}")
                    break
                fresh = _subject(detection, Rule(rule.name, language, made.text, rule.path), translator, day, where)
                found.append(replace(fresh, notes=_notes(rule, made), made=True))
            else:
                return found
    return refuse(NO_RULE, f"{detection.card.id} has no rule for {target.title}, and none can be made of another", "; ".join(reasons))


def _proved(detection: Detection, rule: Rule, language: str, translator: Translator) -> Translated | str:
    """Return a translation that is proved, or why there is none."""
    source = Source(rule.text, str(rule.path or rule.name))
    try:
        made = translator.turn(translator.compile(source, rule.language), language, title=detection.card.title)
    except QueryError as error:
        return f"{error.diagnostics[-1].code} {error.diagnostics[-1].message}"
    verdict = made.proof.verdict if made.proof is not None else "not proved"
    return made if verdict == "proved" else verdict


def _notes(rule: Rule, made: Translated) -> tuple[str, ...]:
    assumed = tuple(f"Assumed: {a.words}." for a in made.translation.assumptions)
    return (f"Translated from {rule.language} and proved to find the same events.", *assumed, *made.translation.notes)


def plain_rule(rule: Rule) -> Rule:
    """Return a rule as its query alone; E511 for a rule whose product adds to the query what a query cannot say."""
    if rule.alerting is None:
        return rule
    said = rule.alerting.said if isinstance(rule.alerting, Alerting) else None
    if said is None or said.type not in ("eql", "esql", "query"):
        refuse(NO_RULE, f"{rule.name} is a rule of a type that is more than its query")
    beside = [
        name
        for name, value in (("filters", said.filters), ("exceptions", said.exceptions), ("suppression", said.suppression), ("indicators", said.indicators))
        if value
    ]
    if beside:
        refuse(REFUSED, f"{rule.name} has {' and '.join(beside)} beside its query, which would be lost")
    return Rule(rule.name, said.language, said.query, rule.path)


def single(compiled: stages.Compiled) -> bool:
    """True for a rule whose rows are events, each found by itself."""

    def plain(plan: n.Plan) -> bool:
        own = isinstance(plan, (n.Scan, n.Filter, n.Project, n.Union)) or (isinstance(plan, (n.Sort, n.Limit)) and plan.span is None)
        return own and all(plain(child) for child in n.inputs(plan))

    return plain(compiled.lowered)


def counterpart(deployed: Rule, title: str, detections: Sequence[Detection], translator: Translator) -> Rule | None:
    """Return the rule that what is deployed was made of: by its title, with the part that tells clouds apart; None where none is.

    Of one detection that is asked for by itself it is the rule of the same language, and the same log source.
    """
    own = [d for d in detections if _is_named(title, d)]
    chosen = own[0] if own else detections[0] if len(detections) == 1 else None
    if chosen is None:
        return None
    for language in dict.fromkeys((deployed.language, *chosen.languages)):
        found = _named([_subject(chosen, rule, translator, "", None) for rule in map(plain_rule, chosen.written_in(language))])
        same = [s for s in found if s.title == title] or (found if len(found) == 1 else _alike(deployed, found, translator))
        if same:
            return same[0].rule
    return chosen.rules[0]


def made_of(titles: Sequence[str], detections: Sequence[Detection]) -> list[bool]:
    """Tell by title which of the rules that are deployed together were made of detections; each may have been where none tells so."""
    own = [any(_is_named(title, d) for d in detections) for title in titles]
    return own if any(own) else [True] * len(titles)


def _is_named(title: str, detection: Detection) -> bool:
    return title == detection.card.title or re.fullmatch(re.escape(detection.card.title) + r" \([^()]+\)", title) is not None


def _alike(deployed: Rule, found: Sequence[Subject], translator: Translator) -> list[Subject]:
    """Return the rules over the log sources that what is deployed can find something in."""
    read = {log for log, condition in conditions_of(compiled_rule(deployed, translator, lenient=True).lowered) if condition != FALSE}
    return [s for s in found if read & set(s.sources)]


def compiled_rule(rule: Rule, translator: Translator, *, lenient: bool) -> stages.Compiled:
    """Return a rule ready to be compared, its product's filters and exceptions part of it refused."""
    one = plain_rule(rule)
    return translator.compile(Source(one.text, str(rule.path or rule.name)), one.language, lenient=lenient)


def export_findings(found: Hunt, target: str, now: datetime, version: str, attack: str | None = None) -> tuple[Artefact, ...]:
    """Return findings as OCSF or STIX, `version` being that of livefire; KeyError for another target."""
    cards = {d.card.id: d.card for d, _ in found.outcomes}
    places = {d.card.id: where for d, _ in found.outcomes if (where := placed(d.card, attack or LATEST)) is not None}
    if target == "ocsf":
        return ocsf.as_lines(found.findings, cards, places, now, version)
    if target == "stix":
        rules = {(d.card.id, r.language): r for d, _ in found.outcomes for r in d.rules}
        return stix.as_bundle(found.findings, cards, rules, places, now, f"Findings of livefire, {now:%Y-%m-%d}")
    raise KeyError(target)


__all__ = ["Exported", "compiled_rule", "export", "export_findings"]
