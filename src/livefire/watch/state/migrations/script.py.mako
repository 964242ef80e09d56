"""${message}."""

import sqlalchemy as sa
from alembic import op

from livefire.watch.state import tables

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Move the schema on."""
    ${upgrades if upgrades else "pass"}
