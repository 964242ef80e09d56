"""Findings as tables and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livefire.detections.finding import Finding
from livefire.detections.hunt import Hunt
from livefire.detections.onward import Onward
from livefire.report.tables import as_text, counted, plain, table

if TYPE_CHECKING:
    from rich.table import Table

_TELLING = ("actor", "sourceip", "cloud", "account", "region", "action", "resource", "resources", "reason")


def findings(hunt: Hunt) -> Table:
    """Return one row a finding, by time."""
    rows = [(f.time, f.severity, f.detection, _telling(f), len(f.evidence)) for f in hunt.findings]
    return table(("time", "severity", "detection", "what", "events"), rows, width=150)


def _telling(finding: Finding) -> str:
    """Return the columns that say who did what to what; a rule without such columns shows all it has."""
    row = {k.lower(): v for k, v in finding.row.items() if v not in (None, "", [], {})}
    chosen = [row[n] for n in _TELLING if n in row] or [v for k, v in row.items() if not k.startswith("time")]
    return " · ".join(dict.fromkeys(as_text(v) for v in chosen))


def totals(hunt: Hunt) -> str:
    """Return the count in words, with what could not be run."""
    ran = len({d.card.id for d, o in hunt.outcomes if not o.refused})
    text = f"{counted(len(hunt.findings), 'finding')} from {counted(ran, 'detection')}, clock set to {as_text(hunt.now)}"
    return text + "".join(f"\nnot run: {d.card.id}: {o.reason}" for d, o in hunt.refused)


def gone_on(onward: Onward) -> str:
    """Return how many rules were run over what."""
    over = ((onward.over_all, "over all events"), (onward.over_new, "over the new ones"), (onward.spared, "not at all, since no new event matters to them"))
    return "rules run: " + ", ".join(f"{count} {what}" for count, what in over if count)


def as_json(hunt: Hunt) -> dict[str, Any]:
    """Return a hunt as JSON-able data."""
    return {
        "now": plain(hunt.now),
        "findings": [
            {
                "detection": f.detection,
                "title": f.title,
                "severity": f.severity,
                "language": f.language,
                "time": plain(f.time),
                "fingerprint": f.fingerprint,
                "evidence": list(f.evidence),
                "row": plain(f.row),
            }
            for f in hunt.findings
        ],
        "detections": [{"id": d.card.id, "refused": o.refused, "reason": o.reason, "rows": len(o.rows)} for d, o in hunt.outcomes],
    }
