"""What detections cover, as a table, as plain values, and as a layer of the ATT&CK Navigator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from livefire.detections.coverage import Covered, by_technique
from livefire.report.safe import safe_text
from livefire.report.tables import counted


def techniques(found: Sequence[Covered]) -> Table:
    """Return a row a technique: how many detections there are, are proved, have their data, and cover it."""
    table = Table(title=Text("what is covered: proved, and with its data here"), title_justify="left")
    for head in ("technique", "detections", "proved", "data here", "covered by"):
        table.add_column(head, overflow="fold")
    for one in by_technique(found):
        numbers = (len(one.detections), sum(c.proved for c in one.detections), sum(c.alive for c in one.detections), len(one.covering))
        table.add_row(one.id, *map(str, numbers))
    return table


def missing(found: Sequence[Covered]) -> Table:
    """Return the detections that cover nothing here, each with the reason."""
    table = Table(title=Text("what covers nothing here, and why"), title_justify="left")
    for head in ("detection", "language", "why"):
        table.add_column(head, overflow="fold")
    for one in found:
        if not one.counts:
            why = "; ".join((*(() if one.proved else ("not proved",)), *one.missing[:3])) or "its data is not here"
            table.add_row(*(Text(safe_text(c)) for c in (one.detection.card.id, one.language, why)))
    return table


def total(found: Sequence[Covered]) -> str:
    """Return in a sentence how much is covered."""
    listed = by_technique(found)
    return (
        f"{sum(bool(t.covering) for t in listed)} of {counted(len(listed), 'technique')} covered, by {sum(c.counts for c in found)} of {len(found)} detections"
    )


def as_json(found: Sequence[Covered]) -> dict[str, Any]:
    """Return it as plain values."""
    listed = [
        {"id": c.detection.card.id, "language": c.language, "proved": c.proved, "data": c.alive, "counts": c.counts, "missing": list(c.missing)} for c in found
    ]
    covered = {t.id: [c.detection.card.id for c in t.covering] for t in by_technique(found)}
    return {"detections": listed, "techniques": covered}
