"""Log files into a lake: every record stored once, counted as a duplicate, or quarantined with its place."""

from __future__ import annotations

import gc
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from livefire.logsources.base import LogSource
from livefire.logsources.faults import TITLES, FileFaultError, Quarantined
from livefire.logsources.inflate import Tally
from livefire.logsources.limits import DEFAULT, Limits
from livefire.logsources.ordinary import reader_for
from livefire.logsources.reader import Parsed, read
from livefire.logsources.registry import SOURCES
from livefire.logsources.registry import source as source_named
from livefire.store.dedup import Seen
from livefire.store.gather import Gathered
from livefire.store.lake import LEDGER, QUARANTINE, Lake
from livefire.store.report import FileReport, IngestReport, Progress
from livefire.store.walk import Entry, shown, walk

if TYPE_CHECKING:
    import pyarrow as pa

READER = 2  # raised when a file read before would give other events now, so that it is read again


def ingest(
    paths: Iterable[Path | str],
    lake: Lake,
    *,
    source: str | None = None,
    now: datetime,
    limits: Limits = DEFAULT,
    progress: Callable[[Progress], None] | None = None,
    reread: bool = False,
) -> IngestReport:
    """Read files and folders into a lake and return what became of every record.

    When it returns, all of it is on disk. Interrupted at any moment (a crash, Ctrl-C, a full
    disk), whole commits are kept, and the same call again completes the rest without storing
    anything twice. `source` reads everything as that log source; by default each record is
    recognised by its content. `now` is written into the commits. `reread` reads files again even
    if the same content was read before. Raises `KeyError` for an unknown source and `LakeError` if
    another process is writing.
    """
    if source is not None:
        source_named(source)
    with lake.writing(), _no_collector():
        run = _Run(lake, source, now, limits, progress)
        known = {} if reread else _known_files(lake, source or "")
        for entry in walk(Path(path) for path in paths):
            run.take(entry, known)
        run.flush()
        return run.report


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
        self.ordinary = reader_for(self.sources, limits)
        self.report = IngestReport()
        self._pending: dict[str, Gathered] = {}
        self._events = 0
        self._bytes = 0
        self._ended: list[FileReport] = []
        self._seen: dict[str, Seen] = {}
        self._records = 0
        self._stored = 0

    def take(self, entry: Entry, known: dict[tuple[str, int], dict[str, Any]]) -> None:
        """Read one path, or note why it is not read."""
        file = FileReport(shown(entry.path))
        self.report.files.append(file)
        if entry.code:
            file.status, file.code, file.reason = "skipped", entry.code, entry.reason
        else:
            try:
                handle = entry.path.open("rb")
            except OSError as error:
                self._fault(file, "E403", (error.strerror or "cannot be read").lower())
            else:
                with handle:
                    self._read(entry.path, handle, file, known)
        self._ended.append(file)
        self._tell()
        if self._events >= self.limits.batch_events or self._bytes >= self.limits.batch_bytes:
            self.flush()

    def _read(self, path: Path, handle: BinaryIO, file: FileReport, known: dict[tuple[str, int], dict[str, Any]]) -> None:
        file.sha256, file.size = _fingerprint(handle)
        before = known.get((file.sha256, file.size))
        if before is not None:
            _recall(file, before)
            return
        handle.seek(0)
        notes: list[str] = []
        number = len(self.report.files) - 1
        for parsed in read(Tally(handle), self.sources, self.limits, lambda: Tally(path.open("rb")), self.ordinary):
            notes.extend(parsed.notes)
            self._keep(parsed, file, number)
        _judge(file, notes)
        handle.seek(0)
        if not file.sha256 or _fingerprint(handle) != (file.sha256, file.size):
            if file.sha256:
                self._fault(file, "E415", "the file changed while it was read; it will be read again next time")
            file.sha256 = ""
        if file.sha256:
            known[(file.sha256, file.size)] = {"records": file.records, "quarantined": file.quarantined, "code": file.code, "reason": file.reason}

    def _keep(self, parsed: Parsed, file: FileReport, number: int) -> None:
        file.records += parsed.records
        self._records += parsed.records
        for batch in parsed.batches:
            file.sources[batch.source.name] += batch.size
            self._pending.setdefault(batch.source.name, Gathered(batch.source)).add(batch, file.path, number)
            self._events += batch.size
            self._bytes += batch.bytes
        for entry in parsed.quarantined:
            file.quarantined += entry.records
            if len(file.entries) < self.limits.quarantine_rows:
                file.entries.append(entry)
            else:
                _merge_rest(file.entries, entry)
        if self._events >= self.limits.batch_events or self._bytes >= self.limits.batch_bytes:
            self.flush()

    def _fault(self, file: FileReport, code: str, reason: str) -> None:
        file.code, file.reason = code, reason
        if not file.records:
            file.status = "skipped"
        file.entries.append(Quarantined(code, reason, file.records, 0, 0, records=0))

    def flush(self) -> None:
        """Commit what is pending: events first, then quarantine, then the files that are through."""
        for name, pending in self._pending.items():
            self._store(name, pending.table())
        self._pending.clear()
        self._events = self._bytes = 0
        ended, self._ended = self._ended, []
        self._set_aside(ended)
        self._remember(ended)
        self.report.versions = {source.name: self.lake.version(source.name) for source in SOURCES}
        self._tell()

    def _store(self, name: str, rows: pa.Table) -> None:
        import pyarrow as pa

        seen = self._seen.setdefault(name, Seen(self.lake.table(name)))
        fresh = seen.fresh(rows)
        mask = pa.array(fresh, pa.bool_())
        if not all(fresh):
            for number, count in Counter(rows.filter(pa.compute.invert(mask)).column("_number").to_pylist()).items():
                self.report.files[number].duplicates += count
            rows = rows.filter(mask)
        if not rows.num_rows:
            return
        stored = Counter(rows.column("_number").to_pylist())
        rows = rows.drop_columns(["_number"]).combine_chunks().sort_by("_time")
        files = [{"sha256": self.report.files[number].sha256, "events": count} for number, count in stored.items()]
        self.lake.table(name).append(rows, self.now, {"livefire": {"files": files}})
        for number, count in stored.items():
            self.report.files[number].stored += count
        self._stored += rows.num_rows

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


def _fingerprint(handle: BinaryIO) -> tuple[str, int]:
    """Return SHA-256 and size of an open file; no hash if the disk fails, so that it is never taken for known."""
    tally = Tally(handle)
    try:
        return tally.finish(), tally.size
    except FileFaultError:
        return "", tally.size


def _judge(file: FileReport, notes: list[str]) -> None:
    """Say of a file that gave no events what it is."""
    if file.sources:
        _tell_worst(file)
        return
    if file.entries and all(entry.code in ("E405", "E404", "E406") for entry in file.entries):
        first = file.entries[0]
        file.status, file.code, file.reason = "skipped", first.code, first.reason
        file.records = file.quarantined = 0
        file.entries = [replace(first, records=0)] if first.code == "E404" else []
    elif notes:
        file.status, file.code, file.reason = "skipped", "E407", notes[0]
    elif not file.records:
        file.status, file.code, file.reason = "skipped", "E407", "it holds no records"
        _tell_worst(file)
    else:
        _tell_worst(file)


def _tell_worst(file: FileReport) -> None:
    """Put the first fault of the file as a whole, else the most frequent one, in the report's line."""
    if not file.entries:
        return
    whole = [entry for entry in file.entries if not entry.records]
    counts: Counter[tuple[str, str]] = Counter()
    for entry in file.entries:
        counts[(entry.code, entry.reason)] += entry.records
    code, reason = (whole[0].code, whole[0].reason) if whole else counts.most_common(1)[0][0]
    file.code, file.reason = code, reason


def _merge_rest(entries: list[Quarantined], entry: Quarantined) -> None:
    last = entries[-1]
    if last.code == "E430":
        last.records += entry.records
        last.length = entry.offset + entry.length - last.offset
    else:
        entries.append(Quarantined("E430", TITLES["E430"], entry.record, entry.offset, entry.length, entry.records))


def _recall(file: FileReport, before: dict[str, Any]) -> None:
    """Count a file that was read before as what it was then, with its events as duplicates."""
    file.status = "known"
    file.records, file.quarantined = before["records"], before["quarantined"]
    file.duplicates = file.records - file.quarantined
    file.code, file.reason = before["code"], before["reason"]


def _known_files(lake: Lake, asked: str) -> dict[tuple[str, int], dict[str, Any]]:
    import pyarrow.parquet as pq

    known = {}
    for data in lake.table(LEDGER).files:
        columns = ["sha256", "size", "records", "quarantined", "code", "reason", "asked", "reader"]
        for row in pq.read_table(data.path, columns=columns).to_pylist():
            if row["asked"] == asked and row["reader"] == READER:
                known[(row["sha256"], row["size"])] = row
    return known


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
