"""Diagnostics as text with carets, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from livefire.diagnostics import NOWHERE, Diagnostic, Source, Span
from livefire.report.safe import safe_text

_WIDTH = 160


def as_text(diagnostics: Iterable[Diagnostic], source: Source) -> str:
    """Return every diagnostic with its line, a caret under the place, the help and the fix."""
    return "\n\n".join(_one(d, source) for d in diagnostics)


def _one(d: Diagnostic, source: Source) -> str:
    lines = [f"{d.severity}[{d.code}]: {safe_text(d.message)}"]
    if d.span != NOWHERE or source.text:
        lines.extend(_place(d.span, source))
    for label in d.labels:
        at = source.position(label.span.start)
        lines.append(f"  = {at.line}:{at.column}: {safe_text(label.message)}")
    if d.help:
        lines.append(f"  = help: {safe_text(d.help)}")
    if d.fix is not None:
        what = d.fix.message or f"replace with {d.fix.replacement!r}"
        lines.append(f"  = fix: {safe_text(what)}")
    return "\n".join(lines)


def _place(span: Span, source: Source) -> list[str]:
    at = source.position(span.start)
    text = source.line(at.line)
    column = at.column - 1
    length = max(1, min(span.end, span.start + len(text) - column) - span.start)
    cut = max(0, column - _WIDTH // 2)
    shown = safe_text(text[cut : cut + _WIDTH].expandtabs(1))
    pad = len(safe_text(text[cut:column].expandtabs(1)))
    width = len(safe_text(text[column : column + length].expandtabs(1))) or 1
    gutter = len(str(at.line))
    return [
        f"{' ' * gutter}--> {safe_text(source.name)}:{at.line}:{at.column}",
        f"{at.line} | {shown}",
        f"{' ' * gutter} | {' ' * pad}{'^' * min(width, max(1, _WIDTH - pad))}",
    ]


def as_json(diagnostics: Iterable[Diagnostic], source: Source) -> list[dict[str, Any]]:
    """Return diagnostics as JSON-able objects; lines and columns count from 1, offsets from 0, all in characters."""
    return [_object(d, source) for d in diagnostics]


def _object(d: Diagnostic, source: Source) -> dict[str, Any]:
    start, end = source.position(d.span.start), source.position(d.span.end)
    found: dict[str, Any] = {
        "severity": d.severity,
        "code": d.code,
        "message": d.message,
        "file": source.name,
        "start": {"line": start.line, "column": start.column, "offset": d.span.start},
        "end": {"line": end.line, "column": end.column, "offset": d.span.end},
    }
    if d.help:
        found["help"] = d.help
    if d.fix is not None:
        found["fix"] = {"start": d.fix.span.start, "end": d.fix.span.end, "replacement": d.fix.replacement, "message": d.fix.message}
    if d.labels:
        found["labels"] = [{"start": x.span.start, "end": x.span.end, "message": x.message} for x in d.labels]
    return found
