"""A lake: a folder with a Delta table for each log source, one for what was set aside, one for the files read."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire.logsources.registry import SOURCES, source
from livefire.schema import Schema, Type
from livefire.store.changes import Change, changes
from livefire.store.dedup import Digests
from livefire.store.disk import Disk
from livefire.store.known import Marks
from livefire.store.table import DataFile, Table

if TYPE_CHECKING:
    import pyarrow as pa

MARK = "livefire-lake.json"
FORMAT = 1
QUARANTINE = "quarantine"
LEDGER = "files"
_NUMBERED = re.compile(r"(?P<number>\d{8})\.json\.gz")

QUARANTINE_SCHEMA = Schema.of(
    ("_id", Type.STRING),
    ("file", Type.STRING),
    ("sha256", Type.STRING),
    ("code", Type.STRING),
    ("reason", Type.STRING),
    ("record", Type.LONG),
    ("offset", Type.LONG),
    ("length", Type.LONG),
    ("records", Type.LONG),
    ("sample", Type.STRING),
    ("seen", Type.DATETIME),
)
LEDGER_SCHEMA = Schema.of(
    ("file", Type.STRING),
    ("sha256", Type.STRING),
    ("size", Type.LONG),
    ("status", Type.STRING),
    ("code", Type.STRING),
    ("reason", Type.STRING),
    ("sources", Type.STRING),
    ("records", Type.LONG),
    ("stored", Type.LONG),
    ("duplicates", Type.LONG),
    ("quarantined", Type.LONG),
    ("asked", Type.STRING),
    ("reader", Type.LONG),
    ("seen", Type.DATETIME),
)


class LakeError(Exception):
    """A lake cannot be opened or written; `code` is one of E44x, the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}")


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a lake holds of one log source; times are None and version is -1 while it is empty."""

    name: str
    title: str
    events: int
    files: int
    bytes: int
    first: datetime | None
    last: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class LakeInfo:
    """What a lake holds: its sources, how many records are in quarantine, how many files were read."""

    path: Path
    sources: tuple[SourceInfo, ...]
    quarantined: int
    files_read: int

    @property
    def first(self) -> datetime | None:
        """The time of the earliest event, None when there is none."""
        return min((s.first for s in self.sources if s.first is not None), default=None)

    @property
    def last(self) -> datetime | None:
        """The time of the latest event, None when there is none."""
        return max((s.last for s in self.sources if s.last is not None), default=None)


class Lake:
    """A lake on local disk. Many processes may read; one at a time writes (`writing`)."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self.disk = disk
        drafts = path / ".drafts"
        named = [*((s.name, s.schema) for s in SOURCES), (QUARANTINE, QUARANTINE_SCHEMA), (LEDGER, LEDGER_SCHEMA)]
        self._tables = {name: Table(path / name, arrow_schema(schema), disk, drafts) for name, schema in named}
        self.marks = Marks(self._tables[LEDGER])
        self.digests = {s.name: Digests() for s in SOURCES}

    def catch_up(self) -> None:
        """Take in what other processes have written since; cheap when it is nothing."""
        for table in self._tables.values():
            table.catch_up()

    @staticmethod
    def create(path: Path, disk: Disk | None = None) -> Lake:
        """Make a lake in a new or empty folder, or open the one that is there."""
        disk = disk or Disk()
        if not (path / MARK).exists():
            if path.is_dir() and any(entry.name not in (".drafts", ".lock") for entry in path.iterdir()):
                raise LakeError("E441", f"{path} is a folder with other things in it, not a lake; name a new folder")
            if path.exists() and not path.is_dir():
                raise LakeError("E441", f"{path} is a file, not a lake")
            disk.make_folder(path / ".drafts")
            draft = path / ".drafts" / f"mark-{os.getpid()}"
            draft.unlink(missing_ok=True)
            disk.write(draft, json.dumps({"format": FORMAT}).encode())
            disk.publish(draft, path / MARK)
        return Lake.open(path, disk)

    @staticmethod
    def open(path: Path, disk: Disk | None = None) -> Lake:
        """Open an existing lake; raises `LakeError` if there is none or it is of a newer format."""
        try:
            mark = json.loads((path / MARK).read_bytes())
        except OSError:
            raise LakeError("E442", f"no lake at {path}") from None
        except ValueError:
            raise LakeError("E443", f"{path / MARK} is damaged") from None
        if not isinstance(mark, dict) or mark.get("format") != FORMAT:
            raise LakeError("E443", f"the lake at {path} has a format that this version cannot read (it reads format {FORMAT})")
        lake = Lake(path, disk or Disk())
        lake.refresh()
        return lake

    def refresh(self) -> None:
        """Move to the current version of every table."""
        for table in self._tables.values():
            table.open()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lake's writer lock, at the current version; raises `LakeError` if another process holds it."""
        self.disk.make_folder(self.path / ".drafts")
        handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise LakeError("E440", f"another process is writing to {self.path}; wait for it to end") from None
            self.catch_up()
            yield
        finally:
            os.close(handle)

    def turn(self) -> None:
        """Begin an ingest: of what is remembered of the events stored before, only what was of use lately stays."""
        for digests in self.digests.values():
            digests.turn()

    def table(self, name: str) -> Table:
        """Return the table of a log source, or `quarantine` or `files`; raises `KeyError` for other names."""
        return self._tables[name]

    def files(self, name: str) -> list[Path]:
        """Return the Parquet files of a source's current version, earliest events first."""
        return [file.path for file in self.data_files(name)]

    def data_files(self, name: str) -> list[DataFile]:
        """Return the Parquet files of a source's current version with their rows, sizes and times, earliest events first."""
        return sorted(self.table(name).files, key=_by_time)

    def keep(self, path: Path, data: bytes) -> None:
        """Write a file of its own below the lake, whole or not at all; `LakeError` when its name is taken."""
        self.disk.make_folder(self.path / ".drafts")
        self.disk.make_folder(path.parent)
        draft = self.path / ".drafts" / f"{path.name}-{os.getpid()}"
        draft.unlink(missing_ok=True)
        self.disk.write(draft, data)
        if not self.disk.publish(draft, path):
            raise LakeError("E440", f"another process has just written {path.name}; run it again")

    def recall(self, what: str) -> bytes | None:
        """Return what `remember` kept last under a name, None where nothing is kept; OSError or EOFError when it cannot be read."""
        number = self._latest(what)
        try:
            return gzip.decompress(self._remembered(what, number).read_bytes()) if number else None
        except zlib.error as fault:
            raise OSError(f"{self._remembered(what, number).name} is damaged: {fault}") from fault

    def remember(self, what: str, data: bytes) -> None:
        """Keep some bytes under a name in the place of what was kept there; `LakeError` when another process has just done so."""
        number = self._latest(what)
        self.keep(self._remembered(what, number + 1), gzip.compress(data, compresslevel=6, mtime=0))
        self._remembered(what, number).unlink(missing_ok=True)

    def _latest(self, what: str) -> int:
        folder = self.path / what
        names = (_NUMBERED.fullmatch(path.name) for path in folder.iterdir()) if folder.is_dir() else ()
        return max((int(m["number"]) for m in names if m), default=0)

    def _remembered(self, what: str, number: int) -> Path:
        return self.path / what / f"{number:08}.json.gz"

    def files_since(self, versions: Mapping[str, int]) -> dict[str, list[Change]] | None:
        """Return the files that came to each source after a version; None where one of them is no longer part of it, or the log does not reach back."""
        found = {}
        for name in (s.name for s in SOURCES):
            held = {f.path for f in self.table(name).files}
            try:
                found[name] = changes(self.table(name).folder, versions.get(name, -1), self.version(name))
            except FileNotFoundError:
                return None
            if not held.issuperset(change.path for change in found[name]):
                return None
        return found

    def version(self, name: str) -> int:
        """Return a source's version, the ingest sequence; -1 while it is empty."""
        return self.table(name).version

    def info(self) -> LakeInfo:
        """Return counts, sizes and times per source; reads no event."""
        quarantine = self.table(QUARANTINE)
        held = _total(quarantine, "records")
        return LakeInfo(self.path, tuple(self._source_info(s.name) for s in SOURCES), held, sum(f.rows for f in self.table(LEDGER).files))

    def set_aside(self, most: int) -> list[dict[str, Any]]:
        """Return the entries of what could not be read as events, the latest first, by the columns of `QUARANTINE_SCHEMA`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = self.table(QUARANTINE)
        if not table.files:
            return []
        order = [("seen", "descending"), ("file", "ascending"), ("record", "ascending")]
        rows = pa.concat_tables([pq.read_table(file.path).cast(table.schema) for file in table.files]).sort_by(order)
        found: list[dict[str, Any]] = rows.slice(0, most).to_pylist()
        return found

    def _source_info(self, name: str) -> SourceInfo:
        table = self.table(name)
        firsts = [file.first for file in table.files if file.first is not None]
        lasts = [file.last for file in table.files if file.last is not None]
        rows, size = sum(file.rows for file in table.files), sum(file.size for file in table.files)
        return SourceInfo(name, source(name).title, rows, len(table.files), size, min(firsts, default=None), max(lasts, default=None), table.version)


def _by_time(file: DataFile) -> tuple[str, str]:
    return ("" if file.first is None else file.first.isoformat(), file.path.name)


def _total(table: Table, column: str) -> int:
    import pyarrow.parquet as pq

    return sum(sum(pq.read_table(file.path, columns=[column]).column(0).to_pylist()) for file in table.files)


def arrow_schema(schema: Schema) -> pa.Schema:
    """Return the Arrow schema of lake columns: text for strings and JSON, microseconds in UTC for times."""
    import pyarrow as pa

    kinds = {Type.BOOL: pa.bool_(), Type.INT: pa.int64(), Type.LONG: pa.int64(), Type.DATETIME: pa.timestamp("us", tz="UTC")}
    return pa.schema([pa.field(field.name, kinds.get(field.type, pa.string())) for field in schema])
