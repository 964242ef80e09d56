"""Runs programs in a confined child process and trusts nothing that comes back.

The child is a fresh interpreter under Landlock, resource limits and a locked DuckDB (see
`worker_main`). It is kept warm between programs; when a program overruns its budget the
child is killed and replaced.
"""

from __future__ import annotations

import atexit
import math
import os
import shutil
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from livefire.engines import native, wire
from livefire.engines.child import Child, LinkError, OverdueError, SandboxStatus, read_reply
from livefire.engines.failure import WorkerFailure, classify, crashed, poisons, stopped, timed_out
from livefire.engines.program import MIB, Budget, NativeStage, Program, SqlStage, TableFiles
from livefire.engines.scratch import ScratchTables, make_private_folder, remove_folder

if TYPE_CHECKING:
    import pyarrow as pa

    from livefire.engines.stopping import Stop

__all__ = ["Layers", "SandboxStatus", "Worker", "WorkerFailure", "close_shared_worker", "sandbox_status", "shared_scratch", "shared_worker"]

_GRACE_SECONDS = 0.5
_LOOK_SECONDS = 0.2
_RECYCLE_BYTES = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Layers:
    """The worker's layers of defence; each can be left out only so that tests can try the others alone."""

    landlock: bool = True
    engine_lock: bool = True
    select_only: bool = True


class Worker:
    """One query process, started when first needed and safe to share between threads.

    `read_roots` are the only folders whose files a program's tables may lie in (one that does
    not exist yet is picked up once it does). `spill_root` is where the private folder for
    temporary data is made, the system's temporary folder by default. `natives` maps the names
    a `NativeStage` may call to `module:function`; `import_roots` are further folders to import
    those from.
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
        self._spill_root = spill_root
        self._threads = threads
        self._natives = dict(natives)
        self._import_roots = tuple(str(root) for root in import_roots)
        self._layers = layers or Layers()
        self._child: Child | None = None
        self._lock = threading.RLock()
        self._granting = threading.Lock()
        self._closed = False
        # DuckDB reads some facts under /proc and /sys when it starts and aborts where it may not;
        # which ones differs between machines, so a failed start is repeated with all of them readable.
        self._wide_system_reads = False
        self._own_spill()
        self.allow(read_roots)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def allow(self, read_roots: Sequence[Path]) -> None:
        """Let programs read below further folders; the process is replaced before the next program if need be."""
        wanted = [os.path.realpath(root) for root in read_roots]
        with self._granting:  # not the lock of programs: whoever asks would wait for the one that runs
            fresh = [root for root in wanted if not _is_below(root, self._roots)]
            self._roots = (*self._roots, *dict.fromkeys(fresh))

    def start(self) -> None:
        """Begin starting the process without waiting for it, to hide the cold start behind other work."""
        with self._lock:
            if self._child is None or self._child.granted != _identities(self._roots):
                self._replace()

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

    def run(self, program: Program, budget: Budget | None = None, stop: Stop | None = None) -> pa.Table:
        """Run a program and return its last stage's rows, in order.

        Raises `WorkerFailure` and nothing else but KeyboardInterrupt and the like, on which the
        child is killed too. Waits its turn while another thread runs a program; the budget's
        clock starts after that, and after a cold start.
        """
        budget = budget or Budget()
        with self._turn(stop):
            request = self._request(program, budget)
            try:
                child, deadline = self._begin(request, budget)
                if stop is not None:
                    stop.watch(child.strike)
                return self._receive(child, budget, deadline)
            except OverdueError:
                self._replace()
                raise timed_out("killed") from None
            except (LinkError, OSError, ValueError, TypeError, KeyError) as error:
                fate = self._child.fate() if self._child else "not started"
                self._replace()
                if stop is not None and stop.asked:
                    raise stopped() from None
                raise crashed(f"{fate}; {error}") from error
            except WorkerFailure:
                raise
            except BaseException:
                self._kill()
                raise
            finally:
                if stop is not None:
                    stop.leave()

    @contextmanager
    def _turn(self, stop: Stop | None) -> Iterator[None]:
        """Wait until no other thread runs a program, or until the wait is ended: WorkerFailure of kind stopped."""
        while not self._lock.acquire(timeout=-1 if stop is None else _LOOK_SECONDS):
            if stop is not None and stop.asked:
                raise stopped()
        try:
            if stop is not None and stop.asked:
                raise stopped()
            yield
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the child and remove its temporary data; the worker cannot be used again."""
        with self._lock:
            self._closed = True
            self._kill()
            self._finalizer()

    def _own_spill(self) -> None:
        self._spill = make_private_folder("livefire-spill-", self._spill_root)
        self._owner = os.getpid()
        self._finalizer = weakref.finalize(self, remove_folder, self._spill, self._owner)

    def _request(self, program: Program, budget: Budget) -> bytes:
        try:
            _check_budget(budget)
            _check_names(program)
            message = {
                "tables": {name: self._pack_table(name, table) for name, table in program.tables.items()},
                "stages": [_pack_stage(stage) for stage in program.stages],
                "parameters": {name: wire.pack_value(value) for name, value in program.parameters.items()},
                "budget": asdict(budget),
            }
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

    def _begin(self, request: bytes, budget: Budget) -> tuple[Child, float]:
        """Hand a program to the child; one that died before it began, such as while idle, is replaced and asked again."""
        for last in (False, True):
            child = self._ready_child()
            deadline = time.monotonic() + budget.seconds + _GRACE_SECONDS
            try:
                child.link.send(request, deadline)
                kind, payload = child.link.receive(deadline)
            except (LinkError, OSError):
                if last:
                    raise
                self._kill()
            else:
                if kind != wire.JSON_FRAME or read_reply(payload) != {"begun": True}:
                    raise LinkError("an answer before the program began")
                return child, deadline
        raise AssertionError("unreachable")

    def _receive(self, child: Child, budget: Budget, deadline: float) -> pa.Table:
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
        reply = read_reply(payload)
        if "error" in reply:
            error, detail = str(reply["error"])[:100], str(reply.get("detail", ""))[:4000]
            if poisons(error, detail) or int(reply["grown"]) > _RECYCLE_BYTES:
                self._replace()
            raise classify(error, detail)
        table = _read_table(pieces, int(reply["rows"]), budget)
        if int(reply["grown"]) > _RECYCLE_BYTES:
            self._replace()
        return table

    def _ready_child(self) -> Child:
        if self._closed:
            raise WorkerFailure("refused", "the query worker is closed")
        while True:
            try:
                child = self._ensure_child()
                child.wait_ready()
            except (LinkError, OverdueError, OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
                fate = self._child.fate() if self._child else "not started"
                self._kill()
                if self._wide_system_reads:
                    raise WorkerFailure("crashed", "the query worker cannot be started", f"{fate}; {error}") from error
                self._wide_system_reads = True
            except BaseException:
                self._kill()
                raise
            else:
                return child

    def _ensure_child(self) -> Child:
        if self._owner != os.getpid():  # a forked copy must not share the original's process or folder
            self._child = None
            self._own_spill()
        granted = _identities(self._roots)
        if self._child is not None and (self._child.granted != granted or not self._child.alive()):
            self._kill()
        if self._child is None:
            settings = {
                "read_roots": sorted(root for root, _, _ in granted),
                "wide_system_reads": self._wide_system_reads,
                "spill": self._spill,
                "threads": self._threads,
                "natives": self._natives,
                "layers": asdict(self._layers),
            }
            self._child = Child(settings, granted, self._import_roots)
        return self._child

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            _empty_folder(self._spill)

    def _replace(self) -> None:
        """Kill the child and begin starting the next, so that the next program finds it ready."""
        self._kill()
        if not self._closed:
            try:
                self._ensure_child()
            except (LinkError, OverdueError, OSError, RuntimeError):
                self._kill()  # the next program tries again and reports


def _read_table(pieces: list[bytes], rows: int, budget: Budget) -> pa.Table:
    import pyarrow as pa

    joined = b"".join(pieces)
    pieces.clear()
    try:
        with pa.ipc.open_stream(pa.BufferReader(joined)) as reader:
            table = reader.read_all()
        table.validate(full=True)
    except (pa.ArrowException, MemoryError) as error:
        raise LinkError(f"no Arrow stream: {error}") from error
    if table.num_rows != rows:
        raise LinkError(f"{table.num_rows} rows where {rows} were announced")
    if budget.max_rows is not None and rows > budget.max_rows:
        raise LinkError("more rows than the budget allows")
    return table


def _pack_stage(stage: SqlStage | NativeStage) -> dict[str, object]:
    if isinstance(stage, SqlStage):
        stage.sql.encode()
        return {"name": stage.name, "sql": stage.sql}
    return {"name": stage.name, "function": stage.function, "input": stage.input, "spec": dict(stage.spec)}


def _check_budget(budget: Budget) -> None:
    if not (math.isfinite(budget.seconds) and 0 < budget.seconds < 10**8):
        raise ValueError(f"a budget of {budget.seconds} seconds")
    if min(budget.memory_bytes, budget.spill_bytes, budget.result_bytes, budget.max_rows or 0) < 0:
        raise ValueError("a budget below zero")


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
    """Return the roots that exist, told apart from folders of the same name made later (Landlock binds the folder, not its name)."""
    found = []
    for root in roots:
        try:
            entry = os.stat(root)  # noqa: PTH116 - for every program, so cheap
        except OSError:
            continue
        found.append((root, entry.st_dev, entry.st_ino))
    return frozenset(found)


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


class _Shared:
    """The process-wide worker and its scratch tables."""

    lock = threading.Lock()
    worker: Worker | None = None
    scratch: ScratchTables | None = None


def shared_worker(read_roots: Sequence[Path] = ()) -> Worker:
    """Return the process's one warm worker, allowed to read below `read_roots` and the shared scratch tables."""
    scratch = shared_scratch()
    with _Shared.lock:
        if _Shared.worker is None:
            _Shared.worker = Worker()
        worker = _Shared.worker
    worker.allow([*read_roots, scratch.root])
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
    _Shared.worker = _Shared.scratch = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
atexit.register(close_shared_worker)
