"""Checks of a rule's sense: what can never be true, never happens, or is not what it seems."""

from __future__ import annotations

from livefire.diagnostics import Diagnostic, Source
from livefire.lint.rule import Check, Reading
from livefire.lint.tests import Facts
from livefire.plan import nodes as n


def checks() -> tuple[Check, ...]:
    """Return every check, by number."""
    from livefire.lint.rules import logic, promise, reach, schema, shape, vocabulary, writing

    found = (*schema.CHECKS, *shape.CHECKS, *vocabulary.CHECKS, *writing.CHECKS, *logic.CHECKS, *reach.CHECKS, *promise.CHECKS)
    return tuple(sorted(found, key=lambda c: c.number))


def review(source: Source, language: str, plan: n.Plan, about: str = "", *, whole: bool = True) -> tuple[Diagnostic, ...]:
    """Return what the checks find in a rule, by place.

    `about` is what its file or page says beside the query; `whole` is false where a step of it is not supported.
    """
    reading = Reading(source, language, Facts(plan), about, whole)
    found = [d for c in checks() for d in c(reading)]
    return tuple(sorted(dict.fromkeys(found), key=lambda d: (d.span.start, d.code)))


__all__ = ["Check", "checks", "review"]
