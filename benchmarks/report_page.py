"""Puts what a benchmark measured into its section of docs/performance.md, and draws it as SVG beside the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
PLOTS = PAGE.parent / "plots"
_COLOURS = ("#3b6ea5", "#c2571a", "#4b8b3b", "#7a4fa3", "#6b6b6b")
_FONT = 'font-family="sans-serif" font-size="12"'
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _RIGHT = 720, 360, 64, 40, 44, 150


def put_section(name: str, script: str, text: str) -> None:
    """Replace a section, or add it at the end."""
    page, begin, end = PAGE.read_text(encoding="utf-8"), f"<!-- {name}: made by {script} -->", f"<!-- /{name} -->"
    section = f"{begin}\n{text}\n{end}"
    if begin in page and end in page:
        before, _, rest = page.partition(begin)
        page = before + section + rest.partition(end)[2]
    else:
        page = page.rstrip() + f"\n\n{section}\n"
    PAGE.write_text(page, encoding="utf-8")


def bars(name: str, title: str, values: Sequence[tuple[str, float]], *, mark: float | None = None) -> str:
    """Draw a bar for each value, with a line at `mark`, and return the Markdown that shows the drawing."""
    left, step, width = 240, 26, 420
    most = max([v for _, v in values] + ([mark] if mark is not None else []) + [1e-9])
    height = 48 + step * len(values)
    parts = []
    for at, (label, value) in enumerate(values):
        y, length = 40 + step * at, width * value / most
        parts.append(_text(left - 8, y + 14, label, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="18" fill="{_COLOURS[0]}"/>')
        parts.append(_text(left + length + 6, y + 14, _number(value)))
    if mark is not None:
        x = left + width * mark / most
        parts.append(f'<line x1="{x:.1f}" y1="34" x2="{x:.1f}" y2="{height - 6}" stroke="{_COLOURS[1]}" stroke-dasharray="4 3"/>')
    return _write(name, title, _WIDTH, height, parts)


def lines(name: str, title: str, across: str, series: Sequence[tuple[str, Sequence[tuple[float, float]]]], *, log: bool = True) -> str:
    """Draw a line for each series of (x, y), both axes by powers of ten where `log`, and return the Markdown that shows the drawing."""
    points = [(x, y) for _, line in series for x, y in line if not log or (x > 0 and y > 0)]
    scale = math.log10 if log else float
    (low_x, high_x), (low_y, high_y) = (_range([scale(p[axis]) for p in points], log=log) for axis in (0, 1))

    def place(x: float, y: float) -> tuple[float, float]:
        wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return _LEFT + wide * (scale(x) - low_x) / (high_x - low_x), _HEIGHT - _BOTTOM - high * (scale(y) - low_y) / (high_y - low_y)

    parts = [f'<rect x="{_LEFT}" y="{_TOP}" width="{_WIDTH - _LEFT - _RIGHT}" height="{_HEIGHT - _TOP - _BOTTOM}" fill="none" stroke="#999"/>']
    for value in _ticks(low_x, high_x, log=log):
        x, _ = place(value, points[0][1])
        parts += [
            f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_HEIGHT - _BOTTOM}" stroke="#ddd"/>',
            _text(x, _HEIGHT - _BOTTOM + 16, _number(value), "middle"),
        ]
    for value in _ticks(low_y, high_y, log=log):
        _, y = place(points[0][0], value)
        parts += [f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#ddd"/>', _text(_LEFT - 6, y + 4, _number(value), "end")]
    for at, (label, line) in enumerate(series):
        colour, drawn = _COLOURS[at % len(_COLOURS)], [place(x, y) for x, y in line if not log or (x > 0 and y > 0)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in drawn]
        parts.append(f'<text x="{_WIDTH - _RIGHT + 10}" y="{_TOP + 16 + 18 * at}" {_FONT} fill="{colour}">{escape(label)}</text>')
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, across, "middle"))
    return _write(name, title, _WIDTH, _HEIGHT, parts)


def _range(values: Sequence[float], *, log: bool) -> tuple[float, float]:
    low, high = (math.floor(min(values)), math.ceil(max(values))) if log else (0.0, max(values))
    return (low, high) if high > low else (low, low + 1)


def _ticks(low: float, high: float, *, log: bool) -> list[float]:
    return [10.0**power for power in range(int(low), int(high) + 1)] if log else [high * part / 4 for part in range(5)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {_FONT} fill="#333" text-anchor="{anchor}">{escape(text)}</text>'


def _write(name: str, title: str, width: int, height: int, parts: Sequence[str]) -> str:
    PLOTS.mkdir(exist_ok=True)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
    body = [
        head,
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="22" {_FONT} font-weight="bold">{escape(title)}</text>',
        *parts,
        "</svg>",
    ]
    (PLOTS / f"{name}.svg").write_text("\n".join(body) + "\n", encoding="utf-8")
    return f"![{title}](plots/{name}.svg)"
