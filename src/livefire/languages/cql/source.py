"""Where a query's events come from: the tables whose tags fit, as one stream.

Tags are constants of a table (`#event_simpleName`, `#Vendor`, `#repo`); a query that filters on one
reads only the tables that carry it. https://library.humio.com/data-analysis/searching-data-event-fields.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.event import path_steps
from livefire.languages.kit import ast
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import OpenRoot, Table
from livefire.schema import Schema, Type

VENDOR = "logscale"
UNSEARCHED = frozenset({"@id", "@timestamp", "@ingesttimestamp"})


@dataclass(slots=True)
class TableBase:
    """The fields of one table: declared columns, tags, the event time, and paths into open roots and objects."""

    table: Table
    names: tuple[str, ...] = field(init=False)
    _columns: dict[str, e.Column] = field(init=False, repr=False)
    _roots: list[OpenRoot] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._columns = {f.name: e.Column(f.name, f.type) for f in self.table.plan.schema}
        self.names = tuple(name for name in self._columns if name not in self.table.hidden)
        self._roots = sorted(self.table.roots, key=lambda r: -len(r.prefix))

    def read(self, name: str) -> e.Expr | None:
        """Return the value of a field, None when the table has none of that name."""
        found = self._columns.get(name)
        if found is not None and name not in self.table.hidden:
            return found
        if name == "@timestamp" and self.table.time is not None:
            return self._columns[self.table.time]
        tag = tag_of(self.table, name)
        return e.text(tag) if tag is not None else self._inside(name)

    @property
    def identified(self) -> bool:
        """True where every event has an id."""
        return "@id" in self._columns

    def _inside(self, name: str) -> e.Expr | None:
        for root in self._roots:
            if name.startswith(root.prefix) and (steps := path_steps(name[len(root.prefix) :])):
                return e.Path(self._columns[root.column], steps)
        steps = path_steps(name)
        for cut in range(len(steps) - 1, 0, -1):
            if all(isinstance(step, str) for step in steps[:cut]):
                column = self._columns.get(".".join(str(step) for step in steps[:cut]))
                if column is not None and column.type is Type.DYNAMIC:
                    return e.Path(column, steps[cut:])
        return None


@dataclass(slots=True)
class UnionBase:
    """The fields of several tables read as one stream, as columns of a union."""

    schema: Schema
    names: tuple[str, ...]
    identified: bool

    def read(self, name: str) -> e.Expr | None:
        """Return the value of a field, None when no table has it."""
        found = self.schema.get(name)
        return e.Column(found.name, found.type) if found is not None else None


@dataclass(slots=True)
class EmptyBase:
    """A source that no table backs, for checks without tables: every field may exist and is null."""

    names: tuple[str, ...] = ()

    def read(self, _: str) -> e.Expr | None:
        """Return no value."""
        return None


Base = TableBase | UnionBase | EmptyBase


def tag_of(table: Table, name: str) -> str | None:
    """Return the constant of a tag field, written with # or without."""
    bare = name.removeprefix("#")
    if bare == "repo" and "repo" not in table.tags and "#repo" not in table.tags and not table.vendor:
        return table.name
    return table.tags.get(bare, table.tags.get(f"#{bare}"))


def open_source(pipeline: s.Pipeline, context: Context) -> tuple[n.Plan, Base]:
    """Return the plan of the events that a query may read, and how its fields are found there."""
    tables = _tables(pipeline, context)
    if not tables:
        return n.Values(Schema(()), ()), EmptyBase()
    if len(tables) == 1:
        return tables[0].plan, TableBase(tables[0])
    return _union(tables, mentioned(pipeline))


def _tables(pipeline: s.Pipeline, context: Context) -> list[Table]:
    named = context.option("index")
    if named is not None:
        table = context.catalog.table(named)
        if table is None:
            _missing(context, f"no table is named {named!r}", Span(0, 0), (t.name for t in context.catalog.tables(VENDOR)))
        return [table] if table is not None else []
    everything = context.catalog.tables(VENDOR)
    leading = _leading(pipeline)
    fitting = [t for t in everything if all(_may_hold(c, t) is not False for c in leading) and _is_asked_for(t, leading)]
    for made in (t for t in fitting if t.compatibility):
        context.diagnostics.notice("N108", made.compatibility, _tags_of(leading[0])[0].span if _tags_of(leading[0]) else Span(0, 0))
    if fitting:
        return fitting
    tags = [c for c in leading if _tags_of(c)]
    if tags:
        first = _tags_of(tags[0])[0]
        known = {v for t in everything if (v := tag_of(t, first.field.text)) is not None}
        _missing(context, f"no table carries {context.diagnostics.source.slice(first.span)}", first.span, known)
    else:
        _missing(context, "there is no table to read", Span(0, 0), ())
    return []


def _is_asked_for(table: Table, leading: list[s.Condition]) -> bool:
    """A table that no product writes holds the events of others again, so it is read only by a tag of its own."""
    return not table.compatibility or any(_may_hold(c, table) is True for c in leading)


def _missing(context: Context, message: str, span: Span, known: object) -> None:
    names = sorted(str(k) for k in known)[:12] if hasattr(known, "__iter__") else []
    report = context.diagnostics.warn if context.open_schema else context.diagnostics.error
    report(
        "W101" if context.open_schema else "E101",
        message,
        span,
        help=f"known: {', '.join(names)}" if names else "load a table, or ingest the logs that fill it",
    )


def _leading(pipeline: s.Pipeline) -> list[s.Condition]:
    """Return the conditions that every event must meet before anything changes it."""
    out: list[s.Condition] = []
    for step in pipeline.steps:
        if not isinstance(step, s.FilterStep):
            break
        out.extend(step.condition.parts if isinstance(step.condition, s.Conjunction) else (step.condition,))
    return out


def _tags_of(condition: s.Condition) -> list[s.Comparison]:
    match condition:
        case s.Comparison() if condition.field.text.startswith("#") and condition.operator == "=":
            return [condition]
        case s.Conjunction(parts=parts) | s.Disjunction(parts=parts):
            return [c for p in parts for c in _tags_of(p)]
        case _:
            return []


def _may_hold(condition: s.Condition, table: Table) -> bool | None:
    """Return what a condition is for every event of a table, None where it depends on the event."""
    match condition:
        case s.Comparison():
            return _compare(condition, table)
        case s.Conjunction(parts=parts):
            found = [_may_hold(p, table) for p in parts]
            return False if False in found else True if all(f is True for f in found) else None
        case s.Disjunction(parts=parts):
            found = [_may_hold(p, table) for p in parts]
            return True if True in found else False if all(f is False for f in found) else None
        case s.Not(part=part):
            inner = _may_hold(part, table)
            return None if inner is None else not inner
        case _:
            return None


def _compare(condition: s.Comparison, table: Table) -> bool | None:
    name = condition.field.text
    if condition.operator not in ("=", "!=") or not isinstance(condition.value, s.Word):
        return None
    tag = tag_of(table, name)
    if tag is None and not name.startswith("#"):
        return None
    base = TableBase(table)
    column = e.text(tag) if tag is not None else base.read(name) or base.read(name[1:])
    if column is None:
        if not name.startswith("#"):
            return None
        return condition.operator == "!="
    if not isinstance(column, e.Literal) or condition.value.raw == "*":
        return None
    equal = fnmatchcase(str(column.value), condition.value.text.replace("[", "[[]"))
    return equal if condition.operator == "=" else not equal


def _union(tables: list[Table], wanted: frozenset[str]) -> tuple[n.Plan, UnionBase]:
    bases = [TableBase(t) for t in tables]
    declared = list(dict.fromkeys(name for b in bases for name in b.names))
    extra = sorted(name for name in wanted if name not in declared and any(b.read(name) is not None for b in bases))
    names = [*declared, *extra]
    columns: dict[str, list[e.Expr]] = {}
    for name in names:
        values = [b.read(name) or e.null(Type.UNKNOWN) for b in bases]
        columns[name] = coerce.same_type(values)
    parts = [n.Project(t.plan, tuple(n.Item(name, columns[name][i]) for name in names)) for i, t in enumerate(tables)]
    plan = n.Union(tuple(parts))
    return plan, UnionBase(plan.schema, tuple(declared), all(b.identified for b in bases))


def mentioned(node: object) -> frozenset[str]:
    """Return every word of a query that may be the name of a field."""
    found: set[str] = set()
    _collect(node, found)
    return frozenset(found | {name.removeprefix("#") for name in found} | {f"#{name}" for name in found} | {"@timestamp", "@rawstring"})


def _collect(node: object, found: set[str]) -> None:
    if isinstance(node, s.Word):
        found.add(node.text)
        found.add(node.text.removesuffix("[]"))
    elif isinstance(node, tuple):
        for part in node:
            _collect(part, found)
    elif not isinstance(node, (str, bool, Span, ast.Pattern)) and hasattr(node, "__dataclass_fields__"):
        for name in node.__dataclass_fields__:
            _collect(getattr(node, name), found)
