"""Findings as a STIX 2.1 bundle: an indicator a rule, a sighting of it a finding, a report over the case.

https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from livefire.detections.detection import Attack, Card, Rule
from livefire.detections.finding import Finding
from livefire.exports.attack import technique_name
from livefire.exports.documents import json_text
from livefire.exports.model import Artefact, Check

_SEED = uuid.uuid5(uuid.NAMESPACE_URL, "livefire:stix")
_PATTERNS = {"sigma": "sigma"}
_KINDS = ("identity", "indicator", "attack-pattern", "relationship", "sighting", "report")


def as_bundle(
    findings: Sequence[Finding], cards: Mapping[str, Card], rules: Mapping[tuple[str, str], Rule], placed: Mapping[str, Attack], now: datetime, title: str
) -> tuple[Artefact, ...]:
    """Return one bundle over all findings; the same findings give the same ids."""
    stamp = _time(now)
    objects: dict[str, dict[str, Any]] = {}

    def add(kind: str, name: str, said: Mapping[str, Any]) -> str:
        found = f"{kind}--{uuid.uuid5(_SEED, f'{kind}:{name}')}"
        objects.setdefault(found, {"type": kind, "spec_version": "2.1", "id": found, "created": stamp, "modified": stamp, **said})
        return found

    author = add("identity", "livefire", {"name": "livefire", "identity_class": "system"})
    for finding in findings:
        card, rule = cards.get(finding.detection), rules.get((finding.detection, finding.language))
        indicator = add("indicator", f"{finding.detection}:{finding.language}", _indicator(finding, card, rule, author, stamp))
        attack = placed.get(finding.detection)
        for technique in attack.techniques if attack is not None else ():
            pattern = add("attack-pattern", technique, _pattern(technique))
            add(
                "relationship",
                f"{indicator}:{pattern}",
                {"relationship_type": "indicates", "source_ref": indicator, "target_ref": pattern, "created_by_ref": author},
            )
        add("sighting", finding.fingerprint, _sighting(finding, indicator, author, stamp))
    if findings:
        refs = [o for o in objects if not o.startswith("identity")]
        add(
            "report",
            ":".join(f.fingerprint for f in findings),
            {"name": title, "report_types": ["observed-data"], "published": stamp, "object_refs": refs, "created_by_ref": author},
        )
    names = ":".join(objects)
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid5(_SEED, names)}", "objects": list(objects.values())}
    return (Artefact("findings.stix.json", json_text(checked(bundle))),)


def _indicator(finding: Finding, card: Card | None, rule: Rule | None, author: str, stamp: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": finding.title, "indicator_types": ["malicious-activity"], "created_by_ref": author}
    if card is not None and card.what:
        found["description"] = card.what
    # The vocabulary of pattern types is open: languages that it does not list are named as the product does.
    kind = _PATTERNS.get(finding.language, finding.language)
    return {**found, "pattern": rule.text if rule is not None else finding.detection, "pattern_type": kind, "valid_from": stamp}


def _pattern(technique: str) -> dict[str, Any]:
    url = f"https://attack.mitre.org/techniques/{technique.replace('.', '/')}"
    return {"name": technique_name(technique), "external_references": [{"source_name": "mitre-attack", "external_id": technique, "url": url}]}


def _sighting(finding: Finding, indicator: str, author: str, stamp: str) -> dict[str, Any]:
    seen = _time(finding.time) if finding.time is not None else stamp
    refs = [{"source_name": e.partition("/")[0], "external_id": e.partition("/")[2]} for e in finding.evidence]
    found = {"sighting_of_ref": indicator, "where_sighted_refs": [author], "created_by_ref": author, "first_seen": seen, "last_seen": seen}
    return {**found, "count": 1, **({"external_references": refs} if refs else {})}


def checked(bundle: dict[str, Any]) -> dict[str, Any]:
    """Return a bundle whose objects have what the standard asks of them, and refer only to each other; E510 for another."""
    check = Check("the bundle", "STIX 2.1")
    ids = {o["id"] for o in bundle["objects"]}
    for one in bundle["objects"]:
        check.one_of("type", one["type"], _KINDS)
        check.need(re.fullmatch(rf"{one['type']}--[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}", one["id"]) is not None, f"{one['id']} is no id")
        for key, value in one.items():
            refs = value if key.endswith("_refs") else [value] if key.endswith("_ref") else []
            check.need(set(refs) <= ids, f"{key} of {one['id']} refers to what is not in the bundle")
    check.done()
    return bundle


def _time(moment: datetime) -> str:
    known = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return known.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{known.microsecond // 1000:03d}Z"
