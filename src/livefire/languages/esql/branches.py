"""FORK and LIMIT … BY: rows that are worked on apart.

https://www.elastic.co/docs/reference/query-languages/esql/commands/fork
https://www.elastic.co/docs/reference/query-languages/esql/commands/limit
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.esql import ast
from livefire.languages.esql import values as v
from livefire.languages.esql.expressions import Expressions
from livefire.languages.esql.scope import Column, Scope
from livefire.languages.esql.values import PLAN_TYPES, Kind, Value
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call
from livefire.schema import Type

_NAME = "_fork"
_PLACE = "~place in branch"
_RANK = "~rank in group"
Runner = Callable[[Iterable[ast.Command], Scope, Context], None]


def fork(node: ast.Fork, scope: Scope, context: Context, run: Runner, limit: int) -> None:
    """Run every branch on the rows and put their rows one after another, `_fork` naming the branch of each.

    A branch without LIMIT gives `limit` rows. A column that a branch does not have is null in its
    rows; one that has another type in another branch is E104.
    """
    found: list[Scope] = []
    for commands in node.branches:
        branch = Scope(scope.plan, list(scope.columns), list(scope.latent), scope.open, scope.mapping)
        run(commands, branch, context)
        if not any(isinstance(c, ast.Limit) and not c.groups for c in commands):
            branch.plan = n.Limit(branch.plan, limit, span=node.span)
        found.append(branch)
    layout = _layout(found, node.span, context)
    parts = [_part(branch, f"fork{number}", layout, node.span) for number, branch in enumerate(found, 1)]
    plan: n.Plan = parts[0] if len(parts) == 1 else n.Union(tuple(parts), node.span)
    plan = n.Sort(plan, (e.SortKey(n.column(plan, _NAME)), e.SortKey(n.column(plan, _PLACE))), node.span)
    shown = {c.name for branch in found for c in branch.columns}
    scope.plan = n.select(plan, *(name for name in plan.schema.names if name != _PLACE))
    scope.columns = [*(c for c in layout if c.name in shown and c.name != _NAME), Column(_NAME, _NAME, Kind.TEXT)]
    scope.latent = [c for c in layout if c.name not in shown]
    scope.open = any(branch.open for branch in found)


def _layout(branches: list[Scope], span: Span, context: Context) -> list[Column]:
    """Return every column of the branches once, with the type it has in all of them."""
    layout: dict[str, Column] = {}
    for branch in branches:
        for column in (*branch.columns, *branch.latent):
            before = layout.setdefault(column.name, replace(column, plan_name=column.name))
            kinds = {before.kind, column.kind} - {Kind.NULL}
            if len(kinds) > 1 and Kind.ANY not in kinds:
                words = f"{column.name!r} is {before.kind.value} in one branch of FORK and {column.kind.value} in another"
                context.diagnostics.error("E104", words, span, help="convert it in one of them, or name it otherwise")
                continue
            kind = Kind.ANY if Kind.ANY in kinds else next(iter(kinds), Kind.NULL)
            layout[column.name] = replace(before, kind=kind, many=before.many or column.many or kind is Kind.ANY)
    return list(layout.values())


def _part(branch: Scope, name: str, layout: list[Column], span: Span) -> n.Plan:
    """Return the rows of a branch with the columns of all, their branch and their place in it."""
    place = e.WindowCall("window.row_number", (), Type.LONG, row_order=True)
    plan = n.Window(branch.plan, (n.Item(_PLACE, place),), span)
    items = []
    for column in layout:
        stored = branch.find(column.name)
        value = v.null() if stored is None else branch.value(stored)
        items.append(n.Item(column.name, _as(value, column)))
    return n.Project(plan, (*(i for i in items if i.name != _NAME), n.Item(_NAME, e.text(name)), n.Item(_PLACE, n.column(plan, _PLACE))), span)


def _as(value: Value, column: Column) -> e.Expr:
    if column.many:
        return v.json(value)
    return v.scalar(value, column.kind) if value.kind is not Kind.NULL else e.null(PLAN_TYPES[column.kind])


def limit_each(node: ast.Limit, scope: Scope, context: Context) -> None:
    """Keep the first rows of each group, in the order of the rows; rows without a value are a group.

    Where nothing orders the rows they are taken as they are stored, so that a run repeats.
    """
    expressions = Expressions(scope, context)
    keys: list[e.Expr] = []
    for group in node.groups:
        value = expressions.value(group)
        if value.many:
            words = "LIMIT … BY a field that may have several values is not supported"
            context.diagnostics.error("E305", words, group.span, help="MV_EXPAND the field before, or convert it with ::")
        else:
            keys.append(value.expr)
    place = e.WindowCall("window.row_number", (), Type.LONG, row_order=True)
    numbered = n.Window(scope.plan, (n.Item(_PLACE, place),), node.span)
    rank = e.WindowCall("window.row_number", (), Type.LONG, tuple(keys), (e.SortKey(n.column(numbered, _PLACE)),))
    ranked = n.Window(numbered, (n.Item(_RANK, rank),), node.span)
    kept = n.Filter(ranked, call("compare.le", n.column(ranked, _RANK), e.whole(node.count)), node.span)
    ordered = n.Sort(kept, (e.SortKey(n.column(kept, _PLACE)),), node.span)
    scope.plan = n.select(ordered, *scope.plan.schema.names)
