"""What an ingest did, and what a lake holds, as tables and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from livefire.report.tables import counted, plain, table
from livefire.store.lake import LakeInfo
from livefire.store.report import IngestReport

if TYPE_CHECKING:
    from rich.table import Table

MAX_LISTED = 20


def balance(report: IngestReport) -> str:
    """Return the account of every record in one line."""
    read = sum(f.status == "read" for f in report.files)
    known = sum(f.status == "known" for f in report.files)
    files = f"{counted(len(report.files), 'file')} ({read:,} read, {known:,} known before, {len(report.skipped):,} without events)"
    sums = f"{counted(report.records, 'record')} in = {report.stored:,} stored + {report.duplicates:,} duplicates + {report.quarantined:,} quarantined"
    nothing = "" if report.files else "\nnothing to read: there is no file there"
    return f"{files}\n{sums}{nothing}"


def faults(report: IngestReport) -> Table | None:
    """Return the quarantined stretches and the files without events, the first of them; None when there are none."""
    rows: list[tuple[object, ...]] = [(f.path, e.record, e.offset, e.records, e.code, e.reason) for f in report.files for e in f.entries]
    rows += [(f.path, "", "", "", f.code, f.reason) for f in report.skipped if not f.entries]
    if not rows:
        return None
    title = f"Not stored ({counted(len(rows), 'entry', 'entries')}{f', the first {MAX_LISTED} shown; --json lists all' if len(rows) > MAX_LISTED else ''})"
    return table(("file", "record", "offset", "records", "code", "reason"), rows[:MAX_LISTED], title=title)


def lake(info: LakeInfo) -> Table:
    """Return one row a log source."""
    rows = [(s.name, f"{s.events:,}", s.files, f"{s.bytes:,}", s.first, s.last, s.version) for s in info.sources]
    return table(("log source", "events", "files", "bytes", "first event", "last event", "version"), rows)


def quarantine(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return one row an entry of what could not be read as events."""
    names = ("seen", "file", "record", "offset", "records", "code", "reason", "sample")
    return table(names, [tuple("" if row[n] is None else row[n] for n in names) for row in rows])


def quarantine_json(rows: Sequence[Mapping[str, Any]], records: int) -> dict[str, Any]:
    """Return such entries as JSON-able data, and how many records there are in all."""
    return {"records": records, "entries": [{name: plain(value) for name, value in row.items() if name != "_id"} for row in rows]}


def report_json(report: IngestReport) -> dict[str, Any]:
    """Return an ingest report as JSON-able data, every file and entry in it."""
    return {
        "files": [
            {
                "path": f.path,
                "status": f.status,
                "code": f.code,
                "reason": f.reason,
                "records": f.records,
                "stored": f.stored,
                "duplicates": f.duplicates,
                "quarantined": f.quarantined,
                "sha256": f.sha256,
                "sources": dict(f.sources),
                "entries": [{"code": e.code, "reason": e.reason, "record": e.record, "offset": e.offset, "records": e.records} for e in f.entries],
            }
            for f in report.files
        ],
        "records": report.records,
        "stored": report.stored,
        "duplicates": report.duplicates,
        "quarantined": report.quarantined,
        "balanced": report.balanced,
        "versions": dict(report.versions),
    }


def lake_json(info: LakeInfo) -> dict[str, Any]:
    """Return a lake's contents as JSON-able data."""
    names = ("name", "title", "events", "files", "bytes", "first", "last", "version")
    return {"quarantined": info.quarantined, "sources": [{n: plain(getattr(s, n)) for n in names} for s in info.sources]}
