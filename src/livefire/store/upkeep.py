"""The upkeep of a lake: small files joined, old events dropped, files that nothing needs removed, every file checked.

Each step is one commit: a crash before it leaves the old files, a crash after it the new one. Nothing is deleted but by
`vacuum`, and that takes only files that no version of a while needs and that no watch has still to look at.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from livefire.logsources.registry import SOURCES
from livefire.store.changes import changes
from livefire.store.lake import LEDGER, QUARANTINE, Lake, LakeError
from livefire.store.table import LOG, DataFile, Table, by_time

if TYPE_CHECKING:
    import pyarrow as pa

GOAL_ROWS = 500_000
_TABLES = (*(s.name for s in SOURCES), QUARANTINE, LEDGER)
_CHUNK = 1 << 20
_AT_ONCE = 32_768
"""Rows that are joined at once."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What became of one table: files before and after, rows dropped, bytes freed."""

    table: str
    before: int
    after: int
    dropped: int = 0
    freed: int = 0


@dataclass(frozen=True, slots=True)
class Damage:
    """A file of a lake that is not what was written."""

    path: Path
    reason: str


def compact(lake: Lake, now: datetime, goal: int = GOAL_ROWS) -> tuple[Upkeep, ...]:
    """Join small files, neighbours in time, into ones of about `goal` rows. The events stay the same."""
    with lake.writing():
        return tuple(_compacted(lake.table(name), now, goal) for name in _TABLES)


def small_rows(lake: Lake, goal: int = GOAL_ROWS) -> int:
    """Return how many rows of a table a compaction would read, at the most."""
    return max(sum(f.rows for group in _groups(lake.table(name), goal) for f in group) for name in _TABLES)


def rows_before(lake: Lake, since: datetime) -> int:
    """Return how many rows of a log source the files have that a retention would read."""
    return max(sum(f.rows for f in lake.table(s.name).files if f.first is not None and f.first < since) for s in SOURCES)


def _groups(table: Table, goal: int) -> list[list[DataFile]]:
    """Return small files that are joined with each other."""
    small = sorted((f for f in table.files if f.rows < goal // 2), key=lambda f: (f.first or datetime.min.replace(tzinfo=UTC), f.path.name))
    groups: list[list[DataFile]] = [[]]
    for file in small:
        if groups[-1] and sum(f.rows for f in groups[-1]) + file.rows > goal:
            groups.append([])
        groups[-1].append(file)
    return [group for group in groups if len(group) > 1]


def _compacted(table: Table, now: datetime, goal: int) -> Upkeep:
    before = len(table.files)
    for group in _groups(table, goal):
        table.replace(group, _merged(group, table), now, "OPTIMIZE")
    return Upkeep(table.folder.name, before, len(table.files))


def _read(files: list[DataFile], table: Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = pa.concat_tables([pq.read_table(f.path).cast(table.schema) for f in files]).combine_chunks()
    return whole.sort_by("_time") if "_time" in whole.column_names else whole


def _merged(files: list[DataFile], table: Table) -> Iterator[pa.Table]:
    """Yield the rows of files by time, some at once, so that memory does not grow with them; LakeError when they are not as many as the log says."""
    import pyarrow as pa

    if "_time" not in table.schema.names or sum(file.rows for file in files) <= _AT_ONCE:
        yield _read(files, table)
        return
    made, cuts = 0, _cuts(files, table)
    for lower, upper in zip([None, *cuts], [*cuts, None], strict=True):
        parts = [_between(file, lower, upper).cast(table.schema) for file in files if _meets(file, lower, upper)]
        if parts:
            rows = pa.concat_tables(parts)
            made += rows.num_rows
            yield by_time(rows)
    pa.default_memory_pool().release_unused()
    if made != sum(file.rows for file in files):
        raise LakeError("E443", f"the files of {table.folder} do not hold as many events as its log says; nothing was changed")


def _cuts(files: list[DataFile], table: Table) -> list[pa.Scalar]:
    """Return times that part the rows of files into stretches of about the same size, each time once."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    kind = table.schema.field("_time").type
    times = pa.chunked_array([chunk for f in files for chunk in pq.read_table(f.path, columns=["_time"]).column(0).cast(kind).chunks], kind)
    times = times.drop_null().combine_chunks()
    order = pc.sort_indices(times)
    found = [times[order[at].as_py()] for at in range(_AT_ONCE, len(times), _AT_ONCE)]
    return [cut for at, cut in enumerate(found) if not at or cut != found[at - 1]]


def _meets(file: DataFile, lower: pa.Scalar | None, upper: pa.Scalar | None) -> bool:
    """Tell whether a file may hold rows of a stretch, of which the last is any file's; the log keeps milliseconds, rounded outwards."""
    if upper is None or file.first is None or file.last is None:
        return True
    return file.first < upper.as_py() and (lower is None or file.last >= lower.as_py())


def _between(file: DataFile, lower: pa.Scalar | None, upper: pa.Scalar | None) -> pa.Table:
    """Return the rows of a file from `lower` until `upper`; those without a time come with the last."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    time, wanted = pc.field("_time"), None
    if lower is not None:
        wanted = time >= lower
    if upper is not None:
        wanted = time < upper if wanted is None else wanted & (time < upper)
    elif wanted is not None:
        wanted |= time.is_null()
    return pq.read_table(file.path, filters=wanted)


def retain(lake: Lake, since: datetime, now: datetime) -> tuple[Upkeep, ...]:
    """Drop the events that happened before `since`; what was set aside and which files were read is kept. One commit a file."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    found = []
    with lake.writing():
        for source in SOURCES:
            table = lake.table(source.name)
            before, dropped = len(table.files), 0
            for file in list(table.files):
                if file.first is None or file.first >= since:
                    continue
                times = pq.read_table(file.path, columns=["_time"]).column(0)
                left = pc.sum(pc.fill_null(pc.greater_equal(times, since), fill_value=True)).as_py()
                if left < file.rows:
                    table.replace([file], _since(file, since, table) if left else None, now, "DELETE")
                    dropped += file.rows - left
            found.append(Upkeep(source.name, before, len(table.files), dropped))
    return tuple(found)


def _since(file: DataFile, since: datetime, table: Table) -> Iterator[pa.Table]:
    """Yield the rows of a file that did not happen before a moment, some at once."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(file.path).iter_batches(_AT_ONCE):
        rows = pa.Table.from_batches([batch]).cast(table.schema)
        kept = rows.filter(pc.fill_null(pc.greater_equal(rows.column("_time"), since), fill_value=True))
        if kept.num_rows:
            yield kept


def vacuum(lake: Lake, now: datetime, keep: timedelta, seen: Mapping[str, int] | None = None) -> tuple[Upkeep, ...]:
    """Remove files that no version within `keep` has. `seen` is, by log source, the version a watch has looked at: newer ones are kept."""
    found = []
    with lake.writing():
        for name in _TABLES:
            table = lake.table(name)
            needed = {f.path for f in table.files}
            if seen is not None and name in seen:
                needed |= {c.path for c in changes(table.folder, seen[name], table.version)}
            gone = _removed(table.folder)
            freed = 0
            before = list(table.folder.glob("part-*.parquet")) if table.folder.is_dir() else []
            for path in before:
                last = gone.get(path.name) or datetime.fromtimestamp(path.stat().st_mtime, UTC)  # never committed: when it was written
                if path not in needed and now - last > keep:
                    freed += path.stat().st_size
                    path.unlink()
            found.append(Upkeep(name, len(before), len(before) if not freed else sum(p.exists() for p in before), freed=freed))
        for draft in (lake.path / ".drafts").glob("*"):
            if now - datetime.fromtimestamp(draft.stat().st_mtime, UTC) > keep:
                draft.unlink()
    return tuple(found)


def _log(folder: Path) -> Iterator[dict[str, dict[str, object]]]:
    for path in sorted((folder / LOG).glob("*.json")):
        for line in path.read_bytes().splitlines():
            yield json.loads(line)


def _removed(folder: Path) -> dict[str, datetime]:
    """Return when each file left its table."""
    removed = (a["remove"] for a in _log(folder) if "remove" in a)
    return {str(r["path"]): datetime.fromtimestamp(int(str(r["deletionTimestamp"])) / 1000, UTC) for r in removed}


def verify(lake: Lake) -> tuple[int, tuple[Damage, ...]]:
    """Return how many files of the present version were read, and each that is not what was committed: SHA-256 tells."""
    checked, damaged = 0, []
    for name in _TABLES:
        table = lake.table(name)
        sums: dict[str, str] = {}
        for action in _log(table.folder) if (table.folder / LOG).is_dir() else ():
            said = action.get("commitInfo", {}).get("sha256")
            sums |= said if isinstance(said, dict) else {}
        for file in table.files:
            checked += 1
            try:
                found = _sum(file.path)
            except OSError as error:
                damaged.append(Damage(file.path, (error.strerror or str(error)).lower()))
                continue
            if file.path.name not in sums:
                damaged.append(Damage(file.path, "no commit tells its SHA-256"))
            elif sums[file.path.name] != found:
                damaged.append(Damage(file.path, "its SHA-256 is not that of its commit"))
    return checked, tuple(damaged)


def _sum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
