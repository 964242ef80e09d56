"""Rows that the CQL tests share, and a short way to run a query over rows of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import livefire


def run(query: str, rows: Iterable[Mapping[str, Any]], **options: Any) -> list[tuple[Any, ...]]:
    """Run a query over one table named events and return its rows."""
    rows_found: list[tuple[Any, ...]] = result(query, rows, **options).rows
    return rows_found


def result(query: str, rows: Iterable[Mapping[str, Any]], **options: Any) -> Any:
    """Run a query over one table named events; `time` names its event time."""
    ws = livefire.Workspace()
    ws.load("events", rows, time_field=options.pop("time", None))
    return ws.query(query, language="cql", **options)


def codes(query: str, rows: Iterable[Mapping[str, Any]] = ({"a": "1"},), **options: Any) -> list[tuple[str, int, int]]:
    """Return code, line and column of everything said of a query, whether it runs or not."""
    try:
        said = result(query, rows, **options).diagnostics
    except livefire.QueryError as error:
        said = error.diagnostics
    source = livefire.diagnostics.Source(query)
    return [(d.code, source.position(d.span.start).line, source.position(d.span.start).column) for d in said]
