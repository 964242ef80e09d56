"""The audit log: who did what and when, a JSON object a line, so that no name can forge a second line."""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from pathlib import Path
from typing import Any

from livefire.workspace.clock import present

_SHOWN = 200


class Audit:
    """Appends to a file that only its owner reads; without one the latest entries are kept in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._latest: deque[dict[str, Any]] = deque(maxlen=_SHOWN)
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._latest.extend(_tail(path))

    def note(self, user: str, action: str, **details: Any) -> None:
        """Write one entry."""
        entry = {"time": present().isoformat(timespec="seconds"), "user": user, "action": action, **details}
        line = json.dumps(entry, default=str).encode() + b"\n"
        with self._lock:
            self._latest.append(entry)
            if self._path is not None:
                handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    os.write(handle, line)
                finally:
                    os.close(handle)

    def latest(self) -> list[dict[str, Any]]:
        """Return the latest entries, newest first."""
        with self._lock:
            return list(reversed(self._latest))


def _tail(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (64 << 10)))
        lines = file.read().splitlines()
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found[-_SHOWN:]
