"""Files that were read before, known again by their hash; what is kept between ingests is eight bytes of it a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from livefire.store.table import Table

READER = 2  # raised when a file read before would give other events now, so that it is read again
_TOLD = ("sha256", "size", "records", "quarantined", "code", "reason", "asked", "reader")
_MARK = 16
"""Digits of a hash by which the file of the table is found that may tell of it."""

Key: TypeAlias = tuple[str, int]
"""Hash and size of a file's content."""


class Marks:
    """Where in the table of read files each may stand; kept up to date by reading only what was added."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._places: dict[bytes, tuple[Path, ...]] = {}
        self._taken: set[Path] = set()

    def present(self) -> dict[bytes, tuple[Path, ...]]:
        """Return, by the first bytes of a hash, the files of the table's present version that may tell of it, in their order."""
        import pyarrow.parquet as pq

        paths = [file.path for file in self._table.files]
        if not self._taken <= set(paths):  # a compaction joined some
            self._places, self._taken = {}, set()
        for path in paths:
            if path in self._taken:
                continue
            for sha256 in pq.read_table(path, columns=["sha256"]).column(0).to_pylist():
                mark = _mark(sha256)
                if path not in (had := self._places.get(mark, ())):
                    self._places[mark] = (*had, path)
            self._taken.add(path)
        return self._places


class ReadBefore:
    """What became of files that were read before, asked for the same log source and by the same reader."""

    def __init__(self, marks: Marks | None, asked: str) -> None:
        self._places = marks.present() if marks is not None else {}
        self._asked = asked
        self._here: dict[Key, dict[str, Any]] = {}
        self._told: dict[Path, dict[Key, dict[str, Any]]] = {}

    def recall(self, key: Key) -> dict[str, Any] | None:
        """Return what became of a file, None for one that is new or has no hash."""
        if key in self._here or not key[0]:
            return self._here.get(key)
        found = None
        for path in self._places.get(_mark(key[0]), ()):
            found = self._rows(path).get(key, found)
        return found

    def keep(self, key: Key, memory: dict[str, Any]) -> None:
        """Remember a file that was read now."""
        self._here[key] = memory

    def _rows(self, path: Path) -> dict[Key, dict[str, Any]]:
        if path not in self._told:
            import pyarrow.parquet as pq

            rows = pq.read_table(path, columns=list(_TOLD)).to_pylist()
            self._told[path] = {(row["sha256"], row["size"]): row for row in rows if row["asked"] == self._asked and row["reader"] == READER}
        return self._told[path]


def _mark(sha256: str) -> bytes:
    return bytes.fromhex(sha256[:_MARK])
