"""Rewrites that make a plan smaller: columns nobody reads go, and a projection over one that computes nothing dear becomes one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.walk import map_expr, map_item, map_items, parts_of, plain
from livefire.schema import Schema


def prune_columns(plan: n.Plan) -> n.Plan:
    """Return a plan with the same rows and columns that computes only what they need."""
    names = plan.schema.names
    return _exactly(_prune(plan, frozenset(names)), names)


def _exactly(plan: n.Plan, names: tuple[str, ...]) -> n.Plan:
    return plan if plan.schema.names == names else n.select(plan, *names)


def _read(exprs: Iterable[e.Expr]) -> frozenset[str]:
    found: set[str] = set()
    for x in exprs:
        if type(x) is e.Column:
            found.add(x.name)
        else:
            found |= e.columns_of(x)
    return frozenset(found)


def _inside(expr: e.Expr) -> e.Expr:
    """Prune the plans that stand inside an expression."""

    def change(part: e.Expr) -> e.Expr:
        return replace(part, plan=prune_columns(part.plan)) if isinstance(part, (e.ScalarQuery, e.InQuery)) else part

    return expr if plain(expr) else map_expr(expr, change)


def _items(items: tuple[n.Item, ...], needed: frozenset[str]) -> tuple[n.Item, ...]:
    return map_items(tuple([i for i in items if i.name in needed]), _inside)


def _prune(plan: n.Plan, needed: frozenset[str]) -> n.Plan:
    match plan:
        case n.Scan(schema=schema, physical=physical):
            kept = [(f, p) for f, p in zip(schema, physical, strict=True) if f.name in needed] or list(zip(schema, physical, strict=True))[:1]
            return replace(plan, schema=Schema(tuple(f for f, _ in kept)), physical=tuple(p for _, p in kept))
        case n.Values():
            return plan
        case n.Filter(input=child, predicate=predicate):
            return n.Filter(_prune(child, needed | e.columns_of(predicate)), _inside(predicate), plan.span)
        case n.Project(input=child, items=items):
            kept_items = _items(items, needed) or _items(items[:1], frozenset(i.name for i in items[:1]))
            return merge_projects(n.Project(_prune(child, _read([i.expr for i in kept_items])), kept_items, plan.span))
        case n.Aggregate(input=child, keys=keys, items=items):
            kept_items = _items(items, needed)
            inner = _prune(child, _read(i.expr for i in (*keys, *kept_items)))
            return replace(plan, input=inner, keys=_items(keys, frozenset(k.name for k in keys)), items=kept_items)
        case n.Sort(input=child, keys=sort_keys):
            return replace(plan, input=_prune(child, needed | _read(k.expr for k in sort_keys)))
        case n.Limit(input=child):
            return replace(plan, input=_prune(child, needed))
        case n.Distinct(input=child):
            return replace(plan, input=_exactly(_prune(child, frozenset(child.schema.names)), child.schema.names))
        case n.Join(left=left, right=right, on=on):
            wanted = needed | e.columns_of(on)
            return replace(plan, left=_prune(left, wanted), right=_prune(right, wanted), on=_inside(on))
        case n.Union(inputs=parts, schema=schema):
            names = tuple(x for x in schema.names if x in needed) or schema.names[:1]
            return replace(plan, inputs=tuple(_exactly(_prune(p, frozenset(names)), names) for p in parts))
        case n.Unnest(input=child, expr=x):
            return replace(plan, input=_prune(child, needed | e.columns_of(x)), expr=_inside(x))
        case n.Window(input=child, items=items):
            kept_items = _items(items, needed)
            inner = _prune(child, needed | _read(i.expr for i in kept_items))
            return replace(plan, input=inner, items=kept_items) if kept_items else inner
        case n.Recurrence():
            return _recurrence(plan, needed)
        case n.Sequence():
            return _sequence(plan, needed)


def _recurrence(plan: n.Recurrence, needed: frozenset[str]) -> n.Plan:
    """Carried values depend on each other, so all are kept, or the node goes when none is read."""
    if not needed & {c.name for c in plan.carried}:
        return _prune(plan.input, needed)
    exprs = [*(i.expr for stage in plan.stages for i in stage), *(c.expr for c in plan.carried), *(c.start for c in plan.carried), *plan.keys]
    wanted = needed | _read(exprs) | _read(k.expr for k in plan.order_by)
    stages = tuple(tuple(replace(i, expr=_inside(i.expr)) for i in stage) for stage in plan.stages)
    carried = tuple(replace(c, start=_inside(c.start), expr=_inside(c.expr)) for c in plan.carried)
    return replace(plan, input=_prune(plan.input, wanted), stages=stages, carried=carried)


def _sequence(plan: n.Sequence, needed: frozenset[str]) -> n.Sequence:
    """Prune every step to the same columns, so that steps over the same rows still show that they are."""
    steps = (*plan.steps, *((plan.until,) if plan.until else ()))
    filters = [s.input.predicate for s in steps if isinstance(s.input, n.Filter)]
    wanted = needed | {plan.time, *plan.tiebreak} | _read(k for s in steps for k in s.keys) | _read(filters)
    names = tuple(x for x in plan.steps[0].input.schema.names if x in wanted)

    def step(one: n.Step) -> n.Step:
        match one.input:
            case n.Filter(input=child, predicate=predicate):
                rows: n.Plan = replace(one.input, input=_exactly(_prune(child, frozenset(names)), names), predicate=_inside(predicate))
            case _:
                rows = _exactly(_prune(one.input, frozenset(names)), names)
        return replace(one, input=rows)

    return replace(plan, steps=tuple(step(s) for s in plan.steps), until=step(plan.until) if plan.until else None)


def merge_projects(plan: n.Project) -> n.Project:
    """Return one projection where the inner one only renames columns, gives constants, or fills in nulls with them."""
    inner = plan.input
    if not isinstance(inner, n.Project) or not all(map(light, [i.expr for i in inner.items])):
        return plan
    computed = [i.expr for i in plan.items if type(i.expr) is not e.Column]
    if any(isinstance(part, e.Lambda) for x in computed for part in parts_of(x)):
        return plan
    known = {i.name: i for i in inner.items}

    def change(part: e.Expr) -> e.Expr:
        return known[part.name].expr if isinstance(part, e.Column) and part.name in known else filled(part)

    return n.Project(inner.input, tuple([_put_in(i, known) or map_item(i, lambda x: map_expr(x, change)) for i in plan.items]), plan.span)


def _put_in(item: n.Item, known: Mapping[str, n.Item]) -> n.Item | None:
    """Return the item of a lower projection for one that is but its column, under the name of this; None for another."""
    if type(item.expr) is not e.Column:
        return None
    below = known.get(item.expr.name, item)
    return below if below.name == item.name else n.Item(item.name, below.expr)


_PLAIN = (e.Column, e.Literal, e.Parameter)


def light(expr: e.Expr) -> bool:
    """Tell whether an expression may be computed more than once: a column or constant, or one with its nulls filled in."""
    return type(expr) in _PLAIN or (isinstance(expr, e.Call) and expr.function == "logic.coalesce" and plain(expr))


def filled(expr: e.Expr) -> e.Expr:
    """Return one filling in of nulls where one stands in another, without what can no longer be reached."""
    if not isinstance(expr, e.Call) or expr.function != "logic.coalesce":
        return expr
    if len(expr.args) == 2 and type(expr.args[0]) is e.Column and type(expr.args[1]) is e.Literal:
        return expr
    args: list[e.Expr] = []
    for arg in expr.args:
        nested = isinstance(arg, e.Call) and arg.function == "logic.coalesce" and arg.type is expr.type
        args += arg.args if nested and isinstance(arg, e.Call) else (arg,)
    end = next((at for at, a in enumerate(args) if isinstance(a, e.Literal) and a.value is not None), len(args) - 1)
    kept = tuple(dict.fromkeys(args[: end + 1]))
    return kept[0] if len(kept) == 1 and kept[0].type is expr.type else replace(expr, args=kept)
