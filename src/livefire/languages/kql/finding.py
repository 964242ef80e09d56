"""`find`: rows of many tables that satisfy a condition. https://learn.microsoft.com/kusto/query/find-operator"""

from __future__ import annotations

from dataclasses import replace

from livefire.languages.kql import coerce
from livefire.languages.kql import nodes as k
from livefire.languages.kql.scalars import lower_condition
from livefire.languages.kql.scope import Relation, Scope, nowhere
from livefire.languages.kql.sources import table_rows
from livefire.languages.kql.unions import legs_of, merged, named_in, spread_terms
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call
from livefire.schema import Field, Type


def lower_find(scope: Scope, step: k.Find) -> Relation:
    """`find in (tables) where condition`: columns that all tables share or the condition names stand by themselves, the rest is packed into one."""
    legs = [leg for table in step.tables for leg in legs_of(scope, table)]
    if not step.tables:
        legs = [table_rows(t, t.name) for t in scope.context.catalog.tables("sentinel")]
    wanted = named_in(step.predicate)
    # A table without a column that is asked for holds no row that fits.
    fitting = [leg for leg in legs if leg.open or wanted <= set(leg.schema.names)]
    if not fitting:
        scope.error("E101", "no table has the columns that are asked for", step.span)
        return nowhere()
    found = []
    for place, leg in enumerate(fitting):
        condition = lower_condition(scope.over(leg), spread_terms(step.predicate, False))
        found.append(replace(leg.with_plan(n.Filter(leg.plan, condition, step.span)), name=leg.name or f"union_arg{place}"))
    if any(leg.open for leg in found):
        return Relation(found[0].plan, open=True)
    shown = _shown(found, wanted) if step.columns is None else [Field(c.name, _type_of(c, found)) for c in step.columns]
    packed = step.pack if step.columns is not None else any(f.name not in {s.name for s in shown} for leg in found for f in leg.schema)
    return merged(scope, [_cut(leg, shown, packed, step) for leg in found], source_name=step.source or "source_")


def _type_of(column: k.SchemaColumn, legs: list[Relation]) -> Type:
    """Return the type that is written, or that of the first table with the column."""
    if column.type is not Type.UNKNOWN:
        return column.type
    return next((f.type for leg in legs if (f := leg.schema.get(column.name)) is not None), Type.STRING)


def _shown(legs: list[Relation], wanted: set[str]) -> list[Field]:
    """Return the columns that every table has with one type, and those that the condition names."""
    kept: list[Field] = []
    for leg in legs:
        for field in leg.schema:
            everywhere = all((other := x.schema.get(field.name)) is not None and other.type is field.type for x in legs)
            if (everywhere or field.name in wanted) and field.name not in {f.name for f in kept}:
                kept.append(field)
    return kept


def _cut(leg: Relation, shown: list[Field], packed: bool, step: k.Find) -> Relation:
    items = []
    for field in shown:
        held = leg.schema.get(field.name)
        value: e.Expr = e.Column(field.name, held.type) if held is not None else e.null()
        items.append(n.Item(field.name, coerce.fit(value, field.type)))
    if packed:
        rest = [f for f in leg.schema if f.name not in {s.name for s in shown}]
        parts = [x for f in rest for x in (e.text(f.name), coerce.to_dynamic(e.Column(f.name, f.type)))]
        items.append(n.Item("pack_", call("dynamic.object", *parts)))
    return leg.with_plan(n.Project(leg.plan, tuple(items), step.span))
