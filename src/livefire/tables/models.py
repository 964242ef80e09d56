"""Data models over a vendor's tables, as data: one TOML file a model, which names fields and the events they are of.

A model is `{ name, root, doc, notes, unknown, fields, sources, children }`. Each of `sources` names a
table of the vendor and the condition (over the log source's hot columns) under which its events
belong; a field is the table's column of that name unless `fields` of the source says otherwise.
A field of `unknown` holds the text unknown where an event has none. Each of `children` is a part of
the model: its events fulfil `where`, a condition over the model's own fields, and only they have its fields.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.functions import call
from livefire.schema import Schema, Type
from livefire.tables.declaration import DeclarationError
from livefire.tables.values import ValueReader, ValueSyntaxError

_KEYS = {"name", "root", "doc", "notes", "unknown", "fields", "sources", "children"}
TIME, OBJECTS = "_time", "nodename"
FACTS = ("index", "sourcetype", "source", "host")


def read_models(folder: Path, tables: Mapping[str, Table]) -> tuple[Table, ...]:
    """Return the models of a folder as tables tagged `datamodel`; DeclarationError for a faulty file."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        with path.open("rb") as file:
            said = tomllib.load(file)
        try:
            found.append(_model(said, tables))
        except (DeclarationError, ValueSyntaxError, KeyError) as problem:
            raise DeclarationError(f"models/{path.name}: {problem}") from problem
    return tuple(found)


def _model(said: Mapping[str, Any], tables: Mapping[str, Table]) -> Table:
    unknown = sorted(set(said) - _KEYS)
    if unknown:
        raise DeclarationError(f"a model has no key {unknown[0]!r}; known: {', '.join(sorted(_KEYS))}")
    fields = tuple(dict.fromkeys((*said["fields"], *(f for child in said.get("children", ()) for f in child["fields"]))))
    parts = tuple(_part(said, source, tables[source["table"]], fields) for source in said.get("sources", ()))
    names = (TIME, "_raw", *FACTS, *fields)
    schema = Schema.of(*((x, Type.DATETIME if x == TIME else Type.STRING) for x in names))
    events: n.Plan = n.Values(schema, ()) if not parts else parts[0] if len(parts) == 1 else n.Union(parts)
    plan = _with_children(said, events)
    tags = {"datamodel": said["name"], "object": said["root"], "children": ",".join(c["name"] for c in said.get("children", ()))}
    return Table(f"datamodel:{said['name']}", plan, TIME, "splunk", f"{said['name']} of the Common Information Model", tags=tags)


def _part(said: Mapping[str, Any], source: Mapping[str, Any], table: Table, fields: tuple[str, ...]) -> n.Plan:
    """Return the events of one table under the model's names."""
    shown = table.plan
    if not isinstance(shown, n.Project) or not isinstance(shown.input, n.Scan):
        raise DeclarationError(f"the table {table.name!r} is not made of one log source")
    reader = ValueReader(shown.input.schema)
    rows: n.Plan = n.Filter(shown.input, reader.condition(source["where"])) if "where" in source else shown.input
    columns = {i.name: i.expr for i in shown.items}
    items = [n.Item(TIME, columns[TIME]), n.Item("_raw", _as_text(columns["_raw"]))]
    items += [n.Item(x, e.text(table.tags[x]) if x in table.tags else e.null(Type.STRING)) for x in FACTS]
    stated = source.get("fields", {})
    for name in fields:
        value = reader.text(stated[name]) if name in stated else _as_text(columns[name]) if name in columns else e.null(Type.STRING)
        items.append(n.Item(name, call("logic.coalesce", value, e.text("unknown")) if name in said.get("unknown", ()) else value))
    return n.Project(rows, tuple(items))


def _as_text(x: e.Expr) -> e.Expr:
    return x if x.type is Type.STRING else call("logic.cast", x, type=Type.STRING)


def _with_children(said: Mapping[str, Any], events: n.Plan) -> n.Plan:
    """Return the events with the objects of the model they belong to, in `nodename`; a child's fields are its own events'."""
    reader = ValueReader(events.schema)
    own: dict[str, list[e.Expr]] = {}
    objects: list[e.Expr] = [e.text(said["root"])]
    for child in said.get("children", ()):
        held = call("logic.is_true", reader.condition(child["where"]))
        objects.append(e.Case(((held, e.text(f"{said['root']}.{child['name']}")),), e.null(Type.STRING), Type.STRING))
        for name in child["fields"]:
            own.setdefault(name, []).append(held)
    items = []
    for field in events.schema:
        column: e.Expr = e.Column(field.name, field.type)
        if field.name in own and field.name not in said["fields"]:
            column = e.Case(tuple((held, column) for held in own[field.name]), e.null(Type.STRING), Type.STRING)
        items.append(n.Item(field.name, column))
    items.append(n.Item(OBJECTS, call("array.compact", call("dynamic.array", *objects))))
    return n.Project(events, tuple(items))
