"""The query worker process: confines itself, then answers one program at a time.

Started by `livefire.engines.worker` as a script of a bare interpreter; arguments are the
socket's descriptor, the parent's process id and the folders to import from. What it sends is
judged by the parent, so nothing here needs to be trusted once a query runs.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import re
import resource
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path.extend(sys.argv[3:])

from livefire.engines import landlock, wire
from livefire.interpreter import leave_out

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_PR_SET_PDEATHSIG = 1
_OPEN_FILES = 4096
_BATCH_ROWS = 65_536
_SMALL_BYTES = 2**20
# What the engine reads as text, a quoted name or a comment, lexed left to right as it does; a nested comment is left in part, which is the safe side.
_QUOTED = re.compile(
    r"(?<![A-Za-z0-9_])[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$(?P<tag>[A-Za-z_][A-Za-z_0-9]*|)\$.*?\$(?P=tag)\$",
    re.DOTALL,
)
_MODIFIES = re.compile(r"\b(?:insert|update|delete|copy|merge)\b", re.IGNORECASE)
_READING_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
# Kernel facts that DuckDB reads when it starts; it aborts when it may not look at them.
_SYSTEM_READS = (
    "/proc/self",
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/proc/stat",
    "/proc/sys/vm",
    "/sys/fs/cgroup",
    "/sys/devices/system",
    "/dev/urandom",
    "/dev/null",
)
_WIDE_SYSTEM_READS = ("/proc", "/sys", "/dev/urandom", "/dev/null")
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")


class RefusedError(Exception):
    """The program asks for something that a worker does not do; the text is a reason code, a colon and what it is about."""


class TooManyRowsError(Exception):
    """The result has more rows than the budget lets out."""


def main() -> None:
    """Serve until the parent closes the socket."""
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    _die_with_parent(int(sys.argv[2]))
    leave_out("pandas")  # pyarrow and the engine would load it in case a frame comes
    settings = channel.receive()
    if settings is None:
        return
    try:
        engine, status = _boot(settings)
    except Exception as error:  # noqa: BLE001 - whatever stops the start is told to the parent
        channel.send({"error": type(error).__name__, "detail": str(error)[:4000]})
        return
    channel.send({"ready": status})
    importlib.import_module("pyarrow.dataset")  # a first query would load it, while now the parent is still busy
    while (request := channel.receive()) is not None:
        channel.send({"begun": True})  # without this the parent knows that the program was never tried
        reply = engine.answer(request, channel)
        channel.send(reply)


class Channel:
    """Frames over the socket to the parent; a vanished parent ends the process."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link

    def receive(self) -> dict[str, Any] | None:
        """Return the next request, None when the parent closed its end."""
        header = self._read(wire.HEADER.size)
        if header is None:
            return None
        _, length = wire.HEADER.unpack(header)
        payload = self._read(length)
        return None if payload is None else json.loads(payload)

    def send(self, message: dict[str, Any]) -> None:
        """Send a JSON frame."""
        self._link.sendall(wire.frame(message))

    def send_arrow(self, piece: bytes | bytearray | memoryview) -> None:
        """Send a piece of an Arrow IPC stream, in frames of bounded size."""
        view = memoryview(piece)
        for start in range(0, len(view), wire.MAX_ARROW_FRAME):
            part = view[start : start + wire.MAX_ARROW_FRAME]
            self._link.sendall(wire.HEADER.pack(wire.ARROW_FRAME, len(part)))
            self._link.sendall(part)

    def _read(self, length: int) -> bytes | None:
        data = bytearray(length)
        view = memoryview(data)
        while view:
            count = self._link.recv_into(view)
            if count == 0:
                return None
            view = view[count:]
        return bytes(data)


class ArrowSink:
    """A file object that passes an Arrow IPC stream on to the channel in large pieces."""

    closed = False

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._held = bytearray()

    def write(self, data: Any) -> int:
        """Take bytes; they leave once a frame is full."""
        view = memoryview(data).cast("B")
        if len(view) >= wire.MAX_ARROW_FRAME:
            self.flush()
            self._channel.send_arrow(view)
        else:
            self._held += view
            if len(self._held) >= wire.MAX_ARROW_FRAME:
                self.flush()
        return len(view)

    def flush(self) -> None:
        """Send what is held."""
        if self._held:
            self._channel.send_arrow(self._held)
            self._held = bytearray()

    def close(self) -> None:
        """Send what is held."""
        self.flush()


class Alarm:
    """Interrupts the running statement when its time is over.

    DuckDB's own `max_execution_time` did not end a cross join whose rows are fetched as Arrow.
    A statement that does not look up, such as one big scalar call, is left to the parent's SIGKILL.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._due = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    @contextlib.contextmanager
    def over(self, cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
        """Watch over the statements of a cursor."""
        self._set(cursor, time.monotonic() + seconds)
        try:
            yield
        finally:
            self._set(None, 0.0)

    def _set(self, cursor: duckdb.DuckDBPyConnection | None, due: float) -> None:
        with self._changed:
            self._cursor, self._due = cursor, due
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while True:
                if self._cursor is None:
                    self._changed.wait()
                elif (left := self._due - time.monotonic()) > 0:
                    self._changed.wait(left)
                else:
                    self._cursor.interrupt()
                    self._due = time.monotonic() + 0.05  # the next statement of the program may just be starting


class Engine:
    """A locked in-memory DuckDB that runs programs, each on a connection of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: dict[str, Any], *, confined: bool) -> None:
        self._connection = connection
        self._spill = settings["spill"]
        self._natives: dict[str, str] = settings["natives"]
        self._select_only: bool = settings["layers"]["select_only"]
        self._confined = confined
        self._applied: dict[str, str] = {}
        self._alarm = Alarm()
        self._idle_bytes = _process_bytes()[1]

    def answer(self, request: dict[str, Any], channel: Channel) -> dict[str, Any]:
        """Run one program, stream its rows, and return the closing message."""
        sink = ArrowSink(channel)
        try:
            rows = self._run(request, sink)
        except Exception as error:  # noqa: BLE001 - every failure is classified by the parent
            reply: dict[str, Any] = {"error": type(error).__name__, "detail": str(error)[:4000]}
        else:
            sink.flush()
            reply = {"rows": rows}
        _lift_memory_limit()
        self._empty_spill()
        reply["grown"] = max(0, _process_bytes()[1] - self._idle_bytes)
        return reply

    def _run(self, request: dict[str, Any], sink: ArrowSink) -> int:
        budget = request["budget"]
        self._apply_budget(budget)
        parameters = {name: wire.unpack_value(value) for name, value in request["parameters"].items()}
        with contextlib.closing(self._connection.cursor()) as cursor, self._alarm.over(cursor, budget["seconds"]):
            for name, table in request["tables"].items():
                self._open_table(cursor, name, table)
            _limit_memory(budget["memory_bytes"])
            *earlier, last = request["stages"]
            native_inputs = {stage.get("input") for stage in request["stages"]}
            for stage in earlier:
                self._materialize(cursor, stage, parameters, as_arrow=stage["name"] in native_inputs)
            if "sql" in last and request["tables"] and all(map(_is_small, request["tables"].values())):
                # To collect rows costs half of what handing them out as they come does, and few files' rows are no load;
                # rows made of nothing can be any number.
                collected = cursor.execute(*self._prepare(cursor, last["sql"], parameters)).to_arrow_table()
                if collected is None:
                    raise RefusedError("no-rows")
                return _stream(collected.to_reader(_BATCH_ROWS), sink, budget["max_rows"])
            if "sql" in last:
                return _stream(_rows(cursor, *self._prepare(cursor, last["sql"], parameters)), sink, budget["max_rows"])
            return _stream(self._call_native(cursor, last).to_reader(_BATCH_ROWS), sink, budget["max_rows"])

    def _apply_budget(self, budget: dict[str, Any]) -> None:
        wanted = {
            "memory_limit": f"'{max(64, budget['memory_bytes'] * 8 // 10 // 2**20)}MiB'",
            "max_temp_directory_size": f"'{max(1, budget['spill_bytes'] // 2**20)}MiB'",
        }
        for name, value in wanted.items():
            if self._applied.get(name) != value:
                self._connection.execute(f"SET {name}={value}")
                self._applied[name] = value
        _set_soft(resource.RLIMIT_FSIZE, budget["spill_bytes"])

    def _open_table(self, cursor: duckdb.DuckDBPyConnection, name: str, table: dict[str, Any]) -> None:
        import pyarrow as pa

        files: list[str] = table["files"]
        schema = _read_schema(table["schema"]) if table["schema"] else None
        if not files:
            if schema is None:
                raise RefusedError("no-schema")
            cursor.register(name, schema.empty_table())
        elif table["arrow"]:
            tables = [pa.ipc.open_file(pa.memory_map(path)).read_all() for path in files]
            rows = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default")
            _assert_distinct(rows.schema)
            cursor.register(name, rows)
        elif self._confined:
            cursor.execute(f"CREATE TEMP VIEW {_quote(name)} AS {_parquet_query(cursor, files, schema)}")
        else:
            # Without Landlock no folder may be opened to DuckDB, because what it may read it may also overwrite.
            cursor.register(name, _parquet_dataset(files, schema))

    def _materialize(self, cursor: duckdb.DuckDBPyConnection, stage: dict[str, Any], parameters: dict[str, object], *, as_arrow: bool) -> None:
        if "sql" not in stage:
            cursor.register(stage["name"], self._call_native(cursor, stage))
            return
        statement, bound = self._prepare(cursor, stage["sql"], parameters)
        if as_arrow:
            cursor.register(stage["name"], _rows(cursor, statement, bound).read_all())
        else:  # a table can spill to disk, an Arrow table cannot
            cursor.execute(f"CREATE TEMP TABLE {_quote(stage['name'])} AS {statement.query.rstrip().rstrip(';')}\n", bound).fetchall()

    def _prepare(self, cursor: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, object]) -> tuple[Any, dict[str, object]]:
        if not self._select_only:
            return sql, {}
        statements = cursor.extract_statements(sql)
        if len(statements) != 1 or statements[0].type.name != "SELECT":
            raise RefusedError("not-select")
        if _MODIFIES.search(_QUOTED.sub(" ", sql)) and not _only_reads(cursor, sql):
            raise RefusedError("not-select")
        statement = statements[0]
        missing = statement.named_parameters - parameters.keys()
        if missing:
            raise RefusedError(f"unbound: {', '.join(sorted(missing))}")
        return statement, {name: parameters[name] for name in statement.named_parameters}

    def _call_native(self, cursor: duckdb.DuckDBPyConnection, stage: dict[str, Any]) -> pa.Table:
        place = self._natives.get(stage["function"])
        if place is None:
            raise RefusedError(f"no-function: {stage['function']}")
        module, _, function = place.partition(":")
        rows = _rows(cursor, f"SELECT * FROM {_quote(stage['input'])}", {}).read_all()
        result: pa.Table = getattr(importlib.import_module(module), function)(rows, stage["spec"])
        return result

    def _empty_spill(self) -> None:
        with os.scandir(self._spill) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)  # noqa: PTH108 - a leftover that cannot go is removed with the folder


def _assert_distinct(schema: pa.Schema) -> None:
    """Refuse names that only case tells apart: DuckDB would rename one and answer the other's question."""
    if len({_fold(name) for name in schema.names}) != len(schema.names):
        raise RefusedError("same-names")


@functools.lru_cache(maxsize=64)
def _read_schema(written: str) -> pa.Schema:
    """Return a schema whose names are distinct; the few schemas of a site's tables come with every program."""
    import pyarrow as pa

    schema = pa.ipc.read_schema(pa.py_buffer(bytes.fromhex(written)))
    _assert_distinct(schema)
    return schema


def _fold(name: str) -> str:
    return re.sub("[A-Z]+", lambda capitals: capitals.group().lower(), name)  # DuckDB folds ASCII alone


def _is_small(table: dict[str, Any]) -> bool:
    return bool(table["arrow"]) and sum(os.stat(path).st_size for path in table["files"]) <= _SMALL_BYTES  # noqa: PTH116 - hot path


def _rows(cursor: duckdb.DuckDBPyConnection, statement: Any, bound: dict[str, object]) -> pa.RecordBatchReader:
    # `execute` would collect all rows before the first is handed out.
    relation = cursor.sql(statement, params=bound)
    if relation is None:
        raise RefusedError("no-rows")
    return relation.to_arrow_reader(_BATCH_ROWS)


def _stream(reader: pa.RecordBatchReader, sink: ArrowSink, max_rows: int | None) -> int:
    import pyarrow as pa

    rows = 0
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), reader.schema) as writer:
        for batch in reader:
            rows += batch.num_rows
            if max_rows is not None and rows > max_rows:
                raise TooManyRowsError
            writer.write_batch(batch)
    return rows


def _parquet_query(cursor: duckdb.DuckDBPyConnection, files: list[str], schema: pa.Schema | None) -> str:
    paths = ", ".join(_literal(_no_glob(path)) for path in files)
    options = f"hive_partitioning=false, filename=false, union_by_name={str(len(files) > 1).lower()}"
    source = f"FROM read_parquet([{paths}], {options})"
    if schema is None:
        return f"SELECT * {source}"
    stored = {_fold(name): kind for name, kind, *_ in cursor.execute(f"DESCRIBE SELECT * {source}").fetchall()}
    wanted = [(name, str(kind)) for name, kind in zip(schema.names, cursor.from_arrow(schema.empty_table()).types, strict=True)]
    columns = []
    for name, kind in wanted:
        present = stored.get(_fold(name))
        value = "NULL" if present is None else _quote(name)
        columns.append(f"{value} AS {_quote(name)}" if present == kind else f"CAST({value} AS {kind}) AS {_quote(name)}")
    return f"SELECT {', '.join(columns)} {source}"


def _parquet_dataset(files: list[str], schema: pa.Schema | None) -> Any:
    import pyarrow as pa
    from pyarrow import dataset, parquet

    if schema is None:
        schema = pa.unify_schemas([parquet.read_schema(path) for path in files], promote_options="permissive")
    return dataset.dataset(files, format="parquet", schema=schema)


def _only_reads(cursor: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Tell whether no part of the statement is an INSERT, UPDATE, DELETE or COPY, which DuckDB allows inside WITH."""
    ((tree,),) = cursor.execute("SELECT json_serialize_sql($1::VARCHAR)", [sql]).fetchall()
    pending = [json.loads(tree)]
    if pending[0].get("error", True):
        return False
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            kind = node.get("type")
            if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _READING_NODES:
                return False
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return True


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _no_glob(path: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", path)


def _boot(settings: dict[str, Any]) -> tuple[Engine, dict[str, Any]]:
    started = time.perf_counter()
    layers = settings["layers"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _set_soft(resource.RLIMIT_NOFILE, _OPEN_FILES)
    system = _WIDE_SYSTEM_READS if settings["wide_system_reads"] else _SYSTEM_READS
    reads = [*system, *_LIBRARIES, *_standard_library(), *sys.argv[3:], *settings["read_roots"]]
    version = landlock.restrict(reads, [settings["spill"]]) if layers["landlock"] else 0
    # Imported only now: pyarrow starts a thread, which has to be born confined.
    import duckdb
    import pyarrow.ipc  # noqa: F401 - loaded for later

    warnings.simplefilter("ignore")  # of a copy of rows that is meant; nobody reads them here

    connection = duckdb.connect(":memory:", config=_start_options(settings["threads"]))
    for statement in _lock_statements(settings, confined=version > 0):
        connection.execute(statement)
    status = {
        "landlock": version,
        "memory_limit": _memory_limit_works(),
        "engine_lock": layers["engine_lock"],
        "engine": duckdb.__version__,
        "boot_ms": round((time.perf_counter() - started) * 1000),
    }
    return Engine(connection, settings, confined=version > 0 or not layers["engine_lock"]), status


def _start_options(threads: int) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "threads": threads,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
        "python_enable_replacements": False,
    }


def _lock_statements(settings: dict[str, Any], *, confined: bool) -> list[str]:
    statements = [
        "SET TimeZone='UTC'",
        "SET enable_progress_bar=false",
        "SET enable_progress_bar_print=false",
        "SET preserve_insertion_order=true",
        "SET parquet_metadata_cache=true",
        f"SET temp_directory={_literal(settings['spill'])}",
    ]
    if settings["layers"]["engine_lock"]:
        if confined:
            roots = ", ".join(_literal(root) for root in settings["read_roots"])
            statements.append(f"SET allowed_directories=[{roots}]")
        statements += [
            "SET allowed_configs=['memory_limit', 'max_temp_directory_size']",
            "SET enable_external_access=false",
            "SET lock_configuration=true",
        ]
    return statements


def _standard_library() -> list[str]:
    import sysconfig

    return [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), os.path.join(sys.base_exec_prefix, "lib")]  # noqa: PTH118 - plain text for the kernel


def _set_soft(which: int, wanted: int) -> None:
    _, hard = resource.getrlimit(which)
    resource.setrlimit(which, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _limit_memory(extra: int) -> None:
    size = _process_bytes()[0]
    if size:
        _set_soft(resource.RLIMIT_AS, size + extra)


def _lift_memory_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _memory_limit_works() -> bool:
    return _process_bytes()[0] > 0


def _process_bytes() -> tuple[int, int]:
    """Return address space and resident bytes of this process; zeros where the kernel does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - hot path
            size, resident, *_ = statm.read().split()
    except OSError:
        return 0, 0
    page = resource.getpagesize()
    return int(size) * page, int(resident) * page


def _die_with_parent(parent: int) -> None:
    if sys.platform.startswith("linux"):
        import ctypes

        zero = ctypes.c_ulong(0)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), zero, zero, zero)
    else:
        threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(0)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        main()
    os._exit(0)  # nothing to finish, and engine threads may still be busy
