"""What alembic runs: migrate over the connection it is given."""

from alembic import context

from suwen.records.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
