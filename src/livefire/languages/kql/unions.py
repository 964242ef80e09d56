"""`union` and `search`. https://learn.microsoft.com/kusto/query/union-operator"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase

from livefire.diagnostics import NOWHERE
from livefire.languages.kit.ast import Apply, Binary, Constant, Name, Star
from livefire.languages.kql import coerce
from livefire.languages.kql import nodes as k
from livefire.languages.kql.expressions import kit
from livefire.languages.kql.scalars import lower_condition
from livefire.languages.kql.scope import VENDOR, Function, Relation, Scope, fill
from livefire.languages.kql.sources import is_tabular, lower_source, table_rows
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.schema import Field, Schema, Type


def lower_union(scope: Scope, relation: Relation | None, step: k.Union) -> Relation:
    """`union sources`, with its input first when it is a pipe operator."""
    options = {o.name: o for o in step.options}
    fuzzy = "isfuzzy" in options and options["isfuzzy"].value.lower() == "true"
    kind = options["kind"].value if "kind" in options else "outer"
    if kind not in ("outer", "inner"):
        scope.error("E107", f"no union is of kind {kind!r}", options["kind"].span, "kinds: inner, outer")
    legs = [relation] if relation is not None else []
    for source in step.sources:
        legs.extend(legs_of(scope, source, fuzzy))
    shown = options.get("withsource") or options.get("with_source")
    if not legs:
        scope.error("E101", "none of the tables of the union is here", step.span)
        return Relation(n.Values(Schema(()), ()), open=True)
    return merged(scope, legs, inner=kind == "inner", source_name=shown.value if shown else None)


def legs_of(scope: Scope, source: k.Expression, fuzzy: bool = False) -> list[Relation]:
    if isinstance(source, k.Wildcard):
        return _matching_tables(scope, source)
    absent = _absent(scope, source) if fuzzy else None
    if absent is not None:
        scope.context.diagnostics.warn(
            "W123", f"no table is named {absent.text!r}; isfuzzy=true leaves it out", absent.span, help="load it, or ingest the logs that fill it"
        )
        return []
    return [lower_source(scope.bare(), source)]


def _absent(scope: Scope, node: object) -> Name | None:
    """Return the name of the missing table a leg starts with, if any."""
    match node:
        case k.Query(source=source):
            return _absent(scope, source)
        case Name(text=text) if scope.frame.find(text) is None and scope.table(text) is None:
            return Name(text, node.span)
        case Apply(function="table", args=args) if args and isinstance(args[0].value, Constant):
            name = str(args[0].value.value)
            return Name(name, node.span) if scope.table(name) is None else None
        case Apply(function=function) if scope.frame.find(function) is None and scope.table(function) is None:
            return None if is_tabular(scope, node) else Name(function, node.name_span)
        case _:
            return None


def _matching_tables(scope: Scope, pattern: k.Wildcard) -> list[Relation]:
    found = [table_rows(t, t.name) for t in scope.context.catalog.tables(VENDOR) if fnmatchcase(t.name, pattern.pattern)]
    names = [x for x in dict.fromkeys(scope.frame.all_names()) if fnmatchcase(x, pattern.pattern) and isinstance(scope.frame.find(x), Relation)]
    found.extend(lower_source(scope, Name(x, pattern.span)) for x in names)
    if not found:
        scope.error("E101", f"no table is named like {pattern.pattern!r}", pattern.span)
    return found


def merged(scope: Scope, legs: list[Relation], *, inner: bool = False, source_name: str | None = None) -> Relation:
    """Return the rows of all legs: columns of one name and one type are one column, others get their type's name behind them."""
    columns = _columns(legs, inner)
    plans: list[n.Plan] = []
    # A table that is known by its columns alone gives no rows: only its columns count.
    filled = [place for place, leg in enumerate(legs) if not leg.empty] or [0]
    for place in filled:
        leg = legs[place]
        items = [n.Item(name, _value(leg, field)) for name, field in columns]
        if source_name is not None:
            items.insert(0, n.Item(source_name, e.text(leg.name or f"union_arg{place}")))
        plans.append(n.Project(leg.plan, tuple(items)))
    del scope
    plan = plans[0] if len(plans) == 1 else n.Union(tuple(plans))
    return Relation(plan, open=any(x.open for x in legs))


def _columns(legs: list[Relation], inner: bool) -> list[tuple[str, Field]]:
    order: dict[str, list[Type]] = {}
    for leg in legs:
        for field in leg.schema:
            types = order.setdefault(field.name, [])
            if field.type not in types:
                types.append(field.type)
    found: list[tuple[str, Field]] = []
    for name, types in order.items():
        known = [t for t in types if t is not Type.UNKNOWN] or [Type.STRING]
        if inner and not all(any(f.name == name and f.type is known[0] for f in leg.schema) for leg in legs):
            continue
        if len(known) == 1:
            found.append((name, Field(name, known[0])))
        else:
            found.extend((_suffixed(name, t, order), Field(name, t)) for t in known)
    return found


def _suffixed(name: str, type: Type, taken: dict[str, list[Type]]) -> str:
    candidate, count = f"{name}_{type.value}", 0
    while candidate in taken:
        count += 1
        candidate = f"{name}_{type.value}{count}"
    return candidate


def _value(leg: Relation, field: Field) -> e.Expr:
    found = leg.schema.get(field.name)
    if found is None or found.type not in (field.type, Type.UNKNOWN):
        return e.text("") if field.type is Type.STRING else e.null(field.type)
    if found.type is Type.UNKNOWN:
        return e.text("") if field.type is Type.STRING else e.null(field.type)
    return fill(e.Column(found.name, found.type))


def lower_search(scope: Scope, relation: Relation | None, step: k.Search) -> Relation:
    """`search predicate`: a text stands for any column that holds it as a term; `$table` says where a row comes from."""
    legs = [relation] if relation is not None else []
    if relation is None:
        for table in step.tables:
            legs.extend(legs_of(scope, table, False))
        if not step.tables:
            legs = [table_rows(t, t.name) for t in scope.context.catalog.tables(VENDOR)]
            legs.extend(_views(scope))
    found = []
    wanted = named_in(step.predicate)
    for leg in legs:
        if relation is None and not wanted <= set(leg.schema.names) and not leg.open:
            # A table without a column that is asked for holds no row that fits.
            continue
        if leg.empty:
            found.append(leg)
            continue
        condition = lower_condition(scope.over(replace(leg, open=relation is None)), spread_terms(step.predicate, step.case_sensitive))
        found.append(leg.with_plan(n.Filter(leg.plan, condition, step.span)))
    if not found:
        scope.error("E101", "there is no table to search", step.span)
        return Relation(n.Values(Schema(()), ()), open=True)
    return merged(scope, found, source_name=None if relation is not None else "$table")


def _views(scope: Scope) -> list[Relation]:
    """Return the rows of every `let` view."""
    bound = {x: scope.frame.find(x) for x in scope.frame.all_names()}
    views = [x for x, f in bound.items() if isinstance(f, Function) and f.definition.view]
    return [lower_source(scope.bare(), Name(x, NOWHERE)) for x in views]


def named_in(node: object) -> set[str]:
    """Return the names that stand in a condition."""

    match node:
        case Binary(left=left, right=right):
            return named_in(left) | named_in(right)
        case Name(text=text):
            return {text}
        case _:
            return set()


def spread_terms(node: k.Expression, sensitive: bool) -> k.Expression:
    """Return the predicate with bare texts as `* has text`."""
    from livefire.languages.kit.ast import Binary

    if isinstance(node, Star):
        return Constant(True, Type.BOOL, node.span)
    if isinstance(node, Constant) and node.type is Type.STRING:
        text = str(node.value)
        word = "has_cs" if sensitive else "has"
        bare = text.strip("*")
        if text.startswith("*") and text.endswith("*"):
            word = "contains_cs" if sensitive else "contains"
        elif text.endswith("*"):
            word = "hasprefix_cs" if sensitive else "hasprefix"
        elif text.startswith("*"):
            word = "hassuffix_cs" if sensitive else "hassuffix"
        return Binary(word, Star(node.span), Constant(bare, Type.STRING, node.span), node.span, node.span)
    if isinstance(node, Binary) and node.operator in ("and", "or"):
        return replace(node, left=kit(spread_terms(node.left, sensitive)), right=kit(spread_terms(node.right, sensitive)))
    if isinstance(node, Apply) and node.function == "not" and len(node.args) == 1:
        return replace(node, args=(replace(node.args[0], value=kit(spread_terms(node.args[0].value, sensitive))),))
    return node


STEPS: dict[type, Callable[..., Relation]] = {k.Union: lower_union, k.Search: lower_search}

__all__ = ["STEPS", "coerce", "lower_search", "lower_union", "merged"]
