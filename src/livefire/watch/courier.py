"""Carries messages to one sink, in order, until it has taken each of them or they are given up."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from livefire.watch.faults import WatchError
from livefire.watch.journal import Journal
from livefire.watch.sinks import Sink, SinkError
from livefire.watch.spans import span
from livefire.watch.state.outbox import LONGEST_WAIT, Message, Outbox

_FIRST = 2.0
_FINAL_TRIES = 5
_IDLE = 0.5


class Courier:
    """One thread a sink, so that a slow sink delays no other."""

    def __init__(self, sink: Sink, outbox: Outbox, clock: Callable[[], datetime], journal: Journal) -> None:
        self._sink, self._outbox, self._clock, self._journal = sink, outbox, clock, journal
        self._give_up = span(sink.give_up)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sink {sink.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Carry what is due now if that is quick, then end."""
        self._stop.set()
        self._thread.join(seconds)
        self._sink.close()

    def _run(self) -> None:
        while True:
            last = self._stop.is_set()
            try:
                busy = self.carry()
            except WatchError as error:
                self._journal.say("sink.state", sink=self._sink.name, error=str(error))
                busy = False
            if last:
                return
            if not busy:
                self._stop.wait(_IDLE)

    def carry(self) -> bool:
        """Send what is due; return whether something was sent. The first message that fails ends the round."""
        sent = False
        for message in self._outbox.due(self._sink.name, self._clock()):
            try:
                self._sink.send(message)
            except (SinkError, OSError, WatchError) as error:
                self._failed(message, str(error), final=isinstance(error, SinkError) and error.final)
                return sent
            except Exception as error:  # noqa: BLE001 - a message that cannot be made is given up in the open, and ends neither this thread nor those behind it
                self._failed(message, f"the message cannot be made: {type(error).__name__}: {error}", final=True)
                return sent
            self._outbox.sent((message,), self._clock())
            sent = True
        return sent

    def _failed(self, message: Message, reason: str, *, final: bool) -> None:
        now = self._clock()
        given_up = now - message.created >= self._give_up or (final and message.tries + 1 >= _FINAL_TRIES)
        wait = min(_FIRST * 2 ** min(message.tries, 20), LONGEST_WAIT.total_seconds()) * (0.5 + secrets.randbelow(1_000) / 1_000)
        self._outbox.failed(message, reason, None if given_up else now + timedelta(seconds=wait))
        self._journal.say("sink.dead" if given_up else "sink.failed", sink=self._sink.name, tries=message.tries + 1, reason=reason)
