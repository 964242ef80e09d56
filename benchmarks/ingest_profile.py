"""Where the time of an ingest goes: one process, the processor's time in each stage without the stages that it calls.

Run from the project's folder: `python benchmarks/ingest_profile.py [--events 60000] [--files 3]`.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloudtrail_mix import write_files

NOW = datetime(2026, 9, 1, tzinfo=UTC)
OTHER = "all else"


class Watch:
    """Seconds of the processor by stage."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._open = [OTHER]
        self._since = time.process_time()

    def enter(self, stage: str) -> None:
        """Begin a stage inside the one that is open."""
        self._tell()
        self._open.append(stage)

    def leave(self) -> None:
        """End the innermost stage."""
        self._tell()
        self._open.pop()

    def _tell(self) -> None:
        now = time.process_time()
        self.spent[self._open[-1]] = self.spent.get(self._open[-1], 0.0) + now - self._since
        self._since = now

    def around(self, owner: Any, name: str, stage: str) -> None:
        """Count the calls of a function to a stage."""
        inner: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(inner)
        def timed(*args: Any, **named: Any) -> Any:
            self.enter(stage)
            try:
                return inner(*args, **named)
            finally:
                self.leave()

        setattr(owner, name, timed)

    def around_steps(self, owner: Any, name: str, stage: str) -> None:
        """Count the steps of a generator to a stage."""
        inner: Callable[..., Iterator[Any]] = getattr(owner, name)

        @functools.wraps(inner)
        def timed(*args: Any) -> Iterator[Any]:
            steps = inner(*args)
            while True:
                self.enter(stage)
                try:
                    step = next(steps)
                except StopIteration:
                    return
                finally:
                    self.leave()
                yield step

        setattr(owner, name, timed)


def watch_stages(watch: Watch) -> None:
    """Put the watch around what an ingest does."""
    from livefire.logsources import inflate, ordinary
    from livefire.store import dedup, gather, ingest, table

    watch.around_steps(inflate, "_gunzip", "inflate, with limits and checksum")
    watch.around(ingest, "fingerprint", "hash of the files")
    watch.around(inflate.Tally, "read", "hash of the files")
    watch.around(ordinary.OrdinaryReader, "prove", "decode")
    watch.around(ordinary.OrdinaryReader, "take", "prove")
    watch.around(ordinary, "_digests", "hash of the events")
    watch.around(ordinary.OrdinaryReader, "columns", "columns, as Python lists")
    watch.around(gather.Gathered, "_table", "columns, in Arrow")
    watch.around(gather.Gathered, "table", "columns, in Arrow")
    watch.around(dedup.Seen, "stale", "what is new")
    watch.around(table, "_parquet", "Parquet, with zstd")
    watch.around(table.Table, "commit", "commit")


def main() -> None:
    """Make the files, read them twice, and print the shares of the second time."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=60_000)
    options.add_argument("--files", type=int, default=3)
    asked = options.parse_args()
    from livefire.store.ingest import ingest
    from livefire.store.lake import Lake

    watch = Watch()
    watch_stages(watch)
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder) / "logs"
        write_files(logs, asked.events, asked.files)
        ingest([logs], Lake.create(Path(folder) / "first"), now=NOW, processes=1)  # imports and first use are not counted
        watch.enter(OTHER)
        watch.spent.clear()
        ingest([logs], Lake.create(Path(folder) / "second"), now=NOW, processes=1)
        watch.leave()
    total = sum(watch.spent.values())
    print(f"{total / asked.events * 1e6:.1f} µs of the processor an event")
    for stage, spent in sorted(watch.spent.items(), key=lambda pair: -pair[1]):
        print(f"{spent / total:6.1%}  {spent / asked.events * 1e6:5.1f} µs  {stage}")


if __name__ == "__main__":
    main()
