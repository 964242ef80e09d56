"""How a run is stopped from another thread, by whoever asked for it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Stop:
    """Handed to a run with its budget; once asked for, the run ends with E761, also one that still waits its turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None
        self._asked = False

    @property
    def asked(self) -> bool:
        """True once somebody asked."""
        return self._asked

    def ask(self) -> None:
        """End the run, whatever it is at."""
        with self._lock:
            self._asked = True
            if self._end is not None:
                self._end()

    def watch(self, end: Callable[[], None]) -> None:
        """Say how what runs now is ended; it is at once when that was asked for before."""
        with self._lock:
            self._end = end
            if self._asked:
                end()

    def leave(self) -> None:
        """Say that nothing runs any more."""
        with self._lock:
            self._end = None
