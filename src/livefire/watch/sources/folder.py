"""Files that appear below a folder: written in place, renamed in, or growing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from livefire.store.lake import MARK
from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sources.base import Batch
from livefire.watch.spans import span

_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp")


class Folder:
    """Takes each file once it has not changed for a while; one that changed later is read again, and its events are stored once.

    Names that begin with a dot or end as half-written files do (.tmp, .part) wait until they are renamed. Links are followed,
    folders reached twice are not entered again, devices and pipes are left alone.
    """

    kind = "folder"

    def __init__(self, said: c.Folder, path: Path) -> None:
        self.name, self.source = said.name, said.source
        self._path, self._settle = path, span(said.settle)
        self._taken: dict[str, str] = {}
        self._seen: dict[str, tuple[str, datetime]] = {}

    def start(self, taken: Mapping[str, str]) -> None:
        """Take up where the state says."""
        self._taken = dict(taken)

    def poll(self, now: datetime, most: int) -> Batch:
        """Return files that are new or changed and at rest, the oldest first."""
        if not self._path.is_dir():
            raise WatchError("E708", f"there is no folder {self._path}")
        ready: list[tuple[int, str, Path, str]] = []
        seen: dict[str, tuple[str, datetime]] = {}
        for path, status in _files(self._path):
            item = os.fsencode(path.relative_to(self._path)).decode("utf-8", "backslashreplace")
            mark = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"
            if self._taken.get(item) == mark:
                continue
            before = self._seen.get(item)
            since = before[1] if before is not None and before[0] == mark else now
            seen[item] = (mark, since)
            at_rest = now - since >= self._settle or now.timestamp() - status.st_mtime >= self._settle.total_seconds() + 1
            if at_rest and status.st_size:
                ready.append((status.st_mtime_ns, item, path, mark))
        self._seen = seen
        chosen = sorted(ready)[:most]
        return Batch(tuple(path for _, _, path, _ in chosen), {item: mark for _, item, _, mark in chosen})

    def done(self, batch: Batch) -> None:
        """Note what is in the lake."""
        self._taken.update(batch.items)

    def close(self) -> None:
        """Nothing is held."""


def _files(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the regular files below a folder with their status."""
    waiting, entered = [root], set()
    while waiting:
        folder = waiting.pop()
        status = folder.stat()
        key = (status.st_dev, status.st_ino)
        if key in entered or (folder / MARK).exists():
            continue
        entered.add(key)
        for entry in os.scandir(folder):
            if entry.name.startswith(".") or entry.name.lower().endswith(_UNFINISHED):
                continue
            try:
                if entry.is_dir():
                    waiting.append(Path(entry.path))
                elif entry.is_file():
                    yield Path(entry.path), entry.stat()
            except FileNotFoundError:
                continue  # renamed or removed since the folder was listed
