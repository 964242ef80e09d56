"""Dotted field names to expressions: a column, a path below an open root, or a path into a dynamic column."""

from __future__ import annotations

from livefire.plan import expr as e
from livefire.plan.catalog import Table
from livefire.schema import Type


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
