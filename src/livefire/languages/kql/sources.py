"""Lowering of sources: tables of the catalog, let names, function calls, datatable, range, print."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

from livefire.diagnostics import Span
from livefire.languages.binder import nearest, unknown_table
from livefire.languages.kit.ast import Apply, Constant, Index, Member, Name
from livefire.languages.kql import coerce
from livefire.languages.kql import nodes as k
from livefire.languages.kql.calls import named_values
from livefire.languages.kql.external import lower_external
from livefire.languages.kql.naming import Namer, default_name
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import MAX_CALLS, SITE, VENDOR, Declared, Frame, Function, Relation, Scope, filled, nowhere
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.functions import call
from livefire.schema import Field, Schema, Type

_TABULAR_CALLS = frozenset(
    {"materialize", "table", "view", "union", "_GetWatchlist", "external_table", "materialized_view", "database", "workspace", "app", "cluster", "totable"}
)
_MOST_OF_RANGE = 1_048_576
_TABULAR_NODES = (k.Query, k.DataTable, k.Print, k.Range, k.ExternalData, k.Wildcard, k.Union, k.Search, k.Find, k.Block)


def is_tabular(scope: Scope, node: object) -> bool:
    """True when a node gives rows rather than a value."""
    if isinstance(node, _TABULAR_NODES):
        return True
    if isinstance(node, Name):
        bound = scope.frame.find(node.text)
        if bound is not None:
            return isinstance(bound, Relation)
        return node.text not in scope.columns and scope.table(node.text) is not None
    if isinstance(node, Apply):
        bound = scope.frame.find(node.function)
        if isinstance(bound, Function):
            return _function_is_tabular(scope, bound)
        if isinstance(bound, (Relation, Declared)):
            return True
        if node.function == "materialize" and node.args:
            return is_tabular(scope, node.args[0].value)
        return node.function in _TABULAR_CALLS
    if isinstance(node, (Member, Index)) and isinstance(node.base, Apply):
        far = isinstance(node, Member) and node.base.function in ("database", "cluster", "workspace", "app")
        return far or isinstance(scope.frame.find(node.base.function), Declared)
    return False


def _function_is_tabular(scope: Scope, function: Function) -> bool:
    body = function.definition.body
    inner = Frame({p.name: nowhere() for p in function.definition.parameters if p.tabular}, function.frame)
    for statement in body.statements:
        if isinstance(statement, k.Let) and is_tabular(scope.inner(inner), statement.value):
            inner.names[statement.name] = nowhere()
        elif isinstance(statement, k.Let) and isinstance(statement.value, k.FunctionBody):
            inner.names[statement.name] = Function(statement.value, inner)
    return body.query is not None and is_tabular(scope.inner(inner), body.query)


def lower_source(scope: Scope, node: object) -> Relation:
    """Return the rows of a source; what is no source is E104 and gives an open relation."""
    found = lower_any(scope, node)
    if found.graph:
        words = "a graph is no rows: read it with graph-match, graph-shortest-paths or graph-to-table"
        scope.error("E104", words, getattr(node, "span", Span(0, 0)))
        return nowhere()
    return found


def lower_any(scope: Scope, node: object) -> Relation:
    """Return the rows or the graph of a source; what is neither is E104 and gives an open relation."""
    match node:
        case k.Query(source=source, steps=steps):
            from livefire.languages.kql.lower import lower_steps

            return lower_steps(scope, lower_any(scope, source), steps)
        case k.Block():
            from livefire.languages.kql.lower import lower_block

            return lower_block(scope, node)
        case Name():
            return _named(scope, node)
        case Apply():
            return _called(scope, node)
        case k.DataTable():
            return _datatable(scope, node)
        case k.Print():
            return _print(scope, node)
        case k.Range():
            return _range(scope, node)
        case k.ExternalData():
            return lower_external(scope, node)
        case k.Union():
            from livefire.languages.kql.unions import lower_union

            return lower_union(scope, None, node)
        case k.Search():
            from livefire.languages.kql.unions import lower_search

            return lower_search(scope, None, node)
        case k.Find():
            from livefire.languages.kql.finding import lower_find

            return lower_find(scope, node)
        case k.Wildcard():
            scope.error("E305", f"the pattern {node.pattern!r} stands only in a union", node.span)
            return nowhere()
        case Member(base=Apply() as called, name=path) | Index(base=Apply() as called, index=Constant(value=str() as path)) if isinstance(
            declared := scope.frame.find(called.function), Declared
        ):
            return _declared(scope, declared, called, path)
        case Member(base=Apply(function="database" | "cluster" | "workspace" | "app")):
            scope.error("E305", "tables of another workspace, database or cluster are not here", node.span, "load them, and name them plainly")
            return nowhere()
        case _:
            scope.error(
                "E104",
                "rows are expected here, not a value",
                getattr(node, "span", Span(0, 0)),
                "start with a table, datatable(…) or print",
            )
            return nowhere()


def _named(scope: Scope, node: Name) -> Relation:
    bound = scope.frame.find(node.text)
    if isinstance(bound, Relation):
        return replace(bound, name=node.text) if not bound.name else bound
    if isinstance(bound, Function):
        return _apply_function(scope, bound, Apply(node.text, (), node.span, node.span))
    if isinstance(bound, Declared):
        return _declared(scope, bound, Apply(node.text, (), node.span, node.span), None)
    if bound is not None:
        scope.error("E104", f"{node.text!r} is a value, and rows are expected here", node.span)
        return nowhere()
    table = scope.table(node.text)
    if table is not None:
        return _filled_rows(scope, table, node.text, node.span)
    unknown_table(node.text, node.span, scope.context, VENDOR)
    if not scope.context.open_schema:
        scope.context.diagnostics.raise_if_failed()
    return replace(nowhere(), name=node.text)


def _filled_rows(scope: Scope, table: Table, name: str, span: Span) -> Relation:
    """Return a table's rows; a table of the product that nothing here fills is said to have none, once a query."""
    if table.vendor and isinstance(table.plan, n.Values) and not table.plan.rows and name not in scope.state.unfilled:
        scope.state.unfilled.add(name)
        help = f"load its events as a table named {name!r}, or read the rule as one for other logs"
        scope.context.diagnostics.warn("W109", f"no log here fills {name}: the query finds nothing in it", span, help=help)
    return table_rows(table, name)


def table_rows(table: Table, name: str) -> Relation:
    """Return a table's declared columns, null texts made empty."""
    plan = table.plan if not table.hidden else n.select(table.plan, *table.schema.names)
    found = Relation(plan, open=table.open, name=name)
    return found if found.empty else found.with_plan(_filled_once(plan))


_FILLED: dict[int, tuple[n.Plan, n.Plan]] = {}


def _filled_once(plan: n.Plan) -> n.Plan:
    """Return a table's plan filled: the plans of a product's tables are made once, and are wide."""
    known = _FILLED.get(id(plan))
    if known is None or known[0] is not plan:
        if len(_FILLED) > 512:
            _FILLED.clear()
        known = _FILLED[id(plan)] = (plan, filled(plan))
    return known[1]


def _called(scope: Scope, node: Apply) -> Relation:
    bound = scope.frame.find(node.function)
    if isinstance(bound, Function):
        return _apply_function(scope, bound, node)
    if isinstance(bound, Relation) and not node.args:
        return bound
    if isinstance(bound, Declared):
        return _declared(scope, bound, node, None)
    if node.function in ("materialize", "view") and len(node.args) == 1:
        return lower_source(scope, node.args[0].value)
    if node.function in ("table", "_GetWatchlist", "external_table", "materialized_view") and node.args:
        return _by_text(scope, node)
    table = scope.table(node.function)
    if table is not None:
        return table_rows(table, node.function)
    known = [*scope.frame.all_names(), "materialize", "table"]
    meant = nearest(node.function, known)
    help = f"did you mean {meant!r}?" if meant else "define it with let, or load a table of that name"
    scope.error("E103", f"no function is named {node.function!r}", node.name_span, help)
    return nowhere()


def _declared(scope: Scope, pattern: Declared, node: Apply, path: str | None) -> Relation:
    """Return the rows of the body that a pattern declares for constant values; E107 where there is none."""
    values = [lower_scalar(scope.bare(), a.value) for a in node.args]
    written = tuple(v.value for v in values if isinstance(v, e.Literal) and isinstance(v.value, str))
    given = (*written, path) if path is not None else written
    body = next((b for known, b in pattern.definition.bodies if known == given), None)
    if body is None or len(written) < len(values):
        known = ", ".join(dict.fromkeys("(" + ", ".join(map(repr, k)) + ")" for k, _ in pattern.definition.bodies))
        scope.error("E107", f"the pattern {node.function!r} declares no rows for these values", node.span, f"declared: {known}" if known else "")
        return nowhere()
    from livefire.languages.kql.lower import lower_block

    return replace(lower_block(scope.inner(Frame(outer=pattern.frame)), body), name=node.function)


def _by_text(scope: Scope, node: Apply) -> Relation:
    """Return the table or watchlist named by a constant text; a watchlist is a loaded table of its alias."""
    name = lower_scalar(scope.bare(), node.args[0].value)
    if not isinstance(name, e.Literal) or not isinstance(name.value, str):
        scope.error("E305", f"{node.function}() takes a constant name here", node.span)
        return nowhere()
    declared = scope.context.catalog.find(f"watchlist:{name.value}", SITE) if node.function == "_GetWatchlist" else None
    table = declared or scope.table(name.value)
    if table is not None:
        return _filled_rows(scope, table, name.value, node.args[0].span)
    if node.function == "table":
        unknown_table(name.value, node.span, scope.context, VENDOR)
    else:
        scope.error("E101", f"{node.function}({name.value!r}) is not here", node.span, f"declare its file, or load its rows as a table named {name.value!r}")
    return nowhere()


def _apply_function(scope: Scope, function: Function, node: Apply) -> Relation:
    frame = bind_arguments(scope, function, node)
    if frame is None:
        return nowhere()
    from livefire.languages.kql.lower import lower_block

    return replace(lower_block(scope.inner(frame), function.definition.body), name=node.function)


def bind_arguments(scope: Scope, function: Function, node: Apply) -> Frame | None:
    """Return the names of a function's body for one call; None after E105 or E104."""
    scope.state.calls += 1
    if scope.state.calls > MAX_CALLS * 20:
        scope.halt("E204", "functions call each other too often", node.span)
    parameters = function.definition.parameters
    given: dict[str, object] = {}
    for place, argument in enumerate(node.args):
        name = argument.name or (parameters[place].name if place < len(parameters) else None)
        if name is None or name not in {p.name for p in parameters} or name in given:
            scope.error("E105", f"{node.function} takes {len(parameters)} arguments", argument.span)
            return None
        given[name] = argument.value
    frame = Frame(outer=function.frame)
    for parameter in parameters:
        if parameter.name in given:
            frame.names[parameter.name] = _argument(scope, parameter, given[parameter.name])
        elif parameter.default is not None:
            frame.names[parameter.name] = coerce.fit(lower_scalar(scope.inner(function.frame), parameter.default), parameter.type)
        else:
            scope.error("E105", f"{node.function} needs a value for {parameter.name!r}", node.span)
            return None
    return frame


def _argument(scope: Scope, parameter: k.Parameter, node: object) -> object:
    if not parameter.tabular:
        value = lower_scalar(scope, node)
        return value if parameter.type is Type.DYNAMIC and value.type is Type.DYNAMIC else coerce.fit(value, parameter.type)
    relation = lower_source(scope.bare(), node)
    for column in parameter.columns:
        if relation.schema.get(column.name) is None and not relation.open:
            scope.error("E102", f"the rows for {parameter.name!r} lack the column {column.name!r}", getattr(node, "span", parameter.span))
    return relation


# constant rows


def _datatable(scope: Scope, node: k.DataTable) -> Relation:
    schema = Schema(tuple(Field(c.name, c.type) for c in node.columns))
    width = len(schema)
    if len(set(schema.names)) != width:
        scope.error("E106", "two columns have the same name", node.span)
    if width == 0 or len(node.values) % width:
        scope.error("E105", f"{len(node.values)} values do not fill rows of {width} columns", node.span)
        return Relation(n.Values(schema, ()))
    bare = scope.bare()
    cells = [_cell(bare, value, node.columns[i % width].type) for i, value in enumerate(node.values)]
    if all(isinstance(c, e.Literal) for c in cells):
        rows = tuple(tuple(c.value for c in cells[i : i + width]) for i in range(0, len(cells), width))  # type: ignore[union-attr]  # all are literals
        return Relation(n.Values(schema, rows), ordered=True)
    return Relation(_computed_rows(schema, cells, width))


def _cell(scope: Scope, node: k.Expression, type: Type) -> e.Expr:
    if isinstance(node, Name) and node.text == "null" and type is not Type.STRING:
        return e.null(type)
    value = lower_scalar(scope, node)
    if isinstance(value, e.Literal) and value.type is Type.STRING and type in (Type.DATETIME, Type.TIMESPAN, Type.GUID):
        return coerce.to_type(value, type)
    if isinstance(value, e.Literal) and type is Type.DYNAMIC and value.type is Type.STRING:
        return coerce.to_dynamic(value)
    found = coerce.fit(value, type)
    return coerce.read_constant(found)


def _computed_rows(schema: Schema, cells: list[e.Expr], width: int) -> n.Plan:
    one = n.Values(Schema(()), ((),))
    rows = [n.Project(one, tuple(n.Item(f.name, c) for f, c in zip(schema, cells[i : i + width], strict=True))) for i in range(0, len(cells), width)]
    return n.Union(tuple(rows)) if len(rows) > 1 else rows[0]


def _print(scope: Scope, node: k.Print) -> Relation:
    names = Namer(unnamed="print_", first=0)
    items: list[n.Item] = []
    bare = scope.bare()
    for place, item in enumerate(node.items):
        values = list(named_values(bare, item.value, item.names, None))
        for name, value, _ in values:
            shown = name if name is not None and (item.names or len(values) > 1) else f"print_{place}"
            if names.claim(shown) is None:
                scope.error("E106", f"two columns are named {shown!r}", item.name_span)
            items.append(n.Item(shown, value))
    return Relation(n.Project(n.Values(Schema(()), ((),)), tuple(items), node.span), ordered=True)


def _range(scope: Scope, node: k.Range) -> Relation:
    bare = scope.bare()
    start, stop, step = (lower_scalar(bare, x) for x in (node.start, node.stop, node.step))
    count = _count_of(start, stop, step)
    if count is not None and count > _MOST_OF_RANGE:
        scope.error("E305", f"this range has {count:,} rows, and at most {_MOST_OF_RANGE:,} are made here", node.span, "take a larger step, or fewer")
        stop = start
    if start.type is Type.DATETIME:
        step = coerce.fit(step, Type.TIMESPAN)
        values = call("array.range_datetime", start, coerce.fit(stop, Type.DATETIME), step, span=node.span)
        kind = Type.DATETIME
    elif start.type is Type.TIMESPAN:
        values = call("array.range", start, coerce.fit(stop, Type.TIMESPAN), coerce.fit(step, Type.TIMESPAN), span=node.span)
        kind = Type.TIMESPAN
    else:
        kind = coerce.meet([start.type, stop.type, step.type]) or Type.LONG
        kind = Type.LONG if kind in (Type.UNKNOWN, Type.DYNAMIC) else kind
        wide = Type.REAL if kind in (Type.REAL, Type.DECIMAL) else Type.LONG
        values = call("array.range", *(coerce.fit(x, wide) for x in (start, stop, step)), span=node.span)
    column, index = scope.state.name("range"), scope.state.name("place")
    rows: n.Plan = n.Unnest(n.Values(Schema(()), ((),)), values, column, index)
    if count is None:  # an array is cut at so many; as many cannot be told from more
        full = call("compare.ge", e.Column(index, Type.LONG), e.whole(_MOST_OF_RANGE - 1))
        message = f"this range has {_MOST_OF_RANGE:,} rows or more, and fewer are made here; take a larger step, or fewer"
        rows = n.Filter(rows, call("logic.not", call("logic.fail_if", full, e.text(message), span=node.span)))
    element = e.Column(column, Type.DYNAMIC)
    found = _element(element, kind)
    ordered = n.Sort(rows, (e.SortKey(e.Column(index, Type.LONG)),))
    return Relation(n.Project(ordered, (n.Item(node.name, found),)), ordered=True)


def _count_of(start: e.Expr, stop: e.Expr, step: e.Expr) -> int | None:
    """Return how many rows a range of written numbers has, None where that is known only when it runs."""
    values = [x.value for x in (start, stop, step) if isinstance(x, e.Literal)]
    numbers = [float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if len(numbers) < 3 or not numbers[2] or not all(map(isfinite, numbers)):
        return None
    return max(0, int(min((numbers[1] - numbers[0]) / numbers[2], 1e18)) + 1)


def _element(element: e.Expr, kind: Type) -> e.Expr:
    match kind:
        case Type.DATETIME:
            return call("dynamic.datetime", element)
        case Type.TIMESPAN:
            return call("logic.cast", call("dynamic.long", element), type=Type.TIMESPAN)
        case Type.REAL:
            return call("dynamic.real", element)
        case Type.INT:
            return coerce.narrow(call("dynamic.long", element), Type.INT)
        case Type.DECIMAL:
            return coerce.to_decimal(call("dynamic.real", element))
        case _:
            return call("dynamic.long", element)


__all__ = ["Constant", "bind_arguments", "default_name", "is_tabular", "lower_source", "table_rows"]
