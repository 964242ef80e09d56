"""The proof matrix as tables and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livefire.proof.case import Case, CaseKind
from livefire.proof.matrix import Cell, Matrix, disagreements
from livefire.report.safe import safe_text
from livefire.report.tables import table

if TYPE_CHECKING:
    from rich.table import Table

_SIGNS = {"fires": "F", "silent": "-", "false alarm": "!", "refused": "R"}
KEY = "F fires · - silent · ! false alarm · R refused · + with rows that rest on no attack event · (F) fires though it does not cover it · dot: not covered"


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
    """Return one row a rule and one column an attack; attacks the rule does not cover are in brackets."""
    return _grid(matrix, "attack")


def look_alikes(matrix: Matrix) -> Table:
    """Return one row a rule and one column a look-alike."""
    return _grid(matrix, "look_alike")


def legend(matrix: Matrix) -> Table:
    """Return what the column heads of the grids stand for."""
    rows = [(head, c.id, c.title, ", ".join(c.pages)) for head, c in _heads(matrix)]
    return table(("", "emulation", "story", "published test"), rows)


def _heads(matrix: Matrix) -> list[tuple[str, Case]]:
    counts = {"attack": 0, "look_alike": 0}
    heads = []
    for case in matrix.cases:
        counts[case.kind] += 1
        heads.append((f"{'A' if case.kind == 'attack' else 'L'}{counts[case.kind]}", case))
    return heads


def _grid(matrix: Matrix, kind: CaseKind) -> Table:
    heads = [(h, c) for h, c in _heads(matrix) if c.kind == kind]
    rows = [[s.name, *(_sign(matrix.cell(s.name, c.id)) for _, c in heads)] for s in matrix.subjects]
    return table(("rule", *(h for h, _ in heads)), rows)


def misses(matrix: Matrix) -> Table:
    """Return one row for each attack that a rule covers and does not fire on, with the reason."""
    rows = [(c.subject, c.case, c.verdict, c.reason) for c in matrix.cells if c.kind == "attack" and c.covered and c.verdict != "fires"]
    return table(("rule", "attack", "verdict", "reason"), rows, width=140)


def _sign(cell: Cell) -> str:
    sign = _SIGNS[cell.verdict] + ("+" if cell.kind == "attack" and cell.strays else "")
    return sign if cell.covered or cell.kind == "look_alike" else f"({sign})" if cell.verdict == "fires" else "·"


def as_json(matrix: Matrix) -> dict[str, Any]:
    """Return the whole matrix as JSON-able data."""
    return {
        "subjects": [{"name": s.name, "language": s.language, "lenient": s.lenient, "covers": list(s.covers)} for s in matrix.subjects],
        "cases": [{"id": c.id, "title": c.title, "technique": c.technique, "kind": c.kind, "pages": list(c.pages)} for c in matrix.cases],
        "disagreements": [{"detection": d.detection, "language": d.language, "case": d.case, "text": d.text} for d in disagreements(matrix)],
        "cells": [
            {
                "subject": c.subject,
                "case": c.case,
                "verdict": c.verdict,
                "covered": c.covered,
                "right": c.right,
                "rows": c.rows,
                "strays": c.strays,
                "findings": len(c.marks),
                "reason": safe_text(c.reason),
            }
            for c in matrix.cells
        ],
    }


def differences(matrix: Matrix) -> Table:
    """Return one row for each case where a language of a detection finds something else than the others, and states no reason."""
    rows = [(d.detection, d.language, d.case, d.text) for d in disagreements(matrix)]
    return table(("detection", "language", "case", "difference"), rows, width=140)


def proved(matrix: Matrix) -> bool:
    """True when every rule that is not a published one fires on what it covers, is silent on every look-alike, and finds what other languages find."""
    if disagreements(matrix):
        return False
    own = {s.name for s in matrix.subjects if s.note != "published"}
    cells = [c for c in matrix.cells if c.subject in own and (c.covered or c.kind == "look_alike")]
    return bool(cells) and all(c.right for c in cells)
