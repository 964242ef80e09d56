"""A detection: one idea, written in each language as its platform's people would write it."""

from __future__ import annotations

import re
from datetime import date
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

_NAME = re.compile(r"(?P<platform>[a-z]+)(?:\.(?P<part>[a-z0-9-]+))?\.(?P<suffix>kql|cql|eql|esql|spl|yml)")
_LANGUAGES = {
    ("sentinel", "kql"): "kql",
    ("logscale", "cql"): "cql",
    ("elastic", "eql"): "eql",
    ("elastic", "esql"): "esql",
    ("splunk", "spl"): "spl",
    ("sigma", "yml"): "sigma",
}
RULE_FILES = tuple(f"{platform}.{suffix}" for platform, suffix in _LANGUAGES)
"""The names of rule files; a language that reads one cloud a rule adds the cloud, as in `elastic.azure.eql`."""
LANGUAGES = tuple(_LANGUAGES.values())


def rule_language(name: str) -> str | None:
    """Return the language of a rule file by its name, None for a file that is no rule."""
    found = _NAME.fullmatch(name)
    return _LANGUAGES.get((found["platform"], found["suffix"])) if found else None


class Attack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where ATT&CK places a detection in one of its versions."""

    version: str
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]


class Knob(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something a site sets: its name in the rules, what it means, and when to change it.

    Where ATT&CK's detection strategy names such a parameter, `name` is that name.
    """

    name: str
    default: str
    meaning: str


class Modifier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What raises or lowers the risk of a finding, and by how much."""

    when: str
    add: int


class Risk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The risk of a finding: `base` from 0 to 100 and what changes it; from 60 on it is an alert of its own."""

    base: int
    modifiers: tuple[Modifier, ...] = ()


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What makes two findings the same.

    `act`: they rest on the same act of the cloud. `actor`: the same actor, account and day; for rules that count or
    look back, whose languages need not agree on the one event that filled the measure. `on` names the operations that
    complete a finding (CloudTrail names, Azure's operations in lower case, Google's methods without a version): the
    latest of them in the evidence is its act. Empty: the latest event is.
    """

    per: Literal["act", "actor"] = "act"
    on: tuple[str, ...] = ()


class Differs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A language whose rule is not there, or finds less or more, and the reason; `cases` empty means all."""

    language: str
    reason: str
    cases: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became different in a detection's rules or card, and on which day."""

    day: date
    text: str


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `detection.toml` says.

    `data` names log sources, `covers` emulation ids the detection must fire on. `needs` says
    what the rules cannot work without. `strategy` names ATT&CK's detection strategy, `changes` stand the latest first.
    """

    id: str
    title: str
    what: str
    why: str
    severity: Severity
    confidence: Literal["low", "medium", "high"]
    risk: Risk
    attack: tuple[Attack, ...]
    data: tuple[str, ...]
    covers: tuple[str, ...]
    finding: Told = Told()
    differs: tuple[Differs, ...] = ()
    misses: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    tuning: tuple[Knob, ...] = ()
    references: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    strategy: str = ""
    lookback: str = "1h"
    changes: tuple[Change, ...] = ()


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

    def __call__(self, source: Source, language: str, plan: Plan, /) -> Sequence[Diagnostic]:
        """Return what is wrong with the rule, by place."""


class Alerting(Protocol):
    """How a product makes alerts of a rule: it checks and runs the rule in the place of its language alone."""

    def check(self, rule: Rule, catalog: Catalog, *, lenient: bool, review: Review) -> tuple[Diagnostic, ...]:
        """Return everything there is to say of the rule without running it; `review` judges the sense of its query."""

    def run(self, rule: Rule, bench: Bench, *, lenient: bool) -> Outcome:
        """Run the rule and return one row an alert."""


class Detection(msgspec.Struct, frozen=True):
    """A detection with its rules, one a language, or one a language and cloud."""

    card: Card
    rules: tuple[Rule, ...]
    folder: Path

    def written_in(self, language: str) -> tuple[Rule, ...]:
        """Return the rules in a language: what any of them finds, the detection finds."""
        return tuple(r for r in self.rules if r.language == language)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages there are rules in."""
        return tuple(dict.fromkeys(r.language for r in self.rules))
