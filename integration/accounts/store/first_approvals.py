"""First approvals of plans that need two approvers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from integration.store.database import Store, upsert
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.tables import first_approvals


@dataclass(frozen=True, slots=True)
class FirstApproval:
    """The approval of one plan by one person, which waits for a second person."""

    by: str
    fingerprint: str
    at: datetime
    until: datetime
    session: str = ""  # of the person, at the approval


class FirstApprovalStore(Store):
    """The latest first approval of each run."""

    def keep(self, run: str, flow: str, approval: FirstApproval, confirmed: Mapping[str, int]) -> None:
        """Store a first approval in place of an earlier one."""
        row = {
            "run": run, "fingerprint": approval.fingerprint, "by": approval.by, "session": approval.session,
            "confirmed": dict(confirmed), "at": approval.at, "until": approval.until,
        }  # fmt: skip
        facts = {"by": approval.by, "fingerprint": approval.fingerprint}
        with self.database.write() as connection:
            upsert(connection, first_approvals, [row])
            append_events(connection, approval.at, [Event(event="approved_first", run=run, flow=flow, facts=facts)])

    def current_approval(self, run: str, fingerprint: str) -> FirstApproval | None:
        """Return the unexpired first approval of a plan with this fingerprint."""
        conditions = (
            first_approvals.c.run == run,
            first_approvals.c.fingerprint == fingerprint,
            first_approvals.c.until > self.clock(),
        )
        row = next(iter(self.database.rows(sa.select(first_approvals).where(*conditions))), None)
        return FirstApproval(row.by, row.fingerprint, row.at, row.until, row.session) if row is not None else None


def withdraw_first_approvals(connection: sa.Connection, *, by: str = "", session: str = "") -> None:
    """Delete, within a transaction, the first approvals of a person or of one session."""
    connection.execute(
        first_approvals.delete().where(first_approvals.c.session == session if session else first_approvals.c.by == by)
    )
