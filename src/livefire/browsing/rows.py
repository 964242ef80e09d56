"""Rows for a grid: one harmless line a cell, what each column holds, and the chart they make."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from livefire.report.tables import shown

MOST_ROWS = 20_000
WIDEST = 4_000
"""Characters of a cell; what is longer ends in …, and is whole in the events behind its row."""
_TOP = 5
_SERIES = 8
_ASKED = {
    "kql": re.compile(r"\|\s*render\s+(\w+)"),
    "spl": re.compile(r"\|\s*(timechart|chart)\b"),
    "cql": re.compile(r"\|\s*(time[cC]hart)\s*\("),
}
_STACKED = re.compile(r"\bkind\s*=\s*stacked\b", re.IGNORECASE)
_AREAS = ("areachart", "stackedareachart")
_BARS = ("barchart", "columnchart", "piechart")
_MOST_BARS = 50
_NUMBERS = ("int", "long", "real", "decimal")


def grid(columns: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return rows as a grid shows them, with counts for each column."""
    cells = [[shown(v, WIDEST) for v in row] for row in rows]
    return {"columns": [shown(c) for c in columns], "types": list(types), "rows": cells, "statistics": [_statistics(i, cells) for i in range(len(columns))]}


def _statistics(index: int, cells: Sequence[Sequence[str]]) -> dict[str, Any]:
    counts = Counter(row[index] for row in cells)
    empty = counts.pop("", 0)
    return {"distinct": len(counts), "empty": empty, "top": counts.most_common(_TOP)}


def chart(text: str, language: str, columns: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any] | None:
    """Return the chart that rows make: lines or areas over time, bars or slices by name; None when there is nothing to draw.

    KQL's `render`, SPL's `timechart` and `chart` and CQL's `timeChart` ask for one; other rows are drawn by their types: a time and numbers, or names and
    numbers. `render table` asks for none. https://learn.microsoft.com/en-us/kusto/query/render-operator
    """
    asked = _ASKED[language].search(text) if language in _ASKED else None
    kind = asked[1].lower() if asked else ""
    numbers = [i for i, t in enumerate(types) if t in _NUMBERS]
    times = [i for i, t in enumerate(types) if t == "datetime"]
    names = [i for i, t in enumerate(types) if t in ("string", "dynamic", "bool", "guid")]
    if not rows or not numbers or kind == "table":
        return None
    if times and kind not in _BARS:
        found = _lines(kind, times[0], numbers, names, columns, rows)
        return {**found, "kind": "areas"} if found is not None and kind in _AREAS else found
    if not names and kind in _BARS and (times or len(numbers) > 1):  # a name of another type, as of a bin
        names, numbers = ([times[0]], numbers) if times else (numbers[:1], numbers[1:])
    return _bars(kind, names, numbers, columns, rows, stacked=_STACKED.search(text) is not None) if names else None


def _bars(
    kind: str, names: Sequence[int], numbers: Sequence[int], columns: Sequence[str], rows: Sequence[Sequence[Any]], *, stacked: bool
) -> dict[str, Any] | None:
    """Return a bar for each name, or a group of them where there are several numbers, or a second name whose values tell them apart."""
    cells: dict[str, dict[str, float]] = {}
    split = len(names) > 1 and kind != "piechart"
    for row in rows:
        for i in numbers[:_SERIES] if not split else numbers[:1]:
            value = _number(row[i])
            if value is not None:
                held = cells.setdefault(shown(row[names[0]], 80), {})
                part = shown(row[names[1]], 60) if split else shown(columns[i])
                held[part] = held.get(part, 0.0) + value
    if not cells:
        return None
    kept = list(cells)[:_MOST_BARS]
    labels = list(dict.fromkeys(s for name in kept for s in cells[name]))
    found = {"asked": kind, "label": shown(columns[numbers[0]]), "left_out": len(cells) - len(kept)}
    if kind == "piechart":
        slices = [{"name": name, "value": cells[name][labels[0]]} for name in kept if cells[name].get(labels[0], 0.0) > 0]
        return {"kind": "pie", **found, "bars": slices} if slices else None
    if len(labels) == 1:
        return {"kind": "bars", **found, "bars": [{"name": name, "value": cells[name][labels[0]]} for name in kept]}
    series = [{"name": s, "values": [cells[name].get(s) for name in kept]} for s in labels[:_SERIES]]
    return {"kind": "stacks" if stacked else "groups", **found, "names": kept, "series": series}


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
