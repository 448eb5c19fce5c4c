"""Stores changes of settings that one person requested and another person has to approve."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from integration.core.change_request import ChangeRequest
from integration.core.people import Right
from integration.core.untrusted_text import json_text
from integration.store.database import Store, upsert
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.settings import group
from integration.store.tables import change_requests


class ChangeRequestStore(Store):
    """The latest change request for each setting of a flow."""

    def keep(self, request: ChangeRequest) -> None:
        """Store a request in place of an earlier one for the same setting, and delete expired requests."""
        row = {
            "setting": request.setting, "flow": request.flow, "right": request.right, "before": dict(request.before),
            "after": dict(request.after), "reasons": dict(request.reasons), "by": request.by,
            "session": request.session, "at": request.at, "until": request.until,
        }  # fmt: skip
        with self.database.write() as connection:
            connection.execute(change_requests.delete().where(change_requests.c.until <= self.clock()))
            upsert(connection, change_requests, [row])
            self._tell(connection, "change_requested", request, request.by)

    def get(self, setting: str) -> ChangeRequest | None:
        """Return the unexpired request for a setting."""
        return next((request for request in self.waiting() if request.setting == setting), None)

    def waiting(self) -> list[ChangeRequest]:
        """Return the unexpired requests, oldest first."""
        holds = change_requests.c.until > self.clock()
        return [_request(row) for row in self.database.rows(sa.select(change_requests).where(holds).order_by("at"))]

    def discard(self, request: ChangeRequest, event: str, by: str) -> bool:
        """Delete a request because it was approved or rejected, and return True if it still existed."""
        conditions = (
            change_requests.c.setting == request.setting,
            change_requests.c.by == request.by,
            change_requests.c.at == request.at,
        )
        with self.database.write() as connection:
            deleted = connection.execute(change_requests.delete().where(*conditions)).rowcount
            if deleted:
                self._tell(connection, event, request, by)
        return bool(deleted)

    def _tell(self, connection: sa.Connection, event: str, request: ChangeRequest, by: str) -> None:
        facts = {"by": by, "asked_by": request.by, "fingerprint": request.mark}
        new_event = Event(
            event=event, flow=request.flow, key=request.setting, facts=facts, before=_texts(request.before),
            after=_texts(request.after),
        )  # fmt: skip
        append_events(connection, self.clock(), [new_event])


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: json_text(value).strip() for name, value in values.items()}


def withdraw_change_requests(
    connection: sa.Connection, *, by: str = "", session: str = "", rights: Collection[Right] = ()
) -> None:
    """Delete, within a transaction, the requests of a person or session, except those that need these rights."""
    giver = change_requests.c.session == session if session else change_requests.c.by == by
    connection.execute(change_requests.delete().where(giver, change_requests.c.right.not_in([*rights])))


def _request(row: sa.Row[Any]) -> ChangeRequest:
    return ChangeRequest(
        setting=row.setting, flow=row.flow, right=Right(row.right), before=group(row.before), after=group(row.after),
        reasons=group(row.reasons), by=row.by, session=row.session, at=row.at, until=row.until,
    )  # fmt: skip
