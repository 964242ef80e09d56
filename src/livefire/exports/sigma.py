"""Sigma rules as files: those written in Sigma as they are, translated ones with what the card says.

https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from livefire.exports.attack import tactics
from livefire.exports.documents import yaml_text
from livefire.exports.model import Artefact, Check, Subject

_LEVELS = ("informational", "low", "medium", "high", "critical")
_CORRELATIONS = ("event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile", "value_median")
_STATUS = ("stable", "test", "experimental", "deprecated", "unsupported")


def as_yaml(subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
    """Return one file a rule; correlations and filters stand in the file of their rules."""
    return tuple(Artefact(f"{s.slug}.yml", _text(s)) for s in subjects)


def _text(subject: Subject) -> str:
    import yaml

    documents = [d for d in yaml.safe_load_all(subject.rule.text) if isinstance(d, Mapping)]
    if not subject.made:
        for one in documents:
            check_document(one)
        return subject.rule.text
    # A sequence is a correlation after the rules of its steps; what the card says is said of it, and of a rule by itself.
    *steps, said = documents
    made = [*steps, {k: v for k, v in _described(subject, said).items() if v not in ([], "")}]
    for one in made:
        check_document(one)
    return "---\n".join(yaml_text(one) for one in made)


def _described(subject: Subject, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last document of a translated rule with what the card says."""
    return {
        "title": subject.title,
        "id": subject.uuid,
        "status": "experimental",
        "description": subject.description,
        "references": list(subject.card.references),
        "author": "livefire",
        "date": subject.day,
        "tags": _tags(subject),
        **{k: said[k] for k in ("logsource", "detection", "correlation") if k in said},
        "falsepositives": list(subject.card.false_positives),
        "level": subject.card.severity,
    }


def _tags(subject: Subject) -> list[str]:
    attack = subject.attack
    if attack is None:
        return []
    names = tactics(attack.version)
    return [*(f"attack.{names[t].lower().replace(' ', '-')}" for t in attack.tactics if t in names), *(f"attack.{t.lower()}" for t in attack.techniques)]


def check_document(found: Mapping[str, Any]) -> None:
    """Raise E510 for a document that the schemas of Sigma do not hold valid."""
    title = str(found.get("title", ""))
    check = Check(repr(title), "Sigma's schema")
    check.length("title", title, 1, 256)
    if "id" in found:
        check.need(_is_guid(str(found["id"])), "id is no UUID")
    if "level" in found:
        check.one_of("level", found["level"], _LEVELS)
    if "status" in found:
        check.one_of("status", found["status"], _STATUS)
    for day in ("date", "modified"):
        if day in found:
            check.need(re.fullmatch(r"\d{4}-\d\d-\d\d", str(found[day])) is not None, f"{day} is not of the form 2026-01-31")
    for tag in found.get("tags") or ():
        check.need(re.fullmatch(r"[a-z0-9_-]+\.[a-z0-9._-]+", str(tag)) is not None, f"the tag {tag!r} has no namespace, or other signs than a-z, 0-9, - and _")
    if "correlation" in found:
        said = found["correlation"]
        check.need({"type", "rules", "timespan"} <= set(said), "a correlation needs type, rules and timespan")
        check.one_of("the type of a correlation", said.get("type"), _CORRELATIONS)
        check.need("group-by" in said, "a correlation needs group-by")
        check.need(re.fullmatch(r"[0-9]+[smhdwMy]", str(said.get("timespan"))) is not None, "timespan is no number with s, m, h, d, w, M or y")
        counted = not str(said.get("type")).startswith("temporal")
        check.need(not counted or isinstance(said.get("condition"), Mapping), f"{said.get('type')} needs a condition")
    elif "filter" in found:
        check.need({"rules", "condition"} <= set(found["filter"]), "a filter needs rules and condition")
    elif found.get("action") is None:
        check.need(bool(set(found.get("logsource") or ()) & {"product", "service", "category"}), "a rule needs a logsource with product, service or category")
        check.need("condition" in (found.get("detection") or ()), "a rule needs a detection with a condition")
    check.done()


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
