"""A rewrite that carries, with every row, the events it was computed from."""

from __future__ import annotations

from dataclasses import replace

from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, call
from livefire.schema import Type

EVIDENCE = "\x01evidence"
_RIGHT = "\x01evidence_right"
_NONE = e.Literal("[]", Type.DYNAMIC)


def carry_evidence(plan: n.Plan) -> n.Plan:
    """Return the plan with one more column, an array of `<log source>/<event id>` of every event behind the row.

    Rows that come from constants or from tables without identity have an empty array. The right
    side of a semi or anti join, and what a nested query reads, is no evidence.
    """
    match plan:
        case n.Scan(identity=identity, table=table):
            if identity is None:
                return _with(plan, _NONE)
            name = call("text.concat", e.text(f"{table}/"), n.column(plan, identity))
            return _with(plan, call("dynamic.array", name))
        case n.Values():
            return _with(plan, _NONE)
        case n.Project(input=child, items=items):
            return replace(plan, input=carry_evidence(child), items=(*items, _item()))
        case n.Aggregate(input=child, items=items):
            gathered = n.Item(EVIDENCE, aggregate("agg.union_arrays", _column()))
            return replace(plan, input=carry_evidence(child), items=(*items, gathered))
        case n.Distinct(input=child):
            inner = carry_evidence(child)
            keys = tuple(n.Item(f.name, e.Column(f.name, f.type)) for f in child.schema)
            return n.Aggregate(inner, keys, (n.Item(EVIDENCE, aggregate("agg.union_arrays", _column())),), plan.span)
        case n.Join():
            return _join(plan)
        case n.Union(inputs=parts):
            return replace(plan, inputs=tuple(_last(carry_evidence(p)) for p in parts))
        case n.Unnest() | n.Window() | n.Recurrence():
            return _last(replace(plan, input=carry_evidence(plan.input)))
        case n.Sequence(steps=steps, until=until):
            carried = tuple(replace(s, input=_last(carry_evidence(s.input))) for s in steps)
            return replace(plan, steps=carried, until=replace(until, input=_last(carry_evidence(until.input))) if until else None)
        case _:
            return replace(plan, input=carry_evidence(plan.input))


def _column() -> e.Column:
    return e.Column(EVIDENCE, Type.DYNAMIC)


def _item() -> n.Item:
    return n.Item(EVIDENCE, _column())


def _with(plan: n.Plan, value: e.Expr) -> n.Project:
    return n.Project(plan, (*n.keep_all(plan), n.Item(EVIDENCE, value)))


def _last(plan: n.Plan) -> n.Plan:
    """Return the plan with the evidence as its last column, so that the parts of a union agree."""
    names = plan.schema.names
    return plan if names[-1] == EVIDENCE else n.select(plan, *(x for x in names if x != EVIDENCE), EVIDENCE)


def _join(plan: n.Join) -> n.Plan:
    if plan.kind in ("semi", "anti"):
        return replace(plan, left=carry_evidence(plan.left))
    left, right = carry_evidence(plan.left), carry_evidence(plan.right)
    renamed = n.Project(right, tuple(n.Item(_RIGHT if f.name == EVIDENCE else f.name, e.Column(f.name, f.type)) for f in right.schema))
    joined = replace(plan, left=left, right=renamed)
    both = call("dynamic.concat", _column(), e.Column(_RIGHT, Type.DYNAMIC))
    kept = tuple(n.Item(f.name, e.Column(f.name, f.type)) for f in plan.schema)
    return n.Project(joined, (*kept, n.Item(EVIDENCE, both)))
