"""Explains a miss: which clause of a rule dropped the events it should have found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from livefire.diagnostics import QueryError, Source, Span
from livefire.engines.base import Engine, Run, Storage
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.evidence import EVIDENCE, carry_evidence
from livefire.plan.rewrite import rewrite
from livefire.plan.walk import place_of


@dataclass(frozen=True, slots=True)
class Miss:
    """Where the wanted events were lost: words, and the place in the rule when there is one."""

    reason: str
    span: Span | None = None
    clause: str = ""


def explain_miss(plan: n.Plan, wanted: frozenset[str], source: Source, engine: Engine, storage: Storage, run: Run) -> Miss:
    """Return why no row of a plan rests on any of the wanted events.

    The plan is walked from each scan upward; the first node after which none of the wanted events
    is left is the culprit, and of a filter the conditions that none of them meets.
    """
    names = {x.partition("/")[0] for x in wanted}
    chains = [c for c in _chains(plan, ()) if isinstance(c[0], n.Scan) and c[0].table in names]
    if not chains:
        read = sorted({c[0].table for c in _chains(plan, ()) if isinstance(c[0], n.Scan)})
        return Miss(f"reads {', '.join(read) or 'no log source'}, and the events are in {', '.join(sorted(names))}")
    probe = _Probe(wanted, engine, storage, run)
    found = [m for chain in chains if (m := _along(chain, probe, source)) is not None]
    return max(found, key=lambda m: m.span.start if m.span else -1, default=Miss("the events pass every clause, and no row rests on them"))


def _chains(plan: n.Plan, above: tuple[n.Plan, ...]) -> Iterator[tuple[n.Plan, ...]]:
    """Yield for each leaf of a plan the nodes from it up to the root."""
    path = (plan, *above)
    children = n.inputs(plan)
    if not children:
        yield path
    for child in children:
        yield from _chains(child, path)


@dataclass(frozen=True, slots=True)
class _Probe:
    wanted: frozenset[str]
    engine: Engine
    storage: Storage
    run: Run

    def left(self, plan: n.Plan) -> int:
        """Return how many rows of a plan rest on a wanted event."""
        carried = rewrite(carry_evidence(plan))
        table = self.engine.execute(n.select(carried, EVIDENCE), self.storage, self.run)
        return sum(1 for text in table.column(0).to_pylist() if self.wanted.intersection(json.loads(text or "[]")))


def _along(chain: tuple[n.Plan, ...], probe: _Probe, source: Source) -> Miss | None:
    before: n.Plan = chain[0]
    if probe.left(before) == 0:
        return Miss("none of the events is in the time range")
    for node in chain[1:]:
        try:
            left = probe.left(node)
        except QueryError as error:
            return Miss(str(error), node.span if not isinstance(node, (n.Scan, n.Values)) else None)
        if left == 0:
            return _blame(node, before, probe, source)
        before = node
    return None


def _blame(node: n.Plan, before: n.Plan, probe: _Probe, source: Source) -> Miss:
    if isinstance(node, n.Filter):
        parts = list(_conjuncts(node.predicate))
        guilty = [p for p in parts if len(parts) == 1 or probe.left(replace(node, predicate=p, input=before)) == 0]
        spans = [s for p in guilty or parts if (s := place_of(p)) is not None] or ([node.span] if node.span else [])
        span = spans[0] if spans else None
        clause = " ".join(source.slice(span).split()) if span else ""
        return Miss(f"dropped by: {clause}" if clause else "dropped by a filter of the table", span, clause)
    word = {n.Join: "finds no partner in the join", n.Limit: "cut off by the limit", n.Sequence: "completes no sequence"}.get(type(node), "lost")
    span = None if isinstance(node, (n.Scan, n.Values)) else node.span
    clause = " ".join(source.slice(span).split())[:120] if span else ""
    return Miss(f"{word}: {clause}" if clause else word, span, clause)


def _conjuncts(expr: e.Expr) -> Iterator[e.Expr]:
    match expr:
        case e.Call(function="logic.and", args=args):
            for arg in args:
                yield from _conjuncts(arg)
        case e.Call(function="logic.is_true", args=(inner,)):
            yield from _conjuncts(inner)
        case _:
            yield expr
