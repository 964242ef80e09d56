"""The upkeep of a lake on its schedule, and never of what a rule has still to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from livefire.store import apart, upkeep
from livefire.store.lake import Lake
from livefire.watch.config import Operations
from livefire.watch.journal import Journal
from livefire.watch.spans import span
from livefire.watch.state.outbox import Outbox

Seen = Callable[[], dict[str, int]]


class Housekeeping:
    """Compacts, retains and vacuums; each again after its length of time, the first time one length after the start."""

    def __init__(self, said: Operations, lake: Lake, outbox: Outbox, clock: Callable[[], datetime], journal: Journal, seen: Seen) -> None:
        self._said, self._lake, self._outbox, self._clock, self._journal, self._seen = said, lake, outbox, clock, journal, seen
        self._last = dict.fromkeys(("compact", "vacuum"), clock())

    def round(self) -> None:
        """Do what is due; OSError or LakeError when the lake cannot be written."""
        now = self._clock()
        if self._due("compact", self._said.compact, now):
            if self._said.retain:
                self._tell("retained", apart.retain(self._lake, now - span(self._said.retain), now))
            self._tell("compacted", apart.compact(self._lake, now))
        if self._due("vacuum", self._said.vacuum, now):
            self._tell("vacuumed", upkeep.vacuum(self._lake, now, max(span(self._said.keep_versions), timedelta(hours=1)), self._seen()))
            self._outbox.prune()

    def _due(self, name: str, every: str, now: datetime) -> bool:
        if not every or now - self._last[name] < span(every):
            return False
        self._last[name] = now
        return True

    def _tell(self, event: str, done: Sequence[upkeep.Upkeep]) -> None:
        for one in done:
            if one.before != one.after or one.dropped or one.freed:
                self._journal.say(event, table=one.table, files=f"{one.before} to {one.after}", dropped=one.dropped, freed=one.freed)
