"""What rules would have found over history, as tables and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from livefire.detections.backtest import Change, Found, History
from livefire.report.safe import safe_text

_TOP = 3
_BARS = " ▁▂▃▄▅▆▇█"


def histories(listed: Sequence[History]) -> Table:
    """Return a line for each rule: findings, days with one, the usual and the worst day, and who is behind most."""
    table = Table()
    for head in ("rule", "findings", "days with one", "usual day", "worst day", "by day", "most by"):
        table.add_column(head, overflow="fold", justify="right" if head in ("findings", "usual day", "worst day") else "left")
    for one in listed:
        if one.refused:
            table.add_row(*(Text(safe_text(c)) for c in (one.rule.name, "-", "-", "-", "-", "", f"refused: {one.refused}")))
            continue
        busy = sum(count > 0 for count in one.days.values())
        top = ", ".join(f"{actor} ({count})" for actor, count in one.actors[:_TOP])
        cells = (one.rule.name, f"{len(one.found):,}", f"{busy} of {len(one.days)}", f"{one.usual:g}", str(one.most), bars(one), top)
        table.add_row(*(Text(safe_text(c)) for c in cells))
    return table


def bars(history: History) -> str:
    """Return a bar for each day; a finding is never shown as none."""
    most = history.most
    return "".join(_BARS[0 if count == 0 else max(1, round(count / most * (len(_BARS) - 1)))] for count in history.days.values())


def change(name: str, found: Change) -> str:
    """Return in words what a new version of a rule finds otherwise, with the first of each."""
    lines = [f"{name}: {found.both:,} found by both, {len(found.lost):,} lost, {len(found.gained):,} gained"]
    for word, listed in (("lost", found.lost), ("gained", found.gained)):
        lines += [f"  {word}: {_when(f)} {f.actor}".rstrip() for f in listed[:_TOP]]
    return "\n".join(lines)


def _when(found: Found) -> str:
    return f"{found.time:%Y-%m-%dT%H:%M:%SZ}" if found.time is not None else "without a time"


def as_json(listed: Sequence[History], changes: Sequence[Change]) -> dict[str, Any]:
    """Return histories and changes as plain values."""
    rules = [
        {
            "rule": h.rule.name,
            "language": h.rule.language,
            "refused": h.refused or None,
            "findings": len(h.found),
            "undated": h.undated,
            "days": {day.isoformat(): count for day, count in h.days.items()},
            "median_a_day": h.usual,
            "actors": [{"actor": a, "findings": c} for a, c in h.actors],
        }
        for h in listed
    ]
    return {"rules": rules, "changes": [{"both": c.both, "lost": list(map(_one, c.lost)), "gained": list(map(_one, c.gained))} for c in changes]}


def _one(found: Found) -> dict[str, Any]:
    return {"time": found.time.isoformat() if found.time else None, "actor": found.actor, "fingerprint": found.mark}
