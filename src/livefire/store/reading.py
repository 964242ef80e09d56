"""One file read from its first byte to its last, with what became of it as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from livefire.logsources.base import LogSource
from livefire.logsources.faults import TITLES, FileFaultError, Quarantined
from livefire.logsources.inflate import Tally
from livefire.logsources.limits import Limits
from livefire.logsources.ordinary import OrdinaryReader, Stretch
from livefire.logsources.reader import Batch, read
from livefire.store.report import FileReport


def read_whole(
    path: Path,
    handle: BinaryIO,
    file: FileReport,
    how: tuple[Sequence[LogSource], Limits, OrdinaryReader | None],
    keep: Callable[[Batch | Stretch], None],
    told: Callable[[], None],
) -> None:
    """Read an open file whose hash and size are in its report, and write the rest of the report.

    `keep` is given the events, `told` is called after each stretch. A file that changed meanwhile loses its hash.
    """
    sources, limits, ordinary = how
    handle.seek(0)
    notes: list[str] = []
    tally, reopened = Tally(handle), False

    def again() -> Tally:
        nonlocal reopened
        reopened = True
        return Tally(path.open("rb"))

    for parsed in read(tally, sources, limits, again, ordinary):
        notes.extend(parsed.notes)
        file.records += parsed.records
        for batch in parsed.batches:
            file.sources[batch.source.name] += batch.size
            keep(batch)
        for entry in parsed.quarantined:
            file.quarantined += entry.records
            if len(file.entries) < limits.quarantine_rows:
                file.entries.append(entry)
            else:
                _merge_rest(file.entries, entry)
        told()
    _judge(file, notes)
    if not file.sha256 or not _is_still(file, handle, tally, reopened=reopened):
        if file.sha256:
            note_fault(file, "E415", "the file changed while it was read; it will be read again next time")
        file.sha256 = ""


def _is_still(file: FileReport, handle: BinaryIO, tally: Tally, *, reopened: bool) -> bool:
    """True if what was read is what the report's hash was taken of; a file that was opened a second time is read once more."""
    try:
        if (tally.finish(), tally.size) != (file.sha256, file.size):
            return False
    except FileFaultError:
        return False
    handle.seek(0)
    return not reopened or fingerprint(handle) == (file.sha256, file.size)


def fingerprint(handle: BinaryIO) -> tuple[str, int]:
    """Return SHA-256 and size of an open file; no hash if the disk fails, so that it is never taken for known."""
    tally = Tally(handle)
    try:
        return tally.finish(), tally.size
    except FileFaultError:
        return "", tally.size


def note_fault(file: FileReport, code: str, reason: str) -> None:
    """Put a fault of the file as a whole into its report."""
    file.code, file.reason = code, reason
    if not file.records:
        file.status = "skipped"
    file.entries.append(Quarantined(code, reason, file.records, 0, 0, records=0))


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
