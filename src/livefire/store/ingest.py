"""Log files into a lake: every record stored once, counted as a duplicate, or quarantined with its place."""

from __future__ import annotations

import gc
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from livefire.logsources.base import LogSource
from livefire.logsources.faults import Quarantined
from livefire.logsources.limits import DEFAULT, MIB, Limits
from livefire.logsources.ordinary import Stretch, reader_for
from livefire.logsources.reader import Batch
from livefire.logsources.registry import SOURCES
from livefire.logsources.registry import source as source_named
from livefire.store.dedup import Asked, Seen
from livefire.store.disk import Disk
from livefire.store.gather import NUMBER, Gathered
from livefire.store.known import READER, ReadBefore
from livefire.store.lake import LEDGER, QUARANTINE, Lake, LakeError
from livefire.store.readers import ReaderError, Written, read_jobs
from livefire.store.reading import fingerprint, note_fault, read_whole
from livefire.store.report import FileReport, IngestReport, Progress
from livefire.store.table import Part, write_rows
from livefire.store.walk import Entry, shown, walk

if TYPE_CHECKING:
    import pyarrow as pa

WORTH_PROCESSES = 16 * MIB  # of files; below it, starting processes takes longer than reading
MOST_PROCESSES = 16
JOB_BYTES = 4 * MIB
JOB_FILES = 2_500


def ingest(
    paths: Iterable[Path | str],
    lake: Lake,
    *,
    source: str | None = None,
    now: datetime,
    limits: Limits = DEFAULT,
    progress: Callable[[Progress], None] | None = None,
    reread: bool = False,
    processes: int | None = None,
) -> IngestReport:
    """Read files and folders into a lake and return what became of every record.

    When it returns, all of it is on disk. Interrupted at any moment (a crash, Ctrl-C, a full
    disk), whole commits are kept, and the same call again completes the rest without storing
    anything twice. `source` reads everything as that log source; by default each record is
    recognised by its content. `now` is written into the commits. `reread` reads files again even
    if the same content was read before. `processes` read side by side where there is enough to
    read, by default one for each processor. Raises `KeyError` for an unknown source and `LakeError` if
    another process is writing.
    """
    if source is not None:
        source_named(source)
    with lake.writing(), _no_collector():
        known = ReadBefore(None if reread else lake.marks, source or "")
        entries = walk(Path(path) for path in paths)
        first, size = _look_ahead(entries)
        lake.turn()
        wanted = processes or min(len(os.sched_getaffinity(0)), MOST_PROCESSES)
        if size >= WORTH_PROCESSES and wanted > 1 and type(lake.disk) is Disk:
            shared = _SharedRun(lake, source, now, limits, progress)
            shared.take_all(chain(first, entries), known, wanted)
            return shared.report
        run = _Run(lake, source, now, limits, progress)
        for entry in chain(first, entries):
            run.take(entry, known)
        run.flush()
        return run.report


def _look_ahead(entries: Iterator[Entry]) -> tuple[list[Entry], int]:
    """Return entries until there is enough for several processes, and how many bytes their files have."""
    found, size = [], 0
    for entry in entries:
        found.append(entry)
        if not entry.code:
            with suppress(OSError):
                size += entry.path.stat().st_size
        if size >= WORTH_PROCESSES:
            break
    return found, size


@contextmanager
def _no_collector() -> Iterator[None]:
    """Pause the cycle collector: decoded events hold no cycles, and walking them halves the speed."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


class _Run:
    """One ingest under way: what is read but not committed yet, and what is to be told of it."""

    def __init__(self, lake: Lake, asked: str | None, now: datetime, limits: Limits, progress: Callable[[Progress], None] | None) -> None:
        self.lake = lake
        self.asked = asked or ""
        self.sources: Sequence[LogSource] = SOURCES if asked is None else (source_named(asked),)
        self.now = now
        self.limits = limits
        self.progress = progress
        self.report = IngestReport()
        self._ordinary = reader_for(self.sources, limits)
        self._gathered: dict[str, Gathered] = {}
        self._ended: list[FileReport] = []
        self._seen: dict[str, Seen] = {}
        self._records = 0
        self._stored = 0

    def take(self, entry: Entry, known: ReadBefore) -> None:
        """Read one path, or note why it is not read."""
        number, handle = self._open(entry)
        if handle is not None:
            with handle:
                self._read(entry.path, handle, number, known)
        self._ended.append(self.report.files[number])
        self._tell()
        self._flush_if_full()

    def _open(self, entry: Entry) -> tuple[int, BinaryIO | None]:
        """Put a path into the report and return its number, with the open file if there is something to read."""
        file = FileReport(shown(entry.path))
        self.report.files.append(file)
        number = len(self.report.files) - 1
        if entry.code:
            file.status, file.code, file.reason = "skipped", entry.code, entry.reason
            return number, None
        try:
            return number, entry.path.open("rb")
        except OSError as error:
            note_fault(file, "E403", (error.strerror or "cannot be read").lower())
            return number, None

    def _read(self, path: Path, handle: BinaryIO, number: int, known: ReadBefore) -> None:
        file = self.report.files[number]
        file.sha256, file.size = fingerprint(handle)
        before = known.recall((file.sha256, file.size))
        if before is not None:
            _recall(file, before)
            return
        begun = self._records

        def keep(batch: Batch | Stretch) -> None:
            self._gathered.setdefault(batch.source.name, Gathered(batch.source)).add(batch, file.path, number)

        def told() -> None:
            self._records = begun + file.records
            self._flush_if_full()

        read_whole(path, handle, file, (self.sources, self.limits, self._ordinary), keep, told)
        if file.sha256:
            known.keep((file.sha256, file.size), _memory(file))

    def _flush_if_full(self) -> None:
        held = self._gathered.values()
        if sum(one.size for one in held) >= self.limits.batch_events or sum(one.bytes for one in held) >= self.limits.batch_bytes:
            self.flush()

    def flush(self) -> None:
        """Commit what is pending: events first, then quarantine, then the files that are through."""
        gathered, self._gathered = self._gathered, {}
        for name, one in gathered.items():
            self._store(name, one.table())
        ended, self._ended = self._ended, []
        self._set_aside(ended)
        self._remember(ended)
        self.report.versions = {source.name: self.lake.version(source.name) for source in SOURCES}
        self._tell()

    def _store(self, name: str, rows: pa.Table) -> None:
        import pyarrow as pa

        stale = self._seen_of(name).stale(rows)
        if stale:
            fresh = [True] * rows.num_rows
            for at in stale:
                fresh[at] = False
            mask = pa.array(fresh, pa.bool_())
            self._count({}, dict(Counter(rows.filter(pa.compute.invert(mask)).column(NUMBER).to_pylist())))
            rows = rows.filter(mask)
        if not rows.num_rows:
            return
        stored = dict(Counter(rows.column(NUMBER).to_pylist()))
        table = self.lake.table(name)
        table.ensure(self.now)
        part = write_rows(table.folder, rows.drop_columns([NUMBER]), self.lake.disk)
        self._commit(name, part, stored)
        self._seen_of(name).stored(table.folder / part.name, rows.column("_digest"))

    def _seen_of(self, name: str) -> Seen:
        return self._seen.setdefault(name, Seen(self.lake.table(name), self.lake.digests[name]))

    def _commit(self, name: str, part: Part, stored: dict[int, int]) -> None:
        """Make a written file part of a table; the commit says from which files its events are."""
        files = [{"sha256": self.report.files[number].sha256, "events": count} for number, count in stored.items()]
        self.lake.table(name).commit(part, self.now, {"livefire": {"files": files}})
        self._count(stored, {})
        self._stored += part.rows

    def _count(self, stored: dict[int, int], duplicates: dict[int, int]) -> None:
        for number, count in stored.items():
            self.report.files[number].stored += count
        for number, count in duplicates.items():
            self.report.files[number].duplicates += count

    def _set_aside(self, files: list[FileReport]) -> None:
        rows = [_quarantine_row(file, entry, self.now) for file in files if file.status != "known" for entry in file.entries]
        if not rows:
            return
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        table = self.lake.table(QUARANTINE)
        batch = pa.Table.from_pylist(list({row["_id"]: row for row in rows}.values()), schema=table.schema)
        for file in table.files:
            had = pq.read_table(file.path, columns=["_id"]).column(0).combine_chunks()
            batch = batch.filter(pc.invert(pc.is_in(batch.column("_id"), value_set=had)))
        if batch.num_rows:
            table.append(batch, self.now)

    def _remember(self, files: list[FileReport]) -> None:
        rows = [_ledger_row(file, self.asked, self.now) for file in files if file.sha256 and file.status != "known"]
        if not rows:
            return
        import pyarrow as pa

        table = self.lake.table(LEDGER)
        table.append(pa.Table.from_pylist(rows, schema=table.schema), self.now)

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(Progress(len(self.report.files), self._records, self._stored))


class _SharedRun(_Run):
    """An ingest whose files are read by several processes."""

    def take_all(self, entries: Iterable[Entry], known: ReadBefore, processes: int) -> None:
        """Read everything, with the report in the order of the paths."""
        self._known = known
        self._under_way: set[tuple[str, int]] = set()
        self._echoes: list[tuple[int, Path]] = []
        self._asked: dict[int, Asked] = {}
        try:
            read_jobs(self._jobs(entries), self, self.lake.path, self.asked, self.limits, processes)
        except ReaderError as error:
            raise LakeError("E440", str(error)) from None
        for number, path in self._echoes:
            file = self.report.files[number]
            try:
                with path.open("rb") as handle:
                    self._read(path, handle, number, known)
            except OSError as error:
                note_fault(file, "E403", (error.strerror or "cannot be read").lower())
            self._ended.append(file)
        self.flush()

    def _jobs(self, entries: Iterable[Entry]) -> Iterator[list[dict[str, Any]]]:
        """Yield files to be read together: many small ones, or one that is large."""
        files: list[dict[str, Any]] = []
        size = 0
        for entry in entries:
            number, handle = self._open(entry)
            file = self.report.files[number]
            if handle is not None:
                with handle:
                    file.sha256, file.size = fingerprint(handle)
            key = (file.sha256, file.size)
            before = self._known.recall(key) if handle is not None else None
            if handle is None or before is not None:
                if before is not None:
                    _recall(file, before)
                self._ended.append(file)
                continue
            if file.sha256 and key in self._under_way:
                self._echoes.append((number, entry.path))
                continue
            self._under_way.add(key)
            files.append({"number": number, "path": str(entry.path), "shown": file.path, "sha256": file.sha256, "size": file.size})
            size += file.size
            if size >= JOB_BYTES or len(files) >= JOB_FILES:
                yield files
                files, size = [], 0
        if files:
            yield files

    def ask(self, ticket: int, source: str, keys: pa.Table) -> list[int]:
        """Return the places of rows that are not new, and remember the others until they are committed."""
        seen = self._seen_of(source)
        stale = seen.stale(keys)
        self._asked[ticket] = seen.asked(keys, stale)
        if len(stale) < keys.num_rows:
            self.lake.table(source).ensure(self.now)
        return stale

    def commit(self, written: list[Written]) -> None:
        """Commit what a process wrote."""
        for one in written:
            self._count({}, one.duplicates)
            if one.part is not None:
                self._commit(one.source, one.part, one.stored)
            path = self.lake.table(one.source).folder / one.part.name if one.part is not None else None
            self._seen_of(one.source).settle(self._asked.pop(one.ticket), path)
        self._tell()

    def finish(self, files: list[dict[str, Any]], reports: list[dict[str, Any]]) -> None:
        """Take the reports of files whose events are committed."""
        for told, found in zip(files, reports, strict=True):
            file = self.report.files[told["number"]]
            file.status, file.code, file.reason, file.sha256 = found["status"], found["code"], found["reason"], found["sha256"]
            file.records, file.quarantined = found["records"], found["quarantined"]
            file.sources = Counter(found["sources"])
            file.entries = [Quarantined(**entry) for entry in found["entries"]]
            self._records += file.records
            if file.sha256:
                self._known.keep((file.sha256, file.size), _memory(file))
            self._ended.append(file)
        self.flush()

    def lost(self, files: list[dict[str, Any]], why: str) -> None:
        """Report a file that ends the process that reads it."""
        file = self.report.files[files[0]["number"]]
        note_fault(file, "E403", why)
        file.sha256 = ""
        self._ended.append(file)


def _memory(file: FileReport) -> dict[str, Any]:
    """Return what is kept of a file to know it again."""
    return {"records": file.records, "quarantined": file.quarantined, "code": file.code, "reason": file.reason}


def _recall(file: FileReport, before: dict[str, Any]) -> None:
    """Count a file that was read before as what it was then, with its events as duplicates."""
    file.status = "known"
    file.records, file.quarantined = before["records"], before["quarantined"]
    file.duplicates = file.records - file.quarantined
    file.code, file.reason = before["code"], before["reason"]


def _quarantine_row(file: FileReport, entry: Quarantined, now: datetime) -> dict[str, Any]:
    key = "\x00".join([file.sha256 or file.path, entry.code, str(entry.record), str(entry.offset)])
    return {
        "_id": hashlib.blake2b(key.encode(), digest_size=16).hexdigest(),
        "file": file.path,
        "sha256": file.sha256,
        "code": entry.code,
        "reason": entry.reason,
        "record": entry.record,
        "offset": entry.offset,
        "length": entry.length,
        "records": entry.records,
        "sample": entry.sample,
        "seen": now,
    }


def _ledger_row(file: FileReport, asked: str, now: datetime) -> dict[str, Any]:
    return {
        "file": file.path,
        "sha256": file.sha256,
        "size": file.size,
        "status": file.status,
        "code": file.code,
        "reason": file.reason,
        "sources": ",".join(sorted(file.sources)),
        "records": file.records,
        "stored": file.stored,
        "duplicates": file.duplicates,
        "quarantined": file.quarantined,
        "asked": asked,
        "reader": READER,
        "seen": now,
    }
