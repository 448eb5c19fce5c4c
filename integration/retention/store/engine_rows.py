"""Deletes old workflows of the engine (DBOS) in small portions.

All facts of a run are in our own tables. Only workflows that have not ended are needed.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
OF_A_WORKFLOW = ("workflow_input", "workflow_output", "operation_outputs")  # not deleted by a cascade
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
        return self._counted(self._old(before))

    def rows(self) -> int:
        """Return the number of workflows."""
        return self._counted(sa.true())

    def oldest(self) -> datetime | None:
        """Return when the oldest workflow was created, or None."""
        with self._engine.connect() as connection:
            if not self._is_there(connection):
                return None
            found = connection.execute(sa.select(sa.func.min(self._workflows.c.created_at))).scalar()
        return None if found is None else datetime.fromtimestamp(found / 1000).astimezone()

    def prune(self, before: datetime, portion: int = PORTION) -> int:
        """Delete a portion of the workflows that ended before a time in one transaction, and return their number."""
        with self._engine.begin() as connection:
            if not self._is_there(connection):
                return 0
            some = sa.select(self._workflows.c.workflow_uuid).where(self._old(before)).limit(portion)
            names = list(connection.execute(some).scalars())
            if names:
                for table in map(self._table, OF_A_WORKFLOW):
                    connection.execute(table.delete().where(table.c.workflow_uuid.in_(names)))
                gone = self._workflows.delete().where(self._workflows.c.workflow_uuid.in_(names))
                connection.execute(gone)
            return len(names)

    def _table(self, name: str) -> Any:
        columns = ("workflow_uuid", "status", "created_at", "updated_at")
        return sa.table(name, *(sa.column(one) for one in columns), schema=self._schema)

    def _old(self, before: datetime) -> sa.ColumnElement[bool]:
        table, since = self._workflows, int(before.timestamp() * 1000)
        return sa.and_(table.c.status.in_(ENDED), table.c.updated_at < since, table.c.created_at < since)

    def _counted(self, where: sa.ColumnElement[bool]) -> int:
        with self._engine.connect() as connection:
            if not self._is_there(connection):
                return 0
            counted = sa.select(sa.func.count()).select_from(self._workflows).where(where)
            return int(connection.execute(counted).scalar_one())

    def _is_there(self, connection: sa.Connection) -> bool:
        return sa.inspect(connection).has_table("workflow_status", schema=self._schema)
