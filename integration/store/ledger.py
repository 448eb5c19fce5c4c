"""Stores the progress of commits: which changes were sent, and the result of each. Writes are durable on return."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache

import sqlalchemy as sa

from integration.core.flow import Mirrors
from integration.core.issues import Issue, IssueOccurrence
from integration.core.links import Link
from integration.core.plan import Action, Change
from integration.core.plan_lines import PlanRow
from integration.core.records import CurrentRecord, Kind, Record, kinds, merged, record_from_json
from integration.core.reverted_values import VALUE_REVERTED
from integration.core.run import Outcome, Progress
from integration.core.states import RunState, Step
from integration.store import facets, issues, links, plan_lines, reverted_values, transitions
from integration.store.cursors import keep_cursors, skip_own_writes
from integration.store.database import Clock, Database, PreparedKeyQuery, Store, in_clause
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.plan_lines import NumberedChanges
from integration.store.prepared_statements import PreparedStatement
from integration.store.row_mapping import Row, plan_row
from integration.store.superseded import close_superseded
from integration.store.tables import line_counts, lines, runs
from integration.store.tables import links as of_links

NOTHING_KNOWN: NumberedChanges = {}
BEFORE_THE_FIRST = -1  # line number before the first line
NOTHING_ACCEPTED: Mapping[int, str] = {}

MADE = frozenset({Step.PROVEN, Step.ACCEPTED})  # steps of changes that the target has
_RUN = PreparedStatement(sa.select(runs.c.flow, runs.c.cancelled).where(runs.c.id == sa.bindparam("run")))
_SEND = PreparedStatement(
    lines.update()
    .where(lines.c.run == sa.bindparam("the_run"), lines.c.seq == sa.bindparam("the_seq"))
    .values(step=sa.bindparam("step"), sent_at=sa.bindparam("sent_at"), attempts=lines.c.attempts + 1)
)
_ACCEPT = PreparedStatement(
    lines.update()
    .where(lines.c.run == sa.bindparam("the_run"), lines.c.seq == sa.bindparam("the_seq"))
    .values(accepted=True, reference=sa.bindparam("told"))
)
_MOVE = PreparedStatement(
    lines.update()
    .where(lines.c.run == sa.bindparam("the_run"), lines.c.seq == sa.bindparam("the_seq"))
    .values(
        {
            name: sa.bindparam(name)
            for name in ("step", "reference", "cause", "cause_field", "facts", "sent_at", "attempts")
        }
    )
)


class Ledger(Store):
    """Stores the state of every change of a commit.

    Methods raise ValueError for a transition that `core/states.py` forbids.
    """

    def __init__(self, database: Database, clock: Clock, *, mirrors: Mirrors = links.NO_MIRRORS) -> None:
        super().__init__(database, clock)
        self.mirrors = mirrors

    def next_planned(self, run: str, stages: Sequence[str], limit: int, after: int = BEFORE_THE_FIRST) -> list[PlanRow]:
        """Return the next changes to send after a line of the plan, all of one stage and in plan order.

        Changes of a later stage are returned only when all changes of earlier `stages` are settled. Changes of stages
        that are not in `stages` come last.
        """
        in_order, others = _planned_queries(tuple(stages))
        values = {"run": run, "after": after, "limit": limit}
        rows = self.database.prepared_rows(in_order, values) or self.database.prepared_rows(others, values)
        return [plan_row(row) for row in rows]

    def unsettled(self, run: str) -> list[PlanRow]:
        """Return the changes that were sent and not settled, in plan order."""
        query = sa.select(line_counts.c.run).where(
            line_counts.c.run == run, line_counts.c.step.in_(plan_lines.UNSETTLED), line_counts.c.lines > 0
        )
        if self.database.first(query) is None:  # the usual case, and much cheaper to learn from the tallies
            return []
        page = sa.select(lines).where(lines.c.run == run, lines.c.step.in_(plan_lines.UNSETTLED))
        return [plan_row(row) for row in self.database.rows(page.order_by(lines.c.seq))]

    def in_doubt(self, run: str, flow: str, kind: Kind | None, keys: Collection[str]) -> list[PlanRow]:
        """Return creates of these records that other runs of a flow sent and that are in doubt.

        For documents `kind` may be None, because no other kind of record has their keys.
        """
        values = {"run": run, "flow": flow, "kind": kind}
        return [
            plan_row(row)
            for row in self.database.prepared_rows_with_values(
                _in_doubt_by_keys(None if kind is None else kinds()), values, keys
            )
        ]

    def all_in_doubt(self, flow: str, kind: Kind | None = None) -> list[PlanRow]:
        """Return all creates of a flow, of one kind or of any, that are in doubt."""
        return [plan_row(row) for row in self.database.rows(plan_lines.in_doubt_question(flow, kind))]

    def unproven_creates(self, flow: str, kind: Kind) -> list[PlanRow]:
        """Return every create of a kind that was sent at least once and is not proven, in any step.

        The target may have these records, and they are ours. This includes creates that are planned again, left out
        with their run, or parked because the target has other values.
        """
        was_sent = sa.or_(lines.c.attempts > 0, in_clause(lines.c.step, plan_lines.UNSETTLED))
        conditions = (lines.c.action == Action.CREATE, lines.c.kind == kind, was_sent)
        open_steps = (*plan_lines.UNSETTLED, Step.PLANNED, Step.PARKED, Step.LEFT)
        of_flow = (runs.c.id == lines.c.run, runs.c.flow == flow)
        question = sa.select(lines).where(*of_flow, in_clause(lines.c.step, open_steps), *conditions)
        return [plan_row(row) for row in self.database.rows(question.order_by(lines.c.run, lines.c.seq))]

    def settle_doubts(self, doubts: Sequence[PlanRow], current_records: Mapping[str, CurrentRecord]) -> list[PlanRow]:
        """Settle the doubts whose records a lookup found, given by key, as proven. Return the other doubts."""
        found_rows = [row for row in doubts if row.key in current_records and row.change]
        for run in {row.run for row in found_rows}:
            changes = {row.seq: row.change for row in found_rows if row.run == run and row.change}
            pairs = [(row, current_records[row.key]) for row in found_rows if row.run == run]
            outcomes = [Outcome(row.seq, Step.PROVEN, current.reference, current.marker) for row, current in pairs]
            self.settle(run, outcomes, changes)
        return [row for row in doubts if row.key not in current_records]

    def answer_doubts(self, flow: str, key: str, number: str | None, *events: Event) -> int:
        """Store a person's answer about a record in doubt, and return how many changes it settles.

        `number` is the record's number in the target, or None if it is not there and may be sent again. The `events`
        are recorded with each change. If two people answer at once, the second settles nothing.
        """
        step, settled = Step.LEFT if number is None else Step.ACCEPTED, 0
        for row in self.in_doubt("", flow, None, [key]):
            with suppress(transitions.StateChangedError):
                self.settle(row.run, [Outcome(row.seq, step, number or "")], also=events)
                settled += 1
        return settled

    def mark_sent(
        self,
        run: str,
        seqs: Sequence[int],
        known_changes: NumberedChanges = NOTHING_KNOWN,
        accepted: Mapping[int, str] = NOTHING_ACCEPTED,
        *,
        is_done: bool = False,
    ) -> bool:
        """Mark changes as sent before their call. The marks are durable on return.

        Returns False if a person asked the run to stop. The changes then stay planned, unless `is_done` says that the
        target already has the wanted values. `known_changes` holds changes by line number: a change never alters, so
        these are not read again. `accepted` holds the references that the target returned for changes sent earlier, by
        line number; they are stored in the same transaction.
        """
        if not seqs:
            return True
        now = self.clock()
        with self.database.write() as connection:
            _store_accepted(connection, run, accepted)
            of_run = _RUN.rows(connection, {"run": run})[0]
            if of_run.cancelled and not is_done:  # checked here because every call passes here, at no extra query
                return False
            locked_rows = plan_lines.locked(connection, run, seqs)
            for row in locked_rows.values():
                transitions.require_transition(Step(row.step), Step.SENT, f"line {row.seq} of run {run}")
            values = {"the_run": run, "step": Step.SENT, "sent_at": now}
            _SEND.execute_many(connection, [{**values, "the_seq": seq} for seq in locked_rows])
            plan_lines.count_moved(connection, run, [(row, Step.SENT) for row in locked_rows.values()])
            changes = plan_lines.changes(connection, run, list(locked_rows), known_changes)
            append_events(
                connection,
                now,
                [transitions.line_event("sent", run, of_run.flow, row, changes) for row in locked_rows.values()],
            )
            return True

    def settle(
        self,
        run: str,
        outcomes: Sequence[Outcome],
        known_changes: NumberedChanges = NOTHING_KNOWN,
        *,
        page_ends: bool = False,
        accepted: Mapping[int, str] = NOTHING_ACCEPTED,
        also: Sequence[Event] = (),
    ) -> None:
        """Store the results of changes, with the links and issues that follow from them.

        A change in doubt gets the current time as sending time, because changes may be marked together, before the last
        of them is sent. `known_changes` holds changes by line number: a change never alters, so these are not read
        again. `accepted` holds the references that the target returned for changes sent earlier, by line number. With
        `page_ends`, the progress of the run is stored as well. The events in `also` are recorded.
        """
        if not outcomes:
            return
        now = self.clock()
        with self.database.write() as connection:
            flow = _RUN.rows(connection, {"run": run})[0].flow
            _store_accepted(connection, run, accepted)
            locked_rows = plan_lines.locked(connection, run, [outcome.seq for outcome in outcomes])
            pairs = [(locked_rows[outcome.seq], outcome) for outcome in outcomes]
            for row, outcome in pairs:
                transitions.require_transition(Step(row.step), outcome.step, f"line {row.seq} of run {run}")
            _MOVE.execute_many(connection, [_outcome_columns(run, row, outcome, now) for row, outcome in pairs])
            plan_lines.count_moved(connection, run, [(row, outcome.step) for row, outcome in pairs])
            _count_causes(connection, run, pairs)
            changes = plan_lines.changes(connection, run, list(locked_rows), known_changes)
            links.keep_links(
                connection, now, flow, _links_of_outcomes(connection, now, flow, pairs, changes), self.mirrors
            )
            ended = [changes[row.seq] for row, outcome in pairs if outcome.step in (Step.PROVEN, Step.ACCEPTED)]
            reverted_values.update_reverted_values(connection, now, run, flow, ended)
            issues.open_or_refresh(
                connection,
                now,
                flow,
                run,
                [
                    IssueOccurrence(outcome.issue, row.kind, row.title)
                    for row, outcome in pairs
                    if outcome.issue is not None
                ],
            )
            reported_pairs = [
                (row, outcome) for row, outcome in pairs if outcome.issue is None or outcome.step is not Step.PARKED
            ]
            append_events(
                connection,
                now,
                [_settled_event(run, flow, row, outcome, now, changes) for row, outcome in reported_pairs],
            )
            append_events(connection, now, also)
            if page_ends:
                total, done_count = transitions.sendable(connection, run)
                transitions.store_progress(connection, now, run, Progress("write", done_count, total))

    def finish(self, run: str, *, cursors: Mapping[str, str] | None = None) -> None:
        """End a commit, and close the plans that it supersedes. Raises ValueError if a change is not settled."""
        now = self.clock()
        with self.database.write() as connection:
            row = transitions.move(connection, run, RunState.DONE)
            counts = transitions.run_counts(connection, row)
            open_steps = (Step.PLANNED, Step.SENT, Step.IN_DOUBT)
            open_lines = sa.select(lines.c.seq).where(lines.c.run == run, lines.c.step.in_(open_steps))
            if connection.execute(open_lines.limit(1)).first():
                raise ValueError(f"run {run} has changes that are not settled: {counts}")
            transitions.update_run(connection, run, ended_at=now, error="", facts={})
            keep_cursors(connection, now, row.flow, cursors or {})
            skip_own_writes(connection, now, row.flow, row.started_at)
            transitions.append_run_event(
                connection,
                now,
                run,
                row.flow,
                "run_done",
                transitions.result(connection, run),
                transitions.elapsed_milliseconds(row, now),
            )
            issues.close_repeated_stops(connection, now, row.flow, run)
            close_superseded(connection, now, row)


def _store_accepted(connection: sa.Connection, run: str, accepted: Mapping[int, str]) -> None:
    if accepted:
        rows = [{"the_run": run, "the_seq": seq, "told": reference} for seq, reference in accepted.items()]
        _ACCEPT.execute_many(connection, rows)


def _outcome_columns(run: str, row: Row, outcome: Outcome, now: datetime) -> dict[str, object]:
    """Return the new column values of a line. A line in doubt gets the current time as sending time."""
    issue = outcome.issue or Issue("", "")
    return {
        "the_run": run, "the_seq": row.seq, "step": outcome.step, "reference": outcome.reference or row.reference,
        "cause": issue.cause, "cause_field": issue.field, "facts": dict(issue.facts),
        "sent_at": now if outcome.step is Step.IN_DOUBT else row.sent_at,
        "attempts": _attempts(row, outcome),
    }  # fmt: skip


def _attempts(row: Row, outcome: Outcome) -> int:
    """Return the attempts of a line after an outcome.

    A call that was not delivered does not count. An interrupted call, which may never have begun, does not count while
    the line is in doubt, so that interruptions alone never become a question for a person. When the doubt is settled,
    the line has at least one attempt, so that a record that it may have written is recognized as ours.
    """
    attempts = int(row.attempts)
    if row.step == Step.IN_DOUBT:
        return max(1, attempts)
    return attempts - (outcome.interrupted or (outcome.step is Step.PLANNED and row.step == Step.SENT))


@cache
def _planned_queries(stages: tuple[str, ...]) -> tuple[PreparedStatement, PreparedStatement]:
    """Return the queries for the next changes of the first stage that is not settled, and of unknown stages."""
    of_run = lines.c.run == sa.bindparam("run")
    is_open = in_clause(lines.c.step, (Step.PLANNED, *plan_lines.UNSETTLED))
    first = sa.case(*((sa.exists().where(of_run, is_open, lines.c.stage == name), name) for name in stages))
    page = sa.select(lines).where(of_run, lines.c.step == Step.PLANNED, lines.c.seq > sa.bindparam("after"))
    page = page.order_by(lines.c.seq).limit(sa.bindparam("limit"))
    unknown = sa.not_(in_clause(lines.c.stage, stages))
    return PreparedStatement(page.where(lines.c.stage == first)), PreparedStatement(page.where(unknown))


@cache
def _in_doubt_by_keys(declared: tuple[Kind, ...] | None) -> PreparedKeyQuery:
    """Return the query for creates in doubt, of any kind or of one of the declared kinds."""
    kind: sa.BindParameter[str] | None = None if declared is None else sa.bindparam("kind")
    query = plan_lines.in_doubt_question(sa.bindparam("flow"), kind, by_keys=True)
    return PreparedKeyQuery(query.where(lines.c.run != sa.bindparam("run")), lines.c.key)


def _links_of_outcomes(
    connection: sa.Connection, now: datetime, flow: str, pairs: Sequence[tuple[Row, Outcome]], changes: NumberedChanges
) -> list[Link]:
    """Mark retired links, and return the links of the other changes."""
    new_links: list[Link] = []
    for row, outcome in pairs:
        if outcome.step not in MADE:
            continue
        change, unproven = changes[row.seq], outcome.step is Step.ACCEPTED
        if change.action is Action.RETIRE:
            links.retire_links(connection, now, flow, change, outcome.marker)
        else:
            new_links.append(
                Link(
                    change.kind,
                    change.key,
                    outcome.reference or row.reference,
                    _agreed_values(connection, flow, row, change),
                    outcome.marker,
                    unproven=unproven,
                    evidence=change.evidence.after_write(change.desired),
                )
            )
    return new_links


def _agreed_values(connection: sa.Connection, flow: str, row: Row, change: Change) -> Record:
    """Return the agreed values after a change. A reverted value is merged into the values agreed since."""
    if row.cause != VALUE_REVERTED:
        return links.agreed_after_change(connection, flow, change)
    conditions = (of_links.c.flow == flow, of_links.c.kind == change.kind, of_links.c.key == change.key)
    shape = connection.execute(sa.select(of_links.c.agreed).where(*conditions)).scalar()
    return change.agreed if shape is None else merged(record_from_json(shape), change.desired)


def _count_causes(connection: sa.Connection, run: str, pairs: Sequence[tuple[Row, Outcome]]) -> None:
    """Add the causes that settled lines get to the facets, and subtract their former causes."""
    former_causes = [("cause", row.cause, row.action) for row, _ in pairs if row.cause]
    new_causes = [("cause", outcome.issue.cause, row.action) for row, outcome in pairs if outcome.issue is not None]
    facets.count_facets(connection, run, new_causes, former_causes)


def _settled_event(run: str, flow: str, row: Row, outcome: Outcome, now: datetime, changes: NumberedChanges) -> Event:
    event = "planned_again" if outcome.step is Step.PLANNED else str(outcome.step)
    ms = None if row.sent_at is None else transitions.milliseconds(row.sent_at, now)
    facts = (
        {"reference": reference} if outcome.step in MADE and (reference := outcome.reference or row.reference) else {}
    )
    return transitions.line_event(event, run, flow, row, changes, ms=ms, facts=facts)
