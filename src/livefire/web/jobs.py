"""Long work in threads of its own, watched and ended by pages: what it is doing, what came of it."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from livefire import QueryError, Stop, StoppedError

MOST_KEPT = 100
MOST_RUNNING = 4
STOPPED = "E761 it was stopped before its end"


@dataclass
class Job:
    """One piece of work. `state` is running, done, failed or stopped; one that was asked to stop runs until it has."""

    id: str
    title: str
    owner: str
    state: str = "running"
    doing: str = ""
    result: Any = None
    fault: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)
    version: int = 0
    stop: Stop = field(default_factory=Stop)

    def tell(self, text: str) -> None:
        """Say what is being done; StoppedError once somebody asked it to stop."""
        if self.stop.asked:
            raise StoppedError
        self._say(text)

    def ask_to_stop(self) -> bool:
        """End what it runs now and whatever it would begin; False where it has ended already."""
        if self.state != "running":
            return False
        self._say("stopping")
        self.stop.ask()
        return True

    def _say(self, text: str) -> None:
        with self.changed:
            self.doing, self.version = text, self.version + 1
            self.changed.notify_all()

    def end(self, state: str, result: Any = None, fault: str = "") -> None:
        """Say what came of it."""
        with self.changed:
            self.state, self.result, self.fault, self.version = state, result, fault, self.version + 1
            self.changed.notify_all()

    def wait(self, version: int, seconds: float) -> dict[str, Any]:
        """Return how it stands once it is past a version, or after some seconds."""
        with self.changed:
            self.changed.wait_for(lambda: self.version > version or self.state != "running", seconds)
            return {"id": self.id, "title": self.title, "state": self.state, "doing": self.doing, "version": self.version, "fault": self.fault}


Work = Callable[[Job], Any]


class BusyError(Exception):
    """As much is running as may run at once."""


class Jobs:
    """The work of one server."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, title: str, work: Work, owner: str = "", *, key: str = "") -> Job:
        """Start work and return its job; the one of that key that still runs, where there is one. BusyError when too much runs."""
        with self._lock:
            running = [j for j in self._jobs.values() if j.state == "running"]
            same = next((j for j in running if key and j.id.startswith(f"{key}-") and not j.stop.asked), None)
            if same is not None:
                return same
            if len(running) >= MOST_RUNNING:
                raise BusyError
            job = Job(f"{key or 'job'}-{secrets.token_hex(8)}", title, owner)
            self._jobs[job.id] = job
            while len(self._jobs) > MOST_KEPT:
                self._jobs.pop(next(k for k, j in self._jobs.items() if j.state != "running"))
        threading.Thread(target=_run, args=(job, work), name=f"livefire-{job.id}", daemon=True).start()
        return job

    def find(self, name: str) -> Job:
        """Return a job; KeyError for one that is not known any more."""
        with self._lock:
            return self._jobs[name]

    def listed(self) -> list[dict[str, Any]]:
        """Return the jobs, newest first."""
        with self._lock:
            return [
                {"id": j.id, "title": j.title, "owner": j.owner, "state": j.state, "doing": j.doing, "fault": j.fault} for j in reversed(self._jobs.values())
            ]


def _run(job: Job, work: Work) -> None:
    try:
        result = work(job)
    except StoppedError:
        job.end("stopped", fault=STOPPED)
    except QueryError as error:
        first = next((d for d in error.diagnostics if d.severity == "error"), None)
        job.end("failed", fault=f"{first.code} {first.message}" if first else "it cannot be run")
    except Exception as error:  # noqa: BLE001 - a job has nobody above it; what failed is told where it is watched
        job.end("failed", fault=f"E009 a fault of livefire itself ({type(error).__name__})")
    else:
        job.end("done", result)
