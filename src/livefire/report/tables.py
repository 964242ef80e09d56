"""Rows as tables for people and as JSON for programs. Every cell passes through `safe_text`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from livefire.report.safe import safe_text

if TYPE_CHECKING:
    from rich.table import Table

MAX_CELL = 80
MAX_VALUE = 400
READABLE = 20


def shown(value: Any, width: int = MAX_CELL) -> str:
    """Return a value as one safe line, cut with … past `width` characters."""
    text = safe_text(as_text(value))
    return text if len(text) <= width else text[: width - 1] + "…"


def as_text(value: Any) -> str:
    """Return a value as text: null empty, times as ISO 8601 in UTC, dynamics as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=as_text)
    return str(value)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: 1 file, 2 files, 1 entry, 2 entries."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def iso(moment: datetime) -> str:
    """Return a moment as 2026-11-21T05:00:00Z, with a fraction only where there is one."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return text + "Z"


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: times as ISO 8601, timespans as seconds, NaN and infinities by name."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", width: int = MAX_CELL) -> Table:
    """Return a table for a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    made = Table(box=SIMPLE_HEAD, title=Text(safe_text(title)) if title else None, title_justify="left", pad_edge=False)
    for name in columns:
        made.add_column(Text(safe_text(name)), overflow="fold")
    for row in rows:
        made.add_row(*(Text(shown(v, width)) for v in row))
    return made


def fits(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int) -> bool:
    """True when a table shows every column at a width that can be read."""
    least = [
        max(len(safe_text(name)), *(min(len(shown(row[i])), READABLE) for row in rows)) if rows else len(safe_text(name)) for i, name in enumerate(columns)
    ]
    return sum(least) + 2 * len(least) <= width


def records(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Return rows below each other, a line a column that has a value; for rows with more columns than a terminal is wide."""
    lines: list[tuple[Any, ...]] = []
    for number, row in enumerate(rows, 1):
        filled = [(name, value) for name, value in zip(columns, row, strict=True) if value not in (None, "")]
        lines.extend((number if place == 0 else "", *pair) for place, pair in enumerate(filled or [("", "")]))
    return table(("row", "column", "value"), lines, width=MAX_VALUE)
