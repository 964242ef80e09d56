"""The risk of findings: what a card's modifiers come to for the acts behind a finding."""

from __future__ import annotations

import fnmatch
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from livefire.detections.baseline import Baseline
from livefire.detections.detection import Card, Modifier
from livefire.detections.evidence import completing
from livefire.detections.finding import Finding
from livefire.detections.tuning import Excepted, Tuning, Window
from livefire.logsources.acts import Act

ALERT = 60
"""From this risk on a finding is an alert of its own."""
USUAL = (
    Modifier("the network is new to the actor", 15),
    Modifier("nobody in the account used the network before", 20),
    Modifier("the operation is new to the actor", 15),
    Modifier("the hour of the week is new to the actor", 10),
    Modifier("a second factor was shown", -10),
    Modifier("the actor's usual work from its usual network", -20),
)
"""What weighs on every finding, beside the modifiers of its card."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A finding with its risk from 0 to 100 and what it is made of; `unmeasured` are modifiers that the logs do not tell."""

    id: str
    title: str
    technique: str
    time: datetime
    fingerprint: str
    act: Act
    evidence: tuple[str, ...]
    risk: int
    base: int
    reasons: tuple[tuple[str, int], ...]
    unmeasured: tuple[str, ...] = ()
    excepted: Excepted | None = None
    window: Window | None = None

    @property
    def severity(self) -> str:
        """The band of the risk: low to 39, medium to 59, high to 84, critical above."""
        return "low" if self.risk < 40 else "medium" if self.risk < 60 else "high" if self.risk < 85 else "critical"

    @property
    def alerts(self) -> bool:
        """True when it is an alert of its own."""
        return self.risk >= ALERT and self.excepted is None


class Pool:
    """The acts behind all findings, to ask what else an identity or resource met, in order of time."""

    def __init__(self, acts: Iterable[Act]) -> None:
        self._by: defaultdict[str, list[Act]] = defaultdict(list)
        for act in sorted(dict.fromkeys(acts), key=lambda a: (a.time, a.event)):
            for name in dict.fromkeys((act.actor, act.account, *act.resources)):
                self._by[name].append(act)

    def near(self, name: str, moment: datetime, before: timedelta, after: timedelta) -> list[Act]:
        """Return the acts of an actor, account or resource around a moment."""
        acts = self._by.get(name, [])
        low = bisect_left(acts, moment - before, key=lambda a: a.time)
        high = bisect_left(acts, moment + after, key=lambda a: a.time)
        return acts[low:high]


@dataclass(frozen=True, slots=True)
class Situation:
    """What a condition may ask: the act that completes a finding, all acts behind it, and what is known beside it."""

    act: Act
    acts: tuple[Act, ...]
    baseline: Baseline
    tuning: Tuning
    pool: Pool

    def others(self, hours: float, *, ahead: bool = False) -> list[Act]:
        """Return the identity's other acts behind findings, in the hours before or ahead."""
        span, none = timedelta(hours=hours), timedelta()
        found = self.pool.near(self.act.actor, self.act.time, none if ahead else span, span if ahead else none)
        return [a for a in found if a not in self.acts]

    def creates(self, hours: float) -> bool:
        """True when the identity has an instance created in the hours after."""
        return any(a.verb == "instance.create" and a.done for a in self.others(hours, ahead=True))


def _creation(s: Situation) -> bool:
    return any(a.verb == "instance.create" for a in s.acts)


def _copied_by_newcomer(s: Situation) -> bool:
    shares = (a for r in s.act.resources for a in s.pool.near(r, s.act.time, timedelta(days=30), timedelta()))
    return any(a.verb.endswith(".share") and s.baseline.is_new("actor", a) for a in shares)


def _wrote_snapshot(s: Situation) -> bool:
    return any(a.verb == "snapshot.create" for a in (*s.others(1), *(a for a in s.acts if a is not s.act)))


def _burst(s: Situation) -> bool:
    half = timedelta(minutes=30)
    acts = s.pool.near(s.act.actor, s.act.time, half, half)
    return len({a.resources for a in acts if a.verb == "snapshot.create"}) >= 5


def _another_finding(s: Situation) -> bool:
    day, now = timedelta(hours=24), timedelta()
    names = (s.act.actor, *s.act.resources)
    return any(a not in s.acts and a.time < min(x.time for x in s.acts) for name in names for a in s.pool.near(name, s.act.time, day, now))


def _from_copy(s: Situation) -> bool:
    return any(a.verb == "instance.create" and (a.traits.public or any("snap" in r for r in a.resources)) for a in s.acts)


def _matches(patterns: Sequence[str], acts: Iterable[Act]) -> bool:
    return any(fnmatch.fnmatchcase(r, p) for a in acts for r in a.resources for p in patterns)


def _automation_at_home(s: Situation) -> bool:
    return s.tuning.trusts(s.act) and s.baseline.is_usual("network", s.act, 2)


CONDITIONS: Mapping[str, Callable[[Situation], bool]] = {
    "inside a maintenance window": lambda s: s.tuning.announced(s.act) is not None,
    "no second factor": lambda s: s.act.traits.human and s.act.traits.mfa is False and not s.tuning.trusts(s.act),
    "a second factor was shown": lambda s: s.act.traits.human and s.act.traits.mfa is True,
    "known automation from its known network": _automation_at_home,
    "the actor was first seen less than 30 days ago": lambda s: s.baseline.is_new("actor", s.act),
    "a service-linked role": lambda s: "/aws-service-role/" in s.act.actor,
    "a public address": lambda s: any(a.traits.public for a in s.acts),
    "another finding on the same instance or actor within 24 hours before": _another_finding,
    "an accelerated or very large type": lambda s: any(a.traits.large for a in s.acts),
    "the region was not used in 30 days": lambda s: any(_creation(s) and s.baseline.is_new("region", a) for a in s.acts),
    "a human, not automation": lambda s: s.act.traits.human and not s.tuning.trusts(s.act),
    "the instance carried a volume from a snapshot, or a public address": _from_copy,
    "two sub-techniques or more": lambda s: len({a.verb.partition(".")[2] for a in s.acts}) >= 2,
    "the steps are by two identities": lambda s: len({a.actor for a in s.acts}) > 1,
    "the source volume carries a crown-jewel tag": lambda s: _matches(s.tuning.crown_jewels, s.acts),
    "the share before it was by an actor first seen less than 30 days ago": _copied_by_newcomer,
    "the same principal wrote the snapshot within the hour": _wrote_snapshot,
    "the same identity creates instances within seven days": lambda s: s.creates(168),
    "the policy is about sizes, locations or public access": lambda s: any(re.search("(?i)location|size|public|region", r) for r in s.act.resources),
    "shared with everybody": lambda s: any(a.traits.everybody for a in s.acts),
    "five volumes or more within half an hour": _burst,
    "an instance is created there within a day": lambda s: s.creates(24),
    "a creation succeeds within 30 minutes after": lambda s: s.creates(0.5),
    "a case of the security team names the instance": lambda s: _matches(s.tuning.approved, s.acts),
    "DeleteReplacedRootVolume is set": lambda s: any(a.traits.drops_old for a in s.acts),
    "the network is new to the actor": lambda s: not s.act.traits.service and s.baseline.is_new("network", s.act),
    "nobody in the account used the network before": lambda s: not s.act.traits.service and s.baseline.is_new("place", s.act),
    "the operation is new to the actor": lambda s: not s.act.traits.service and s.baseline.is_new("action", s.act),
    "the hour of the week is new to the actor": lambda s: s.act.traits.human and s.baseline.is_new("hour", s.act),
    "the actor's usual work from its usual network": lambda s: s.baseline.is_usual("action", s.act) and s.baseline.is_usual("network", s.act),
}
"""What livefire can tell of a modifier's words. A modifier that is not here is shown as not measured and adds nothing."""


def score(findings: Sequence[Finding], cards: Mapping[str, Card], acts: Mapping[str, Act], baseline: Baseline, tuning: Tuning) -> tuple[Scored, ...]:
    """Return each finding that rests on acts with its risk, by time; `acts` are those of the evidence by name."""
    pool = Pool(acts.values())
    found = []
    for finding in findings:
        card = cards[finding.detection]
        act = completing(finding.evidence, acts, card.finding)
        if act is not None:
            behind = tuple(acts[name] for name in finding.evidence if name in acts)
            found.append(_scored(card, finding, Situation(act, behind, baseline, tuning, pool)))
    return tuple(sorted(found, key=lambda f: (f.time, f.id, f.fingerprint)))


def _scored(card: Card, finding: Finding, situation: Situation) -> Scored:
    modifiers = (*card.risk.modifiers, *USUAL)
    measured = [(m.when, m.add) for m in modifiers if (holds := CONDITIONS.get(m.when)) and holds(situation)]
    unmeasured = tuple(m.when for m in modifiers if m.when not in CONDITIONS)
    risk = min(100, max(0, card.risk.base + sum(add for _, add in measured)))
    act, tuning = situation.act, situation.tuning
    return Scored(
        id=card.id,
        title=card.title,
        technique=card.id.split("/")[0],
        time=act.time,
        fingerprint=finding.fingerprint,
        act=act,
        evidence=finding.evidence,
        risk=risk,
        base=card.risk.base,
        reasons=tuple(measured),
        unmeasured=unmeasured,
        excepted=tuning.excepts(card.id, act),
        window=tuning.announced(act),
    )
