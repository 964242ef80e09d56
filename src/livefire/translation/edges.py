"""The edges of groups: how many events a rule wants of a group, by what it groups them, and how it cuts time."""

from __future__ import annotations

from dataclasses import dataclass

from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.translation.condition import FALSE, Condition, Field
from livefire.translation.flow import Events, Grouped, Where, put, read_flow, sequence_in
from livefire.translation.outline import plain
from livefire.translation.places import field_of
from livefire.translation.refusal import Untranslatable
from livefire.translation.statement import conditions_of

_MOST, _DAY = 60, 864_000_000_000


@dataclass(frozen=True, slots=True)
class Edges:
    """For one log source: group keys, measured fields, sizes to make groups of, widths of time in ticks, and words that stand for a missing value."""

    source: str
    keys: tuple[Field, ...]
    measured: tuple[Field, ...]
    sizes: tuple[int, ...]
    widths: tuple[int, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """For one log source: the condition of each step of a sequence, its keys, and the span in ticks."""

    source: str
    steps: tuple[Condition, ...]
    keys: tuple[Field, ...]
    span: int


def chains_of(plan: n.Plan) -> tuple[Chain, ...]:
    """Return the chains of a sequence for each log source that every step of it reads."""
    sequence = sequence_in(plan)
    if sequence is None:
        return ()
    by_source: dict[str, list[Condition]] = {}
    for step in sequence.steps:
        for source, condition in conditions_of(step.input):
            by_source.setdefault(source, []).append(condition)
    found = []
    for source, steps in by_source.items():
        if len(steps) == len(sequence.steps) and FALSE not in steps:
            events = next(x for x in read_flow(sequence.steps[0].input).events if x.source == source)
            keys = _fields(source, [put(k, events.columns) for k in sequence.steps[0].keys])
            found.append(Chain(source, tuple(steps), keys, sequence.max_span or _DAY))
    return tuple(found)


def edges_of(plan: n.Plan) -> tuple[Edges, ...]:
    """Return the edges of a plan's first grouping, for each log source that it reads; nothing for rules over single events."""
    try:
        flow = read_flow(plan)
    except Untranslatable:
        return ()
    for at, stage in enumerate(flow.stages):
        if isinstance(stage, Grouped):
            wanted = {int(v) for s in flow.stages[at:] if isinstance(s, Where) for v in _numbers(s.expr)}
            sizes = tuple(sorted({size for v in wanted for size in (v - 1, v, v + 1) if 0 < size <= _MOST} | {2}))
            return tuple(_edges(events, stage, sizes) for events in flow.events)
    return ()


def _edges(events: Events, stage: Grouped, sizes: tuple[int, ...]) -> Edges:
    keys = [put(k.expr, events.columns) for k in stage.keys]
    values = [put(a, events.columns) for i in stage.items for a in _arguments(i.expr)]
    widths = tuple(w for k in keys for w in _widths(k))
    words = tuple(dict.fromkeys(w for x in (*keys, *values) for w in _words(x)))
    return Edges(events.source, _fields(events.source, keys), _fields(events.source, values), sizes, widths, words)


def _words(expr: e.Expr) -> list[str]:
    match expr:
        case e.Literal(value=str() as word):
            return [word]
        case _:
            return [w for c in e.children(expr) for w in _words(c)]


def _fields(source: str, exprs: list[e.Expr]) -> tuple[Field, ...]:
    found = (field_of(source, plain(x)) for x in exprs)
    return tuple(dict.fromkeys(f for f in found if f is not None and f.column != "_time"))


def _arguments(expr: e.Expr) -> list[e.Expr]:
    inner = expr.args if isinstance(expr, e.Aggregate) else tuple(a for c in e.children(expr) for a in _arguments(c))
    return [a.args[0] if isinstance(a, e.Call) and a.function == "dynamic.of" else a for a in inner]


def _widths(expr: e.Expr) -> list[int]:
    match expr:
        case e.Call(function="time.bin" | "time.bin_at", args=(_, e.Literal(value=int() as ticks), *_)):
            return [ticks]
        case _:
            return []


def _numbers(expr: e.Expr) -> list[float]:
    match expr:
        case e.Literal(value=(int() | float()) as value) if not isinstance(value, bool):
            return [value]
        case _:
            return [v for c in e.children(expr) for v in _numbers(c)]
