"""Run by Alembic: migrates over the connection it is handed."""

from alembic import context

from livefire.watch.state.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
