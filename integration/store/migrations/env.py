"""Runs the migrations on the connection that `open_database` holds, inside its transaction."""

# ruff: noqa: INP001 - alembic reads this folder by its path

from alembic import context

from integration.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
