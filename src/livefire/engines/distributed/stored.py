"""The tables of a plan as views of a session: Parquet files of a lake, small tables sent along, and tables that a site names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire.diagnostics import Diagnostic, QueryError, Span
from livefire.engines.base import Storage
from livefire.engines.distributed.shaping import STORED_AT
from livefire.engines.program import TableFiles
from livefire.engines.spark_sql import quote_identifier as quote

if TYPE_CHECKING:
    import pyarrow as pa

    from livefire.engines.distributed.session import Session

# A file may hold so many rows before the places of two files could meet; 20 bits number the files.
_ROW_BITS = 36
_KEPT = 64


@dataclass(frozen=True, slots=True)
class SiteTable:
    """A table that a site has already, in the place of a log source of the lake.

    `columns` gives columns of the log source as expressions of Spark over the table; one that is
    not there is the column of the same name. `absent` are those that the table has not: they are
    null. `order` is a whole number by which rows with the same time are told apart.
    """

    table: str
    columns: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    order: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the cluster finds what this machine knows by paths: `lake` is the address of the lake's folder there, empty for the same path."""

    lake: str = ""
    tables: Mapping[str, SiteTable] = field(default_factory=dict)

    def knows_order(self, table: str) -> bool:
        """Tell whether the rows of a table know the order they are stored in."""
        return table not in self.tables or bool(self.tables[table].order)

    def at(self, file: str, roots: tuple[Path, ...]) -> str:
        """Return a file's address on the cluster."""
        for root in roots if self.lake else ():
            if Path(file).is_relative_to(root):
                return f"{self.lake.rstrip('/')}/{Path(file).relative_to(root).as_posix()}"
        return file


class Views:
    """The views of one session, kept as long as the files behind them stay the same."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def open(self, session: Session, name: str, storage: Storage, places: Places, *, ordered: bool) -> str:
        """Return the name of a view of a table; with `ordered` its rows tell where they are stored."""
        if name in places.tables:
            return self._view(session, f"{name}\0{places.tables[name]}", lambda: _of_site(session, name, places.tables[name], storage))
        files = storage.tables.get(name, TableFiles())
        key = "\0".join([name, str(ordered), places.lake, *files.files, files.schema.hex()])
        return self._view(session, key, lambda: _table(session, files, storage.roots, places, ordered=ordered))

    def _view(self, session: Session, key: str, make: Any) -> str:
        digest = hashlib.sha256(key.encode()).hexdigest()[:24]
        name = f"livefire_{digest}"
        if digest not in self._known:
            make().createOrReplaceTempView(name)
            self._known[digest] = name
            while len(self._known) > _KEPT:
                session.spark.catalog.dropTempView(self._known.pop(next(iter(self._known))))
        return name


def _table(session: Session, files: TableFiles, roots: tuple[Path, ...], places: Places, *, ordered: bool) -> Any:
    import pyarrow as pa

    if files.files and files.files[0].endswith(".arrow"):
        return _sent(session, files.files)
    schema = pa.ipc.read_schema(pa.py_buffer(files.schema)) if files.schema else None
    if schema is None:
        raise QueryError([Diagnostic("error", "E463", "a table of files has no schema that a cluster could read it by", Span(0, 0))])
    if not files.files:
        return _sent_table(session, schema.empty_table())
    paths = [places.at(f, roots) for f in files.files]
    reader = session.spark.read.schema(", ".join(f"{quote(f.name)} {_stored_type(f.type)}" for f in schema))
    columns = [f"{_as_plan(f)} AS {quote(f.name)}" for f in schema]
    if not ordered:
        return reader.parquet(*paths).selectExpr(*columns)
    return _in_pieces(reader, paths, columns) if session.is_sail else _numbered(session, reader, paths, columns)


def _of_site(session: Session, name: str, site: SiteTable, storage: Storage) -> Any:
    """Return a site's own table with the columns of a log source; QueryError E466 for one that it lacks and that is not said to be absent."""
    import pyarrow as pa

    schema = pa.ipc.read_schema(pa.py_buffer(storage.tables[name].schema))
    rows = session.spark.table(site.table)
    there = {name.lower() for name in rows.columns}
    columns, lacking = [], []
    for column in schema:
        given = site.columns.get(column.name) or (quote(column.name) if column.name.lower() in there else "")
        if not given and column.name not in site.absent:
            lacking.append(column.name)
        columns.append(f"CAST({given or 'NULL'} AS {_plan_type(column.type)}) AS {quote(column.name)}")
    if lacking:
        message = f"the table {site.table} has no {', '.join(lacking[:8])}{' and others' if len(lacking) > 8 else ''} for {name}"
        help = f"give each under [tables.{name}.columns], or name it in absent, which makes it null"
        raise QueryError([Diagnostic("error", "E466", message, Span(0, 0), help=help)])
    order = [f"CAST({site.order} AS BIGINT) AS {quote(STORED_AT)}"] if site.order else []
    return rows.selectExpr(*columns, *order)


def _plan_type(kind: pa.DataType) -> str:
    return "TIMESTAMP_NTZ" if _stored_type(kind).startswith("TIMESTAMP") else _stored_type(kind)


def _numbered(session: Session, reader: Any, paths: list[str], columns: list[str]) -> Any:
    """Number rows by the place of their file and their place in it, as Spark itself tells them."""
    import pyarrow as pa

    row = "_metadata.row_index"
    if len(paths) == 1:
        return reader.parquet(*paths).selectExpr(*columns, f"{row} AS {quote(STORED_AT)}")
    names = [p.rsplit("/", 1)[-1] for p in paths]
    if len(set(names)) < len(names):
        raise QueryError([Diagnostic("error", "E463", "two files of a table have the same name, so their rows have no order", Span(0, 0))])
    order = session.spark.createDataFrame(pa.table({"~name": names, "~file": pa.array(range(len(names)), pa.int64())}))
    rows = reader.parquet(*paths).selectExpr("*", "_metadata.file_name AS `~at`", f"{row} AS `~row`")
    joined = rows.join(order.hint("broadcast"), rows["~at"] == order["~name"])
    return joined.selectExpr(*columns, f"(`~file` * CAST({1 << _ROW_BITS} AS BIGINT) + `~row`) AS {quote(STORED_AT)}")


def _in_pieces(reader: Any, paths: list[str], columns: list[str]) -> Any:
    """Number rows file by file: Sail names no files, but numbers the rows of one in order."""
    whole = None
    for number, path in enumerate(paths):
        place = f"(monotonically_increasing_id() + CAST({number << _ROW_BITS} AS BIGINT)) AS {quote(STORED_AT)}"
        piece = reader.parquet(path).selectExpr(*columns, place)
        whole = piece if whole is None else whole.unionAll(piece)
    return whole


def _sent(session: Session, files: tuple[str, ...]) -> Any:
    """Send tables that were loaded from memory along with the query."""
    import pyarrow as pa

    tables = [pa.ipc.open_file(pa.memory_map(path)).read_all() for path in files]
    return _sent_table(session, tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default"))


def _sent_table(session: Session, rows: pa.Table) -> Any:
    import pyarrow as pa

    # Columns are sent under numbers: names of a log are no concern of the cluster's parser until they are quoted.
    if not rows.num_rows:
        columns = [f"CAST(NULL AS {_plan_type(f.type)}) AS {quote(f.name)}" for f in rows.schema]
        return session.spark.sql(f"SELECT {', '.join(columns)}, CAST(NULL AS BIGINT) AS {quote(STORED_AT)}").where("1 = 0")
    placed = rows.append_column(STORED_AT, pa.array(range(rows.num_rows), pa.int64()))
    numbered = placed.rename_columns([f"s{i}" for i in range(placed.num_columns)])
    columns = [f"{_as_plan(f, f's{i}')} AS {quote(f.name)}" for i, f in enumerate(placed.schema)]
    plain = pa.schema([pa.field(f"s{i}", pa.timestamp("us", tz="UTC") if pa.types.is_timestamp(f.type) else f.type) for i, f in enumerate(placed.schema)])
    return session.spark.createDataFrame(numbered.cast(plain)).selectExpr(*columns)


def _as_plan(field: pa.Field, name: str = "") -> str:
    """Return a stored column as a plan has it: times without a zone, whole numbers of 64 bits."""
    import pyarrow as pa

    column = quote(name or field.name)
    if pa.types.is_timestamp(field.type):
        return f"CAST({column} AS TIMESTAMP_NTZ)"
    return f"CAST({column} AS BIGINT)" if pa.types.is_integer(field.type) else column


def _stored_type(kind: pa.DataType) -> str:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return "TIMESTAMP" if kind.tz else "TIMESTAMP_NTZ"
    if pa.types.is_integer(kind):
        return "BIGINT"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    return "BOOLEAN" if pa.types.is_boolean(kind) else "DOUBLE" if pa.types.is_floating(kind) else "STRING"
