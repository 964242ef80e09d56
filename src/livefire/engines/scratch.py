"""Private temporary folders, and small in-memory tables as files that a query worker may read."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import stat
import tempfile
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_STALE_SECONDS = 60
_held: dict[str, int] = {}


class ScratchPath(str):
    """The path of a scratch file; the file goes when the last reference to this object does."""


class ScratchTables:
    """A private folder (mode 0700) of Arrow IPC files; it goes with this object or at exit.

    Give `root` to a worker as one of its read roots.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self.root = Path(make_private_folder("livefire-tables-", parent))
        self._numbers = itertools.count()
        self._finalizer = weakref.finalize(self, remove_folder, str(self.root), os.getpid())

    def put(self, table: pa.Table) -> str:
        """Write a table and return its path, for `TableFiles.files`.

        The file lives as long as the returned string object (a `TableFiles` that holds it keeps
        it); a copy made by formatting does not keep it.
        """
        import pyarrow as pa

        path = ScratchPath(self.root / f"{next(self._numbers)}.arrow")
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        weakref.finalize(path, _remove_file, str(path), os.getpid()).atexit = False
        return path

    def close(self) -> None:
        """Remove the folder and all tables in it."""
        self._finalizer()


def make_private_folder(prefix: str, parent: Path | None) -> str:
    """Make a folder of mode 0700 below `parent` (the system's temporary folder by default) and return its real path.

    It is locked while this process lives, by which folders of killed processes are told and removed.
    """
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    folder = os.path.realpath(tempfile.mkdtemp(prefix=prefix, dir=parent))
    held = os.open(folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    _held[folder] = held
    _remove_stale(Path(folder).parent, prefix)
    return folder


def remove_folder(folder: str, owner: int) -> None:
    """Remove a private folder, unless this process is a forked copy of its owner."""
    if os.getpid() == owner:
        held = _held.pop(folder, None)
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


def _remove_stale(parent: Path, prefix: str) -> None:
    for folder in parent.glob(prefix + "*"):
        try:
            held = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
        except OSError:
            continue
        try:
            entry = os.fstat(held)
            ours = entry.st_uid == os.geteuid() and stat.S_IMODE(entry.st_mode) == stat.S_IRWXU
            if ours and entry.st_ctime < time.time() - _STALE_SECONDS:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            pass  # its owner lives
        finally:
            os.close(held)


def _remove_file(path: str, owner: int) -> None:
    if os.getpid() == owner:
        Path(path).unlink(missing_ok=True)
