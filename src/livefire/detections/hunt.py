"""Runs many detections over the same events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from livefire.detections.detection import Detection, Rule
from livefire.detections.finding import Finding, precedence
from livefire.detections.runner import Bench, Outcome, findings
from livefire.detections.shared_scan import run_rules
from livefire.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class Hunt:
    """What a hunt found: one outcome a rule, its findings by time, and the moment it was run for."""

    outcomes: tuple[tuple[Detection, Outcome], ...]
    findings: tuple[Finding, ...]
    now: datetime

    @property
    def refused(self) -> tuple[tuple[Detection, Outcome], ...]:
        """The detections that could not be run."""
        return tuple((d, o) for d, o in self.outcomes if o.refused)


def hunt(detections: Sequence[Detection], bench: Bench, language: str | None, progress: Callable[[str], None] | None) -> Hunt:
    """Run each detection in one language and return all findings by time.

    Without a language each runs its first; a detection without a rule in the language is refused in
    its outcome. A detection with a rule for each cloud has an outcome for each.
    """
    outcomes: list[tuple[Detection, Outcome]] = []
    found: dict[str, Finding] = {}
    chosen = chosen_rules(detections, language)
    titles = {id(rule): detection.card.title for detection, rules in zip(detections, chosen, strict=True) for rule in rules}
    told = (lambda rule: progress(titles[id(rule)])) if progress is not None else None
    together = iter(run_rules([rule for rules in chosen for rule in rules], bench, told=told))
    for detection, rules in zip(detections, chosen, strict=True):
        ran = list(islice(together, len(rules))) or [no_rule(detection, language or "")]
        outcomes.extend((detection, outcome) for outcome in ran)
        for outcome in ran:
            for finding in findings(detection, outcome, bench):
                held = found.get(finding.fingerprint)
                if held is None or precedence(finding) < precedence(held):
                    found[finding.fingerprint] = finding
    return Hunt(tuple(outcomes), sorted_findings(found.values(), bench), bench.now)


def chosen_rules(detections: Sequence[Detection], language: str | None) -> list[tuple[Rule, ...]]:
    """Return the rules of each detection in one language, without one in its first; none where it has none."""
    return [tuple(detection.written_in(language or detection.languages[0])) for detection in detections]


def sorted_findings(found: Iterable[Finding], bench: Bench) -> tuple[Finding, ...]:
    """Return findings by time."""
    return tuple(sorted(found, key=lambda f: (f.time or bench.now, f.detection, f.fingerprint)))


def no_rule(detection: Detection, language: str) -> Outcome:
    """Return the refusal of a detection that has no rule in a language."""
    reason = Diagnostic("error", "E503", f"{detection.card.id} has no {language} rule")
    return Outcome(Rule(detection.card.id, language, ""), diagnostics=(reason,), refused=True)
