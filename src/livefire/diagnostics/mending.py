"""Applies the fixes that diagnostics carry."""

from __future__ import annotations

from collections.abc import Iterable

from livefire.diagnostics.diagnostic import Diagnostic, Fix


def fixes_of(diagnostics: Iterable[Diagnostic], size: int) -> list[Fix]:
    """Return the fixes in the order of their places, each once; of those that overlap the first alone, and none that lies outside the text."""
    kept: list[Fix] = []
    found = {(d.fix.span.start, d.fix.span.end, d.fix.replacement): d.fix for d in diagnostics if d.fix is not None}
    for _, fix in sorted(found.items(), key=lambda pair: pair[0]):
        free = not kept or fix.span.start > kept[-1].span.end or (fix.span.start == kept[-1].span.end and fix.span.start < fix.span.end)
        if free and 0 <= fix.span.start <= fix.span.end <= size:
            kept.append(fix)
    return kept


def mended(text: str, diagnostics: Iterable[Diagnostic]) -> str:
    """Return the text with every fix applied."""
    for fix in reversed(fixes_of(diagnostics, len(text))):
        text = text[: fix.span.start] + fix.replacement + text[fix.span.end :]
    return text
