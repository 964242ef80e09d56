"""Elastic detection rules as the TOML of its repository.

https://www.elastic.co/docs/api/doc/kibana/operation/operation-createrule
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from livefire.detections.detection import Attack
from livefire.exports.attack import tactics, technique_name
from livefire.exports.documents import toml_text
from livefire.exports.model import Artefact, Check, Subject, span

_HOUR = 3600
_INDICES = {
    "aws_cloudtrail": ("filebeat-*", "logs-aws.cloudtrail-*"),
    "azure_activity": ("filebeat-*", "logs-azure.activitylogs-*"),
    "gcp_audit": ("filebeat-*", "logs-gcp.audit-*"),
}
_INTEGRATIONS = {"aws_cloudtrail": "aws", "azure_activity": "azure", "gcp_audit": "gcp"}
_LANGUAGES = {"eql": "EQL", "esql": "ES|QL"}
_RISK = {"low": 21, "medium": 47, "high": 73, "critical": 99}
_SITE = "https://attack.mitre.org"


def as_toml(subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
    """Return one file a rule; of a detection in EQL and ES|QL one for each."""
    return tuple(Artefact(f"{s.slug}.{s.rule.language}.toml", toml_text({"metadata": _metadata(s), "rule": checked(r)})) for s, r in documents(subjects))


def _metadata(subject: Subject) -> dict[str, Any]:
    day = subject.day.replace("-", "/")
    return {"creation_date": day, "integration": [_INTEGRATIONS[d] for d in subject.sources], "maturity": "production", "updated_date": day}


def documents(subjects: Sequence[Subject]) -> Iterator[tuple[Subject, dict[str, Any]]]:
    """Yield every rule with a name of its own, as Elastic's repository wants it: the second language of a detection says which it is.

    Both find the same: one of the two is to be switched on.
    """
    names: set[str] = set()
    for subject in subjects:
        found = document(subject)
        if found["name"] in names:
            found["name"] += f" ({_LANGUAGES[subject.rule.language]})"
        names.add(found["name"])
        yield subject, found


def document(subject: Subject) -> dict[str, Any]:
    """Return a rule as the interface of Kibana takes it."""
    card, language = subject.card, subject.rule.language
    severity = "low" if card.severity == "informational" else card.severity
    interval = min(subject.lookback, _HOUR)
    found: dict[str, Any] = {
        "author": ["livefire"],
        "description": subject.description,
        "false_positives": list(card.false_positives),
        # What came while the last run was under way is seen again; Kibana leaves out alerts that it made already.
        "from": f"now-{span(subject.lookback + interval, 'hms')}",
    }
    if language == "eql":
        found["index"] = list(dict.fromkeys(i for d in subject.sources for i in _INDICES[d]))
    found |= {
        "interval": span(interval, "hms"),
        "language": language,
        "license": "Apache-2.0",
        "name": subject.title,
        "references": list(card.references),
        "risk_score": card.risk.base or _RISK[severity],
        "rule_id": subject.uuid,
        "severity": severity,
        "tags": [f"Data Source: {d.replace('_', ' ')}" for d in subject.sources],
        "type": language,
        "query": _by_event(subject.query) if language == "esql" and subject.single else subject.query,
    }
    threat = _threat(subject.attack)
    return {**found, "threat": threat} if threat else found


_FROM = re.compile(r"^(\s*(?://[^\n]*\n\s*)*FROM\s+)([^\s|,]+(?:\s*,\s*[^\s|,]+)*)(\s*(?:\||\n|$))", re.IGNORECASE)
_KEPT = re.compile(r"(\|\s*KEEP\s+)([^|\n]+)", re.IGNORECASE)
_ROW = "_id, _index, _version"


def _by_event(query: str) -> str:
    """Return a query whose rows name their events: Kibana tells by these fields which alerts it made before.

    https://www.elastic.co/docs/solutions/security/detect-and-alert/create-detection-rule
    """
    found = _FROM.match(query)
    if found is None or re.search(r"\bMETADATA\b", query[: found.end() + 40], re.IGNORECASE):
        return query
    kept = _KEPT.sub(lambda m: f"{m[1]}{_ROW}, {m[2]}", query[found.end() :])
    return f"{found[1]}{found[2]} METADATA {_ROW}{found[3]}{kept}"


def _threat(attack: Attack | None) -> list[dict[str, Any]]:
    if attack is None:
        return []
    names = tactics(attack.version)
    techniques: dict[str, list[str]] = {}
    for technique in attack.techniques:
        techniques.setdefault(technique.partition(".")[0], []).append(technique)
    return [
        {
            "framework": "MITRE ATT&CK",
            "tactic": {"id": t, "name": names.get(t, t), "reference": f"{_SITE}/tactics/{t}/"},
            "technique": [_technique(whole, [p for p in parts if "." in p]) for whole, parts in techniques.items()],
        }
        for t in attack.tactics
    ]


def _technique(technique: str, parts: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"id": technique, "name": technique_name(technique), "reference": f"{_SITE}/techniques/{technique}/"}
    if parts:
        found["subtechnique"] = [{"id": p, "name": technique_name(p), "reference": f"{_SITE}/techniques/{p.replace('.', '/')}/"} for p in parts]
    return found


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """Return a rule that Kibana takes; E510 for another."""
    check = Check(repr(found["name"]), "Kibana")
    for name in ("name", "description", "query"):
        check.length(name, found[name], 1, 1_000_000)
    check.one_of("severity", found["severity"], ("low", "medium", "high", "critical"))
    check.one_of("type", found["type"], ("eql", "esql"))
    check.need(found["type"] == found["language"], "language and type do not agree")
    check.need(found["type"] != "esql" or "index" not in found, "an ES|QL rule names its indices in the query")
    check.need(found["type"] != "eql" or bool(found.get("index")), "an EQL rule needs indices")
    check.need(isinstance(found["risk_score"], int) and 0 <= found["risk_score"] <= 100, "risk_score lies beyond 0 to 100")
    check.need(re.fullmatch(r"[1-9]\d*[smhd]", found["interval"]) is not None, "interval is no number with s, m, h or d")
    check.need(re.fullmatch(r"now-[1-9]\d*[smhd]", found["from"]) is not None, "from is no time before now")
    for threat in found.get("threat", ()):
        check.need(re.fullmatch(r"TA\d{4}", threat["tactic"]["id"]) is not None, f"{threat['tactic']['id']!r} is no tactic")
        for technique in threat["technique"]:
            check.need(re.fullmatch(r"T\d{4}", technique["id"]) is not None, f"{technique['id']!r} is no technique")
            for part in technique.get("subtechnique", ()):
                check.need(re.fullmatch(r"T\d{4}\.\d{3}", part["id"]) is not None, f"{part['id']!r} is no sub-technique")
    check.done()
    return found
