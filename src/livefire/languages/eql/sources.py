"""Which tables a query reads, and what a field name means in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from livefire.languages.base import Context
from livefire.languages.binder import suggestion, unknown_column
from livefire.languages.fields import published, told_empty
from livefire.languages.index.documents import NOWHERE, tables_of
from livefire.languages.kit.ast import Name
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.functions import call
from livefire.schema import Field, Schema, Type


@dataclass(frozen=True, slots=True)
class Origin:
    """The rows a query reads: a plan, the columns it shows, and an expression for each field name it was asked for.

    `known` is false where no table could be found, `undeclared` where a table's mapping is open. The
    fields in `empty` are published for a table, and nothing here fills them.
    """

    plan: n.Plan
    shown: Schema
    fields: dict[str, e.Expr]
    time: str | None
    known: bool = True
    undeclared: bool = False
    empty: frozenset[str] = frozenset()


class TableFields:
    """The fields of one table by their dotted names."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.declared = {f.name: f.type for f in table.schema}
        self._roots = sorted(table.roots, key=lambda r: -len(r.prefix))

    def find(self, name: str) -> e.Expr | None:
        """Return a column, a path below an open root, or a path below a dynamic column; None where there is none of them."""
        if name in self.declared:
            return e.Column(name, self.declared[name])
        for root in self._roots:
            rest = name.removeprefix(root.prefix).strip(".")
            if name.startswith(root.prefix) and rest:
                return _below(e.Column(root.column, Type.DYNAMIC), rest.split("."))
        parts = name.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            base = ".".join(parts[:cut])
            if self.declared.get(base) is Type.DYNAMIC:
                return _below(e.Column(base, Type.DYNAMIC), parts[cut:])
        return published(self.table, name)


def _below(base: e.Expr, steps: list[str]) -> e.Expr:
    return call("dynamic.reach", base, *(e.text(s) for s in steps))


def open_origin(context: Context, names: Iterable[str]) -> Origin:
    """Return the rows of the query's tables with every asked field that at least one of them has."""
    said = len(context.diagnostics.items)
    tables = [TableFields(t) for t in tables_of(context)]
    wanted = list(dict.fromkeys(names))
    if not tables:
        if not context.diagnostics.failed:
            context.diagnostics.error("E101", "there is no table to read", NOWHERE, help="load or ingest events, or name a table with `index`")
        return Origin(n.Values(Schema(()), ()), Schema(()), {}, None, known=False)
    read = _alone(tables[0], wanted) if len(tables) == 1 else _united(tables, wanted)
    # Beside an unknown table a name may be a field of that one.
    return replace(read, known=len(context.diagnostics.items) == said)


def _alone(fields: TableFields, wanted: list[str]) -> Origin:
    """Read one table, with each path that the query asks for computed once."""
    table = fields.table
    found = {name: x for name in wanted if (x := fields.find(name)) is not None}
    paths = {name: x for name, x in found.items() if not isinstance(x, e.Column)}
    columns: dict[str, e.Expr] = {name: e.Column(f"field {name}" if name in paths else name, x.type) for name, x in found.items()}
    items = tuple(n.Item(f"field {name}", x) for name, x in paths.items())
    return Origin(n.extend(table.plan, *items) if items else table.plan, table.schema, columns, table.time, undeclared=table.open, empty=_empty(found))


def _united(tables: list[TableFields], wanted: list[str]) -> Origin:
    """Put several tables under each other: a column or field that one lacks is null there."""
    declared = list(dict.fromkeys(name for t in tables for name in t.declared))
    names = [name for name in dict.fromkeys([*declared, *wanted]) if name != "_index"]
    found = {name: [t.find(name) for t in tables] for name in names}
    layout = [Field("_index", Type.STRING), *_common(Field(name, x.type) for name in names for x in found[name] if x is not None)]
    parts = []
    for number, one in enumerate(tables):
        items = [n.Item("_index", e.text(one.table.name)), *(n.Item(f.name, _as(found[f.name][number], f.type)) for f in layout[1:])]
        parts.append(n.Project(one.table.plan, tuple(items)))
    asked: dict[str, e.Expr] = {f.name: e.Column(f.name, f.type) for f in layout if f.name in wanted}
    times = {t.table.time for t in tables}
    shown = Schema(tuple(f for f in layout if f.name in ("_index", *declared)))
    undeclared = any(t.table.open for t in tables)
    asked_in = {name: next((x for x in found[name] if not isinstance(x, (e.Literal, type(None)))), e.null()) for name in asked}
    return Origin(n.Union(tuple(parts)), shown, asked, times.pop() if len(times) == 1 else None, undeclared=undeclared, empty=_empty(asked_in))


def _empty(found: dict[str, e.Expr]) -> frozenset[str]:
    return frozenset(name for name, x in found.items() if isinstance(x, e.Literal))


def _common(fields: Iterable[Field]) -> Schema:
    """One column a name; tables that disagree on its type make it dynamic."""
    types: dict[str, Type] = {}
    for f in fields:
        before = types.setdefault(f.name, f.type)
        if before is not f.type:
            types[f.name] = _wider(before, f.type)
    return Schema(tuple(Field(name, t) for name, t in types.items()))


def _wider(a: Type, b: Type) -> Type:
    if a.integral and b.integral:
        return Type.LONG
    return Type.REAL if a.numeric and b.numeric else Type.DYNAMIC


def _as(value: e.Expr | None, type: Type) -> e.Expr:
    if value is None:
        return e.null(type)
    if value.type is type:
        return value
    if type is Type.DYNAMIC:
        return call("dynamic.of", value)
    return call("logic.cast", value, type=type)


class Fields:
    """Looks fields up for one query and words the faults."""

    def __init__(self, origin: Origin, context: Context) -> None:
        self.origin = origin
        self.context = context

    def absent(self, name: Name) -> bool:
        """Tell whether an optional field is in no mapping, so that Elasticsearch puts null in its place before the query runs."""
        return (name.optional or self.context.lenient) and name.text not in self.origin.fields and self.origin.known and not self.origin.undeclared

    def find(self, name: Name) -> e.Expr:
        """Return the expression of a field; an unknown one is null if it was marked with `?`, else E102.

        https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-syntax-optional-fields
        """
        found = self.origin.fields.get(name.text)
        if found is not None:
            if name.text in self.origin.empty:
                words, help = told_empty(name.text, self.origin.shown, self.context)
                self.context.diagnostics.warn("W181", words, name.span, help=help)
            return found
        if not name.optional and self.origin.undeclared:
            words = f"no table here declares {name.text!r}, so it is null in every event"
            meant = suggestion(name.text, self.origin.shown, self.context)
            self.context.diagnostics.warn("W102", words, name.span, help=f"did you mean {meant!r}?" if meant else "")
        elif not name.optional and self.origin.known and self.context.lenient:
            words = f"no table here has a field {name.text!r}: it is read as `?{name.text}`, which has no value"
            meant = suggestion(name.text, self.origin.shown, self.context)
            self.context.diagnostics.warn("W102", words, name.span, help=f"did you mean {meant!r}?" if meant else "")
        elif not name.optional and self.origin.known:
            unknown_column(name.text, name.span, self.origin.shown, self.context, what="field")
        return e.null(Type.UNKNOWN)
