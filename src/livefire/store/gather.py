"""Laid-out events on their way into Arrow: many small files make few large arrays, and what recurs is kept once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livefire.logsources.base import LogSource
from livefire.logsources.columns import Moments, Numbers, Repeated, Utf8, Values
from livefire.logsources.limits import MIB
from livefire.logsources.ordinary import Stretch, columns_of
from livefire.logsources.reader import Batch
from livefire.store.lake import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

SMALL = 1_024
AT_ONCE = 4_096
AT_ONCE_BYTES = 16 * MIB
FILE, NUMBER = "_file", "_number"


class Gathered:
    """Events of one log source that wait to be stored."""

    def __init__(self, source: LogSource) -> None:
        self.source = source
        self.size = self.bytes = 0
        self._tables: list[pa.Table] = []
        self._columns: dict[str, list[object]] = {}
        self._stretches: list[Stretch] = []
        self._files: list[tuple[str, int]] = []
        self._waiting = self._waiting_bytes = 0
        self._kinds: set[type] = set()

    def add(self, batch: Batch | Stretch, path: str, number: int) -> None:
        """Take events of one file, which has a number in the run."""
        self.size += batch.size
        self.bytes += batch.bytes
        self._kinds.add(type(batch))
        if isinstance(batch, Stretch):
            self._add_stretch(batch, path, number)
        else:
            self._add_columns(batch, path, number)
        self._waiting += batch.size
        self._waiting_bytes += batch.bytes
        if self._waiting >= AT_ONCE or self._waiting_bytes >= AT_ONCE_BYTES:
            self._convert()

    def _add_stretch(self, stretch: Stretch, path: str, number: int) -> None:
        if self._columns or (self._stretches and not stretch.goes_with(self._stretches[-1])):
            self._convert()
        self._stretches.append(stretch)
        self._files.append((path, number))

    def _add_columns(self, batch: Batch, path: str, number: int) -> None:
        here = {FILE: Repeated([path], [0] * batch.size), NUMBER: Repeated([number], [0] * batch.size)}
        if self._stretches:
            self._convert()
        if batch.size >= SMALL // 2:
            self._convert()
            self._tables.append(self._table({**batch.columns, **here}))
            return
        for name, values in (*batch.columns.items(), *here.items()):
            self._columns.setdefault(name, []).extend(values)

    def table(self) -> pa.Table:
        """Return all events taken so far as one table in the order of their records, `_number` being that of the file; columns that recur are dictionaries."""
        import pyarrow as pa

        self._convert()
        tables, self._tables = self._tables, []
        columns = []
        for number in range(tables[0].num_columns):
            chunks = [chunk for table in tables for chunk in table.column(number).chunks]
            if len({chunk.type for chunk in chunks}) > 1:
                chunks = [chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk for chunk in chunks]
            columns.append(pa.chunked_array(chunks))
        found = pa.table(columns, names=tables[0].column_names)
        found = found.unify_dictionaries() if len(tables) > 1 else found
        return found.sort_by([(NUMBER, "ascending"), ("_record", "ascending")]) if len(self._kinds) > 1 else found

    def _convert(self) -> None:
        if self._stretches:
            order: dict[tuple[str, int], int] = {}
            places = [order.setdefault(file, len(order)) for file, one in zip(self._files, self._stretches, strict=True) for _ in range(one.size)]
            here = {FILE: Repeated([path for path, _ in order], places), NUMBER: Repeated([number for _, number in order], places)}
            self._tables.append(self._table({**columns_of(self._stretches), **here}))
            self._stretches, self._files = [], []
        if self._columns:
            self._tables.append(self._table(self._columns))
            self._columns = {}
        self._waiting = self._waiting_bytes = 0

    def _table(self, columns: dict[str, Values] | dict[str, list[object]]) -> pa.Table:
        import pyarrow as pa

        schema = arrow_schema(self.source.schema).append(pa.field(NUMBER, pa.int64()))
        places: dict[int, pa.Array] = {}
        return pa.table([_array(columns[field.name], field.type, places) for field in schema], names=schema.names)


def _array(values: Values, kind: pa.DataType, places: dict[int, pa.Array]) -> pa.Array:
    """Return a column; `places` remembers the places that several columns share."""
    import pyarrow as pa

    if isinstance(values, Utf8):
        return pa.array(values.written, kind)
    if isinstance(values, Numbers | Moments):
        return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values.numbers)])
    if not isinstance(values, Repeated):
        return pa.array(values, kind)
    if values.distinct == [None]:
        return pa.nulls(len(values), kind)
    indices = places.get(id(values.places))
    if indices is None:
        indices = places[id(values.places)] = pa.array(values.places, pa.int32())
    distinct = pa.array(values.distinct, kind)
    if kind != pa.string():
        return distinct.take(indices)
    # Encoded once more: a stored dictionary must hold each value once and no null, while several rows of a part may agree in a column.
    encoded = distinct.dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.take(indices), encoded.dictionary)
