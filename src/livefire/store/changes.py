"""What came into a table since a version: the ingest sequence that schedules advance on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from livefire.store.table import LOG

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Change:
    """A Parquet file that brought new events, and the version that did; compaction brings none."""

    version: int
    path: Path
    rows: int
    size: int


def changes(folder: Path, after: int, upto: int) -> list[Change]:
    """Return the files that versions (after, upto] of a table brought, in order; the files stay until a vacuum that may take them.

    FileNotFoundError when the log of a version is not there.
    """
    found = []
    for version in range(max(after, -1) + 1, upto + 1):
        for line in (folder / LOG / f"{version:020d}.json").read_bytes().splitlines():
            added = json.loads(line).get("add")
            if added is not None and added.get("dataChange", True):
                rows = int(json.loads(added.get("stats") or "{}").get("numRecords", 0))
                found.append(Change(version, folder / str(added["path"]), rows, int(added["size"])))
    return found


def minutes(paths: list[Path]) -> list[datetime]:
    """Return the minutes in which the events of files happened, in order, each once."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    found: set[datetime] = set()
    for path in paths:
        times: pa.ChunkedArray = pq.read_table(path, columns=["_time"]).column(0)
        found.update(t for t in pc.unique(pc.floor_temporal(times, unit="minute")).to_pylist() if t is not None)
    return sorted(found)
