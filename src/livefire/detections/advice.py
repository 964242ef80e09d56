"""What would quieten a detection: how often it fires, because of whom, and the exception that costs no true finding."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from livefire.detections.risk import Scored
from livefire.detections.triage import Triage
from livefire.detections.tuning import Scope
from livefire.logsources.acts import Act
from livefire.logsources.traits import network_of

_TERM = timedelta(days=90)
"""How long an exception that is proposed holds: long enough to be useful, short enough to be looked at again."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An exception's scope, how many findings and alerting findings it would take away, and how many true ones it would lose."""

    scope: Scope
    findings: int
    alerting: int
    lost: int

    @property
    def tied(self) -> bool:
        """True when it holds from one network only, so that an identity taken over elsewhere is still found."""
        return bool(self.scope.network)


@dataclass(frozen=True, slots=True)
class Advice:
    """How a detection fared: findings a day, those that alerted, who and what they come from, and the exceptions to choose from, best first."""

    detection: str
    days: Counter[date]
    findings: int
    alerting: int
    contributors: dict[str, Counter[str]]
    proposals: tuple[Proposal, ...]
    told_true: bool

    @property
    def best(self) -> Proposal | None:
        """The exception that takes away most and loses nothing; one tied to a network before one that is not. None when none helps."""
        safe = [p for p in self.proposals if not p.lost and p.tied] or [p for p in self.proposals if not p.lost]
        return safe[0] if safe else None

    def written(self, proposal: Proposal, today: date) -> str:
        """Return a proposal as an entry of a tuning file; owner and reason are for the site to say."""
        said = {k: v for k in ("actor", "account", "network", "resource") if (v := getattr(proposal.scope, k))}
        scope = ", ".join(f"{k} = {_quoted(v)}" for k, v in said.items())
        lines = ["[[exception]]", f"detection = {_quoted(self.detection)}", 'owner = "who answers for it"', 'reason = "why it is no attack"']
        return "\n".join([*lines, f"expires = {today + _TERM}", f"scope = {{ {scope} }}"])


def _quoted(text: str) -> str:
    plain = "".join(c for c in text if c.isprintable())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def advise(detection: str, found: Triage, true_marks: Collection[str] = ()) -> Advice:
    """Return the advice on one detection's findings; `true_marks` are the event ids or operations of what is known to be an attack."""
    mine = [s for s in found.scored if s.id == detection and s.excepted is None]
    truth = {s.fingerprint for s in mine if _is_true(s, found.acts, true_marks)}
    groups: defaultdict[Scope, list[Scored]] = defaultdict(list)
    for one in mine:
        for scope in _scopes(one.act):
            groups[scope].append(one)
    proposals = [_proposal(scope, members, truth) for scope, members in groups.items()]
    proposals.sort(key=lambda p: (p.lost, -p.alerting, -p.findings, not p.tied, not p.scope.actor, p.scope.actor, p.scope.network))
    noise = [s for s in mine if s.fingerprint not in truth]
    contributors = {
        "identity": Counter(s.act.actor for s in noise),
        "network": Counter(network_of(s.act.address) for s in noise if s.act.address),
        "account": Counter(s.act.account for s in noise),
        "client": Counter(s.act.traits.agent for s in noise if s.act.traits.agent),
    }
    alerting = sum(s.alerts for s in mine)
    return Advice(detection, Counter(s.time.date() for s in mine), len(mine), alerting, contributors, tuple(proposals), bool(true_marks))


def _is_true(one: Scored, acts: dict[str, Act], marks: Collection[str]) -> bool:
    known = (acts[name] for name in one.evidence if name in acts)
    return any(m in marks for a in known for m in (a.event, a.key.partition("|")[0]))


def _scopes(act: Act) -> Iterator[Scope]:
    network = network_of(act.address)
    yield Scope(actor=act.actor)
    if network:
        yield Scope(actor=act.actor, network=network)
        yield Scope(account=act.account, network=network)


def _proposal(scope: Scope, members: Sequence[Scored], truth: Collection[str]) -> Proposal:
    lost = sum(s.fingerprint in truth for s in members)
    return Proposal(scope, len(members) - lost, sum(s.alerts for s in members if s.fingerprint not in truth), lost)
