"""A rewrite that carries, with every row, the events it was computed from."""

from __future__ import annotations

from dataclasses import replace

from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, call
from livefire.plan.walk import map_expr
from livefire.schema import Type

EVIDENCE = "\x01evidence"
_RIGHT = "\x01evidence_right"
_NONE = e.Literal("[]", Type.DYNAMIC)
# Windows that take a value of one other row: that row is evidence where the value is used. Sums and
# counts over a span of time rest on the rows of that span; over the rows so far they would make evidence of everything before.
_TAKEN = ("window.previous", "window.next", "window.last_known")


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
        case n.Window():
            return _window(plan)
        case n.Unnest() | n.Recurrence():
            return _last(replace(plan, input=carry_evidence(plan.input)))
        case n.Sequence(steps=steps, until=until):
            carried = tuple(replace(s, input=_last(carry_evidence(s.input))) for s in steps)
            return replace(plan, steps=carried, until=replace(until, input=_last(carry_evidence(until.input))) if until else None)
        case _:
            return replace(plan, input=carry_evidence(plan.input))


def name_events(plan: n.Plan) -> n.Plan | None:
    """Return the plan with one more column, the `<log source>/<event id>` of the one event that each row is; None where rows are more or less than that."""
    match plan:
        case n.Scan(identity=identity, table=table) if identity is not None:
            return _with(plan, call("text.concat", e.text(f"{table}/"), n.column(plan, identity)))
        case n.Filter(input=child) | n.Sort(input=child) | n.Limit(input=child):
            named = name_events(child)
            return None if named is None else replace(plan, input=named)
        case n.Project(input=child, items=items):
            named = name_events(child)
            return None if named is None else replace(plan, input=named, items=(*items, n.Item(EVIDENCE, e.Column(EVIDENCE, Type.STRING))))
        case n.Union(inputs=parts):
            every = [_last(named) for p in parts if (named := name_events(p)) is not None]
            return replace(plan, inputs=tuple(every)) if len(every) == len(parts) else None
        case _:
            return None


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


def _window(plan: n.Window) -> n.Plan:
    """Return the rows with the evidence of the rows that their windows took a value of, or counted in a span; a null that was taken counts for nothing."""
    plan = _side_by_side(plan)
    spanned = next((c for i in plan.items if isinstance(c := i.expr, e.WindowCall) and _of_a_span(c)), None)
    if spanned is not None:
        counted = n.Item(f"{EVIDENCE}0", replace(spanned, function="agg.union_arrays", args=(_column(),), type=Type.DYNAMIC))
        over = replace(plan, input=carry_evidence(plan.input), items=(*plan.items, counted))
        return n.Project(over, (*(n.Item(f.name, e.Column(f.name, f.type)) for f in plan.schema), n.Item(EVIDENCE, e.Column(counted.name, Type.DYNAMIC))))
    taken = [(item, found) for item in plan.items if (found := _taken(item.expr)) is not None]
    hidden = tuple(n.Item(f"{EVIDENCE}{number}", _evidence_of(found)) for number, (_, found) in enumerate(taken))
    window = replace(plan, input=carry_evidence(plan.input), items=(*plan.items, *hidden))
    if not taken:
        return _last(window)
    gathered: e.Expr = _column()
    for (item, _), other in zip(taken, hidden, strict=True):
        there = call("logic.not", call("logic.is_null", e.Column(item.name, item.expr.type)))
        known = call("logic.coalesce", e.Column(other.name, Type.DYNAMIC), _NONE)
        gathered = call("dynamic.concat", gathered, e.Case(((there, known),), _NONE, Type.DYNAMIC))
    kept = tuple(n.Item(f.name, e.Column(f.name, f.type)) for f in plan.schema)
    return n.Project(window, (*kept, n.Item(EVIDENCE, gathered)))


def _side_by_side(plan: n.Window) -> n.Window:
    """Return windows over the same rows as one, so that what each takes of another row is that row and not what the others took for it."""
    inner = plan.input
    if not isinstance(inner, n.Window) or any(isinstance(i.expr, e.WindowCall) and _of_a_span(i.expr) for i in (*plan.items, *inner.items)):
        return plan
    made = {i.name for i in inner.items}
    if any(made & e.columns_of(i.expr) for i in plan.items):
        return plan
    return _side_by_side(n.Window(inner.input, (*inner.items, *plan.items), plan.span))


def _of_a_span(value: e.WindowCall) -> bool:
    """True for a window that reaches a span of time back from the row and ends at it."""
    return value.by_value and value.frame is not None and value.frame[0] is not None and value.frame[1] == 0


def _taken(value: e.Expr) -> e.WindowCall | None:
    found: list[e.WindowCall] = []

    def look(part: e.Expr) -> e.Expr:
        if isinstance(part, e.WindowCall) and part.function in _TAKEN:
            found.append(part)
        return part

    map_expr(value, look)
    return found[0] if found else None


def _evidence_of(taken: e.WindowCall) -> e.WindowCall:
    if taken.function != "window.last_known":
        return replace(taken, args=(_column(), *taken.args[1:2]), type=Type.DYNAMIC)
    there = call("logic.not", call("logic.is_null", taken.args[0]))
    return replace(taken, args=(e.Case(((there, _column()),), e.null(Type.DYNAMIC), Type.DYNAMIC),), type=Type.DYNAMIC)


def _join(plan: n.Join) -> n.Plan:
    if plan.kind in ("semi", "anti"):
        return replace(plan, left=carry_evidence(plan.left))
    left, right = carry_evidence(plan.left), carry_evidence(plan.right)
    renamed = n.Project(right, tuple(n.Item(_RIGHT if f.name == EVIDENCE else f.name, e.Column(f.name, f.type)) for f in right.schema))
    joined = replace(plan, left=left, right=renamed)
    both = call("dynamic.concat", _column(), e.Column(_RIGHT, Type.DYNAMIC))
    kept = tuple(n.Item(f.name, e.Column(f.name, f.type)) for f in plan.schema)
    return n.Project(joined, (*kept, n.Item(EVIDENCE, both)))
