"""STATS and INLINE STATS: groups, aggregates and expressions over them.

https://www.elastic.co/docs/reference/query-languages/esql/commands/stats-by
"""

from __future__ import annotations

from dataclasses import dataclass, field

from livefire.languages.base import Context
from livefire.languages.esql import aggregates, ast
from livefire.languages.esql import values as v
from livefire.languages.esql.expressions import Expressions
from livefire.languages.esql.scope import Column, Scope
from livefire.languages.esql.values import PLAN_TYPES, Kind, Value
from livefire.languages.kit.ast import Apply, Ast
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, call
from livefire.schema import Field, Schema, Type


@dataclass(slots=True)
class Groups:
    """The rows to group with a plan column for each key; `wholes` keep the values of a key before they were taken apart."""

    plan: n.Plan
    keys: list[tuple[str, Value]] = field(default_factory=list)


def lower(node: ast.Stats, scope: Scope, context: Context) -> None:
    """Aggregate the rows; with `inline` join the results to each row of its group."""
    groups = _group(node, scope, context)
    aggregated, columns = _aggregate(node, scope, groups, context)
    if node.inline:
        _join(node, scope, aggregated, columns, context)
        return
    scope.plan, scope.columns, scope.latent, scope.open = aggregated, columns, [], False


def _group(node: ast.Stats, scope: Scope, context: Context) -> Groups:
    """Compute the keys; a row with several values of one is in the group of each.

    https://www.elastic.co/docs/reference/query-languages/esql/commands/stats-by#esql-stats-by-examples
    """
    expressions = Expressions(scope, context)
    found: dict[str, Value] = {}
    for group in node.groups:
        found.pop(group.name, None)
        found[group.name] = _column_value(expressions, group)
    groups = Groups(scope.plan)
    items = [n.Item(f"~key {i}", call("array.distinct", v.array(x)) if x.many else x.expr) for i, x in enumerate(found.values())]
    if items:
        groups.plan = n.Project(groups.plan, (*n.keep_all(groups.plan), *items), node.span)
    for number, (name, value) in enumerate(found.items()):
        key = n.column(groups.plan, f"~key {number}")
        if not value.many:
            groups.keys.append((name, Value(key, value.kind)))
            continue
        groups.plan = n.Unnest(groups.plan, key, f"~one {number}", outer=True, span=node.span)
        element = Value(e.Column(f"~one {number}", Type.DYNAMIC), value.kind)
        typed = element if value.kind in (Kind.ANY, Kind.NULL) else Value(v.scalar(element, value.kind), value.kind)
        groups.keys.append((name, typed))
    return groups


def _column_value(expressions: Expressions, group: ast.Field) -> Value:
    value = expressions.value(group.value)
    if value.kind in (Kind.SPAN, Kind.PERIOD):
        return expressions.error("E104", "a time span cannot be a column", group.span)
    return value


class _Collector:
    """Collects the aggregates of one command; each becomes a column of the grouped rows."""

    def __init__(self, scope: Scope, context: Context) -> None:
        self.inner = Expressions(scope, context)
        self.items: list[n.Item] = []
        self.where: e.Expr | None = None

    def __call__(self, node: Apply) -> Value:
        """Return the column of an aggregate."""
        value = aggregates.build(node, self.inner, self.where)
        name = f"~aggregate {len(self.items)}"
        self.items.append(n.Item(name, value.expr))
        return Value(e.Column(name, value.expr.type), value.kind, value.many)


def _aggregate(node: ast.Stats, scope: Scope, groups: Groups, context: Context) -> tuple[n.Plan, list[Column]]:
    keyed = Scope(scope.plan, scope.columns, scope.latent, scope.open, scope.mapping)
    collector = _Collector(keyed, context)
    stored = Schema(tuple(Field(name, value.expr.type) for name, value in groups.keys))
    outer_scope = Scope(n.Values(stored, ()), [Column(name, name, x.kind) for name, x in groups.keys])
    outer_scope.open = scope.open and not node.fields
    outer = Expressions(outer_scope, context, collector)
    results: dict[str, Value] = {}
    for item in node.fields:
        collector.where = _filter(item.where, collector.inner)
        before = len(collector.items)
        results.pop(item.name, None)
        results[item.name] = outer.value(item.value)
        if len(collector.items) == before and not context.diagnostics.failed:
            outer.error("E104", "STATS takes aggregates, and this is none", item.span, "group by it: STATS … BY field")
    keys = tuple(n.Item(name, value.expr) for name, value in groups.keys)
    names = {name for name, _ in groups.keys}
    grouped = n.Aggregate(groups.plan, keys, tuple(collector.items), node.span)
    shown = [(name, x) for name, x in results.items() if name not in names]
    shown += [(name, Value(e.Column(name, x.expr.type), x.kind)) for name, x in groups.keys]
    plan = n.Project(grouped, tuple(n.Item(name, x.expr) for name, x in shown), node.span)
    return plan, [Column(name, name, x.kind, x.many) for name, x in shown]


def _filter(node: Ast | None, expressions: Expressions) -> e.Expr | None:
    return expressions.condition(node) if node is not None else None


def _join(node: ast.Stats, scope: Scope, aggregated: n.Plan, columns: list[Column], context: Context) -> None:
    """Give every row the results of its group; a row with several values of a key has none."""
    keys = list(dict.fromkeys(g.name for g in node.groups))
    expressions = Expressions(scope, context)
    found = {g.name: _column_value(expressions, g) for g in node.groups}
    left_items = [n.Item(f"~left {i}", v.scalar(found[name], found[name].kind)) for i, name in enumerate(keys)]
    ones = [found[name] for name in keys if found[name].many]
    left_items += [n.Item(f"~several {i}", call("compare.le", call("array.length", v.array(x)), e.whole(1))) for i, x in enumerate(ones)]
    left: n.Plan = n.Project(scope.plan, (*n.keep_all(scope.plan), *left_items)) if left_items else scope.plan
    right = n.Project(aggregated, tuple(n.Item(f"~right {c.name}", n.column(aggregated, c.plan_name)) for c in columns))
    conditions: list[e.Expr] = [call("compare.same", n.column(left, f"~left {i}"), n.column(right, f"~right {name}")) for i, name in enumerate(keys)]
    conditions += [n.column(left, f"~several {i}") for i in range(len(ones))]
    joined = n.Join(left, right, "left" if keys else "cross", all_of(*conditions), node.span)
    fresh = {c.name for c in columns}
    kept = [c for c in scope.columns if c.name not in fresh]
    latent = [c for c in scope.latent if c.name not in fresh]
    kept_names = dict.fromkeys(c.plan_name for c in (*kept, *latent))
    moved = {name: f"{name}\x01kept" if name in fresh else name for name in kept_names}
    items = [n.Item(moved[name], n.column(joined, name)) for name in kept_names]
    for column in columns:
        # The key of a row with several values stays as it is.
        expr: e.Expr = n.column(joined, f"~right {column.name}")
        if column.name in keys:
            expr = _own(found[column.name], column)
        items.append(n.Item(column.name, expr))
    scope.plan = n.Project(joined, tuple(items), node.span)
    again = [Column(c.name, moved[c.plan_name], c.kind, c.many) for c in kept]
    scope.latent = [Column(c.name, moved[c.plan_name], c.kind, c.many) for c in latent]
    own = {name: found[name].many for name in keys}
    scope.columns = [*again, *(Column(c.name, c.name, c.kind, own.get(c.name, c.many)) for c in columns)]


def _own(value: Value, column: Column) -> e.Expr:
    expr = value.expr
    return e.null(PLAN_TYPES[column.kind]) if expr.type is Type.UNKNOWN else expr
