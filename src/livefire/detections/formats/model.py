"""A rule as a file of any product brings it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livefire.detections.detection import Card, Detection, Risk, Rule, Severity


class FormatError(ValueError):
    """A file that looks like rules and cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One rule of a file with what its product says of it; `said` holds the product's own settings, such as its schedule.

    `inner` is True for a rule that a correlation in another file is made of, and that does not stand for itself.
    """

    rule: Rule
    id: str
    title: str
    what: str = ""
    severity: Severity = "medium"
    risk: int = 0
    said: Mapping[str, Any] = field(default_factory=dict)
    inner: bool = False

    def detection(self) -> Detection:
        """Return the rule as a detection of its own."""
        card = Card(self.id, self.title, self.what, "", self.severity, "medium", Risk(self.risk), (), (), ())
        return Detection(card, (self.rule,), (self.rule.path or Path()).parent)
