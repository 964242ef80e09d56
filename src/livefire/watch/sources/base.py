"""The contract of a source: it offers files, is told once they are in the lake, and may offer the same ones again.

What a source offers is delivered at least once; the lake stores each event once. `done` comes only after events and the
note that they were taken are both on disk, so a source may then let go of what it was given.
"""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from livefire.store.disk import Disk
from livefire.watch.faults import WatchError

MOST_BYTES = 1 << 30
"""The largest object that is fetched."""


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


class Listed(ABC):
    """What sources share that list objects and fetch those that are new: an object's tag tells whether it changed."""

    kind = ""

    def __init__(self, name: str, source: str, spool: Path, errors: Callable[[], tuple[type[Exception], ...]]) -> None:
        self.name, self.source = name, source
        self._spool = Spool(spool)
        self._taken: dict[str, str] = {}
        self._errors = errors

    def start(self, taken: Mapping[str, str]) -> None:
        """Take up where the state says; what lies in the spool is asked for again."""
        self._spool.start()
        self._spool.drop(self._spool.waiting(1_000_000))
        self._taken = dict(taken)
        with self.telling():
            self.open()

    @abstractmethod
    def open(self) -> None:
        """Make what talks to the service."""

    @abstractmethod
    def objects(self) -> Iterator[tuple[str, str, int]]:
        """Yield each object's name, tag and size."""

    @abstractmethod
    def fetch(self, name: str) -> bytes | None:
        """Return an object's bytes, None for one that is gone again."""

    def poll(self, now: datetime, most: int) -> Batch:
        """Return objects that are new, fetched."""
        del now
        with self.telling():
            return self._listed(most)

    def _listed(self, most: int) -> Batch:
        paths: list[Path] = []
        items: dict[str, str] = {}
        beyond: WatchError | None = None
        for name, tag, size in self.objects():
            if not size or name.endswith("/") or self._taken.get(name) == tag:
                continue
            if size > MOST_BYTES:
                beyond = self.too_large(name, size)
                continue
            path = self._fetched(name)
            # `items` and `paths` stand side by side, so one that is gone is left out of both.
            if path is not None:
                paths.append(path)
                items[name] = tag
            if len(paths) >= most:
                break
        # One object that is too large is told while there is nothing else to take, and keeps no other from the lake.
        if beyond is not None and not paths:
            raise beyond
        return Batch(tuple(paths), items)

    def too_large(self, name: str, size: int) -> WatchError:
        """Return the error that tells of an object beyond the limit."""
        return WatchError("E708", f"the source {self.name}: {name} has {size:,} bytes, more than one object may")

    def _fetched(self, name: str) -> Path | None:
        data = self.fetch(name)
        return None if data is None else self.spooled("", name, data)

    def spooled(self, where: str, name: str, data: bytes) -> Path:
        """Put an object into the spool, under a name that only it has."""
        last = Path(name).name[-80:].lstrip(".") or "object"
        return self._spool.put(f"{hashlib.sha256(f'{where}/{name}'.encode()).hexdigest()[:16]}-{last}", data)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Turn what a service's client raises into WatchError E708."""
        try:
            yield
        except WatchError:
            raise
        except self._errors() as error:
            raise WatchError("E708", f"the source {self.name}: {' '.join(str(error).split())[:300]}") from error

    def done(self, batch: Batch) -> None:
        """Remove the downloads."""
        self._taken.update(batch.items)
        self._spool.drop(batch.paths)

    def close(self) -> None:  # noqa: B027 - not every service has something to let go of
        """Nothing is held."""
