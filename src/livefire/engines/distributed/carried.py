"""What runs on the nodes of a cluster: rows of Arrow in, rows of Arrow out, computed by the embedded engine.

These functions travel by value, so a node needs pyarrow and duckdb but not livefire: nothing here
may import another module of livefire at the top. A failure is wrapped so that the place which
asked can tell its kind without showing the words of an engine.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

FAILED = "livefire-failed:"
BUCKET, EMPTY = "~bucket", "~empty"
_LOCKED = ("SET TimeZone='UTC'", "SET threads=1", "SET enable_external_access=false", "SET lock_configuration=true")


def row_wise(sql: str, schema: bytes, tables: Mapping[str, bytes]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what answers a statement for each batch of rows alone, the batch being its table `batch`."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        connection = None
        for batch in batches:
            if batch.num_rows:
                connection = connection or _connect(tables)
                yield from _answer(connection, sql, pa.Table.from_batches([batch]), schema).to_batches()

    return run


def group_wise(sql: str, schema: bytes, tables: Mapping[str, bytes], *, sentinel: bool) -> Callable[[pa.Table], pa.Table]:
    """Return what answers a statement for all rows of one bucket; with `sentinel` the rows marked as empty only make sure that it runs."""

    def run(rows: pa.Table) -> pa.Table:
        import pyarrow.compute as pc

        if sentinel:
            rows = rows.filter(pc.invert(rows.column(EMPTY)))
        return _answer(_connect(tables), sql, rows, schema)

    return run


def matching(
    match: Callable[[pa.Table, dict[str, Any]], pa.Table], spec: dict[str, Any], layout: dict[str, Any], schema: bytes
) -> Callable[[pa.Table], pa.Table]:
    """Return what finds the sequences in the rows of one bucket.

    `layout` names the columns: `row` and `steps` of the matcher, `bits` (for each list of keys its
    bucket column and the steps that use it), `columns` of an event, and `last`, by which the
    matches are ordered: columns of the last event, or of the first one where `first` is true.
    """

    def run(rows: pa.Table) -> pa.Table:
        import pyarrow as pa

        try:
            return _matched(rows, match, spec, layout).cast(pa.ipc.read_schema(pa.py_buffer(schema)))
        except Exception as error:  # noqa: BLE001 - told by its kind to the place that asked
            raise _wrapped(error) from None

    return run


def _matched(rows: pa.Table, match: Callable[[pa.Table, dict[str, Any]], pa.Table], spec: dict[str, Any], layout: dict[str, Any]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    bucket = rows.column(BUCKET)
    bits = pa.chunked_array([pa.repeat(pa.scalar(0, pa.int64()), rows.num_rows)])
    for column, mask in layout["bits"]:
        # An event stands in the bucket of each of its keys; here only the steps count whose key led to this one.
        here = pc.bit_wise_and(rows.column(layout["steps"]), pa.scalar(mask, pa.int64()))
        bits = pc.bit_wise_or(bits, pc.if_else(pc.equal(rows.column(column), bucket), here, pa.scalar(0, pa.int64())))
    places = pa.array(range(rows.num_rows), pa.int64())
    given = rows.drop_columns([layout["steps"]]).append_column(layout["steps"], bits).append_column(layout["row"], places)
    found = match(given, spec)
    place = found.column(layout["row"])
    taken = {name: given.column(name).take(place) for name in layout["columns"]}
    numbers, at = found.column("sequence").to_pylist(), place.to_pylist()
    leading: dict[int, int] = {}
    for number, row in zip(numbers, at, strict=True):
        if row is not None and not (layout["first"] and number in leading):
            leading[number] = row
    chosen = pa.array([leading[number] for number in numbers], pa.int64())
    order = {f"~last{i}": given.column(name).take(chosen) for i, name in enumerate(layout["last"])}
    own = rows.column(BUCKET)[0] if rows.num_rows else pa.scalar(0, pa.int64())
    where = {BUCKET: pa.repeat(own, found.num_rows), "~found": found.column("sequence"), "~step": found.column("step")}
    return pa.table({**where, **taken, **order})


def probe(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Answer with the versions that a node has, as JSON: Python's, pyarrow's and duckdb's, null for what it lacks."""
    import platform

    import pyarrow as pa

    try:
        import duckdb

        engine = str(duckdb.__version__)
    except ImportError:
        engine = ""
    for _ in batches:
        found = json.dumps({"python": platform.python_version(), "pyarrow": pa.__version__, "duckdb": engine})
        yield pa.RecordBatch.from_pydict({"c0": [found]})


def _connect(tables: Mapping[str, bytes]) -> Any:
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect(":memory:", config={"python_enable_replacements": False, "autoinstall_known_extensions": False})
    for statement in _LOCKED:
        connection.execute(statement)
    for name, data in tables.items():
        connection.register(name, pa.ipc.open_stream(pa.py_buffer(data)).read_all())
    return connection


def _answer(connection: Any, sql: str, rows: pa.Table, schema: bytes) -> pa.Table:
    import pyarrow as pa

    try:
        connection.register("batch", rows)
        found = connection.sql(sql).to_arrow_table()
        wanted = pa.ipc.read_schema(pa.py_buffer(schema))
        return found.rename_columns(wanted.names).cast(wanted)
    except Exception as error:  # noqa: BLE001 - told by its kind to the place that asked
        raise _wrapped(error) from None


def _wrapped(error: Exception) -> RuntimeError:
    told = json.dumps([type(error).__name__, str(error)[:2000]]).encode()
    return RuntimeError(f"{FAILED}{base64.b64encode(told).decode()};")
