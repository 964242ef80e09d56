"""Lowering of a KQL text to a plan: statements, then a query's operators one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from livefire.diagnostics import Halt, QueryError, Span
from livefire.languages.base import Context
from livefire.languages.kit.ast import Apply, Name
from livefire.languages.kql import (
    coerce,
    evaluate,
    expanding,
    graph_matching,
    graphs,
    grouping,
    joins,
    parsing,
    ranking,
    rows,
    scanning,
    series,
    unions,
    within,
)
from livefire.languages.kql import nodes as k
from livefire.languages.kql.calls import known_function
from livefire.languages.kql.expressions import span_of
from livefire.languages.kql.graph_nodes import GraphMatch, GraphToTable
from livefire.languages.kql.saved import saved_names
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import Declared, Frame, Function, Relation, Scope, State, nowhere
from livefire.languages.kql.several import one_table, refused
from livefire.languages.kql.sources import is_tabular, lower_any, lower_source
from livefire.plan import expr as e
from livefire.plan.nodes import Plan


def lower(ast: object, context: Context) -> Plan:
    """Return the plan of a text; errors are recorded, and `Halt` raised where lowering cannot go on."""
    scope = Scope(State(context), saved_names(context))
    try:
        return lower_block(scope, one_table(cast("k.Block", ast), context)).plan
    except QueryError:
        raise Halt from None


def lower_block(scope: Scope, block: k.Block) -> Relation:
    """Return the rows of a block's query after its statements."""
    inner = _statements(scope, block)
    if block.query is None:
        _unasked(scope, block)
        return nowhere()
    return lower_source(inner, block.query)


def lower_body(scope: Scope, block: k.Block) -> e.Expr:
    """Return the value of a scalar function's body."""
    inner = _statements(scope, block)
    if block.query is None:
        return _unasked(scope, block)
    return lower_scalar(inner, block.query)


def _unasked(scope: Scope, block: k.Block) -> e.Expr:
    """A body of definitions alone is KQL, and gives nothing where it is called."""
    return scope.error("E125", "the body defines names and ends without a query or value", block.span, "end it with one")


def _statements(scope: Scope, block: k.Block) -> Scope:
    frame = Frame(outer=scope.frame)
    inner = scope.inner(frame)
    for statement in block.statements:
        match statement:
            case k.Let():
                _let(inner, statement)
            case k.QueryParameters():
                _parameters(inner, statement)
            case k.Declared():
                inner.frame.names[statement.name] = Declared(statement, Frame(dict(inner.frame.names), inner.frame.outer))
            case k.Setting():
                inner.frame.names[f"set {statement.name}"] = lower_scalar(inner, statement.value)
            case k.Ignored():
                if statement.what in ("alias", "restrict access"):
                    scope.error("E305", f"the statement `{statement.what}` is not run", statement.span)
                else:
                    scope.context.diagnostics.notice("N121", f"`{statement.what}` has no effect here", statement.span)
    return inner


def _let(scope: Scope, statement: k.Let) -> None:
    name, value = statement.name, statement.value
    if name in scope.frame.names:
        scope.error("E106", f"{name!r} is defined twice", statement.name_span)
    if isinstance(value, k.FunctionBody):
        # The frame at this point: a function sees the names before it, not those after.
        scope.frame.names[name] = Function(value, Frame(dict(scope.frame.names), scope.frame.outer))
    elif is_tabular(scope, value) or _probably_tabular(scope, value):
        scope.frame.names[name] = lower_any(scope, value)
    else:
        scope.frame.names[name] = lower_scalar(scope, value)


def _probably_tabular(scope: Scope, value: k.Expression) -> bool:
    """A bare name or call that is nothing known is taken for a table, which the message then says."""

    if isinstance(value, Name):
        return scope.frame.find(value.text) is None
    return isinstance(value, Apply) and scope.frame.find(value.function) is None and not known_function(value.function)


def _parameters(scope: Scope, statement: k.QueryParameters) -> None:

    given = scope.context.options.get("parameters")
    for parameter in statement.parameters:
        if isinstance(given, Mapping) and parameter.name in given:
            scope.frame.names[parameter.name] = coerce.to_type(e.text(str(given[parameter.name])), parameter.type)
            continue
        if parameter.default is None:
            report = scope.context.diagnostics.warn if scope.context.open_schema else scope.context.diagnostics.error
            code = "W457" if scope.context.open_schema else "E457"
            words = f"the query parameter {parameter.name!r} has no value"
            report(code, words, parameter.span, help=f"give parameters={{{parameter.name!r}: …}}, or a default, as in name: type = value")
            scope.frame.names[parameter.name] = e.null(parameter.type)
            continue
        scope.frame.names[parameter.name] = coerce.fit(lower_scalar(scope, parameter.default), parameter.type)


def lower_steps(scope: Scope, relation: Relation, steps: tuple[k.Step, ...]) -> Relation:
    """Return the rows after the operators."""
    scope = scope.bare()
    for step in steps:
        if isinstance(step, k.As) and not relation.graph:
            scope.frame.names[step.name] = Relation(relation.plan, relation.open, step.name, relation.ordered)
            relation = Relation(relation.plan, relation.open, step.name, relation.ordered)
            continue
        if relation.graph and not isinstance(step, (GraphMatch, GraphToTable, k.Unsupported)):
            scope.error("E104", "a graph is no rows: read it with graph-match, graph-shortest-paths or graph-to-table", step.span)
            return Relation(relation.plan, open=True)
        relation = _STEPS[type(step)](scope, relation, step)
    return relation


def _unsupported(scope: Scope, relation: Relation, step: k.Unsupported) -> Relation:
    scope.error("E301", f"the operator {step.name} is not run: {step.reason}", step.span)
    return Relation(relation.plan, open=True)


def _render(scope: Scope, relation: Relation, step: k.Render) -> Relation:
    scope.context.diagnostics.notice("N122", "render draws a chart and changes no row; the rows are given", step.span)
    return relation


_STEPS: dict[type, Callable[..., Relation]] = {
    **rows.STEPS, **grouping.STEPS, **joins.STEPS, **unions.STEPS, **expanding.STEPS, **parsing.STEPS, **series.STEPS, **evaluate.STEPS,
    **within.STEPS, **scanning.STEPS, **ranking.STEPS, **graphs.STEPS, **graph_matching.STEPS,
    k.Unsupported: _unsupported, k.Render: _render, k.Several: refused,
}  # fmt: skip

__all__ = ["Span", "lower", "lower_block", "lower_body", "lower_steps", "span_of"]
