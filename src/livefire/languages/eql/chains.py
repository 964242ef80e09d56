"""Sequences and samples as plans: candidate events a step, and what is shown of the matches."""

from __future__ import annotations

from livefire.diagnostics import Halt
from livefire.languages.eql import ast
from livefire.languages.eql.reader import Reader
from livefire.languages.kit.ast import Name
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call
from livefire.schema import Type

_TIME, _TIEBREAK = "sequence time", "sequence tiebreak"
MAX_TERMS = 60


def lower(chain: ast.Chain, pipes: tuple[ast.Pipe, ...], reader: Reader) -> n.Plan:
    """Return the plan of a sequence or sample.

    One row a matched event, matches in the order of their last events (samples: of their keys),
    events in the order of their steps: `_sequence` and `_step`, counted from 0, then the event's
    columns, null for a missing event.
    """
    base, tiebreak = _timed(chain, reader)
    terms = [*chain.terms, *([chain.until] if chain.until else [])]
    if len(terms) > MAX_TERMS:
        reader.context.diagnostics.error("E305", f"more than {MAX_TERMS} events in one {chain.kind} are not supported", chain.span)
        raise Halt
    keys = _keys(chain, terms, reader)
    steps = [_step(term, key, base, reader) for term, key in zip(terms, keys, strict=True)]
    names = _free_names(reader)
    plan: n.Plan = n.Sequence(
        tuple(steps[: len(chain.terms)]),
        time=_TIME,
        tiebreak=(_TIEBREAK,) if tiebreak else (),
        max_span=chain.max_span,
        until=steps[-1] if chain.until else None,
        ordered=chain.kind == "sequence",
        sequence=names[0],
        step=names[1],
        span=chain.span,
    )
    for pipe in pipes:
        plan = _cut(plan, pipe, names[0])
    plan = n.Sort(plan, tuple(e.SortKey(n.column(plan, name)) for name in names), chain.span)
    return n.select(plan, *names, *reader.origin.shown.names)


def _timed(chain: ast.Chain, reader: Reader) -> tuple[n.Plan, bool]:
    """Return the rows with the columns that order them."""
    origin = reader.origin
    time = reader.time()
    if time is None and chain.kind == "sequence" and origin.known:
        help = "name the event time with timestamp_field"
        reader.context.diagnostics.error("E102", f"no field is named {reader.time_field!r}, and a sequence needs the time of events", chain.span, help=help)
    tiebreak = reader.tiebreak(chain.span)
    items = [n.Item(_TIME, time if time is not None else e.null(Type.DATETIME))]
    if tiebreak is not None:
        items.append(n.Item(_TIEBREAK, tiebreak))
    return n.extend(origin.plan, *items), tiebreak is not None


def _keys(chain: ast.Chain, terms: list[ast.Term], reader: Reader) -> list[list[tuple[e.Expr, Name]]]:
    """Return each term's join keys, of one type at each position."""
    keys = [[(reader.fields.find(name), name) for name in (*chain.by, *term.by)] for term in terms]
    for position in range(len(keys[0])):
        types = {k[position][0].type for k in keys} - {Type.UNKNOWN}
        for key in keys:
            value, name = key[position]
            if len(types) > 1 and Type.DYNAMIC not in types and not all(t.numeric for t in types) and not types <= {Type.STRING, Type.GUID}:
                kinds = ", ".join(sorted(t.value for t in types))
                reader.context.diagnostics.error("E104", f"a join key must have one type in every event, and here are {kinds}", name.span)
                break
            key[position] = (_key(value, types), name)
    return keys


def _key(value: e.Expr, types: set[Type]) -> e.Expr:
    """Return a join key in the type all events share; one element stands for an array of it."""
    if value.type is Type.UNKNOWN:
        return e.null(Type.DYNAMIC if Type.DYNAMIC in types else next(iter(types), Type.STRING))
    if Type.DYNAMIC in types:
        if value.type is not Type.DYNAMIC:
            return call("dynamic.of", value)
        size = call("dynamic.length", value)
        arms = (
            (call("compare.eq", size, e.whole(0)), e.null(Type.DYNAMIC)),
            (call("compare.eq", size, e.whole(1)), call("dynamic.element", value, e.whole(0))),
        )
        return e.Case(arms, value, Type.DYNAMIC)
    if len(types) > 1 and all(t.numeric for t in types):
        return call("number.to_real", value)
    return value


def _step(term: ast.Term, keys: list[tuple[e.Expr, Name]], base: n.Plan, reader: Reader) -> n.Step:
    """Return the candidates of one term; only a key marked with `?` may be null."""
    nulls = tuple(i for i, (_, name) in enumerate(keys) if name.optional)
    candidates = n.Filter(base, reader.predicate(term.filter), term.span)
    return n.Step(candidates, tuple(k for k, _ in keys), term.missing, term.runs, nulls)


def _free_names(reader: Reader) -> tuple[str, str]:
    """Return names for the number of the match and of the step that no field has."""
    mark = "_"
    while f"{mark}sequence" in reader.origin.shown or f"{mark}step" in reader.origin.shown:
        mark += "_"
    return f"{mark}sequence", f"{mark}step"


def _cut(plan: n.Plan, pipe: ast.Pipe, sequence: str) -> n.Plan:
    """Keep the first or last matches; their numbers follow each other without a gap."""
    edge = "sequence edge"
    number = n.column(plan, sequence)
    found = e.WindowCall("agg.min" if pipe.kind == "head" else "agg.max", (number,), Type.LONG)
    edged = n.Window(plan, (n.Item(edge, found),))
    pair = (number, n.column(edged, edge)) if pipe.kind == "head" else (n.column(edged, edge), number)
    distance = call("number.subtract", *pair, type=Type.LONG)
    return n.select(n.Filter(edged, call("compare.lt", distance, e.whole(pipe.count)), pipe.span), *plan.schema.names)
