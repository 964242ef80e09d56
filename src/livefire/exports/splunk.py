"""Splunk: a stanza of savedsearches.conf with risk and notable, and contentctl's YAML.

https://help.splunk.com/en/data-management/splunk-enterprise-admin-manual/configuration-file-reference/savedsearches.conf
https://github.com/splunk/contentctl
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from livefire.exports.documents import yaml_text
from livefire.exports.model import Artefact, Check, Subject, refuse, span

_SOURCES = {"aws_cloudtrail": "AWS CloudTrail", "azure_activity": "Azure Activity", "gcp_audit": "Google Cloud Audit"}
_ASSETS = {"aws_cloudtrail": "AWS Account", "azure_activity": "Azure Tenant", "gcp_audit": "GCP"}
# Which field of a row is whom or what the risk is of; the first that is there.
_USERS = ("user", "Actor", "actor", "user_name", "userIdentity.arn", "caller", "protoPayload.authenticationInfo.principalEmail")
_SYSTEMS = ("dest", "Resource", "resource", "object_id", "resourceId", "resource_name")
_THREATS = ("src", "SourceIP", "src_ip", "sourceIPAddress", "callerIpAddress", "protoPayload.requestMetadata.callerIp")
_SCORES = {"informational": 10, "low": 21, "medium": 47, "high": 73, "critical": 99}
_ATTACK_SPAN = 3600


def as_conf(subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
    """Return one savedsearches.conf with a stanza a rule."""
    return (Artefact("savedsearches.conf", "\n".join(_stanza(s) for s in subjects)),)


def as_contentctl(subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
    """Return one file a rule."""
    return tuple(Artefact(f"detections/cloud/{s.slug}.yml", yaml_text(checked(document(s)))) for s in subjects)


def _stanza(subject: Subject) -> str:
    card, name = subject.card, _one_line(f"livefire - {subject.title} - Rule")
    if re.search(r"[\[\]]", name):
        refuse("E510", f"Splunk would refuse {subject.title!r}: the name of a stanza has no brackets")
    label = _one_line(subject.title)
    risks = [{"risk_object_field": f, "risk_object_type": t, "risk_score": _score(subject)} for f, t in _risk_objects(subject)]
    annotations = {"mitre_attack": list(subject.attack.techniques) if subject.attack is not None else []}
    fields = [f for f, _ in _risk_objects(subject)]
    lines = {
        "action.correlationsearch.annotations": json.dumps(annotations),
        "action.correlationsearch.enabled": "1",
        "action.correlationsearch.label": label,
        "action.notable": "1",
        "action.notable.param.rule_description": _one_line(subject.description),
        "action.notable.param.rule_title": label,
        "action.notable.param.security_domain": "threat",
        "action.notable.param.severity": card.severity,
        **({"action.risk": "1", "action.risk.param._risk": json.dumps(risks), "action.risk.param._risk_message": _message(subject)} if risks else {}),
        "alert.digest_mode": "1",
        # Windows overlap, so what was found once is held back for as long as it would be found again.
        **({"alert.suppress": "1", "alert.suppress.fields": ",".join(fields), "alert.suppress.period": f"{subject.lookback}s"} if fields else {}),
        "counttype": "number of events",
        "cron_schedule": "7 * * * *",
        "description": _one_line(subject.description),
        "disabled": "0",
        "dispatch.earliest_time": f"-{span(max(subject.lookback, _ATTACK_SPAN), 'dhms')}",
        "dispatch.latest_time": "now",
        "enableSched": "1",
        "is_visible": "0",
        "quantity": "0",
        "realtime_schedule": "0",
        "relation": "greater than",
        "schedule_window": "auto",
        "search": _lines(subject),
    }
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


def _lines(subject: Subject) -> str:
    lines = subject.query.split("\n")
    if any(line.rstrip().endswith("\\") for line in lines[:-1]) or lines[-1].endswith("\\"):
        refuse("E510", f"Splunk would read {subject.title!r} otherwise: in a .conf file a backslash at the end of a line joins it with the next")
    return "\\\n".join(lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _risk_objects(subject: Subject) -> list[tuple[str, str]]:
    user = next((c for c in _USERS if c in subject.columns), None)
    system = next((c for c in _SYSTEMS if c in subject.columns), None)
    return [(f, t) for f, t in ((user, "user"), (system, "other")) if f is not None]


def _score(subject: Subject) -> int:
    return min(100, max(1, subject.card.risk.base or _SCORES[subject.card.severity]))


def _message(subject: Subject) -> str:
    named = " by ".join(f"${f}$" for f, _ in _risk_objects(subject)[:1])
    title = _one_line(subject.title)
    return f"{title} by {named}" if named else title


def document(subject: Subject) -> dict[str, Any]:
    """Return a detection as contentctl has it."""
    card, risks = subject.card, _risk_objects(subject)
    threats = [{"field": c, "type": "ip_address"} for c in _THREATS if c in subject.columns][:1]
    found: dict[str, Any] = {
        "name": _one_line(subject.title),
        "id": subject.uuid,
        "version": 1,
        "date": subject.day,
        "author": "livefire",
        "status": "production",
        # What adds no risk of its own is for hunting.
        "type": "TTP" if risks else "Hunting",
        "description": subject.description,
        "data_source": [_SOURCES[d] for d in subject.sources],
        "search": subject.query,
        "how_to_implement": "The add-ons for the data sources have to be installed, and their events indexed with the source types that the search names.",
        "known_false_positives": "\n".join(card.false_positives) or "None are known.",
        "references": list(card.references),
    }
    if risks:
        fields = [f for f, _ in risks]
        which = " ".join(f'{_field(f)}="${f}$"' for f in fields)
        found["drilldown_searches"] = [
            {
                "name": f"The findings of {' and '.join(f'${f}$' for f in fields)}",
                "search": f"{subject.query}\n| search {which}",
                "earliest_offset": "$info_min_time$",
                "latest_offset": "$info_max_time$",
            }
        ]
        objects = [{"field": f, "type": t, "score": _score(subject)} for f, t in risks]
        found["rba"] = {"message": _message(subject), "risk_objects": objects, "threat_objects": threats}
    found["tags"] = {
        "analytic_story": ["livefire"],
        "asset_type": _ASSETS[subject.sources[0]] if subject.sources else "Cloud Instance",
        "mitre_attack_id": list(subject.attack.techniques) if subject.attack is not None else [],
        "product": ["Splunk Enterprise", "Splunk Enterprise Security", "Splunk Cloud"],
        "security_domain": "threat",
        "manual_test": "Proved by livefire over emulated events.",
    }
    return found


def _field(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) else f'"{name}"'


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """Return a detection that contentctl takes; E510 for another."""
    check = Check(repr(found["name"]), "contentctl")
    check.length("name", found["name"], 1, 99)
    check.need(re.search(r"[^\w \-.,;:'()/&|#+]", found["name"]) is None, "name holds a sign that no file name and no stanza has")
    for name in ("description", "search", "how_to_implement", "known_false_positives", "author"):
        check.length(name, found[name], 1, 1_000_000)
    check.one_of("status", found["status"], ("experimental", "production", "deprecated"))
    check.one_of("type", found["type"], ("TTP", "Anomaly", "Hunting", "Correlation"))
    check.need(re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"]) is not None, "date is no day")
    check.need(bool(found["data_source"]), "data_source is empty")
    check.need(found["type"] == "Hunting" or "rba" in found, f"a detection of type {found['type']} needs rba")
    for one in found.get("rba", {}).get("risk_objects", ()):
        check.one_of("the type of a risk object", one["type"], ("user", "system", "other"))
        check.need(1 <= one["score"] <= 100, "the score of a risk object lies beyond 1 to 100")
    for technique in found["tags"]["mitre_attack_id"]:
        check.need(re.fullmatch(r"T\d{4}(\.\d{3})?", technique) is not None, f"{technique!r} is no technique")
    check.done()
    return found
