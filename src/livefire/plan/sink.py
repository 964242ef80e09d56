"""A rewrite that tests rows where they are read: conditions go below the projections that only name or fill in what they test.

There a condition is over stored columns, so that an engine can leave out whole pieces of a file by it.
"""

from __future__ import annotations

from collections.abc import Sequence

from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of
from livefire.plan.necessary import bared
from livefire.plan.prune import filled, light
from livefire.plan.reach import may_fail
from livefire.plan.walk import conjuncts, map_expr, map_inputs, parts_of

_ELSEWHERE = (e.Lambda, e.ScalarQuery, e.InQuery, e.Aggregate, e.WindowCall)


def sink_filters(plan: n.Plan) -> n.Plan:
    """Return a plan with the same rows whose conditions stand as near to what they test as they can.

    A plan that may end its run for some rows stays: which rows come to that test then matters.
    """
    return plan if may_fail(plan) else _sink(plan)


def _sink(plan: n.Plan) -> n.Plan:
    """Return a plan with every condition sunk; each is carried down once, together with those it meets on its way."""
    match plan:
        case n.Sequence():  # its steps show by their form that they are over the same rows
            return plan
        case n.Filter(input=child, predicate=predicate):
            return _sunk(child, tuple(conjuncts(predicate)))
        case _:
            return map_inputs(plan, _sink)


def _sunk(plan: n.Plan, conditions: tuple[e.Expr, ...]) -> n.Plan:
    """Return a plan filtered by conditions, each as deep as it goes."""
    if isinstance(plan, n.Filter):
        return _sunk(plan.input, (*conjuncts(plan.predicate), *conditions))
    if isinstance(plan, n.Project):
        known = {i.name: i.expr for i in plan.items}
        lower = [c for c in conditions if _sinks(c, known)]
        if lower:
            put_in = tuple([map_expr(c, lambda part: known.get(part.name, part) if isinstance(part, e.Column) else filled(part)) for c in lower])
            below: n.Plan = n.Project(_sunk(plan.input, put_in), plan.items, plan.span)
            return _filtered(below, [c for c in conditions if c not in lower])
    return _filtered(_sink(plan), conditions)


def _filtered(plan: n.Plan, conditions: Sequence[e.Expr]) -> n.Plan:
    return n.Filter(plan, all_of(*map(bared, conditions))) if conditions else plan


def _sinks(condition: e.Expr, known: dict[str, e.Expr]) -> bool:
    """Tell whether a condition is over light items alone, ends no run and looks at no other rows."""
    for part in parts_of(condition):
        if isinstance(part, _ELSEWHERE):
            return False
        if isinstance(part, e.Call) and part.function == "logic.fail_if":
            return False
        if isinstance(part, e.Column) and not light(known.get(part.name, part)):
            return False
    return True
