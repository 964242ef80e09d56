"""The proof matrix as tables and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livefire.proof.matrix import Cell, Matrix
from livefire.report.safe import safe_text
from livefire.report.tables import table

if TYPE_CHECKING:
    from rich.table import Table

_SIGNS = {"fires": "FIRES", "silent": "silent", "false alarm": "FALSE ALARM", "refused": "refused"}


def summary(matrix: Matrix) -> Table:
    """Return one row a subject: how many of its own attacks it fires on, and on how many look-alikes it is silent."""
    rows = []
    for subject in matrix.subjects:
        cells = matrix.of(subject.name)
        own = [c for c in cells if c.kind == "attack" and c.covered]
        benign = [c for c in cells if c.kind == "look_alike"]
        fired, quiet = sum(c.verdict == "fires" for c in own), sum(c.verdict == "silent" for c in benign)
        strays = sum(c.strays for c in cells if c.kind == "attack")
        refused = next((c.reason for c in cells if c.verdict == "refused"), "")
        rows.append((subject.name, f"{fired} of {len(own)}", "refused" if refused else f"{quiet} of {len(benign)}", strays or "", refused))
    return table(("rule", "fires on its attacks", "silent on look-alikes", "stray rows", "refused because"), rows, width=110)


def attacks(matrix: Matrix) -> Table:
    """Return one row an attack, one column a subject."""
    names = [s.name for s in matrix.subjects]
    rows = [[c.id, *(_sign(matrix.cell(s, c.id)) for s in names)] for c in matrix.cases if c.kind == "attack"]
    return table(("attack", *names), rows)


def look_alikes(matrix: Matrix) -> Table:
    """Return one row a look-alike on which some subject raised a false alarm."""
    names = [s.name for s in matrix.subjects]
    rows = [[c.id, *(_sign(matrix.cell(s, c.id)) for s in names)] for c in matrix.cases if c.kind == "look_alike"]
    return table(("look-alike", *names), rows)


def misses(matrix: Matrix) -> Table:
    """Return one row for each attack that a rule covers and does not fire on, with the reason."""
    rows = [(c.subject, c.case, c.verdict, c.reason) for c in matrix.cells if c.kind == "attack" and c.covered and c.verdict != "fires"]
    return table(("rule", "attack", "verdict", "reason"), rows, width=140)


def _sign(cell: Cell) -> str:
    sign = _SIGNS[cell.verdict]
    return f"{sign} (+{cell.strays} stray)" if cell.kind == "attack" and cell.strays else sign


def as_json(matrix: Matrix) -> dict[str, Any]:
    """Return the whole matrix as JSON-able data."""
    return {
        "subjects": [{"name": s.name, "language": s.rule.language, "lenient": s.lenient, "covers": list(s.covers)} for s in matrix.subjects],
        "cases": [{"id": c.id, "title": c.title, "technique": c.technique, "kind": c.kind, "pages": list(c.pages)} for c in matrix.cases],
        "cells": [
            {
                "subject": c.subject,
                "case": c.case,
                "verdict": c.verdict,
                "covered": c.covered,
                "right": c.right,
                "rows": c.rows,
                "strays": c.strays,
                "reason": safe_text(c.reason),
            }
            for c in matrix.cells
        ],
    }


def proved(matrix: Matrix) -> bool:
    """True when every rule that is not a published one fires on what it covers, and is silent on every look-alike."""
    own = {s.name for s in matrix.subjects if s.note != "published"}
    cells = [c for c in matrix.cells if c.subject in own and (c.covered or c.kind == "look_alike")]
    return bool(cells) and all(c.right for c in cells)
