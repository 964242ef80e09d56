"""Laid-out events on their way into Arrow: many small files make few large arrays, and what recurs is kept once."""

from __future__ import annotations

from array import array
from itertools import accumulate
from typing import TYPE_CHECKING

from livefire.logsources.base import LogSource
from livefire.logsources.columns import Repeated, Utf8, Values
from livefire.logsources.reader import Batch
from livefire.store.lake import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

SMALL = 1_024
AT_ONCE = 4_096
FILE, NUMBER = "_file", "_number"


class Gathered:
    """Events of one log source that wait to be stored."""

    def __init__(self, source: LogSource) -> None:
        self.source = source
        self.size = self.bytes = 0
        self._tables: list[pa.Table] = []
        self._columns: dict[str, list[object]] = {}
        self._waiting = 0

    def add(self, batch: Batch, path: str, number: int) -> None:
        """Take laid-out events of one file, which has a number in the run."""
        self.size += batch.size
        self.bytes += batch.bytes
        here = {FILE: Repeated([path], [0] * batch.size), NUMBER: Repeated([number], [0] * batch.size)}
        if batch.size >= SMALL // 2:
            self._convert()
            self._tables.append(self._table({**batch.columns, **here}))
            return
        for name, values in (*batch.columns.items(), *here.items()):
            self._columns.setdefault(name, []).extend(values)
        self._waiting += batch.size
        if self._waiting >= AT_ONCE:
            self._convert()

    def table(self) -> pa.Table:
        """Return all events taken so far as one table, with the file's number in `_number`; columns that recur are dictionaries."""
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
        return found.unify_dictionaries() if len(tables) > 1 else found

    def _convert(self) -> None:
        if self._waiting:
            self._tables.append(self._table(self._columns))
            self._columns, self._waiting = {}, 0

    def _table(self, columns: dict[str, Values] | dict[str, list[object]]) -> pa.Table:
        import pyarrow as pa

        schema = arrow_schema(self.source.schema).append(pa.field(NUMBER, pa.int64()))
        places: dict[int, pa.Array] = {}
        return pa.table([_array(columns[field.name], field.type, places) for field in schema], names=schema.names)


def _array(values: Values, kind: pa.DataType, places: dict[int, pa.Array]) -> pa.Array:
    """Return a column; `places` remembers the places that several columns share."""
    import pyarrow as pa

    if isinstance(values, Utf8):
        ends = array("i", accumulate(map(len, values.written), initial=0))
        return pa.StringArray.from_buffers(len(values), pa.py_buffer(ends), pa.py_buffer(b"".join(values.written)))
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
