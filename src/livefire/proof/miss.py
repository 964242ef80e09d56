"""Explains a miss: which clause of a rule dropped the events it should have found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from livefire.diagnostics import QueryError, Source, Span
from livefire.engines.base import Engine, Run, Storage
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.evidence import EVIDENCE, carry_evidence
from livefire.plan.rewrite import rewrite
from livefire.plan.walk import place_of
from livefire.schema import Type

MOST_VALUES, LONGEST_VALUE = 3, 80


@dataclass(frozen=True, slots=True)
class Miss:
    """Where the wanted events were lost: words, and the place in the rule when there is one."""

    reason: str
    span: Span | None = None
    clause: str = ""


def explain_miss(plan: n.Plan, wanted: frozenset[str] | None, source: Source, engine: Engine, storage: Storage, run: Run) -> Miss:
    """Return why no row of a plan rests on any of the wanted events, of any event at all where they are None.

    The plan is walked from each scan upward; the first node after which none of the wanted events
    is left is the culprit, and of a filter the conditions that none of them meets.
    """
    names = {x.partition("/")[0] for x in wanted} if wanted is not None else set(storage.tables)
    chains = [c for c in chains_of(plan, ()) if isinstance(c[0], n.Scan) and c[0].table in names]
    if not chains:
        read = sorted({c[0].table for c in chains_of(plan, ()) if isinstance(c[0], n.Scan)})
        return Miss(f"reads {', '.join(read) or 'no log source'}, and the events are in {', '.join(sorted(names))}")
    probe = Probe(wanted, engine, storage, run)
    found = [m for chain in chains if (m := _along(chain, probe, source)) is not None]
    return max(found, key=lambda m: m.span.start if m.span else -1, default=Miss("the events pass every clause, and no row rests on them"))


def chains_of(plan: n.Plan, above: tuple[n.Plan, ...]) -> Iterator[tuple[n.Plan, ...]]:
    """Yield for each leaf of a plan the nodes from it up to the root."""
    path = (plan, *above)
    children = n.inputs(plan)
    if not children:
        yield path
    for child in children:
        yield from chains_of(child, path)


@dataclass(frozen=True, slots=True)
class Probe:
    """Asks of plans what in them rests on some wanted events, on any event where they are None."""

    wanted: frozenset[str] | None
    engine: Engine
    storage: Storage
    run: Run

    def behind(self, plan: n.Plan) -> list[frozenset[str]]:
        """Return the events behind each row of a plan that rests on a wanted one."""
        carried = rewrite(n.select(carry_evidence(plan), EVIDENCE))
        rests = [frozenset(json.loads(text or "[]")) for text in self.engine.execute(carried, self.storage, self.run).column(0).to_pylist()]
        return [events for events in rests if (events if self.wanted is None else self.wanted & events)]

    def left(self, plan: n.Plan) -> int:
        """Return how many rows of a plan rest on a wanted event."""
        return len(self.behind(plan))

    def values(self, plan: n.Plan, clauses: Sequence[e.Expr]) -> str:
        """Return what stands in the columns that clauses read, in the first rows of a plan that rest on a wanted event; empty where a rule wrote no column."""
        read = list(dict.fromkeys([*(p for clause in clauses for p in _read(clause)), *_group(plan)]))[:MOST_VALUES]
        if not read:
            return ""
        below = carry_evidence(plan)
        asked = (*(n.Item(f"value{at}", p) for at, p in enumerate(read)), n.Item(EVIDENCE, e.Column(EVIDENCE, Type.DYNAMIC)))
        found: dict[str, None] = {}
        for row in self.engine.execute(rewrite(n.Project(below, asked)), self.storage, self.run).to_pylist():
            events = json.loads(row[EVIDENCE] or "[]")
            if bool(events) if self.wanted is None else self.wanted.intersection(events):
                found[", ".join(f"{_name(p)} is {_told(row[f'value{at}'], dynamic=p.type is Type.DYNAMIC)}" for at, p in enumerate(read))] = None
        return "; ".join(list(found)[:MOST_VALUES]) + ("; and others" if len(found) > MOST_VALUES else "")


def _group(plan: n.Plan) -> list[e.Column]:
    """Return what rows were grouped by, as far as a plan above the grouping still has it."""
    match plan:
        case n.Aggregate(keys=keys):
            return [e.Column(key.name, key.expr.type) for key in keys]
        case n.Project(input=below, items=items):
            known = {key.name for key in _group(below)}
            return [e.Column(item.name, item.expr.type) for item in items if (read := frozenset(e.columns_of(item.expr))) and read <= known]
        case n.Filter(input=below) | n.Sort(input=below):
            return _group(below)
        case _:
            return []


def _read(clause: e.Expr) -> Iterator[e.Column | e.Path]:
    """Yield the fields that a clause reads, those inside an object by their path; columns of ours, whose names no rule can write, are left out."""
    if isinstance(clause, e.Path) and isinstance(clause.base, e.Column):
        yield clause
    elif isinstance(clause, e.Column):
        if clause.name.isprintable():
            yield clause
    elif not isinstance(clause, e.Lambda):
        for part in e.children(clause):
            yield from _read(part)


def _name(field: e.Column | e.Path) -> str:
    if isinstance(field, e.Column):
        return field.name
    return ".".join([*(_name(f) for f in _read(field.base)), *map(str, field.steps)])


def _told(value: object, *, dynamic: bool) -> str:
    """Return a value in one line, as ASCII: it came from a log."""
    if value in (None, "", "null"):
        return "empty"
    text = json.dumps(json.loads(str(value)) if dynamic else value if isinstance(value, (int, float, bool)) else str(value))
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 2]}…"


def _along(chain: tuple[n.Plan, ...], probe: Probe, source: Source) -> Miss | None:
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


def _blame(node: n.Plan, before: n.Plan, probe: Probe, source: Source) -> Miss:
    if isinstance(node, n.Filter):
        parts = list(conjuncts_of(node.predicate))
        guilty = [p for p in parts if len(parts) == 1 or probe.left(replace(node, predicate=p, input=before)) == 0]
        spans = [s for p in guilty or parts if (s := place_of(p)) is not None] or ([node.span] if node.span else [])
        span = spans[0] if spans else None
        clause = " ".join(source.slice(span).split()) if span else ""
        said = probe.values(before, [p for p in guilty or parts if place_of(p) == span])
        return Miss((f"dropped by: {clause}" if clause else "dropped by a filter of the table") + (f" ({said})" if said else ""), span, clause)
    word = {n.Join: "finds no partner in the join", n.Limit: "cut off by the limit"}.get(type(node), "lost")
    if isinstance(node, n.Sequence):
        word = f"completes no sequence ({_broken_off(node, probe)})"
    span = None if isinstance(node, (n.Scan, n.Values)) else node.span
    clause = " ".join(source.slice(span).split())[:120] if span else ""
    return Miss(f"{word}: {clause}" if clause else word, span, clause)


def _broken_off(node: n.Sequence, probe: Probe) -> str:
    """Return at which step a sequence ends early, and what of it, once left out, would let it go on."""
    for count in range(1, len(node.steps) + 1):
        part, last = replace(node, steps=node.steps[:count]), node.steps[count - 1]
        if last.missing and count < len(node.steps):
            continue  # until when it has to be missing, the next step says
        if _stands(part, probe):
            continue
        alone = replace(probe, wanted=None)  # the step's own events may be others than the wanted ones
        if not last.missing and not _stands(last.input, alone):
            return f"no event is its step {count}"
        for changed, words in _easier(part):
            if _stands(changed, probe):
                return words.format(step=count)
        return f"no event is its step {count} after those before"
    return "each step is there, but not in one sequence"


def _easier(part: n.Sequence) -> Iterator[tuple[n.Sequence, str]]:
    """Yield a sequence with one of its demands left out, and what it means that it holds then."""
    present = tuple(step for step in part.steps if not step.missing)
    if len(present) < len(part.steps):
        yield replace(part, steps=present), "an event that has to be missing before step {step} is there"
    if part.until is not None:
        yield replace(part, until=None), "the event that ends it comes before step {step}"
    if part.max_span is not None:
        yield replace(part, max_span=None), f"step {{step}} comes, but not within {timedelta(microseconds=part.max_span // 10)}"
    if part.ordered:
        yield replace(part, ordered=False, until=None), "step {step} comes before one that should precede it"
    if any(step.keys for step in part.steps):
        free = tuple(replace(step, keys=(), null_keys=()) for step in part.steps)
        yield replace(part, steps=free), "step {step} comes, but with another value of what they have to share"


def _stands(plan: n.Plan, probe: Probe) -> bool:
    try:
        return probe.left(plan) > 0
    except QueryError:
        return False


def conjuncts_of(expr: e.Expr) -> Iterator[e.Expr]:
    """Yield the conditions that all have to be true."""
    match expr:
        case e.Call(function="logic.and", args=args):
            for arg in args:
                yield from conjuncts_of(arg)
        case e.Call(function="logic.is_true", args=(inner,)):
            yield from conjuncts_of(inner)
        case _:
            yield expr
