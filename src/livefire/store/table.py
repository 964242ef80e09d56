"""One Delta table on local disk: Parquet files and a log of commits that are durable when they return.

The log is written here and not by the deltalake library, because the library does not fsync: it
was traced writing data files and log entries with rename and link alone. A log entry is written
under another name, forced to disk, and linked into place, so a reader sees a whole entry or none
and no crash leaves half of one. Reading, checkpoints and time travel are the library's.
Protocol: https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire.store.disk import Disk

if TYPE_CHECKING:
    import pyarrow as pa

LOG = "_delta_log"
CHECKPOINT_EVERY = 50
APPLICATION = "livefire"
ROW_GROUP = 64 * 1024
KEEP_LOG = {"delta.logRetentionDuration": "interval 36500 days", "delta.enableExpiredLogCleanup": "false", "delta.appendOnly": "false"}
INCOMPRESSIBLE = frozenset({"_raw", "_id", "_digest", "_record", "_time", "request_id", "sample"})
_SILENT = frozenset({"commitInfo", "txn"})
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ConflictError(Exception):
    """Another writer committed first; nothing of this commit is in the table."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file of the current version; times are of `_time`, None where there is none."""

    path: Path
    rows: int
    size: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file that is on disk and in no commit yet."""

    name: str
    size: int
    sha256: str
    rows: int
    first: datetime | None
    last: datetime | None


class Table:
    """A Delta table opened at its current version; `append` moves both on."""

    def __init__(self, folder: Path, schema: pa.Schema, disk: Disk, drafts: Path) -> None:
        self.folder = folder
        self.schema = schema
        self.version = -1
        self.files: list[DataFile] = []
        self._disk = disk
        self._drafts = drafts

    def open(self) -> None:
        """Read the current version; a folder without a log has version -1 and no files."""
        log = self.folder / LOG
        if not log.is_dir() or not any(log.glob("*.json")):
            self.version, self.files = -1, []
            return
        _drop_torn_checkpoint(log)
        import pyarrow as pa
        from deltalake import DeltaTable

        table = DeltaTable(str(self.folder))
        actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
        files = [_data_file(self.folder, action) for action in actions]
        self.version, self.files = table.version(), files  # at once: other threads read them

    def catch_up(self) -> None:
        """Read the current version if another process has written one since, or has cleaned away this one."""
        log = self.folder / LOG
        if self.version < 0 or not (log / f"{self.version:020}.json").exists():
            if self.version >= 0 or (log / f"{0:020}.json").exists():
                self.open()
        elif (log / f"{self.version + 1:020}.json").exists() and not self._follow(log):
            self.open()

    def _follow(self, log: Path) -> bool:
        """Go on by the commits since this version; False, with nothing changed, where they are many or not of the plain kind."""
        version, files = self.version, {file.path: file for file in self.files}
        while (entry := log / f"{version + 1:020}.json").exists():
            if version - self.version >= CHECKPOINT_EVERY:
                return False
            for line in entry.read_bytes().splitlines():
                ((kind, action),) = json.loads(line).items()
                if kind == "add":
                    file = _added_file(self.folder, action)
                    files[file.path] = file
                elif kind == "remove":
                    files.pop(self.folder / str(action["path"]), None)
                elif kind not in _SILENT:
                    return False
            version += 1
        self.version, self.files = version, list(files.values())  # at once: other threads read them
        return True

    def create(self, now: datetime) -> None:
        """Write version 0: protocol, schema and settings."""
        from deltalake import Schema

        self._disk.make_folder(self.folder / LOG)
        settings = {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, self.folder.name)), "name": self.folder.name, "format": {"provider": "parquet", "options": {}}}
        schema = Schema.from_arrow(self.schema).to_json()
        metadata = {**settings, "schemaString": schema, "partitionColumns": [], "configuration": KEEP_LOG, "createdTime": _millis(now)}
        actions: list[dict[str, Any]] = [
            {"commitInfo": {"timestamp": _millis(now), "operation": "CREATE TABLE", "operationParameters": {}, "engineInfo": APPLICATION}},
            {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
            {"metaData": metadata},
        ]
        self._publish(0, actions)

    def append(self, rows: pa.Table, now: datetime, info: Mapping[str, Any] | None = None) -> int:
        """Commit rows as one new Parquet file and return the new version; durable when it returns.

        `info` is kept in the commit. Raises `ConflictError` if another writer took the version.
        """
        self.ensure(now)
        return self.commit(write_rows(self.folder, rows, self._disk), now, info)

    def ensure(self, now: datetime) -> None:
        """Make the table if it is not there, so that files can be written for it."""
        if self.version < 0:
            self.create(now)
            self.version = 0

    def commit(self, part: Part, now: datetime, info: Mapping[str, Any] | None = None) -> int:
        """Make a written file part of the table and return the new version; as `append`."""
        version = self.version + 1
        commit = {
            "timestamp": _millis(now),
            "operation": "WRITE",
            "operationParameters": {"mode": "Append"},
            "engineInfo": APPLICATION,
            "sha256": {part.name: part.sha256},
            **(info or {}),
        }
        added = {
            "path": part.name,
            "partitionValues": {},
            "size": part.size,
            "modificationTime": _millis(now),
            "dataChange": True,
            "stats": json.dumps(_stats(part.rows, part.first, part.last)),
        }
        transaction = {"appId": APPLICATION, "version": version, "lastUpdated": _millis(now)}
        self._publish(version, [{"commitInfo": commit}, {"txn": transaction}, {"add": added}])
        self.version = version
        self.files.append(DataFile(self.folder / part.name, part.rows, part.size, part.first, part.last))
        if version % CHECKPOINT_EVERY == 0:
            self.checkpoint()
        return version

    def replace(self, gone: Sequence[DataFile], rows: pa.Table | None, now: datetime, operation: str) -> int:
        """Commit that files give way to one file of `rows`, or to none, and return the new version; no reader sees a state between.

        The rows are not new: what follows the ingest sequence passes over them. The old files stay until a vacuum. Raises
        `ConflictError` if another writer took the version.
        """
        version = self.version + 1
        commit: dict[str, Any] = {"timestamp": _millis(now), "operation": operation, "operationParameters": {}, "engineInfo": APPLICATION, "sha256": {}}
        actions: list[dict[str, Any]] = [{"remove": {"path": f.path.name, "deletionTimestamp": _millis(now), "dataChange": rows is None}} for f in gone]
        kept = None
        if rows is not None and rows.num_rows:
            data = _parquet(rows)
            name = f"part-{uuid.uuid4()}.zstd.parquet"
            self._disk.write(self.folder / name, data)
            self._disk.sync_folder(self.folder)
            first, last = _bounds(rows)
            commit["sha256"][name] = hashlib.sha256(data).hexdigest()
            stats = json.dumps(_stats(rows.num_rows, first, last))
            added = {"path": name, "partitionValues": {}, "size": len(data), "modificationTime": _millis(now), "dataChange": False, "stats": stats}
            actions.append({"add": added})
            kept = DataFile(self.folder / name, rows.num_rows, len(data), first, last)
        self._publish(version, [{"commitInfo": commit}, *actions])
        self.version = version
        names = {f.path for f in gone}
        self.files = [f for f in self.files if f.path not in names] + ([kept] if kept is not None else [])
        if version % CHECKPOINT_EVERY == 0:
            self.checkpoint()
        return version

    def checkpoint(self) -> None:
        """Write a checkpoint so that opening does not read the whole log; the log itself is kept."""
        from deltalake import DeltaTable

        DeltaTable(str(self.folder)).create_checkpoint()
        log = self.folder / LOG
        for path in (log / "_last_checkpoint", *log.glob(f"{self.version:020d}.checkpoint*.parquet")):
            with path.open("rb+") as handle:
                os.fsync(handle.fileno())
        self._disk.sync_folder(log)

    def _publish(self, version: int, actions: list[dict[str, Any]]) -> None:
        draft = self._drafts / f"{uuid.uuid4()}.json"
        self._disk.write(draft, "".join(json.dumps(action, separators=(",", ":")) + "\n" for action in actions).encode())
        if not self._disk.publish(draft, self.folder / LOG / f"{version:020d}.json"):
            raise ConflictError(f"version {version} of {self.folder.name} was committed by another process")


def write_rows(folder: Path, rows: pa.Table, disk: Disk) -> Part:
    """Write rows, by time where they have one, as a Parquet file of a table's folder; durable when it returns."""
    if "_time" in rows.column_names and rows.num_rows > 1:
        rows = _by_time(rows)
    data = _parquet(rows)
    name = f"part-{uuid.uuid4()}.zstd.parquet"
    disk.write(folder / name, data)
    disk.sync_folder(folder)
    first, last = _bounds(rows)
    return Part(name, len(data), hashlib.sha256(data).hexdigest(), rows.num_rows, first, last)


def _by_time(rows: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    moments = rows.column("_time")
    if pc.all(pc.less_equal(moments[:-1], moments[1:])).as_py():
        return rows
    return rows.combine_chunks().sort_by("_time")


def _data_file(folder: Path, action: Mapping[str, Any]) -> DataFile:
    size = action.get("size_bytes", action.get("size", 0))
    return DataFile(folder / str(action["path"]), int(action["num_records"]), int(size), action.get("min._time"), action.get("max._time"))


def _added_file(folder: Path, action: Mapping[str, Any]) -> DataFile:
    stats = json.loads(action["stats"])
    first, last = (stats.get(side, {}).get("_time") for side in ("minValues", "maxValues"))
    moments = [datetime.fromisoformat(moment) if moment else None for moment in (first, last)]
    return DataFile(folder / str(action["path"]), int(stats["numRecords"]), int(action["size"]), *moments)


def _parquet(rows: pa.Table) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in rows.column_names if name not in INCOMPRESSIBLE],
        row_group_size=ROW_GROUP,
        write_page_checksum=True,
        write_statistics=[field.name for field in rows.schema if _is_ordered(field)],
        store_schema=False,
    )
    return bytes(sink.getvalue())


def _is_ordered(field: pa.Field) -> bool:
    """True for a column whose bounds can rule a row group out: not for texts of which no two are alike, nor for those that recur in all files alike."""
    import pyarrow as pa

    return not (pa.types.is_dictionary(field.type) or (pa.types.is_string(field.type) and field.name in INCOMPRESSIBLE))


def _bounds(rows: pa.Table) -> tuple[datetime | None, datetime | None]:
    if "_time" not in rows.column_names or not rows.num_rows:
        return None, None
    import pyarrow.compute as pc

    found = pc.min_max(rows.column("_time"))
    return found["min"].as_py(), found["max"].as_py()


def _stats(count: int, first: datetime | None, last: datetime | None) -> dict[str, Any]:
    """Statistics of an added file; Delta keeps milliseconds, so the last one is rounded up."""
    stats: dict[str, Any] = {"numRecords": count}
    if first is not None and last is not None:
        ceiling = last.replace(microsecond=0) + timedelta(milliseconds=math.ceil(last.microsecond / 1000))
        stats["minValues"] = {"_time": first.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
        stats["maxValues"] = {"_time": ceiling.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    return stats


def _millis(moment: datetime) -> int:
    return int((moment - EPOCH) / timedelta(milliseconds=1))


def _drop_torn_checkpoint(log: Path) -> None:
    """Remove a checkpoint that a power cut tore; the log it sums up is always kept whole."""
    pointer = log / "_last_checkpoint"
    if not pointer.is_file():
        return
    try:
        version = int(json.loads(pointer.read_bytes())["version"])
    except (ValueError, KeyError, TypeError):
        pointer.unlink()
        return
    for path in log.glob(f"{version:020d}.checkpoint*.parquet"):
        data = path.read_bytes()
        if len(data) < 12 or data[:4] != b"PAR1" or data[-4:] != b"PAR1":
            path.unlink()
            pointer.unlink(missing_ok=True)
