"""Stores incidents. Each is begun once, by one process, and stays stored after its end."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from integration.alerts.incidents import Incident, Problem, ProblemType
from integration.alerts.store.deliveries import DueDelivery, send_later
from integration.store.database import Store
from integration.store.erasure_register import SoFar, require_no_erasure_since
from integration.store.tables import deliveries, incidents


class IncidentStore(Store):
    """Stores all incidents. Their messages are stored in the same transaction."""

    def open_incidents(self) -> list[Incident]:
        """Return the open incidents, newest first."""
        return self._select(sa.select(incidents).where(incidents.c.ended_at.is_(None)))

    def latest(self, limit: int = 50) -> list[Incident]:
        """Return incidents, open and ended, newest first."""
        return self._select(sa.select(incidents).limit(limit))

    def in_period(self, first: datetime, last: datetime) -> list[Incident]:
        """Return the incidents that began or ended in a period, newest first."""
        begun = sa.and_(incidents.c.started_at > first, incidents.c.started_at <= last)
        over = sa.and_(incidents.c.ended_at > first, incidents.c.ended_at <= last)
        return self._select(sa.select(incidents).where(sa.or_(begun, over)))

    def get(self, identity: int) -> Incident | None:
        """Return one incident, or None if it does not exist."""
        return next(iter(self._select(sa.select(incidents).where(incidents.c.id == identity))), None)

    def counts(self) -> dict[str, int]:
        """Return the number of all incidents, by type."""
        query = sa.select(incidents.c.problem_type, sa.func.count().label("number")).group_by(incidents.c.problem_type)
        return {row.problem_type: row.number for row in self.database.rows(query)}

    def begin(self, problem: Problem, due: Sequence[DueDelivery], so_far: SoFar | None = None) -> bool:
        """Begin an incident and store its messages; return False if another process has begun it.

        Raises ErasedSinceReadError if a person was erased since the problem was read (`so_far`).
        """
        now = self.clock()
        row = {
            "active": problem.identity, "problem_type": problem.type, "flow": problem.flow, "of": problem.subject,
            "started_at": now, "seen_at": now, **_changing_values(problem),
        }  # fmt: skip
        try:
            with self.database.write() as connection:
                require_no_erasure_since(connection, so_far)
                primary_key = connection.execute(incidents.insert().values(row)).inserted_primary_key
                send_later(connection, now, due, int(primary_key[0]) if primary_key else None)
        except IntegrityError:  # another process was first
            return False
        return True

    def update(self, continued: Iterable[tuple[Incident, Problem]], so_far: SoFar | None = None) -> None:
        """Update incidents that continue, with their current problems; see `begin` for errors."""
        now = self.clock()
        with self.database.write() as connection:
            require_no_erasure_since(connection, so_far)
            for incident, problem in continued:
                conditions = (incidents.c.id == incident.id, incidents.c.ended_at.is_(None))
                connection.execute(
                    incidents.update().where(*conditions).values(seen_at=now, **_changing_values(problem))
                )

    def end(self, incident: Incident, due: Sequence[DueDelivery]) -> bool:
        """End an incident and store its messages; return False if another process has ended it.

        Deletes unsent messages about its beginning that a silence held back.
        """
        now = self.clock()
        with self.database.write() as connection:
            conditions = (incidents.c.id == incident.id, incidents.c.ended_at.is_(None))
            if not connection.execute(incidents.update().where(*conditions).values(ended_at=now, active=None)).rowcount:
                return False
            silenced = (
                deliveries.c.incident == incident.id,
                deliveries.c.held == "silenced",
                deliveries.c.sent_at.is_(None),
            )
            connection.execute(deliveries.delete().where(*silenced))
            send_later(connection, now, due, incident.id)
        return True

    def _select(self, statement: sa.Select[Any]) -> list[Incident]:
        ordered = statement.order_by(incidents.c.started_at.desc(), incidents.c.id.desc())
        return [_incident(row) for row in self.database.rows(ordered)]


def _changing_values(problem: Problem) -> dict[str, object]:
    cents = None if problem.waiting_amount is None else int(problem.waiting_amount.scaleb(2))
    return {"cause": problem.cause, "facts": dict(problem.facts), "number": problem.count, "cents": cents}


def _incident(row: sa.Row[Any]) -> Incident:
    at_stake = None if row.cents is None else Decimal(row.cents).scaleb(-2)
    problem = Problem(ProblemType(row.problem_type), row.cause, row.flow, row.of, row.facts, row.number, at_stake)
    return Incident(row.id, problem, row.started_at, row.seen_at, row.ended_at)
