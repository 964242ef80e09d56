"""A layer of the ATT&CK Navigator, format 4.5 (https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from livefire.exports.attack import LATEST, tactics
from livefire.exports.documents import json_text
from livefire.exports.model import Artefact, Check, Subject

_PLATFORM = "IaaS"
_BLUES = ("#deebf7", "#3182bd")


def as_layer(subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
    """Return one layer: a technique's score is how many detections there are of it."""
    return (Artefact("layer.json", json_text(checked(document(subjects)))),)


def document(subjects: Sequence[Subject]) -> dict[str, Any]:
    """Return the layer of detections."""
    version = next((s.attack.version for s in subjects if s.attack is not None), LATEST)
    names = tactics(version)
    found: dict[tuple[str, str], list[Subject]] = {}
    for subject in subjects:
        for tactic in subject.attack.tactics if subject.attack is not None else ():
            for technique in subject.attack.techniques if subject.attack is not None else ():
                found.setdefault((technique, names.get(tactic, tactic).lower().replace(" ", "-")), []).append(subject)
    techniques = [_technique(technique, tactic, about) for (technique, tactic), about in sorted(found.items())]
    return {
        "name": "livefire detections",
        "versions": {"attack": version.removeprefix("v"), "navigator": "5.3.2", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": f"{len(subjects)} detections for the audit logs of AWS, Azure and Google Cloud.",
        "filters": {"platforms": [_PLATFORM]},
        "sorting": 0,
        "layout": {"layout": "side", "showName": True, "showID": True},
        "hideDisabled": False,
        "techniques": techniques,
        "gradient": {"colors": list(_BLUES), "minValue": 0, "maxValue": max((t["score"] for t in techniques), default=1)},
        "legendItems": [{"label": "covered by a detection", "color": _BLUES[1]}],
        "metadata": [{"name": "generator", "value": "livefire"}],
    }


def _technique(technique: str, tactic: str, about: list[Subject]) -> dict[str, Any]:
    links = list(dict.fromkeys(r for s in about for r in s.card.references))
    return {
        "techniqueID": technique,
        "tactic": tactic,
        "score": len(about),
        "comment": "; ".join(s.card.title for s in about),
        "enabled": True,
        "metadata": [{"name": "detection", "value": s.card.id} for s in about],
        "links": [{"label": r, "url": r} for r in links],
        "showSubtechniques": "." in technique,
    }


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """Return a layer that the Navigator opens; E510 for another."""
    check = Check("the layer", "the Navigator")
    check.need(found["versions"]["attack"].isdigit(), f"{found['versions']['attack']!r} is no version of ATT&CK")
    check.need(found["gradient"]["minValue"] < found["gradient"]["maxValue"], "the gradient has no width")
    short = {n.lower().replace(" ", "-") for n in tactics(found["versions"]["attack"]).values()}
    for one in found["techniques"]:
        check.need(re.fullmatch(r"T\d{4}(\.\d{3})?", one["techniqueID"]) is not None, f"{one['techniqueID']!r} is no technique")
        check.need(one["tactic"] in short, f"{one['tactic']!r} is no tactic of that version")
    check.done()
    return found
