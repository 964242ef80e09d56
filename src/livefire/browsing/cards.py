"""The catalogue: coverage by technique, and all there is to say of one detection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from livefire.browsing import markdown
from livefire.browsing.attack import CLOUD_MATRIX, VERSION
from livefire.browsing.listing import listing
from livefire.browsing.record import standing
from livefire.detections.chain import Chain
from livefire.detections.detection import Detection, Rule
from livefire.diagnostics import Diagnostic, Source
from livefire.emulation.catalogue import emulations, find
from livefire.emulation.model import Emulation, Kind
from livefire.exports.attack import TECHNIQUES
from livefire.store.lake import LakeInfo

PLATFORMS = {
    "kql": "Microsoft Sentinel",
    "cql": "CrowdStrike LogScale",
    "eql": "Elastic EQL",
    "esql": "Elastic ES|QL",
    "spl": "Splunk",
    "sigma": "Sigma",
    "kuery": "Elastic kuery",
    "lucene": "Elastic Lucene",
}
CLOUDS = {"aws_cloudtrail": "AWS CloudTrail", "azure_activity": "Azure Activity", "gcp_audit": "Google Cloud Audit Logs"}
Check = Callable[[Rule], Sequence[Diagnostic]]


def technique_of(detection: Detection) -> str:
    """Return the technique that a detection's id begins with."""
    return detection.card.id.partition("/")[0]


def title_of(technique: str) -> str:
    """Return a technique's name, empty for one that is not known."""
    return next((name for _, _, ts in CLOUD_MATRIX for number, name in ts if number == technique), TECHNIQUES.get(technique, ""))


def sources(info: LakeInfo | None) -> list[dict[str, Any]]:
    """Return what the lake holds of each log source; all are empty without a lake."""
    known = {s.name: s for s in info.sources} if info is not None else {}
    listed = []
    for name, title in CLOUDS.items():
        held = known.get(name)
        listed.append(
            {
                "name": name,
                "title": title,
                "events": held.events if held else 0,
                "files": held.files if held else 0,
                "bytes": held.bytes if held else 0,
                "first": held.first if held else None,
                "last": held.last if held else None,
                "version": held.version if held else -1,
            }
        )
    return listed


def coverage(detections: Sequence[Detection], chains: Sequence[Chain], info: LakeInfo | None, record: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return ATT&CK's cloud matrix with what covers each technique, and the techniques that have detections."""
    alive = {s["name"] for s in sources(info) if s["events"]}
    rows = [_row(d, alive, record, version) for d in detections]
    held: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        held.setdefault(row["technique"], []).append(row)
    tactics = [{"id": i, "name": name, "techniques": [_cell(number, label, held) for number, label in ts]} for i, name, ts in CLOUD_MATRIX]
    techniques = [{"id": t, "name": title_of(t), "detections": found, **_tally(found)} for t, found in sorted(held.items())]
    chained = [{"id": c.id, "title": c.title, "severity": c.severity, "risk": c.risk.base, "what": c.what} for c in chains]
    return {"attack": VERSION, "tactics": tactics, "techniques": techniques, "chains": chained, "detections": len(rows), **_tally(rows)}


def _row(detection: Detection, alive: set[str], record: Mapping[str, Any], version: str) -> dict[str, Any]:
    card, proof = detection.card, standing(detection, record, version)
    cells = []
    for language in PLATFORMS:
        if detection.written_in(language):
            absent = {c for d in card.differs if d.language == language for c in d.cases}
            shown = proof["languages"].get(language)
            cells.append({"language": language, "fires": shown["fires"] if shown else None, "of": len([c for c in card.covers if c not in absent])})
        elif language not in ("kuery", "lucene"):
            cells.append({"language": language, "fires": None, "of": None})
    return {
        "id": card.id,
        "technique": technique_of(detection),
        "title": card.title,
        "what": card.what,
        "severity": card.severity,
        "confidence": card.confidence,
        "risk": card.risk.base,
        "data": [{"name": s, "title": CLOUDS.get(s, s), "alive": s in alive} for s in card.data],
        "languages": cells,
        "proof": proof["state"],
        "proved_at": proof["at"],
        "alive": any(s in alive for s in card.data),
    }


def _tally(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    proved = sum(r["proof"] == "proved" for r in rows)
    live = sum(r["proof"] == "proved" and r["alive"] for r in rows)
    return {"count": len(rows), "proved": proved, "live": live, "alive": sum(r["alive"] for r in rows)}


def _cell(number: str, name: str, held: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    own = [r for t, rows in held.items() if t == number or t.startswith(number + ".") for r in rows]
    subs = [{"id": t, "name": title_of(t), **_tally(rows)} for t, rows in sorted(held.items()) if t.startswith(number + ".")]
    tally = _tally(own)
    state = "none" if not own else "live" if tally["live"] == len(own) else "part" if tally["proved"] else "written"
    return {"id": number, "name": name, "subs": subs, "state": state, **tally}


def detection_page(
    detection: Detection, everything: Sequence[Detection], info: LakeInfo | None, record: Mapping[str, Any], check: Check, version: str
) -> dict[str, Any]:
    """Return all there is to say of one detection."""
    card, folder = detection.card, detection.folder
    proof = standing(detection, record, version)
    alive = {s["name"]: s for s in sources(info)}
    languages = [_language(detection, language, proof, check) for language in detection.languages]
    lacking = [{"name": PLATFORMS.get(d.language, d.language), "reason": d.reason, "cases": list(d.cases)} for d in card.differs]
    related = [
        {"id": d.card.id, "title": d.card.title, "severity": d.card.severity}
        for d in everything
        if d.card.id != card.id and technique_of(d) == technique_of(detection)
    ]
    attacks = [_story(find(c), proof) for c in card.covers]
    alike = [_story(m, proof) for m in emulations() if m.kind is Kind.LOOK_ALIKE and set(m.resembles) & set(card.covers)]
    return {
        "id": card.id,
        "technique": technique_of(detection),
        "technique_name": title_of(technique_of(detection)),
        "title": card.title,
        "what": card.what,
        "why": card.why,
        "severity": card.severity,
        "confidence": card.confidence,
        "risk": card.risk.base,
        "modifiers": [{"when": m.when, "add": m.add} for m in card.risk.modifiers],
        "attack": [{"version": a.version, "tactics": list(a.tactics), "techniques": list(a.techniques)} for a in card.attack],
        "strategy": card.strategy,
        "lookback": card.lookback,
        "needs": list(card.needs),
        "sources": [alive.get(s, {"name": s, "title": s, "events": 0, "files": 0, "bytes": 0, "first": None, "last": None, "version": -1}) for s in card.data],
        "misses": list(card.misses),
        "false_positives": list(card.false_positives),
        "tuning": [{"name": k.name, "default": k.default, "meaning": k.meaning} for k in card.tuning],
        "references": list(card.references),
        "changes": [{"day": c.day.isoformat(), "text": c.text} for c in card.changes],
        "languages": languages,
        "lacking": lacking,
        "related": related,
        "attacks": attacks,
        "look_alikes": alike,
        "proof": proof,
        "playbook": markdown.read_blocks(folder / "playbook.md"),
        "investigate": markdown.read_blocks(folder / "investigate.md"),
        "hunts": [_hunt(path, check) for path in sorted((folder / "hunts").glob("*"))] if (folder / "hunts").is_dir() else [],
    }


def _language(detection: Detection, language: str, proof: Mapping[str, Any], check: Check) -> dict[str, Any]:
    files = [_file(rule, check) for rule in detection.written_in(language)]
    return {"language": language, "platform": PLATFORMS.get(language, language), "files": files, "proof": proof["languages"].get(language)}


def _file(rule: Rule, check: Check) -> dict[str, Any]:
    said = check(rule)
    name = rule.path.name if rule.path else rule.name
    counts = {severity: sum(d.severity == severity for d in said) for severity in ("error", "warning", "notice")}
    return {"name": name, "text": rule.text, "lines": listing(Source(rule.text, name), rule.language, said), "counts": counts}


def _hunt(path: Any, check: Check) -> dict[str, Any]:
    language = path.suffix.lstrip(".")
    rule = Rule(path.stem, language, path.read_text(encoding="utf-8"), path)
    return {"language": language, "platform": PLATFORMS.get(language, language), **_file(rule, check)}


def _story(emulation: Emulation, proof: Mapping[str, Any]) -> dict[str, Any]:
    verdicts = {language: one["cases"][emulation.id] for language, one in proof["languages"].items() if emulation.id in one["cases"]}
    return {
        "id": emulation.id,
        "number": emulation.number or emulation.id,
        "title": emulation.title,
        "kind": emulation.kind.value,
        "cloud": CLOUDS[emulation.log_source],
        "story": emulation.story,
        "signal": emulation.signal,
        "differs_by": list(emulation.differs_by),
        "commands": list(emulation.commands),
        "cleanup": list(emulation.cleanup),
        "needs": list(emulation.needs),
        "pages": list(emulation.page_tests),
        "verdicts": verdicts,
    }


def chain_page(chain: Chain, folder: Any) -> dict[str, Any]:
    """Return all there is to say of one chain of acts."""
    return {
        "id": chain.id,
        "title": chain.title,
        "what": chain.what,
        "why": chain.why,
        "severity": chain.severity,
        "risk": chain.risk.base,
        "hours": chain.hours,
        "steps": [{"name": s.name, "verbs": list(s.verbs), "by": s.by} for s in chain.step],
        "misses": list(chain.misses),
        "false_positives": list(chain.false_positives),
        "attacks": [_story(find(c), {"languages": {}}) for c in chain.covers],
        "playbook": markdown.read_blocks(folder / "playbook.md"),
    }


def story_page(emulation: Emulation, records: Sequence[Mapping[str, Any]], roles: Sequence[str]) -> dict[str, Any]:
    """Return an emulation with its raw events."""
    told = _story(emulation, {"languages": {}})
    return {**told, "events": [{"role": role, "raw": raw} for raw, role in zip(records, roles, strict=True)]}
