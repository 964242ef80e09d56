"""Answers about alerts, incidents, exceptions, hunts and health; many are what the state of a watch consists of."""

from __future__ import annotations

from msgspec import UNSET, UnsetType, field

from livefire.watch import records
from livefire.workspace.answers.parts import Answer, JobLine, Modifier, Moment, Source, StoredEvent

Exempt = records.Exempt


class _AlertBase(Answer, frozen=True):
    fingerprint: str
    rule: str
    title: str
    severity: str
    risk: int
    status: str
    verdict: str
    reason: str
    actor: str
    account: str
    incident: int | None
    first: Moment | None
    last: Moment | None
    opened: Moment
    changed: Moment
    seen: int
    suppressed: str
    withdrawn: bool
    language: str


class AlertLine(_AlertBase, frozen=True):
    """An alert in a list; `events` is how many it rests on."""

    events: int


class Alerts(Answer, frozen=True):
    """Alerts that a filter lets through; `ever` is False before any watch ran."""

    ever: bool
    items: list[AlertLine]
    total: int
    open: int


class _Deed(Answer, frozen=True):
    event: str
    time: Moment
    action: str
    actor: str
    account: str
    region: str
    address: str
    resources: list[str]


class Act(_Deed, frozen=True):
    """An act: one event, told in words that all clouds share."""

    source: str
    verb: str
    done: bool


class OwnAct(Act, frozen=True):
    """An act around an alert; `own` when the alert rests on it."""

    own: bool


class Edge(Answer, frozen=True):
    """What was made from what, and how."""

    from_: str = field(name="from")
    to: str
    how: str


class Graph(Answer, frozen=True):
    """Resources and what was made from what."""

    nodes: list[str]
    edges: list[Edge]


class Delivery(Answer, frozen=True):
    """What became of a message to a sink."""

    sink: str
    state: str
    tries: int
    sent: Moment | None
    error: str


class AlertPage(_AlertBase, frozen=True):
    """All there is to say of an alert; `evidence` counts its events, `events` are those that are in the lake."""

    row: dict[str, str]
    events: list[StoredEvent]
    evidence: int
    acts: list[Act]
    graph: Graph
    scope: dict[str, str]
    history: list[records.Move]
    deliveries: list[Delivery]
    bundled: bool


class Around(Answer, frozen=True):
    """What an alert's identities did around it."""

    start: Moment | None
    end: Moment | None
    actors: list[str]
    acts: list[OwnAct]
    cut: bool


class Risk(Answer, frozen=True):
    """What a risk is made of; `weighed` is None for a rule that does not come with livefire."""

    own: int
    weighed: int | None
    severity: str
    reasons: list[Modifier]
    unmeasured: list[str]
    acts: int


class Moved(Answer, frozen=True):
    """How many were moved."""

    moved: int


class Incidents(Answer, frozen=True):
    """Incidents, the latest first."""

    items: list[records.Incident]
    total: int


class ChainStep(_Deed, frozen=True):
    """A step of a chain that was completed."""

    step: str


class ChainFound(Answer, frozen=True):
    """A chain that was completed."""

    chain: str
    title: str
    severity: str
    risk: int
    time: Moment
    fingerprint: str
    steps: list[ChainStep]
    graph: Graph


class IncidentPage(records.Incident, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An incident with its alerts, acts and chains."""

    members: list[AlertLine]
    acts: list[Act]
    graph: Graph
    chains: list[ChainFound]
    history: list[records.Move]


class Effect(Answer, frozen=True):
    """What an exception would have held back of the alerts that were looked at; `true` of them were attacks, `open` are not closed."""

    looked: int
    held: list[AlertLine]
    true: int
    open: int


class Ended(Answer, frozen=True):
    """The exception that was ended."""

    ended: int


class HuntFinding(Answer, frozen=True):
    """A finding behind an alert of a hunt."""

    detection: str
    time: Moment | None
    risk: int
    made_of: str
    fingerprint: str


class HuntChain(Answer, frozen=True):
    """A chain behind an alert of a hunt."""

    chain: str
    time: Moment
    fingerprint: str


class HuntAlert(Answer, frozen=True):
    """An alert of a hunt."""

    time: Moment
    actor: str
    account: str
    why: str
    title: str
    risk: int
    severity: str
    findings: list[HuntFinding]
    chains: list[HuntChain]
    evidence: list[str]


class Hunted(Answer, frozen=True):
    """What the latest hunt came to; `ever` alone before one was made."""

    ever: bool
    alerts: list[HuntAlert] | UnsetType = UNSET
    findings: int | UnsetType = UNSET
    chains: int | UnsetType = UNSET
    excepted: int | UnsetType = UNSET
    chain_findings: list[ChainFound] | UnsetType = UNSET
    totals: str | UnsetType = UNSET
    now: Moment | UnsetType = UNSET


class SourceLag(Source, frozen=True):
    """A log source with the seconds since its last event."""

    lag: float | None


class HealthPage(Answer, frozen=True):
    """How lake, watch and server stand."""

    sources: list[SourceLag]
    bytes: int
    quarantined: int
    files_read: int
    path: str
    watch: records.Health | None
    now: Moment
    jobs: list[JobLine]
