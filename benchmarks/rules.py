"""Many rules over the same events: one by one, and in the shared passes of a hunt.

Run from the project's folder: `python benchmarks/rules.py [--events 200000] [--rules 1,50,200,500]`. The rules are written here
by a seed: in-lists, error codes, members of JSON, parts of texts and patterns, with and without an event name, in KQL. Both ways run
over the same lake in the same process, in turn; the outcomes must be equal. With `--write` the section of docs/performance.md is written.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from cloudtrail_mix import START, write_files
from report_page import put_section

from livefire.detections.detection import Rule
from livefire.detections.runner import Bench, Outcome, prepare, run_prepared
from livefire.detections.shared_scan import SharedScan
from livefire.workspace import Workspace

NOW = datetime(2026, 9, 1, tzinfo=UTC)
NAMES = (
    "RunInstances", "StopInstances", "StartInstances", "TerminateInstances", "CreateSnapshot", "DeleteSnapshot", "ModifySnapshotAttribute", "CreateVolume",
    "ModifyInstanceAttribute", "CreateAccessKey", "ConsoleLogin", "PutBucketPolicy", "AssumeRole", "GetSecretValue", "DeleteTrail", "StopLogging",
)  # fmt: skip


def write_rule(number: int, dice: random.Random) -> Rule:
    """Return a made-up rule about one event; one in ten has no event name."""
    names = ", ".join(f'"{name}"' for name in dice.sample(NAMES, dice.randrange(1, 4)))
    begin = "AWSCloudTrail" if number % 10 == 0 else f"AWSCloudTrail | where EventName in ({names})"
    more = (
        f'UserIdentityArn has "worker-{dice.randrange(500):03}"',
        f'ErrorCode == "AccessDenied" and AWSRegion == "{dice.choice(["eu-west-3", "us-west-2", "sa-east-1"])}"',
        f'tostring(parse_json(RequestParameters).instanceType) == "{dice.choice(["m5.large", "p4d.24xlarge"])}"',
        f'SourceIpAddress startswith "203.0.113.{dice.randrange(250)}"',
        f'UserAgent matches regex @"(?i)terraform/{dice.randrange(3)}\\.[0-9]+"',
        f'RecipientAccountId == "7000000000{dice.randrange(40):02}"',
    )
    return Rule(f"rule-{number}", "kql", f"{begin} | where {more[number % len(more)]} | project TimeGenerated, EventName, UserIdentityArn")


def timed(rules: list[Rule], bench: Bench, batch: Bench) -> tuple[float, float, float, int]:
    """Return seconds one by one, shared, and shared over the small batch; and how many rows were found."""
    prepared = [prepare(rule, bench) for rule in rules]
    scan = SharedScan(prepared, bench)
    begin = time.perf_counter()
    alone = [run_prepared(one, bench) for one in prepared]
    between = time.perf_counter()
    together = scan.run(bench)
    end = time.perf_counter()
    scan.run(batch)
    last = time.perf_counter()
    if [_rows(o) for o in alone] != [_rows(o) for o in together]:
        raise SystemExit("the two ways differ")
    return between - begin, end - between, last - end, sum(len(o.rows) for o in together)


def _rows(outcome: Outcome) -> list[str]:
    return sorted(map(repr, outcome.rows))


def main() -> None:
    """Make a lake, measure each number of rules the asked number of times, and print the medians."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--rules", default="1,50,200,500")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole, live = Workspace(Path(folder) / "lake"), Workspace(Path(folder) / "live")
        write_files(Path(folder) / "logs", asked.events, max(1, asked.events // 20_000))
        write_files(Path(folder) / "new", 2_000, 1, seed=8)
        whole.ingest(Path(folder) / "logs", now=NOW)
        live.ingest(Path(folder) / "new", now=NOW)
        lines = ["| rules | one by one s | shared s | times as fast | 2,000 new events, shared s | rows found |", "|--:|--:|--:|--:|--:|--:|"]
        warm = [write_rule(0, random.Random(0))]  # noqa: S311  # not measured: the worker starts and learns which folders it may read
        for _ in range(2):
            timed(warm, whole.bench(NOW), live.bench(NOW))
        for count in map(int, asked.rules.split(",")):
            dice = random.Random(1)  # noqa: S311  # the same rules each time
            rules = [write_rule(number, dice) for number in range(count)]
            rounds = sorted((timed(rules, whole.bench(NOW), live.bench(NOW)) for _ in range(asked.rounds)), key=lambda took: took[1])
            alone, shared, batch, found = rounds[len(rounds) // 2]
            lines.append(f"| {count:,} | {alone:.2f} | {shared:.2f} | {alone / shared:.1f} | {batch:.2f} | {found:,} |")
            print(lines[-1], flush=True)
    load = f"load {os.getloadavg()[0]:.1f} at the end, on {len(os.sched_getaffinity(0))} cores"
    about = f"{asked.events:,} events of 90 days from {START:%Y-%m-%d}; compiled rules, rows and evidence fetched; medians of {asked.rounds} rounds; {load}."
    page = "\n".join(["## Many rules", "", about, "", *lines])
    print(page)
    if asked.write:
        put_section("rules", "benchmarks/rules.py", page)


if __name__ == "__main__":
    main()
