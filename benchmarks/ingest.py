"""How fast log files become a lake, beside DuckDB's own JSON reader over the same files in the same run.

Run from the project's folder: `python benchmarks/ingest.py [--events 200000] [--files 10]`. The events are made
here: CloudTrail records of about 1.4 KB in gzip files as S3 delivers them. Each step runs in a
process of its own, so that the peak of memory is its own. DuckDB's reader does less (no
deduplication, no quarantine, no durable commit, no canonical form); its output is thrown away.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
NAMES = ("DescribeInstances", "RunInstances", "StopInstances", "CreateSnapshot", "GetObject", "AssumeRole", "ListBuckets", "PutBucketPolicy")
MAX_OBJECT = 1 << 30

Measured = tuple[int, float, float, int]  # events, wall seconds, CPU seconds, peak MiB


def event(number: int, dice: random.Random) -> dict[str, object]:
    """Return a made-up CloudTrail record."""

    def digits(count: int) -> str:
        return f"{dice.getrandbits(4 * count):0{count}x}"

    account, user = f"{700000000000 + dice.randrange(20)}", f"worker-{dice.randrange(500)}"
    issuer = {"type": "Role", "principalId": f"AROA{digits(16)}", "arn": f"arn:aws:iam::{account}:role/batch", "accountId": account, "userName": "batch"}
    state = {"instanceId": f"i-{digits(17)}", "currentState": {"code": 64, "name": "stopping"}, "previousState": {"code": 16, "name": "running"}}
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROA{digits(16)}:{user}",
            "arn": f"arn:aws:sts::{account}:assumed-role/batch/{user}",
            "accountId": account,
            "accessKeyId": f"ASIA{digits(16)}".upper(),
            "sessionContext": {"sessionIssuer": issuer, "attributes": {"creationDate": "2026-03-01T00:00:00Z", "mfaAuthenticated": "false"}},
        },
        "eventTime": (START + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "ec2.amazonaws.com",
        "eventName": dice.choice(NAMES),
        "awsRegion": "eu-west-3",
        "sourceIPAddress": f"203.0.113.{dice.randrange(256)}",
        "userAgent": "aws-sdk-go-v2/1.30 os/linux lang/go",
        "requestParameters": {"instancesSet": {"items": [{"instanceId": state["instanceId"]}]}, "force": False},
        "responseElements": {"requestId": digits(32), "instancesSet": {"items": [state]}},
        "requestID": digits(32),
        "eventID": digits(32),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": "ec2.eu-west-3.amazonaws.com"},
    }


def write_logs(folder: Path, events: int, files: int) -> int:
    """Write the files and return the size of their text in bytes."""
    dice, size = random.Random(7), 0  # noqa: S311  # the same events each time
    for file in range(files):
        numbers = range(file * events // files, (file + 1) * events // files)
        text = json.dumps({"Records": [event(number, dice) for number in numbers]}, separators=(",", ":")).encode()
        (folder / f"{file:04}.json.gz").write_bytes(gzip.compress(text, compresslevel=5))
        size += len(text)
    return size


def by_livefire(logs: Path, lake: Path) -> int:
    """Ingest the files into a new lake."""
    from livefire.store.ingest import ingest
    from livefire.store.lake import Lake

    return ingest([logs], Lake.create(lake), now=NOW).stored


def by_duckdb(logs: Path, _: Path) -> int:
    """Read the same files with DuckDB's `read_json` into typed rows, and throw them away."""
    return _duckdb(logs, "SELECT unnest(Records) AS r FROM read_json($files, maximum_object_size=$most, columns={Records: '" + _record_type() + "'})")  # noqa: S608  # names from here


def by_duckdb_objects(logs: Path, _: Path) -> int:
    """The same through `read_json_objects` and `from_json`, which is the faster way for one large object a file."""
    taken = "SELECT unnest(json_extract(json, '$.Records[*]')) AS t FROM read_json_objects($files, maximum_object_size=$most)"
    return _duckdb(logs, f"SELECT from_json(t, '{_record_type(json_text=True)}') AS r FROM ({taken})")  # noqa: S608  # names written above


def _record_type(*, json_text: bool = False) -> str:
    fields = dict.fromkeys(event(0, random.Random(0)), "VARCHAR")  # noqa: S311  # only its keys are used
    if json_text:
        return json.dumps(fields)
    return "STRUCT(" + ", ".join(f'"{name}" {kind}' for name, kind in fields.items()) + ")[]"


def _duckdb(logs: Path, rows: str) -> int:
    import duckdb

    lengths = ", ".join(f'max(length(r."{name}"))' for name in event(0, random.Random(0)))  # noqa: S311  # only its keys are used
    query = f"SELECT count(*), {lengths} FROM ({rows})"  # noqa: S608  # every column is read, so that none is skipped; names written above
    found = duckdb.connect().execute(query, {"files": f"{logs}/*.json.gz", "most": MAX_OBJECT}).fetchone()
    return int(found[0]) if found else 0


def _child(step: Callable[[Path, Path], int], logs: Path, out: Path, answer: Connection) -> None:
    begin, cpu = time.perf_counter(), time.process_time()
    count = step(logs, out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    answer.send((count, time.perf_counter() - begin, time.process_time() - cpu, peak))


def measure(step: Callable[[Path, Path], int], logs: Path, out: Path) -> Measured:
    """Run a step in a new process and return what it took."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(step, logs, out, theirs))
    child.start()
    theirs.close()
    try:
        measured: Measured = ours.recv()
    finally:
        child.join()
    return measured


def main() -> None:
    """Make the files, measure both, and print the ratios."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--files", type=int, default=10)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder) / "logs"
        logs.mkdir()
        size = write_logs(logs, asked.events, asked.files)
        print(f"{asked.events} events in {asked.files} files, {size / asked.events:.0f} bytes an event")
        rates: list[float] = []
        for name, step in (("livefire ingest", by_livefire), ("duckdb read_json", by_duckdb), ("duckdb objects", by_duckdb_objects)):
            count, wall, cpu, peak = measure(step, logs, Path(folder) / "lake")
            if count != asked.events:
                raise SystemExit(f"{name} gave {count} events")
            rates.append(count / wall)
            print(f"{name:18} {count / wall:9.0f} events/s  {size / wall / 1e6:7.1f} MB/s  {cpu / count * 1e6:6.1f} us CPU an event  {peak:6} MiB peak")
        print(f"livefire is {rates[0] / rates[1]:.2f} times as fast as read_json, {rates[0] / rates[2]:.2f} times as fast as read_json_objects")


if __name__ == "__main__":
    main()
