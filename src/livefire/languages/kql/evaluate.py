"""`evaluate` plugins: those over rows and cells, and the table of all that are run."""

from __future__ import annotations

import json
from collections.abc import Callable

from livefire.languages.kit.ast import Apply, Constant
from livefire.languages.kql import coerce
from livefire.languages.kql import nodes as k
from livefire.languages.kql.analytics import ANALYTICS, members_of
from livefire.languages.kql.calls import Site
from livefire.languages.kql.functions_formats import compare as compare_v6
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import Relation, Scope, fill
from livefire.languages.kql.service_plugins import SERVICE
from livefire.languages.kql.sources import lower_source
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call, window
from livefire.schema import Field, Schema, Type


def evaluate(scope: Scope, relation: Relation, step: k.Evaluate) -> Relation:
    """`evaluate plugin(…)`."""
    if not isinstance(step.call, Apply):
        scope.error("E201", "evaluate takes a call, as in evaluate narrow()", step.span)
        return Relation(relation.plan, open=True)
    plugin = PLUGINS.get(step.call.function)
    if plugin is None:
        reason = _REFUSED.get(step.call.function, "the plugin is not run here")
        scope.error("E301", f"evaluate {step.call.function}: {reason}", step.call.name_span)
        return Relation(relation.plan, open=True)
    return plugin(scope, relation, step, step.call)


_REFUSED = {
    "python": "code of the rule is never run",
    "r": "code of the rule is never run",
    "http_request": "nothing here reads from the network",
    "http_request_post": "nothing here reads from the network",
    "sql_request": "nothing here reads from the network",
}


def _bag_unpack(scope: Scope, relation: Relation, step: k.Evaluate, node: Apply) -> Relation:
    """Members of a bag as columns: those that are declared, or those of constant rows."""
    options, places = _options(node)
    column = lower_scalar(scope.over(relation), places[0]) if places else e.null(Type.UNKNOWN)
    if relation.open or not isinstance(column, e.Column):
        if not relation.open:
            scope.error("E104", "bag_unpack takes a dynamic column", node.span)
        return Relation(relation.plan, open=True)
    prefix = _text(scope, options.get("OutputColumnPrefix", places[1] if len(places) > 1 else None))
    conflict = _text(scope, options.get("columnsConflict")) or "error"
    members = _declared(relation, step, column.name, prefix) if step.columns else _constant_members(relation.plan, column.name)
    if members is None:
        members = members_of(scope, relation, column)
    if members is None and scope.context.open_schema:
        return Relation(relation.plan, open=True)
    if members is None:
        scope.error(
            "E305",
            "the columns that bag_unpack makes depend on the data",
            node.span,
            f"declare them: evaluate {node.function}({column.name}) : (*, Name: string)",
        )
        return Relation(relation.plan, open=True)
    source = [f for f in relation.schema if f.name != column.name]
    fresh = {prefix + name: _member(column, name, kind) for name, kind in members}
    clash = [f.name for f in source if f.name in fresh]
    if clash and conflict == "error":
        scope.error("E106", f"bag_unpack makes a column {clash[0]!r} that is there already", node.span, "say columnsConflict='keep_source' or 'replace_source'")
    items = []
    for field in source:
        kept: e.Expr = e.Column(field.name, field.type)
        if field.name in fresh:
            replaced = fresh.pop(field.name)
            kept = replaced if conflict == "replace_source" else kept
        items.append(n.Item(field.name, kept))
    items.extend(n.Item(name, value) for name, value in fresh.items())
    if step.columns:
        order = _declared_order(relation, step, column.name)
        by_name = {i.name: i for i in items}
        items = [by_name[x] for x in order if x in by_name]
    return relation.with_plan(n.Project(relation.plan, tuple(items), step.span))


def _options(node: Apply) -> tuple[dict[str, object], list[object]]:
    named = {a.name: a.value for a in node.args if a.name is not None}
    return named, [a.value for a in node.args if a.name is None]  # type: ignore[return-value]  # names are texts


def _text(scope: Scope, node: object) -> str:
    if node is None:
        return ""
    value = lower_scalar(scope.bare(), node)
    return str(value.value) if isinstance(value, e.Literal) and value.value is not None else ""


def _member(column: e.Column, name: str, kind: Type) -> e.Expr:
    return fill(coerce.to_type(e.Path(column, (name,)), kind))


def _declared(relation: Relation, step: k.Evaluate, column: str, prefix: str) -> list[tuple[str, Type]]:
    source = {f.name for f in relation.schema if f.name != column}
    return [(c.name.removeprefix(prefix), c.type) for c in step.columns if c.name != "*" and c.name not in source]


def _declared_order(relation: Relation, step: k.Evaluate, column: str) -> list[str]:
    order: list[str] = []
    for declared in step.columns:
        order.extend([f.name for f in relation.schema if f.name != column] if declared.name == "*" else [declared.name])
    return list(dict.fromkeys(order))


def _constant_members(plan: n.Plan, column: str) -> list[tuple[str, Type]] | None:
    """Return the members of a bag column of constant rows with their types, in the order of their names."""
    values = _constants(plan, column)
    if values is None:
        return None
    found: dict[str, set[Type]] = {}
    for text in values:
        bag = json.loads(text) if text is not None else None
        for name, value in bag.items() if isinstance(bag, dict) else ():
            found.setdefault(name, set()).update({_type_of(value)} if value is not None else set())
    return [(name, kinds.pop() if len(kinds) == 1 else Type.DYNAMIC) for name, kinds in sorted(found.items())]


def _type_of(value: object) -> Type:
    match value:
        case bool():
            return Type.BOOL
        case int():
            return Type.LONG
        case float():
            return Type.REAL
        case str():
            return Type.STRING
        case _:
            return Type.DYNAMIC


def _constants(plan: n.Plan, column: str) -> list[str | None] | None:
    """Return the values of a column as far as they are written in the query itself."""
    match plan:
        case n.Values(schema=schema, rows=rows):
            place = schema.names.index(column)
            return [None if r[place] is None else str(r[place]) for r in rows]
        case n.Project(input=child, items=items):
            source = next((i.expr for i in items if i.name == column), None)
            if isinstance(source, e.Column):
                return _constants(child, source.name)
            if isinstance(source, e.Literal):
                return [None if source.value is None else str(source.value)]
            return None
        case n.Sort(input=child) | n.Window(input=child) if column in child.schema:
            return _constants(child, column)
        case _:
            return None


def _narrow(scope: Scope, relation: Relation, step: k.Evaluate, node: Apply) -> Relation:
    """A row a cell: its row number, column and value as text."""
    del node
    if relation.open:
        return Relation(relation.plan, open=True)
    row, cell = scope.state.name("row"), scope.state.name("cell")
    numbered = n.Window(relation.plan, (n.Item(row, window("window.row_number", row_order=True)),))
    cells = [call("dynamic.array", e.text(f.name), coerce.to_text(e.Column(f.name, f.type))) for f in relation.schema]
    place = scope.state.name("place")
    rows = n.Unnest(numbered, call("dynamic.array", *cells), cell, place, span=step.span)
    ordered = n.Sort(rows, (e.SortKey(e.Column(row, Type.LONG)), e.SortKey(e.Column(place, Type.LONG))))
    found = e.Column(cell, Type.DYNAMIC)
    number = call("number.subtract", e.Column(row, Type.LONG), e.whole(1), type=Type.LONG)
    items = (n.Item("Row", number), n.Item("Column", coerce.to_text(e.Path(found, (0,)))), n.Item("Value", coerce.to_text(e.Path(found, (1,)))))
    return Relation(n.Project(ordered, items), ordered=True)


def _ip_lookup(scope: Scope, relation: Relation, step: k.Evaluate, node: Apply) -> Relation:
    """`ipv4_lookup` and `ipv6_lookup`: rows joined with every network of a table that holds their address."""
    options, places = _options(node)
    if len(places) < 3:
        scope.error("E105", f"{node.function} takes a table, an address and the table's network column", node.span)
        return Relation(relation.plan, open=True)
    if len(places) > 3 and not (isinstance(places[3], Constant) and places[3].type is Type.BOOL):
        scope.error("E304", f"further keys of {node.function} are not run", node.span, "filter on them with where")
        return Relation(relation.plan, open=True)
    unmatched = options.get("return_unmatched", places[3] if len(places) > 3 else None)
    outer = isinstance(unmatched, Constant) and unmatched.value is True
    table = lower_source(scope.bare(), places[0])
    address = coerce.to_text(lower_scalar(scope.over(relation), places[1]))
    network = coerce.to_text(lower_scalar(scope.over(table), places[2]))
    if relation.open or table.open:
        return Relation(relation.plan, open=True)
    names = {f.name: scope.state.name("lookup") for f in table.schema}
    block = scope.state.name("network")
    right = n.Project(table.plan, (*(n.Item(names[f.name], e.Column(f.name, f.type)) for f in table.schema), n.Item(block, network)))
    held = e.Column(block, Type.STRING)
    if node.function == "ipv6_lookup":
        same = compare_v6(Site(scope, node, ()), address, held)
    else:
        same = call("address.ipv4_compare", address, held, e.whole(32), span=step.span)
    joined = n.Join(relation.plan, right, "left" if outer else "inner", call("compare.eq", same, e.whole(0)), step.span)
    taken = set(relation.schema.names)
    items = list(n.keep_all(relation.plan))
    for field in table.schema:
        name, count = field.name, 0
        while name in taken:
            count += 1
            name = f"{field.name}{count}"
        taken.add(name)
        items.append(n.Item(name, fill(e.Column(names[field.name], field.type))))
    return Relation(n.Project(joined, tuple(items), step.span))


def _dcount_intersect(scope: Scope, relation: Relation, step: k.Evaluate, node: Apply) -> Relation:
    """How many values the first sketch holds, the first two together, and so on, as s0, s1 …"""
    inner = scope.over(relation)
    sketches = [coerce.fit(lower_scalar(inner, a.value), Type.DYNAMIC) for a in node.args]
    if len(sketches) < 2:
        scope.error("E105", "dcount_intersect takes two sketches or more", node.span)
    if len(sketches) < 2 or relation.open:
        return Relation(relation.plan, open=True)
    shared = [sketches[0], *(call("array.intersect", *sketches[: i + 1]) for i in range(1, len(sketches)))]
    return relation.with_plan(n.extend(relation.plan, *(n.Item(f"s{i}", call("array.length", x, span=step.span)) for i, x in enumerate(shared))))


def _identity(scope: Scope, relation: Relation, step: k.Evaluate, node: Apply) -> Relation:
    del scope, step, node
    return relation


_Plugin = Callable[[Scope, Relation, k.Evaluate, Apply], Relation]
PLUGINS: dict[str, _Plugin] = {
    **ANALYTICS, **SERVICE, "bag_unpack": _bag_unpack, "narrow": _narrow, "ipv4_lookup": _ip_lookup, "ipv6_lookup": _ip_lookup, "identity": _identity,
    "dcount_intersect": _dcount_intersect,
}  # fmt: skip
STEPS: dict[type, Callable[..., Relation]] = {k.Evaluate: evaluate}

__all__ = ["STEPS", "Field", "Schema"]
