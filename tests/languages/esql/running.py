"""Runs a query of ES|QL over a few rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import livefire

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def run(query: str, rows: list[dict[str, Any]] | None = None, types: Mapping[str, str] | None = None, **options: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query over a table `t`."""
    return result(query, rows, types, **options).rows


def result(query: str, rows: list[dict[str, Any]] | None = None, types: Mapping[str, str] | None = None, **options: Any) -> livefire.Result:
    """Return the result of a query over a table `t`."""
    ws = livefire.Workspace()
    if rows is not None:
        ws.load("t", rows, schema=types)
    return ws.query(query, language="esql", now=NOW, **options)


def value(expression: str, **options: Any) -> Any:
    """Return the value of an expression without columns."""
    return run(f"ROW x = {expression}", **options)[0][0]


def codes(query: str, rows: list[dict[str, Any]] | None = None, **options: Any) -> list[str]:
    """Return the codes said of a query."""
    ws = livefire.Workspace()
    if rows is not None:
        ws.load("t", rows)
    return [d.code for d in ws.check(query, language="esql", **options)]


def refusal(query: str, rows: list[dict[str, Any]] | None = None, **options: Any) -> livefire.Diagnostic:
    """Return the first error of a query that cannot run."""
    try:
        run(query, rows, **options)
    except livefire.QueryError as error:
        return next(d for d in error.diagnostics if d.severity == "error")
    raise AssertionError(f"{query!r} ran")
