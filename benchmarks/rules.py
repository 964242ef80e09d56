"""Many rules over the same events: one by one, and in the shared passes of a hunt.

Run from the project's folder: `python benchmarks/rules.py [--events 200000] [--rules 1,50,200,500]`. The rules are written here
by a seed: in-lists, error codes, members of JSON, parts of texts and patterns, with and without an event name, in KQL. Of the one kind
nearly every rule finds events, many of them one in twenty; of the other, as published rules do, most find none. Both ways run over the
same lake in the same process, in turn; the outcomes must be equal. Beyond `--alone` rules they are not run one by one, which then stands
as –. With `--write` the section of docs/performance.md and its drawings are written.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cloudtrail_mix import START, write_files
from report_page import lines, put_section

from livefire.detections.detection import Rule
from livefire.detections.runner import Bench, Outcome, prepare, run_prepared
from livefire.detections.shared_scan import SharedScan
from livefire.workspace import Workspace

NOW = datetime(2026, 9, 1, tzinfo=UTC)
NAMES = (
    "RunInstances", "StopInstances", "StartInstances", "TerminateInstances", "CreateSnapshot", "DeleteSnapshot", "ModifySnapshotAttribute", "CreateVolume",
    "ModifyInstanceAttribute", "CreateAccessKey", "ConsoleLogin", "PutBucketPolicy", "AssumeRole", "GetSecretValue", "DeleteTrail", "StopLogging",
)  # fmt: skip


def write_rule(number: int, dice: random.Random, *, rare: bool = False) -> Rule:
    """Return a made-up rule about one event; one in ten has no event name. A `rare` one asks for one actor besides."""
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
    if rare:
        begin += f' | where UserIdentityArn has "worker-{dice.randrange(40):03}"'
    return Rule(f"rule-{number}", "kql", f"{begin} | where {more[number % len(more)]} | project TimeGenerated, EventName, UserIdentityArn")


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of the rules one by one (None where they were not run so), shared, and shared over the small batch; and the rows found."""

    alone: float | None
    shared: float
    batch: float
    found: int


def timed(rules: list[Rule], bench: Bench, batch: Bench, *, alone: bool) -> Timed:
    """Run rules, ready beforehand, in the ways that are compared."""
    prepared = [prepare(rule, bench) for rule in rules]
    scan = SharedScan(prepared, bench)
    begin = time.perf_counter()
    wanted = [run_prepared(one, bench) for one in prepared] if alone else []
    between = time.perf_counter()
    together = scan.run(bench)
    end = time.perf_counter()
    scan.run(batch)
    before_last = time.perf_counter()
    scan.run(batch)
    last = time.perf_counter()
    if alone and [_rows(o) for o in wanted] != [_rows(o) for o in together]:
        raise SystemExit("the two ways differ")
    return Timed(between - begin if alone else None, end - between, last - before_last, sum(len(o.rows) for o in together))


def _rows(outcome: Outcome) -> list[str]:
    return sorted(map(repr, outcome.rows))


def measure(whole: Workspace, live: Workspace, counts: list[int], asked: argparse.Namespace, *, rare: bool) -> dict[int, Timed]:
    """Return the median of the rounds for each number of rules."""
    found = {}
    for count in counts:
        dice = random.Random(1)  # noqa: S311  # the same rules each time
        rules = [write_rule(number, dice, rare=rare) for number in range(count)]
        rounds = [timed(rules, whole.bench(NOW), live.bench(NOW), alone=count <= asked.alone) for _ in range(asked.rounds)]
        found[count] = sorted(rounds, key=lambda took: took.shared)[len(rounds) // 2]
        print(count, found[count], flush=True)
    return found


def table(found: dict[int, Timed]) -> list[str]:
    """Return the figures as a table in Markdown."""
    lines = ["| rules | one by one s | shared s | times as fast | 2,000 new events, shared s | rows found |", "|--:|--:|--:|--:|--:|--:|"]
    for count, took in found.items():
        alone, times = ("–", "–") if took.alone is None else (f"{took.alone:.2f}", f"{took.alone / took.shared:.1f}")
        lines.append(f"| {count:,} | {alone} | {took.shared:.2f} | {times} | {took.batch:.3f} | {took.found:,} |")
    return lines


def told(found: dict[int, Timed]) -> str:
    """Return in words what a rule more costs."""
    first, last = min(found), max(found)
    if first == last:
        return ""
    more, live = ((getattr(found[last], what) - getattr(found[first], what)) / (last - first) * 1e3 for what in ("shared", "batch"))
    return f"From {first:,} to {last:,} rules each more costs {more:.1f} ms over all events, and {live:.2f} ms over a batch."


def main() -> None:
    """Make a lake, measure each number of rules the asked number of times, and print the medians."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--rules", default="1,50,200,500")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--alone", type=int, default=200)
    options.add_argument("--lake", type=Path, default=None, help="a lake of such events that is there already, or is kept for the next time")
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    counts = sorted(map(int, asked.rules.split(",")))
    with tempfile.TemporaryDirectory() as folder:
        place = asked.lake or Path(folder) / "lake"
        fresh, whole, live = not place.exists(), Workspace(place), Workspace(Path(folder) / "live")
        write_files(Path(folder) / "new", 2_000, 1, seed=8)
        live.ingest(Path(folder) / "new", now=NOW)
        if fresh:
            write_files(Path(folder) / "logs", asked.events, max(1, asked.events // 20_000))
            whole.ingest(Path(folder) / "logs", now=NOW)
        warm = [write_rule(0, random.Random(0))]  # noqa: S311  # not measured: the worker starts and learns which folders it may read
        for _ in range(2):
            timed(warm, whole.bench(NOW), live.bench(NOW), alone=True)
        many = measure(whole, live, counts, asked, rare=False)
        few = measure(whole, live, counts, asked, rare=True)
    load = f"load {os.getloadavg()[0]:.1f} at the end, on {len(os.sched_getaffinity(0))} cores"
    about = f"{asked.events:,} events of 90 days from {START:%Y-%m-%d}; compiled rules, rows and evidence fetched; medians of {asked.rounds} rounds; {load}."
    parts = ["## Many rules", "", about, "", "Rules of which nearly every one finds events:", "", *table(many), "", told(many)]
    parts += ["", "Rules of which most find none:", "", *table(few), "", told(few)]
    page = "\n".join(parts)
    print(page)
    if asked.write:
        alone = [(c, t.alone) for c, t in many.items() if t.alone is not None]
        series = [("one by one, much found", alone), ("shared, much found", [(c, t.shared) for c, t in many.items()])]
        series += [("shared, little found", [(c, t.shared) for c, t in few.items()]), ("2,000 new events", [(c, t.batch) for c, t in few.items()])]
        drawn = lines("rules", f"Seconds of many rules over {asked.events:,} events", "rules", series)
        put_section("rules", "benchmarks/rules.py", f"{page}\n\n{drawn}")


if __name__ == "__main__":
    main()
