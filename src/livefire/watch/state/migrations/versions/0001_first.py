"""The first schema."""

import sqlalchemy as sa
from alembic import op

from livefire.watch.state import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "alerts",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("rule", tables.Said(), nullable=False),
        sa.Column("title", tables.Said(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("risk", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", tables.Said(), nullable=False),
        sa.Column("actor", tables.Said(), nullable=False),
        sa.Column("account", tables.Said(), nullable=False),
        sa.Column("incident", sa.BigInteger(), nullable=True),
        sa.Column("first", tables.Moment(), nullable=True),
        sa.Column("last", tables.Moment(), nullable=True),
        sa.Column("opened", tables.Moment(), nullable=False),
        sa.Column("changed", tables.Moment(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("suppressed", tables.Said(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("evidence", tables.Json(), nullable=False),
        sa.Column("row", tables.Json(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
    op.create_index("alerts_by_incident", "alerts", ["incident"], unique=False)
    op.create_index("alerts_by_rule", "alerts", ["rule"], unique=False)
    op.create_index("alerts_by_status", "alerts", ["status", "opened"], unique=False)
    op.create_index("alerts_by_time", "alerts", ["opened"], unique=False)
    op.create_table(
        "checkpoints",
        sa.Column("rule", tables.Said(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "source"),
    )
    op.create_table(
        "exceptions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("rule", tables.Said(), nullable=False),
        sa.Column("actor", tables.Said(), nullable=False),
        sa.Column("account", tables.Said(), nullable=False),
        sa.Column("network", tables.Said(), nullable=False),
        sa.Column("resource", tables.Said(), nullable=False),
        sa.Column("owner", tables.Said(), nullable=False),
        sa.Column("reason", tables.Said(), nullable=False),
        sa.Column("created", tables.Moment(), nullable=False),
        sa.Column("expires", tables.Moment(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "gaps",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("rule", tables.Said(), nullable=False),
        sa.Column("start", tables.Moment(), nullable=False),
        sa.Column("end", tables.Moment(), nullable=False),
        sa.Column("reason", tables.Said(), nullable=False),
        sa.Column("recorded", tables.Moment(), nullable=False),
        sa.Column("closed", tables.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("actor", tables.Said(), nullable=False),
        sa.Column("account", tables.Said(), nullable=False),
        sa.Column("title", tables.Said(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("risk", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", tables.Said(), nullable=False),
        sa.Column("raised", sa.Boolean(), nullable=False),
        sa.Column("alerts", sa.Integer(), nullable=False),
        sa.Column("first", tables.Moment(), nullable=False),
        sa.Column("last", tables.Moment(), nullable=False),
        sa.Column("opened", tables.Moment(), nullable=False),
        sa.Column("changed", tables.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("incidents_by_status", "incidents", ["status", "opened"], unique=False)
    op.create_table(
        "moves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", tables.Moment(), nullable=False),
        sa.Column("who", tables.Said(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("reason", tables.Said(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("moves_by_subject", "moves", ["kind", "subject"], unique=False)
    op.create_table(
        "notes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", tables.Moment(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("subject", tables.Said(), nullable=False),
        sa.Column("text", tables.Said(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sink", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", tables.Json(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created", tables.Moment(), nullable=False),
        sa.Column("due", tables.Moment(), nullable=False),
        sa.Column("sent", tables.Moment(), nullable=True),
        sa.Column("error", tables.Said(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sink", "key", name="outbox_once"),
    )
    op.create_index("outbox_by_alert", "outbox", ["fingerprint"], unique=False)
    op.create_index("outbox_by_state", "outbox", ["state", "due"], unique=False)
    op.create_table(
        "pending",
        sa.Column("rule", tables.Said(), nullable=False),
        sa.Column("moment", tables.Moment(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("since", tables.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "moment"),
    )
    op.create_index("pending_by_moment", "pending", ["moment"], unique=False)
    op.create_table(
        "rules",
        sa.Column("rule", tables.Said(), nullable=False),
        sa.Column("title", tables.Said(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("schedule", tables.Said(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", tables.Said(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("due", tables.Moment(), nullable=True),
        sa.Column("last_run", tables.Moment(), nullable=True),
        sa.Column("last_seconds", sa.Float(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("reached", tables.Moment(), nullable=True),
        sa.Column("covered", tables.Moment(), nullable=True),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("rule"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("rule", tables.Said(), nullable=False),
        sa.Column("moment", tables.Moment(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("started", tables.Moment(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.Column("reason", tables.Said(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("runs_by_rule", "runs", ["rule", "id"], unique=False)
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", tables.Said(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("last", tables.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "supports",
        sa.Column("rule", tables.Said(), nullable=False),
        sa.Column("moment", tables.Moment(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "moment", "fingerprint"),
    )
    op.create_index("supports_by_alert", "supports", ["fingerprint"], unique=False)
    op.create_table(
        "taken",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("item", tables.Said(), nullable=False),
        sa.Column("mark", tables.Said(), nullable=False),
        sa.Column("at", tables.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("source", "item"),
    )
    op.create_table(
        "watcher",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started", tables.Moment(), nullable=False),
        sa.Column("beat", tables.Moment(), nullable=False),
        sa.Column("config", tables.Json(), nullable=False),
        sa.Column("versions", tables.Json(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "windows",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("name", tables.Said(), nullable=False),
        sa.Column("start", tables.Moment(), nullable=False),
        sa.Column("end", tables.Moment(), nullable=False),
        sa.Column("ticket", tables.Said(), nullable=False),
        sa.Column("actor", tables.Said(), nullable=False),
        sa.Column("account", tables.Said(), nullable=False),
        sa.Column("network", tables.Said(), nullable=False),
        sa.Column("resource", tables.Said(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
