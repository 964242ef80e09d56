"""Rules that are the same query under two names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from livefire.diagnostics import Diagnostic, Span

SHORTEST = 40  # below that, two rules may well come to the same words


def same_queries(rules: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Diagnostic]]:
    """Yield for each rule, given as (name, text), that an earlier one has the same text: its name and N681. White space does not count."""
    first: dict[str, str] = {}
    for name, text in rules:
        words = " ".join(text.split())
        if len(words) < SHORTEST:
            continue
        if (other := first.setdefault(words, name)) != name:
            help = "a query that is shipped for two ends serves at most one of them: write what tells the second apart"
            yield name, Diagnostic("notice", "N681", f"this is the query of {other}, word for word", Span(0, 1), help)
