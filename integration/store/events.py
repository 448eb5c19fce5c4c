"""What happened, told in the same transaction as the change of state it tells of, and waiting to be drained."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from integration.core.known import known_by
from integration.core.records import Record
from integration.core.rules import as_text
from integration.core.run import Link
from integration.store import deeds
from integration.store.columns import Json, Words
from integration.store.database import Store, in_our_words, portions
from integration.store.ready import Ready
from integration.store.tables import outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. Facts, before and after are texts by name; none of them ever holds a secret."""

    event: str  # run_started, read, planned, skipped, parked, approved, sent, proven, in_doubt, left, run_done, ...
    run: str = ""
    flow: str = ""
    kind: str = ""
    key: str = ""
    sources: tuple[str, ...] = ()
    title: str = ""
    code: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] | None = None
    after: Mapping[str, str] | None = None
    ms: int | None = None


_INSERT = Ready(outbox.insert().inline(), *(column.name for column in outbox.c if column.name != "id"))

_AS_TEXT = Ready(
    sa.select(*(sa.type_coerce(one, Words).label(one.name) if isinstance(one.type, Json) else one for one in outbox.c))
    .order_by(outbox.c.id)
    .limit(sa.bindparam("most"))
)


def tell(connection: sa.Connection, at: datetime, events: Sequence[Event]) -> None:
    """Put events into the outbox, and those that somebody decided into the audit, as part of the transaction."""
    if events:
        _INSERT.each(connection, [_row(at, event) for event in events])
        deeds.keep(connection, at, events)


def values_of(record: Record | None) -> dict[str, str] | None:
    """Return a record's values as texts by path, as the log shows them."""
    if record is None:
        return None
    return {path: _shown(value) for path, value in record.flat().items()}


def matched(run: str, flow: str, link: Link) -> Event:
    """Return what tells that both systems hold the same of a record, which are linked from here on."""
    values = link.agreed.values if link.agreed else {}
    title = as_text(values.get("number")) or as_text(values.get("name")) or link.key
    about = known_by(link.agreed) if link.agreed else {}
    return Event(
        event="matched", run=run, flow=flow, kind=link.kind, key=link.key, title=title,
        sources=link.agreed.sources if link.agreed else (), facts={**about, "reference": link.reference},
        after=values_of(link.agreed),
    )  # fmt: skip


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat()
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def _row(at: datetime, event: Event) -> dict[str, object]:
    return {
        "happened_at": at,
        "run": event.run,
        "flow": event.flow,
        "kind": event.kind,
        "key": event.key,
        "sources": list(event.sources),
        "title": event.title,
        "event": event.event,
        "code": event.code,
        "facts": dict(event.facts),
        "before": event.before,
        "after": event.after,
        "ms": event.ms,
    }


class Events(Store):
    """The outbox, as whoever keeps the log reads and empties it."""

    @property
    def instance(self) -> str:
        """The id of the database the events come from: its ids count within it."""
        return self.database.instance

    def tell(self, *events: Event) -> None:
        """Keep events that tell of no change in the database: a connection check, a page that was opened."""
        with self.database.write() as connection:
            tell(connection, self.clock(), events)

    def waiting(self, limit: int) -> list[dict[str, object]]:
        """Return up to `limit` events that nobody has taken, the lowest ids first, as values by column.

        On PostgreSQL a lower id may appear later, when a longer transaction ends; it is among the next ones then.
        """
        with self.database.read() as connection:
            rows = connection.execute(sa.select(outbox).order_by(outbox.c.id).limit(limit)).mappings()
            return [dict(row) for row in rows]

    def texts_waiting(self, limit: int) -> list[dict[str, object]]:
        """Return the same with what is kept as JSON as its text, for whoever keeps it as text too."""
        with in_our_words(self.database.engine.url):
            return [row._asdict() for row in _AS_TEXT.alone(self.database.engine, {"most": limit})]

    def tell_again(self, file: str) -> None:
        """Tell once more what the database still keeps, for a log whose file had to be set aside under a name."""
        from integration.store.event_replay import replay  # noqa: PLC0415 - it makes events, and this is where they are made

        with self.database.write() as connection:
            tell(connection, self.clock(), [Event(event="log_set_aside", facts={"file": file})])
            for portion in replay(connection):
                if portion:
                    _INSERT.each(connection, [_row(at, event) for at, event in portion])

    def count(self) -> int:
        """Return how many events wait."""
        return int(self.database.scalar(sa.select(sa.func.count()).select_from(outbox)))

    def oldest(self) -> datetime | None:
        """Return when the event happened that waits longest, or None where none waits."""
        found: datetime | None = self.database.scalar(sa.select(outbox.c.happened_at).order_by(outbox.c.id))
        return found

    def forget(self, ids: Collection[int]) -> None:
        """Take out events that are safely in the log."""
        with self.database.write() as connection:
            for some in portions(ids):
                connection.execute(outbox.delete().where(outbox.c.id.in_(some)))
