"""What was proved and when: one entry a detection, kept beside the lake and void once a rule has changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from livefire.detections.detection import Detection
from livefire.proof.matrix import Matrix
from livefire.report.tables import iso

NAME = "proofs.json"
MOST_BYTES = 16 << 20


def digest_of(detection: Detection, version: str) -> str:
    """Return what tells one state of a detection from another: its rules, what it covers, and livefire's version."""
    parts = [version, *detection.card.covers, *(f"{r.path.name if r.path else r.name}\0{r.text}" for r in detection.rules)]
    return hashlib.sha256("\1".join(parts).encode()).hexdigest()


def summary(detection: Detection, matrix: Matrix, at: datetime, version: str) -> dict[str, Any]:
    """Return what a matrix says of one detection: how many of its attacks each language fires on, and where it is wrong."""
    titles = {c.id: c.title for c in matrix.cases}
    languages: dict[str, Any] = {}
    for subject in (s for s in matrix.subjects if s.detection == detection.card.id):
        cells = matrix.of(subject.name)
        own = [c for c in cells if c.kind == "attack" and c.covered]
        quiet = [c for c in cells if c.kind == "look_alike"]
        wrong = [c for c in (*own, *quiet) if not c.right]
        languages[subject.language] = {
            "fires": sum(c.verdict == "fires" for c in own),
            "of": len(own),
            "silent": sum(c.verdict == "silent" for c in quiet),
            "alike": len(quiet),
            "wrong": [{"case": c.case, "title": titles[c.case], "verdict": c.verdict, "reason": c.reason} for c in wrong],
            "cases": {c.case: c.verdict for c in (*own, *quiet)},
        }
    proved = bool(languages) and all(not one["wrong"] for one in languages.values())
    return {"at": iso(at.replace(microsecond=0)), "digest": digest_of(detection, version), "proved": proved, "languages": languages}


def standing(detection: Detection, record: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return what is known of a detection's proof: `state` is proved, failed, stale or none."""
    entry = record.get(detection.card.id)
    if not isinstance(entry, dict):
        return {"state": "none", "at": "", "languages": {}}
    fresh = entry.get("digest") == digest_of(detection, version)
    state = ("proved" if entry.get("proved") else "failed") if fresh else "stale"
    return {"state": state, "at": str(entry.get("at", "")), "languages": entry.get("languages", {}) if fresh else {}}


def read(folder: Path | None) -> dict[str, Any]:
    """Return what is kept beside a lake; nothing when there is nothing, or what is there cannot be read as a record."""
    path = folder / NAME if folder is not None else None
    if path is None or not path.is_file() or path.stat().st_size > MOST_BYTES:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def keep(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the record whole or not at all."""
    draft = folder / f".{NAME}-{os.getpid()}"
    draft.write_text(json.dumps(record, sort_keys=True), encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(folder / NAME)
