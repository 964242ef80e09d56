"""Rewrites of a plan before it is printed: each is a function from plan to plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import FUNCTIONS
from livefire.plan.prune import prune_columns
from livefire.plan.sink import sink_filters
from livefire.plan.walk import map_expr, map_inputs, map_item, map_items, plain, quiet

ORDER_PREFIX = "\x01order"


def rewrite(plan: n.Plan) -> n.Plan:
    """Apply every rewrite in turn."""
    for step in REWRITES:
        plan = step(plan)
    return plan


class _Order:
    """Carries the order of rows as hidden columns, for SQL keeps none through a subquery."""

    def __init__(self, first: int = 0) -> None:
        self.count = first

    def carry(self, plan: n.Plan) -> tuple[n.Plan, tuple[e.SortKey, ...]]:
        """Return the plan, perhaps with hidden columns, and the keys of its row order."""
        if quiet(plan):
            return plan, ()
        match plan:
            case n.Sort(input=child, keys=keys):
                return self._sort(child, keys)
            case n.Filter(input=child):
                inner, order = self.carry(child)
                predicate = self._nested(plan.predicate)
                same = inner is child and predicate is plan.predicate
                return plan if same else n.Filter(inner, predicate, plan.span), order
            case n.Project(input=child, items=items):
                inner, order = self.carry(child)
                hidden = tuple([n.Item(k.expr.name, k.expr) for k in order if isinstance(k.expr, e.Column)])
                kept = self._items(items)
                same = inner is child and kept is items and not hidden
                return plan if same else n.Project(inner, (*kept, *hidden), plan.span), order
            case n.Limit(input=child):
                inner, order = self.carry(child)
                return replace(plan, input=n.Sort(inner, order) if order else inner), order
            case n.Unnest(input=child):
                inner, order = self.carry(child)
                return replace(plan, input=inner), order
            case n.Window(input=child, items=items):
                inner, order = self.carry(child)
                return replace(plan, input=inner, items=self._ordered_items(items, order)), order
            case n.Recurrence(input=child, stages=stages, carried=carried):
                inner, order = self.carry(child)
                nested = tuple(replace(c, start=self._nested(c.start), expr=self._nested(c.expr)) for c in carried)
                return replace(plan, input=inner, stages=tuple(self._items(s) for s in stages), carried=nested, order_by=order), order
            case n.Aggregate(input=child):
                inner, order = self.carry(child)
                return replace(plan, input=inner, keys=self._items(plan.keys), items=self._ordered_items(plan.items, order)), ()
            case n.Distinct(input=child):
                return self._distinct(plan, child)
            case _:
                return map_inputs(plan, self.visible), ()

    def visible(self, plan: n.Plan) -> n.Plan:
        """Return the plan without hidden columns and in no order."""
        inner, order = self.carry(plan)
        return n.select(inner, *plan.schema.names) if order else inner

    def _sort(self, child: n.Plan, keys: tuple[e.SortKey, ...]) -> tuple[n.Plan, tuple[e.SortKey, ...]]:
        inner, before = self.carry(child)
        fresh = []
        for key in keys:
            name = f"{ORDER_PREFIX}{self.count}"
            self.count += 1
            fresh.append(n.Item(name, key.expr))
        plan = n.Project(inner, (*n.keep_all(inner), *fresh))
        order = tuple(replace(k, expr=e.Column(i.name, k.expr.type)) for k, i in zip(keys, fresh, strict=True))
        return plan, (*order, *before)

    def _distinct(self, plan: n.Distinct, child: n.Plan) -> tuple[n.Plan, tuple[e.SortKey, ...]]:
        """First appearances keep their order when the input has one."""
        inner, order = self.carry(child)
        if not order:
            return replace(plan, input=inner), ()
        names = child.schema.names
        rank = f"{ORDER_PREFIX}{self.count}"
        self.count += 1
        partition = tuple(n.column(inner, name) for name in names)
        numbered = n.Window(inner, (n.Item(rank, e.WindowCall("window.row_number", (), FUNCTIONS["window.row_number"].returns_type, partition, order)),))
        first = n.Filter(numbered, e.Call("compare.eq", (n.column(numbered, rank), e.whole(1)), e.TRUE.type))
        return n.select(first, *inner.schema.names), order

    def _ordered_items(self, items: tuple[n.Item, ...], order: tuple[e.SortKey, ...]) -> tuple[n.Item, ...]:
        def change(expr: e.Expr) -> e.Expr:
            if not order or not isinstance(expr, (e.Aggregate, e.WindowCall)) or expr.order_by:
                return expr
            if isinstance(expr, e.WindowCall) and not expr.row_order:
                return expr
            if isinstance(expr, e.Aggregate) and not FUNCTIONS[expr.function].ordered:
                return expr
            return replace(expr, order_by=order)

        return tuple(map_item(i, lambda x: map_expr(x, change)) for i in self._items(items)) if order else self._items(items)

    def _items(self, items: tuple[n.Item, ...]) -> tuple[n.Item, ...]:
        return map_items(items, self._nested)

    def _nested(self, expr: e.Expr) -> e.Expr:
        def change(part: e.Expr) -> e.Expr:
            return replace(part, plan=keep_order(part.plan)) if isinstance(part, (e.ScalarQuery, e.InQuery)) else part

        return expr if plain(expr) else map_expr(expr, change)


def keep_order(plan: n.Plan, first: int = 0) -> n.Plan:
    """Make the last order of the plan hold at its end, and that of its input where an aggregate needs it.

    Hidden columns are numbered from `first`: a plan that has hidden columns already is given a number beyond theirs.
    """
    inner, order = _Order(first).carry(plan)
    return n.select(n.Sort(inner, order), *plan.schema.names) if order else inner


REWRITES: tuple[Callable[[n.Plan], n.Plan], ...] = (keep_order, sink_filters, prune_columns)
