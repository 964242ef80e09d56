"""Explains a hit: which clauses of a rule the events behind a row met, and with which values."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

from livefire.detections.runner import SEQUENCE
from livefire.diagnostics import Source
from livefire.engines.base import Engine, Run, Storage
from livefire.plan import nodes as n
from livefire.plan.evidence import EVIDENCE, carry_evidence
from livefire.plan.rewrite import rewrite
from livefire.plan.walk import place_of
from livefire.proof.miss import Probe, chains_of, conjuncts_of

MOST_EVENTS = 10


def explain_hit(plan: n.Plan, wanted: frozenset[str] | None, source: Source, engine: Engine, storage: Storage, run: Run) -> list[str]:
    """Return in words what the first row that rests on a wanted event (on any where they are None) met, clause by clause; nothing where there is no such row.

    Each line is a clause in the rule's own words with the values that its fields had; the last names the events behind the row.
    """
    behind = _behind(plan, Probe(wanted, engine, storage, run))
    if not behind:
        return []
    probe = Probe(behind, engine, storage, run)
    met: dict[int, str] = {}
    for chain in chains_of(plan, ()):
        for before, node in pairwise(chain):
            if isinstance(node, n.Filter) and probe.left(node):
                for clause in conjuncts_of(node.predicate):
                    # A branch of a union that other events took has met nothing.
                    if (span := place_of(clause)) is not None and probe.left(replace(node, predicate=clause)):
                        said = probe.values(replace(node, input=before), [clause])
                        met[span.start] = " ".join(source.slice(span).split()) + (f" ({said})" if said else "")
    events = sorted(behind)
    more = f" and {len(events) - MOST_EVENTS} more" if len(events) > MOST_EVENTS else ""
    return [*(f"met: {met[start]}" for start in sorted(met)), f"rests on {', '.join(events[:MOST_EVENTS])}{more}"]


def _behind(plan: n.Plan, probe: Probe) -> frozenset[str]:
    """Return the events behind the first row that rests on a wanted one; of a match that has a row for each event, those of all its rows."""
    if SEQUENCE not in plan.schema.names:
        return next(iter(probe.behind(plan)), frozenset())
    carried = rewrite(n.select(carry_evidence(plan), SEQUENCE, EVIDENCE))
    matches: dict[object, set[str]] = {}
    for number, events in zip(*(column.to_pylist() for column in probe.engine.execute(carried, probe.storage, probe.run).columns), strict=True):
        matches.setdefault(number, set()).update(json.loads(events or "[]"))
    return next((frozenset(events) for events in matches.values() if events and (probe.wanted is None or probe.wanted & events)), frozenset())
