"""Trials of one rule: events it must find or leave alone, each with a verdict and the clause that explains it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from livefire.detections.detection import Rule
from livefire.detections.runner import Bench, Outcome, Prepared, prepare, run_prepared, run_rule
from livefire.diagnostics import Source
from livefire.engines.base import Storage
from livefire.proof.miss import explain_miss

TrialKind = Literal["attack", "look_alike"]
Result = Literal["fires", "silent", "refused"]


@dataclass(frozen=True, slots=True)
class Trial:
    """Stored events to run a rule over, a minute before `now`.

    `attack` names the events that a finding has to rest on, None for any of them. `stated` says that
    the rule's author asks for it; otherwise it was chosen for what the rule reads. `rows` is how many
    rows must come out, None for any number. `emulation` is the id of the story that it was made from, if any.
    """

    name: str
    title: str
    kind: TrialKind
    storage: Storage
    now: datetime
    attack: frozenset[str] | None = None
    stated: bool = False
    rows: int | None = None
    emulation: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a trial: how many rows came out, how many rest on the attack, and why none does."""

    trial: Trial
    result: Result
    rows: int = 0
    reason: str = ""

    @property
    def right(self) -> bool:
        """True when the rule did what the trial asks for."""
        wanted: Result = "fires" if self.trial.kind == "attack" else "silent"
        return self.result == wanted and self.trial.rows in (None, self.rows)


@dataclass(frozen=True, slots=True)
class RuleProof:
    """The trials of one rule.

    It is proved when everything that its author states holds and it fires on an attack; of attacks
    chosen for what it reads one is enough, for a rule need not mean all of them.
    """

    rule: Rule
    tried: tuple[Tried, ...]

    @property
    def refused(self) -> bool:
        """True when the rule cannot be run."""
        return any(t.result == "refused" for t in self.tried)

    @property
    def proved(self) -> bool:
        """True when all that is stated holds, and it fires on an attack."""
        return not self.refused and all(t.right for t in self.tried if t.trial.stated) and any(t.right for t in self.tried if t.trial.kind == "attack")

    @property
    def reason(self) -> str:
        """Why it is not proved, empty when it is."""
        if self.proved:
            return ""
        wrong = next((t for t in self.tried if t.result == "refused" or (t.trial.stated and not t.right)), None)
        if wrong is not None:
            return f"{wrong.trial.name}: {wrong.reason or wrong.result}"
        attacks = [t for t in self.tried if t.trial.kind == "attack"]
        return f"fires on none of {len(attacks)} attacks that it could find" if attacks else "no attack is known that has what it reads; give one with --attack"


def try_rule(rule: Rule, trials: Iterable[Trial], bench: Bench, *, lenient: bool = False, progress: Callable[[str], None] | None = None) -> RuleProof:
    """Run a rule over each trial alone and return what became of it."""
    ready = prepare(rule, bench, lenient=lenient) if rule.alerting is None else None
    tried = []
    for trial in trials:
        if progress is not None:
            progress(trial.title)
        tried.append(_try(rule, ready, trial, replace(bench, storage=trial.storage, now=trial.now), lenient=lenient))
    return RuleProof(rule, tuple(tried))


def _try(rule: Rule, ready: Prepared | None, trial: Trial, bench: Bench, *, lenient: bool) -> Tried:
    outcome = run_prepared(ready, bench) if ready is not None else run_rule(rule, bench, lenient=lenient)
    if outcome.refused:
        return Tried(trial, "refused", reason=outcome.reason)
    rests = [trial.attack is None or bool(trial.attack.intersection(events)) for events in outcome.evidence]
    count = sum(rests) if trial.kind == "attack" else len(outcome.rows)
    if count:
        return Tried(trial, "fires", len(outcome.rows), _surplus(trial, len(outcome.rows)))
    return Tried(trial, "silent", 0, _reason(outcome, trial, bench) if trial.kind == "attack" else "")


def _surplus(trial: Trial, rows: int) -> str:
    return f"{rows} rows, where {trial.rows} are stated" if trial.rows not in (None, rows) else ""


def _reason(outcome: Outcome, trial: Trial, bench: Bench) -> str:
    if outcome.plan is None:
        return ""
    source = Source(outcome.rule.text, outcome.rule.name)
    return explain_miss(outcome.plan, trial.attack, source, bench.engine, trial.storage, bench.run_values()).reason
