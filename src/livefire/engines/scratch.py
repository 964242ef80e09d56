"""Small in-memory tables as files a query worker may read."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class ScratchPath(str):
    """The path of a scratch file; the file goes when the last reference to this object does."""


class ScratchTables:
    """A private folder (mode 0700) of Arrow IPC files; it goes with this object or at exit.

    Give `root` to a worker as one of its read roots.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self.root = Path(os.path.realpath(tempfile.mkdtemp(prefix="livefire-tables-", dir=parent)))
        self._numbers = itertools.count()
        self._finalizer = weakref.finalize(self, _remove_folder, str(self.root), os.getpid())

    def put(self, table: pa.Table) -> str:
        """Write a table and return its path, for `TableFiles.files`.

        The file lives as long as the returned string object (a `TableFiles` that holds it keeps
        it); a copy made by formatting does not keep it.
        """
        import pyarrow as pa

        path = ScratchPath(self.root / f"{next(self._numbers)}.arrow")
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        weakref.finalize(path, _remove_file, str(path), os.getpid())
        return path

    def close(self) -> None:
        """Remove the folder and all tables in it."""
        self._finalizer()


def _remove_folder(root: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(root, ignore_errors=True)


def _remove_file(path: str, owner: int) -> None:
    if os.getpid() == owner:
        Path(path).unlink(missing_ok=True)
