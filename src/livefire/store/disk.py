"""Writing so that it lasts: what these functions returned from survives a crash and a power cut."""

from __future__ import annotations

import os
from pathlib import Path


class Disk:
    """The four things a lake asks of a file system; a seam where tests inject faults."""

    def write(self, path: Path, data: bytes) -> None:
        """Create a new file with `data` and force it to disk; `FileExistsError` if it is there."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        finally:
            os.close(handle)

    def publish(self, draft: Path, final: Path) -> bool:
        """Give a written file its final name in one step; False if that name is taken."""
        try:
            os.link(draft, final)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        self.sync_folder(final.parent)
        return True

    def sync_folder(self, folder: Path) -> None:
        """Force the names in a folder to disk."""
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def make_folder(self, folder: Path) -> None:
        """Create a folder, and its parents, for the owner only, and force its name to disk."""
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.sync_folder(folder.parent)
