"""A finding: one row of a rule's result, with the events it rests on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found.

    `evidence` names events as `<log source>/<event id>`, sorted. `fingerprint` is the same for the
    same detection and act in whatever language the rule was, whenever it ran; a finding without
    evidence is told apart by its row. `time` is the latest datetime in the row.
    """

    detection: str
    title: str
    severity: str
    language: str
    row: dict[str, Any]
    evidence: tuple[str, ...]
    time: datetime | None
    fingerprint: str


def row_time(row: dict[str, Any]) -> datetime | None:
    """Return the latest datetime in a row, None when it has none."""
    return max((v for v in row.values() if isinstance(v, datetime)), default=None)


def precedence(finding: Finding) -> tuple[int, bool, str, tuple[str, ...], str]:
    """Order findings with one fingerprint: most evidence first, then the earliest.

    Which row stands for a finding must not hang on the order in which an engine gives rows that have none.
    """
    row = json.dumps(finding.row, sort_keys=True, default=str)
    return -len(finding.evidence), finding.time is None, finding.time.isoformat() if finding.time else "", finding.evidence, row


def row_fingerprint(detection: str, row: dict[str, Any]) -> str:
    """Return what tells a row without evidence apart: SHA-256 of the detection and the row, in hex."""
    return hashlib.sha256("\n".join([detection, json.dumps(row, sort_keys=True, default=str)]).encode()).hexdigest()
