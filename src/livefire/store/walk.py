"""Finding the log files under the paths a user names."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from livefire.store.lake import MARK


@dataclass(frozen=True, slots=True)
class Entry:
    """A path to read, or with a `code` the reason why it is not read."""

    path: Path
    code: str = ""
    reason: str = ""


def walk(paths: Iterable[Path]) -> Iterator[Entry]:
    """Yield every file under the paths, folders in the order of their names.

    A path that is named is read whatever it is called. Inside folders, names that begin with a
    dot are left out; links to files and folders are followed, but a folder or file that was
    already reached (a loop of links, a second link) is not entered again; devices, pipes and
    sockets are never opened; a lake inside a folder is not read. Everything left out is yielded
    with its reason.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [(path, True) for path in paths][::-1]
    while waiting:
        path, named = waiting.pop()
        found = _look(path, seen, named=named)
        if isinstance(found, Entry):
            yield found
        else:
            waiting.extend((path / name, False) for name in found[::-1])


def _look(path: Path, seen: set[tuple[int, int]], *, named: bool) -> Entry | list[str]:
    """Return what to do with a path, or the names in it if it is a folder to enter."""
    if not named and path.name.startswith("."):
        return Entry(path, "E402", "hidden: its name begins with a dot; name it to have it read")
    try:
        status = path.stat()
        folder, regular = stat.S_ISDIR(status.st_mode), stat.S_ISREG(status.st_mode)
        if not folder and not regular:
            return Entry(path, "E402", "a device, pipe or socket")
        key = (status.st_dev, status.st_ino)
        if key in seen:
            return Entry(path, "E402", "already reached by another name")
        seen.add(key)
        if folder and (path / MARK).exists():
            return Entry(path, "E402", "a lake; its events are already stored")
        return sorted(child.name for child in path.iterdir()) if folder else Entry(path)
    except FileNotFoundError:
        return Entry(path, "E401", "a link to nothing" if path.is_symlink() else "no such file or folder")
    except (OSError, ValueError) as error:
        return Entry(path, "E403", _words(error))


def _words(error: OSError | ValueError) -> str:
    return (getattr(error, "strerror", None) or "cannot be read").lower()


def shown(path: Path) -> str:
    """Return a path as text that can be stored: bytes that are not UTF-8 are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")
