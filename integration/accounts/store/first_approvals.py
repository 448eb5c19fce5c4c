"""The first of two yeses to a plan that is too much for one person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from integration.store.database import Store, upsert
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.tables import yeses


@dataclass(frozen=True, slots=True)
class FirstApproval:
    """Somebody's yes to one plan, which waits for that of somebody else."""

    by: str
    fingerprint: str
    at: datetime
    until: datetime
    session: str = ""  # in which it was said


class FirstApprovalStore(Store):
    """The newest first yes to each run."""

    def keep(self, run: str, flow: str, yes: FirstApproval, confirmed: Mapping[str, int]) -> None:
        """Keep a first yes, in place of any before it."""
        row = {
            "run": run, "fingerprint": yes.fingerprint, "by": yes.by, "session": yes.session,
            "confirmed": dict(confirmed), "at": yes.at, "until": yes.until,
        }  # fmt: skip
        facts = {"by": yes.by, "fingerprint": yes.fingerprint}
        with self.database.write() as connection:
            upsert(connection, yeses, [row])
            append_events(connection, yes.at, [Event(event="approved_first", run=run, flow=flow, facts=facts)])

    def of(self, run: str, fingerprint: str) -> FirstApproval | None:
        """Return the first yes to a plan as it is now, where it holds still."""
        here = (yeses.c.run == run, yeses.c.fingerprint == fingerprint, yeses.c.until > self.clock())
        row = next(iter(self.database.rows(sa.select(yeses).where(*here))), None)
        return FirstApproval(row.by, row.fingerprint, row.at, row.until, row.session) if row is not None else None


def withdraw_yeses(connection: sa.Connection, *, by: str = "", session: str = "") -> None:
    """Delete, as part of a transaction, every first yes of a person, or of one session."""
    connection.execute(yeses.delete().where(yeses.c.session == session if session else yeses.c.by == by))
