"""The tables of the state, for SQLite and PostgreSQL alike. Moments are whole microseconds since 1970 UTC, JSON is ASCII text."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Dialect, Float, Index, Integer, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970, the same on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Return microseconds."""
        return None if value is None else (value - _EPOCH) // _TICK

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Return the moment in UTC."""
        return None if value is None else _EPOCH + value * _TICK


class Said(TypeDecorator[str]):
    """Text that a log may have said: NUL and lone surrogates, which databases refuse, become U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Return text any database takes."""
        return None if value is None else value.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


class Json(TypeDecorator[Any]):
    """A JSON value as ASCII text, so that nothing a log said can upset a database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Return JSON text; what JSON does not know is written as its text."""
        return None if value is None else json.dumps(value, default=str)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Return the value."""
        return None if value is None else json.loads(value)


metadata = MetaData()


def _number() -> Column[int]:
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


alerts = Table(
    "alerts",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("rule", Said, nullable=False),
    Column("title", Said, nullable=False),
    Column("severity", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("risk", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Said, nullable=False),
    Column("actor", Said, nullable=False),
    Column("account", Said, nullable=False),
    Column("incident", BigInteger),
    Column("first", Moment),
    Column("last", Moment),
    Column("opened", Moment, nullable=False),
    Column("changed", Moment, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("suppressed", Said, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("language", Text, nullable=False),
    Column("events", Integer, nullable=False),
    Column("evidence", Json, nullable=False),
    Column("row", Json, nullable=False),
    Index("alerts_by_status", "status", "opened"),
    Index("alerts_by_rule", "rule"),
    Index("alerts_by_incident", "incident"),
    Index("alerts_by_time", "opened"),
)

# Which moments of a scheduled rule find an alert; an alert that none of them finds any more is withdrawn.
supports = Table(
    "supports",
    metadata,
    Column("rule", Said, primary_key=True),
    Column("moment", Moment, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Index("supports_by_alert", "fingerprint"),
)

moves = Table(
    "moves",
    metadata,
    _number(),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("who", Said, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("reason", Said, nullable=False),
    Index("moves_by_subject", "kind", "subject"),
)

incidents = Table(
    "incidents",
    metadata,
    _number(),
    Column("key", Text, nullable=False, unique=True),
    Column("actor", Said, nullable=False),
    Column("account", Said, nullable=False),
    Column("title", Said, nullable=False),
    Column("severity", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("risk", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Said, nullable=False),
    Column("raised", Boolean, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("first", Moment, nullable=False),
    Column("last", Moment, nullable=False),
    Column("opened", Moment, nullable=False),
    Column("changed", Moment, nullable=False),
    Index("incidents_by_status", "status", "opened"),
)

_SCOPE = ("actor", "account", "network", "resource")

exceptions = Table(
    "exceptions",
    metadata,
    _number(),
    Column("rule", Said, nullable=False),
    *(Column(name, Said, nullable=False) for name in _SCOPE),
    Column("owner", Said, nullable=False),
    Column("reason", Said, nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Column("hits", Integer, nullable=False),
    Column("ended", Boolean, nullable=False),
)

windows = Table(
    "windows",
    metadata,
    _number(),
    Column("name", Said, nullable=False),
    Column("start", Moment, nullable=False),
    Column("end", Moment, nullable=False),
    Column("ticket", Said, nullable=False),
    *(Column(name, Said, nullable=False) for name in _SCOPE),
    Column("hits", Integer, nullable=False),
)

rules = Table(
    "rules",
    metadata,
    Column("rule", Said, primary_key=True),
    Column("title", Said, nullable=False),
    Column("language", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("schedule", Said, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Said, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("due", Moment),
    Column("last_run", Moment),
    Column("last_seconds", Float, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("reached", Moment),
    Column("covered", Moment),
    Column("present", Boolean, nullable=False),
)

# Up to which version of a log source's table a rule has been shown its events.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("rule", Said, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

pending = Table(
    "pending",
    metadata,
    Column("rule", Said, primary_key=True),
    Column("moment", Moment, primary_key=True),
    Column("why", Text, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("since", Moment, nullable=False),
    Index("pending_by_moment", "moment"),
)

runs = Table(
    "runs",
    metadata,
    _number(),
    Column("rule", Said, nullable=False),
    Column("moment", Moment, nullable=False),
    Column("why", Text, nullable=False),
    Column("started", Moment, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("findings", Integer, nullable=False),
    Column("reason", Said, nullable=False),
    Index("runs_by_rule", "rule", "id"),
)

gaps = Table(
    "gaps",
    metadata,
    _number(),
    Column("rule", Said, nullable=False),
    Column("start", Moment, nullable=False),
    Column("end", Moment, nullable=False),
    Column("reason", Said, nullable=False),
    Column("recorded", Moment, nullable=False),
    Column("closed", Moment),
)

outbox = Table(
    "outbox",
    metadata,
    _number(),
    Column("sink", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("created", Moment, nullable=False),
    Column("due", Moment, nullable=False),
    Column("sent", Moment),
    Column("error", Said, nullable=False),
    UniqueConstraint("sink", "key", name="outbox_once"),
    Index("outbox_by_state", "state", "due"),
    Index("outbox_by_alert", "fingerprint"),
)

sources = Table(
    "sources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("error", Said, nullable=False),
    Column("files", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("last", Moment),
)

# What a source has taken in: a file's name, size and time, an object's key and tag, a partition's offset.
taken = Table(
    "taken",
    metadata,
    Column("source", Text, primary_key=True),
    Column("item", Said, primary_key=True),
    Column("mark", Said, nullable=False),
    Column("at", Moment, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    _number(),
    Column("at", Moment, nullable=False),
    Column("code", Text, nullable=False),
    Column("subject", Said, nullable=False),
    Column("text", Said, nullable=False),
)

# One row: the watch that runs, or ran last.
watcher = Table(
    "watcher",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pid", Integer),
    Column("state", Text, nullable=False),
    Column("started", Moment, nullable=False),
    Column("beat", Moment, nullable=False),
    Column("config", Json, nullable=False),
    Column("versions", Json, nullable=False),
)
