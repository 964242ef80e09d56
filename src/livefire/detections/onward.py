"""Hunts that go on where earlier ones ended: of each rule only what no earlier hunt told.

A rule whose rows are single events is shown the files that came since. Another one is run again over everything, but only
if a new event can matter to it: what its filters let through is all it sees. A rule whose answer moves with the clock, or
that was not hunted before as it now reads, is run over everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from livefire.detections.counts import over_new
from livefire.detections.detection import Detection, Rule
from livefire.detections.finding import Finding
from livefire.detections.hunt import Hunt, chosen_rules, no_rule, sorted_findings
from livefire.detections.runner import Bench, Outcome, Prepared, findings
from livefire.detections.shared_scan import SharedScan, prepare_rules
from livefire.diagnostics import Diagnostic, QueryError
from livefire.engines import sql as printing
from livefire.logsources.registry import SOURCES
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.store.lake import Lake

KEPT = "hunts"
_ROW_BY_ROW = (n.Scan, n.Filter, n.Project, n.Union, n.Unnest, n.Sort)


class Passed(msgspec.Struct, frozen=True):
    """What earlier hunts looked at with one rule: the version of each log source, and the fingerprints of what was told."""

    versions: dict[str, int]
    told: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Onward:
    """What a hunt that goes on told, what is to be kept for the next, and how many rules were run over all events, over the new ones, and not at all."""

    hunt: Hunt
    passed: Mapping[str, Passed] = field(default_factory=dict)
    over_all: int = 0
    over_new: int = 0
    spared: int = 0


def row_by_row(plan: n.Plan) -> bool:
    """Tell whether every row of a plan is one stored event and depends on nothing else: not on others, not on the clock."""
    known = {s.name for s in SOURCES}
    for node in printing.walk(plan):
        if not isinstance(node, _ROW_BY_ROW) or (isinstance(node, n.Scan) and node.table not in known):
            return False
    return not _holds(plan, (e.Parameter, e.ScalarQuery, e.InQuery, e.WindowCall, e.Aggregate))


def _holds(plan: n.Plan, kinds: tuple[type, ...]) -> bool:
    return any(isinstance(part, kinds) for node in printing.walk(plan) for expression in printing.expressions(node) for part in printing.walk_expr(expression))


def read_passed(lake: Lake) -> dict[str, Passed]:
    """Return what earlier hunts over a lake looked at, by the mark of the rule; QueryError E522 when it cannot be read."""
    try:
        kept = lake.recall(KEPT)
        return msgspec.json.decode(kept, type=dict[str, Passed]) if kept is not None else {}
    except (OSError, EOFError, msgspec.DecodeError) as fault:
        raise QueryError([Diagnostic("error", "E522", f"what earlier hunts of {lake.path} looked at cannot be read: {fault}")]) from fault


def keep_passed(lake: Lake, passed: Mapping[str, Passed]) -> None:
    """Keep what was looked at for the next hunt; LakeError when another hunt has just done so."""
    lake.remember(KEPT, msgspec.json.encode({mark: {"versions": one.versions, "told": sorted(one.told)} for mark, one in sorted(passed.items())}))


def hunt_on(
    detections: Sequence[Detection], bench: Bench, lake: Lake, passed: Mapping[str, Passed], language: str | None, progress: Callable[[str], None] | None
) -> Onward:
    """Run each detection over what is new to it and return the findings that no earlier hunt told, by time.

    `bench` holds everything the lake has, `passed` what `read_passed` gave. An outcome has the rows of the events that the rule was run over.
    """
    chosen = chosen_rules(detections, language)
    rules = [rule for rules in chosen for rule in rules]
    scan = prepare_rules(rules, bench)
    marks = [_mark(one) for one in scan.prepared]
    present = {s.name: lake.version(s.name) for s in SOURCES}
    outcomes, how = _run_all(scan, marks, bench, lake, passed, progress)
    kept, found = dict(passed), dict[str, Finding]()
    ran = list[tuple[Detection, Outcome]]()
    each = iter(zip(outcomes, marks, strict=True))
    for detection, own in zip(detections, chosen, strict=True):
        if not own:
            ran.append((detection, no_rule(detection, language or "")))
        for outcome, mark in islice(each, len(own)):
            ran.append((detection, outcome))
            if outcome.refused:
                continue
            before = passed[mark].told if mark in passed else frozenset()
            here = findings(detection, outcome, bench)
            found |= {f.fingerprint: f for f in here if f.fingerprint not in before}
            kept[mark] = Passed(present, before | {f.fingerprint for f in here})
    return Onward(Hunt(tuple(ran), sorted_findings(found.values(), bench), bench.now), kept, *how)


def _mark(prepared: Prepared) -> str:
    """Return what tells a rule as it now runs apart from all others: its plan, where it has one."""
    rule = prepared.rule
    return hashlib.blake2b(
        f"{rule.name}\0{rule.language}\0{prepared.plan!r}\0{rule.text if prepared.plan is None else ''}".encode(), digest_size=16
    ).hexdigest()


def _run_all(
    scan: SharedScan,
    marks: Sequence[str],
    bench: Bench,
    lake: Lake,
    passed: Mapping[str, Passed],
    progress: Callable[[str], None] | None,
) -> tuple[list[Outcome], tuple[int, int, int]]:
    """Return the outcome of each rule over what it has to be run over, and how many rules were run over all, over what is new, and not at all."""
    told: Callable[[Rule], None] | None = (lambda rule: progress(rule.name)) if progress is not None else None
    by_versions: dict[tuple[tuple[str, int], ...], list[int]] = {}
    for place, mark in enumerate(marks):
        if mark in passed:
            by_versions.setdefault(tuple(sorted(passed[mark].versions.items())), []).append(place)
    outcomes: dict[int, Outcome] = {}
    spared = 0
    for versions, places in by_versions.items():
        came = lake.files_since(dict(versions))
        if came is None:
            continue
        fresh = over_new(bench, came)
        single = [p for p in places if _is_single(scan.prepared[p])]
        others = SharedScan([scan.prepared[p] for p in places if p not in set(single)], bench)
        blind = others.blind(fresh)
        for place, is_blind in zip((p for p in places if p not in set(single)), blind, strict=True):
            if is_blind and not _moves(scan.prepared[place]):
                outcomes[place] = _nothing(scan.prepared[place])
                spared += 1
        outcomes |= dict(zip(single, SharedScan([scan.prepared[p] for p in single], bench).run(fresh, told), strict=True))
    rest = [place for place in range(len(marks)) if place not in outcomes]
    shown_new = len(outcomes) - spared
    whole = scan if len(rest) == len(marks) else SharedScan([scan.prepared[p] for p in rest], bench)
    outcomes |= dict(zip(rest, whole.run(bench, told), strict=True))
    return [outcomes[place] for place in range(len(marks))], (len(rest), shown_new, spared)


def _is_single(prepared: Prepared) -> bool:
    return prepared.plan is not None and not prepared.looked and row_by_row(prepared.plan)


def _moves(prepared: Prepared) -> bool:
    return prepared.plan is None or prepared.looked or _holds(prepared.plan, (e.Parameter,))


def _nothing(prepared: Prepared) -> Outcome:
    return Outcome(prepared.rule, diagnostics=prepared.diagnostics, plan=prepared.compiled.lowered if prepared.compiled else None)
