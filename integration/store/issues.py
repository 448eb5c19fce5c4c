"""Stores the exception queue: open, dismissed and closed issues, grouped by cause."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from integration.core.authorization import requires
from integration.core.causes import APART, grouping_detail
from integration.core.issues import (
    KEY_UNREADABLE,
    REPEATED_STOP,
    CauseGroup,
    Issue,
    IssueGroupKey,
    IssueOccurrence,
    IssueState,
    OpenIssue,
)
from integration.core.people import Right
from integration.core.states import Step
from integration.store.database import PreparedKeyQuery, Store, batches, rows_with_keys, upsert
from integration.store.environments import INACTIVE_PATTERN
from integration.store.erasure_register import SoFar, require_no_erasure_since
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.plan_lines import DOUBTS, in_doubt_question
from integration.store.row_mapping import change_from_json
from integration.store.tables import causes, dismissals, issues, lines, runs, staged_records

_GROUP_COLUMNS = (issues.c.flow, issues.c.cause, issues.c.field, issues.c.detail)
_NUMBER = sa.func.count().label("number")
_CONNECTED = issues.c.flow.not_like(INACTIVE_PATTERN)  # belongs to the connected pair of systems
_REFRESHED = (
    "title",
    "facts",
    "last_seen",
    "run",
    "detail",
    "cents",
    "state",
    "first_seen",
    "occurrences",
    "reason",
    "by",
)
_REFRESH = (
    issues.update()
    .where(issues.c.id == sa.bindparam("the_id"))
    .values({name: sa.bindparam(name) for name in _REFRESHED})
)

GONE = "gone"  # reason of a closed issue: a run no longer found it

_OF_FLOW = PreparedKeyQuery(sa.select(issues).where(issues.c.flow == sa.bindparam("flow")), issues.c.key)
_DISMISSED = PreparedKeyQuery(sa.select(dismissals).where(dismissals.c.flow == sa.bindparam("flow")), dismissals.c.key)


def open_or_refresh(
    connection: sa.Connection, at: datetime, flow: str, run: str, occurrences: Sequence[IssueOccurrence]
) -> None:
    """Open issues or refresh known ones, in the current transaction.

    Records an event for issues that are new or were closed. A dismissed issue stays dismissed, unless its detail
    changed.
    """
    newest = {
        (occurrence.issue.key, occurrence.issue.cause, occurrence.issue.field): occurrence for occurrence in occurrences
    }
    known_issues = _known_issues(connection, flow, [key for key, _, _ in newest])
    fresh: list[dict[str, object]] = []
    refresh_rows: list[dict[str, object]] = []
    events: list[Event] = []
    for identity, occurrence in newest.items():
        known_issue = known_issues.get(identity)
        row = _occurrence_columns(at, run, occurrence)
        is_new = known_issue is None or _has_returned(known_issue, str(row["detail"]))
        row |= {"state": IssueState.OPEN, "first_seen": at, "reason": "", "by": ""} if is_new else {}
        if known_issue is None:
            key, cause, field = identity
            fresh.append({"flow": flow, "key": key, "cause": cause, "field": field, "occurrences": 1, **row})
        else:
            stored_values = {name: getattr(known_issue, name) for name in ("state", "first_seen", "reason", "by")}
            refresh_rows.append(
                {"the_id": known_issue.id, **stored_values, "occurrences": known_issue.occurrences + 1, **row}
            )
        if is_new:
            events.append(_parked_event(flow, run, occurrence))
    if fresh:
        connection.execute(issues.insert(), fresh)
    if refresh_rows:
        connection.execute(_REFRESH, refresh_rows)
    append_events(connection, at, events)


def _has_returned(row: sa.Row[Any], detail: str) -> bool:
    state = IssueState(row.state)
    return state is IssueState.CLOSED or (state is IssueState.DISMISSED and str(row.detail) != detail)


def _occurrence_columns(at: datetime, run: str, occurrence: IssueOccurrence) -> dict[str, object]:
    """Return the columns that are stored each time an issue occurs."""
    facts = occurrence.issue.facts
    cents = int(Decimal(facts["sold"]).scaleb(2)) if facts.get("sold") else None
    detail = grouping_detail(occurrence.issue.cause, facts)
    return {
        "title": occurrence.title,
        "facts": dict(facts),
        "last_seen": at,
        "run": run,
        "detail": detail,
        "cents": cents,
    }


def _known_issues(connection: sa.Connection, flow: str, keys: Sequence[str]) -> dict[tuple[str, str, str], sa.Row[Any]]:
    rows = _OF_FLOW.rows(connection, {"flow": flow}, keys)
    return {(row.key, row.cause, row.field): row for row in rows}


def _is_same(row: sa.Row[Any], facts: Mapping[str, str] | None) -> bool:
    """Return True if a check found an issue again. A dismissed issue must have the facts of its dismissal."""
    if facts is None:
        return False
    return IssueState(row.state) is IssueState.OPEN or dict(row.facts) == dict(facts)


def _parked_event(flow: str, run: str, occurrence: IssueOccurrence) -> Event:
    facts = {**occurrence.issue.about, **occurrence.issue.facts, "field": occurrence.issue.field}
    key, cause = occurrence.issue.key, occurrence.issue.cause
    return Event(
        event="parked",
        run=run,
        flow=flow,
        kind=occurrence.kind,
        key=key,
        title=occurrence.title,
        code=cause,
        facts=facts,
    )


def close_resolved(connection: sa.Connection, at: datetime, flow: str, run: str, *, complete: bool) -> None:
    """Close the issues of a flow that a preview no longer found, in the current transaction.

    A complete run covers every record. Any other run covers the records it read and those its plan has lines for, such
    as the credit note of a document. Some issues stay: those of a separate check, which only that check closes; those
    of a commit that stops repeatedly, until one ends; and the question about a record in doubt, until it is settled,
    even if the record is no longer planned.
    """
    of_runs = issues.c.cause.notin_([*APART, REPEATED_STOP])
    doubts = in_doubt_question(flow).order_by(None).with_only_columns(lines.c.key)
    is_in_doubt = sa.and_(issues.c.cause.in_(DOUBTS), issues.c.key.in_(doubts))
    condition = sa.and_(
        issues.c.flow == flow, issues.c.state != IssueState.CLOSED, issues.c.run != run, of_runs, ~is_in_doubt
    )
    if not complete:
        was_staged = sa.exists().where(
            staged_records.c.run == run,
            sa.or_(staged_records.c.key == issues.c.key, staged_records.c.parent == issues.c.key),
        )
        planned = sa.exists().where(lines.c.key == issues.c.key, lines.c.run == run)
        condition = sa.and_(condition, sa.or_(was_staged, planned))
    rows = connection.execute(sa.select(issues).where(condition)).all()
    _close_issues(connection, at, run, rows)


def close_repeated_stops(
    connection: sa.Connection, at: datetime, flow: str, run: str, remaining: Collection[str] = ()
) -> None:
    """Close the issues of a commit that stopped repeatedly, except those of the records that still wait for it."""
    waiting = (issues.c.flow == flow, issues.c.cause == REPEATED_STOP, issues.c.state != IssueState.CLOSED)
    rows = connection.execute(sa.select(issues).where(*waiting)).all()
    _close_issues(connection, at, run, [row for row in rows if row.key not in remaining])


def _close_issues(connection: sa.Connection, at: datetime, run: str, rows: Sequence[sa.Row[Any]]) -> None:
    closed = {"state": IssueState.CLOSED, "last_seen": at, "reason": GONE, **({"run": run} if run else {})}
    for batch in batches([row.id for row in rows]):
        connection.execute(issues.update().where(issues.c.id.in_(batch)).values(closed))
        connection.execute(dismissals.delete().where(dismissals.c.issue.in_(batch)))
    events = [
        Event(event="issue_closed", run=run, flow=row.flow, key=row.key, title=row.title, code=row.cause)
        for row in rows
    ]
    append_events(connection, at, events)


def reopen_planned(connection: sa.Connection, at: datetime, run: str, flow: str) -> None:
    """Reopen the issues that a discarded plan closed because it planned their records, in the current transaction.

    So the records are read again by a run of changes, if the input that had changed differs from that of the last
    run. Records that another run has written since keep their state.
    """
    closed = (issues.c.flow == flow, issues.c.run == run, issues.c.state == IssueState.CLOSED, issues.c.reason == GONE)
    rows = connection.execute(sa.select(issues).where(*closed, issues.c.cause != REPEATED_STOP)).all()
    if not rows:
        return
    planned = sa.select(lines.c.key, lines.c.change).where(lines.c.run == run, lines.c.step == Step.PLANNED)
    keys: set[str] = set()
    for line in connection.execute(planned):
        change = change_from_json(line.change) if line.change else None
        keys |= {line.key, *(change.sources if change else ())}
    writer = sa.select(runs.c.started_at).where(runs.c.id == run).scalar_subquery()
    later = sa.select(runs.c.id).where(runs.c.flow == flow, runs.c.started_at > writer)
    written_keys: set[str] = set()
    for batch in batches([row.key for row in rows if row.key in keys]):
        of_later = (lines.c.run.in_(later), lines.c.key.in_(batch), lines.c.step.in_((Step.PROVEN, Step.ACCEPTED)))
        written_keys.update(connection.execute(sa.select(lines.c.key).where(*of_later)).scalars())
    waiting = [row for row in rows if row.key in keys - written_keys]
    for batch in batches([row.id for row in waiting]):
        connection.execute(issues.update().where(issues.c.id.in_(batch)).values(state=IssueState.OPEN, reason=""))
    facts = {"by": "console", "reason": "plan_discarded"}
    append_events(connection, at, [_decision_event("issue_reopened", row, facts, run) for row in waiting])


def issues_of_runs(connection: sa.Connection, flow: str, after: int, limit: int, *, to_retry: bool) -> list[OpenIssue]:
    """Return a page of the issues of a flow, found by runs and not closed, sorted by id, after the id `after`.

    Records without a key are left out, and with `to_retry` those that are dismissed or that the target refused.
    """
    was_sent = sa.exists().where(lines.c.run == issues.c.run, lines.c.key == issues.c.key, lines.c.sent_at.isnot(None))
    chosen = (
        (issues.c.state == IssueState.OPEN, sa.not_(was_sent)) if to_retry else (issues.c.state != IssueState.CLOSED,)
    )
    conditions = (issues.c.flow == flow, issues.c.id > after, issues.c.cause.notin_([*APART, KEY_UNREADABLE]), *chosen)
    page = sa.select(issues).where(*conditions).order_by(issues.c.id).limit(limit)
    return [_open_issue(row) for row in connection.execute(page)]


def dismissed_marks(connection: sa.Connection, flow: str, keys: Collection[str]) -> dict[str, dict[int, str]]:
    """Return the marks that these records had when their issues were dismissed, by key and issue id."""
    marks: dict[str, dict[int, str]] = {}
    for row in _DISMISSED.rows(connection, {"flow": flow}, keys):
        marks.setdefault(row.key, {})[row.issue] = row.mark
    return marks


def reopen(
    connection: sa.Connection, at: datetime, run: str, identities: Collection[int], reason: str, by: str
) -> None:
    """Reopen dismissed issues, in the current transaction."""
    for batch in batches(identities):
        conditions = (issues.c.id.in_(batch), issues.c.state == IssueState.DISMISSED)
        rows = connection.execute(sa.select(issues).where(*conditions).with_for_update()).all()
        connection.execute(issues.update().where(*conditions).values(state=IssueState.OPEN, reason="", by=""))
        connection.execute(dismissals.delete().where(dismissals.c.issue.in_(batch)))
        facts = {"by": by, "reason": reason}
        append_events(connection, at, [_decision_event("issue_reopened", row, facts, run) for row in rows])


def _decision_event(event: str, row: sa.Row[Any], facts: Mapping[str, str], run: str = "") -> Event:
    return Event(event=event, run=run, flow=row.flow, key=row.key, title=row.title, code=row.cause, facts=facts)


class Issues(Store):
    """Stores the issues of all flows."""

    @requires(Right.SEE)
    def open(self, flow: str, run: str, met: Sequence[IssueOccurrence]) -> None:
        """Open issues or refresh known ones."""
        with self.database.write() as connection:
            open_or_refresh(connection, self.clock(), flow, run, met)

    def store_check_result(
        self,
        flow: str,
        keys: Collection[str],
        causes: Collection[str],
        occurrences: Sequence[IssueOccurrence],
        so_far: SoFar | None = None,
    ) -> None:
        """Store the result of a check outside a run.

        Opens the issues it found, and closes all other issues of these records and causes. A dismissed issue is
        reopened if its facts changed. Raises ErasedSinceReadError if a person was erased since `so_far`, the state of
        the erasure register when the data was read.
        """
        current_facts = {
            (occurrence.issue.key, occurrence.issue.cause, occurrence.issue.field): occurrence.issue.facts
            for occurrence in occurrences
        }
        now = self.clock()
        with self.database.write() as connection:
            require_no_erasure_since(connection, so_far)
            conditions = (issues.c.flow == flow, issues.c.cause.in_(causes), issues.c.state != IssueState.CLOSED)
            known_rows = list(rows_with_keys(connection, sa.select(issues).where(*conditions), issues.c.key, keys))
            over = [row for row in known_rows if not _is_same(row, current_facts.get((row.key, row.cause, row.field)))]
            _close_issues(connection, now, "", over)
            open_or_refresh(connection, now, flow, "", occurrences)

    @requires(Right.SEE)
    def counts(self) -> dict[str, int]:
        """Return the number of open issues of the connected pair of systems, by flow."""
        conditions = (issues.c.state == IssueState.OPEN, _CONNECTED)
        query = sa.select(issues.c.flow, _NUMBER).where(*conditions).group_by(issues.c.flow)
        return {row.flow: row.number for row in self.database.rows(query)}

    @requires(Right.SEE)
    def causes(self, flow: str | None = None, state: IssueState = IssueState.OPEN) -> list[CauseGroup]:
        """Return the issues of a flow, or of all flows, as issue groups, the largest group first."""
        first, last = sa.func.min(issues.c.first_seen), sa.func.max(issues.c.last_seen)
        sums = (first.label("first"), last.label("last"), sa.func.max(issues.c.id).label("newest"))
        statement = sa.select(*_GROUP_COLUMNS, _NUMBER, *sums, sa.func.sum(issues.c.cents).label("cents"))
        statement = statement.where(issues.c.state == state, issues.c.flow == flow if flow else _CONNECTED)
        group = statement.group_by(*_GROUP_COLUMNS).subquery()
        same = sa.and_(*(causes.c[column.name] == group.c[column.name] for column in _GROUP_COLUMNS))
        of_newest = (issues.c.facts, issues.c.reason, issues.c.by, issues.c.run)
        query = sa.select(group, *of_newest, causes.c.assigned, causes.c.note)
        query = query.join(issues, issues.c.id == group.c.newest).outerjoin(causes, same)
        order = (group.c.number.desc(), group.c.flow, group.c.cause, group.c.detail)
        return [_cause_group(row) for row in self.database.rows(query.order_by(*order))]

    def appearances(self, since: datetime) -> dict[IssueGroupKey, dict[datetime, int]]:
        """Return how many issues appeared at each moment, by issue group. Reopened issues count as new.

        All issues of one transaction have the same time, so the result has about as many entries as there were runs.
        """
        recent = sa.select(*_GROUP_COLUMNS, issues.c.first_seen, _NUMBER).where(
            issues.c.first_seen >= since, _CONNECTED
        )
        numbers: dict[IssueGroupKey, dict[datetime, int]] = {}
        for row in self.database.rows(recent.group_by(*_GROUP_COLUMNS, issues.c.first_seen)):
            numbers.setdefault(IssueGroupKey(row.flow, row.cause, row.field, row.detail), {})[row.first_seen] = (
                row.number
            )
        return numbers

    @requires(Right.REPAIR)
    def assign(self, cause: IssueGroupKey, to: str, by: str) -> None:
        """Assign an issue group, with issues that join it later, to a person. An empty `to` removes the assignment."""
        self._change_group(cause, "cause_assigned", by, assigned=to)

    @requires(Right.REPAIR)
    def annotate(self, cause: IssueGroupKey, note: str, by: str) -> None:
        """Store a note with an issue group. An empty note removes it."""
        self._change_group(cause, "cause_noted", by, note=note)

    def _change_group(self, cause: IssueGroupKey, event: str, by: str, **values: str) -> None:
        now = self.clock()
        key = {"flow": cause.flow, "cause": cause.cause, "field": cause.field, "detail": cause.detail}
        with self.database.write() as connection:
            conditions = [causes.c[name] == value for name, value in key.items()]
            row = connection.execute(sa.select(causes).where(*conditions).with_for_update()).first()
            stored_values = {"assigned": row.assigned, "note": row.note} if row else {"assigned": "", "note": ""}
            upsert(connection, causes, [{**key, **stored_values, **values, "by": by, "changed_at": now}])
            facts = {"by": by, "detail": cause.detail, **values}
            append_events(connection, now, [Event(event=event, flow=cause.flow, code=cause.cause, facts=facts)])

    @requires(Right.SEE)
    def people(self) -> list[str]:
        """Return the names of all persons that a group is assigned to."""
        query = sa.select(causes.c.assigned).where(causes.c.assigned != "").distinct()
        return sorted(row.assigned for row in self.database.rows(query))

    @requires(Right.SEE)
    def of_key(self, flow: str, key: str) -> list[OpenIssue]:
        """Return all issues of a record in a flow, including closed ones, the newest first."""
        query = sa.select(issues).where(issues.c.flow == flow, issues.c.key == key).order_by(issues.c.last_seen.desc())
        return [_open_issue(row) for row in self.database.rows(query)]

    @requires(Right.REPAIR)
    def close(self, identity: int, by: str) -> None:
        """Close an issue. It opens again when a preview finds it again."""
        self._change_state(identity, IssueState.CLOSED, "issue_closed", "", by)

    def dismiss(self, identity: int, reason: str, by: str, marks: Mapping[str, str] | None = None) -> None:
        """Dismiss an issue with a reason.

        The record stays parked without notification until the cause is gone, the issue's detail changes, a person
        reopens it, or a source record is read with a mark other than the one in `marks`.
        """
        self._change_state(identity, IssueState.DISMISSED, "issue_dismissed", reason, by, marks or {})

    def dismiss_all(self, marks: Mapping[int, Mapping[str, str]], reason: str, by: str) -> int:
        """Dismiss open issues with one reason and return how many were still open; see `dismiss`."""
        now, dismissed_count = self.clock(), 0
        with self.database.write() as connection:
            for batch in batches(list(marks)):
                conditions = (issues.c.id.in_(batch), issues.c.state == IssueState.OPEN)
                rows = connection.execute(sa.select(issues).where(*conditions).with_for_update()).all()
                values = {"state": IssueState.DISMISSED, "reason": reason, "by": by}
                connection.execute(issues.update().where(*conditions).values(**values))
                _store_marks(connection, {row.id: marks[row.id] for row in rows}, {row.id: row.flow for row in rows})
                facts = {"by": by, "reason": reason}
                append_events(connection, now, [_decision_event("issue_dismissed", row, facts) for row in rows])
                dismissed_count += len(rows)
        return dismissed_count

    def reopen_issues(self, identities: Collection[int], by: str) -> None:
        """Reopen dismissed issues."""
        with self.database.write() as connection:
            reopen(connection, self.clock(), "", identities, "", by)

    def _change_state(
        self, identity: int, state: IssueState, event: str, reason: str, by: str, marks: Mapping[str, str] | None = None
    ) -> None:
        now = self.clock()
        with self.database.write() as connection:
            row = connection.execute(sa.select(issues).where(issues.c.id == identity).with_for_update()).first()
            if row is None:
                raise KeyError(f"there is no issue {identity}")
            decided = issues.update().where(issues.c.id == identity).values(state=state, reason=reason, by=by)
            connection.execute(decided)
            _store_marks(connection, {identity: marks or {}}, {identity: row.flow})
            append_events(connection, now, [_decision_event(event, row, {"by": by, "reason": reason})])

    @requires(Right.SEE)
    def list(
        self,
        flow: str,
        cause: str,
        field: str | None = None,
        *,
        detail: str | None = None,
        state: IssueState = IssueState.OPEN,
        find: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> list[OpenIssue]:
        """Return the issues of one cause, the oldest first. `find` filters by a part of the key, title or detail."""
        filters = {"flow": flow, "cause": cause, "state": state, "field": field, "detail": detail}
        conditions = [issues.c[name] == value for name, value in filters.items() if value is not None]
        query = sa.select(issues).where(*conditions, *([_text_condition(find)] if find else []))
        page = query.order_by(issues.c.first_seen, issues.c.id).offset(offset).limit(limit)
        return [_open_issue(row) for row in self.database.rows(page)]

    def of_causes(self, flow: str, causes: Collection[str], state: IssueState) -> Sequence[Issue]:
        conditions = (issues.c.flow == flow, issues.c.cause.in_(causes), issues.c.state == state)
        return [_open_issue(row).issue for row in self.database.rows(sa.select(issues).where(*conditions))]

    @requires(Right.SEE)
    def matching_groups(self, find: str, state: IssueState = IssueState.OPEN) -> dict[IssueGroupKey, int]:
        """Return the issue groups that have issues whose key, title or detail contains the text, with their number."""
        conditions = (issues.c.state == state, _text_condition(find), _CONNECTED)
        rows = self.database.rows(sa.select(*_GROUP_COLUMNS, _NUMBER).where(*conditions).group_by(*_GROUP_COLUMNS))
        return {IssueGroupKey(row.flow, row.cause, row.field, row.detail): row.number for row in rows}


def _cause_group(row: sa.Row[Any]) -> CauseGroup:
    cents = None if row.cents is None else Decimal(int(row.cents)).scaleb(-2)
    return CauseGroup(
        row.flow,
        row.cause,
        row.field,
        row.number,
        row.first,
        row.last,
        row.facts,
        row.detail,
        row.assigned or "",
        row.note or "",
        row.reason,
        row.by,
        row.run,
        cents,
    )


def _text_condition(find: str) -> sa.ColumnElement[bool]:
    """Return the condition that an issue's key, title or detail contains the text."""
    folded_text = find.casefold()
    return sa.or_(
        *(
            sa.func.lower(column).contains(folded_text, autoescape=True)
            for column in (issues.c.key, issues.c.title, issues.c.detail)
        )
    )


def _store_marks(connection: sa.Connection, marks: Mapping[int, Mapping[str, str]], flows: Mapping[int, str]) -> None:
    """Replace the stored marks of the records behind these issues."""
    for batch in batches(list(marks)):
        connection.execute(dismissals.delete().where(dismissals.c.issue.in_(batch)))
    rows = [
        {"flow": flows[issue], "key": key, "issue": issue, "mark": mark}
        for issue, of_issue in marks.items()
        for key, mark in of_issue.items()
    ]
    if rows:
        connection.execute(dismissals.insert(), rows)


def _open_issue(row: sa.Row[Any]) -> OpenIssue:
    return OpenIssue(
        row.id,
        row.flow,
        Issue(row.cause, row.key, row.field, row.facts),
        row.title,
        IssueState(row.state),
        row.first_seen,
        row.last_seen,
        row.occurrences,
        row.run,
        row.reason,
        row.by,
    )
