"""Dotted field names to expressions: a column, a path below an open root, or a path into a dynamic column."""

from __future__ import annotations

from livefire.languages.base import Context
from livefire.plan import expr as e
from livefire.plan.catalog import Table
from livefire.schema import Schema, Type


def dotted(table: Table, name: str) -> e.Expr | None:
    """Return the expression of a dotted field name over a table's plan, or None when the table has no such field.

    An exact column wins; then the open root with the longest prefix; then the longest dynamic
    column whose name begins the field's.
    """
    declared = table.schema.get(name)
    if declared is not None:
        return e.Column(declared.name, declared.type)
    roots = sorted((r for r in table.roots if name.startswith(r.prefix)), key=lambda r: -len(r.prefix))
    if roots:
        return path(e.Column(roots[0].column, Type.DYNAMIC), name[len(roots[0].prefix) :])
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        column = table.plan.schema.get(".".join(parts[:cut]))
        if column is not None and column.type is Type.DYNAMIC:
            return path(e.Column(column.name, column.type), ".".join(parts[cut:]))
    return None


def path(base: e.Expr, rest: str) -> e.Expr:
    """Return the path of a dotted name below a dynamic value."""
    return e.Path(base, tuple(rest.split("."))) if rest else base


_PUBLISHED = {"boolean": Type.BOOL, "date": Type.DATETIME, "flattened": Type.DYNAMIC, "object": Type.DYNAMIC, "nested": Type.DYNAMIC}
_WHOLE = frozenset({"long", "integer", "short", "byte", "unsigned_long"})
_REAL = frozenset({"double", "float", "half_float", "scaled_float"})


def published(table: Table, name: str) -> e.Expr | None:
    """Return a typed null for a field that the product publishes for a table and nothing here fills, None for any other."""
    kind = table.mapping.get(name)
    if kind is None:
        return None
    type = Type.LONG if kind in _WHOLE else Type.REAL if kind in _REAL else _PUBLISHED.get(kind, Type.STRING)
    return e.null(type)


def told_empty(name: str, table: Schema, context: Context) -> tuple[str, str]:
    """Return the words on a field that is published and empty: message and help, which names the column that means the same."""
    words = f"{name!r} is a field of the published schema that nothing here fills, so it is empty in every event"
    others = {n for names in context.catalog.other_names(name).values() for n in names}
    same = next((column for column in table.names if column in others), None)
    return words, f"did you mean {same!r}?" if same else "Elasticsearch may have a value there, from an enrichment or another integration"
