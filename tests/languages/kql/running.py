"""Queries over small rows of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from livefire import QueryError, Workspace
from livefire.diagnostics import Diagnostic

Tables = Mapping[str, Sequence[Mapping[str, Any]]]
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def run(text: str, tables: Tables | None = None, *, lenient: bool = False) -> list[tuple[Any, ...]]:
    """Return the rows of a query over tables given by name."""
    workspace = Workspace()
    for name, rows in (tables or {}).items():
        workspace.load(name, rows)
    return workspace.query(text, language="kql", now=NOW, lenient=lenient).rows


def columns(text: str) -> list[tuple[str, str]]:
    """Return names and types of a query's columns."""
    result = Workspace().query(text, language="kql", now=NOW)
    return list(zip(result.columns, result.types, strict=True))


def faults(text: str, tables: Tables | None = None) -> list[Diagnostic]:
    """Return the errors for which a query is refused."""
    try:
        run(text, tables)
    except QueryError as error:
        return [d for d in error.diagnostics if d.severity == "error"]
    return []
