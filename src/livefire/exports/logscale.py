"""A LogScale package: its manifest, and each rule as a filter alert or a scheduled search.

https://library.humio.com/data-analysis/packages-create.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from livefire.exports.documents import yaml_text
from livefire.exports.model import Artefact, Check, Subject, span

_SCHEMAS = "https://schemas.humio.com"
NAME, VERSION = "livefire/detections", "1.0.0"
_HOUR = 3600


def as_package(subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
    """Return the files of one package: what finds single events is a filter alert, the rest runs by schedule."""
    manifest = {
        "$schema": f"{_SCHEMAS}/manifest/v2.0.0",
        "name": NAME,
        "version": VERSION,
        "type": "application",
        "description": "Detections for the audit logs of AWS, Azure and Google Cloud.",
        "author": {"name": "livefire"},
        "minHumioVersion": "1.150.0",
    }
    files = [Artefact("manifest.yaml", yaml_text(manifest)), Artefact("README.md", _readme(subjects))]
    for subject in subjects:
        folder = "filter-alerts" if subject.single else "scheduled-searches"
        files.append(Artefact(f"{folder}/{subject.slug}.yaml", yaml_text(checked(document(subject)))))
    return tuple(files)


def _readme(subjects: Sequence[Subject]) -> str:
    lines = ["# Detections for the audit logs of AWS, Azure and Google Cloud", ""]
    return "\n".join([*lines, *(f"- {' '.join(s.title.split())}" for s in subjects)]) + "\n"


def document(subject: Subject) -> dict[str, Any]:
    """Return a filter alert, or a scheduled search over the rule's look-back every hour."""
    labels = [f"severity:{subject.card.severity}", *(subject.attack.techniques if subject.attack is not None else ())]
    head = {"name": subject.title, "description": subject.description, "enabled": True, "queryString": subject.query}
    if subject.single:
        return {**head, "labels": labels, "triggerLimit": 100, "actionNameReferences": [], "$schema": f"{_SCHEMAS}/filteralert/v0.1.0"}
    schedule = {
        "schedule": "H * * * *",
        "timeZone": "UTC+00:00",
        "queryStart": span(max(subject.lookback, _HOUR), "dhms"),
        "queryEnd": "now",
        "backfillLimit": 24,
    }
    return {**head, **schedule, "labels": labels, "actionNameReferences": [], "$schema": f"{_SCHEMAS}/scheduledsearch/v0.1.0"}


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """Return a document that a package may hold; E510 for another."""
    check = Check(repr(found["name"]), "LogScale")
    check.length("name", found["name"], 1, 200)
    check.length("queryString", found["queryString"], 1, 65_000)
    check.length("labels", found["labels"], 0, 20)
    if "schedule" in found:
        check.need(re.fullmatch(r"(H|\d{1,2}|\*)( (H|\d{1,2}|\*)){4}", found["schedule"]) is not None, "schedule is no cron expression")
        check.need(re.fullmatch(r"\d+[dhms]", found["queryStart"]) is not None, "queryStart is no length of time")
        check.need(0 <= found["backfillLimit"] <= 100, "backfillLimit lies beyond 0 to 100")
    check.done()
    return found
