"""Checks of a rule's sense: what can never be true, never happens, or is not what it seems."""

from __future__ import annotations

from livefire.diagnostics import Diagnostic, Source
from livefire.lint.rule import Check, Reading
from livefire.lint.tests import Facts
from livefire.plan import nodes as n


def checks() -> tuple[Check, ...]:
    """Return every check, by number."""
    from livefire.lint.rules import logic, reach, schema, vocabulary, writing

    found = (*schema.CHECKS, *vocabulary.CHECKS, *writing.CHECKS, *logic.CHECKS, *reach.CHECKS)
    return tuple(sorted(found, key=lambda c: c.number))


def review(source: Source, language: str, plan: n.Plan) -> tuple[Diagnostic, ...]:
    """Return what the checks find in a rule, by place."""
    reading = Reading(source, language, Facts(plan))
    found = [d for c in checks() for d in c(reading)]
    return tuple(sorted(dict.fromkeys(found), key=lambda d: (d.span.start, d.code)))


__all__ = ["Check", "checks", "review"]
