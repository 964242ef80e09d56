"""A detection: one idea, written in each language as its platform's people would write it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livefire.detections.runner import Bench, Outcome
    from livefire.diagnostics import Diagnostic, Source
    from livefire.plan.catalog import Catalog
    from livefire.plan.nodes import Plan

Severity = Literal["informational", "low", "medium", "high", "critical"]

RULE_FILES: dict[str, str] = {
    "sentinel.kql": "kql",
    "falcon.cql": "cql",
    "elastic.eql": "eql",
    "elastic.esql": "esql",
    "splunk.spl": "spl",
    "sigma.yml": "sigma",
}


class Attack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where ATT&CK places a detection in one of its versions."""

    version: str
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]


class Knob(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something a site sets: its name in the rules, what it means, and when to change it."""

    name: str
    default: str
    meaning: str


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `detection.toml` says.

    `data` names log sources, `covers` emulation ids the detection must fire on. `needs` says
    what the rules cannot work without.
    """

    id: str
    title: str
    what: str
    why: str
    severity: Severity
    confidence: Literal["low", "medium", "high"]
    risk: int
    attack: tuple[Attack, ...]
    data: tuple[str, ...]
    covers: tuple[str, ...]
    misses: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    tuning: tuple[Knob, ...] = ()
    references: tuple[str, ...] = ()
    lookback: str = "1h"


class Rule(msgspec.Struct, frozen=True):
    """One rule text: a detection's query in a language, or a rule of a user's own.

    `alerting` is there where a product makes alerts of the query's rows by what else the rule's file
    says; it checks and runs the rule then, and `text` is the whole file.
    """

    name: str
    language: str
    text: str
    path: Path | None = None
    alerting: Alerting | None = None


class Review(Protocol):
    """What judges the sense of a query that could be read."""

    def __call__(self, source: Source, language: str, plan: Plan) -> Sequence[Diagnostic]:
        """Return what is wrong with the rule, by place."""


class Alerting(Protocol):
    """How a product makes alerts of a rule: it checks and runs the rule in the place of its language alone."""

    def check(self, rule: Rule, catalog: Catalog, *, lenient: bool, review: Review) -> tuple[Diagnostic, ...]:
        """Return everything there is to say of the rule without running it; `review` judges the sense of its query."""

    def run(self, rule: Rule, bench: Bench, *, lenient: bool) -> Outcome:
        """Run the rule and return one row an alert."""


class Detection(msgspec.Struct, frozen=True):
    """A detection with its rules, one a language."""

    card: Card
    rules: tuple[Rule, ...]
    folder: Path

    def rule(self, language: str) -> Rule | None:
        """Return the rule in a language, or None."""
        return next((r for r in self.rules if r.language == language), None)
