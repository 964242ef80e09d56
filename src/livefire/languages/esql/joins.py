"""LOOKUP JOIN and ENRICH: columns from a table that the user loaded."""

from __future__ import annotations

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.binder import nearest
from livefire.languages.esql import ast
from livefire.languages.esql import values as v
from livefire.languages.esql.expressions import Expressions
from livefire.languages.esql.scope import Column, Scope
from livefire.languages.esql.values import Kind, Value
from livefire.languages.kit.ast import Name
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.functions import aggregate, all_of, call, negate
from livefire.schema import Type

_RIGHT = "\x01joined "


def lookup(node: ast.LookupJoin, scope: Scope, context: Context) -> None:
    """Add the columns of the table to each row with equal fields; a row with several matches is repeated.

    https://www.elastic.co/docs/reference/query-languages/esql/commands/lookup-join
    """
    table = _table(node.table, context)
    keys = [(name, operator, other, scope.lookup(name, context)) for name, operator, other in node.on]
    if table is None:
        return _unknown_result(scope, context)
    conditions = []
    right = n.Project(table.plan, tuple(n.Item(_RIGHT + f.name, e.Column(f.name, f.type)) for f in table.schema))
    for name, operator, other, value in keys:
        stored = right.schema.get(_RIGHT + other.text)
        if stored is None:
            words = f"{node.table.text!r} has no column {other.text!r} to join on"
            context.diagnostics.error("E172", words, other.span, help="rename the field with RENAME before, or write field == column of the table")
            return None
        wanted = v.of_column(stored.name, stored.type)
        if operator in ("", "=="):
            conditions.append(_equal(value, wanted, name.span, context))
        else:
            conditions.append(Expressions(scope, context).comparison(operator, value, wanted, name.span))
    joined = n.Join(scope.plan, right, "left", all_of(*conditions), node.span)
    names = {name.text for name, operator, _, _ in keys if not operator}
    fresh = [Column.of(f) for f in table.schema if f.name not in names]
    return _attach(scope, joined, fresh)


def _table(name: Name, context: Context) -> Table | None:
    known = [t for t in context.catalog.tables("elastic") if t.vendor == ""]
    found = next((t for t in known if t.answers_to(name.text)), None)
    if found is None:
        meant = nearest(name.text, (t.name for t in known))
        help = f"did you mean {meant!r}?" if meant else "load its rows as a table of that name"
        context.diagnostics.error("E101", f"no loaded table is named {name.text!r}", name.span, help=help)
    return found


def _unknown_result(scope: Scope, context: Context) -> None:
    """Go on with any name after a table that is not known, when a query is only checked."""
    scope.open = scope.open or context.open_schema


def _equal(left: Value, right: Value, span: Span, context: Context) -> e.Expr:
    kind = v.common_kind([left, right])
    if kind is None or (kind is Kind.ANY and not left.kind.textual and not right.kind.textual):
        kind = Kind.TEXT if kind is Kind.ANY else None
    if kind is None:
        context.diagnostics.error("E104", f"{left.kind.value} and {right.kind.value} cannot be joined", span, help="convert one with ::")
        return e.FALSE
    kind = Kind.TEXT if kind is Kind.ANY else kind
    return call("compare.eq", v.scalar(left, kind), v.scalar(right, kind), span=span)


def _attach(scope: Scope, joined: n.Plan, fresh: list[Column]) -> None:
    """Show joined columns after those of the left, in place of any of the same name."""
    taken = {c.name for c in fresh}
    kept = [c for c in scope.columns if c.name not in taken]
    latent = [c for c in scope.latent if c.name not in taken]
    items: dict[str, e.Expr] = {}
    again: dict[str, str] = {}
    for column in (*kept, *latent):
        name = column.plan_name if column.plan_name not in taken else f"{column.plan_name}\x01kept"
        again[column.name] = name
        items[name] = n.column(joined, column.plan_name)
    for column in fresh:
        items[column.name] = n.column(joined, _RIGHT + column.plan_name)
    scope.plan = n.Project(joined, tuple(n.Item(name, expr) for name, expr in items.items()))
    scope.columns = [*(Column(c.name, again[c.name], c.kind, c.many) for c in kept), *(Column(c.name, c.name, c.kind, c.many) for c in fresh)]
    scope.latent = [Column(c.name, again[c.name], c.kind, c.many) for c in latent]


def enrich(node: ast.Enrich, scope: Scope, context: Context) -> None:
    """Add columns of the table that stands for a policy, matched by the field of the same name; several matches give several values.

    https://www.elastic.co/docs/reference/query-languages/esql/commands/enrich
    """
    policy = Name(node.policy.text.rpartition(":")[2], node.policy.span)
    table = _table(policy, context)
    if table is None:
        return _unknown_result(scope, context)
    if node.on is None:
        context.diagnostics.error("E304", "ENRICH needs ON here, for the policy's own field is not known", node.span, help="write ENRICH policy ON field")
        return None
    value = scope.lookup(node.on, context)
    stored = table.schema.get(node.on.text)
    if stored is None:
        words = f"the table {policy.text!r} that stands for the policy has no column {node.on.text!r} to match by"
        context.diagnostics.error("E172", words, node.on.span, help="load it with the match field under that name")
        return None
    if value.many:
        words = f"ENRICH by {node.on.text!r}, which may have several values, is not supported"
        context.diagnostics.error("E305", words, node.on.span, help="MV_EXPAND the field before")
        return None
    pairs = node.pairs if node.pairs is not None else tuple((Name(f.name, node.span), Name(f.name, node.span)) for f in table.schema if f.name != stored.name)
    items, fresh = [], []
    for new, old in pairs:
        column = table.schema.get(old.text)
        if column is None:
            context.diagnostics.error("E172", f"the table {policy.text!r} has no column {old.text!r}", old.span)
            return None
        listed = aggregate("agg.list", e.Column(column.name, column.type))
        items.append(n.Item(_RIGHT + new.text, call("multi.shown", call("multi.values", listed))))
        fresh.append(Column(new.text, new.text, v.of_column(column.name, column.type).kind, many=True))
    key = n.Item(f"{_RIGHT}~key", e.Column(stored.name, stored.type))
    right = n.Aggregate(table.plan, (key,), tuple(items))
    condition = _equal(value, v.of_column(key.name, stored.type), node.on.span, context)
    return _attach(scope, n.Join(scope.plan, right, "left", condition, node.span), fresh)


def expand(node: ast.MvExpand, scope: Scope, context: Context) -> None:
    """Give one row for each value of a field; a row without one is kept."""
    value = scope.lookup(node.name, context)
    column = scope.find(node.name.text)
    if column is None or not value.many:
        return
    plan = n.Project(scope.plan, (*n.keep_all(scope.plan), n.Item("~values", v.array(value))), node.span)
    scope.plan = n.Unnest(plan, e.Column("~values", Type.DYNAMIC), "~one", outer=True, span=node.span)
    element = Value(e.Column("~one", Type.DYNAMIC), value.kind)
    single = element if value.kind in (Kind.ANY, Kind.NULL) else Value(v.scalar(element, value.kind), value.kind)
    scope.replace(column, single)
    scope.plan = n.select(scope.plan, *(name for name in scope.plan.schema.names if name not in ("~values", "~one")))


def complete(node: ast.Completion, scope: Scope, context: Context) -> None:
    """Add the answers of a model as they are recorded in a loaded table: columns `prompt` and `completion`, named like the endpoint.

    No model is asked. A prompt without a recorded answer ends the run, for a missing answer would be taken for one.
    https://www.elastic.co/docs/reference/query-languages/esql/commands/completion
    """
    prompt = v.text(Expressions(scope, context).value(node.prompt))
    known = [t for t in context.catalog.tables("elastic") if t.vendor == ""]
    table = next((t for t in known if t.answers_to(node.endpoint.text)), None)
    if table is None or not {"prompt", "completion"} <= set(table.schema.names):
        words = f"no model is asked here, and no loaded table {node.endpoint.text!r} has the columns prompt and completion to answer for it"
        context.diagnostics.error("E101", words, node.endpoint.span, help="run the query up to COMPLETION, and load the answers you have under that name")
        scope.open = scope.open or context.open_schema
        return scope.assign(node.name, v.null(Kind.TEXT))
    asked = n.extend(scope.plan, n.Item("~prompt", prompt))
    columns = [v.text(v.of_column(name, table.schema.get(name).type)) for name in ("prompt", "completion")]  # type: ignore[union-attr]  # both are there
    answers = n.Aggregate(table.plan, (n.Item("~asked", columns[0]),), (n.Item("~answer", aggregate("agg.min", columns[1])),))
    joined = n.Join(asked, answers, "left", call("compare.eq", n.column(asked, "~prompt"), n.column(answers, "~asked")), node.span)
    unanswered = all_of(call("logic.is_null", n.column(joined, "~answer")), negate(call("logic.is_null", n.column(joined, "~prompt"))))
    words = f"the table {node.endpoint.text!r} has no recorded answer to a prompt of COMPLETION"
    scope.plan = n.Filter(joined, negate(call("logic.fail_if", unanswered, e.text(words), span=node.span)), node.span)
    scope.assign(node.name, Value(n.column(scope.plan, "~answer"), Kind.TEXT))
    scope.plan = n.select(scope.plan, *(name for name in scope.plan.schema.names if name not in ("~prompt", "~asked", "~answer")))
    return None
