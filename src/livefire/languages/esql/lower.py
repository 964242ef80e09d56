"""ES|QL to plans: one function for each command, over a scope of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from livefire.languages.base import Context
from livefire.languages.esql import ast, branches, extraction, joins, stats
from livefire.languages.esql import values as v
from livefire.languages.esql.expressions import Expressions
from livefire.languages.esql.scope import Column, Scope
from livefire.languages.esql.sources import open_scope
from livefire.languages.esql.values import Kind, Value
from livefire.languages.kit.ast import Name
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call
from livefire.schema import Schema, Type

DEFAULT_LIMIT = 1_000
MOST_ROWS = 10_000


def lower(tree: object, context: Context) -> n.Plan:
    """Return the plan of a query.

    Without LIMIT a query gives 1,000 rows, and never more than 10,000, as in Elasticsearch; a notice says so.
    https://www.elastic.co/docs/reference/query-languages/esql/commands/limit
    """
    if not isinstance(tree, ast.Query):
        raise TypeError(f"{type(tree).__name__} is no ES|QL query")
    first, *rest = tree.commands
    if isinstance(first, ast.From):
        scope = open_scope(first, tree.names, context)
    else:
        scope = Scope(n.Values(Schema(()), ((),)), [])
        if isinstance(first, ast.Row):
            _assign(first.fields, scope, context)
    _run(rest, scope, context)
    return _limited(tree, scope, context)


def _limited(tree: ast.Query, scope: Scope, context: Context) -> n.Plan:
    limits = [c for c in tree.commands if isinstance(c, ast.Limit) and not c.groups]
    plan = scope.result()
    if not limits:
        if isinstance(tree.commands[0], ast.From) and not _few(tree):
            words = f"a query without LIMIT gives at most {DEFAULT_LIMIT:,} rows, in Elasticsearch as here"
            context.diagnostics.notice("N170", words, tree.span, help=f"add | LIMIT, of at most {MOST_ROWS}")
        return n.Limit(plan, DEFAULT_LIMIT)
    if min(c.count for c in limits) > MOST_ROWS:
        context.diagnostics.notice("N170", f"Elasticsearch gives at most {MOST_ROWS:,} rows, whatever LIMIT asks for", limits[-1].span)
    return n.Limit(plan, MOST_ROWS)


def _few(tree: ast.Query) -> bool:
    """Tell whether the query can only give one row."""
    return any(isinstance(c, ast.Stats) and not c.inline and not c.groups for c in tree.commands)


def _where(node: ast.Where, scope: Scope, context: Context) -> None:
    scope.plan = n.Filter(scope.plan, Expressions(scope, context).condition(node.condition), node.span)


def _eval(node: ast.Eval, scope: Scope, context: Context) -> None:
    _assign(node.fields, scope, context)


def _assign(fields: tuple[ast.Field, ...], scope: Scope, context: Context) -> None:
    for field in fields:
        value = Expressions(scope, context).value(field.value)
        if value.kind in (Kind.SPAN, Kind.PERIOD):
            context.diagnostics.error("E104", "a time span cannot be a column", field.span, help="use it where it is needed")
            value = v.null()
        scope.assign(field.name, value)


def _keep(node: ast.Keep, scope: Scope, context: Context) -> None:
    """A full name goes before a pattern, and a pattern before `*`, wherever they stand.

    https://www.elastic.co/docs/reference/query-languages/esql/commands/keep
    """
    ranks: dict[str, int] = {}
    chosen: dict[str, Column] = {}
    for pattern in node.patterns:
        found = scope.matching(pattern)
        if not found:
            found = _none_matches(pattern, scope, context)
        rank = 2 if pattern.quoted or "*" not in pattern.text else 0 if pattern.text == "*" else 1
        for column in found:
            if rank >= ranks.get(column.name, -1):
                ranks[column.name] = rank
                chosen.pop(column.name, None)
                chosen[column.name] = column
    scope.close(list(chosen.values()))


def _none_matches(pattern: Name, scope: Scope, context: Context) -> list[Column]:
    if scope.open:
        if "*" in pattern.text and not pattern.quoted:
            return []
        scope.assign(pattern.text, Value(e.null(Type.DYNAMIC), Kind.ANY, many=True))
        return [scope.columns[-1]]
    if "*" in pattern.text and not pattern.quoted:
        context.diagnostics.error("E172", f"no column fits {pattern.text!r}", pattern.span, help="known: " + ", ".join(scope.schema.names[:12]))
    else:
        scope.lookup(pattern, context)
    return []


def _drop(node: ast.Drop, scope: Scope, context: Context) -> None:
    gone: set[str] = set()
    for pattern in node.patterns:
        if pattern.text == "*" and not pattern.quoted:
            context.diagnostics.error("E172", "DROP * would leave no column", pattern.span)
            continue
        gone |= {c.name for c in scope.matching(pattern) or ([] if scope.open else _none_matches(pattern, scope, context))}
    scope.columns = [c for c in scope.columns if c.name not in gone]
    scope.latent = [c for c in scope.latent if c.name not in gone]
    names = list(dict.fromkeys(c.plan_name for c in (*scope.columns, *scope.latent)))
    scope.plan = n.select(scope.plan, *names)


def _rename(node: ast.Rename, scope: Scope, context: Context) -> None:
    """Columns keep their places; one that already has the new name goes."""
    for old, new in node.pairs:
        found = scope.find(old.text)
        if found is None:
            if scope.open:
                scope.assign(new.text, Value(e.null(Type.DYNAMIC), Kind.ANY, many=True))
                continue
            scope.lookup(old, context)
            continue
        if old.text == new.text:
            continue
        renamed = Column(new.text, found.plan_name, found.kind, found.many)
        scope.columns = [renamed if c is found else c for c in scope.columns if c.name != new.text]
        scope.latent = [c for c in scope.latent if c.name != new.text and c is not found]
        if renamed not in scope.columns:
            scope.columns.append(renamed)


def _sort(node: ast.Sort, scope: Scope, context: Context) -> None:
    """Nulls come last going up and first going down; several values are ordered by their least, or going down their greatest."""
    expressions = Expressions(scope, context)
    keys = []
    for key in node.keys:
        value = expressions.value(key.value)
        expr = v.extreme(value, greatest=key.descending) if value.many else value.expr
        nulls_first = key.descending if key.nulls_first is None else key.nulls_first
        if value.kind is Kind.IP:
            expr = call("address.digits", expr)
        if value.kind is Kind.ANY:
            number = call("dynamic.real", _number_only(expr))
            keys.append(e.SortKey(number, key.descending, nulls_first))
            expr = call("dynamic.text", expr)
        keys.append(e.SortKey(expr, key.descending, nulls_first))
    scope.plan = n.Sort(scope.plan, tuple(keys), node.span)


def _number_only(element: e.Expr) -> e.Expr:
    is_text = call("compare.eq", call("logic.type_name", element), e.text("string"))
    return e.Case(((is_text, e.null(Type.DYNAMIC)),), element, Type.DYNAMIC)


def _limit(node: ast.Limit, scope: Scope, context: Context) -> None:
    if node.groups:
        branches.limit_each(node, scope, context)
    else:
        scope.plan = n.Limit(scope.plan, node.count, span=node.span)


def _fork(node: ast.Fork, scope: Scope, context: Context) -> None:
    branches.fork(node, scope, context, _run, DEFAULT_LIMIT)


def _run(commands: Iterable[ast.Command], scope: Scope, context: Context) -> None:
    for command in commands:
        _COMMANDS[type(command)](command, scope, context)


def _stats(node: ast.Stats, scope: Scope, context: Context) -> None:
    stats.lower(node, scope, context)


_COMMANDS: dict[type, Callable[..., None]] = {
    ast.Where: _where,
    ast.Eval: _eval,
    ast.Stats: _stats,
    ast.Keep: _keep,
    ast.Drop: _drop,
    ast.Rename: _rename,
    ast.Sort: _sort,
    ast.Limit: _limit,
    ast.Dissect: extraction.dissect,
    ast.Grok: extraction.run_grok,
    ast.Enrich: joins.enrich,
    ast.LookupJoin: joins.lookup,
    ast.MvExpand: joins.expand,
    ast.Completion: joins.complete,
    ast.Fork: _fork,
}
