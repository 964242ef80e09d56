"""What an ingest did, file by file, so that every record is accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from livefire.logsources.faults import Quarantined

Status = Literal["read", "known", "skipped"]


@dataclass(slots=True)
class FileReport:
    """What became of one file.

    `records` = `stored` + `duplicates` + `quarantined`, always. `status` is read, known (the same
    content was read before) or skipped (it holds nothing that could be an event), with a code and
    reason where there is something to say. `entries` are the quarantined stretches.
    """

    path: str
    status: Status = "read"
    code: str = ""
    reason: str = ""
    records: int = 0
    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    size: int = 0
    sha256: str = ""
    sources: Counter[str] = field(default_factory=Counter)
    entries: list[Quarantined] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """True when every record is accounted for."""
        return self.records == self.stored + self.duplicates + self.quarantined


@dataclass(slots=True)
class IngestReport:
    """What became of every file of one ingest, and the versions of the tables afterwards."""

    files: list[FileReport] = field(default_factory=list)
    versions: Mapping[str, int] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """How many records the files hold."""
        return sum(file.records for file in self.files)

    @property
    def stored(self) -> int:
        """How many were new and are in the lake now."""
        return sum(file.stored for file in self.files)

    @property
    def duplicates(self) -> int:
        """How many the lake already had."""
        return sum(file.duplicates for file in self.files)

    @property
    def quarantined(self) -> int:
        """How many could not be stored as events."""
        return sum(file.quarantined for file in self.files)

    @property
    def skipped(self) -> list[FileReport]:
        """The files that held nothing to store, with their reasons."""
        return [file for file in self.files if file.status == "skipped"]

    @property
    def balanced(self) -> bool:
        """True when every record of every file is accounted for."""
        return all(file.balanced for file in self.files)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is: files finished, records read, and events that are durable."""

    files: int
    records: int
    stored: int
