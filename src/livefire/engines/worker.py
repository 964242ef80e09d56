"""Runs programs in a confined child process and trusts nothing that comes back.

The child is a fresh interpreter under Landlock, resource limits and a locked DuckDB (see
`worker_main`). It is kept warm between programs; when a program overruns its budget the
child is killed and replaced.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from livefire.engines import landlock, native, wire
from livefire.engines.failure import WorkerFailure, classify, crashed, timed_out
from livefire.engines.program import MIB, Budget, NativeStage, Program, SqlStage, TableFiles
from livefire.engines.scratch import ScratchTables

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Layers", "SandboxStatus", "Worker", "WorkerFailure", "close_shared_worker", "sandbox_status", "shared_scratch", "shared_worker"]

_GRACE_SECONDS = 0.5
_BOOT_SECONDS = 60.0
_RECYCLE_BYTES = 1024 * MIB
_PACKAGES = ("livefire", "duckdb", "pyarrow", "numpy")


@dataclass(frozen=True, slots=True)
class Layers:
    """The worker's layers of defence; each can be left out only so that tests can try the others alone."""

    landlock: bool = True
    engine_lock: bool = True
    select_only: bool = True


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """What confines a query here: Landlock's version (0 is none) and what it covers, memory limit, engine lock."""

    landlock_abi: int
    filesystem: bool
    network: bool
    signals: bool
    memory_limit: bool
    engine_lock: bool
    engine: str
    boot_ms: int

    @property
    def complete(self) -> bool:
        """True when every layer is active."""
        return self.filesystem and self.network and self.memory_limit and self.engine_lock


class Worker:
    """One query process, started when first needed and safe to share between threads.

    `read_roots` are the only folders whose files a program's tables may lie in (one that does
    not exist yet is picked up once it does). `spill_root` is where the private folder for
    temporary data is made, the system's temporary folder by default.
    """

    def __init__(
        self,
        read_roots: Sequence[Path] = (),
        spill_root: Path | None = None,
        *,
        threads: int = 2,
        natives: Mapping[str, str] = native.FUNCTIONS,
        import_roots: Sequence[Path] = (),
        layers: Layers | None = None,
    ) -> None:
        self._roots: tuple[str, ...] = ()
        self._spill = os.path.realpath(tempfile.mkdtemp(prefix="livefire-spill-", dir=spill_root))
        self._threads = threads
        self._natives = dict(natives)
        self._import_roots = tuple(str(root) for root in import_roots)
        self._layers = layers or Layers()
        self._child: _Child | None = None
        self._lock = threading.RLock()
        self._closed = False
        self._finalizer = weakref.finalize(self, _remove_folder, self._spill, os.getpid())
        self.allow(read_roots)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def allow(self, read_roots: Sequence[Path]) -> None:
        """Let programs read below further folders; the process is replaced before the next program if need be."""
        with self._lock:
            wanted = (os.path.realpath(root) for root in read_roots)
            fresh = [root for root in wanted if not _is_below(root, self._roots)]
            self._roots = (*self._roots, *dict.fromkeys(fresh))

    def start(self) -> None:
        """Begin starting the process without waiting for it, to hide the cold start behind other work."""
        with self._lock:
            self._ensure_child()

    @property
    def pid(self) -> int | None:
        """The process id of the child, None while there is none."""
        child = self._child
        return None if child is None else child.process.pid

    @property
    def status(self) -> SandboxStatus:
        """Which layers are active in the running child (started if need be)."""
        with self._lock:
            return self._ready_child().wait_ready()

    def run(self, program: Program, budget: Budget | None = None) -> pa.Table:
        """Run a program and return its last stage's rows, in order.

        Raises `WorkerFailure` and nothing else but KeyboardInterrupt and the like, on which the
        child is killed too. Waits its turn while another thread runs a program; the budget's
        clock starts after that, and after a cold start.
        """
        budget = budget or Budget()
        with self._lock:
            request = self._request(program, budget)
            child = self._ready_child()
            try:
                child.link.send(request, time.monotonic() + budget.seconds + _GRACE_SECONDS)
                return self._receive(child, budget)
            except _OverdueError:
                self._replace()
                raise timed_out("killed") from None
            except (_LinkError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
                fate = child.fate()
                self._replace()
                raise crashed(f"{fate}; {error}") from error
            except WorkerFailure:
                raise
            except BaseException:
                self._kill()
                raise

    def close(self) -> None:
        """End the child and remove its temporary data; the worker cannot be used again."""
        with self._lock:
            self._closed = True
            self._kill()
            self._finalizer()

    def _request(self, program: Program, budget: Budget) -> bytes:
        try:
            message = {
                "tables": {name: self._pack_table(name, table) for name, table in program.tables.items()},
                "stages": [_pack_stage(stage) for stage in program.stages],
                "parameters": {name: wire.pack_value(value) for name, value in program.parameters.items()},
                "budget": asdict(budget),
            }
            _check_names(program)
            request = wire.frame(message)
        except (TypeError, ValueError, RecursionError) as error:
            raise WorkerFailure("refused", "the program holds a name or value that cannot be handed to the engine", str(error)) from error
        if len(request) > wire.MAX_REQUEST:
            raise WorkerFailure("refused", "the program is larger than a worker takes", f"{len(request)} bytes")
        return request

    def _pack_table(self, name: str, table: TableFiles) -> dict[str, object]:
        kinds = {path.endswith(".arrow") for path in table.files}
        if len(kinds) > 1:
            raise ValueError(f"table {name!r} mixes Parquet and Arrow files")
        folders: dict[str, str] = {}
        files = []
        for path in table.files:
            folder, _, base = str(path).rpartition("/")
            real = folders.get(folder)
            if real is None:
                real = folders[folder] = os.path.realpath(folder or "/")
                if not folder.startswith("/") or not _is_below(real, self._roots):
                    raise WorkerFailure("refused", f"table {name!r} has a file outside the folders the worker may read", str(path))
            files.append(f"{real}/{base}")
        return {"files": files, "arrow": True in kinds, "schema": table.schema.hex()}

    def _receive(self, child: _Child, budget: Budget) -> pa.Table:
        deadline = time.monotonic() + budget.seconds + _GRACE_SECONDS
        pieces: list[bytes] = []
        size = 0
        while True:
            kind, payload = child.link.receive(deadline)
            if kind == wire.JSON_FRAME:
                break
            size += len(payload)
            if size > budget.result_bytes:
                self._replace()
                raise WorkerFailure("rows", "the result is larger than the budget allows", f"over {budget.result_bytes} bytes")
            pieces.append(payload)
        reply = _reply(payload)
        table = None if "error" in reply else _read_table(pieces, int(reply["rows"]), budget)
        if int(reply.get("grown", 0)) > _RECYCLE_BYTES:
            self._replace()
        if table is None:
            raise classify(str(reply["error"])[:100], str(reply.get("detail", ""))[:4000])
        return table

    def _ready_child(self) -> _Child:
        for attempt in (1, 2):
            child = self._ensure_child()
            try:
                child.wait_ready()
            except WorkerFailure:
                self._kill()
                raise
            except (_LinkError, OSError, ValueError) as error:
                fate = child.fate()
                self._kill()
                if attempt == 2:
                    raise WorkerFailure("crashed", "the query worker cannot be started", f"{fate}; {error}") from error
            except BaseException:
                self._kill()
                raise
            else:
                return child
        raise AssertionError("unreachable")

    def _ensure_child(self) -> _Child:
        if self._closed:
            raise WorkerFailure("refused", "the query worker is closed")
        granted = _identities(self._roots)
        if self._child is not None and (self._child.granted != granted or not self._child.alive()):
            self._kill()
        if self._child is None:
            self._child = self._spawn(granted)
        return self._child

    def _spawn(self, granted: frozenset[tuple[str, int, int]]) -> _Child:
        os.makedirs(self._spill, mode=0o700, exist_ok=True)  # noqa: PTH103 - plain strings throughout
        settings = {
            "read_roots": sorted(root for root, _, _ in granted),
            "spill": self._spill,
            "threads": self._threads,
            "natives": self._natives,
            "layers": asdict(self._layers),
        }
        future = _spawner().submit(_start_process, self._spill, [*self._import_roots, *_package_roots()])
        try:
            process, link = future.result()
        except BaseException:
            future.add_done_callback(_discard)
            raise
        child = _Child(process, _Link(link), granted)
        child.link.send(wire.frame(settings), time.monotonic() + _BOOT_SECONDS)
        return child

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            _empty_folder(self._spill)

    def _replace(self) -> None:
        """Kill the child and begin starting the next, so that the next program finds it ready."""
        self._kill()
        try:
            self._ensure_child()
        except (OSError, _LinkError, _OverdueError, RuntimeError):
            self._kill()  # the next program tries again and reports


class _OverdueError(Exception):
    """The child did not answer in time."""


class _LinkError(Exception):
    """The child ended or sent something that is no message."""


class _Frame(NamedTuple):
    kind: bytes
    payload: bytes


class _Link:
    """The parent's end of the socket: every wait has a deadline and every length a cap."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def send(self, data: bytes, deadline: float) -> None:
        self._socket.settimeout(_remaining(deadline))
        try:
            self._socket.sendall(data)
        except TimeoutError:
            raise _OverdueError from None

    def receive(self, deadline: float) -> _Frame:
        kind, length = wire.HEADER.unpack(self._read(wire.HEADER.size, deadline))
        limit = {wire.JSON_FRAME: wire.MAX_REPLY, wire.ARROW_FRAME: wire.MAX_ARROW_FRAME}.get(kind, -1)
        if length > limit:
            raise _LinkError(f"frame {kind!r} of {length} bytes")
        return _Frame(kind, self._read(length, deadline))

    def close(self) -> None:
        self._socket.close()

    def _read(self, length: int, deadline: float) -> bytes:
        data = bytearray(length)
        view = memoryview(data)
        while view:
            self._socket.settimeout(_remaining(deadline))
            try:
                count = self._socket.recv_into(view)
            except TimeoutError:
                raise _OverdueError from None
            if count == 0:
                raise _LinkError("end of stream")
            view = view[count:]
        return bytes(data)


class _Child:
    """A running worker process and the socket to it."""

    def __init__(self, process: subprocess.Popen[bytes], link: _Link, granted: frozenset[tuple[str, int, int]]) -> None:
        self.process = process
        self.link = link
        self.granted = granted
        self._owner = os.getpid()
        self._status: SandboxStatus | None = None

    def wait_ready(self) -> SandboxStatus:
        """Wait for the end of the start; raises `WorkerFailure` where the child reports that it cannot confine itself."""
        if self._status is not None:
            return self._status
        try:
            kind, payload = self.link.receive(time.monotonic() + _BOOT_SECONDS)
        except _OverdueError:
            raise _LinkError("no answer") from None
        if kind != wire.JSON_FRAME:
            raise _LinkError("data before the start")
        reply = _reply(payload)
        if "error" in reply:
            raise WorkerFailure("refused", "the query worker could not set up its sandbox", f"{reply['error']}: {reply.get('detail', '')}"[:4000])
        self._status = _status(reply["ready"])
        return self._status

    def alive(self) -> bool:
        return self._owner == os.getpid() and self.process.poll() is None

    def fate(self) -> str:
        try:
            code = self.process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            return "still running"
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def kill(self) -> None:
        self.link.close()
        if self._owner != os.getpid():
            return
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self.process.kill()
        self.process.wait()


def _reply(payload: bytes) -> dict[str, Any]:
    reply = json.loads(payload)
    if not isinstance(reply, dict):
        raise _LinkError("a reply that is no object")
    return reply


def _status(ready: Mapping[str, Any]) -> SandboxStatus:
    version = int(ready["landlock"])
    return SandboxStatus(
        landlock_abi=version,
        filesystem=version >= 1,
        network=version >= landlock.NETWORK_ABI,
        signals=version >= landlock.SCOPE_ABI,
        memory_limit=bool(ready["memory_limit"]),
        engine_lock=bool(ready["engine_lock"]),
        engine=str(ready["engine"])[:40],
        boot_ms=int(ready["boot_ms"]),
    )


def _read_table(pieces: list[bytes], rows: int, budget: Budget) -> pa.Table:
    import pyarrow as pa

    joined = b"".join(pieces)
    pieces.clear()
    try:
        with pa.ipc.open_stream(pa.BufferReader(joined)) as reader:
            table = reader.read_all()
        table.validate(full=True)
    except pa.ArrowException as error:
        raise _LinkError(f"no Arrow stream: {error}") from error
    if table.num_rows != rows:
        raise _LinkError(f"{table.num_rows} rows where {rows} were announced")
    if budget.max_rows is not None and rows > budget.max_rows:
        raise _LinkError("more rows than the budget allows")
    return table


def _pack_stage(stage: SqlStage | NativeStage) -> dict[str, object]:
    if isinstance(stage, SqlStage):
        stage.sql.encode()
        return {"name": stage.name, "sql": stage.sql}
    return {"name": stage.name, "function": stage.function, "input": stage.input, "spec": dict(stage.spec)}


def _check_names(program: Program) -> None:
    if not program.stages:
        raise ValueError("a program without stages")
    names = [*program.tables, *(stage.name for stage in program.stages)]
    folded = {name.lower() for name in names}
    if len(folded) != len(names):
        raise ValueError("two tables or stages share a name (case does not tell them apart)")
    for name in (*names, *program.parameters):
        name.encode()
        if not name or "\0" in name:
            raise ValueError(f"bad name {name!r}")


def _is_below(path: str, roots: Sequence[str]) -> bool:
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots)


def _identities(roots: Sequence[str]) -> frozenset[tuple[str, int, int]]:
    found = []
    for root in roots:
        try:
            entry = os.stat(root)  # noqa: PTH116 - once per program, so cheap
        except OSError:
            continue
        found.append((root, entry.st_dev, entry.st_ino))
    return frozenset(found)


def _remaining(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _OverdueError
    return left


def _package_roots() -> list[str]:
    roots: list[str] = []
    for name in _PACKAGES:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            roots.append(str(Path(os.path.realpath(spec.origin)).parents[1]))
    return list(dict.fromkeys(roots))


def _start_process(home: str, import_roots: list[str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            script = str(Path(__file__).with_name("worker_main.py"))
            command = [sys.executable, "-I", "-S", "-B", "-X", "utf8", script, str(theirs.fileno()), str(os.getpid()), *import_roots]
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                close_fds=True,
                pass_fds=(theirs.fileno(),),
                cwd="/",
                env=_environment(home),
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
    return process, ours


def _environment(home: str) -> dict[str, str]:
    """Return the child's whole environment: nothing of ours but where the interpreter finds its library."""
    environment = {
        "HOME": home,
        "TMPDIR": home,
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # mimalloc reserves a gigabyte of address space at once
    }
    library_path = os.environ.get("LD_LIBRARY_PATH")
    return environment | ({"LD_LIBRARY_PATH": library_path} if library_path else {})


def _discard(future: Future[tuple[subprocess.Popen[bytes], socket.socket]]) -> None:
    if future.exception() is None:
        process, link = future.result()
        link.close()
        process.kill()
        process.wait()


def _empty_folder(folder: str) -> None:
    try:
        entries = list(Path(folder).iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _remove_folder(folder: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


class _Shared:
    """The process-wide worker, its scratch tables and the thread that starts children.

    The kernel ends a child when the *thread* that started it ends, so all are started by one
    thread that lives as long as the process.
    """

    lock = threading.Lock()
    worker: Worker | None = None
    scratch: ScratchTables | None = None
    spawner: ThreadPoolExecutor | None = None


def _spawner() -> ThreadPoolExecutor:
    if _Shared.spawner is None:
        _Shared.spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="livefire-spawner")
    return _Shared.spawner


def shared_worker(read_roots: Sequence[Path] = ()) -> Worker:
    """Return the process's one warm worker, allowed to read below `read_roots` and the shared scratch tables."""
    with _Shared.lock:
        if _Shared.worker is None:
            _Shared.worker = Worker()
        worker = _Shared.worker
    worker.allow([*read_roots, shared_scratch().root])
    return worker


def shared_scratch() -> ScratchTables:
    """Return the process's scratch tables, which the shared worker may read."""
    with _Shared.lock:
        if _Shared.scratch is None:
            _Shared.scratch = ScratchTables()
        return _Shared.scratch


def close_shared_worker() -> None:
    """End the shared worker and remove the scratch tables; the next use makes new ones."""
    with _Shared.lock:
        worker, _Shared.worker = _Shared.worker, None
        scratch, _Shared.scratch = _Shared.scratch, None
    if worker is not None:
        worker.close()
    if scratch is not None:
        scratch.close()


def sandbox_status() -> SandboxStatus:
    """Start a worker of its own and report which layers hold on this machine; raises `WorkerFailure` if none starts."""
    with Worker() as worker:
        return worker.status


def _forget_after_fork() -> None:
    """A forked copy of this process must not talk to the original's worker."""
    _Shared.lock = threading.Lock()
    _Shared.worker = _Shared.scratch = _Shared.spawner = None


os.register_at_fork(after_in_child=_forget_after_fork)
atexit.register(close_shared_worker)
