"""From sources into the lake: events first, then the note that they were taken, then the source lets go."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from livefire.store.ingest import ingest
from livefire.store.lake import Lake, LakeError
from livefire.store.report import IngestReport
from livefire.store.walk import shown
from livefire.watch.faults import WatchError
from livefire.watch.journal import Journal
from livefire.watch.sources import Batch, Intake
from livefire.watch.state.ledger import Ledger

_UNREAD = ("E401", "E403", "E415")
_LEFT_OUT = ("E402", "E407")
"""Hidden files, devices, digests: no event could have been in them."""
_MOST_SAID = 5
_WAIT, _LONGEST = timedelta(seconds=2), timedelta(minutes=5)


@dataclass
class _Standing:
    failures: int = 0
    next: datetime | None = None
    state: str = ""
    started: bool = False


class Reception:
    """Asks each source in turn. One that fails waits longer and longer and keeps no other waiting."""

    def __init__(self, sources: Sequence[Intake], lake: Lake, ledger: Ledger, clock: Callable[[], datetime], journal: Journal, most: int) -> None:
        self._sources, self._lake, self._ledger, self._clock, self._journal, self._most = sources, lake, ledger, clock, journal, most
        self._standing = {s.name: _Standing() for s in sources}

    def round(self) -> int:
        """Take what every source has now; return how many events were stored."""
        return sum(self._ask(source) for source in self._sources)

    def _ask(self, source: Intake) -> int:
        standing, now = self._standing[source.name], self._clock()
        if standing.next is not None and now < standing.next <= now + _LONGEST:  # a clock that was set back makes no source wait for it
            return 0
        try:
            stored = self._take(source, standing, now)
        except (WatchError, LakeError, OSError) as error:
            standing.failures += 1
            standing.next = now + min(_WAIT * 2 ** min(standing.failures, 10), _LONGEST)
            words = str(error) if isinstance(error, (WatchError, LakeError)) else f"{(error.strerror or str(error)).lower()}: {error.filename or 'the lake'}"
            self._stand(source, standing, "failing", words)
            return 0
        standing.failures, standing.next = 0, None
        return stored

    def _take(self, source: Intake, standing: _Standing, now: datetime) -> int:
        if not standing.started:
            with self._ledger.reading() as connection:
                taken = self._ledger.taken(connection, source.name)
            source.start(taken)
            standing.started = True
        batch = source.poll(now, self._most)
        if not batch.paths and not batch.items and not batch.tokens:
            self._stand(source, standing, "ok", "")
            return 0
        report = ingest(batch.paths, self._lake, source=source.source or None, now=now) if batch.paths else IngestReport()
        unread = {f.path: f for f in report.files if f.code in _UNREAD}
        kept = _without(batch, unread.keys())
        counts = {"files": len(kept.paths), "records": report.records, "stored": report.stored, "quarantined": report.quarantined}
        words = f"{next(iter(unread))}: {next(iter(unread.values())).reason}" if unread else ""
        with self._ledger.writing() as connection:
            self._ledger.take(connection, source.name, kept.items, now)
            self._ledger.source(connection, source.name, source.kind, "failing" if unread else "ok", words, counts, now)
        standing.state = "failing" if unread else "ok"
        source.done(kept)
        self._journal.say("ingest", source=source.name, **counts, duplicates=report.duplicates)
        for file in [f for f in report.skipped if f.code not in (*_UNREAD, *_LEFT_OUT)][:_MOST_SAID]:
            self._journal.say("source.skipped", source=source.name, file=file.path, code=file.code, reason=file.reason)
        if unread:
            standing.next = now + _WAIT
            self._journal.say("source.unread", source=source.name, files=len(unread), reason=words)
        return report.stored

    def _stand(self, source: Intake, standing: _Standing, state: str, words: str) -> None:
        """Show how a source stands, when that changes."""
        if standing.state == state + words:
            return
        with self._ledger.writing() as connection:
            self._ledger.source(connection, source.name, source.kind, state, words)
        standing.state = state + words
        if words:
            self._journal.say("source.failing", source=source.name, reason=words)

    def close(self) -> None:
        """End the sources."""
        for source in self._sources:
            source.close()


def _without(batch: Batch, names: Collection[str]) -> Batch:
    """Return a batch without the files that could not be read, which are offered again."""
    if not names:
        return batch
    items = list(batch.items.items())
    pairs = [(p, items[n] if n < len(items) else None) for n, p in enumerate(batch.paths)]
    kept = [(p, i) for p, i in pairs if shown(p) not in names]
    return Batch(tuple(p for p, _ in kept), {i[0]: i[1] for _, i in kept if i is not None}, batch.tokens if len(kept) == len(pairs) else ())
