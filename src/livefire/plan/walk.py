"""Changing plans and expressions part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import is_

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
            changed_parts = tuple([change(p) for p in parts])
            return plan if all(map(is_, changed_parts, parts)) else replace(plan, inputs=changed_parts)
        case n.Sequence(steps=steps, until=until):
            changed = tuple(replace(s, input=change(s.input)) for s in steps)
            return replace(plan, steps=changed, until=replace(until, input=change(until.input)) if until else None)
        case _:
            below = change(plan.input)
            return plan if below is plan.input else replace(plan, input=below)


def map_expr(expr: e.Expr, change: Callable[[e.Expr], e.Expr]) -> e.Expr:
    """Return an expression with `change` applied bottom-up to every part; one in which nothing changed is the same object."""
    match expr:
        case e.Column() | e.Literal() | e.Parameter():
            pass
        case e.Call(args=args):
            changed = _each(args, change)
            expr = expr if changed is args else replace(expr, args=changed)
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
    pending = [expr]
    while pending:
        part = pending.pop()
        yield part
        below = e.children(part)
        if below:
            pending.extend(reversed(below))


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


_LEAVES = (e.Column, e.Literal, e.Parameter)


def plain(expr: e.Expr) -> bool:
    """Return whether an expression holds no plan, as far as that is seen at once: a leaf, or a call of leaves."""
    if isinstance(expr, _LEAVES):
        return True
    return isinstance(expr, e.Call) and not [a for a in expr.args if not isinstance(a, _LEAVES)]


def map_items(items: tuple[n.Item, ...], change: Callable[[e.Expr], e.Expr]) -> tuple[n.Item, ...]:
    """Return items with the expressions changed that are not `plain`, the same tuple where all stay."""
    changed = tuple([i if plain(i.expr) else map_item(i, change) for i in items])
    return items if all(map(is_, changed, items)) else changed


def map_item(item: n.Item, change: Callable[[e.Expr], e.Expr]) -> n.Item:
    """Return an item with its expression changed by a function of whole expressions, the same object where it stays."""
    changed = change(item.expr)
    return item if changed is item.expr else n.Item(item.name, changed)


def _each(exprs: tuple[e.Expr, ...], change: Callable[[e.Expr], e.Expr]) -> tuple[e.Expr, ...]:
    changed = tuple([map_expr(x, change) for x in exprs])
    return exprs if all(map(is_, changed, exprs)) else changed
