"""Reading processes: jobs of files handed out, and their questions answered in the order of the jobs.

Which of two equal events is stored must not depend on which process is faster. So the first question
of a job waits until every earlier job has asked its last one; meanwhile its process holds one batch
and no more, which also bounds memory. Files are written by the processes and committed here.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from livefire.interpreter import command
from livefire.logsources.limits import Limits
from livefire.store.link import Link
from livefire.store.table import Part

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(slots=True)
class Written:
    """What a process wrote after the question of that ticket: a file of one log source, None for no new event; counts are by the number of the file."""

    ticket: int
    source: str
    part: Part | None
    stored: dict[int, int]
    duplicates: dict[int, int]


class Owner(Protocol):
    """The ingest that the processes read for."""

    def ask(self, ticket: int, source: str, keys: pa.Table) -> list[int]:
        """Return the places of rows that are not new; questions come in the order of the files."""

    def commit(self, written: list[Written]) -> None:
        """Make what was written part of the lake."""

    def finish(self, files: list[dict[str, Any]], reports: list[dict[str, Any]]) -> None:
        """Take the reports of a job's files, whose events are committed."""

    def lost(self, files: list[dict[str, Any]], why: str) -> None:
        """Take the files of a job of one file that ended its process."""


@dataclass(slots=True)
class _Job:
    number: int
    files: list[dict[str, Any]]


@dataclass(slots=True, eq=False)
class _Process:
    link: Link
    process: subprocess.Popen[bytes]
    job: _Job | None = None
    question: tuple[list[str], list[pa.Table], bool] | None = None
    answered: bool = False
    tickets: tuple[int, ...] = ()


class ReaderError(Exception):
    """A reading process ended after its events had been judged; a new ingest completes what is missing."""


def read_jobs(jobs: Iterator[list[dict[str, Any]]], owner: Owner, lake: Path, source: str, limits: Limits, processes: int) -> None:
    """Read jobs of files in several processes; when it returns, all of it is committed.

    A process that ends while it reads has its files read again one by one, and the one that ends it
    again is given to `owner.lost`. All processes are ended when this returns or raises.
    """
    run = _Run(jobs, owner, {"lake": str(lake), "source": source, "limits": asdict(limits)})
    try:
        run.start(processes)
        run.loop()
    finally:
        run.end()


class _Run:
    def __init__(self, jobs: Iterator[list[dict[str, Any]]], owner: Owner, settings: dict[str, Any]) -> None:
        self._jobs, self._owner, self._settings = jobs, owner, settings
        self._again: deque[_Job] = deque()
        self._processes: list[_Process] = []
        self._next = self._turn = self._tickets = 0
        self._exhausted = False

    def start(self, count: int) -> None:
        """Start processes and give each a job."""
        for _ in range(count):
            process = self._launch()
            if not self._give(process):
                break

    def loop(self) -> None:
        """Serve the processes until every job is done."""
        while any(one.job is not None for one in self._processes):
            busy = [one for one in self._processes if one.job is not None]
            ready, _, _ = select.select([one.link for one in busy], [], [])
            for one in busy:
                if one.link in ready:
                    self._hear(one)
            self._answer()

    def end(self) -> None:
        """End all processes, whatever they do."""
        for one in self._processes:
            one.link.close()
            _kill(one.process)

    def _launch(self) -> _Process:
        process, end = _start()
        found = _Process(Link(end), process)
        self._processes.append(found)
        found.link.send(self._settings)
        return found

    def _give(self, process: _Process) -> bool:
        job = self._next_job()
        process.job, process.question, process.answered = job, None, False
        if job is not None:
            _send(process, {"files": job.files})
        return job is not None

    def _next_job(self) -> _Job | None:
        if self._again:
            return self._again.popleft()
        files = None if self._exhausted else next(self._jobs, None)
        if files is None:
            self._exhausted = True
            return None
        job = _Job(self._next, files)
        self._next += 1
        return job

    def _hear(self, process: _Process) -> None:
        try:
            message = process.link.receive()
            if "flush" in message:
                tables = [process.link.receive_table() for _ in message["flush"]]
                process.question = (message["flush"], tables, bool(message["last"]))
                return
        except EOFError:
            self._bury(process)
            return
        if "error" in message:
            raise OSError(*message["error"])
        self._owner.commit([_written(ticket, one) for ticket, one in zip(process.tickets, message["written"], strict=True)])
        if message["files"] is None:
            process.answered = True
            return
        if process.job is not None:
            self._owner.finish(process.job.files, message["files"])
        self._give(process)

    def _answer(self) -> None:
        """Answer the questions whose turn it is."""
        waiting = True
        while waiting:
            waiting = False
            for process in self._processes:
                job, question = process.job, process.question
                if job is None or question is None or job.number != self._turn:
                    continue
                names, tables, last = question
                process.question, process.answered = None, True
                process.tickets = tuple(range(self._tickets, self._tickets + len(names)))
                self._tickets += len(names)
                asked = zip(process.tickets, names, tables, strict=True)
                _send(process, {"fresh": [self._owner.ask(ticket, name, table) for ticket, name, table in asked]})
                self._turn += last
                waiting = bool(last)

    def _bury(self, process: _Process) -> None:
        """Replace a process that ended, and have its job read again file by file."""
        self._processes.remove(process)
        process.link.close()
        _kill(process.process, 1.0)  # what ended it is worth a moment
        job, code = process.job, process.process.returncode
        why = f"the process that read it ended ({f'signal {-code}' if code < 0 else f'exit code {code}'})"
        assert job is not None
        if process.answered:
            raise ReaderError(f"{why}; run the ingest again to complete it")
        if len(job.files) == 1:
            self._owner.lost(job.files, why)
            self._turn += 1
        else:
            self._split(job)
        fresh = self._launch()
        self._give(fresh)

    def _split(self, job: _Job) -> None:
        """Put jobs of one file in a job's place; those behind it move back."""
        halves = [[file] for file in job.files]
        for waiting in self._processes:
            if waiting.job is not None and waiting.job.number > job.number:
                waiting.job.number += len(halves) - 1
        for later in self._again:
            later.number += (len(halves) - 1) * (later.number > job.number)
        self._next += len(halves) - 1
        self._again.extendleft(_Job(job.number + at, files) for at, files in reversed(list(enumerate(halves))))


def _send(process: _Process, message: dict[str, Any]) -> None:
    """Send a message; that a process has ended meanwhile is heard when it is listened to next."""
    with suppress(EOFError):
        process.link.send(message)


def _written(ticket: int, message: dict[str, Any]) -> Written:
    part = message["part"]
    if part is not None:
        moments = {name: datetime.fromisoformat(part[name]) if part[name] else None for name in ("first", "last")}
        part = Part(**{**part, **moments})
    return Written(ticket, message["source"], part, {int(k): v for k, v in message["stored"]}, {int(k): v for k, v in message["duplicates"]})


def _start() -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(  # noqa: S603  # our own interpreter and script
                command(Path(__file__).with_name("reader_main.py"), str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=_environment(),
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
    return process, ours


def _environment() -> dict[str, str]:
    """Return the environment of a process: memory that is freed is used again, since fresh pages cost more than parsing."""
    return {
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
        "MALLOC_TRIM_THRESHOLD_": str(1 << 28),
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "ARROW_IO_THREADS": "1",
    }


def _kill(process: subprocess.Popen[bytes], patience: float = 0.0) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
    process.wait()
