"""Changing plans and expressions part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import is_

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.plan import nodes as n

_LEAVES = (e.Column, e.Literal, e.Parameter)


def map_inputs(plan: n.Plan, change: Callable[[n.Plan], n.Plan]) -> n.Plan:
    """Return the node with each direct input changed; nested plans of expressions stay."""
    match plan:
        case n.Scan() | n.Values():
            return plan
        case n.Join(left=left, right=right):
            return replace(plan, left=change(left), right=change(right))
        case n.Union(inputs=parts):
            changed_parts = tuple([change(p) for p in parts])
            return plan if all(map(is_, changed_parts, parts)) else replace(plan, inputs=changed_parts)
        case n.Sequence(steps=steps, until=until):
            changed = tuple(replace(s, input=change(s.input)) for s in steps)
            return replace(plan, steps=changed, until=replace(until, input=change(until.input)) if until else None)
        case n.Filter(input=child):
            below = change(child)
            return plan if below is child else n.Filter(below, plan.predicate, plan.span)
        case n.Project(input=child):
            below = change(child)
            return plan if below is child else n.Project(below, plan.items, plan.span)
        case _:
            below = change(plan.input)
            return plan if below is plan.input else replace(plan, input=below)


def map_expr(expr: e.Expr, change: Callable[[e.Expr], e.Expr]) -> e.Expr:
    """Return an expression with `change` applied bottom-up to every part; one in which nothing changed is the same object."""
    if isinstance(expr, _LEAVES):
        return change(expr)
    match expr:
        case e.Call(args=args):
            changed = _each(args, change)
            expr = expr if changed is args else e.Call(expr.function, changed, expr.type, expr.span)
        case e.Aggregate(args=args, where=where, order_by=order):
            keys = tuple(replace(k, expr=map_expr(k.expr, change)) for k in order)
            expr = replace(expr, args=_each(args, change), where=map_expr(where, change) if where is not None else None, order_by=keys)
        case e.WindowCall(args=args, partition_by=parts, order_by=order):
            keys = tuple(replace(k, expr=map_expr(k.expr, change)) for k in order)
            expr = replace(expr, args=_each(args, change), partition_by=_each(parts, change), order_by=keys)
        case e.Case(whens=whens, otherwise=otherwise):
            arms, last = tuple((map_expr(c, change), map_expr(v, change)) for c, v in whens), map_expr(otherwise, change)
            same = last is otherwise and all(c is old and v is value for (c, v), (old, value) in zip(arms, whens, strict=True))
            expr = expr if same else replace(expr, whens=arms, otherwise=last)
        case e.Path(base=base):
            under = map_expr(base, change)
            expr = expr if under is base else replace(expr, base=under)
        case e.Lambda(body=body):
            within = map_expr(body, change)
            expr = expr if within is body else replace(expr, body=within)
        case e.InQuery(needle=needle):
            sought = map_expr(needle, change)
            expr = expr if sought is needle else replace(expr, needle=sought)
        case _:
            pass
    return change(expr)


def parts_of(expr: e.Expr) -> Iterator[e.Expr]:
    """Yield an expression and every expression below it, plans inside left out."""
    waiting = [expr]
    while waiting:
        part = waiting.pop()
        yield part
        if type(part) not in _LEAVES:
            waiting.extend(reversed(e.children(part)))


def conjuncts(predicate: e.Expr) -> Iterator[e.Expr]:
    """Yield the conditions that all have to be true for a predicate to be."""
    if isinstance(predicate, e.Call) and predicate.function == "logic.and":
        for part in predicate.args:
            yield from conjuncts(part)
    else:
        yield predicate


def place_of(expr: e.Expr) -> Span | None:
    """Return the place of an expression in its rule: its own, or that of all its parts together; None when nothing of it has one."""
    own = getattr(expr, "span", None)
    found: Span | None = own if isinstance(own, Span) else None
    for child in e.children(expr):
        part = place_of(child)
        if part is not None:
            found = part if found is None else found.to(part)
    return found


def plain(expr: e.Expr) -> bool:
    """Return whether an expression holds no plan, as far as that is seen at once: a leaf, or a call of leaves."""
    if type(expr) in _LEAVES:
        return True
    return isinstance(expr, e.Call) and not [a for a in expr.args if type(a) not in _LEAVES]


def quiet(plan: n.Plan) -> bool:
    """Return whether it is known that a plan keeps no order, holds no plan inside an expression and never ends a run.

    A node remembers the answer: those of tables are the same in every query.
    """
    match plan:
        case n.Scan() | n.Values():
            return True
        case n.Filter() | n.Project() | n.Union():
            found = plan.still
            if found is None:
                found = _still(plan)
                object.__setattr__(plan, "_quiet", found)
            return found
        case _:
            return False


def _still(plan: n.Filter | n.Project | n.Union) -> bool:
    match plan:
        case n.Union(inputs=parts):
            return all(map(quiet, parts))
        case n.Filter(predicate=predicate):
            exprs: tuple[e.Expr, ...] = (predicate,)
        case n.Project(items=items):
            exprs = tuple([i.expr for i in items])
    return quiet(plan.input) and all(map(_harmless, exprs))


def _harmless(expr: e.Expr) -> bool:
    """Return whether an expression holds no plan and nothing that ends a run."""
    if plain(expr):
        return not (isinstance(expr, e.Call) and expr.function == _FAILS)
    return not [x for x in parts_of(expr) if isinstance(x, _NESTED) or (isinstance(x, e.Call) and x.function == _FAILS)]


_NESTED = (e.ScalarQuery, e.InQuery)
_FAILS = "logic.fail_if"


def map_items(items: tuple[n.Item, ...], change: Callable[[e.Expr], e.Expr]) -> tuple[n.Item, ...]:
    """Return items with the expressions changed that are not `plain`, the same tuple where all stay."""
    changed = tuple([i if plain(i.expr) else map_item(i, change) for i in items])
    return items if all(map(is_, changed, items)) else changed


def map_item(item: n.Item, change: Callable[[e.Expr], e.Expr]) -> n.Item:
    """Return an item with its expression changed by a function of whole expressions, the same object where it stays."""
    changed = change(item.expr)
    return item if changed is item.expr else n.Item(item.name, changed)


def _each(exprs: tuple[e.Expr, ...], change: Callable[[e.Expr], e.Expr]) -> tuple[e.Expr, ...]:
    changed = tuple([change(x) if isinstance(x, _LEAVES) else map_expr(x, change) for x in exprs])
    return exprs if all(map(is_, changed, exprs)) else changed
