"""Values and nested queries of a plan, settled before the plan is shaped: a cluster runs a nested query by itself first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from livefire.diagnostics import Diagnostic, QueryError, Span
from livefire.engines.base import Value
from livefire.engines.distributed import NESTED
from livefire.engines.distributed.shaping import conjuncts, native, separable
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.walk import map_expr, map_inputs

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_BYTES = 64 * 1024 * 1024


def map_expressions(plan: n.Plan, change: Callable[[e.Expr], e.Expr]) -> n.Plan:
    """Return the plan with every expression that stands directly in any of its nodes changed."""
    plan = map_inputs(plan, lambda child: map_expressions(child, change))

    def items(given: tuple[n.Item, ...]) -> tuple[n.Item, ...]:
        return tuple(n.Item(i.name, change(i.expr)) for i in given)

    def keys(given: tuple[e.SortKey, ...]) -> tuple[e.SortKey, ...]:
        return tuple(replace(k, expr=change(k.expr)) for k in given)

    def step(given: n.Step) -> n.Step:
        return replace(given, keys=tuple(change(k) for k in given.keys))

    match plan:
        case n.Filter(predicate=predicate):
            return replace(plan, predicate=change(predicate))
        case n.Project() | n.Window():
            return replace(plan, items=items(plan.items))
        case n.Aggregate():
            return replace(plan, keys=items(plan.keys), items=items(plan.items))
        case n.Sort():
            return replace(plan, keys=keys(plan.keys))
        case n.Join(on=on):
            return replace(plan, on=change(on))
        case n.Unnest(expr=expr):
            return replace(plan, expr=change(expr))
        case n.Recurrence():
            carried = tuple(replace(c, start=change(c.start), expr=change(c.expr)) for c in plan.carried)
            return replace(plan, stages=tuple(items(s) for s in plan.stages), carried=carried, order_by=keys(plan.order_by))
        case n.Sequence(steps=steps, until=until):
            return replace(plan, steps=tuple(step(s) for s in steps), until=step(until) if until else None)
        case _:
            return plan


def bind(plan: n.Plan, values: Mapping[str, Value]) -> n.Plan:
    """Return the plan with its parameters as constants; E457 for one that nobody gave."""

    def change(part: e.Expr) -> e.Expr:
        if isinstance(part, (e.ScalarQuery, e.InQuery)):
            return replace(part, plan=bind(part.plan, values))
        if not isinstance(part, e.Parameter):
            return part
        if part.name not in values:
            message = f"the query needs a value for {part.name}"
            raise QueryError([Diagnostic("error", "E457", message, Span(0, 0), help="give it when the query is run")])
        value = values[part.name]
        if isinstance(value, datetime) and value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return e.Literal(value, part.type)

    return map_expressions(plan, lambda expr: map_expr(expr, change))


def settle(plan: n.Plan, answer: Callable[[n.Plan], pa.Table], found: dict[str, bytes]) -> n.Plan:
    """Return the plan with its nested queries answered: single values as constants, sets of values as tables in `found`, in Arrow's form.

    QueryError E465 for a set too large to be handed to every node.
    """

    def change(part: e.Expr) -> e.Expr:
        if isinstance(part, e.ScalarQuery):
            rows = answer(n.Limit(part.plan, 1)).column(0).to_pylist()
            return e.Literal(rows[0] if rows else None, part.type)
        if isinstance(part, e.InQuery):
            first = n.select(part.plan, part.plan.schema.names[0])
            name = f"{NESTED}{len(found)}"
            found[name] = _stream(answer(n.Distinct(first)).rename_columns(["c"]))
            return replace(part, plan=n.Scan(name, first.schema, ("c",)))
        return part

    return _sides(map_expressions(plan, lambda expr: map_expr(expr, change)), answer, found)


def _sides(plan: n.Plan, answer: Callable[[n.Plan], pa.Table], found: dict[str, bytes]) -> n.Plan:
    """Answer the right side of each outer join whose condition a cluster cannot test, so that it can go along to the nodes."""
    plan = map_inputs(plan, lambda child: _sides(child, answer, found))
    if not isinstance(plan, n.Join) or plan.kind in ("inner", "cross", "full"):
        return plan
    if plan.kind == "right":
        turned = n.Join(plan.right, plan.left, "left", plan.on, plan.span)
        return n.select(_sides(turned, answer, found), *plan.schema.names) if not _tested(turned) else plan
    if _tested(plan):
        return plan
    names = tuple(f"n{i}" for i in range(len(plan.right.schema)))
    table = f"{NESTED}{len(found)}"
    found[table] = _stream(answer(plan.right).rename_columns(list(names)))
    return replace(plan, right=n.Scan(table, plan.right.schema, names))


def _tested(plan: n.Join) -> bool:
    left, right = frozenset(plan.left.schema.names), frozenset(plan.right.schema.names)
    return all(native(part) or separable(part, left, right) for part in conjuncts(plan.on))


def _stream(table: pa.Table) -> bytes:
    import pyarrow as pa

    if table.nbytes > _MOST_BYTES:
        message = f"a nested query gives more than {_MOST_BYTES >> 20} MiB of values, too many to be handed to every node"
        raise QueryError([Diagnostic("error", "E465", message, Span(0, 0), help="filter the nested query, or write it as a join")])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data
