"""Times sequences over two million events, beside the self-joins one would write in SQL and beside python-eql.

    python benchmarks/sequence.py [--write docs/performance.md] [--events 2000000] [--most 1000000]

A made-up log of one day has a share of events of four kinds, in equal parts, that a sequence asks
for; the rest is noise. The question: how often do A, B (, C, D) follow each other under one key
within ten minutes. Each measurement runs in a process of its own, whose peak of memory is counted
with that of the processes it starts. livefire and SQL read the whole log from the same Parquet
file; python-eql, where it is installed, is handed the candidates alone, as objects made before its
clock starts. SQL pairs every A with every later B and C, so its count is the over-count that a rule
written so would report; python-eql and livefire keep the newest unfinished match of a key.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

SPAN = 600
DAY = 86_400_000_000
KINDS = "ABCD"
LIMIT = 60.0
BEGIN, END = "<!-- sequence: made by benchmarks/sequence.py -->", "<!-- /sequence -->"
HEAD = (
    "| candidates | keys | steps | livefire s | MiB | matches | SQL self-join s | MiB | rows it finds | python-eql s | MiB | matches |",
    "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
)

Measured = tuple[float, int, int] | None  # seconds, peak MiB, matches; None when it took too long or is not there


def make_log(path: Path, events: int, candidates: int, keys: int) -> None:
    """Write the log as Parquet in the order of time; every row has a kind, a key and a time of its own."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    dice = random.Random(7)  # noqa: S311 - synthetic data, the same each time
    times = sorted(dice.sample(range(DAY), events))
    kinds = ["noise"] * events
    for place in dice.sample(range(events), candidates):
        kinds[place] = dice.choice(KINDS)
    names = [f"arn:aws:sts::111122223333:assumed-role/r{dice.randrange(keys)}" for _ in range(events)]
    columns = {"@timestamp": pa.array(times, pa.timestamp("us")), "kind": kinds, "key": names, "event.category": ["any"] * events}
    pq.write_table(pa.table(columns), path, compression="zstd")


def rule(steps: int) -> str:
    """Return the sequence in EQL."""
    return f"sequence by key with maxspan={SPAN}s " + " ".join(f'[any where kind == "{k}"]' for k in KINDS[:steps])


def by_livefire(path: Path, steps: int) -> tuple[float, int]:
    """Return seconds and matches of the whole query: scan, filter, match, and the rows of the matches."""
    from livefire.diagnostics import Source
    from livefire.engines.base import Run, Storage
    from livefire.engines.duckdb import DuckDB
    from livefire.engines.program import TableFiles
    from livefire.plan import nodes as n
    from livefire.plan.catalog import Table, TableCatalog
    from livefire.query import Options, compile
    from livefire.schema import Field, Schema, Type

    layout = Schema((Field("@timestamp", Type.DATETIME), *(Field(c, Type.STRING) for c in ("kind", "key", "event.category"))))
    catalog = TableCatalog((Table("log", n.Scan("log", layout, layout.names, time="@timestamp"), time="@timestamp"),))
    compiled = compile(Source(rule(steps), "rule"), "eql", catalog, Options(language={"index": "log"}))
    storage = Storage({"log": TableFiles((str(path),))}, (path.parent,))
    # The worker is kept warm between queries, so its start is not counted.
    first = compile(Source("any where false", "rule"), "eql", catalog, Options(language={"index": "log"}))
    DuckDB().execute(first.plan, storage, Run({"now": datetime(2026, 1, 1)}, LIMIT))
    started = time.perf_counter()
    rows = DuckDB().execute(compiled.plan, storage, Run({"now": datetime(2026, 1, 1)}, LIMIT)).num_rows
    return time.perf_counter() - started, rows // steps


def by_join(path: Path, steps: int) -> tuple[float, int]:
    """Return seconds and rows of the self-joins."""
    import duckdb

    sides = [f"JOIN log e{i} ON e{i}.key = e0.key AND e{i}.t > e{i - 1}.t AND e{i}.t <= e0.t + INTERVAL {SPAN} SECOND" for i in range(1, steps)]
    kinds = " AND ".join(f"e{i}.kind = '{k}'" for i, k in enumerate(KINDS[:steps]))
    text = f"WITH log AS (SELECT \"@timestamp\" AS t, kind, key FROM '{path}') SELECT count(*) FROM log e0 {' '.join(sides)} WHERE {kinds}"  # noqa: S608 - constants only
    engine = duckdb.connect()
    engine.execute("SET threads=2")
    started = time.perf_counter()
    row = engine.execute(text).fetchone()
    return time.perf_counter() - started, int(row[0]) if row else 0


def by_peer(path: Path, steps: int) -> tuple[float, int]:
    """Return seconds and matches of python-eql over the candidates; ImportError where it is not installed."""
    import duckdb
    import eql

    held = duckdb.connect().execute(f"SELECT kind, key, epoch_us(\"@timestamp\") FROM '{path}' WHERE kind <> 'noise' ORDER BY 3").fetchall()  # noqa: S608
    # The peer counts time in 100 ns.
    events = [eql.Event("any", t * 10, {"kind": k, "key": name}) for k, name, t in held]
    found = [0]
    engine = eql.PythonEngine()
    with eql.parser.elasticsearch_syntax:
        engine.add_query(eql.parse_query(rule(steps)))

    def count(_: Any) -> None:
        found[0] += 1

    engine.add_output_hook(count)
    started = time.perf_counter()
    engine.stream_events(events)
    engine.finalize()
    return time.perf_counter() - started, found[0]


def _inside(work: Callable[[Path, int], tuple[float, int]], path: Path, steps: int, back: Connection) -> None:
    try:
        took, found = work(path, steps)
    except ImportError:
        back.send(None)
    else:
        back.send((took, found))
    back.recv()


def apart(work: Callable[[Path, int], tuple[float, int]], path: Path, steps: int) -> Measured:
    """Run one measurement in a process of its own."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_inside, args=(work, path, steps, there))
    process.start()
    answer = here.recv() if here.poll(LIMIT + 20) else None
    peak = sum(_peak(pid) for pid in _family(process.pid or 0))
    here.send(None) if answer is not None else process.kill()
    process.join(20)
    return (answer[0], peak // 1024, answer[1]) if answer is not None else None


def _family(pid: int) -> list[int]:
    """Return a process and those that come from it, as Linux tells them."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(c) for c in task.read_text().split()]
    return found


def _peak(pid: int) -> int:
    """Return the peak of a process's memory in KiB."""
    try:
        match = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(match[1]) if match else 0


def row(candidates: int, keys: int, steps: int, results: list[Measured]) -> str:
    """Return one line of the table."""
    cells = [f"{candidates:,}", f"{keys:,}", str(steps)]
    for found in results:
        cells += ["–", "–", "–"] if found is None else [f"{found[0]:.2f}", f"{found[1]:,}", f"{found[2]:,}"]
    return "| " + " | ".join(cells) + " |"


def section(lines: list[str], events: int) -> str:
    """Return the part of the page."""
    said = (
        f"`sequence by key with maxspan={SPAN // 60}m` over {events:,} events of one day in a Parquet file, on two cores shared with other work. "
        "livefire's time is the whole query, the rows of the matches included, and its memory that of both its processes. "
        f"SQL is the self-join over the same file in the same engine, counting only; – is a run of over {LIMIT:.0f} s. "
        "python-eql is handed the candidates alone, as objects that are made before its clock starts, and its memory holds them."
    )
    after = "Joins count every pair, so the rows they find are what a rule written so would report; they grow with the power of the events under one key."
    return "\n".join([BEGIN, "## Sequences", "", said, "", *HEAD, *lines, "", after, END])


def write(path: Path, part: str) -> None:
    """Put the part into the page in place of the one before."""
    text = path.read_text(encoding="utf-8") if path.exists() else "# Performance\n\nMeasured by the scripts in `benchmarks`; each writes its own section.\n"
    before, found, after = text.partition(BEGIN)
    after = after.partition(END)[2] if found else ""
    text = before.rstrip("\n") + "\n\n" + part + (after or "\n")
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Print a line for each case, and write the section if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", type=Path)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--most", type=int, default=1_000_000)
    given = parser.parse_args()
    lines: list[str] = []
    print(*HEAD, sep="\n", flush=True)
    sizes = [c for c in (1_000, 10_000, 100_000, 1_000_000) if c <= given.most]
    cases = [(c, 500, s) for c in sizes for s in (2, 3, 4)] + [(sizes[-1], 20, 3)]
    with tempfile.TemporaryDirectory() as folder:
        made: tuple[int, int] = (0, 0)
        path = Path(folder) / "log.parquet"
        for candidates, keys, steps in cases:
            if made != (candidates, keys):
                make_log(path, given.events, candidates, keys)
                made = (candidates, keys)
            lines.append(row(candidates, keys, steps, [apart(work, path, steps) for work in (by_livefire, by_join, by_peer)]))
            print(lines[-1], flush=True)
    if given.write is not None:
        write(given.write, section(lines, given.events))
        sys.stdout.write(f"written to {given.write}\n")


if __name__ == "__main__":
    main()
