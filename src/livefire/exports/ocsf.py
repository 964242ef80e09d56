"""Findings as OCSF Detection Findings (class 2004), one JSON object a line (https://schema.ocsf.io/1.5.0/classes/detection_finding)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from livefire.detections.detection import Attack, Card
from livefire.detections.finding import Finding
from livefire.exports.attack import tactics, technique_name
from livefire.exports.model import Artefact, Check

SCHEMA = "1.5.0"
_SEVERITIES = {"informational": (1, "Informational"), "low": (2, "Low"), "medium": (3, "Medium"), "high": (4, "High"), "critical": (5, "Critical")}
_CLOUDS = {"aws_cloudtrail": "AWS", "azure_activity": "Azure", "gcp_audit": "GCP"}
_CREATE, _NEW, _RULE = 1, 1, 1


def as_lines(findings: Sequence[Finding], cards: Mapping[str, Card], placed: Mapping[str, Attack], now: datetime, version: str) -> tuple[Artefact, ...]:
    """Return one object a finding; `cards` and `placed` are by the detection's id, `version` is that of livefire."""
    lines = [json.dumps(checked(document(f, cards.get(f.detection), placed.get(f.detection), now, version)), ensure_ascii=False) for f in findings]
    return (Artefact("findings.ocsf.jsonl", "".join(line + "\n" for line in lines)),)


def document(finding: Finding, card: Card | None, attack: Attack | None, now: datetime, version: str) -> dict[str, Any]:
    """Return a finding as an object of class 2004."""
    number, name = _SEVERITIES.get(finding.severity, (99, "Other"))
    clouds = list(dict.fromkeys(_CLOUDS[e.partition("/")[0]] for e in finding.evidence if e.partition("/")[0] in _CLOUDS))
    info: dict[str, Any] = {
        "uid": finding.fingerprint,
        "title": finding.title,
        "created_time": _ms(now),
        "analytic": {"uid": finding.detection, "name": finding.title, "type": "Rule", "type_id": _RULE},
    }
    if card is not None and card.what:
        info["desc"] = card.what
    if attack is not None:
        info["attacks"] = _attacks(attack)
    found: dict[str, Any] = {
        "activity_id": _CREATE,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "type_uid": 200_400 + _CREATE,
        "type_name": "Detection Finding: Create",
        "severity_id": number,
        "severity": name,
        "status_id": _NEW,
        "status": "New",
        "time": _ms(finding.time or now),
        "message": finding.title,
        "is_alert": True,
        "finding_info": info,
        "evidences": [{"uid": e.partition("/")[2], "data": {"log_source": e.partition("/")[0], "event": e.partition("/")[2]}} for e in finding.evidence],
        "unmapped": _plain(finding.row),
        "metadata": {"version": SCHEMA, "product": {"name": "livefire", "vendor_name": "livefire", "version": version}, "profiles": ["cloud"]},
        # The cloud profile wants one provider: a chain over several clouds names them all.
        "cloud": {"provider": ", ".join(clouds) or "Unknown"},
    }
    if card is not None and card.risk.base:
        found["risk_score"] = card.risk.base
    return found


def _attacks(attack: Attack) -> list[dict[str, Any]]:
    names = tactics(attack.version)
    found = []
    for technique in attack.techniques:
        whole, _, part = technique.partition(".")
        one: dict[str, Any] = {"version": attack.version.removeprefix("v"), "technique": {"uid": whole, "name": technique_name(whole)}}
        if part:
            one["sub_technique"] = {"uid": technique, "name": technique_name(technique)}
        found += [{**one, "tactic": {"uid": t, "name": names.get(t, t)}} for t in attack.tactics] or [one]
    return found


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """Return an object that the class allows; E510 for another."""
    check = Check(repr(found["message"]), "OCSF")
    for name in ("activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time", "metadata", "finding_info"):
        check.need(found.get(name) is not None, f"{name} is missing")
    check.need(found["type_uid"] == found["class_uid"] * 100 + found["activity_id"], "type_uid is not the class with the activity")
    check.one_of("severity_id", found["severity_id"], (0, 1, 2, 3, 4, 5, 6, 99))
    check.need(isinstance(found["time"], int) and found["time"] > 0, "time is no time in milliseconds")
    check.need(bool(found["finding_info"].get("uid")), "finding_info has no uid")
    check.done()
    return found


def _ms(moment: datetime) -> int:
    known = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(known.timestamp() * 1000)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, datetime):
        known = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return known.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
