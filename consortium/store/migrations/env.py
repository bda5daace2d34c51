"""Run by Alembic for each migration, on the connection that `store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from consortium.store.migrate import VERSION_TABLE
from consortium.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
