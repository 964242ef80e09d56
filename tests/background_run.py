"""Measures the pack on months of generated background: `python -m tests.background_run FOLDER PAGE [EVENTS [SEED]]`.

Writes the background to FOLDER if it is not there, reads it, hunts, and says of each planted attack whether an alert rests
on it, and how many alerts a day there are.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from livefire.detections.alerts import Alert
from livefire.detections.triage import Triage
from livefire.emulation.background import Plan, write_background
from livefire.emulation.company import staff
from livefire.workspace import Workspace

START = datetime(2026, 9, 1, tzinfo=UTC)
DAYS = 30
NOTE = "<!-- Made by `python -m tests.background_run FOLDER docs/t1578-background.md`; edit the code, not this page. -->"


def measure(folder: Path, events: int, seed: int = 0) -> tuple[Workspace, Triage, list[dict[str, Any]]]:
    """Return the lake, what the hunt came to, and what was planted."""
    if not (folder / "planted.jsonl").exists():
        write_background(folder, Plan(START, DAYS, events, seed=seed), lambda text: print(text, flush=True))
    ws = Workspace(folder / "lake")
    ws.ingest(folder / "logs")
    found = ws.triage(progress=lambda text: print(datetime.now(UTC).time(), text, flush=True), seconds=900.0)
    return ws, found, [json.loads(line) for line in (folder / "planted.jsonl").read_text().splitlines()]


def page(ws: Workspace, found: Triage, planted: list[dict[str, Any]], seed: int = 0) -> str:
    """Return the page of figures."""
    marks = {mark: p["plant"] for p in planted for mark in p["marks"]}

    def plants(evidence: Iterable[str]) -> set[int]:
        acts = (found.acts[e] for e in evidence if e in found.acts)
        return {marks[m] for a in acts for m in (a.event, a.key.partition("|")[0]) if m in marks}

    true = [a for a in found.alerts if plants(a.evidence)]
    false = [a for a in found.alerts if not plants(a.evidence)]
    met = {p for a in true for p in plants(a.evidence)}
    events = sum(s.events for s in ws.info().sources)
    people = len({(account, actor) for kind, account, actor, _ in found.baseline.seen if kind == "actor"})
    lines = [NOTE, "", "# The T1578 pack on a month of background", ""]
    lines += [f"`livefire background` wrote {events:,} events of {DAYS} days and three clouds by {staff(seed).size} principals (seed {seed})"]
    lines += [f"({people} stable identities, for people share roles), with auto scaling, pipelines, backups, schedules, people at work and on"]
    lines += ["journeys, three look-alikes a day, and from the seventeenth day on planted attacks, each in"]
    lines += ["another person's name and from another address. `livefire alerts` then said:", ""]
    lines += [f"- {len(met)} of {len(planted)} planted attacks are behind an alert;"]
    lines += [f"- {len(found.alerts)} alerts, {len(found.alerts) / DAYS:.1f} a day: {len(true)} rest on planted attacks, {len(false)} do not"]
    lines[-1] += f" ({len(false) / DAYS:.1f} a day);"
    lines += [f"- before risk and roll-up there are {len(found.scored):,} findings and {len(found.chains)} chains.", ""]
    missed = [p for p in planted if p["plant"] not in met]
    if missed:
        lines += ["Not behind an alert: " + ", ".join(f"{p['emulation']} (planted {p['start'][:16]})" for p in missed) + ".", ""]
    lines += ["## By detection", "", "| detection | findings a day | of alerting risk a day | planted attacks among them |", "|---|---|---|---|"]
    for name in sorted({s.id for s in found.scored}):
        mine = [s for s in found.scored if s.id == name]
        behind = {p for s in mine for p in plants(s.evidence)}
        lines.append(f"| {name} | {len(mine) / DAYS:.2f} | {sum(s.alerts for s in mine) / DAYS:.2f} | {len(behind)} |")
    for name in sorted({c.chain.id for c in found.chains}):
        chains = [c for c in found.chains if c.chain.id == name]
        behind = {p for c in chains for p in plants(c.evidence)}
        lines.append(f"| {name} | {len(chains) / DAYS:.2f} | {len(chains) / DAYS:.2f} | {len(behind)} |")
    lines += ["", "## Why alerts that rest on no planted attack were raised", "", "| why | alerts |", "|---|---|"]
    lines += [f"| {why} | {count} |" for why, count in Counter(_why(a) for a in false).most_common()]
    return "\n".join(lines) + "\n"


def _why(alert: Alert) -> str:
    return f"{alert.title} ({alert.why})"


if __name__ == "__main__":
    numbers = [int(a) for a in sys.argv[3:]]
    run = measure(Path(sys.argv[1]), *(numbers or [2_000_000]))
    Path(sys.argv[2]).write_text(page(*run, seed=[*numbers, 0, 0][1]))
