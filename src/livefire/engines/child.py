"""The query worker process as its parent sees it: started, spoken to under deadlines, killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from livefire.engines import landlock, wire
from livefire.engines.failure import WorkerFailure

BOOT_SECONDS = 60.0
_PACKAGES = ("livefire", "duckdb", "pyarrow", "numpy")


class OverdueError(Exception):
    """The child did not answer in time."""


class LinkError(Exception):
    """The child ended or sent something that is no message."""


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


class Frame(NamedTuple):
    """One message of the child."""

    kind: bytes
    payload: bytes


class Link:
    """The parent's end of the socket: every wait has a deadline and every length a cap."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def send(self, data: bytes, deadline: float) -> None:
        """Send whole frames; raises OverdueError, or OSError when the child is gone."""
        self._socket.settimeout(_remaining(deadline))
        try:
            self._socket.sendall(data)
        except TimeoutError:
            raise OverdueError from None

    def receive(self, deadline: float) -> Frame:
        """Return the next frame; raises OverdueError, LinkError or OSError."""
        kind, length = wire.HEADER.unpack(self._read(wire.HEADER.size, deadline))
        limit = {wire.JSON_FRAME: wire.MAX_REPLY, wire.ARROW_FRAME: wire.MAX_ARROW_FRAME}.get(kind, -1)
        if length > limit:
            raise LinkError(f"frame {kind!r} of {length} bytes")
        return Frame(kind, self._read(length, deadline))

    def close(self) -> None:
        """Hang up; an idle child ends on it."""
        self._socket.close()

    def _read(self, length: int, deadline: float) -> bytes:
        data = bytearray(length)
        view = memoryview(data)
        while view:
            self._socket.settimeout(_remaining(deadline))
            try:
                count = self._socket.recv_into(view)
            except TimeoutError:
                raise OverdueError from None
            if count == 0:
                raise LinkError("end of stream")
            view = view[count:]
        return bytes(data)


class Child:
    """A running worker process, the socket to it, and the identities of the folders it may read."""

    def __init__(self, settings: Mapping[str, object], granted: frozenset[tuple[str, int, int]], import_roots: Sequence[str]) -> None:
        self.granted = granted
        self._owner = os.getpid()
        self._status: SandboxStatus | None = None
        self.process, end = _launch(str(settings["spill"]), [*import_roots, *_package_roots()])
        self.link = Link(end)
        try:
            self.link.send(wire.frame(settings), time.monotonic() + BOOT_SECONDS)
        except BaseException:
            self.kill()
            raise

    def wait_ready(self) -> SandboxStatus:
        """Wait for the end of the start; raises `WorkerFailure` where the child reports that it cannot confine itself."""
        if self._status is None:
            try:
                kind, payload = self.link.receive(time.monotonic() + BOOT_SECONDS)
            except OverdueError:
                raise LinkError("no answer") from None
            if kind != wire.JSON_FRAME:
                raise LinkError("data before the start")
            reply = read_reply(payload)
            if "error" in reply:
                raise WorkerFailure("refused", "the query worker could not set up its sandbox", f"{reply['error']}: {reply.get('detail', '')}"[:4000])
            self._status = _read_status(reply["ready"])
        return self._status

    def alive(self) -> bool:
        """True while the process runs and was started by this very process, not by one that we were forked from."""
        return self._owner == os.getpid() and self.process.poll() is None

    def fate(self) -> str:
        """Say how the process ended, waiting a moment for the end."""
        try:
            code = self.process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            return "still running"
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def strike(self) -> None:
        """End the process and leave the rest to whoever waits for its answer; another thread may call it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End the process and what it started."""
        self.link.close()
        if self._owner == os.getpid():
            _kill_group(self.process)


def read_reply(payload: bytes) -> dict[str, Any]:
    """Return a JSON reply of the child; raises LinkError when it is none."""
    try:
        reply = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise LinkError(f"a reply that is no JSON: {error}") from None
    if not isinstance(reply, dict):
        raise LinkError("a reply that is no object")
    return reply


def _read_status(ready: Mapping[str, Any]) -> SandboxStatus:
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


class _Spawner:
    """The one thread that starts children: the kernel ends a child together with the thread that started it."""

    lock = threading.Lock()
    pool: ThreadPoolExecutor | None = None


def _forget_spawner() -> None:
    _Spawner.lock = threading.Lock()
    _Spawner.pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_spawner)


def _launch(home: str, import_roots: list[str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    with _Spawner.lock:
        if _Spawner.pool is None:
            _Spawner.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="livefire-spawner")
        future = _Spawner.pool.submit(_start_process, home, import_roots)
    try:
        return future.result()
    except BaseException:
        future.add_done_callback(_discard)
        raise


def _start_process(home: str, import_roots: list[str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    if not sys.executable:
        raise OSError("no Python interpreter to start")
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            script = str(Path(__file__).with_name("worker_main.py"))
            # -I and -S: no environment, no site hooks, no current folder; what may be imported is listed.
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


def _discard(future: Future[tuple[subprocess.Popen[bytes], socket.socket]]) -> None:
    if not future.cancelled() and future.exception() is None:
        process, end = future.result()
        end.close()
        _kill_group(process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()  # killed between fork and the making of its own group
    process.wait()


def _package_roots() -> list[str]:
    roots: list[str] = []
    for name in _PACKAGES:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            roots.append(str(Path(os.path.realpath(spec.origin)).parents[1]))
    return list(dict.fromkeys(roots))


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


def _remaining(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise OverdueError
    return left
