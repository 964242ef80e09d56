"""Runs EQL over rows given in a test."""

from __future__ import annotations

from typing import Any

import livefire

Row = dict[str, Any]


def numbers(query: str, rows: list[Row], **options: Any) -> list[int]:
    """Return the places of the rows that a query gives, in its order; rows get a second each."""
    return [row["place"] for row in shown(query, rows, **options)]


def shown(query: str, rows: list[Row], **options: Any) -> list[Row]:
    """Return the rows that a query gives, by column."""
    ws = livefire.Workspace()
    stamped = [{"@timestamp": f"2026-03-01T10:{i // 60:02}:{i % 60:02}Z", "place": i} | row for i, row in enumerate(rows)]
    ws.load("log", stamped, time_field="@timestamp")
    result = ws.query(query, language="eql", index="log", **options)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def faults(query: str, rows: list[Row], **options: Any) -> list[tuple[str, str]]:
    """Return code and place (as text) of each error of a query that must not run."""
    try:
        shown(query, rows, **options)
    except livefire.QueryError as error:
        return [(d.code, query[d.span.start : d.span.end]) for d in error.diagnostics if d.severity == "error"]
    raise AssertionError("the query ran")
