"""What the state of a watch consists of, as values: alerts, incidents, exceptions, announced work, rules, runs, gaps.

Every moment is UTC with its zone. Texts of alerts hold what logs said: escape them wherever they go.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

import msgspec

Status = Literal["new", "triaged", "closed"]
STATUSES: tuple[Status, ...] = ("new", "triaged", "closed")
Verdict = Literal["", "true_positive", "false_positive", "benign"]
VERDICTS: tuple[Verdict, ...] = ("true_positive", "false_positive", "benign")
SEVERITIES = ("informational", "low", "medium", "high", "critical")
"""From the least to the most severe; an alert's rank is its place here."""

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list, and how many there are in all."""

    items: tuple[T, ...]
    total: int


class Alert(msgspec.Struct, frozen=True):
    """What a rule found, once, however often and in whatever order its events came.

    `fingerprint` tells it apart. `evidence` names events as `<log source>/<event id>`, at most a thousand of `events`. `first` and `last` are the times of
    its events, None where no event tells; `opened` is when livefire found it, `changed` when it last changed. `seen` counts
    the evaluations that found it again with other evidence. `suppressed` says why it was not sent (an exception's or
    window's name), empty if it was. `withdrawn` is True when late events showed that its rule does not find it after all.
    """

    fingerprint: str
    rule: str
    title: str
    severity: str
    risk: int
    status: Status
    verdict: Verdict
    reason: str
    actor: str
    account: str
    incident: int | None
    first: datetime | None
    last: datetime | None
    opened: datetime
    changed: datetime
    seen: int
    suppressed: str
    withdrawn: bool
    language: str
    events: int
    evidence: tuple[str, ...]
    row: dict[str, Any]


class Move(msgspec.Struct, frozen=True):
    """A step in the life of an alert or incident: who moved it, when, and why."""

    at: datetime
    who: str
    before: str
    after: str
    reason: str


class Delivery(msgspec.Struct, frozen=True):
    """What became of one message to one sink: `state` is waiting, sent or dead."""

    id: int
    sink: str
    key: str
    fingerprint: str
    kind: str
    state: str
    tries: int
    due: datetime
    sent: datetime | None
    error: str


class AlertDetail(msgspec.Struct, frozen=True):
    """An alert with its life, what was sent of it, and the runs that found it."""

    alert: Alert
    history: tuple[Move, ...]
    deliveries: tuple[Delivery, ...]
    moments: tuple[datetime, ...]


class Incident(msgspec.Struct, frozen=True):
    """The alerts of one identity within one stretch of time; `raised` is False while they stay below the thresholds."""

    id: int
    actor: str
    account: str
    title: str
    severity: str
    risk: int
    status: Status
    verdict: Verdict
    reason: str
    raised: bool
    alerts: int
    first: datetime
    last: datetime
    opened: datetime
    changed: datetime


class Exempt(msgspec.Struct, frozen=True):
    """An exception: findings of `rule` (a name or pattern) within the scope are kept and counted, and not sent, until it ends.

    `actor` is the end of a stable identity, `network` as `192.0.2.0/24`, `resource` a pattern; an empty part means all.
    """

    id: int
    rule: str
    actor: str
    account: str
    network: str
    resource: str
    owner: str
    reason: str
    created: datetime
    expires: datetime
    hits: int
    ended: bool


class Announced(msgspec.Struct, frozen=True):
    """A maintenance window: alerts of events within it are kept and counted, and not sent."""

    id: int
    name: str
    start: datetime
    end: datetime
    ticket: str
    actor: str
    account: str
    network: str
    resource: str
    hits: int


class RuleState(msgspec.Struct, frozen=True):
    """How a rule stands. `mode` is live (each new batch) or scheduled; `state` is active, failing, disabled or refused."""

    rule: str
    title: str
    language: str
    mode: str
    schedule: str
    state: str
    reason: str
    failures: int
    due: datetime | None
    last_run: datetime | None
    last_seconds: float
    runs: int
    alerts: int
    waiting: int


class RunRecord(msgspec.Struct, frozen=True):
    """One run of a scheduled rule for one moment; `why` is scheduled, late (events came after it) or made up (after downtime)."""

    id: int
    rule: str
    moment: datetime
    why: str
    started: datetime
    seconds: float
    outcome: str
    findings: int
    reason: str


class Gap(msgspec.Struct, frozen=True):
    """A stretch that a rule did not look at, and why; `closed` once it has been made up."""

    id: int
    rule: str
    start: datetime
    end: datetime
    reason: str
    recorded: datetime
    closed: datetime | None


class SourceState(msgspec.Struct, frozen=True):
    """How a source of logs stands."""

    name: str
    kind: str
    state: str
    error: str
    files: int
    records: int
    stored: int
    quarantined: int
    last: datetime | None


class SinkState(msgspec.Struct, frozen=True):
    """How a sink stands: messages waiting, sent, given up, and the last error."""

    name: str
    waiting: int
    sent: int
    dead: int
    oldest: datetime | None
    error: str


class Note(msgspec.Struct, frozen=True):
    """Something that an operator must be able to see: a code, what it is about, and words."""

    id: int
    at: datetime
    code: str
    subject: str
    text: str


class Health(msgspec.Struct, frozen=True):
    """The whole picture: is a watch running, does it keep up, and what is not as it should be.

    `state` is running, stopped, stalled (no sign of life for a minute) or never (no watch ran yet). `problems` are sentences; an empty one is good.
    """

    state: str
    pid: int | None
    started: datetime | None
    beat: datetime | None
    alerts: dict[str, int]
    incidents: dict[str, int]
    rules: tuple[RuleState, ...]
    sources: tuple[SourceState, ...]
    sinks: tuple[SinkState, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[Note, ...]
    waiting: int
    versions: dict[str, int]
    problems: tuple[str, ...]
