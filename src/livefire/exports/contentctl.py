"""Splunk's security content: detections with risk and tests, and what they refer to, as contentctl builds an app of them.

https://github.com/splunk/contentctl
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any

from livefire.exports.documents import yaml_text
from livefire.exports.model import Artefact, Check, Subject
from livefire.exports.splunk import message, risk_objects, score

STORY = "Cloud Audit Log Detections"
_SOURCES = {
    "aws_cloudtrail": ("AWS CloudTrail", "aws_cloudtrail", "aws:cloudtrail"),
    "azure_activity": ("Azure Activity", "mscs:azure:eventhub", "mscs:azure:eventhub"),
    "gcp_audit": ("Google Cloud Audit", "google_cloud_audit", "google:gcp:pubsub:message"),
}
_ASSETS = {"aws_cloudtrail": "AWS Account", "azure_activity": "Azure Tenant", "gcp_audit": "GCP"}
_THREATS = ("src", "SourceIP", "src_ip", "sourceIPAddress", "callerIpAddress", "protoPayload.requestMetadata.callerIp")
_PRODUCTS = ("Splunk Enterprise", "Splunk Enterprise Security", "Splunk Cloud")
# A stanza's name holds the app's and a few words beside this one, and has to stay below 100 characters.
LONGEST = 67


def as_files(subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
    """Return one file a rule, then what the rules refer to: the story, the data sources, and the events that their tests replay."""
    found = {name_of(s): checked(document(s)) for s in subjects}
    files = [Artefact(f"detections/cloud/{file_name(name)}", yaml_text(one)) for name, one in found.items()]
    day = max((s.day for s in subjects), default="2026-01-01")
    files.append(Artefact(f"stories/{file_name(STORY)}", yaml_text(_story(day))))
    sources = dict.fromkeys(x for s in subjects for x in s.sources)
    files += [Artefact(f"data_sources/{file_name(_SOURCES[x][0])}", yaml_text(_data_source(x, day))) for x in sources]
    return (*files, *(Artefact(path, text) for path, text in sorted({(p.path, p.text) for s in subjects for p in s.samples})))


def name_of(subject: Subject) -> str:
    """Return a rule's name as contentctl takes it: letters, digits and blanks, for it is a file's and a macro's too."""
    name = " ".join(re.sub(r"[^A-Za-z0-9 ]+", " ", subject.title).split())
    part = " ".join(re.sub(r"[^A-Za-z0-9 ]+", " ", subject.part).split())
    if len(name) <= LONGEST or not part:
        return name[:LONGEST].strip()
    return f"{name.removesuffix(part).strip()[: LONGEST - len(part) - 1].strip()} {part}"


def file_name(name: str) -> str:
    """Return the file that a document of this name has to lie in."""
    return re.sub(r"[ ./-]", "_", name).lower() + ".yml"


def document(subject: Subject) -> dict[str, Any]:
    """Return a detection; one without events to test it with is experimental."""
    card, risks, name = subject.card, risk_objects(subject), name_of(subject)
    found: dict[str, Any] = {
        "name": name,
        "id": subject.uuid,
        "version": 1,
        "date": subject.day,
        "author": "livefire",
        "status": "production" if subject.samples else "experimental",
        # What adds no risk of its own is for hunting.
        "type": "TTP" if risks else "Hunting",
        "description": subject.description,
        "data_source": [_SOURCES[d][0] for d in subject.sources],
        # A site's own exceptions go into the macro, which lets everything pass as it comes.
        "search": f"{subject.query}\n| `{file_name(name).removesuffix('.yml')}_filter`",
        "how_to_implement": "The add-ons for the data sources have to be installed, and their events indexed with the source types that the search names.",
        "known_false_positives": "\n".join(card.false_positives) or "None are known.",
        "references": list(card.references),
    }
    if risks:
        found["drilldown_searches"] = _drilldowns([f for f, _ in risks])
        threats = [{"field": c, "type": "ip_address"} for c in _THREATS if c in subject.columns][:1]
        objects = [{"field": f, "type": t, "score": score(subject)} for f, t in risks]
        found["rba"] = {"message": message(subject), "risk_objects": objects, "threat_objects": threats}
    found["tags"] = {
        "analytic_story": [STORY],
        "asset_type": _ASSETS[subject.sources[0]] if subject.sources else "Cloud Instance",
        "mitre_attack_id": _techniques(subject),
        "product": list(_PRODUCTS),
        "security_domain": "threat",
    }
    if subject.samples:
        data = [{"data": p.path, "source": _SOURCES[p.log_source][1], "sourcetype": _source_type(subject, p.log_source)} for p in subject.samples]
        found["tests"] = [{"name": "True Positive Test", "attack_data": data}]
    return found


def _techniques(subject: Subject) -> list[str]:
    """Return the techniques without those that a sub-technique here says already."""
    every = subject.attack.techniques if subject.attack is not None else ()
    return [t for t in every if not any(other.startswith(f"{t}.") for other in every)]


def _source_type(subject: Subject, source: str) -> str:
    """Return the source type under which the search looks for the events of a log source."""
    wanted = {"aws_cloudtrail": "aws", "azure_activity": "azure", "gcp_audit": "gcp"}[source]
    said = re.findall(r'sourcetype\s*=\s*"?([\w:]+)', subject.query)
    return next((s for s in said if wanted in s.split(":")), _SOURCES[source][2])


def _drilldowns(fields: list[str]) -> list[dict[str, Any]]:
    """Return the two searches that an analyst starts with: what was found, and what else is known of whom it is about."""
    which = " ".join(f'{_field(f)}="${f}$"' for f in fields)
    whom = ", ".join(f'"${f}$"' for f in fields)
    found = {
        "name": f"The findings of {' and '.join(f'${f}$' for f in fields)}",
        "search": f"%original_detection_search% | search {which}",
        "earliest_offset": "$info_min_time$",
        "latest_offset": "$info_max_time$",
    }
    seen = "stats count min(_time) as first max(_time) as last values(search_name) as searches by normalized_risk_object"
    risk = {
        "name": f"The risk of {' and '.join(f'${f}$' for f in fields)} in seven days",
        "search": f"| from datamodel Risk.All_Risk\n| search normalized_risk_object IN ({whom})\n| {seen}",
        "earliest_offset": "7d",
        "latest_offset": "0",
    }
    return [found, risk]


def _field(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) else f'"{name}"'


def _story(day: str) -> dict[str, Any]:
    return {
        "name": STORY,
        "id": _id(f"story:{STORY}"),
        "version": 1,
        "date": day,
        "author": "livefire",
        "status": "production",
        "description": "Detections over the audit logs of AWS, Azure and Google Cloud.",
        "narrative": "What is done to machines, disks, snapshots and images in a cloud is told by its audit log, whoever does it and with whichever tool.",
        "references": ["https://attack.mitre.org/techniques/T1578/"],
        "tags": {"category": ["Cloud Security"], "product": list(_PRODUCTS), "usecase": "Advanced Threat Detection"},
    }


def _data_source(source: str, day: str) -> dict[str, Any]:
    name, origin, kind = _SOURCES[source]
    return {
        "name": name,
        "id": _id(f"data source:{name}"),
        "version": 1,
        "date": day,
        "author": "livefire",
        "description": f"The events of {name} as the add-on for Splunk brings them.",
        "source": origin,
        "sourcetype": kind,
    }


def _id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"livefire:contentctl:{name}"))


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """Return a detection that contentctl takes; E510 for another."""
    check = Check(repr(found["name"]), "contentctl")
    check.length("name", found["name"], 1, LONGEST)
    check.need(re.fullmatch(r"[A-Za-z0-9 ]+", found["name"]) is not None, "name holds a sign that no file name and no macro has")
    for name in ("description", "search", "how_to_implement", "known_false_positives", "author"):
        check.length(name, found[name], 1, 1_000_000)
    check.one_of("status", found["status"], ("experimental", "production", "deprecated"))
    check.one_of("type", found["type"], ("TTP", "Anomaly", "Hunting", "Correlation"))
    check.need(re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"]) is not None, "date is no day")
    check.need(bool(found["data_source"]), "data_source is empty")
    check.need(found["type"] == "Hunting" or "rba" in found, f"a detection of type {found['type']} needs rba")
    drilldowns = found.get("drilldown_searches", ())
    check.need(found["type"] == "Hunting" or len(drilldowns) >= 2, "a detection that raises risk needs two drilldown searches")
    check.need(not drilldowns or any("%original_detection_search%" in d["search"] for d in drilldowns), "no drilldown search is of the detection's own search")
    check.need(found["status"] != "production" or bool(found.get("tests")), "a detection in production needs a test")
    macro = f"`{file_name(found['name']).removesuffix('.yml')}_filter`"
    check.need(macro in found["search"], f"the search is without its filter {macro}")
    for one in found.get("rba", {}).get("risk_objects", ()):
        check.one_of("the type of a risk object", one["type"], ("user", "system", "other"))
        check.need(1 <= one["score"] <= 100, "the score of a risk object lies beyond 1 to 100")
    techniques = found["tags"]["mitre_attack_id"]
    for technique in techniques:
        check.need(re.fullmatch(r"T\d{4}(\.\d{3})?", technique) is not None, f"{technique!r} is no technique")
        check.need(not any(t.startswith(f"{technique}.") for t in techniques), f"{technique} stands beside one of its sub-techniques")
    check.done()
    return found
