"""Telling new events from those the lake has: the same id with the same content is the same event.

The content is compared by a 64-bit hash, and since it includes the event's time, only files whose
time range touches the batch are looked at. Two events that share an id but differ are both kept:
an id alone must not be able to make an event disappear.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from livefire.store.table import DataFile, Table

if TYPE_CHECKING:
    import pyarrow as pa

CACHED_EVENTS = 8_000_000
KEPT_EVENTS = 4_000_000
KEPT_TURNS = 20
"""Ingests for which hashes that none of them looked at are still kept."""

Bounds: TypeAlias = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Rows that were found to be new and are on their way into the table."""

    ids: pa.Array
    digests: pa.Array
    bounds: Bounds

    def meets(self, bounds: Bounds) -> bool:
        """True if some of them may be of that time."""
        return not (self.bounds[1] < bounds[0] or self.bounds[0] > bounds[1])


class Digests:
    """The hashes of a table's files that were used lately, kept between ingests; the files never change."""

    def __init__(self) -> None:
        self._found: OrderedDict[Path, tuple[pa.Array, int]] = OrderedDict()
        self._held = self._turn = 0

    def of(self, path: Path) -> pa.Array:
        """Return the hashes of a file's events."""
        found = self._found.get(path)
        if found is None:
            import pyarrow.parquet as pq

            digests = pq.read_table(path, columns=["_digest"]).column(0).combine_chunks()
            self.hold(path, digests)
            return digests
        self._found[path] = (found[0], self._turn)
        self._found.move_to_end(path)
        return found[0]

    def hold(self, path: Path, digests: pa.Array) -> None:
        """Keep the hashes of a file's events."""
        self._found[path] = (digests, self._turn)
        self._held += len(digests)
        self._keep(CACHED_EVENTS)

    def turn(self) -> None:
        """End an ingest: what was not used for some of them goes."""
        self._turn += 1
        while self._found and next(iter(self._found.values()))[1] < self._turn - KEPT_TURNS:
            self._drop()
        self._keep(KEPT_EVENTS)

    def _keep(self, most: int) -> None:
        while self._held > most and len(self._found) > 1:
            self._drop()

    def _drop(self) -> None:
        self._held -= len(self._found.popitem(last=False)[1][0])


class Seen:
    """Looks up events of one table, by hashes of which the recently used ones are kept."""

    def __init__(self, table: Table, digests: Digests | None = None) -> None:
        self._table = table
        self._digests = digests or Digests()
        self._asked: list[Asked] = []

    def fresh(self, rows: pa.Table) -> list[bool]:
        """Return for each row whether it is new to the table and to the rows before it."""
        stale = set(self.stale(rows))
        return [at not in stale for at in range(rows.num_rows)]

    def stale(self, rows: pa.Table) -> list[int]:
        """Return the places of rows that the table has, that came before among these rows, or that were asked about and are not committed yet."""
        import pyarrow.compute as pc

        if not rows.num_rows:
            return []
        digests, bounds = rows.column("_digest").combine_chunks(), _bounds(rows)
        waiting = [one for one in self._asked if one.meets(bounds)]
        known = _chunked([one.digests for one in waiting] + [self._digests.of(file.path) for file in self._files(bounds)])
        alone = pc.count_distinct(digests).as_py() == len(digests)
        if alone and not pc.any(pc.is_in(known, value_set=digests)).as_py():
            return []
        return self._look_closely(rows, digests, bounds, waiting)

    def asked(self, rows: pa.Table, stale: list[int]) -> Asked:
        """Remember rows that will be committed, but for the stale ones; `settle` forgets them."""
        import pyarrow as pa

        gone = set(stale)
        kept = rows.filter(pa.array([at not in gone for at in range(rows.num_rows)])) if gone else rows
        one = Asked(kept.column("_id").combine_chunks(), kept.column("_digest").combine_chunks(), _bounds(rows))
        self._asked.append(one)
        return one

    def settle(self, one: Asked, path: Path | None) -> None:
        """Forget rows that are committed now, in the file of that path."""
        self._asked.remove(one)
        if path is not None:
            self._digests.hold(path, one.digests)

    def stored(self, path: Path, digests: pa.ChunkedArray) -> None:
        """Remember the hashes of rows that were stored in the file of that path."""
        self._digests.hold(path, digests.combine_chunks())

    def _look_closely(self, rows: pa.Table, digests: pa.Array, bounds: Bounds, waiting: list[Asked]) -> list[int]:
        import pyarrow.compute as pc

        known: set[tuple[str, int]] = set()
        for one in waiting:
            if pc.any(pc.is_in(one.digests, value_set=digests)).as_py():
                known.update(zip(one.ids.to_pylist(), one.digests.to_pylist(), strict=True))
        for file in self._files(bounds):
            if pc.any(pc.is_in(self._digests.of(file.path), value_set=digests)).as_py():
                known.update(_keys(file.path, digests))
        found = []
        for at, key in enumerate(zip(rows.column("_id").to_pylist(), digests.to_pylist(), strict=True)):
            if key in known:
                found.append(at)
            known.add(key)
        return found

    def _files(self, bounds: Bounds) -> list[DataFile]:
        first, last = bounds
        return [f for f in self._table.files if f.first is None or f.last is None or not (f.last < first or f.first > last)]


def _chunked(arrays: list[pa.Array]) -> pa.ChunkedArray:
    """Return arrays of hashes as one."""
    import pyarrow as pa

    return pa.chunked_array(arrays, pa.int64())


def _bounds(rows: pa.Table) -> Bounds:
    """Return the earliest and latest time of rows; the latest a millisecond later, since the log keeps milliseconds."""
    import pyarrow.compute as pc

    found = pc.min_max(rows.column("_time"))
    return found["min"].as_py(), found["max"].as_py() + timedelta(milliseconds=1)


def _keys(path: Path, wanted: pa.Array) -> set[tuple[str, int]]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    pairs = pq.read_table(path, columns=["_id", "_digest"])
    pairs = pairs.filter(pc.is_in(pairs.column("_digest"), value_set=wanted))
    return set(zip(pairs.column("_id").to_pylist(), pairs.column("_digest").to_pylist(), strict=True))
