"""What detections cover: techniques counted only where a rule is proved and its data is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livefire.detections.detection import Detection


@dataclass(frozen=True, slots=True)
class Covered:
    """A detection in one language: whether it is proved, whether its data is alive, and what is missing."""

    detection: Detection
    language: str
    proved: bool
    alive: bool
    missing: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """True where both hold: only then does the detection cover anything."""
        return self.proved and self.alive


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique with its detections, of which only those that count cover it."""

    id: str
    detections: tuple[Covered, ...]

    @property
    def covering(self) -> tuple[Covered, ...]:
        """The detections that are proved and whose data is there."""
        return tuple(c for c in self.detections if c.counts)


def by_technique(found: Sequence[Covered]) -> tuple[Technique, ...]:
    """Return each technique with the detections that are written for it, by id."""
    ids = sorted({t for c in found for a in c.detection.card.attack for t in a.techniques})
    return tuple(Technique(i, tuple(c for c in found if any(i in a.techniques for a in c.detection.card.attack))) for i in ids)
