"""Rows for a grid: one harmless line a cell, what each column holds, and the chart they make."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from livefire.report.tables import shown

MOST_ROWS = 20_000
_TOP = 5
_SERIES = 8
_ASKED = {
    "kql": re.compile(r"\|\s*render\s+(\w+)"),
    "spl": re.compile(r"\|\s*(timechart|chart)\b"),
    "cql": re.compile(r"\|\s*(time[cC]hart)\s*\("),
}
_NUMBERS = ("int", "long", "real", "decimal")


def grid(columns: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return rows as a grid shows them, with counts for each column."""
    cells = [[shown(v) for v in row] for row in rows]
    return {"columns": [shown(c) for c in columns], "types": list(types), "rows": cells, "statistics": [_statistics(i, cells) for i in range(len(columns))]}


def _statistics(index: int, cells: Sequence[Sequence[str]]) -> dict[str, Any]:
    counts = Counter(row[index] for row in cells)
    empty = counts.pop("", 0)
    return {"distinct": len(counts), "empty": empty, "top": counts.most_common(_TOP)}


def chart(text: str, language: str, columns: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any] | None:
    """Return the chart that rows make: lines over time or bars by name; None when there is nothing to draw.

    KQL's `render`, SPL's `timechart` and CQL's `timeChart` ask for one; other rows are drawn by their types: a time and numbers, or names and a number.
    """
    asked = _ASKED[language].search(text) if language in _ASKED else None
    kind = asked[1].lower() if asked else ""
    numbers = [i for i, t in enumerate(types) if t in _NUMBERS]
    times = [i for i, t in enumerate(types) if t == "datetime"]
    names = [i for i, t in enumerate(types) if t in ("string", "dynamic", "bool", "guid")]
    if not rows or not numbers:
        return None
    if times and kind not in ("barchart", "columnchart", "piechart"):
        return _lines(kind, times[0], numbers, names, columns, rows)
    if names:
        bars = [{"name": shown(row[names[0]], 80), "value": _number(row[numbers[0]])} for row in rows[:50]]
        return {"kind": "bars", "asked": kind, "label": shown(columns[numbers[0]]), "bars": [b for b in bars if b["value"] is not None]}
    return None


def _lines(kind: str, time: int, numbers: Sequence[int], names: Sequence[int], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any] | None:
    series: dict[str, dict[float, float]] = {}
    for row in rows:
        moment, name = row[time], shown(row[names[0]], 60) if names else ""
        if not isinstance(moment, datetime):
            continue
        for i in numbers:
            value = _number(row[i])
            label = name if name and len(numbers) == 1 else f"{name} {shown(columns[i])}".strip()
            if value is not None:
                points = series.setdefault(label, {})
                points[moment.timestamp()] = points.get(moment.timestamp(), 0.0) + value
    if not series:
        return None
    kept = sorted(series, key=lambda s: -sum(series[s].values()))[:_SERIES]
    at = sorted({t for name in kept for t in series[name]})
    return {
        "kind": "lines",
        "asked": kind,
        "times": at,
        "series": [{"name": name, "values": [series[name].get(t) for t in at]} for name in kept],
        "left_out": len(series) - len(kept),
    }


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, timedelta):
        return value.total_seconds()
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number == number and abs(number) != float("inf") else None  # noqa: PLR0124 - NaN is not itself


def step_for(first: datetime, last: datetime) -> tuple[str, float]:
    """Return the width of a histogram's bars as KQL writes it, and in seconds: about 60 to 120 of them."""
    span = max((last - first).total_seconds(), 1.0)
    steps = (("1s", 1), ("10s", 10), ("1m", 60), ("5m", 300), ("15m", 900), ("1h", 3600), ("6h", 21600), ("1d", 86400), ("7d", 604800))
    return next(((text, float(seconds)) for text, seconds in steps if span / seconds <= 130), ("30d", 2592000.0))
