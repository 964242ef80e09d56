"""How fast log files become a lake, beside DuckDB over the same events in the same run.

Run from the project's folder: `python benchmarks/ingest.py [--events 500000] [--files 25] [--small 5000]`.
Each way runs in a process of its own; time is that of the wall, CPU and memory are those of all its
processes together (memory as its share, sampled). DuckDB is given more the further down the list: its
own gzip reader, then lines that were inflated for it and are trusted. It checks nothing, and only the
last of its rows keeps the raw event, which livefire always does. `--small` files of eight events each, as
a quiet account delivers them, are a row of their own. With `--write` the section of
docs/performance.md is written.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from cloudtrail_mix import write_files
from report_page import put_section

NOW = datetime(2026, 9, 1, tzinfo=UTC)
MAX_OBJECT = 1 << 30
SMALL_EVENTS = 8
_TEXTS = ("eventVersion", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage", "requestID")
_MORE = ("eventID", "eventType", "recipientAccountId", "eventCategory", "readOnly", "managementEvent")
_PARTS = ("userIdentity", "requestParameters", "responseElements", "additionalEventData", "resources", "tlsDetails")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a way took: events, seconds of wall and CPU, peak MiB, bytes written."""

    events: int
    wall: float
    cpu: float
    peak: int
    written: int


def by_livefire(logs: Path, _: Path, out: Path) -> int:
    """Ingest the files into a new lake."""
    from livefire.store.ingest import ingest
    from livefire.store.lake import Lake

    report = ingest([logs], Lake.create(out / "lake"), now=NOW)
    if not report.balanced or report.quarantined:
        raise SystemExit("the files are not what they should be")
    return report.stored


def by_livefire_alone(logs: Path, _: Path, out: Path) -> int:
    """The same in one process."""
    from livefire.store.ingest import ingest
    from livefire.store.lake import Lake

    return ingest([logs], Lake.create(out / "lake"), now=NOW, processes=1).stored


def by_duckdb_gz(logs: Path, _: Path, out: Path) -> int:
    """DuckDB reads the gzip files itself: one object a file, taken apart by a path, then typed."""
    taken = f"SELECT unnest(json_extract(json, '$.Records[*]')) AS t FROM read_json_objects('{logs}/*.json.gz', maximum_object_size={MAX_OBJECT})"  # noqa: S608  # our own folder
    return _copy(f"SELECT unnest(from_json(t, '{_shape()}')) FROM ({taken})", out)  # noqa: S608  # our own names


def by_duckdb_lines(_: Path, lines: Path, out: Path) -> int:
    """DuckDB over inflated lines, typed columns, without the raw event."""
    columns = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in (*_TEXTS, *_MORE, *_PARTS)) + "}"
    return _copy(f"SELECT * FROM read_ndjson('{lines}/*.jsonl', columns={columns})", out)  # noqa: S608  # our own folder


def by_duckdb_lines_raw(_: Path, lines: Path, out: Path) -> int:
    """DuckDB over inflated lines, typed columns and the raw event."""
    taken = f"SELECT json FROM read_ndjson_objects('{lines}/*.jsonl')"  # noqa: S608  # our own folder
    return _copy(f"SELECT unnest(from_json(json, '{_shape()}')), json::VARCHAR AS raw FROM ({taken})", out)  # noqa: S608  # our own names


def _shape() -> str:
    return json.dumps(dict.fromkeys((*_TEXTS, *_MORE, *_PARTS), "VARCHAR"))


def _copy(query: str, out: Path) -> int:
    import duckdb

    found = duckdb.connect().execute(f"COPY ({query}) TO '{out}/rows.parquet' (FORMAT parquet, COMPRESSION zstd)").fetchone()
    return int(found[0]) if found else 0


WAYS: tuple[tuple[str, Callable[[Path, Path, Path], int]], ...] = (
    ("livefire", by_livefire),
    ("livefire, one process", by_livefire_alone),
    ("DuckDB, its own gzip", by_duckdb_gz),
    ("DuckDB, inflated lines", by_duckdb_lines),
    ("DuckDB, inflated lines, raw event kept", by_duckdb_lines_raw),
)


def _child(step: Callable[[Path, Path, Path], int], places: tuple[Path, Path, Path], answer: Connection) -> None:
    peak, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            peak[0] = max(peak[0], share(os.getpid()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    count = step(*places)
    wall = time.perf_counter() - begin
    ended.set()
    watcher.join()
    spent = os.times()
    size = sum(path.stat().st_size for path in places[2].rglob("*.parquet"))
    answer.send(Measured(count, wall, spent.user + spent.system + spent.children_user + spent.children_system, peak[0] // 1024, size))


def share(pid: int) -> int:
    """Return the proportional memory of a process and all below it in KiB."""
    total = 0
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(share(int(child)) for child in (task / "children").read_text().split())
    except (OSError, StopIteration):
        pass
    return total


def measure(step: Callable[[Path, Path, Path], int], logs: Path, lines: Path) -> Measured:
    """Run a way in a new process and return what it took."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as out:
        child = context.Process(target=_child, args=(step, (logs, lines, Path(out)), theirs))
        child.start()
        theirs.close()
        try:
            measured: Measured = ours.recv()
        finally:
            child.join()
    return measured


def write_lines(logs: Path, lines: Path) -> None:
    """Inflate the files for DuckDB, a record a line."""
    from isal import igzip

    lines.mkdir()
    for path in sorted(logs.iterdir()):
        records = json.loads(igzip.decompress(path.read_bytes()))["Records"]
        (lines / f"{path.stem}l").write_text("\n".join(json.dumps(record, separators=(",", ":")) for record in records) + "\n")


def table(rows: list[tuple[str, Measured]]) -> list[str]:
    """Return the rows as a table in Markdown."""
    best = {name: measured.events / measured.wall for name, measured in rows}
    lines = ["| way | events/s | of DuckDB on lines | µs CPU an event | peak MiB | bytes an event |", "|---|--:|--:|--:|--:|--:|"]
    for name, m in rows:
        share = best[name] / best["DuckDB, inflated lines"]
        lines.append(f"| {name} | {best[name]:,.0f} | {share:.2f} | {m.cpu / m.events * 1e6:.1f} | {m.peak} | {m.written / m.events:.0f} |")
    return lines


def main() -> None:
    """Make the files, measure each way the asked number of times in turn, and print the medians."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=500_000)
    options.add_argument("--files", type=int, default=25)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--small", type=int, default=0, help="files of eight events each")
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        logs, lines = Path(folder) / "logs", Path(folder) / "lines"
        size = write_files(logs, asked.events, asked.files)
        write_lines(logs, lines)
        rounds = [[(name, measure(step, logs, lines)) for name, step in WAYS] for _ in range(asked.rounds)]
        small = []
        if asked.small:
            write_files(Path(folder) / "small", asked.small * SMALL_EVENTS, asked.small)
            small = [measure(by_livefire, Path(folder) / "small", lines) for _ in range(asked.rounds)]
    middle = [sorted((one[at] for one in rounds), key=lambda pair: pair[1].wall)[len(rounds) // 2] for at in range(len(WAYS))]
    for name, measured in middle:
        if measured.events != asked.events:
            raise SystemExit(f"{name} gave {measured.events} events")
    if small:
        middle.append((f"livefire, {asked.small:,} files of {SMALL_EVENTS} events", sorted(small, key=lambda one: one.wall)[len(small) // 2]))
    load = f"{os.getloadavg()[0]:.1f} at the end, on {len(os.sched_getaffinity(0))} cores"
    about = f"{asked.events:,} events of {size / asked.events:,.0f} bytes in {asked.files} gzip files; medians of {asked.rounds} rounds in turn; load {load}."
    page = "\n".join(["## Ingest", "", about, "", *table(middle)])
    print(page)
    if asked.write:
        put_section("ingest", "benchmarks/ingest.py", page)


if __name__ == "__main__":
    main()
