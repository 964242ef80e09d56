"""Times the sequence matcher beside the self-joins one would write in SQL for the same question.

    python benchmarks/sequence.py [candidates …]

A synthetic log has three kinds of events in equal parts over a day, with few or many events under
one key (people, and the roles of busy services). The question is how often A, B, C follow each
other within ten minutes. The matcher gives each event to the newest unfinished match; the join
pairs every A with every later B and C, so its count is printed too: it is the over-count that a
rule would report. Measured on two shared cores: the join is faster where keys are quiet, and grows
with the square (three steps: the cube) of what happens under a key, which the matcher does not.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from functools import partial

import duckdb
import pyarrow as pa

from livefire.engines.sequence import match
from livefire.engines.sql import ROW, STEPS

SPAN = 600
JOIN = f"""
SELECT count(*) FROM log a JOIN log b ON a.k = b.k AND b.t > a.t AND b.t <= a.t + INTERVAL {SPAN} SECOND
{{third}} WHERE a."{STEPS}" = 1 AND b."{STEPS}" = 2
"""  # noqa: S608 - constants only
THIRD = f"""JOIN log c ON a.k = c.k AND c.t > b.t AND c.t <= a.t + INTERVAL {SPAN} SECOND AND c."{STEPS}" = 4"""


def log(size: int, busy: int) -> pa.Table:
    """Return synthetic candidates, `busy` of them under each key."""
    dice = random.Random(7)  # noqa: S311 - synthetic data, the same each time
    times = sorted(dice.randrange(86_400_000_000) for _ in range(size))
    keys = [f"arn:aws:sts::111122223333:assumed-role/r{dice.randrange(max(1, size // busy))}" for _ in range(size)]
    kinds = [1 << dice.randrange(3) for _ in range(size)]
    return pa.table({ROW: pa.array(range(size), pa.int64()), STEPS: pa.array(kinds, pa.int64()), "k": keys, "t": pa.array(times, pa.timestamp("us"))})


def best(run: Callable[[], int], times: int = 3) -> tuple[float, int]:
    """Return the shortest time of several runs, and the count."""
    found, count = float("inf"), 0
    for _ in range(times):
        started = time.perf_counter()
        count = run()
        found = min(found, time.perf_counter() - started)
    return found, count


def main() -> None:
    """Print a table for each size."""
    sizes = [int(a) for a in sys.argv[1:]] or [100_000, 300_000, 1_000_000]
    print("steps   a key  candidates  matcher s    M/s   matches   join s        pairs  join/matcher  over-count")
    for steps, busy, size in ((s, b, n) for s in (2, 3) for b in (50, 20_000) for n in sizes):
        table = log(size, busy)
        took, rows = best(partial(matches, table, steps))
        joined, pairs = best(partial(join, table, steps), 1)
        found = rows // steps
        ratios = f"{joined / took:>12.1f}x {pairs / max(found, 1):>10.1f}x"
        print(f"{steps:>5} {busy:>7,} {size:>11,} {took:>10.2f} {size / took / 1e6:>6.2f} {found:>9,} {joined:>8.2f} {pairs:>12,} {ratios}", flush=True)


def matches(table: pa.Table, steps: int) -> int:
    """Return the number of matched events."""
    spec = {"steps": [{"keys": ["k"], "missing": False, "runs": 1}] * steps, "until": None, "order": ["t"], "lists": []}
    found: int = match(table, spec | {"max_span": SPAN * 10_000_000, "ordered": True}).num_rows
    return found


def join(table: pa.Table, steps: int) -> int:
    """Return the number of pairs or triples that self-joins find."""
    engine = duckdb.connect()
    engine.execute("SET threads=2")
    engine.register("log", table)
    row = engine.execute(JOIN.format(third=THIRD if steps == 3 else "")).fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    main()
