"""Which tables a query reads, and what a field name means in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from livefire.languages.base import Context
from livefire.languages.binder import nearest, unknown_table
from livefire.languages.esql import ast
from livefire.languages.esql.scope import Column, Scope
from livefire.languages.esql.values import Kind, of_column
from livefire.languages.fields import published, told_empty
from livefire.languages.index.documents import covers
from livefire.languages.kit.ast import Name
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.functions import call
from livefire.schema import Field, Schema, Type

METADATA = ("_id", "_index", "_version", "_source", "_ignored", "_index_mode", "_score", "_tsid")


def tables_of(node: ast.From, context: Context) -> tuple[Table, ...]:
    """Return the tables that a list of names and `*` patterns names; a name without a table is E101."""
    everything = context.catalog.tables("elastic")
    chosen: dict[str, Table] = {}
    missing: list[Name] = []
    for pattern in _split(node.patterns):
        text, span = pattern.text, pattern.span
        if text.startswith("-") and chosen:
            chosen = {name: t for name, t in chosen.items() if not covers(text[1:], t)}
            continue
        if text.startswith("<"):
            context.diagnostics.error("E305", "date math in the name of a table is not supported", span, help="write the name with *")
            continue
        # A cluster before the colon only says where Elasticsearch finds the index.
        local = text.rpartition(":")[2] if ":" in text and not text.partition(":")[2].startswith(":") else text
        found = [t for t in everything if covers(local.partition("::")[0], t)]
        if not found:
            missing.append(pattern)
        chosen.update({t.name: t for t in found})
    for pattern in missing:
        if chosen and "*" in pattern.text:
            # A pattern that no index fits is passed over by Elasticsearch, as long as another fits one.
            context.diagnostics.warn("W101", f"no table fits {pattern.text!r}, so nothing is read for it", pattern.span)
        else:
            unknown_table(pattern.text, pattern.span, context, "elastic")
    return tuple(chosen.values())


def _split(patterns: Iterable[Name]) -> Iterator[Name]:
    for pattern in patterns:
        for part in pattern.text.split(","):
            if part.strip():
                yield Name(part.strip(), pattern.span)


class Fields:
    """The fields of one table, looked up by their dotted names."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.types = {f.name: f.type for f in table.schema}
        self._roots = sorted(table.roots, key=lambda r: -len(r.prefix))

    def find(self, name: str) -> e.Expr | None:
        """Return what a name is: a column, a path below a JSON column, or null in an open table; None for an unknown name."""
        if name in self.types:
            return e.Column(name, self.types[name])
        for root in self._roots:
            rest = name.removeprefix(root.prefix)
            if name.startswith(root.prefix) and rest.strip("."):
                return _below(e.Column(root.column, Type.DYNAMIC), rest.strip(".").split("."))
        parts = name.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            base = ".".join(parts[:cut])
            if self.types.get(base) is Type.DYNAMIC:
                return _below(e.Column(base, Type.DYNAMIC), parts[cut:])
        return published(self.table, name) or (e.null(Type.DYNAMIC) if self.table.open else None)


def _below(base: e.Expr, steps: list[str]) -> e.Expr:
    return call("dynamic.reach", base, *(e.text(s) for s in steps))


def open_scope(node: ast.From, names: frozenset[str], context: Context) -> Scope:
    """Return the columns of the query's tables, in the order of their names, with every asked field that one of them has.

    A field below a JSON column is a column of its own when the query names it; it is shown where KEEP asks for it.
    """
    metadata = _metadata(node, context)
    said = len(context.diagnostics.items)
    tables = tables_of(node, context)
    # Beside an unknown table a name may be a column of that one; only a check goes on so far.
    news = context.diagnostics.items[said:]
    missing = any(d.severity == "error" or context.open_schema for d in news)
    if not tables:
        if not context.diagnostics.failed:
            context.diagnostics.error("E101", "there is no table to read", node.span, help="load or ingest events")
        columns = [Column(m, m, Kind.TEXT if m != "_version" else Kind.LONG) for m in metadata]
        schema = Schema(tuple(Field(c.name, Type.LONG if c.kind is Kind.LONG else Type.STRING) for c in columns))
        return Scope(n.Values(schema, ()), columns, open=True)
    read = [Fields(t) for t in tables]
    declared = {name for fields in read for name in fields.types}
    asked = sorted(name for name in names - declared - set(METADATA) if "*" not in name)
    layout = _layout(read, [*sorted(declared), *asked])
    for name in asked:
        found = [x for fields in read if (x := fields.find(name)) is not None]
        if found and all(isinstance(x, e.Literal) for x in found):
            words, help = told_empty(name, Schema(tuple(f for f in layout if f.name in declared)), context)
            context.diagnostics.warn("W181", words, node.span, help=help)
    parts = [_project(fields, layout, metadata, node) for fields in read]
    plan = parts[0] if len(parts) == 1 else n.Union(tuple(parts))
    shown = [Column.of(f) for f in layout if f.name in declared]
    latent = [Column.of(f) for f in layout if f.name not in declared]
    extra = [Column(m, m, of_column(m, plan.schema.get(m).type).kind) for m in metadata]  # type: ignore[union-attr]  # just projected
    mapping = _agreed(read)
    shown, latent = ([_typed(c, mapping.get(c.name, "")) for c in columns] for columns in (shown, latent))
    return Scope(plan, [*shown, *extra], latent, missing, mapping)


def _typed(column: Column, mapping: str) -> Column:
    """Return a column of text with the type that the published mapping gives its field."""
    kind = {"geo_point": Kind.POINT, "ip": Kind.IP}.get(mapping)
    return replace(column, kind=kind) if kind is not None and column.kind is Kind.TEXT else column


def _agreed(tables: list[Fields]) -> dict[str, str]:
    """Return the types of the mappings, those left out on which tables disagree or which one lacks."""
    first, *rest = (fields.table.mapping for fields in tables)
    return {name: type for name, type in first.items() if all(m.get(name) == type for m in rest)}


def _metadata(node: ast.From, context: Context) -> list[str]:
    found: list[str] = []
    for name in node.metadata:
        if name.text not in METADATA:
            meant = nearest(name.text, METADATA)
            context.diagnostics.error("E172", f"no metadata field is named {name.text!r}", name.span, help=f"did you mean {meant!r}?" if meant else "")
        elif name.text in ("_tsid", "_ignored"):
            context.diagnostics.error("E305", f"the metadata field {name.text} is not kept here", name.span, help="name the fields themselves")
        elif name.text not in found:
            found.append(name.text)
    if "_id" in found:
        words = "documents have no _id here: it is null, and rows keep no mark of their event by it"
        context.diagnostics.warn("W173", words, node.span, help="keep event.id, or the fields that tell events apart")
    if "_source" in found:
        context.diagnostics.warn("W173", "_source is put together from the columns of the table, without fields that have none", node.span)
    return found


def _layout(tables: list[Fields], names: list[str]) -> list[Field]:
    layout = []
    for name in names:
        types = {found.type for t in tables if (found := t.find(name)) is not None}
        if types:
            layout.append(Field(name, _common(types)))
    return layout


def _common(types: set[Type]) -> Type:
    if len(types) == 1:
        return types.pop()
    if all(t.integral for t in types):
        return Type.LONG
    return Type.REAL if all(t.numeric for t in types) else Type.DYNAMIC


def _project(fields: Fields, layout: list[Field], metadata: list[str], node: ast.From) -> n.Plan:
    items = [n.Item(f.name, _stored(_as(fields.find(f.name), f.type), fields.table.mapping.get(f.name, ""))) for f in layout]
    constants: dict[str, e.Expr] = {
        "_index": e.text(fields.table.name),
        "_version": e.whole(1),
        "_index_mode": e.text("standard"),
        "_score": e.Literal(0.0, Type.REAL),
    }
    if "_source" in metadata:
        constants["_source"] = call("dynamic.text", _source(fields))
    items += [n.Item(m, constants.get(m, e.null(Type.STRING))) for m in metadata]
    return n.Project(fields.table.plan, tuple(items), node.span)


def _stored(value: e.Expr, mapping: str) -> e.Expr:
    """Return several values as an index gives them back, in order and texts once; analysed text keeps the event's own.

    https://www.elastic.co/docs/reference/query-languages/esql/esql-multivalued-fields
    """
    if value.type is not Type.DYNAMIC or isinstance(value, e.Literal) or mapping in ("text", "match_only_text"):
        return value
    return call("multi.stored", value)


def _source(fields: Fields) -> e.Expr:
    """Return an event as one JSON object, nested by the dots of its names."""
    tree: dict[str, object] = {}
    for name, type in fields.types.items():
        parts = name.split(".")
        place: object = tree
        for part in parts[:-1]:
            place = place.setdefault(part, {}) if isinstance(place, dict) else None
        # What lies below a column is inside its JSON already.
        if isinstance(place, dict):
            place.setdefault(parts[-1], e.Column(name, type))
    return _object(tree)


def _object(tree: dict[str, object]) -> e.Expr:
    pairs: list[e.Expr] = []
    for name, value in tree.items():
        pairs += [e.text(name), _object(value) if isinstance(value, dict) else value]  # type: ignore[list-item]  # leaves are columns
    return call("dynamic.object", *pairs)


def _as(value: e.Expr | None, type: Type) -> e.Expr:
    if value is None:
        return e.null(type)
    if value.type is type:
        return value
    if type is Type.DYNAMIC:
        return call("dynamic.of", value)
    return call("logic.cast", value, type=type)
