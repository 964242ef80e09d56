"""What a watch says while it runs: one line an event, JSON or words; every text is made safe for terminals."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime

from livefire.report.safe import safe_text


class Journal:
    """Writes lines; safe to share between threads."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], datetime], *, as_json: bool = False) -> None:
        self._write, self._clock, self._json = write, clock, as_json
        self._lock = threading.Lock()

    def say(self, event: str, **facts: object) -> None:
        """Write that something happened, with its facts."""
        now = self._clock()
        if self._json:
            line = json.dumps({"time": now.isoformat(), "event": event, **facts}, default=str)
        else:
            told = " ".join(f"{name}={safe_text(str(value))}" for name, value in facts.items() if value not in ("", None))
            line = f"{now:%Y-%m-%d %H:%M:%S} {event}{' ' if told else ''}{told}"
        with self._lock:
            self._write(line + "\n")
