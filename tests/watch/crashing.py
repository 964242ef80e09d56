"""A watch that is killed again and again, and what must be true of it afterwards.

`python -m tests.watch.crashing KILLS FOLDER [SEED]` runs it by hand. One process holds the imports and forks a watch with all its
threads; the watch takes files that appear meanwhile, compacts every second, and is killed with SIGKILL at a random instant. Every other
watch compacts in a process of its own, as one over a large lake does: then the watch dies, or that process, or both, first the one or the
other. At the end one watch runs until there is nothing left to do, and everything is counted.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from livefire.engines.duckdb import DuckDB
from livefire.engines.worker import Worker
from livefire.store import apart
from livefire.store.lake import Lake
from livefire.store.upkeep import verify
from livefire.watch.config import parse
from livefire.watch.journal import Journal
from livefire.watch.records import Alert
from livefire.watch.service import Watch
from livefire.watch.sinks import Services
from livefire.watch.state import AlertFilter
from livefire.workspace import Workspace
from tests.logsources.samples import compact
from tests.watch.staging import BURST, START, STOPPED, USUAL, event

NOW = START + timedelta(hours=3)
TEXT = USUAL.replace('every = "10m"', 'every = "10m"\nmost = 100000').replace(
    "[alerts]\n", '[operations]\npoll = "1s"\ncompact = "1s"\nvacuum = "1s"\n[alerts]\n'
)
EACH = 6


_BEGAN = time.monotonic()


def clock() -> datetime:
    """Three hours past the start, going on through every watch: every moment of the events is due."""
    return NOW + timedelta(seconds=time.monotonic() - _BEGAN)


def prepare(root: Path) -> None:
    """Make the folders and rules."""
    for folder in ("inbox", "rules"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "rules" / "stopped.kql").write_text(STOPPED, encoding="utf-8")
    (root / "rules" / "burst.yaml").write_text(BURST, encoding="utf-8")


def deliver(root: Path, number: int) -> None:
    """Rename one file into the inbox: a stop, snapshots of one user, and the last event of the file before once more."""
    at = timedelta(seconds=5 * number % 3_000)
    first = number * EACH
    events = [
        event(first, at, "StopInstances", f"u{number}"),
        *(event(first + n, at + timedelta(seconds=n), "CreateSnapshot", f"u{number}") for n in range(1, EACH)),
    ]
    if number:
        events.append(event(first - EACH, timedelta(seconds=5 * (number - 1) % 3_000), "StopInstances", f"u{number - 1}"))
    draft = root / f".{number}"
    draft.write_bytes(b"\n".join(map(compact, events)) + b"\n")
    draft.replace(root / "inbox" / f"{number:05}.jsonl")


def made(root: Path, worker: Worker) -> Watch:
    """Return a watch as the program makes it, but for the clock."""
    config = parse(TEXT, root / "livefire.toml")
    ws = Workspace(config.at(config.lake))
    log = (root / "journal.log").open("a", encoding="utf-8", buffering=1)

    def write(text: str) -> None:
        log.write(text)

    services = Services(clock, lambda _: "", write)
    return Watch(config, ws.watched(config), ws._ground(), ws.state(), services, lambda: DuckDB(worker), Journal(write, clock))


def run_forked(root: Path, most_here: int) -> int:
    """Fork a watch that runs until it is killed, and return its process; what is more than so many rows it compacts in another one."""
    child = os.fork()
    if child:
        return child
    try:
        apart.MOST_HERE = most_here
        made(root, Worker([root], threads=1)).run(threading.Event())
    finally:
        os._exit(9)


def compaction(watch: int) -> int:
    """Return the process that compacts for a watch, 0 for none."""
    for task in Path(f"/proc/{watch}/task").glob("*/children"):
        for child in _read(task).split():
            if b"upkeep_main" in _read(Path(f"/proc/{child.decode()}/cmdline")):
                return int(child)
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""


class Killer:
    """Kills a watch and what it has started; `struck` counts who died, `ended` watches that had ended by themselves, `left` what outlived one."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self._root, self._chance, self.files = root, chance, 0
        self._watch = self._started = 0
        self.struck: Counter[str] = Counter()
        self.ended = self.left = 0

    def strike(self) -> bool:
        """Let a watch run for a while, then kill; return whether the watch is dead."""
        if not self._watch:
            self._started += 1
            self._watch = run_forked(self._root, apart.MOST_HERE if self._started % 2 else 0)
        until = time.monotonic() + self._chance.uniform(0.05, 2.5)
        while time.monotonic() < until:
            self._live()
        if self._started % 2 == 0 and self._chance.random() < 0.6:
            self._await_compaction()
        other = compaction(self._watch)
        victims = self._chance.choice([[self._watch], [other], [self._watch, other], [other, self._watch]]) if other else [self._watch]
        for victim in victims:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        self.struck[("both" if len(victims) > 1 else "compaction" if victims == [other] else "watch while it compacted" if other else "watch")] += 1
        if self._watch not in victims:
            return False
        self.ended += os.waitstatus_to_exitcode(os.waitpid(self._watch, 0)[1]) != -signal.SIGKILL
        self._watch = 0
        self.left += bool(other) and _outlives(other)
        return True

    def _live(self) -> None:
        if self._chance.random() < 0.3:
            deliver(self._root, self.files)
            self.files += 1
        time.sleep(self._chance.uniform(0.0, 0.2))

    def _await_compaction(self) -> None:
        """Wait until one is under way, at most some seconds, and then a part of the time that one takes."""
        deliver(self._root, self.files)
        self.files += 1
        until = time.monotonic() + 7
        while time.monotonic() < until and not compaction(self._watch):
            time.sleep(0.02)
        time.sleep(self._chance.uniform(0.0, 0.8))

    def end(self) -> None:
        """Kill the watch that still runs."""
        if self._watch:
            os.kill(self._watch, signal.SIGKILL)
            os.waitpid(self._watch, 0)
            self._watch = 0


def _outlives(process: int) -> bool:
    """Tell whether a compaction goes on for two seconds after its watch."""
    until = time.monotonic() + 2
    while b"upkeep_main" in _read(Path(f"/proc/{process}/cmdline")):
        if time.monotonic() > until:
            return True
        time.sleep(0.01)
    return False


def opens(root: Path) -> bool:
    """Tell whether the lake opens, as a process of its own finds it: one that has opened a lake cannot be forked any more."""
    child = os.fork()
    if not child:
        try:
            Lake.create(root / "lake")
            os._exit(0)
        finally:
            os._exit(9)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def finish(root: Path) -> None:
    """Run a watch in this process until there is nothing left to do."""
    with Worker([root], threads=1) as worker:
        watch = made(root, worker)
        with watch.alone():
            watch.begin()
            idle = 0
            while idle < 3:
                idle = 0 if watch.step() else idle + 1
                time.sleep(0.6)
        watch.state.close()


def judge(root: Path, files: int) -> dict[str, int]:
    """Count what was lost or doubled; all of it must be zero."""
    lake = Lake.open(root / "lake")
    stored = Counter(i for f in lake.files("aws_cloudtrail") for i in pq.read_table(f, columns=["_id"]).column(0).to_pylist())
    expected = {event(n, timedelta(0))["eventID"] for n in range(files * EACH)}
    state = Workspace(root / "lake").state(make=False)
    alerts: list[Alert] = []
    while page := state.desk.alerts(AlertFilter(limit=500, offset=len(alerts), withdrawn=None)).items:
        alerts += page
    users = Counter((a.rule, a.actor.rpartition("/")[2]) for a in alerts)
    wanted = {(rule, f"u{n}") for rule in ("stopped", "burst") for n in range(files)}
    sent = [json.loads(line) for line in (root / "alerts.jsonl").read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    keys: dict[str, set[str]] = {}
    for message in sent:
        if message["kind"] == "alert.opened":
            keys.setdefault(message["fingerprint"], set()).add(message["key"])
    return {
        "events lost": len(expected - stored.keys()),
        "events doubled": sum(n - 1 for n in stored.values()) + len(stored.keys() - expected),
        "alerts lost": len(wanted - users.keys()),
        "alerts doubled": sum(n - 1 for n in users.values()) + len(users.keys() - wanted),
        "alerts withdrawn": sum(a.withdrawn for a in alerts),
        "alerts never sent": len({a.fingerprint for a in alerts} - keys.keys()),
        "alerts sent under two keys": sum(len(k) - 1 for k in keys.values()),
        "files damaged": len(verify(lake)[1]),
    }


def kill_often(root: Path, kills: int, seed: int = 1) -> tuple[dict[str, int], Killer]:
    """Kill a watch so often while files arrive; return the counts and who died."""
    prepare(root)
    killer = Killer(root, random.Random(seed))  # noqa: S311 - instants of death, the same each time as far as a machine allows
    shut = 0
    for number in range(kills):
        shut += killer.strike() and not opens(root)
        if number % 50 == 49:
            sys.stderr.write(f"{number + 1} kills, {killer.files} files, {dict(killer.struck)}\n")
    killer.end()
    finish(root)
    counts = {"times the lake did not open": shut, "watches that ended by themselves": killer.ended, "compactions that outlived their watch": killer.left}
    return {**judge(root, killer.files), **counts}, killer


if __name__ == "__main__":
    began = time.monotonic()
    counts, killer = kill_often(Path(sys.argv[2]), int(sys.argv[1]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    sys.stdout.write(
        f"{sys.argv[1]} kills {dict(killer.struck)}, {killer.files} files, {killer.files * EACH} events, {time.monotonic() - began:.0f} s: {counts}; "
        f"{datetime.now(UTC):%Y-%m-%d}\n"
    )
    sys.exit(any(counts.values()))
