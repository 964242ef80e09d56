"""Baselines: what each identity, account and address has been seen to do, and since when.

Identities are stable ones (the session's issuer, not the session), user agents count by family, addresses by network: by
its owner where the site says who that is, by its block otherwise.
A thing is new when it was first seen within the window and after a fortnight of known silence: before that nobody can
say, and nothing is called new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from livefire.detections.counts import Count
from livefire.diagnostics import Diagnostic, QueryError
from livefire.logsources.acts import Act
from livefire.logsources.networks import Networks
from livefire.logsources.traits import agent_family

Kind: TypeAlias = Literal["actor", "action", "network", "place", "agent", "hour", "region", "size", "image"]
WARM_UP = timedelta(days=14)
WINDOW = timedelta(days=30)
_MADE: tuple[Kind, ...] = ("region", "size", "image")
_SHARED: tuple[Kind, ...] = ("place", *_MADE)
"""What belongs to the account: a place is a network that anybody used."""


@dataclass(frozen=True, slots=True)
class Seen:
    """When a thing was first and last seen, on how many days at least, how often."""

    first: datetime
    last: datetime
    days: int
    count: int

    def joined(self, other: Seen) -> Seen:
        """Return both as one."""
        return Seen(min(self.first, other.first), max(self.last, other.last), max(self.days, other.days), self.count + other.count)


Key: TypeAlias = tuple[Kind, str, str, str]
"""What was seen: its kind, the account, the identity (empty for what belongs to the account), and the value."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was seen, by key; `begins` says since when each account's log is known."""

    seen: Mapping[Key, Seen] = field(default_factory=dict)
    begins: Mapping[str, datetime] = field(default_factory=dict)
    networks: Networks = field(default_factory=Networks)
    by_owner: bool = False

    def over(self, networks: Networks) -> Baseline:
        """Return the baseline for events whose addresses belong to these networks; QueryError E521 when it counted them otherwise."""
        if networks.by_owner != self.by_owner:
            told = "by the owners of networks, which no site declares now" if self.by_owner else "by blocks of addresses, and a site declares owners now"
            raise QueryError([Diagnostic("error", "E521", f"the baseline was learnt {told}: everything would seem new", help="learn it again")])
        return replace(self, networks=networks)

    def key(self, kind: Kind, act: Act) -> Key:
        """Return the key of an act's actor, action, network, place, agent, hour, region, size or image."""
        return kind, act.account, "" if kind in _SHARED else act.actor, _value(kind, act, self.networks)

    def is_warm(self, account: str, moment: datetime) -> bool:
        """True when an account's log is known for a fortnight before a moment."""
        begins = self.begins.get(account)
        return begins is not None and moment - begins >= WARM_UP

    def is_new(self, kind: Kind, act: Act, window: timedelta = WINDOW) -> bool:
        """True when an act's key was first seen less than the window before it, and after a warm-up without it."""
        key = self.key(kind, act)
        if not key[3] or not self.is_warm(act.account, act.time):
            return False
        known = self.seen.get(key)
        first = min(known.first, act.time) if known else act.time
        return first - self.begins[act.account] >= WARM_UP and act.time - first < window

    def is_usual(self, kind: Kind, act: Act, days: int = 4) -> bool:
        """True when an act's key was seen on that many days, the first at least a week before."""
        known = self.seen.get(self.key(kind, act))
        return known is not None and known.days >= days and act.time - known.first >= timedelta(days=7)

    def rarity(self, kind: Kind, act: Act) -> float:
        """Return 1 over the days on which an act's key was seen: 1.0 for what was seen on one day or never."""
        known = self.seen.get(self.key(kind, act))
        return 1.0 / max(known.days, 1) if known else 1.0


def _value(kind: Kind, act: Act, networks: Networks) -> str:
    match kind:
        case "actor":
            return act.actor
        case "action":
            return bare_action(act.source, act.action)
        case "network" | "place":
            return networks.of(act.address)
        case "agent":
            return act.traits.agent
        case "hour":
            return f"{act.time:%a %H}"
        case "region":
            return act.region
        case "size":
            return act.traits.size.rpartition("/")[2]
        case _:
            return act.traits.image.rpartition("/")[2]


def bare_action(source: str, action: str) -> str:
    """Return an operation without Google's version and in Azure's lower case."""
    if source == "gcp_audit" and "compute." in action:
        return action[action.find("compute.") :]
    return action.lower() if source == "azure_activity" else action


def learn(counts: Iterable[Count], acts: tuple[Act, ...], networks: Networks) -> Baseline:
    """Return what was counted of the stored events as a baseline; regions, sizes and images are those of the acts that made something."""
    seen: dict[Key, Seen] = {}
    begins: dict[str, datetime] = {}
    for row in counts:
        one, short = Seen(row.first, row.last, len(row.days), row.events), _shorten(row.kind, row.source, row.value, networks)
        _note(seen, (row.kind, row.account, row.actor, short), one)
        _note(seen, ("actor", row.account, row.actor, row.actor), one)
        if row.kind == "network":
            _note(seen, ("place", row.account, "", short), one)
        begins[row.account] = min(begins.get(row.account, one.first), one.first)
    baseline = Baseline(seen, begins, networks, networks.by_owner)
    for act in acts:
        if act.verb.endswith(".create") and not act.verb.startswith("principal"):
            for kind in _MADE:
                key = baseline.key(kind, act)
                if key[3]:
                    _note(seen, key, Seen(act.time, act.time, 1, 1))
    return baseline


def _note(seen: dict[Key, Seen], key: Key, one: Seen) -> None:
    before = seen.get(key)
    if before is None:
        seen[key] = one
    else:
        days = before.days + 1 if key[0] in _MADE and one.first.date() > before.last.date() else max(before.days, one.days)
        seen[key] = Seen(min(before.first, one.first), max(before.last, one.last), days, before.count + one.count)


def _shorten(kind: str, source: str, value: str, networks: Networks) -> str:
    if kind == "action":
        return bare_action(source, value)
    if kind == "network":
        return networks.of(value)
    return agent_family(value) if kind == "agent" and source != "azure_activity" else value
