"""Raw records as Arrow in the columns of their log source, without a lake: for proofs and single events."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from livefire.logsources.limits import DEFAULT, Limits
from livefire.logsources.reader import read
from livefire.logsources.registry import source as source_named
from livefire.store.lake import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa


def empty_table(source: str) -> pa.Table:
    """Return a log source's table without rows; KeyError for an unknown source."""
    return arrow_schema(source_named(source).schema).empty_table()


def read_records(stream: BinaryIO, source: str, limits: Limits = DEFAULT, file: str = "") -> pa.Table:
    """Return the sound events of a stream in the columns of a log source; `_record` counts from 0.

    What is not an event of that source is left out: compare the number of rows with what was given.
    """
    import pyarrow as pa

    found = source_named(source)
    schema = arrow_schema(found.schema)
    tables = [empty_table(source)]
    for parsed in read(stream, (found,), limits):
        for batch in parsed.batches:
            columns = {**batch.columns, "_file": [file] * batch.size}
            tables.append(pa.table([pa.array(list(columns[f.name]), f.type) for f in schema], schema=schema))
    return pa.concat_tables(tables)
