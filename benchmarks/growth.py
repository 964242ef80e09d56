"""How ingest, a hunt and a question of 24 hours cost as data grows: one lake for each size, in turn, with the memory and disk of each.

Run from the project's folder: `python benchmarks/growth.py [--sizes 20000,200000,2000000] [--write]`. It is also the script of a run that
is larger than a disk of log files would like: with `--batches` the files are made, taken in and deleted a million events at a time,
as in `python benchmarks/growth.py --sizes 50000000 --batches --lake big`. The hunt is that of every detection of the pack.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cloudtrail_mix import DAYS, START, Mix, write_records
from ingest import share
from report_page import lines, put_section

from livefire.workspace import Workspace

NOW = datetime(2026, 9, 1, tzinfo=UTC)
BATCH = 1_000_000
FILE = 20_000
QUESTION = """AWSCloudTrail
| where TimeGenerated between (datetime(2026-04-10) .. datetime(2026-04-11))
| where EventName in ("RunInstances", "TerminateInstances", "CreateSnapshot") and isempty(ErrorCode)
| summarize n = count(), First = min(TimeGenerated) by UserIdentityArn, AWSRegion"""


@dataclass(frozen=True, slots=True)
class Size:
    """What a number of events took: seconds of the ingest, of the hunt and of the question, peak MiB, bytes of the lake."""

    events: int
    ingest: float
    hunt: float
    findings: int
    question: float
    peak: int
    stored: int


class Peak:
    """Samples the memory of this process and those it starts, while it is open."""

    def __init__(self) -> None:
        self.kib = 0
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def __enter__(self) -> Peak:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self.kib = max(self.kib, share(os.getpid()))


def taken_in(ws: Workspace, events: int, folder: Path, *, batches: bool) -> float:
    """Make log files and ingest them; seconds of the ingest alone."""
    mix, took, size = Mix(7, events), 0.0, BATCH if batches else events
    for first in range(0, events, size):
        logs = folder / f"logs{first}"
        last = min(first + size, events)
        for at in range(first, last, FILE):
            write_records(logs / f"{at:09}.json.gz", mix, at, min(FILE, last - at))
        begin = time.perf_counter()
        report = ws.ingest(logs, now=NOW)
        took += time.perf_counter() - begin
        if report.stored != last - first:
            raise SystemExit(f"{report.stored} of {last - first} events were stored")
        shutil.rmtree(logs)
        print(f"{last:,} events, {last / took:,.0f} a second", flush=True)
    return took


def measured(events: int, place: Path | None, *, batches: bool) -> Size:
    """Return what a number of events takes."""
    with tempfile.TemporaryDirectory() as folder, Peak() as peak:
        ws = Workspace(place or Path(folder) / "lake")
        ingest = taken_in(ws, events, Path(folder), batches=batches)
        ws.query(QUESTION, "kql", now=NOW)  # the worker starts
        begin = time.perf_counter()
        found = ws.hunt(now=START + timedelta(days=DAYS), seconds=3600.0)
        between = time.perf_counter()
        ws.query(QUESTION, "kql", now=NOW)
        end = time.perf_counter()
        stored = sum(path.stat().st_size for path in (place or Path(folder) / "lake").rglob("*.parquet"))
    return Size(events, ingest, between - begin, len(found.findings), end - between, peak.kib // 1024, stored)


def _row(r: Size) -> str:
    speed, disk = f"{r.events / r.ingest:,.0f}", f"{r.stored / 1e6:,.0f}"
    return f"| {r.events:,} | {r.ingest:.1f} | {speed} | {r.hunt:.1f} | {r.findings:,} | {1e3 * r.question:.0f} | {r.peak} | {disk} |"


def main() -> None:
    """Measure each size and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", default="20000,60000,200000")
    options.add_argument("--batches", action="store_true")
    options.add_argument("--lake", type=Path, default=None, help="where the lake is kept, for one size")
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    rows = [measured(events, asked.lake, batches=asked.batches) for events in map(int, asked.sizes.split(","))]
    head = ["| events | ingest s | events/s | hunt with the whole pack s | findings | 24 hours ms | peak MiB | lake MB |", "|--:|--:|--:|--:|--:|--:|--:|--:|"]
    head += [_row(r) for r in rows]
    load = f"load {os.getloadavg()[0]:.1f} at the end, on {len(os.sched_getaffinity(0))} cores"
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    about = f"One run a size, 90 days of events each; memory is that of all processes together, this script's included ({own} MiB at most); {load}."
    page = "\n".join(["## Growth", "", about, "", *head])
    print(page)
    if asked.write:
        series = [("ingest", [(r.events, r.ingest) for r in rows]), ("hunt", [(r.events, r.hunt) for r in rows])]
        drawn = lines("growth", "Seconds as events grow", "events", [*series, ("24 hours", [(r.events, r.question) for r in rows])])
        put_section("growth", "benchmarks/growth.py", f"{page}\n\n{drawn}")


if __name__ == "__main__":
    main()
