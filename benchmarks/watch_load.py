"""How a watch stands a load: events a second with live and scheduled rules, from event to alert, and memory.

`python benchmarks/watch_load.py [--rate 5000] [--seconds 600] [--live 200] [--scheduled 100]` runs a real watch over a folder,
renames a file into it every second, and prints one line of JSON: the latency of live alerts from the file's arrival (median and
95th percentile), resident memory of the process after a quarter of the time, each minute and at its end, and whether it kept up.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from livefire.watch.config import parse
from livefire.workspace import Workspace

CONFIG = """
lake = "lake"
[rules]
bundled = false
folders = ["rules"]
[operations]
poll = "1s"
compact = "2m"
[[source]]
kind = "folder"
name = "inbox"
path = "inbox"
settle = "1s"
[[sink]]
kind = "file"
name = "log"
path = "alerts.jsonl"
format = "json"
"""


def write_rules(folder: Path, live: int, scheduled: int) -> None:
    """Write rules of which the first live one finds one event of each file, and forty scheduled ones count a fortieth of all events each."""
    folder.mkdir()
    for number in range(live):
        text = f'AWSCloudTrail | where EventName == "Planted{number}" and UserIdentityUserName startswith "mallory"'
        (folder / f"live{number:03}.kql").write_text(text, encoding="utf-8")
    for number in range(scheduled):
        query = f'AWSCloudTrail | where EventName == "Describe{number}" | summarize Count = count() by UserIdentityUserName | where Count > 100000'
        said = f"id: scheduled{number:03}\nname: scheduled {number}\nkind: Scheduled\nqueryFrequency: 5m\nqueryPeriod: 15m\nquery: |\n  {query}\n"
        (folder / f"scheduled{number:03}.yaml").write_text(said, encoding="utf-8")


def lines(second: int, rate: int, now: datetime) -> bytes:
    """Return the events of one second; the first is planted."""
    listed = []
    for number in range(rate):
        user, name = (f"mallory{second}", "Planted0") if number == 0 else (f"user{number % 97}", f"Describe{number % 40}")
        who = {"type": "IAMUser", "arn": f"arn:aws:iam::111122223333:user/{user}", "accountId": "111122223333", "userName": user}
        event = {
            "eventVersion": "1.11", "userIdentity": who,
            "eventTime": f"{now:%Y-%m-%dT%H:%M:%SZ}", "eventSource": "ec2.amazonaws.com", "eventName": name, "awsRegion": "eu-central-1",
            "sourceIPAddress": "198.51.100.7", "requestParameters": {"instanceId": f"i-{number}"}, "responseElements": None,
            "eventID": f"{second:08}-0000-4000-8000-{number:012}", "readOnly": True,
        }  # fmt: skip
        listed.append(json.dumps(event, separators=(",", ":")).encode())
    return b"\n".join(listed) + b"\n"


def resident() -> float:
    """Return the resident memory of this process in MiB."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Run the load and print what was measured."""
    asked = argparse.ArgumentParser(description="Load a watch.")
    for name, usual in (("rate", 5_000), ("seconds", 600), ("live", 200), ("scheduled", 100)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    said = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="livefire-load-") as folder:
        sys.stdout.write(json.dumps(measure(Path(folder), said)) + "\n")


def measure(root: Path, said: argparse.Namespace) -> dict[str, object]:
    """Return latency, memory and whether the watch kept up."""
    (root / "inbox").mkdir()
    write_rules(root / "rules", said.live, said.scheduled)
    config = parse(CONFIG, root / "livefire.toml")
    workspace = Workspace(root / "lake")
    journal: list[str] = []
    watch = workspace.watch(config, journal.append)
    stop = threading.Event()
    thread = threading.Thread(target=watch.run, args=(stop,))
    thread.start()
    while not any("started" in line for line in journal):
        time.sleep(0.2)
    first = datetime.now(UTC)
    ready = lines(0, said.rate, first)  # the shape is made once: what feeds it must not take the machine's time
    arrived: dict[str, float] = {}
    began, quarter = time.monotonic(), 0.0
    minutes: list[int] = []
    owed: list[int] = []
    for second in range(said.seconds):
        body = ready.replace(b'"00000000-', f'"{second:08}-'.encode()).replace(b"mallory0", f"mallory{second}".encode())
        body = body.replace(f"{first:%Y-%m-%dT%H:%M:%SZ}".encode(), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}".encode())
        draft = root / ".draft"
        draft.write_bytes(body)
        draft.replace(root / "inbox" / f"{second:06}.jsonl")
        arrived[f"mallory{second}"] = time.time()
        quarter = resident() if second == said.seconds // 4 else quarter
        minutes += [round(resident())] if second % 60 == 59 else []
        owed += [watch.state.health(datetime.now(UTC)).waiting] if second % 10 == 5 else []
        time.sleep(max(0.0, began + second + 1 - time.monotonic()))
    ended = time.monotonic()
    while time.monotonic() - ended < said.seconds + 60 and len(found(root)) < said.seconds:
        time.sleep(0.5)
    drained = time.monotonic() - ended
    last, health = resident(), watch.state.health(datetime.now(UTC))
    while watch.state.health(datetime.now(UTC)).waiting and time.monotonic() - ended < drained + 120:
        time.sleep(0.2)
    caught_up = time.monotonic() - ended
    stop.set()
    thread.join()
    took = sorted(at - arrived[user] for user, at in found(root).items())
    return {
        "rate": said.rate, "seconds": said.seconds, "live": said.live, "scheduled": said.scheduled, "alerts": len(took), "of": said.seconds,
        "latency_median": round(statistics.median(took), 2) if took else None, "latency_p95": round(took[int(len(took) * 0.95)], 2) if took else None,
        "drain_seconds": round(drained, 1), "memory_quarter_mib": round(quarter), "memory_end_mib": round(last), "runs_owed": health.waiting,
        "runs_owed_each_ten_seconds": owed, "no_run_owed_after_seconds": round(caught_up, 1),
        "memory_each_minute_mib": minutes,
        "problems": list(health.problems), "load_average": round(os.getloadavg()[0], 1), "day": f"{datetime.now(UTC):%Y-%m-%d}",
    }  # fmt: skip


def found(root: Path) -> dict[str, float]:
    """Return when each planted user's alert was found."""
    path = root / "alerts.jsonl"
    said = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")] if path.exists() else []
    return {m["actor"].rpartition("/")[2]: datetime.fromisoformat(m["opened"]).timestamp() for m in said if m["kind"] == "alert.opened"}


if __name__ == "__main__":
    main()
