"""What a site says of its own: who is trusted, what is excepted and until when, when work is announced, what matters most."""

from __future__ import annotations

import fnmatch
import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec

from livefire.diagnostics import Diagnostic, QueryError, Source
from livefire.logsources.acts import Act
from livefire.logsources.traits import network_of

SHIPPED = Path(__file__).parent.parent / "packs" / "t1578" / "tuning.toml"


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which acts are meant; an empty part means all. `actor` is the end of a stable identity, `network` as `192.0.2.0/24`."""

    actor: str = ""
    account: str = ""
    network: str = ""
    resource: str = ""

    def holds(self, act: Act) -> bool:
        """True when an act is one of them."""
        return (
            act.actor.endswith(self.actor)
            and self.account in ("", act.account)
            and self.network in ("", network_of(act.address))
            and (not self.resource or any(fnmatch.fnmatchcase(r, self.resource) for r in act.resources))
        )

    @property
    def empty(self) -> bool:
        """True when nothing is said, which would mean everything."""
        return not (self.actor or self.account or self.network or self.resource)


class Excepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exception: findings of `detection` (a name or pattern) within the scope are counted and shown as excepted until it ends."""

    detection: str
    owner: str
    reason: str
    expires: date
    scope: Scope

    def holds(self, detection: str, act: Act) -> bool:
        """True when a finding of that detection, completed by that act, is excepted at its time."""
        return act.time.date() <= self.expires and fnmatch.fnmatchcase(detection, self.detection) and self.scope.holds(act)


class Trusted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An identity whose work is automation; `actor` is the end of its stable name."""

    actor: str
    reason: str
    owner: str = ""


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Announced work: within it risk is lowered, never hidden."""

    name: str
    start: datetime
    end: datetime
    ticket: str
    scope: Scope = Scope()

    def holds(self, act: Act) -> bool:
        """True when an act falls into the window."""
        return self.start <= act.time <= self.end and self.scope.holds(act)


class Tuning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a site says. `crown_jewels` and `approved` are patterns of resource names."""

    exception: tuple[Excepted, ...] = ()
    trusted: tuple[Trusted, ...] = ()
    window: tuple[Window, ...] = ()
    crown_jewels: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()

    def excepts(self, detection: str, act: Act) -> Excepted | None:
        """Return the exception that a finding falls under, None when there is none."""
        return next((e for e in self.exception if e.holds(detection, act)), None)

    def trusts(self, act: Act) -> bool:
        """True for automation that the site names."""
        return any(act.actor.endswith(t.actor) for t in self.trusted)

    def announced(self, act: Act) -> Window | None:
        """Return the maintenance window that an act falls into, None when there is none."""
        return next((w for w in self.window if w.holds(act)), None)

    def ending(self, day: date, within: timedelta = timedelta(days=14)) -> tuple[Excepted, ...]:
        """Return the exceptions that have ended by a day or end soon after it."""
        return tuple(e for e in self.exception if e.expires <= day + within)


def load_tuning(path: Path = SHIPPED) -> Tuning:
    """Return what a file says; QueryError E520 for one that cannot be read, or an exception that would hold for everything."""
    written = path.read_text(encoding="utf-8", errors="replace")
    try:
        tuning = msgspec.convert(tomllib.loads(written), Tuning)
        _check(tuning)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as fault:
        raise QueryError([Diagnostic("error", "E520", f"{path.name}: {fault}")], Source(written, str(path))) from fault
    return tuning


def _check(tuning: Tuning) -> None:
    for one in tuning.exception:
        if one.scope.empty:
            raise ValueError(f"the exception of {one.owner} for {one.detection} has no scope: it would hold for everything")
    for window in tuning.window:
        if window.start.tzinfo is None or window.end.tzinfo is None:
            raise ValueError(f"the window {window.name} needs times with a zone, such as 2026-09-14T20:00:00Z")
    if any(not t.actor for t in tuning.trusted):
        raise ValueError("a trusted identity has no name: it would be everybody")
