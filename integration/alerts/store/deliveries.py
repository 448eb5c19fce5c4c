"""Outbox of messages for channels: stored before they are sent, so that none is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from integration.alerts.incidents import retry_delay
from integration.store.database import Store
from integration.store.tables import deliveries, incidents

CLAIM = timedelta(minutes=2)  # longer than sending may take; then another process may send the message
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A message to send through a channel. A `key` is sent once. `wait_reason` says why it is not sent at once."""

    channel: str
    key: str
    message_type: str  # begun, reminder, over, digest, test, ping
    at: datetime
    wait_reason: str = ""  # quiet, digest (the digest reports it), silenced
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A stored message, sent or waiting. `error` is the latest reason of failure, without secrets."""

    id: int
    channel: str
    key: str
    message_type: str
    incident: int | None
    facts: Mapping[str, str]
    wait_reason: str
    created_at: datetime
    due_at: datetime
    attempts: int
    sent_at: datetime | None
    error: str


def with_number(facts: Mapping[str, str], number: int) -> dict[str, str]:
    """Return the facts of a message, with the count that it reports if there is one."""
    return {**facts, **({"count": str(number)} if number else {})}


def send_later(connection: sa.Connection, now: datetime, due: Sequence[DueDelivery], incident: int | None) -> None:
    """Store messages to send, in the current transaction."""
    rows = [
        {
            "channel": due_delivery.channel,
            "key": due_delivery.key.format(incident=incident),
            "message_type": due_delivery.message_type,
            "incident": incident,
            "facts": dict(due_delivery.facts),
            "held": due_delivery.wait_reason,
            "created_at": now,
            "due_at": due_delivery.at,
            "attempts": 0,
            "error": "",
        }
        for due_delivery in due
    ]
    if rows:
        connection.execute(deliveries.insert(), rows)


class DeliveryStore(Store):
    """Stores all messages, sent and waiting."""

    def add(self, due: DueDelivery, incident: int | None = None) -> bool:
        """Store a message to send; return False if its key is stored already."""
        try:
            with self.database.write() as connection:
                send_later(connection, self.clock(), [due], incident)
        except IntegrityError:
            return False
        return True

    def add_digest(self, due: DueDelivery) -> bool:
        """Store a digest, and mark the messages that it covers as sent; return False if it is stored already."""
        now = self.clock()
        conditions = (
            deliveries.c.channel == due.channel,
            deliveries.c.held == "digest",
            deliveries.c.sent_at.is_(None),
        )
        numbers = sa.select(deliveries.c.id, deliveries.c.facts, incidents.c.number).join(
            incidents, incidents.c.id == deliveries.c.incident
        )
        try:
            with self.database.write() as connection:
                send_later(connection, now, [due], None)
                for row in connection.execute(numbers.where(*conditions)).all():
                    values = {"facts": with_number(row.facts, row.number)}
                    connection.execute(deliveries.update().where(deliveries.c.id == row.id).values(values))
                connection.execute(deliveries.update().where(*conditions).values(sent_at=now))
        except IntegrityError:
            return False
        return True

    def claim(self) -> list[Delivery]:
        """Return due messages, oldest first. This process alone may send them until the claim expires."""
        now, claimed = self.clock(), []
        with self.database.read() as connection:
            if connection.execute(sa.select(deliveries.c.id).where(*_due_conditions(now)).limit(1)).first() is None:
                return []
        with self.database.write() as connection:
            order = (deliveries.c.created_at, deliveries.c.id)
            rows = connection.execute(
                sa.select(deliveries).where(*_due_conditions(now)).order_by(*order).limit(AT_ONCE)
            ).all()
            for row in rows:
                claim = deliveries.update().where(deliveries.c.id == row.id, *_due_conditions(now))
                if connection.execute(claim.values(claimed_until=now + CLAIM)).rowcount:
                    claimed.append(_delivery(row))
        return claimed

    def mark_sent(self, delivery: Delivery, number: int = 0) -> None:
        """Record that a message was delivered, with the count that it reported."""
        values = {"facts": with_number(delivery.facts, number), "attempts": delivery.attempts + 1, "error": ""}
        self._note(delivery, sent_at=self.clock(), claimed_until=None, **values)

    def record_failure(self, delivery: Delivery, why: str) -> None:
        """Record that a message was not accepted. It is sent again after a growing pause."""
        attempts = delivery.attempts + 1
        due = self.clock() + retry_delay(attempts)
        self._note(delivery, due_at=due, attempts=attempts, error=why, claimed_until=None)

    def drop(self, delivery: Delivery) -> None:
        """Delete a message that is no longer useful."""
        with self.database.write() as connection:
            connection.execute(deliveries.delete().where(deliveries.c.id == delivery.id))

    def record_test(self, channel: str) -> None:
        """Record that a channel accepted a test message."""
        now = self.clock()
        values = {
            "channel": channel, "key": f"test:{now.isoformat()}", "message_type": "test", "facts": {}, "held": "",
            "created_at": now, "due_at": now, "attempts": 1, "sent_at": now, "error": "",
        }  # fmt: skip
        with self.database.write() as connection:
            connection.execute(deliveries.insert().values(values))

    def postpone(self, delivery: Delivery, until: datetime) -> None:
        """Postpone a message because another one must be sent before it."""
        self._note(delivery, due_at=until, claimed_until=None)

    def forget_channel(self, channel: str) -> None:
        """Delete the unsent messages of a deleted channel."""
        with self.database.write() as connection:
            conditions = (deliveries.c.channel == channel, deliveries.c.sent_at.is_(None))
            connection.execute(deliveries.delete().where(*conditions))

    def make_due(self, channel: str) -> None:
        """Make the waiting messages of a channel due now, because the channel works again.

        Messages that are held for another reason keep waiting.
        """
        now = self.clock()
        with self.database.write() as connection:
            conditions = (deliveries.c.channel == channel, deliveries.c.sent_at.is_(None), deliveries.c.held == "")
            connection.execute(deliveries.update().where(*conditions).values(due_at=now))

    def failing(self) -> dict[str, Delivery]:
        """Return the oldest failed message of each failing channel."""
        waiting = (deliveries.c.sent_at.is_(None), deliveries.c.attempts > 0)
        rows = self.database.rows(sa.select(deliveries).where(*waiting).order_by(deliveries.c.id.desc()))
        return {row.channel: _delivery(row) for row in rows}

    def of_incident(self, incident: int) -> list[Delivery]:
        """Return all messages of an incident, sent or waiting."""
        return self._select(sa.select(deliveries).where(deliveries.c.incident == incident))

    def latest(self, limit: int = 50, channel: str = "") -> list[Delivery]:
        """Return messages without heartbeats, newest first."""
        conditions = [deliveries.c.message_type != "ping", *([deliveries.c.channel == channel] if channel else [])]
        return self._select(sa.select(deliveries).where(*conditions).limit(limit))

    def of_channel(self, channel: str, limit: int = 200) -> list[Delivery]:
        """Return the messages of a channel, newest first."""
        return self._select(sa.select(deliveries).where(deliveries.c.channel == channel).limit(limit))

    def pings(self, limit: int = 50) -> list[Delivery]:
        """Return heartbeats, newest first."""
        return self._select(sa.select(deliveries).where(deliveries.c.message_type == "ping").limit(limit))

    def counts(self) -> dict[tuple[str, str], int]:
        """Return the number of messages by channel and `sent` or `waiting`."""
        state = sa.case((deliveries.c.sent_at.is_(None), "waiting"), else_="sent").label("state")
        query = sa.select(deliveries.c.channel, state, sa.func.count().label("number"))
        rows = self.database.rows(query.group_by(deliveries.c.channel, state))
        return {(row.channel, row.state): row.number for row in rows}

    def last_created(self, channel: str, kind: str) -> datetime | None:
        """Return when the latest message of a kind was stored for a channel."""
        conditions = (deliveries.c.channel == channel, deliveries.c.message_type == kind)
        made_at: datetime | None = self.database.scalar(
            sa.select(deliveries.c.created_at).where(*conditions).order_by(deliveries.c.created_at.desc())
        )
        return made_at

    def _note(self, delivery: Delivery, **values: object) -> None:
        with self.database.write() as connection:
            connection.execute(deliveries.update().where(deliveries.c.id == delivery.id).values(**values))

    def _select(self, statement: sa.Select[Any]) -> list[Delivery]:
        ordered = statement.order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc())
        return [_delivery(row) for row in self.database.rows(ordered)]


def _due_conditions(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    free = sa.or_(deliveries.c.claimed_until.is_(None), deliveries.c.claimed_until < now)
    return deliveries.c.sent_at.is_(None), deliveries.c.held != "digest", deliveries.c.due_at <= now, free


def _delivery(row: sa.Row[Any]) -> Delivery:
    return Delivery(
        row.id, row.channel, row.key, row.message_type, row.incident, row.facts, row.held, row.created_at, row.due_at,
        row.attempts, row.sent_at, row.error,
    )  # fmt: skip
