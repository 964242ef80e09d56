"""Messages to sinks, kept in the same transaction as what they tell of, until each sink has taken them.

A message's `key` never changes: a sink that is given one twice can tell. At least once, in order for each sink.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import msgspec
import sqlalchemy as sa

from livefire.watch.faults import WatchError
from livefire.watch.state import tables as t
from livefire.watch.state.database import Database

_KEPT_SENT = 10_000
LONGEST_WAIT = timedelta(minutes=5)
"""Between two tries, but for chance."""


class Message(msgspec.Struct, frozen=True):
    """One message to one sink; `kind` is alert.opened, alert.changed, alert.withdrawn, incident.opened or rule.disabled."""

    id: int
    sink: str
    key: str
    fingerprint: str
    kind: str
    body: dict[str, Any]
    tries: int
    created: datetime


class Outbox:
    """What is still to be sent."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, connection: sa.Connection, sinks: Sequence[str], kind: str, key: str, fingerprint: str, body: Mapping[str, Any], now: datetime) -> None:
        """Queue a message for each sink; the same key a second time adds nothing."""
        c = t.outbox.c
        had = set(connection.execute(sa.select(c.sink).where(c.key == key)).scalars())
        base = {"key": key, "kind": kind, "fingerprint": fingerprint, "body": dict(body), "state": "waiting", "tries": 0}
        rows = [{**base, "sink": s, "created": now, "due": now, "sent": None, "error": ""} for s in sinks if s not in had]
        if rows:
            connection.execute(t.outbox.insert(), rows)

    def due(self, sink: str, now: datetime, most: int = 50) -> tuple[Message, ...]:
        """Return what a sink is to be given now, the oldest first; while one waits for another try, those behind it wait too."""
        c = t.outbox.c
        chosen = sa.select(t.outbox).where(c.sink == sink, c.state == "waiting").order_by(c.id).limit(most)
        with self._database.reading() as connection:
            rows = takewhile(lambda row: _is_due(row["tries"], row["due"], now), connection.execute(chosen).mappings().all())
            return tuple(Message(**{n: row[n] for n in Message.__struct_fields__}) for row in rows)

    def next_due(self, sink: str) -> datetime | None:
        """Return when a sink is to be tried next, None when nothing waits."""
        c = t.outbox.c
        with self._database.reading() as connection:
            return connection.execute(sa.select(sa.func.min(c.due)).where(c.sink == sink, c.state == "waiting")).scalar()

    def sent(self, messages: Sequence[Message], now: datetime) -> None:
        """Note that a sink has taken messages."""
        c = t.outbox.c
        with self._database.writing() as connection:
            for message in messages:
                connection.execute(t.outbox.update().where(c.id == message.id).values(state="sent", sent=now, tries=c.tries + 1, error=""))

    def failed(self, message: Message, error: str, due: datetime | None) -> None:
        """Note that a sink did not take a message; with no `due` it is given up and stays as a dead letter."""
        c = t.outbox.c
        values: dict[str, Any] = {"tries": c.tries + 1, "error": error[:500]}
        values |= {"state": "dead"} if due is None else {"due": due}
        with self._database.writing() as connection:
            connection.execute(t.outbox.update().where(c.id == message.id).values(**values))

    def resend(self, now: datetime, sink: str = "") -> int:
        """Put dead letters back into the queue and return how many; WatchError E705 for a sink that nothing was ever for."""
        c = t.outbox.c
        with self._database.writing() as connection:
            if sink and connection.execute(sa.select(c.id).where(c.sink == sink).limit(1)).first() is None:
                raise WatchError("E705", f"nothing was ever for a sink named {sink}")
            where = (c.state == "dead", c.sink == sink) if sink else (c.state == "dead",)
            return int(connection.execute(t.outbox.update().where(*where).values(state="waiting", due=now, tries=0)).rowcount)

    def prune(self) -> None:
        """Drop all but the last ten thousand messages that were sent."""
        c = t.outbox.c
        with self._database.writing() as connection:
            cut = connection.execute(sa.select(c.id).where(c.state == "sent").order_by(c.id.desc()).limit(1).offset(_KEPT_SENT)).scalar()
            if cut is not None:
                # An opening message stays as long as its alert: it is what keeps an alert from being sent a second time.
                connection.execute(t.outbox.delete().where(c.state == "sent", c.id <= cut, c.kind != "alert.opened"))


def _is_due(tries: int, due: datetime, now: datetime) -> bool:
    """True for what was never tried, and where the clock has come to the next try, or was set back from before it."""
    return not tries or due <= now or due - now > 2 * LONGEST_WAIT
