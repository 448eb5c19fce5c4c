"""The exception queue: what is wrong now, grouped by cause."""

# ruff: noqa: TID251 - the store is where SQL is spoken

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from integration.core.issues import Issue
from integration.store.database import Clock, Database, portions
from integration.store.events import Event, tell
from integration.store.tables import issues, staged


class IssueState(StrEnum):
    """Where an issue stands."""

    OPEN = "open"
    SET_ASIDE = "set_aside"  # a person said why it may stay as it is
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class CauseGroup:
    """All open issues of one cause. `facts` are those of the newest one."""

    flow: str
    cause: str
    field: str
    count: int
    first_seen: datetime
    last_seen: datetime
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OpenIssue:
    """One issue of the queue, with what became of it."""

    id: int
    flow: str
    issue: Issue
    title: str
    state: IssueState
    first_seen: datetime
    last_seen: datetime
    seen: int
    run: str
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Met:
    """An issue as a run met it, with what the record is called."""

    issue: Issue
    kind: str = ""
    title: str = ""


def meet(connection: sa.Connection, at: datetime, flow: str, run: str, met: Sequence[Met]) -> None:
    """Open issues, or note that they are still there, as part of the transaction under way.

    What is new, or had been closed, is told to the log; what a person set aside stays set aside.
    """
    newest = {(one.issue.key, one.issue.cause, one.issue.field): one for one in met}
    known = _known(connection, flow, [key for key, _, _ in newest])
    fresh: list[dict[str, object]] = []
    again: list[dict[str, object]] = []
    events: list[Event] = []
    for identity, one in newest.items():
        found = known.get(identity)
        row = {"title": one.title, "facts": dict(one.issue.facts), "last_seen": at, "run": run}
        if found is None:
            key, cause, field = identity
            fresh.append(
                {
                    "flow": flow, "key": key, "cause": cause, "field": field, "state": IssueState.OPEN,
                    "first_seen": at, "seen": 1, "reason": "", "by": "", **row,
                }
            )  # fmt: skip
        else:
            reopened = found.state == IssueState.CLOSED
            again.append(
                {
                    "the_id": found.id, "state": IssueState.OPEN if reopened else found.state,
                    "first_seen": at if reopened else found.first_seen, "seen": found.seen + 1, **row,
                }
            )  # fmt: skip
        if found is None or found.state == IssueState.CLOSED:
            events.append(_parked(flow, run, one))
    if fresh:
        connection.execute(issues.insert(), fresh)
    if again:
        connection.execute(_refresh(), again)
    tell(connection, at, events)


def _known(
    connection: sa.Connection, flow: str, keys: Sequence[str]
) -> dict[tuple[str, str, str], sa.Row[tuple[object, ...]]]:
    columns = (issues.c[name] for name in ("id", "key", "cause", "field", "state", "first_seen", "seen"))
    statement = sa.select(*columns)
    known = {}
    for some in portions(keys):
        for row in connection.execute(statement.where(issues.c.flow == flow, issues.c.key.in_(some))):
            known[row.key, row.cause, row.field] = row
    return known


def _refresh() -> sa.Update:
    names = ("title", "facts", "last_seen", "run", "state", "first_seen", "seen")
    return issues.update().where(issues.c.id == sa.bindparam("the_id")).values({n: sa.bindparam(n) for n in names})


def _parked(flow: str, run: str, one: Met) -> Event:
    return Event(
        event="parked", run=run, flow=flow, kind=one.kind, key=one.issue.key, title=one.title,
        code=one.issue.cause, facts={**one.issue.facts, "field": one.issue.field},
    )  # fmt: skip


def close_unmet(connection: sa.Connection, at: datetime, flow: str, run: str, *, complete: bool) -> None:
    """Close the issues of a flow that a preview no longer met, as part of the transaction under way.

    A complete run speaks for every record, any other one for the records it read.
    """
    gone = sa.and_(issues.c.flow == flow, issues.c.state != IssueState.CLOSED, issues.c.run != run)
    if not complete:
        read = sa.exists().where(
            staged.c.run == run, sa.or_(staged.c.key == issues.c.key, staged.c.parent == issues.c.key)
        )
        gone = sa.and_(gone, read)
    found = connection.execute(sa.select(issues.c.id, issues.c.key, issues.c.title, issues.c.cause).where(gone)).all()
    for some in portions([row.id for row in found]):
        connection.execute(
            issues.update().where(issues.c.id.in_(some)).values(state=IssueState.CLOSED, last_seen=at, reason="gone")
        )
    events = [
        Event(event="issue_closed", run=run, flow=flow, key=row.key, title=row.title, code=row.cause) for row in found
    ]
    tell(connection, at, events)


class Issues:
    """The open issues of all flows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    def open(self, flow: str, run: str, met: Sequence[Met]) -> None:
        """Open issues, or note that they are still there."""
        with self.database.write() as connection:
            meet(connection, self.clock(), flow, run, met)

    def counts(self) -> dict[str, int]:
        """Return how many issues are open, by flow."""
        statement = sa.select(issues.c.flow, sa.func.count()).where(issues.c.state == IssueState.OPEN)
        with self.database.read() as connection:
            rows = connection.execute(statement.group_by(issues.c.flow))
            return {row[0]: row[1] for row in rows}

    def causes(self, flow: str | None = None) -> list[CauseGroup]:
        """Return the open issues of a flow, or of all, grouped by cause and field: the largest group first."""
        grouped = (issues.c.flow, issues.c.cause, issues.c.field)
        number = sa.func.count().label("number")
        newest = sa.func.max(issues.c.id).label("newest")
        first, last = sa.func.min(issues.c.first_seen), sa.func.max(issues.c.last_seen)
        statement = sa.select(*grouped, number, first.label("first"), last.label("last"), newest)
        statement = statement.where(issues.c.state == IssueState.OPEN, *([issues.c.flow == flow] if flow else []))
        group = statement.group_by(*grouped).subquery()
        shown = sa.select(group, issues.c.facts).join(issues, issues.c.id == group.c.newest)
        with self.database.read() as connection:
            rows = connection.execute(shown.order_by(group.c.number.desc(), group.c.flow, group.c.cause)).all()
        return [CauseGroup(row.flow, row.cause, row.field, row.number, row.first, row.last, row.facts) for row in rows]

    def of_key(self, flow: str, key: str) -> list[OpenIssue]:
        """Return every issue a record ever had in a flow, closed ones too, the newest first."""
        statement = sa.select(issues).where(issues.c.flow == flow, issues.c.key == key)
        with self.database.read() as connection:
            return [_open_issue(row) for row in connection.execute(statement.order_by(issues.c.last_seen.desc()))]

    def close(self, identity: int, by: str) -> None:
        """Close an issue by hand; it opens again when a preview meets it."""
        self._decide(identity, IssueState.CLOSED, "issue_closed", "", by)

    def set_aside(self, identity: int, reason: str, by: str) -> None:
        """Take an issue out of the queue with a reason; it stays out until its cause is gone and comes back."""
        self._decide(identity, IssueState.SET_ASIDE, "issue_set_aside", reason, by)

    def _decide(self, identity: int, state: IssueState, event: str, reason: str, by: str) -> None:
        now = self.clock()
        with self.database.write() as connection:
            row = connection.execute(sa.select(issues).where(issues.c.id == identity).with_for_update()).first()
            if row is None:
                raise KeyError(f"there is no issue {identity}")
            decided = issues.update().where(issues.c.id == identity).values(state=state, reason=reason, by=by)
            connection.execute(decided)
            facts = {"by": by, "reason": reason}
            told = Event(event=event, flow=row.flow, key=row.key, title=row.title, code=row.cause, facts=facts)
            tell(connection, now, [told])

    def list(
        self, flow: str, cause: str, field: str | None = None, *, offset: int = 0, limit: int = 100
    ) -> list[OpenIssue]:
        """Return the open issues of one cause, the longest waiting first."""
        statement = sa.select(issues).where(
            issues.c.flow == flow, issues.c.cause == cause, issues.c.state == IssueState.OPEN
        )
        if field is not None:
            statement = statement.where(issues.c.field == field)
        page = statement.order_by(issues.c.first_seen, issues.c.id).offset(offset).limit(limit)
        with self.database.read() as connection:
            return [_open_issue(row) for row in connection.execute(page)]


def _open_issue(row: sa.Row[tuple[object, ...]]) -> OpenIssue:
    return OpenIssue(
        row.id, row.flow, Issue(row.cause, row.key, row.field, row.facts), row.title, IssueState(row.state),
        row.first_seen, row.last_seen, row.seen, row.run, row.reason, row.by,
    )  # fmt: skip
