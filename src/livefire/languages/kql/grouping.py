"""`summarize` with Kusto's names for its columns. https://learn.microsoft.com/kusto/query/summarize-operator"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from livefire.diagnostics import NOWHERE
from livefire.languages.kit.ast import Apply, Name, Star
from livefire.languages.kql import aggregates, coerce
from livefire.languages.kql import nodes as k
from livefire.languages.kql.naming import Namer, default_name
from livefire.languages.kql.rows import with_windows
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import Gathered, Relation, Scope, fill
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, all_of, call
from livefire.schema import Type

Column = tuple[str, e.Expr]


def summarize(scope: Scope, relation: Relation, step: k.Summarize, only: e.Expr | None = None, same: tuple[str, ...] = ()) -> Relation:
    """`summarize items by keys`: keys first, one row in all without keys.

    Aggregates see the rows where `only` is true; the columns of `same`, equal within a group, are kept.
    """
    names = Namer()
    keyed, keys = group_keys(scope, relation, step.keys, names)
    gathered = Gathered(aggregates=[])
    inner = scope.over(keyed, gathered)
    inner = Scope(inner.state, inner.frame, keyed, scope.over(relation).columns, gathered=gathered)
    key_names = {item.value.text for item in step.keys if isinstance(item.value, Name)}
    found: list[Column] = []
    for item in step.items:
        found.extend(_columns(inner, relation, item, names, key_names))
    hidden = tuple(n.Item(hidden, e.Column(hidden, kind)) for _, hidden, kind in keys)
    items = tuple(_limited(i, only) for i in gathered.aggregates or ())
    items += tuple(n.Item(x, aggregate("agg.any", n.column(relation.plan, x))) for x in same)
    grouped = n.Aggregate(keyed.plan, hidden, items, step.span)
    shown = [n.Item(name, fill(e.Column(hidden_name, kind))) for name, hidden_name, kind in keys]
    shown.extend(n.Item(name, _outside(scope, grouped, value)) for name, value in found)
    shown.extend(n.Item(x, n.column(grouped, x)) for x in same)
    return Relation(n.Project(grouped, tuple(shown), step.span))


def _limited(item: n.Item, only: e.Expr | None) -> n.Item:
    if only is None or not isinstance(item.expr, e.Aggregate):
        return item
    where = only if item.expr.where is None else all_of(only, item.expr.where)
    return n.Item(item.name, replace(item.expr, where=where))


def group_keys(scope: Scope, relation: Relation, items: tuple[k.Item, ...], names: Namer) -> tuple[Relation, list[tuple[str, str, Type]]]:
    """Return the rows with hidden key columns, and for each key its name, hidden name and type."""
    gathered = Gathered()
    inner = scope.over(relation, gathered)
    keys: list[tuple[str, str, Type]] = []
    computed: list[n.Item] = []
    for item in items:
        value = lower_scalar(inner, item.value)
        written = item.names[0] if item.names else default_name(item.value)
        claimed = names.claim(item.names[0]) if item.names else None
        if item.names and claimed is None:
            scope.error("E106", f"two columns are named {item.names[0]!r}", item.name_span)
        name = claimed or (names.unique(written) if written is not None else names.numbered())
        if value.type is Type.DYNAMIC and not relation.open:
            scope.context.quirk(104, "rows cannot be grouped by a dynamic value", span=item.span, help="convert it, as in tostring(x)")
            value = coerce.to_text(value) if scope.context.lenient else value
        hidden = scope.state.name("key")
        computed.append(n.Item(hidden, value))
        keys.append((name, hidden, value.type))
    if not computed:
        return relation, keys
    plan = n.Project(with_windows(relation, gathered), (*n.keep_all(relation.plan), *computed))
    return relation.with_plan(plan), keys


def _outside(scope: Scope, grouped: n.Aggregate, value: e.Expr) -> e.Expr:
    """Check that an expression over the groups reads only aggregates and keys."""
    visible = set(grouped.schema.names)
    for name in sorted(e.columns_of(value) - visible):
        scope.error("E104", f"the column {name!r} is not aggregated", grouped.span or NOWHERE, "put it after `by`, or take_any(…) of it")
        return e.null(value.type)
    return value


def _columns(scope: Scope, relation: Relation, item: k.Item, names: Namer, keys: set[str]) -> list[Column]:
    node = item.value
    if isinstance(node, Apply):
        if node.function in ("arg_max", "arg_min", "argmax", "argmin"):
            return _arg_columns(scope, relation, item, node, names, keys)
        if node.function in ("take_any", "any") and (len(node.args) > 1 or isinstance(node.args[0].value if node.args else None, Star)):
            return _any_columns(scope, relation, item, node, names, keys)
        if node.function in ("percentile", "percentiles", "percentilew", "percentilesw"):
            return _percentile_columns(scope, item, node, names, weighted="w" in node.function)
        if node.function == "take_any" and node.args:
            return [(_named(scope, item, names, default_name(node.args[0].value)), lower_scalar(scope, node))]
    return [(_named(scope, item, names, default_name(node)), lower_scalar(scope, node))]


def _named(scope: Scope, item: k.Item, names: Namer, default: str | None, place: int = 0) -> str:
    if place < len(item.names):
        written = item.names[place]
        claimed = names.claim(written)
        if claimed is None:
            scope.error("E106", f"two columns are named {written!r}", item.name_span)
        return claimed or written
    return names.unique(default) if default is not None else names.numbered()


def _arg_columns(scope: Scope, relation: Relation, item: k.Item, node: Apply, names: Namer, keys: set[str]) -> list[Column]:
    """`arg_max(by, columns)`: the row with the greatest value; rows without one count only when no row has one."""
    if not node.args:
        scope.error("E105", f"{node.function} needs what to compare", node.span)
        return []
    group = aggregates.Group(scope, node, None)
    ranked = group.value(0)
    if ranked.type is Type.DYNAMIC:
        scope.context.quirk(104, f"{node.function} cannot compare dynamic values", span=node.args[0].span, help="convert it, as in todouble(x)")
    meaning = "agg.arg_max_or_first" if node.function in ("arg_max", "argmax") else "agg.arg_min_or_first"
    prefix = "max_" if "max" in node.function else "min_"
    found: list[Column] = []
    best = aggregates.keep(scope, aggregate("agg.max" if "max" in node.function else "agg.min", ranked, span=node.span))
    first = default_name(node.args[0].value)
    # The older functions put what is compared before every name.
    older = f"{prefix}{first or ''}" if not node.function.startswith("arg_") else None
    found.append((_named(scope, item, names, older or first or prefix), fill(best)))
    place = 1
    for argument in node.args[1:]:
        if isinstance(argument.value, Star):
            for column in relation.schema:
                if column.name not in keys and column.name != first:
                    value = e.Column(column.name, column.type)
                    name = f"{older}_{column.name}" if older else column.name
                    found.append((names.unique(name), fill(aggregates.keep(scope, aggregate(meaning, value, ranked, span=node.span)))))
            continue
        inner = Scope(scope.state, scope.frame, scope.relation, scope.columns)
        value_of = lower_scalar(inner, argument.value)
        plain = argument.name or default_name(argument.value)
        name = _named(scope, item, names, f"{older}_{plain or ''}" if older else plain, place)
        found.append((name, fill(aggregates.keep(scope, aggregate(meaning, value_of, ranked, span=node.span)))))
        place += 1
    return found


def _any_columns(scope: Scope, relation: Relation, item: k.Item, node: Apply, names: Namer, keys: set[str]) -> list[Column]:
    """`take_any(*)` and `take_any(a, b)`: columns of one row, the first one."""
    found: list[Column] = []
    for place, argument in enumerate(node.args):
        inner = Scope(scope.state, scope.frame, scope.relation, scope.columns)
        pairs: list[tuple[str | None, e.Expr]]
        if isinstance(argument.value, Star):
            pairs = [(f.name, _column(f.name, f.type)) for f in relation.schema if f.name not in keys]
        else:
            pairs = [(default_name(argument.value), lower_scalar(inner, argument.value))]
        for name, value in pairs:
            prefixed = f"any_{name}" if node.function == "any" and name is not None else name
            shown = _named(scope, item, names, prefixed, place)
            found.append((shown, fill(aggregates.keep(scope, aggregate("agg.first", value, span=node.span)))))
    return found


def _column(name: str, kind: Type) -> e.Expr:
    return e.Column(name, kind)


def _percentile_columns(scope: Scope, item: k.Item, node: Apply, names: Namer, weighted: bool) -> list[Column]:
    first = 2 if weighted else 1
    if len(node.args) <= first:
        scope.error("E105", f"{node.function} needs a value and a percentage", node.span)
        return []
    group = aggregates.Group(scope, node, None)
    value = group.number()
    base = default_name(node.args[0].value) or ""
    found: list[Column] = []
    for place in range(first, len(node.args)):
        percent = group.value(place)
        shown = _percent_text(percent)
        name = _named(scope, item, names, f"percentile_{base}_{shown}", place - first)
        share = aggregates.weighted_value(group, value, group.number(1), percent) if weighted else aggregates.percentile_value(group, value, percent)
        found.append((name, share))
    return found


def _percent_text(percent: e.Expr) -> str:
    if not isinstance(percent, e.Literal) or percent.value is None:
        return ""
    number = percent.value
    return (str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)).replace(".", "_")


STEPS: dict[type, Callable[..., Relation]] = {k.Summarize: summarize}

__all__ = ["STEPS", "call", "group_keys", "summarize"]
