"""Runs the migrations on the connection that `open_database` holds, inside its transaction."""

from alembic import context

from integration.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
