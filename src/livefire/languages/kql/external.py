"""`externaldata`: the rows of a file that the site declared for an address. Nothing is fetched.

https://learn.microsoft.com/kusto/query/externaldata-operator
"""

from __future__ import annotations

from livefire.languages.kql import coerce
from livefire.languages.kql import nodes as k
from livefire.languages.kql.scope import SITE, Relation, Scope
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.functions import call
from livefire.schema import Field, Schema, Type

_ALIKE = {"multijson": "json", "singlejson": "json", "raw": "txt", "tsve": "tsv"}


def lower_external(scope: Scope, node: k.ExternalData) -> Relation:
    """Return the rows of the files that stand for the addresses; E101 for an address that none stands for."""
    schema = Schema(tuple(Field(c.name, c.type) for c in node.columns))
    legs = []
    for place in node.places:
        table = _standing_for(scope, place)
        if table is None:
            scope.error(
                "E101",
                "externaldata names a file that is not declared, and nothing here reads from the network",
                node.span,
                f"put it into external/ of the site's folder as {_file_name(place)!r}, or load its rows as a table named {place!r}",
            )
            return Relation(n.Values(schema, ()))
        leg = _rows(scope, node, table, schema)
        if leg is None:
            return Relation(n.Values(schema, ()))
        legs.append(leg)
    if not legs:
        scope.error("E101", "externaldata names no address", node.span, "write one, as in [@'https://…/names.csv']")
        return Relation(n.Values(schema, ()))
    return Relation(legs[0] if len(legs) == 1 else n.Union(tuple(legs)))


def _standing_for(scope: Scope, place: str) -> Table | None:
    find = scope.context.catalog.find
    return scope.table(place) or find(f"external:{place}", SITE) or find(f"external:{_file_name(place)}", SITE)


def _file_name(place: str) -> str:
    """Return the last step of an address, without its query and secrets."""
    return place.partition("?")[0].partition(";")[0].rstrip("/").rpartition("/")[2]


def _rows(scope: Scope, node: k.ExternalData, table: Table, schema: Schema) -> n.Plan | None:
    held = table.tags.get("format", "")
    wanted = _ALIKE.get(node.format.lower(), node.format.lower())
    if held and wanted and wanted != held:
        scope.error("E304", f"the query reads {node.format}, and the declared file is {held}", node.span, "declare the file under the suffix of its format")
        return None
    if held in ("", "json"):
        return _by_name(table, schema)
    plan = table.plan
    if node.without_first:
        plan = n.Filter(plan, call("compare.gt", n.column(plan, "row"), e.whole(0)), node.span)
    # Separated values go to the columns by place, as in Kusto: the names of a first line count for nothing.
    return n.Project(plan, tuple(n.Item(f.name, _value(plan, str(i + 1), f.type)) for i, f in enumerate(schema)))


def _by_name(table: Table, schema: Schema) -> n.Plan:
    return n.Project(table.plan, tuple(n.Item(f.name, _value(table.plan, f.name, f.type)) for f in schema))


def _value(plan: n.Plan, name: str, type: Type) -> e.Expr:
    found = plan.schema.get(name)
    if found is None:
        return e.text("") if type is Type.STRING else coerce.fit(e.null(), type)
    value = coerce.to_type(e.Column(found.name, found.type), type)
    return call("logic.coalesce", value, e.text("")) if type is Type.STRING else value
