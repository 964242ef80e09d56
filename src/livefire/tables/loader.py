"""From a table's declaration to a `Table`: a Project over the Scan of its log source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from livefire.logsources.registry import source as log_source
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.functions import call
from livefire.schema import Type
from livefire.tables.declaration import DeclarationError, TableDeclaration, read_declaration
from livefire.tables.models import read_models
from livefire.tables.values import ValueReader, ValueSyntaxError

FOLDER = Path(__file__).parent


@cache
def declarations(vendor: str | None = None) -> tuple[TableDeclaration, ...]:
    """Return the table files of one vendor or of all, by vendor and file name; DeclarationError for a faulty one."""
    if vendor is None:
        return tuple(d for v in vendors() for d in declarations(v))
    meanings = read_meanings()
    return tuple(read_declaration(path, meanings) for path in sorted((FOLDER / vendor).glob("*.toml")))


@cache
def vendor_tables(vendor: str | None = None) -> tuple[Table, ...]:
    """Return the tables that the files of one vendor declare, or of all; DeclarationError for a faulty file."""
    if vendor is None:
        return tuple(t for v in vendors() for t in vendor_tables(v))
    tables = tuple(build(d) for d in declarations(vendor))
    return (*tables, *read_models(FOLDER / vendor / "models", {t.name: t for t in tables}))


def vendors() -> tuple[str, ...]:
    """Return the vendors that have table files."""
    return tuple(sorted({path.parent.name for path in FOLDER.glob("*/*.toml")}))


@cache
def read_meanings() -> Mapping[str, Mapping[str, str]]:
    """Return for each log source the common model's field that a hot column stands for."""
    with (FOLDER / "canonical.toml").open("rb") as file:
        meanings: dict[str, dict[str, str]] = tomllib.load(file)
    return meanings


@cache
def fields(vendor: str, name: str) -> Mapping[str, str]:
    """Return a list of a vendor's published fields: each name with the product's own type."""
    lines = (FOLDER / vendor / "fields" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def scan(source: str) -> n.Scan:
    """Return the rows of a log source as stored: every common and hot column under its own name."""
    schema = log_source(source).schema
    return n.Scan(source, schema, schema.names, identity="_id", time="_time")


def build(said: TableDeclaration) -> Table:
    """Return a declared table; DeclarationError where a column's value has no meaning."""
    parts = tuple(_project(said, source) for source in said.sources)
    plan: n.Plan = parts[0] if len(parts) == 1 else n.Union(parts)
    hidden = frozenset(c.name for c in said.columns if c.hidden)
    _check(said, plan)
    return Table(
        said.name,
        plan,
        said.time,
        said.vendor,
        said.title,
        said.aliases,
        {"vendor": said.vendor, **said.tags},
        {c.name: c.canonical for c in said.columns if c.canonical},
        said.roots,
        hidden,
        said.open,
        said.compatibility,
        {name: type for part in said.catalogue for name, type in fields(said.vendor, part).items()},
    )


def _project(said: TableDeclaration, source: str) -> n.Project:
    reader = ValueReader(scan(source).schema)
    rows: n.Plan = scan(source)
    if source in said.where:
        rows = n.Filter(rows, reader.condition(said.where[source]))
    items = []
    for column in said.columns:
        try:
            # A source that a union's column does not name has no such value.
            expr = reader.column(column.sources.get(source, {"nothing": True}), column.type)
        except (ValueSyntaxError, KeyError) as problem:
            raise DeclarationError(f"{said.vendor}/{said.name}, column {column.name!r}: {problem}") from problem
        if said.missing_text is not None and column.type is Type.STRING:
            expr = _or_text(expr, said.missing_text)
        items.append(n.Item(column.name, expr))
    return n.Project(rows, tuple(items))


def _or_text(expr: e.Expr, missing: str) -> e.Expr:
    if isinstance(expr, e.Literal):
        return e.text(missing) if expr.value is None else expr
    return call("logic.coalesce", expr, e.text(missing))


def _check(said: TableDeclaration, plan: n.Plan) -> None:
    time = plan.schema.get(said.time) if said.time is not None else None
    if said.time is not None and (time is None or time.type is not Type.DATETIME):
        raise DeclarationError(f"{said.vendor}/{said.name}: time column {said.time!r} is no datetime column of the table")
    for root in said.roots:
        column = plan.schema.get(root.column)
        if column is None or column.type is not Type.DYNAMIC:
            raise DeclarationError(f"{said.vendor}/{said.name}: root {root.prefix!r} needs a dynamic column {root.column!r}")
