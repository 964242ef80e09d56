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
    same rule over the same events, whenever and in whatever order they were read; a finding
    without evidence is told apart by its row. `time` is the latest datetime in the row.
    """

    detection: str
    title: str
    severity: str
    language: str
    row: dict[str, Any]
    evidence: tuple[str, ...]
    time: datetime | None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the detection and its evidence, in hex."""
        rest = list(self.evidence) or [json.dumps(self.row, sort_keys=True, default=str)]
        return hashlib.sha256("\n".join([self.detection, *rest]).encode()).hexdigest()


def row_time(row: dict[str, Any]) -> datetime | None:
    """Return the latest datetime in a row, None when it has none."""
    return max((v for v in row.values() if isinstance(v, datetime)), default=None)
