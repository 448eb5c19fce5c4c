"""Deletes old workflows of the engine (DBOS) in small portions.

All facts of a run are in our own tables. Only workflows that have not ended are needed.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

FINAL_STATUSES = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
WORKFLOW_TABLES = ("workflow_input", "workflow_output", "operation_outputs")  # not deleted by a cascade
BUSY_SECONDS = 30.0
PORTION = 200


class EngineRows:
    """The workflows in the engine's database. Empty if that database was never created."""

    def __init__(self, url: str) -> None:
        patience = {"timeout": BUSY_SECONDS} if url.startswith("sqlite") else {}
        self._engine = sa.create_engine(url, connect_args=patience, poolclass=sa.NullPool)
        self._schema = "dbos" if self._engine.dialect.name == "postgresql" else None
        self._workflows = self._table("workflow_status")

    def count_ended_workflows(self, before: datetime) -> int:
        """Return how many workflows ended before a time."""
        return self._count_workflows(self._is_expired(before))

    def rows(self) -> int:
        """Return the number of workflows."""
        return self._count_workflows(sa.true())

    def oldest(self) -> datetime | None:
        """Return when the oldest workflow was created, or None."""
        with self._engine.connect() as connection:
            if not self._has_table(connection):
                return None
            created_at = connection.execute(sa.select(sa.func.min(self._workflows.c.created_at))).scalar()
        return None if created_at is None else datetime.fromtimestamp(created_at / 1000).astimezone()

    def prune(self, before: datetime, portion: int = PORTION) -> int:
        """Delete a portion of the workflows that ended before a time in one transaction, and return their number."""
        with self._engine.begin() as connection:
            if not self._has_table(connection):
                return 0
            query = sa.select(self._workflows.c.workflow_uuid).where(self._is_expired(before)).limit(portion)
            names = list(connection.execute(query).scalars())
            if names:
                for table in map(self._table, WORKFLOW_TABLES):
                    connection.execute(table.delete().where(table.c.workflow_uuid.in_(names)))
                deletion = self._workflows.delete().where(self._workflows.c.workflow_uuid.in_(names))
                connection.execute(deletion)
            return len(names)

    def _table(self, name: str) -> Any:
        columns = ("workflow_uuid", "status", "created_at", "updated_at")
        return sa.table(name, *(sa.column(column) for column in columns), schema=self._schema)

    def _is_expired(self, before: datetime) -> sa.ColumnElement[bool]:
        table, since = self._workflows, int(before.timestamp() * 1000)
        return sa.and_(table.c.status.in_(FINAL_STATUSES), table.c.updated_at < since, table.c.created_at < since)

    def _count_workflows(self, where: sa.ColumnElement[bool]) -> int:
        with self._engine.connect() as connection:
            if not self._has_table(connection):
                return 0
            query = sa.select(sa.func.count()).select_from(self._workflows).where(where)
            return int(connection.execute(query).scalar_one())

    def _has_table(self, connection: sa.Connection) -> bool:
        return sa.inspect(connection).has_table("workflow_status", schema=self._schema)
