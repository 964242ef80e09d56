"""Published detection pages: their query as it stands, what is wrong with it, and what it does when it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from livefire.browsing.cards import PLATFORMS
from livefire.browsing.listing import listing
from livefire.detections.detection import Rule
from livefire.diagnostics import Diagnostic, Source
from livefire.diagnostics.mending import mended
from livefire.proof.matrix import Matrix
from livefire.proof.published import Page
from livefire.report.diagnostics import as_json

Check = Callable[[Rule, bool], Sequence[Diagnostic]]


def listed(page: Page, check: Check) -> dict[str, Any]:
    """Return a page with the count of what is said of its query."""
    said = check(page.rule, False)
    return {
        "name": page.name,
        "technique": page.name.partition("-")[0],
        "language": page.rule.language,
        "platform": PLATFORMS.get(page.rule.language, page.rule.language),
        "errors": sum(d.severity == "error" for d in said),
        "warnings": sum(d.severity == "warning" for d in said),
        "first": next((f"{d.code} {d.message}" for d in said if d.severity == "error"), ""),
    }


def shown(page: Page, check: Check, mend: Callable[[str, str], str]) -> dict[str, Any]:
    """Return a page's query with everything said of it in place, and as a person would read it."""
    said = check(page.rule, False)
    source = Source(page.rule.text, page.name)
    better = mend(page.rule.text, page.rule.language)
    after = check(Rule(page.name, page.rule.language, better), True) if better != page.rule.text else ()
    return {
        **listed(page, check),
        "text": page.rule.text,
        "lines": listing(source, page.rule.language, said),
        "diagnostics": as_json(said, source),
        "fixes": sum(d.fix is not None for d in said),
        "mended": better,
        "mended_lines": listing(Source(better, page.name), page.rule.language, after) if better != page.rule.text else [],
        "mended_errors": sum(d.severity == "error" for d in after),
        "one_pass": mended(page.rule.text, said),
        "tests": [{"number": n, "title": t} for n, t in page.tests],
    }


def proved(matrix: Matrix) -> list[dict[str, Any]]:
    """Return for each reading of a published query, as written and as meant, its verdict on each attack and look-alike."""
    titles = {c.id: c.title for c in matrix.cases}
    found = []
    for subject in (s for s in matrix.subjects if s.note == "published"):
        cells = matrix.of(subject.name)
        own = [c for c in cells if c.kind == "attack" and c.covered]
        others = [c for c in cells if c.kind == "attack" and not c.covered]
        alike = [c for c in cells if c.kind == "look_alike"]
        found.append(
            {
                "name": subject.name,
                "reading": "as a person would read it" if subject.lenient else "as written",
                "fires": sum(c.verdict == "fires" for c in own),
                "of": len(own),
                "beyond": sum(c.verdict == "fires" for c in others),
                "silent": sum(c.verdict == "silent" for c in alike),
                "alike": len(alike),
                "refused": next((c.reason for c in cells if c.verdict == "refused"), ""),
                "cells": [
                    {
                        "case": c.case,
                        "title": titles[c.case],
                        "kind": c.kind,
                        "covered": c.covered,
                        "verdict": c.verdict,
                        "right": c.right,
                        "reason": c.reason,
                        "rows": c.rows,
                        "strays": c.strays,
                    }
                    for c in (*own, *alike)
                ],
            }
        )
    return found
