"""Telling new events from those the lake has: the same id with the same content is the same event.

The content is compared by a 64-bit hash, and since it includes the event's time, only files whose
time range touches the batch are looked at. Two events that share an id but differ are both kept:
an id alone must not be able to make an event disappear.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from livefire.store.table import DataFile, Table

if TYPE_CHECKING:
    import pyarrow as pa

CACHED_EVENTS = 8_000_000


class Seen:
    """Looks up events of one table; keeps recently used hashes in memory, up to a bound."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._digests: OrderedDict[Path, pa.Array] = OrderedDict()
        self._held = 0

    def fresh(self, rows: pa.Table) -> list[bool]:
        """Return for each row whether it is new to the table and to the rows before it."""
        ids, digests = rows.column("_id").to_pylist(), rows.column("_digest").to_pylist()
        known = self._known(rows)
        fresh = []
        for key in zip(ids, digests, strict=True):
            fresh.append(key not in known)
            known.add(key)
        return fresh

    def _known(self, rows: pa.Table) -> set[tuple[str, int]]:
        import pyarrow.compute as pc

        known: set[tuple[str, int]] = set()
        if not rows.num_rows:
            return known
        bounds = pc.min_max(rows.column("_time"))
        first, last = bounds["min"].as_py(), bounds["max"].as_py() + timedelta(milliseconds=1)
        wanted = rows.column("_digest").combine_chunks()
        for file in self._table.files:
            if file.first is not None and file.last is not None and (file.last < first or file.first > last):
                continue
            if pc.any(pc.is_in(self._digest_column(file), value_set=wanted)).as_py():
                known.update(_keys(file.path, wanted))
        return known

    def _digest_column(self, file: DataFile) -> pa.Array:
        found = self._digests.get(file.path)
        if found is None:
            import pyarrow.parquet as pq

            found = self._digests[file.path] = pq.read_table(file.path, columns=["_digest"]).column(0).combine_chunks()
            self._held += len(found)
            while self._held > CACHED_EVENTS and len(self._digests) > 1:
                self._held -= len(self._digests.popitem(last=False)[1])
        self._digests.move_to_end(file.path)
        return found


def _keys(path: Path, wanted: pa.Array) -> set[tuple[str, int]]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    pairs = pq.read_table(path, columns=["_id", "_digest"])
    pairs = pairs.filter(pc.is_in(pairs.column("_digest"), value_set=wanted))
    return set(zip(pairs.column("_id").to_pylist(), pairs.column("_digest").to_pylist(), strict=True))
