"""Measures the pack on months of generated background: `python -m tests.background_run FOLDER PAGE [EVENTS [SEED…]]`.

Writes a month for each seed below FOLDER if it is not there, reads it, hunts, and says of each planted attack whether an alert
rests on it, and how many alerts a day there are. Figures that FOLDER holds (`seed-N.json`) are not measured again.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from livefire.detections.triage import Triage
from livefire.emulation.background import Plan, write_background
from livefire.emulation.company import staff
from livefire.workspace import Workspace

START = datetime(2026, 9, 1, tzinfo=UTC)
DAYS = 30
NOTE = "<!-- Made by `python -m tests.background_run FOLDER docs/t1578-background.md`; edit the code, not this page. -->"


Figures = Mapping[str, Any]
"""What one month came to, as it is kept between runs."""


def measure(folder: Path, events: int, seed: int) -> tuple[Workspace, Triage, list[dict[str, Any]]]:
    """Return the lake, what the hunt came to, and what was planted."""
    if not (folder / "planted.jsonl").exists():
        write_background(folder, Plan(START, DAYS, events, seed=seed), lambda text: print(text, flush=True))
    ws = Workspace(folder / "lake")
    ws.ingest(folder / "logs")
    found = ws.triage(progress=lambda text: print(datetime.now(UTC).time(), text, flush=True), seconds=900.0)
    return ws, found, [json.loads(line) for line in (folder / "planted.jsonl").read_text().splitlines()]


def figures(ws: Workspace, found: Triage, planted: list[dict[str, Any]], seed: int) -> Figures:
    """Return what the page says of one month."""
    marks = {mark: p["plant"] for p in planted for mark in p["marks"]}

    def plants(evidence: Iterable[str]) -> set[int]:
        acts = (found.acts[e] for e in evidence if e in found.acts)
        return {marks[m] for a in acts for m in (a.event, a.key.partition("|")[0]) if m in marks}

    false = [a for a in found.alerts if not plants(a.evidence)]
    met = {p for a in found.alerts for p in plants(a.evidence)}
    rows = []
    for name in sorted({s.id for s in found.scored}):
        mine = [s for s in found.scored if s.id == name]
        rows.append([name, len(mine), sum(s.alerts for s in mine), len({p for s in mine for p in plants(s.evidence)})])
    for name in sorted({c.chain.id for c in found.chains}):
        chains = [c for c in found.chains if c.chain.id == name]
        rows.append([name, len(chains), len(chains), len({p for c in chains for p in plants(c.evidence)})])
    return {
        "seed": seed,
        "events": sum(s.events for s in ws.info().sources),
        "principals": staff(seed).size,
        "identities": len({(account, actor) for kind, account, actor, _ in found.baseline.seen if kind == "actor"}),
        "planted": len(planted),
        "found": len(met),
        "missed": [f"{p['emulation']} (planted {p['start'][:16]})" for p in planted if p["plant"] not in met],
        "alerts": len(found.alerts),
        "false": len(false),
        "findings": len(found.scored),
        "chains": len(found.chains),
        "rows": rows,
        "why": Counter(f"{a.title} ({a.why})" for a in false).most_common(),
    }


def page(months: Sequence[Figures]) -> str:
    """Return the page of figures, a column a month."""
    lines = [NOTE, "", f"# The T1578 pack on {len(months)} months of background" if len(months) > 1 else "# The T1578 pack on a month of background", ""]
    lines += [f"`livefire background` wrote {DAYS} days of three clouds for each of these seeds, with auto scaling, pipelines, backups, schedules, people"]
    lines += ["at work and on journeys, three look-alikes a day, and from the seventeenth day on planted attacks, each in another person's name and"]
    lines += ["from another address. Another seed is other people at other hours and addresses, and the attacks on other days."]
    lines += [f"The pack was tuned while only seed {months[0]['seed']} was looked at. `livefire alerts` then said:", ""]
    lines += ["| | " + " | ".join(f"seed {m['seed']}" for m in months) + " |", "|---|" + "--:|" * len(months)]
    told: list[tuple[str, Callable[[Figures], str]]] = [
        ("events", lambda m: f"{m['events']:,}"),
        ("principals (stable identities, for people share roles)", lambda m: f"{m['principals']} ({m['identities']})"),
        ("planted attacks behind an alert", lambda m: f"{m['found']} of {m['planted']}"),
        ("alerts", lambda m: str(m["alerts"])),
        ("alerts a day", lambda m: f"{m['alerts'] / DAYS:.1f}"),
        ("of these on no planted attack, a day", lambda m: f"{m['false'] / DAYS:.1f}"),
        ("findings before risk and roll-up", lambda m: f"{m['findings']:,}"),
        ("chains", lambda m: str(m["chains"])),
    ]
    lines += [f"| {name} | " + " | ".join(say(m) for m in months) + " |" for name, say in told]
    missed = [f"{what}, seed {m['seed']}" for m in months for what in m["missed"]]
    lines += ["", f"Not behind an alert: {'; '.join(missed)}." if missed else "No planted attack is without an alert."]
    for month in months:
        lines += [
            "",
            f"## Seed {month['seed']}, by detection",
            "",
            "| detection | findings a day | of alerting risk a day | planted attacks among them |",
            "|---|--:|--:|--:|",
        ]
        lines += [f"| {name} | {count / DAYS:.2f} | {alerting / DAYS:.2f} | {behind} |" for name, count, alerting, behind in month["rows"]]
        lines += ["", f"Why alerts of seed {month['seed']} that rest on no planted attack were raised:", "", "| why | alerts |", "|---|--:|"]
        lines += [f"| {why} | {count} |" for why, count in month["why"]]
    return "\n".join(lines) + "\n"


def main(folder: Path, out: Path, events: int, seeds: Sequence[int]) -> None:
    """Measure the months that FOLDER holds no figures of, and write the page of all that it holds."""
    for seed in seeds:
        kept = folder / f"seed-{seed}.json"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(figures(*measure(folder / f"seed-{seed}", events, seed), seed)), encoding="utf-8")
    months = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("seed-*.json"))]
    out.write_text(page(months), encoding="utf-8")


if __name__ == "__main__":
    numbers = [int(a) for a in sys.argv[3:]]
    main(Path(sys.argv[1]), Path(sys.argv[2]), numbers[0] if numbers else 2_000_000, numbers[1:] or [0, 1])
