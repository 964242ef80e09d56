"""The proof matrix: every rule over every case, with a verdict and a reason for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from livefire.detections.detection import Rule
from livefire.detections.runner import Bench, Outcome, Prepared, prepare, run_prepared
from livefire.diagnostics import Source
from livefire.proof.case import Case, Staged
from livefire.proof.miss import explain_miss

Verdict = Literal["fires", "silent", "false alarm", "refused"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is put to the proof: a rule, how it is read, and the cases it says it covers."""

    name: str
    rule: Rule
    lenient: bool
    covers: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One verdict: `rows` is how many rows came out, `strays` how many rest on no event of the attack."""

    subject: str
    case: str
    kind: Literal["attack", "look_alike"]
    covered: bool
    verdict: Verdict
    reason: str = ""
    rows: int = 0
    strays: int = 0

    @property
    def right(self) -> bool:
        """True when the verdict is what the case wants of a rule that covers it."""
        wanted: Verdict = "fires" if self.kind == "attack" else "silent"
        return self.verdict == wanted and not self.strays


@dataclass(frozen=True, slots=True)
class Matrix:
    """All verdicts, by subject and case in the order given."""

    subjects: tuple[Subject, ...]
    cases: tuple[Case, ...]
    cells: tuple[Cell, ...]

    def cell(self, subject: str, case: str) -> Cell:
        """Return one verdict; KeyError when there is none."""
        for found in self.cells:
            if found.subject == subject and found.case == case:
                return found
        raise KeyError((subject, case))

    def of(self, subject: str) -> tuple[Cell, ...]:
        """Return the verdicts of one subject."""
        return tuple(c for c in self.cells if c.subject == subject)


def prove(subjects: Sequence[Subject], cases: Iterable[Staged], bench: Bench, progress: Callable[[str], None] | None = None) -> Matrix:
    """Run every subject over every case, each case alone, with the clock a minute past its last event."""
    prepared = [(s, prepare(s.rule, bench, lenient=s.lenient)) for s in subjects]
    cells: list[Cell] = []
    seen: list[Case] = []
    for staged in cases:
        seen.append(staged.case)
        if progress is not None:
            progress(staged.case.title)
        here = replace(bench, storage=staged.storage, now=staged.case.end + timedelta(minutes=1))
        cells.extend(_judge(subject, ready, staged, here) for subject, ready in prepared)
    return Matrix(tuple(subjects), tuple(seen), tuple(cells))


def _judge(subject: Subject, ready: Prepared, staged: Staged, bench: Bench) -> Cell:
    case = staged.case
    cell = Cell(subject.name, case.id, case.kind, case.id in subject.covers, "silent")
    outcome = run_prepared(ready, bench)
    if outcome.refused:
        return replace(cell, verdict="refused", reason=outcome.reason)
    strays = sum(1 for events in outcome.evidence if not staged.attack.intersection(events))
    hits = len(outcome.rows) - strays
    cell = replace(cell, rows=len(outcome.rows), strays=strays)
    if case.kind == "look_alike":
        return replace(cell, verdict="false alarm" if outcome.rows else "silent")
    if hits:
        return replace(cell, verdict="fires")
    reason = _reason(outcome, staged, bench) if cell.covered else ""
    return replace(cell, reason=reason)


def _reason(outcome: Outcome, staged: Staged, bench: Bench) -> str:
    if outcome.plan is None:
        return ""
    source = Source(outcome.rule.text, outcome.rule.name)
    return explain_miss(outcome.plan, staged.attack, source, bench.engine, staged.storage, bench.run_values()).reason
