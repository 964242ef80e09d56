"""Changing plans and expressions part by part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.plan import nodes as n


def map_inputs(plan: n.Plan, change: Callable[[n.Plan], n.Plan]) -> n.Plan:
    """Return the node with each direct input changed; nested plans of expressions stay."""
    match plan:
        case n.Scan() | n.Values():
            return plan
        case n.Join(left=left, right=right):
            return replace(plan, left=change(left), right=change(right))
        case n.Union(inputs=parts):
            return replace(plan, inputs=tuple(change(p) for p in parts))
        case n.Sequence(steps=steps, until=until):
            changed = tuple(replace(s, input=change(s.input)) for s in steps)
            return replace(plan, steps=changed, until=replace(until, input=change(until.input)) if until else None)
        case _:
            return replace(plan, input=change(plan.input))


def map_expr(expr: e.Expr, change: Callable[[e.Expr], e.Expr]) -> e.Expr:
    """Return an expression with `change` applied bottom-up to every part."""
    match expr:
        case e.Call(args=args):
            expr = replace(expr, args=tuple(map_expr(a, change) for a in args))
        case e.Aggregate(args=args, where=where, order_by=order):
            keys = tuple(replace(k, expr=map_expr(k.expr, change)) for k in order)
            expr = replace(expr, args=tuple(map_expr(a, change) for a in args), where=map_expr(where, change) if where is not None else None, order_by=keys)
        case e.WindowCall(args=args, partition_by=parts, order_by=order):
            keys = tuple(replace(k, expr=map_expr(k.expr, change)) for k in order)
            expr = replace(expr, args=tuple(map_expr(a, change) for a in args), partition_by=tuple(map_expr(p, change) for p in parts), order_by=keys)
        case e.Case(whens=whens, otherwise=otherwise):
            arms = tuple((map_expr(c, change), map_expr(v, change)) for c, v in whens)
            expr = replace(expr, whens=arms, otherwise=map_expr(otherwise, change))
        case e.Path(base=base):
            expr = replace(expr, base=map_expr(base, change))
        case e.Lambda(body=body):
            expr = replace(expr, body=map_expr(body, change))
        case e.InQuery(needle=needle):
            expr = replace(expr, needle=map_expr(needle, change))
        case _:
            pass
    return change(expr)


def place_of(expr: e.Expr) -> Span | None:
    """Return the place of an expression in its rule: its own, or that of all its parts together; None when nothing of it has one."""
    own = getattr(expr, "span", None)
    found: Span | None = own if isinstance(own, Span) else None
    for child in e.children(expr):
        part = place_of(child)
        if part is not None:
            found = part if found is None else found.to(part)
    return found
