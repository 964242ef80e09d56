"""Chains: correlations over the lineage of resources, the same for every cloud.

A chain is a list of steps in order. Each step names verbs of acts, and how its act hangs together with those before it:
`resource` (it touches the same resource), `lineage` (it touches the same resource or one made from it, through any number
of copies, regions and accounts), `actor` (the same identity did it) or `made` (the identity that an earlier step made).
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from livefire.detections.detection import Attack, Risk, Severity
from livefire.detections.evidence import read_acts
from livefire.detections.finding import Finding
from livefire.diagnostics import Diagnostic, QueryError, Source
from livefire.logsources.acts import VERBS, Act, Link
from livefire.plan.expr import Expr, text

if TYPE_CHECKING:
    from livefire.detections.runner import Bench

CHAINS = Path(__file__).parent.parent / "packs"
_OPEN = 200
"""Beginnings kept for one key: a bound on work, the newest are kept."""
# Acts of one second come in the order a story would have them; CloudTrail's times are whole seconds.
_ORDER = ("principal.create", "snapshot", "image", "disk", "volume", "instance.create", "instance.unprotect", "instance.stop", "instance.modify", "instance")


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step: what may be done, and how it hangs together with an earlier one."""

    name: str
    verbs: tuple[str, ...]
    by: Literal["resource", "lineage", "actor", "made"] = "lineage"


class Chain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a `chain.toml` says. `hours` is the time from the first act to the last; `trusted` are ends of actors whose work this is."""

    id: str
    title: str
    what: str
    why: str
    severity: Severity
    risk: Risk
    attack: tuple[Attack, ...]
    hours: float
    step: tuple[Step, ...]
    covers: tuple[str, ...]
    trusted: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """A chain that was completed: its acts in order, each with the step's name, and what links their resources."""

    chain: Chain
    steps: tuple[tuple[str, Act], ...]
    links: tuple[Link, ...]
    evidence: tuple[str, ...]

    @property
    def time(self) -> datetime:
        """When the last act was."""
        return self.steps[-1][1].time

    @property
    def fingerprint(self) -> str:
        """What is the same for the same chain and last act: SHA-256 in hex."""
        last = self.steps[-1][1]
        return hashlib.sha256("\n".join((self.chain.id, last.source, last.key)).encode()).hexdigest()

    @property
    def as_finding(self) -> Finding:
        """The chain as a finding, to be looked into like any other."""
        chain = self.chain
        return Finding(chain.id, chain.title, chain.severity, "", {}, self.evidence, self.time, self.fingerprint)


def chain_folders(folder: Path = CHAINS) -> dict[str, Path]:
    """Return the folder of each chain, with its playbook and guide, by the chain's id."""
    return {_load(path).id: path.parent for path in folder.rglob("chain.toml")}


def load_chains(folder: Path = CHAINS) -> tuple[Chain, ...]:
    """Return every chain below a folder, by path; QueryError E502 for one that cannot be read."""
    return tuple(_load(path) for path in sorted(folder.rglob("chain.toml")))


def _load(path: Path) -> Chain:
    written = path.read_text(encoding="utf-8", errors="replace")
    try:
        return msgspec.convert(tomllib.loads(written), Chain)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise QueryError([Diagnostic("error", "E502", f"{path.parent.name}/chain.toml: {fault}")], Source(written, str(path))) from fault


def acts_for_chains(bench: Bench) -> tuple[Act, ...]:
    """Return the acts of the three clouds that have a verb and were done, in order; entries of one operation as one act."""
    found: list[Act] = []
    for source, names in _operations():
        found.extend(read_acts(source, names, bench))
    whole: dict[tuple[str, str], list[Act]] = defaultdict(list)
    for act in found:
        whole[act.source, act.key].append(act)
    merged = [m for group in whole.values() if (m := _merge(group)) is not None]
    return tuple(sorted(merged, key=lambda a: (a.time, _rank(a), a.event)))


def _operations() -> Iterator[tuple[str, tuple[str, list[Expr]]]]:
    yield "aws_cloudtrail", ("event_name", [text(n) for n in VERBS["aws_cloudtrail"]])
    azure = [*VERBS["azure_activity"], "microsoft.compute/virtualmachines/write"]
    yield "azure_activity", ("operation", [text(n) for n in azure])
    spelt = [prefix + n for n in VERBS["gcp_audit"] for prefix in (("", "v1.", "beta.", "alpha.") if n.startswith("compute.") else ("",))]
    yield "gcp_audit", ("method", [text(n) for n in spelt])


def _rank(act: Act) -> int:
    return next((i for i, name in enumerate(_ORDER) if act.verb.startswith(name)), len(_ORDER))


def _merge(group: Sequence[Act]) -> Act | None:
    """Return the entries of one operation as one act, at the time of its last; None when it was not done or has no verb."""
    ordered = sorted(group, key=lambda a: a.time)
    first, last = ordered[0], ordered[-1]
    if last.source == "azure_activity":
        ends = [a for a in ordered if a.done]
        return ends[-1] if ends and ends[-1].verb else None
    if not first.verb or not all(a.done for a in ordered):
        return None
    resources = tuple(dict.fromkeys(r for a in ordered for r in a.resources))
    links = tuple(dict.fromkeys(link for a in ordered for link in a.links))
    return replace(first, time=last.time, resources=resources, links=links)


@dataclass(frozen=True, slots=True)
class _Begun:
    acts: tuple[Act, ...]

    def near(self, act: Act, hours: float) -> bool:
        return act.time - self.acts[0].time <= timedelta(hours=hours)


def find_chains(chains: Sequence[Chain], acts: Sequence[Act]) -> tuple[ChainFinding, ...]:
    """Return every chain that the acts, given in order, complete: one finding a chain and last act, by time."""
    found = {f.fingerprint: f for chain in chains for f in _follow(chain, acts)}
    return tuple(sorted(found.values(), key=lambda f: (f.time, f.chain.id, f.fingerprint)))


def _follow(chain: Chain, acts: Sequence[Act]) -> Iterator[ChainFinding]:
    waiting: list[defaultdict[str, list[_Begun]]] = [defaultdict(list) for _ in chain.step]
    ancestors: dict[str, frozenset[str]] = {}
    seen: list[Link] = []
    for act in acts:
        _inherit(act, ancestors)
        seen.extend(act.links)
        if any(act.actor.endswith(t) for t in chain.trusted):
            continue
        for number in range(len(chain.step) - 1, -1, -1):
            step = chain.step[number]
            if act.verb not in step.verbs:
                continue
            begun = [_Begun((act,))] if number == 0 else [_Begun((*b.acts, act)) for b in _meets(waiting[number], step, act, ancestors, chain.hours)]
            if number + 1 == len(chain.step):
                yield from (_finding(chain, b, seen) for b in begun[:1])
                continue
            for one in begun:
                _wait(waiting[number + 1], chain.step[number + 1], one)


def _inherit(act: Act, ancestors: dict[str, frozenset[str]]) -> None:
    for link in act.links:
        ancestors[link.child] = ancestors.get(link.child, frozenset()) | {link.parent} | ancestors.get(link.parent, frozenset())


def _wait(place: defaultdict[str, list[_Begun]], step: Step, begun: _Begun) -> None:
    for key in _keys_left(step, begun):
        place[key].append(begun)
        del place[key][:-_OPEN]


def _keys_left(step: Step, begun: _Begun) -> Iterable[str]:
    """Return what a later act must show: the resources touched so far, or the actor."""
    if step.by == "actor":
        return (begun.acts[-1].actor,)
    return dict.fromkeys(r for a in begun.acts for r in a.resources)


def _meets(place: defaultdict[str, list[_Begun]], step: Step, act: Act, ancestors: dict[str, frozenset[str]], hours: float) -> list[_Begun]:
    keys: dict[str, None]
    if step.by == "actor":
        keys = {act.actor: None}
    elif step.by == "made":
        keys = dict.fromkeys((act.actor, act.actor.rpartition("/")[2]))
    else:
        keys = dict.fromkeys(act.resources)
        if step.by == "lineage":
            keys |= dict.fromkeys(sorted(a for r in act.resources for a in ancestors.get(r, ())))
    met = {id(b): b for key in keys for b in place.get(key, ()) if b.near(act, hours) and act not in b.acts}
    return sorted(met.values(), key=lambda b: b.acts[0].time)


def _finding(chain: Chain, begun: _Begun, seen: Sequence[Link]) -> ChainFinding:
    steps = tuple((step.name, act) for step, act in zip(chain.step, begun.acts, strict=True))
    touched = {r for _, a in steps for r in a.resources}
    links = tuple(dict.fromkeys(_between(touched, seen)))
    evidence = tuple(dict.fromkeys(f"{a.source}/{a.event}" for _, a in steps))
    return ChainFinding(chain, steps, links, evidence)


def _between(touched: set[str], seen: Sequence[Link]) -> Iterator[Link]:
    """Give the links whose ends are both in the story, or lie between two resources that are."""
    above = touched | {link.parent for link in seen if link.child in touched}
    below = touched | {link.child for link in seen if link.parent in touched}
    return (link for link in seen if link.child in above and link.parent in below)
