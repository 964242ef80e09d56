"""Alerts: findings of high risk, chains, and identities whose findings add up, one alert an identity and day.

An alert opens with the first finding that is one, takes in what the same identity does for a day, and rises to the
highest risk among it: a later, higher finding is never hidden by an earlier, lower one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from livefire.detections.chain import ChainFinding
from livefire.detections.risk import ALERT, Scored
from livefire.detections.tuning import Tuning

DAY = timedelta(hours=24)
_AGAIN = timedelta(hours=6)
_SUM, _CRITICAL = 100, 160


@dataclass(slots=True)
class Alert:
    """What a person is called for: an identity, since when, how high, why, and the findings and chains behind it."""

    actor: str
    account: str
    start: datetime
    why: Literal["finding", "chain", "sum"]
    title: str
    risk: int
    members: list[Scored] = field(default_factory=list)
    chains: list[ChainFinding] = field(default_factory=list)

    @property
    def severity(self) -> str:
        """high or critical."""
        return "critical" if self.risk >= 85 else "high"

    @property
    def evidence(self) -> tuple[str, ...]:
        """The events behind all of it."""
        return tuple(sorted({*(n for m in self.members for n in m.evidence), *(n for c in self.chains for n in c.evidence)}))


def raise_alerts(scored: Sequence[Scored], chains: Sequence[ChainFinding], tuning: Tuning) -> tuple[Alert, ...]:
    """Return the alerts by time; what is excepted opens none and adds to none."""
    happened: list[tuple[datetime, int, Scored | ChainFinding]] = [(s.time, 0, s) for s in scored if s.excepted is None]
    happened += [(c.time, 1, c) for c in chains if tuning.excepts(c.chain.id, c.steps[-1][1]) is None]
    happened.sort(key=lambda h: (h[0], h[1]))
    ledger = _Ledger()
    for _, _, one in happened:
        ledger.take(one)
    return tuple(sorted(ledger.alerts, key=lambda a: (a.start, a.actor, a.title)))


class _Ledger:
    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self._open: dict[tuple[str, str], Alert] = {}
        self._recent: defaultdict[tuple[str, str], list[Scored]] = defaultdict(list)

    def take(self, one: Scored | ChainFinding) -> None:
        act = one.act if isinstance(one, Scored) else one.steps[-1][1]
        who = (act.account, act.actor)
        alert = self._open.get(who)
        if alert is not None and act.time - alert.start > DAY:
            alert = None
        opened = self._opens(who, one)
        if alert is None and opened is not None:
            alert = self._open[who] = opened
            self.alerts.append(alert)
        if alert is None:
            return
        if isinstance(one, Scored):
            alert.members.append(one)
            alert.risk = max(alert.risk, one.risk, opened.risk if opened else 0)
        else:
            alert.chains.append(one)
            alert.risk = max(alert.risk, one.chain.risk.base)

    def _opens(self, who: tuple[str, str], one: Scored | ChainFinding) -> Alert | None:
        """Return the alert that a finding would open, with the findings of the day before it; None when it opens none."""
        account, actor = who
        if isinstance(one, ChainFinding):
            return Alert(actor, account, one.time, "chain", one.chain.title, one.chain.risk.base) if one.chain.risk.base >= ALERT else None
        recent = self._recent[who] = [s for s in self._recent[who] if one.time - s.time <= DAY]
        before = list(recent)
        recent.append(one)
        if one.alerts:
            return Alert(actor, account, one.time, "finding", one.title, one.risk, before)
        total = added_up(recent, one.time)
        if total >= _SUM and len({s.technique for s in recent}) >= 2:
            return Alert(actor, account, one.time, "sum", "Findings of one identity add up", 85 if total >= _CRITICAL else ALERT, before)
        return None


def added_up(scored: Iterable[Scored], now: datetime) -> float:
    """Return the risk of an identity's findings of a day: each half as much after a day, one a detection in six hours."""
    total = 0.0
    last: dict[str, datetime] = {}
    for one in sorted(scored, key=lambda s: (s.time, -s.risk)):
        if one.id in last and one.time - last[one.id] < _AGAIN:
            continue
        last[one.id] = one.time
        total += one.risk * 0.5 ** ((now - one.time) / DAY)
    return total
