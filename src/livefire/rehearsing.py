"""Puts a rule of one's own to the proof: over stated cases, given log files, or the emulations that fit what it reads."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from livefire import query as stages
from livefire.detections.detection import Rule
from livefire.detections.evidence import acts_of
from livefire.detections.runner import Bench, prepare, run_rule
from livefire.diagnostics import Diagnostic, QueryError, Source
from livefire.emulation.catalogue import UnknownEmulationError, find
from livefire.emulation.model import Emulation
from livefire.engines.base import Storage
from livefire.plan import nodes as n
from livefire.proof.case import CaseKind
from livefire.proof.edges import SHIFTS, Edge, Schedule, edge, found, scheduled
from livefire.proof.mutation import Mutant, Score, mutate
from livefire.proof.stated import CaseFile, StatedCase, read_cases
from livefire.proof.trial import RuleProof, Trial, try_rule
from livefire.proving import STORY_START, emulated, fitting

Stored = Callable[[Path], tuple[Storage, datetime]]
"""Reads log files apart from any lake: the stored events, and a minute past the latest of them."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What rules are put to the proof with: a bench without events, the log sources, and what reads log files.

    `options` are those of the languages.
    """

    bench: Bench
    sources: Sequence[str]
    stored: Stored
    options: Mapping[str, object]

    def trials(self, rule: Rule, *, cases: Path | None = None, attacks: Sequence[Path] = (), benign: Sequence[Path] = (), lenient: bool = False) -> list[Trial]:
        """Return what a rule is tried on: stated cases, log files that hold an attack or none, and where no attack is given the emulations that fit.

        QueryError E509 for a case that cannot be read.
        """
        found = list(stated_trials(read_cases(cases), cases.parent, self.sources, self.stored)) if cases is not None else []
        found += [recorded(p.name, "attack", p, self.stored) for p in attacks] + [recorded(p.name, "look_alike", p, self.stored) for p in benign]
        if not any(t.kind == "attack" for t in found):
            plan = self.plan(rule, lenient=lenient)
            found += [emulated(m, self.sources) for m in fitting(plan)] if plan is not None else []
        return found

    def prove(self, rule: Rule, trials: Sequence[Trial], *, lenient: bool = False, progress: Callable[[str], None] | None = None) -> RuleProof:
        """Run a rule over trials and return what became of each; without one, over no events, so that a rule that cannot run is refused."""
        tried = try_rule(rule, trials or [nothing(self.bench)], self.bench, lenient=lenient, progress=progress)
        return tried if trials or tried.refused else RuleProof(rule, ())

    def score(
        self,
        rule: Rule,
        trials: Sequence[Trial],
        *,
        lenient: bool = False,
        only: Callable[[Mutant], bool] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Score:
        """Return how many of a rule's mutants its trials notice, of those that `only` lets through.

        QueryError for a rule that cannot be run, or whose product adds alerts to its query.
        """
        if rule.alerting is not None:
            raise QueryError(
                [Diagnostic("error", "E305", "the query of a rule with a schedule of its own is not mutated; write the query into a file of its own")]
            )
        return mutate(rule, trials, self.bench, lenient=lenient, only=only, progress=progress)

    def edges(self, rule: Rule, trials: Sequence[Trial], schedule: Schedule, *, lenient: bool = False) -> tuple[tuple[Edge, ...], timedelta | None]:
        """Return what a rule loses when its attacks come at other times, in another order, twice, and late; and the look-back that would lose none.

        Only attacks that it finds are tried; the first two need attacks that livefire can tell again.
        """
        ready = prepare(rule, self.bench, lenient=lenient) if rule.alerting is None else None
        kept = [t for t in trials if t.kind == "attack" and found(rule, t, self.bench, ready=ready, lenient=lenient)]
        told = [find(t.emulation) for t in kept if t.emulation]
        shifted = [replace(emulated(m, self.sources, start=STORY_START + by), name=f"{m.id}, {by} later") for m in told for by in SHIFTS]
        cut = [replace(emulated(m, self.sources, start=start), name=f"{m.id}, midnight {gap} of its events") for m in told for gap, start in midnights(m)]
        turned = [emulated(m, self.sources, order=lambda records: records[::-1]) for m in told]
        twice = [emulated(m, self.sources, order=lambda records: [r for r in records for _ in range(2)]) for m in told]
        listed = [
            edge(name, rule, variants, self.bench, lenient=lenient)
            for name, variants in (("other times", shifted), ("midnight between its events", cut), ("turned order", turned), ("each event twice", twice))
        ]
        late, most = scheduled([(t.name, self._evidence(rule, t, lenient=lenient)) for t in kept], schedule)
        return (*listed, late), most if kept else None

    def _evidence(self, rule: Rule, trial: Trial, *, lenient: bool) -> list[tuple[str, datetime]]:
        """Return the events that a rule's first finding in a trial rests on, with their times."""
        here = replace(self.bench, storage=trial.storage, now=trial.now)
        outcome = run_rule(rule, here, lenient=lenient)
        names = next(e for e in outcome.evidence if e and (trial.attack is None or trial.attack.intersection(e)))
        return [(name, act.time) for name, act in acts_of(names, here).items()]

    def plan(self, rule: Rule, *, lenient: bool = False) -> n.Plan | None:
        """Return the plan of a rule's query as far as it can be read."""
        found: list[n.Plan] = []

        def keep(_source: Source, _language: str, plan: n.Plan) -> Sequence[Diagnostic]:
            found.append(plan)
            return ()

        catalog = self.bench.catalog(rule.language)
        if rule.alerting is not None:
            rule.alerting.check(rule, catalog, lenient=lenient, review=keep)
            return found[0] if found else None
        return stages.check(Source(rule.text, rule.name), rule.language, catalog, stages.Options(lenient, language=self.options))[0]


def midnights(emulation: Emulation) -> Iterator[tuple[str, datetime]]:
    """Yield where midnight falls and the start that puts it there: after the first event of an attack, amid them, and before the last.

    Midnight is the end of every minute, of every 5 minutes, hour and day at once: whoever counts in fixed buckets is cut there.
    """
    times = sorted({r.time for r in emulation.generate(STORY_START).evidence})
    gaps = [(a, b) for a, b in pairwise(times) if b - a > timedelta(seconds=1)]
    chosen = {0: "after the first", len(gaps) - 1: "before the last", len(gaps) // 2: "amid"} if gaps else {}
    for at, name in chosen.items():
        middle = gaps[at][0] + (gaps[at][1] - gaps[at][0]) / 2
        midnight = datetime(middle.year, middle.month, middle.day, tzinfo=middle.tzinfo) + timedelta(days=1)
        yield name, STORY_START + (midnight - middle)


def nothing(bench: Bench) -> Trial:
    """Return a trial without events."""
    return Trial("no events", "no events", "look_alike", bench.storage, bench.now)


def stated_trials(said: CaseFile, folder: Path, sources: Sequence[str], stored: Stored) -> Iterator[Trial]:
    """Yield the cases that a rule's author wrote; files are looked for below `folder`. QueryError E509 for one that is not there."""
    kinds: tuple[tuple[tuple[StatedCase, ...], CaseKind], ...] = ((said.must_fire, "attack"), (said.must_not_fire, "look_alike"))
    for cases, kind in kinds:
        for case in cases:
            if case.emulation is not None:
                try:
                    found = emulated(find(case.emulation), sources, stated=True, rows=case.rows, name=case.name)
                except UnknownEmulationError as fault:
                    raise _unread(case.name, str(fault.args[0])) from fault
                yield replace(found, kind=kind, attack=found.attack if kind == "attack" else None)
            elif case.file is not None:
                path = folder / case.file
                if not path.exists():
                    raise _unread(case.name, f"there is no file {case.file}")
                yield recorded(case.name, kind, path, stored, rows=case.rows)
            else:
                yield _inline(case, kind, stored)


def _inline(case: StatedCase, kind: CaseKind, stored: Stored) -> Trial:
    with tempfile.TemporaryDirectory(prefix="livefire-case-") as folder:
        path = Path(folder) / "events.json"
        path.write_text("\n".join(json.dumps(e, separators=(",", ":")) for e in case.events), encoding="utf-8")
        return recorded(case.name, kind, path, stored, rows=case.rows)


def recorded(name: str, kind: CaseKind, path: Path, stored: Stored, *, rows: int | None = None) -> Trial:
    """Return log files of an attack, or of what is none, as a trial; every event of an attack's counts as its evidence."""
    storage, now = stored(path)
    return Trial(name, name, kind, storage, now, None, True, rows)


def _unread(case: str, why: str) -> QueryError:
    return QueryError([Diagnostic("error", "E509", f"{case}: {why}")])
