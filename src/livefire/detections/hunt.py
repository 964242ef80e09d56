"""Runs many detections over the same events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    chosen = [detection.written_in(language or detection.languages[0]) for detection in detections]
    together = iter(run_rules([rule for rules in chosen for rule in rules], bench))
    for detection, rules in zip(detections, chosen, strict=True):
        if progress is not None:
            progress(detection.card.title)
        ran = list(islice(together, len(rules))) or [_no_rule(detection, language or "")]
        outcomes.extend((detection, outcome) for outcome in ran)
        for outcome in ran:
            for finding in findings(detection, outcome, bench):
                held = found.get(finding.fingerprint)
                if held is None or precedence(finding) < precedence(held):
                    found[finding.fingerprint] = finding
    ordered = sorted(found.values(), key=lambda f: (f.time or bench.now, f.detection, f.fingerprint))
    return Hunt(tuple(outcomes), tuple(ordered), bench.now)


def _no_rule(detection: Detection, language: str) -> Outcome:
    reason = Diagnostic("error", "E503", f"{detection.card.id} has no {language} rule")
    return Outcome(Rule(detection.card.id, language, ""), diagnostics=(reason,), refused=True)
