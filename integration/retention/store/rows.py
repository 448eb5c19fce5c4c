"""Counts and deletes expired rows by retention class, in small portions.

Rows that are still needed stay regardless of age: plans that wait or can be resumed, lines in doubt, runs of open
or dismissed issues, runs that an active undo reads, and the newest completed and the newest writing run of each flow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from integration.core.issues import IssueState
from integration.core.plan import Action
from integration.core.records import RecordType, kinds
from integration.core.states import RunState, Step
from integration.store import plan_lines, tables
from integration.store.database import Store
from integration.store.tables import evidence, issues, line_counts, lines, runs

PORTION = 500  # rows per transaction
# Kinds with evidence: documents, and daybook pages.
VOUCHERS, BOOKS = (RecordType.SALE, RecordType.DOCUMENT), (RecordType.PAGE,)

# The tables of each class; the first one is counted. Tables without a class are kept permanently.
TABLES: Mapping[str, tuple[sa.Table, ...]] = {
    "staging": (tables.staged_records,),
    "plans": (lines, tables.excluded_lines, tables.facets),
    "exceptions": (issues, tables.dismissals, tables.causes, tables.incidents, tables.deliveries),
    "movements": (tables.stock_movements, tables.reservations),
    "runs": (runs, line_counts, tables.phases, tables.plan_notes),
    "vouchers": (evidence,),
    "books": (tables.day_checks,),
    "log": (tables.outbox,),
}
PERMANENT_TABLES = (
    tables.links, tables.distinctions, tables.reverted_values, tables.allotments, tables.cursors, tables.corrections,
    tables.mappings, tables.value_tables, tables.settings, tables.connections, tables.drift_checks,
    tables.drift_samples, tables.leases, tables.heartbeats, tables.instance, tables.stopped_executors, tables.people,
    tables.sessions, tables.invitations, tables.login_attempts, tables.first_approvals, tables.change_requests,
    tables.audit, tables.audit_head, tables.erasures, tables.saved_filters, tables.customer_merges,
    tables.dismissed_customer_pairs,
)  # fmt: skip

_ENDED_AT = sa.func.coalesce(runs.c.ended_at, runs.c.started_at)
_OVER = (RunState.DONE, RunState.DISCARDED, RunState.FAILED)


@dataclass(frozen=True, slots=True)
class RowStatistics:
    """The rows of a class, their size in bytes with indexes (None if unknown), and the oldest time."""

    rows: int
    size: int | None
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class _Part:
    """Expired rows of one table. With `blank`, columns are overwritten instead of deleting the rows."""

    table: sa.Table
    where: tuple[sa.ColumnElement[bool], ...]
    blank: Mapping[str, Any] | None = None


class RetentionStore(Store):
    """Counts and deletes rows by class. The classes are those of `core.retention`."""

    # ---- deleting ----------------------------------------------------------------------------------------------------

    def count_expired_rows(self, name: str, before: datetime) -> int:
        """Return how many rows of a class have expired."""
        with self.database.read() as connection:
            if name == "plans":
                return int(connection.execute(_count(lines, lines.c.run.in_(_plans_due(before)))).scalar_one())
            numbers = (
                connection.execute(_count(part.table, *part.where)).scalar_one() for part in _parts(name, before)
            )
            return sum(map(int, numbers))

    def prune(self, name: str, before: datetime, portion: int = PORTION) -> int:
        """Delete a portion of a class in one transaction, and return the number of rows, or 0 if none is left."""
        with self.database.write() as connection:
            if name == "plans":
                return self._prune_plan(connection, before, portion)
            for part in _parts(name, before):
                if number := _delete_portion(connection, part, portion):
                    return number
        return 0

    def _prune_plan(self, connection: sa.Connection, before: datetime, portion: int) -> int:
        """Delete lines of one plan. Bookings stay as evidence, and counts stay as tallies."""
        run = connection.execute(_plans_due(before).order_by(runs.c.id).limit(1)).scalar()
        if run is None:
            return 0
        connection.execute(
            runs.update().where(runs.c.id == run, runs.c.pruned_at.is_(None)).values(pruned_at=self.clock())
        )
        query = sa.select(lines.c.seq).where(lines.c.run == run).order_by(lines.c.seq).limit(portion)
        seqs = connection.execute(query).scalars().all()
        _keep_evidence(connection, run, seqs)
        connection.execute(lines.delete().where(lines.c.run == run, lines.c.seq.in_(seqs)))
        if len(seqs) < portion:
            for table in (tables.excluded_lines, tables.facets):
                connection.execute(table.delete().where(table.c.run == run))
        return len(seqs)

    # ---- counting ----------------------------------------------------------------------------------------------------

    def class_sizes(self) -> dict[str, RowStatistics]:
        """Return the rows of each class, and under `kept` those of tables that are kept permanently."""
        with self.database.read() as connection:
            sizes = _sizes(connection)
            classes = {name: _held_rows(connection, sizes, class_tables) for name, class_tables in TABLES.items()}
            return classes | {"kept": _held_rows(connection, sizes, PERMANENT_TABLES)}


# ---- deleting


def _disposable_runs() -> list[sa.ColumnElement[bool]]:
    """Return the conditions that a run meets if its data may be deleted."""
    newer, other = runs.alias(), runs.alias()
    open_issues = sa.select(issues.c.run).where(issues.c.state.in_((IssueState.OPEN, IssueState.DISMISSED)))
    on_its_way = sa.exists().where(
        line_counts.c.run == runs.c.id, line_counts.c.step.in_(plan_lines.UNSETTLED), line_counts.c.lines > 0
    )
    doubted = sa.exists().where(
        lines.c.run == runs.c.id, lines.c.action == Action.CREATE, lines.c.cause.in_(plan_lines.DOUBTS),
        lines.c.step.not_in((Step.PROVEN, Step.ACCEPTED, Step.LEFT, Step.PLANNED)),
    )  # fmt: skip
    being_undone = sa.exists().where(
        other.c.undo_of == runs.c.id, other.c.state.not_in((RunState.DONE, RunState.DISCARDED))
    )
    newest = sa.and_(
        runs.c.state == RunState.DONE,
        ~sa.exists().where(newer.c.flow == runs.c.flow, newer.c.state == RunState.DONE, _is_later(newer)),
    )
    newest_written = sa.and_(
        _has_written(runs), ~sa.exists().where(newer.c.flow == runs.c.flow, _is_later(newer), _has_written(newer))
    )
    return [
        runs.c.state.in_(_OVER),
        ~sa.and_(runs.c.state == RunState.FAILED, runs.c.fingerprint != ""),  # it can be resumed
        runs.c.id.not_in(open_issues),
        ~on_its_way,
        ~doubted,
        ~being_undone,
        ~newest,
        ~newest_written,
    ]


def _is_later(other: sa.FromClause) -> sa.ColumnElement[bool]:
    later: sa.ColumnElement[bool] = other.c.number > runs.c.number
    return later


def _has_written(table: Any) -> sa.ColumnElement[bool]:
    of_it = line_counts.alias()
    return sa.exists().where(
        of_it.c.run == table.c.id, of_it.c.step.in_((Step.PROVEN, Step.ACCEPTED)), of_it.c.lines > 0
    )


def _has_lines() -> sa.ColumnElement[bool]:
    return sa.exists().where(lines.c.run == runs.c.id)


def _plans_due(before: datetime) -> sa.Select[Any]:
    return sa.select(runs.c.id).where(runs.c.lines > 0, before > _ENDED_AT, _has_lines(), *_disposable_runs())


def _runs_due(before: datetime, *, idle: bool) -> tuple[sa.ColumnElement[bool], ...]:
    of_kind = runs.c.lines == 0 if idle else runs.c.lines > 0
    return (of_kind, before > _ENDED_AT, ~_has_lines(), *_disposable_runs())


def _parts(name: str, before: datetime) -> list[_Part]:
    """Return the expired rows of a class. Raises ValueError for an unknown class."""
    match name:
        case "staging":
            is_needed = sa.or_(runs.c.state.not_in(_OVER), before <= _ENDED_AT)
            return [
                _Part(tables.staged_records, (~sa.exists().where(runs.c.id == tables.staged_records.c.run, is_needed),))
            ]
        case "exceptions":
            issue = issues.alias()
            of_cause = (issue.c.flow == tables.causes.c.flow, issue.c.cause == tables.causes.c.cause)
            of_issue = sa.exists().where(issue.c.id == tables.dismissals.c.issue)
            return [
                _Part(issues, (issues.c.state == IssueState.CLOSED, issues.c.last_seen < before)),
                _Part(tables.dismissals, (~of_issue,)),
                _Part(tables.causes, (tables.causes.c.changed_at < before, ~sa.exists().where(*of_cause))),
                _Part(tables.deliveries, (tables.deliveries.c.sent_at < before,)),
                _Part(tables.incidents, (tables.incidents.c.ended_at < before,)),
            ]
        case "movements":
            return [
                _Part(
                    tables.stock_movements,
                    (tables.stock_movements.c.booked, tables.stock_movements.c.happened_at < before),
                )
            ]
        case "idle" | "runs":
            return [_Part(runs, _runs_due(before, idle=name == "idle"))]
        case "vouchers":
            return _evidence_parts(VOUCHERS, before)
        case "books":
            return [
                _Part(tables.day_checks, (tables.day_checks.c.date < before.date(),)),
                *_evidence_parts(BOOKS, before),
            ]
    raise ValueError(f"nothing is kept as {name!r}")


def _evidence_parts(record_types: Sequence[RecordType], before: datetime) -> list[_Part]:
    """Return expired evidence. The key pair of a link stays, so that its document is not booked again."""
    of_links = tables.links
    old = (
        of_links.c.kind.in_(kinds(*record_types)),
        of_links.c.changed_at < before,
        of_links.c.agreed.is_not(sa.null()),
    )
    return [
        _Part(evidence, (evidence.c.kind.in_(kinds(*record_types)), evidence.c.booked_at < before)),
        _Part(of_links, old, {"agreed": sa.null()}),
    ]


def _count(table: sa.Table, *where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(table).where(*where)


def _delete_portion(connection: sa.Connection, part: _Part, portion: int) -> int:
    keys = list(part.table.primary_key)
    rows = connection.execute(sa.select(*keys).where(*part.where).limit(portion)).all()
    if not rows:
        return 0
    condition = sa.tuple_(*keys).in_([tuple(row) for row in rows])
    change = part.table.delete() if part.blank is None else part.table.update().values(dict(part.blank))
    return connection.execute(change.where(condition)).rowcount


def _keep_evidence(connection: sa.Connection, run: str, seqs: Sequence[int]) -> None:
    row = connection.execute(sa.select(runs.c.flow, runs.c.approval, _ENDED_AT).where(runs.c.id == run)).one()
    flow, approval, ended = row
    booked = sa.select(lines).where(
        lines.c.run == run, lines.c.seq.in_(seqs), lines.c.kind.in_(kinds(*VOUCHERS, *BOOKS)),
        lines.c.step.in_((Step.PROVEN, Step.ACCEPTED)),
    )  # fmt: skip
    rows = [
        {
            "run": run, "seq": line.seq, "flow": flow, "kind": line.kind, "key": line.key, "reference": line.reference,
            "step": line.step, "digest": line.digest, "by": (approval or {}).get("by", ""),
            "booked_at": line.sent_at or ended,
        }
        for line in connection.execute(booked)
    ]  # fmt: skip
    if rows:
        connection.execute(evidence.insert(), rows)


# ---- counting


_MOMENTS: Mapping[str, Any] = {
    "staged_records": sa.select(sa.func.min(runs.c.started_at)).where(
        sa.exists().where(tables.staged_records.c.run == runs.c.id)
    ),
    "plan_lines": sa.select(sa.func.min(runs.c.started_at)).where(runs.c.lines > 0, _has_lines()),
    "issues": sa.select(sa.func.min(issues.c.last_seen)),
    "stock_movements": sa.select(sa.func.min(tables.stock_movements.c.happened_at)),
    "runs": sa.select(sa.func.min(runs.c.started_at)),
    "evidence": sa.select(sa.func.min(evidence.c.booked_at)),
    "day_checks": sa.select(sa.func.min(tables.day_checks.c.checked_at)),
    "outbox": sa.select(sa.func.min(tables.outbox.c.happened_at)),
}


def _held_rows(
    connection: sa.Connection, sizes: Mapping[str, int] | None, class_tables: Sequence[sa.Table]
) -> RowStatistics:
    rows = sum(int(connection.execute(_count(table)).scalar_one()) for table in class_tables)
    oldest = _MOMENTS.get(class_tables[0].name)
    size = None if sizes is None else sum(sizes.get(table.name, 0) for table in class_tables)
    return RowStatistics(rows, size, None if oldest is None else connection.execute(oldest).scalar())


def _sizes(connection: sa.Connection) -> dict[str, int] | None:
    """Return the size in bytes of each table with its indexes, or None if SQLite was built without `dbstat`."""
    if connection.dialect.name == "postgresql":
        query = (
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        )
        return {str(name): int(size) for name, size in connection.execute(sa.text(query))}
    query = (
        "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat AS s JOIN sqlite_master AS m ON m.name = s.name "
        "WHERE s.aggregate = TRUE GROUP BY m.tbl_name"
    )
    try:
        return {str(name): int(size) for name, size in connection.exec_driver_sql(query)}
    except sa.exc.OperationalError:
        return None
