"""Other ways to ask the same of the same events: a pack of Sigma rules, and one question by hand in other engines.

Run from the project's folder: `python benchmarks/rivals.py [--events 100000] [--write]`, with what is to be compared installed beside the
project (`pip install pysigma-backend-sqlite polars chdb`); what is not there stands as –. `--zircolite "python …/zircolite.py"` and
`--duckdb-python python` name programs that want an environment of their own (Zircolite from its repository; `pip install pysigma-backend-duckdb`).
Times are from gzip files to answers and from stored events to answers. The rules are written here by a seed. pySigma's rules run over a table
with just the fields that they name, filled by Python's own reader. The question by hand runs over livefire's Parquet files.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import shlex
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloudtrail_mix import START, write_files
from report_page import put_section
from rival_programs import Measured, by_duckdb, by_zircolite

from livefire.detections.detection import Rule
from livefire.detections.shared_scan import run_rules
from livefire.workspace import Workspace

NOW = datetime(2026, 9, 1, tzinfo=UTC)
_NAMES = ("RunInstances", "StopInstances", "TerminateInstances", "CreateSnapshot", "DeleteSnapshot", "CreateAccessKey", "ConsoleLogin", "GetSecretValue")
FIELDS = ("eventSource", "eventName", "errorCode", "awsRegion", "userAgent", "sourceIPAddress", "userIdentity.arn", "requestParameters.instanceType")
QUESTION = """AWSCloudTrail
| where EventName in ("RunInstances", "TerminateInstances", "CreateSnapshot") and isempty(ErrorCode)
| summarize n = count() by UserIdentityArn, AWSRegion"""


def sigma_rule(number: int, dice: random.Random) -> str:
    """Return a made-up Sigma rule about one event."""
    names = ", ".join(dice.sample(_NAMES, 2))
    more = (
        f"userIdentity.arn|contains: worker-{dice.randrange(60):03}",
        f"errorCode: AccessDenied\n    awsRegion: {dice.choice(['eu-west-3', 'us-west-2'])}",
        "requestParameters.instanceType: m5.large",
        f"sourceIPAddress|startswith: 203.0.113.{dice.randrange(60)}",
        "userAgent|contains: terraform",
    )[number % 5]
    head = f"title: made up {number}\nid: 00000000-0000-4000-8000-{number:012}\nstatus: test\nlogsource:\n  product: aws\n  service: cloudtrail\n"
    return (
        head + f"detection:\n  sel:\n    eventName: [{names}]\n    {more}\n  filter:\n    userIdentity.arn|endswith: /nobody\n  condition: sel and not filter\n"
    )


def by_livefire(logs: Path, rules: list[str]) -> tuple[float, float, list[int]]:
    """Return seconds of ingest and rules, of the rules alone, and how many events each rule finds."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        ws = Workspace(Path(folder) / "lake")
        ws.ingest(logs, now=NOW)
        stored = time.perf_counter()
        found = run_rules([Rule(f"r{at}", "sigma", text) for at, text in enumerate(rules)], ws.bench(NOW))
        end = time.perf_counter()
        if any(o.refused for o in found):
            raise SystemExit(next(o.reason for o in found if o.refused))
        return end - begin, end - stored, [len(o.rows) for o in found]


def by_sqlite(logs: Path, rules: list[str]) -> tuple[float, float, list[int]] | None:
    """The same by pySigma's backend for SQLite."""
    try:
        from sigma.backends.sqlite import sqliteBackend  # type: ignore[import-not-found]  # compared only where it is installed
        from sigma.collection import SigmaCollection
    except ImportError:
        return None
    begin = time.perf_counter()
    columns = ", ".join(f"`{field}` TEXT COLLATE NOCASE" for field in FIELDS)
    with sqlite3.connect(":memory:") as base:
        base.execute(f"CREATE TABLE logs ({columns}, record TEXT)")
        base.executemany(f"INSERT INTO logs VALUES ({', '.join('?' * (len(FIELDS) + 1))})", flattened(logs))  # noqa: S608 - question marks
        stored = time.perf_counter()
        texts = [sqliteBackend().convert(SigmaCollection.from_yaml(rule))[0] for rule in rules]
        counts = [len(base.execute(text).fetchall()) for text in texts]
        return time.perf_counter() - begin, time.perf_counter() - stored, counts


def flattened(logs: Path) -> Iterator[tuple[str | None, ...]]:
    """Yield the fields of every record, and its text."""
    for path in sorted(logs.iterdir()):
        for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]:
            yield (*(_member(record, field.split(".")) for field in FIELDS), json.dumps(record))


def _member(value: Any, path: list[str]) -> str | None:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return None if value is None else str(value)


def by_polars(files: list[str]) -> int | None:
    """The question in Polars; how many rows it gives."""
    try:
        import polars as pl  # type: ignore[import-not-found]  # compared only where it is installed
    except ImportError:
        return None
    names, empty = ["RunInstances", "TerminateInstances", "CreateSnapshot"], pl.col("error_code").fill_null("") == ""
    asked = pl.scan_parquet(files).filter(pl.col("event_name").is_in(names) & empty)
    return len(asked.group_by(pl.col("identity_arn").fill_null(""), pl.col("aws_region").fill_null("")).agg(pl.len()).collect())


def by_chdb(files: list[str]) -> int | None:
    """The question in chdb."""
    try:
        import chdb  # type: ignore[import-not-found]  # compared only where it is installed
    except ImportError:
        return None
    where = "event_name IN ('RunInstances', 'TerminateInstances', 'CreateSnapshot') AND ifNull(error_code, '') = ''"
    text = f"SELECT ifNull(identity_arn, '') a, ifNull(aws_region, '') r, count() FROM file('{Path(files[0]).parent}/*.parquet') WHERE {where} GROUP BY a, r"  # noqa: S608 - our own folder
    return len(str(chdb.query(text, "CSV")).splitlines())


def asked_by_hand(ws: Workspace, rounds: int) -> list[str]:
    """Return the rows of the table for one question in several engines."""
    files = list(ws.bench(NOW).storage.tables["aws_cloudtrail"].files)
    ways: list[tuple[str, Callable[[], int | None]]] = [
        ("livefire, KQL", lambda: len(ws.query(QUESTION, "kql", now=NOW).rows)),
        ("Polars", lambda: by_polars(files)),
        ("chdb", lambda: by_chdb(files)),
    ]
    lines = []
    for name, way in ways:
        count, took = way(), []
        for _ in range(rounds if count is not None else 0):
            begin = time.perf_counter()
            way()
            took.append(time.perf_counter() - begin)
        lines.append(f"| {name} | {count:,} | {1e3 * statistics.median(took):.0f} |" if took else f"| {name} | – | – |")
    return lines


def table(ways: dict[str, list[Measured]], events: int) -> list[str]:
    """Return the table of what ran the rules, the first being what the others' findings are held against."""
    lines = ["| Sigma rules by | from gzip s | events/s | from stored events s | events found | rules that find others |", "|---|--:|--:|--:|--:|--:|"]
    own = next(iter(ways.values()))[0][2]
    for name, rounds in ways.items():
        if not rounds:
            lines.append(f"| {name} | – | – | – | – | – |")
            continue
        whole, counts = statistics.median(one[0] for one in rounds), rounds[0][2]
        later = [one[1] for one in rounds if one[1] is not None]
        stored = f"{statistics.median(later):.2f}" if later else "–"
        other = sum(a != b for a, b in zip(own, counts, strict=True))
        lines.append(f"| {name} | {whole:.2f} | {events / whole:,.0f} | {stored} | {sum(counts):,} | {other} |")
    return lines


def main() -> None:
    """Run every way the asked number of times in turn, and print the medians."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=100_000)
    options.add_argument("--rules", type=int, default=50)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--zircolite", default="", help="the command that starts Zircolite")
    options.add_argument("--duckdb-python", default="", help="an interpreter that has pysigma-backend-duckdb")
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    dice = random.Random(3)  # noqa: S311 - the same rules each time
    rules = [sigma_rule(number, dice) for number in range(asked.rules)]
    ways: dict[str, list[Measured]] = {"livefire": [], "pySigma's SQLite rules": [], "pySigma's DuckDB rules": [], "Zircolite": []}
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder) / "logs"
        write_files(logs, asked.events, max(1, asked.events // 20_000))
        for _ in range(asked.rounds):
            ways["livefire"].append(by_livefire(logs, rules))
            in_sqlite = by_sqlite(logs, rules)
            ways["pySigma's SQLite rules"] += [in_sqlite] if in_sqlite is not None else []
            if asked.duckdb_python:
                ways["pySigma's DuckDB rules"].append(by_duckdb(asked.duckdb_python, flattened(logs), FIELDS, rules))
            if asked.zircolite:
                ways["Zircolite"].append(by_zircolite(shlex.split(asked.zircolite), logs, rules, FIELDS))
        ws = Workspace(Path(folder) / "lake")
        ws.ingest(logs, now=NOW)
        by_hand = asked_by_hand(ws, asked.rounds)
    load = f"load {os.getloadavg()[0]:.1f} at the end, on {len(os.sched_getaffinity(0))} cores"
    about = f"{asked.rules} Sigma rules, {asked.events:,} events of 90 days from {START:%Y-%m-%d}; medians of {asked.rounds} rounds in turn; {load}."
    given = (
        "The others are given what they need beforehand: a table of just the fields that the rules name, and Zircolite records already inflated, line by line."
    )
    question = ["One question over the same Parquet files:", "", "| engine | rows | ms |", "|---|--:|--:|", *by_hand]
    page = "\n".join(["## Rivals", "", f"{about} {given}", "", *table(ways, asked.events), "", *question])
    print(page)
    if asked.write:
        put_section("rivals", "benchmarks/rivals.py", page)


if __name__ == "__main__":
    main()
