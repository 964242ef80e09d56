"""The proof matrix: every rule over every case, with a verdict and a reason for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from typing import Any, Literal

from livefire.detections.detection import Differs, Rule, Told
from livefire.detections.evidence import acts_of, fingerprint
from livefire.detections.finding import row_fingerprint
from livefire.detections.runner import Bench, Outcome, Prepared, prepare
from livefire.detections.shared_scan import SharedScan
from livefire.diagnostics import Source
from livefire.proof.case import Case, Staged
from livefire.proof.miss import explain_miss

Verdict = Literal["fires", "silent", "false alarm", "refused"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is put to the proof: a detection's rules in one language, how they are read, and the cases they say they cover."""

    name: str
    rules: tuple[Rule, ...]
    lenient: bool
    covers: tuple[str, ...]
    note: str = ""
    detection: str = ""
    told: Told = field(default_factory=Told)
    differs: tuple[Differs, ...] = ()

    @property
    def language(self) -> str:
        """The language of the rules."""
        return self.rules[0].language


@dataclass(frozen=True, slots=True)
class Cell:
    """One verdict: `rows` is how many rows came out, `strays` how many rest on no event of the attack.

    `marks` are the fingerprints of what was found, to be compared with those of other languages.
    """

    subject: str
    case: str
    kind: Literal["attack", "look_alike"]
    covered: bool
    verdict: Verdict
    reason: str = ""
    rows: int = 0
    strays: int = 0
    marks: frozenset[str] = frozenset()

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
    _places: dict[tuple[str, str], Cell] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", {(c.subject, c.case): c for c in self.cells})

    def cell(self, subject: str, case: str) -> Cell:
        """Return one verdict; KeyError when there is none."""
        return self._places[subject, case]

    def of(self, subject: str) -> tuple[Cell, ...]:
        """Return the verdicts of one subject."""
        return tuple(c for c in self.cells if c.subject == subject)


def prove(subjects: Sequence[Subject], cases: Iterable[Staged], bench: Bench, progress: Callable[[str], None] | None = None) -> Matrix:
    """Run every subject over every case, each case alone, with the clock a minute past its last event."""
    prepared = [prepare(rule, bench, lenient=s.lenient) for s in subjects for rule in s.rules]
    scan: SharedScan | None = None
    cells: list[Cell] = []
    seen: list[Case] = []
    for staged in cases:
        seen.append(staged.case)
        if progress is not None:
            progress(staged.case.title)
        here = replace(bench, storage=staged.storage, now=staged.case.end + timedelta(minutes=1))
        scan = scan or SharedScan(prepared, here)
        outcomes = zip(prepared, scan.run(here), strict=True)
        cells.extend(_judge(subject, tuple(islice(outcomes, len(subject.rules))), staged, here) for subject in subjects)
    return Matrix(tuple(subjects), tuple(seen), tuple(cells))


def _judge(subject: Subject, outcomes: Sequence[tuple[Prepared, Outcome]], staged: Staged, bench: Bench) -> Cell:
    case = staged.case
    cell = Cell(subject.name, case.id, case.kind, case.id in subject.covers, "silent")
    ran = [outcome for p, outcome in outcomes if p.statement is None or case.log_source in p.statement.tables]
    refused = next((o for o in ran if o.refused), None)
    if refused is not None:
        return replace(cell, verdict="refused", reason=refused.reason)
    found = [(row, events) for o in ran for row, events in zip(o.rows, o.evidence, strict=True)]
    strays = sum(1 for _, events in found if not staged.attack.intersection(events))
    cell = replace(cell, rows=len(found), strays=strays, marks=_marks(subject, found, bench))
    if case.kind == "look_alike":
        return replace(cell, verdict="false alarm" if found else "silent")
    if len(found) > strays:
        return replace(cell, verdict="fires")
    if not cell.covered:
        return cell
    return replace(cell, reason=_reason(ran[0], staged, bench) if ran else f"no rule reads {case.log_source}")


def _marks(subject: Subject, found: Sequence[tuple[dict[str, Any], tuple[str, ...]]], bench: Bench) -> frozenset[str]:
    if not found or not subject.detection:
        return frozenset()
    acts = acts_of((name for _, events in found for name in events), bench)
    return frozenset(fingerprint(subject.detection, events, acts, subject.told) if events else row_fingerprint(subject.detection, row) for row, events in found)


def _reason(outcome: Outcome, staged: Staged, bench: Bench) -> str:
    if outcome.plan is None:
        return ""
    source = Source(outcome.rule.text, outcome.rule.name)
    return explain_miss(outcome.plan, staged.attack, source, bench.engine, staged.storage, bench.run_values()).reason


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two languages of a detection that do not find the same in a case, or an exception that is stated and not needed."""

    detection: str
    language: str
    case: str
    text: str


def disagreements(matrix: Matrix) -> tuple[Disagreement, ...]:
    """Return where the languages of a detection differ without a stated reason.

    What most languages find is what the detection finds; a language that states why it differs in a case is not counted
    there. An attack that a rule covers must then be missed for the reason stated, not found in other words.
    """
    by_detection: dict[str, list[Subject]] = {}
    for subject in matrix.subjects:
        if subject.detection:
            by_detection.setdefault(subject.detection, []).append(subject)
    return tuple(d for members in by_detection.values() for case in matrix.cases for d in _compare(matrix, members, case.id))


def stated(subject: Subject, case: str) -> Differs | None:
    """Return the reason a language states for finding something else in a case, None when it states none."""
    return next((d for d in subject.differs if d.language == subject.language and (not d.cases or case in d.cases)), None)


def _compare(matrix: Matrix, members: Sequence[Subject], case: str) -> list[Disagreement]:
    cells = [(s, matrix.cell(s.name, case)) for s in members if stated(s, case) is None]
    counts = Counter(c.marks for _, c in cells if c.verdict != "refused")
    if not counts:
        return []
    usual = max(counts, key=lambda m: (counts[m], len(m)))
    others = [(s, c) for s, c in cells if c.marks != usual and c.verdict != "refused"]
    return [Disagreement(s.detection, s.language, case, f"finds {len(c.marks)} where the others find {len(usual)}: {_how(c.marks, usual)}") for s, c in others]


def _how(marks: frozenset[str], usual: frozenset[str]) -> str:
    return f"{len(usual - marks)} not found, {len(marks - usual)} of its own"
