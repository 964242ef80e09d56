"""What sources share that read messages from a queue: they wait in the spool until the lake has all of them, and only then is the queue told."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from livefire.watch.sources.base import Batch, Spool

_GZIP = b"\x1f\x8b"


class Queued(ABC):
    """Offers the same messages until all of them are in the lake; after a crash the queue gives them again."""

    kind = ""

    def __init__(self, name: str, source: str, spool: Path) -> None:
        self.name, self.source = name, source
        self._spool = Spool(spool)
        self._waiting = Batch(())
        self._read: tuple[Sequence[bytes], Sequence[object]] | None = None

    def start(self, taken: Mapping[str, str]) -> None:
        """Connect; what lies in the spool was never confirmed, and comes again."""
        del taken
        self._spool.start()
        self._spool.drop(self._spool.waiting(1_000_000))
        self.connect()

    @abstractmethod
    def connect(self) -> None:
        """Make what talks to the queue."""

    @abstractmethod
    def read(self) -> tuple[Sequence[bytes], Sequence[object]]:
        """Return messages that are new, and what confirms all of them; WatchError when the queue cannot be asked."""

    @abstractmethod
    def confirm(self, tokens: Sequence[object]) -> None:
        """Tell the queue that the messages behind these are in the lake."""

    def poll(self, now: datetime, most: int) -> Batch:
        """Return messages as one file and what confirms them."""
        del most
        if not self._waiting.paths:
            # A queue goes on behind what it gave, so what a full disk did not take is held until it does.
            self._read = self._read or self.read()
            bodies, tokens = self._read
            self._waiting = Batch(self._kept(bodies, now), tokens=tuple(tokens))
            self._read = None
        return self._waiting

    def _kept(self, bodies: Iterable[bytes], now: datetime) -> tuple[Path, ...]:
        """Put messages into the spool: text together, what is packed each by itself."""
        told = [body for body in bodies if body.strip()]
        stamp = f"{now:%Y%m%dT%H%M%S%f}"
        named = [(f"{stamp}-{hashlib.sha256(body).hexdigest()[:16]}.gz", body) for body in told if body.startswith(_GZIP)]
        text = b"\n".join(body for body in told if not body.startswith(_GZIP))
        if text:
            named.append((f"{stamp}-{hashlib.sha256(text).hexdigest()[:16]}.json", text + b"\n"))
        return tuple(self._spool.put(name, body) for name, body in named)

    def done(self, batch: Batch) -> None:
        """Remove what the lake has, and confirm the messages once all of them are there."""
        self._spool.drop(batch.paths)
        if not batch.tokens:
            self._waiting = Batch(tuple(p for p in self._waiting.paths if p not in batch.paths), tokens=self._waiting.tokens)
            return
        self._waiting = Batch(())
        self.confirm(batch.tokens)
