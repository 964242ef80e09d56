"""The inventory of machines that the log tells of: what was made, by whom, what changed since, and what is gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from livefire.detections.investigation import kind_of
from livefire.logsources.acts import Act


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine. `made` and `maker` are unknown for what was there before the log begins; `changed` and `changer` are the latest change."""

    name: str
    account: str
    region: str
    made: datetime | None
    maker: str
    changed: datetime | None = None
    changer: str = ""
    change: str = ""
    changes: int = 0
    gone: datetime | None = None


def take_inventory(acts: Iterable[Act]) -> tuple[Machine, ...]:
    """Return every machine that acts, given in order, name: those that are there first, then by name."""
    known: dict[str, Machine] = {}
    for act in acts:
        if not act.done or not act.verb.startswith("instance."):
            continue
        for name in (r for r in act.resources if kind_of(r) == "instance"):
            before = known.get(name) or Machine(name, act.account, act.region, None, "")
            known[name] = _after(before, act)
    return tuple(sorted(known.values(), key=lambda m: (m.gone is not None, m.account, m.name)))


def _after(machine: Machine, act: Act) -> Machine:
    if act.verb == "instance.create" and machine.made is None and machine.changed is None:
        return replace(machine, made=act.time, maker=act.actor, gone=None)
    if act.verb == "instance.delete":
        return replace(machine, gone=act.time, changed=act.time, changer=act.actor, change=act.verb, changes=machine.changes + 1)
    return replace(machine, changed=act.time, changer=act.actor, change=act.verb, changes=machine.changes + 1)
