"""Which indices a filter reads, and what a field name means in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.binder import unknown_table
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.functions import call
from livefire.schema import Field, Schema, Type

NOWHERE = Span(0, 0)
INDEX = "_index"
# The type that Elasticsearch gives a column that no mapping describes.
_KINDS = {
    Type.BOOL: "boolean",
    Type.INT: "long",
    Type.LONG: "long",
    Type.REAL: "double",
    Type.DECIMAL: "double",
    Type.DATETIME: "date",
    Type.TIMESPAN: "long",
    Type.DYNAMIC: "object",
}


@dataclass(frozen=True, slots=True)
class Member:
    """A field: its expression, and its type in the mapping (`keyword`, `ip`, `date`, `flattened` …).

    `below` is true for a path inside a flattened field, `empty` for a field that nothing here fills.
    `nested` names the nested field that it lies in: outside of `{ }` such a field has no value.
    """

    name: str
    expr: e.Expr
    kind: str
    below: bool = False
    empty: bool = False
    nested: str = ""


class IndexFields:
    """The fields of one table by their dotted names."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.columns = {f.name: f.type for f in table.schema}
        self._roots = sorted(table.roots, key=lambda r: -len(r.prefix))
        self._nested = [name for name, kind in table.mapping.items() if kind == "nested"]
        self._objects = objects(tuple(table.mapping))

    def find(self, name: str) -> Member | None:
        """Return what a name means here; None for one that neither the table nor its mapping has."""
        if name == INDEX:
            return Member(name, e.text(self.table.name), "keyword")
        kind = self.table.mapping.get(name, "")
        if name in self.columns:
            nested = next((p for p in self._nested if name.startswith(p + ".")), "")
            return Member(name, e.Column(name, self.columns[name]), kind or _KINDS.get(self.columns[name], "keyword"), nested=nested)
        for root in self._roots:
            rest = name.removeprefix(root.prefix).strip(".")
            if name.startswith(root.prefix) and rest:
                return Member(name, below(e.Column(root.column, Type.DYNAMIC), rest), "flattened", below=True)
        inner = self._inside(name)
        if inner is not None:
            return inner
        if kind or name in self._objects:
            return Member(name, e.null(Type.STRING), kind or "object", empty=True)
        return Member(name, e.null(Type.STRING), "keyword", empty=True) if self.table.open else None

    def _inside(self, name: str) -> Member | None:
        parts = name.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            base = ".".join(parts[:cut])
            if self.columns.get(base) is Type.DYNAMIC:
                flat = self.table.mapping.get(base) == "flattened"
                return Member(name, below(e.Column(base, Type.DYNAMIC), ".".join(parts[cut:])), "flattened" if flat else "object", below=flat)
        return None


@lru_cache(maxsize=64)
def objects(names: tuple[str, ...]) -> frozenset[str]:
    """Return the names that others lie below: `a` and `a.b` of `a.b.c`. A mapping has thousands, and stays the same from rule to rule."""
    return frozenset(name[:at] for name in names for at, character in enumerate(name) if character == ".")


def below(base: e.Expr, rest: str) -> e.Expr:
    """Return the values that a dotted path leads to, through arrays too."""
    return call("dynamic.reach", base, *(e.text(step) for step in rest.split(".")))


@dataclass(frozen=True, slots=True)
class Documents:
    """The rows a filter reads: a plan, the columns it shows, the fields it was asked for, and every name there is.

    `known` is false where no index could be found, `mapped` where a product's mapping says which fields there are.
    """

    plan: n.Plan
    shown: Schema
    fields: Mapping[str, Member]
    names: tuple[str, ...] = ()
    time: str | None = None
    known: bool = True
    mapped: bool = False


def tables_of(context: Context) -> tuple[Table, ...]:
    """Return the tables of the `index` option, a list of names and `*` patterns.

    Without it these are the tables loaded by the user, or where there are none every table of
    Elastic. A name that no table has is E101.
    """
    index = context.option("index")
    everything = context.catalog.tables("elastic")
    if index is None:
        return tuple(t for t in everything if t.vendor == "") or everything
    chosen: dict[str, Table] = {}
    missing: list[str] = []
    for part in (p.strip() for p in index.split(",")):
        if part.startswith("-"):
            chosen = {name: t for name, t in chosen.items() if not covers(part[1:], t)}
            continue
        found = [t for t in everything if covers(part, t)]
        if not found and part:
            missing.append(part)
        chosen.update({t.name: t for t in found})
    for part in missing:
        if chosen and "*" in part:
            # A pattern that no index fits is passed over by Elasticsearch, as long as another fits one.
            context.diagnostics.warn("W101", f"no table fits {part!r}, so nothing is read for it", NOWHERE)
        else:
            unknown_table(part, NOWHERE, context, "elastic")
    return tuple(chosen.values())


def covers(pattern: str, table: Table) -> bool:
    """Tell whether an index pattern names a table."""
    return table.answers_to(pattern) or any(fnmatchcase(name, pattern) for name in (table.name, *table.aliases))


def open_documents(context: Context, names: Iterable[str]) -> Documents:
    """Return the rows of the query's indices with every asked field that at least one of them has; E101 when there is no index."""
    tables = [IndexFields(t) for t in tables_of(context)]
    if not tables:
        if not context.diagnostics.failed:
            context.diagnostics.error("E101", "there is no table to read", NOWHERE, help="load or ingest events, or name a table with `index`")
        return Documents(n.Values(Schema(()), ()), Schema(()), {}, known=False)
    declared = list(dict.fromkeys(name for t in tables for name in t.columns))
    wanted = [name for name in dict.fromkeys(names) if "*" not in name]
    mapped = any(t.table.mapping for t in tables)
    if len(tables) == 1:
        return _alone(tables[0], wanted, tuple(declared), mapped)
    return _united(tables, wanted, tuple(declared), mapped)


def _alone(one: IndexFields, wanted: list[str], declared: tuple[str, ...], mapped: bool) -> Documents:
    """Read one index, with each path that the query asks for computed once."""
    found = {name: m for name in (*declared, *wanted) if (m := one.find(name)) is not None}
    paths = {name: m for name, m in found.items() if isinstance(m.expr, e.Call)}
    items = tuple(n.Item(f"field {name}", m.expr) for name, m in paths.items())
    fields = {name: _over(m, e.Column(f"field {name}", m.expr.type)) if name in paths else m for name, m in found.items()}
    plan = n.extend(one.table.plan, *items) if items else one.table.plan
    return Documents(plan, one.table.schema, fields, declared, one.table.time, mapped=mapped)


def _over(member: Member, expr: e.Expr) -> Member:
    return Member(member.name, expr, member.kind, member.below, member.empty, member.nested)


def _united(tables: list[IndexFields], wanted: list[str], declared: tuple[str, ...], mapped: bool) -> Documents:
    """Put several indices under each other: a field that one lacks is null there."""
    names = [name for name in dict.fromkeys([*declared, *wanted]) if name != INDEX]
    found = {name: [t.find(name) for t in tables] for name in names}
    layout = [Field(INDEX, Type.STRING)]
    fields = {INDEX: Member(INDEX, e.Column(INDEX, Type.STRING), "keyword")}
    for name in names:
        members = [m for m in found[name] if m is not None]
        filled = [m for m in members if not m.empty] or members
        if not filled:
            continue
        type = _common({m.expr.type for m in filled})
        layout.append(Field(name, type))
        kinds = {m.kind for m in filled}
        kind = kinds.pop() if len(kinds) == 1 else _KINDS.get(type, "keyword")
        fields[name] = Member(
            name, e.Column(name, type), kind, any(m.below for m in filled), all(m.empty for m in members), next((m.nested for m in filled if m.nested), "")
        )
    parts = []
    for number, one in enumerate(tables):
        items = [n.Item(INDEX, e.text(one.table.name)), *(n.Item(f.name, _as(found[f.name][number], f.type)) for f in layout[1:])]
        parts.append(n.Project(one.table.plan, tuple(items)))
    times = {t.table.time for t in tables}
    shown = Schema(tuple(f for f in layout if f.name in (INDEX, *declared)))
    return Documents(n.Union(tuple(parts)), shown, fields, declared, times.pop() if len(times) == 1 else None, mapped=mapped)


def _common(types: set[Type]) -> Type:
    if len(types) == 1:
        return types.pop()
    if all(t.integral for t in types):
        return Type.LONG
    return Type.REAL if all(t.numeric for t in types) else Type.DYNAMIC


def _as(member: Member | None, type: Type) -> e.Expr:
    if member is None or member.empty:
        return e.null(type)
    if member.expr.type is type:
        return member.expr
    return call("dynamic.of", member.expr) if type is Type.DYNAMIC else call("logic.cast", member.expr, type=type)
