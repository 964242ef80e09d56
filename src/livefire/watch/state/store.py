"""A state opened: the desk where people work, the ledger that a watch keeps, and the health of it all."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from livefire.watch.records import Health
from livefire.watch.state.database import Database, open_database
from livefire.watch.state.desk import Desk
from livefire.watch.state.health import health
from livefire.watch.state.ledger import Ledger
from livefire.watch.state.outbox import Outbox


def default_url(lake: Path) -> str:
    """Return where the state of a lake lies unless a configuration says otherwise: a file below the lake."""
    return f"sqlite:///{lake.absolute() / 'watch' / 'state.sqlite'}"


class State:
    """What a watch knows and people decide. `desk` is for people, `ledger` and `outbox` for the watch."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.desk = Desk(database)
        self.ledger = Ledger(database)
        self.outbox = Outbox(database)

    @staticmethod
    def open(url: str, *, make: bool = True) -> State:
        """Open a state, make it, or move it to the present schema; WatchError E703 or E704 when that cannot be."""
        return State(open_database(url, make=make))

    def health(self, now: datetime) -> Health:
        """Return how everything stands, with what is not as it should be in words."""
        with self.database.reading() as connection:
            return health(connection, now)

    def close(self) -> None:
        """Let go of the connections."""
        self.database.engine.dispose()
