"""A reading process: files in, Parquet files out; which events are new it asks the ingest that started it.

Started by `livefire.store.readers` as a script; arguments are the socket's descriptor, the parent's
process id and the folders to import from. It ends with its parent, whatever ends that.
"""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path[:0] = sys.argv[3:]

from livefire.interpreter import end_with, leave_out
from livefire.logsources.limits import Limits
from livefire.logsources.ordinary import Stretch, reader_for
from livefire.logsources.reader import Batch
from livefire.logsources.registry import SOURCES
from livefire.logsources.registry import source as source_named
from livefire.store.disk import Disk
from livefire.store.gather import NUMBER, Gathered
from livefire.store.link import Link
from livefire.store.reading import note_fault, read_whole
from livefire.store.report import FileReport
from livefire.store.table import write_rows

if TYPE_CHECKING:
    import pyarrow as pa


def main() -> None:
    """Serve jobs until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and ends this process
    end_with(int(sys.argv[2]))
    leave_out("pandas")  # pyarrow would load it in case a frame comes
    gc.disable()  # decoded events hold no cycles, and walking them halves the speed
    link = Link(socket.socket(fileno=int(sys.argv[1])))
    try:
        settings = link.receive()
        reader = _Reader(link, settings)
        while True:
            reader.run(link.receive()["files"])
    except EOFError:
        return


class _Reader:
    """Reads jobs, one after another."""

    def __init__(self, link: Link, settings: dict[str, Any]) -> None:
        self._link = link
        self._lake = Path(settings["lake"])
        asked = settings["source"]
        self._sources = SOURCES if not asked else (source_named(asked),)
        self._limits = Limits(**settings["limits"])
        self._ordinary = reader_for(self._sources, self._limits)
        self._gathered: dict[str, Gathered] = {}
        self._disk = Disk()

    def run(self, files: list[dict[str, Any]]) -> None:
        """Read the files of a job, and tell what became of them."""
        reports = [self._read(**file) for file in files]
        self._flush(reports)

    def _read(self, number: int, path: str, shown: str, sha256: str, size: int) -> FileReport:
        file = FileReport(shown, sha256=sha256, size=size)

        def keep(batch: Batch | Stretch) -> None:
            self._gathered.setdefault(batch.source.name, Gathered(batch.source)).add(batch, file.path, number)

        try:
            with Path(path).open("rb") as handle:
                read_whole(Path(path), handle, file, (self._sources, self._limits, self._ordinary), keep, self._flush_if_full)
        except OSError as error:
            note_fault(file, "E403", (error.strerror or "cannot be read").lower())
            file.sha256 = ""
        return file

    def _flush_if_full(self) -> None:
        held = self._gathered.values()
        if sum(one.size for one in held) >= self._limits.batch_events or sum(one.bytes for one in held) >= self._limits.batch_bytes:
            self._flush(None)

    def _flush(self, reports: list[FileReport] | None) -> None:
        """Ask which events are new and write those; `reports` end a job."""
        tables = {name: one.table() for name, one in self._gathered.items()}
        self._gathered = {}
        self._link.send({"flush": list(tables), "last": reports is not None})
        for rows in tables.values():
            self._link.send_table(rows.select(["_id", "_digest", "_time"]))
        fresh = self._link.receive()["fresh"]
        written: list[dict[str, Any]] = []
        try:
            self._write_all(tables, fresh, written)
        except OSError as error:
            self._link.send({"error": [error.errno, error.strerror]})
            raise EOFError from error
        self._link.send({"written": written, "files": None if reports is None else [_packed(report) for report in reports]})

    def _write_all(self, tables: dict[str, pa.Table], fresh: list[list[int]], written: list[dict[str, Any]]) -> None:
        for (name, rows), stale in zip(list(tables.items()), fresh, strict=True):
            del tables[name]
            written.append(self._write(name, rows, stale))

    def _write(self, name: str, rows: pa.Table, stale: list[int]) -> dict[str, Any]:
        """Store the rows that are not `stale`, and return what was written and counts by file."""
        import pyarrow as pa

        duplicates: Counter[int] = Counter()
        if stale:
            gone = set(stale)
            numbers = rows.column(NUMBER).to_pylist()
            duplicates.update(numbers[at] for at in gone)
            rows = rows.filter(pa.array([at not in gone for at in range(rows.num_rows)]))
        counted = rows.column(NUMBER).combine_chunks().value_counts().to_pylist() if rows.num_rows else []
        found: dict[str, Any] = {"source": name, "stored": [[c["values"], c["counts"]] for c in counted], "duplicates": list(duplicates.items()), "part": None}
        if rows.num_rows:
            part = write_rows(self._lake / name, rows.drop_columns([NUMBER]), self._disk)
            found["part"] = {**asdict(part), "first": part.first and part.first.isoformat(), "last": part.last and part.last.isoformat()}
        return found


def _packed(report: FileReport) -> dict[str, Any]:
    found = asdict(report)
    found["sources"] = dict(report.sources)
    return found


if __name__ == "__main__":
    main()
