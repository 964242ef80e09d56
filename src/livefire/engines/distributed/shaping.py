"""Rewrites that ready a plan for a cluster: rows know the order they are stored in, and what the cluster can test is tested where rows are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from livefire.engines.spark_sql import DIALECT, EXACT
from livefire.engines.sql import walk_expr
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of
from livefire.plan.prune import prune_columns
from livefire.plan.rewrite import keep_order
from livefire.plan.walk import map_expr, map_inputs
from livefire.schema import Field, Schema, Type

STORED_AT = "~stored"
"""The column of a table as the cluster sees it that says where a row is stored: rows of later files have greater numbers."""
_PLACE = "\x01place"
# Orders that a language asked for are numbered from 0, those that only say how rows are stored from here.
_FIRST = 1000


def shape(plan: n.Plan, knows_order: Callable[[n.Scan], bool]) -> n.Plan:
    """Return a plan with the same rows for a cluster, which keeps no order of its own."""
    ordered = keep_order(in_stored_order(plan, knows_order), first=_FIRST)
    return prune_columns(sink(ordered, ()))


# the order in which rows are stored


def in_stored_order(plan: n.Plan, knows_order: Callable[[n.Scan], bool]) -> n.Plan:
    """Return the plan with its stored rows sorted as they are stored, where that is known."""
    known = positioned(plan, knows_order)
    if known is not None:
        keys = tuple(e.SortKey(_place(i)) for i in range(known[1]))
        return n.select(n.Sort(known[0], keys), *plan.schema.names)
    if isinstance(plan, n.Sequence):
        return _sequence(plan, knows_order)
    return map_inputs(plan, lambda child: in_stored_order(child, knows_order))


def positioned(plan: n.Plan, knows_order: Callable[[n.Scan], bool]) -> tuple[n.Plan, int] | None:
    """Return the plan with the place of each row as more columns of whole numbers, and how many these are; None where rows have no place."""
    match plan:
        case n.Scan():
            if not knows_order(plan):
                return None
            return replace(plan, schema=_with_place(plan.schema), physical=(*plan.physical, STORED_AT)), 1
        case n.Values(schema=schema, rows=rows):
            return n.Values(_with_place(schema), tuple((*row, place) for place, row in enumerate(rows))), 1
        case n.Filter(input=child):
            inner = positioned(child, knows_order)
            return (replace(plan, input=inner[0]), inner[1]) if inner is not None else None
        case n.Project(input=child, items=items):
            inner = positioned(child, knows_order)
            return (replace(plan, input=inner[0], items=(*items, *_places(inner[1]))), inner[1]) if inner is not None else None
        case n.Join(left=left, right=right, kind="inner" | "left" | "semi" | "anti" | "cross"):
            inner = positioned(left, knows_order)
            if inner is None:
                return None
            joined = replace(plan, left=inner[0], right=in_stored_order(right, knows_order))
            return n.select(joined, *plan.schema.names, *(_place(i).name for i in range(inner[1]))), inner[1]
        case n.Union(inputs=parts):
            found = [positioned(p, knows_order) for p in parts]
            known = [p for p in found if p is not None]
            if len(known) < len(found):
                return None
            depth = max(count for _, count in known)
            names = plan.schema.names
            return n.Union(tuple(_branch(n.select(p, *names, *_names(c)), names, c, number, depth) for number, (p, c) in enumerate(known))), depth + 1
        case _:
            return None


def _place(number: int) -> e.Column:
    return e.Column(f"{_PLACE}{number}", Type.LONG)


def _names(count: int) -> tuple[str, ...]:
    return tuple(_place(i).name for i in range(count))


def _places(count: int) -> tuple[n.Item, ...]:
    return tuple(n.unchanged(name, Type.LONG) for name in _names(count))


def _with_place(schema: Schema) -> Schema:
    return Schema((*schema.fields, Field(_place(0).name, Type.LONG)))


def _branch(part: n.Plan, names: tuple[str, ...], count: int, number: int, depth: int) -> n.Plan:
    """Put the number of a branch before the places of its rows."""
    inner = [_place(i) if i < count else e.whole(0) for i in range(depth)]
    places = (n.Item(_place(i).name, x) for i, x in enumerate((e.whole(number), *inner)))
    return n.Project(part, (*(i for i in n.keep_all(part) if i.name in names), *places))


def _sequence(plan: n.Sequence, knows_order: Callable[[n.Scan], bool]) -> n.Plan:
    """Let the place of an event break the ties of its time, and give the matches in their order."""
    steps = (*plan.steps, *((plan.until,) if plan.until else ()))
    known = [positioned(s.input, knows_order) for s in steps]
    depths = {p[1] for p in known if p is not None}
    if len(depths) == 1 and None not in known:
        placed = [replace(s, input=p[0]) for s, p in zip(steps, known, strict=True) if p is not None]
        tiebreak = (*plan.tiebreak, *_names(depths.pop()))
    else:
        placed = [replace(s, input=in_stored_order(s.input, knows_order)) for s in steps]
        tiebreak = plan.tiebreak
    until = placed.pop() if plan.until else None
    changed = replace(plan, steps=tuple(placed), until=until, tiebreak=tiebreak)
    keys = tuple(e.SortKey(e.Column(name, Type.LONG)) for name in (plan.sequence, plan.step))
    return n.select(n.Sort(changed, keys), *plan.schema.names)


# what the cluster says in its own words


def native(expr: e.Expr) -> bool:
    """Tell whether Spark has the expression in its own words, with the same outcome."""
    return all(_native_part(part) for part in walk_expr(expr))


def _native_part(part: e.Expr) -> bool:
    match part:
        case e.Column() | e.Parameter() | e.Literal():
            return True
        case e.Case(whens=whens, otherwise=otherwise):
            return all(v.type is otherwise.type for _, v in whens)
        case e.Call(function=name, args=args) | e.Aggregate(function=name, args=args) | e.WindowCall(function=name, args=args):
            if name not in DIALECT.functions or not all(a.type in EXACT for a in args):
                return False
            alike = len({_family(a.type) for a in args}) <= 1 or not name.startswith(("compare.", "logic.coalesce", "logic.null_if"))
            return alike and _native_call(part)
        case _:
            return False


def _native_call(part: e.Expr) -> bool:
    match part:
        case e.Aggregate(function="agg.count_distinct", args=args):
            return len(args) == 1
        case e.Aggregate(function="agg.sum" | "agg.sum_wrapping", args=args):
            return args[0].type.integral or args[0].type is Type.TIMESPAN
        case e.Aggregate(function="agg.count" | "agg.min" | "agg.max"):
            return True
        case e.WindowCall(function=name, partition_by=parts, order_by=keys):
            return name == "window.row_number" and all(x.type in EXACT for x in (*parts, *(k.expr for k in keys)))
        case e.Aggregate():
            return False
        case _:
            return True


def _family(kind: Type) -> str:
    if kind.integral or kind is Type.TIMESPAN:
        return "whole"
    return kind.value if kind in (Type.BOOL, Type.DATETIME) else "text"


def separable(part: e.Expr, left: frozenset[str], right: frozenset[str]) -> bool:
    """Tell whether a condition of a join compares for equality what one side can compute with what the other can."""
    if not (isinstance(part, e.Call) and part.function in ("compare.eq", "compare.same") and all(a.type in EXACT for a in part.args)):
        return False
    one, other = (e.columns_of(a) for a in part.args)
    return bool((one <= left and other <= right) or (one <= right and other <= left))


def conjuncts(expr: e.Expr) -> tuple[e.Expr, ...]:
    """Return the conditions that all have to be true."""
    if isinstance(expr, e.Call) and expr.function == "logic.and":
        return tuple(part for arg in expr.args for part in conjuncts(arg))
    return (expr,)


def sink(plan: n.Plan, conditions: tuple[e.Expr, ...]) -> n.Plan:
    """Return the plan cut to the rows that satisfy the conditions, each tested as near to the stored rows as it can be."""
    match plan:
        case n.Filter(input=child, predicate=predicate):
            return sink(child, (*conjuncts(predicate), *conditions))
        case n.Sort(input=child):
            return replace(plan, input=sink(child, conditions))
        case n.Project(input=child, items=items):
            known = {i.name: i.expr for i in items}
            through = [(c, _substituted(c, known)) for c in conditions]
            below = tuple(s for _, s in through if native(s))
            return _above(replace(plan, input=sink(child, below)), tuple(c for c, s in through if not native(s)))
        case n.Union(inputs=parts):
            return replace(plan, inputs=tuple(sink(p, conditions) for p in parts))
        case n.Unnest(input=child):
            names = frozenset(child.schema.names)
            below = tuple(c for c in conditions if native(c) and e.columns_of(c) <= names)
            return _above(replace(plan, input=sink(child, below)), tuple(c for c in conditions if c not in below))
        case n.Join(left=left, right=right, kind=kind):
            lefts, rights = (frozenset(side.schema.names) for side in (left, right))
            go_left = tuple(c for c in conditions if kind not in ("right", "full") and e.columns_of(c) <= lefts)
            go_right = tuple(c for c in conditions if kind in ("inner", "cross", "right") and e.columns_of(c) <= rights and c not in go_left)
            joined = replace(plan, left=sink(left, go_left), right=sink(right, go_right))
            return _above(joined, tuple(c for c in conditions if c not in go_left and c not in go_right))
        case _:
            return _above(map_inputs(plan, lambda child: sink(child, ())), conditions)


def _above(plan: n.Plan, conditions: tuple[e.Expr, ...]) -> n.Plan:
    """Put conditions over a plan, those that Spark tests itself first."""
    own = tuple(c for c in conditions if native(c))
    other = tuple(c for c in conditions if c not in own)
    for some in (own, other):
        if some:
            plan = n.Filter(plan, all_of(*some))
    return plan


def _substituted(condition: e.Expr, known: dict[str, e.Expr]) -> e.Expr:
    return map_expr(condition, lambda x: known.get(x.name, x) if isinstance(x, e.Column) else x)
