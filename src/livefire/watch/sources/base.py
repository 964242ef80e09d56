"""The contract of a source: it offers files, is told once they are in the lake, and may offer the same ones again.

What a source offers is delivered at least once; the lake stores each event once. `done` comes only after events and the
note that they were taken are both on disk, so a source may then let go of what it was given.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from livefire.store.disk import Disk


@dataclass(frozen=True)
class Batch:
    """Files to read, and what to note of them: each item with the mark that tells whether it changed. `tokens` are the source's own."""

    paths: tuple[Path, ...]
    items: Mapping[str, str] = field(default_factory=dict)
    tokens: tuple[object, ...] = ()


class Intake(Protocol):
    """A source of logs."""

    name: str
    kind: str
    source: str
    """The log source that everything is read as, empty for what its content says."""

    def start(self, taken: Mapping[str, str]) -> None:
        """Begin; `taken` are the items that are in the lake, with their marks."""

    def poll(self, now: datetime, most: int) -> Batch:
        """Return at most so many files that are new; OSError or WatchError when the source cannot be reached."""

    def done(self, batch: Batch) -> None:
        """Let go of what is in the lake."""

    def close(self) -> None:
        """End."""


class Spool:
    """A folder of files on their way into the lake; a file there is whole and on disk, and stays until the lake has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._disk = Disk()
        self._number = 0

    def start(self) -> None:
        """Make the folder; what a crash left half written is removed."""
        self._disk.make_folder(self.folder)
        for path in self.folder.glob(".draft-*"):
            path.unlink()

    def put(self, name: str, data: bytes) -> Path:
        """Keep a file under a name of its own, on disk when this returns."""
        draft, final = self.folder / f".draft-{os.getpid()}-{name}", self.folder / name
        draft.unlink(missing_ok=True)
        self._disk.write(draft, data)
        draft.replace(final)
        self._disk.sync_folder(self.folder)
        return final

    def waiting(self, most: int) -> tuple[Path, ...]:
        """Return files that wait, by name."""
        return tuple(sorted(p for p in self.folder.iterdir() if not p.name.startswith("."))[:most])

    def drop(self, paths: tuple[Path, ...]) -> None:
        """Remove what the lake has."""
        for path in paths:
            path.unlink(missing_ok=True)
