"""Stores the progress of commits: which changes were sent, and the result of each. Writes are durable on return."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import sqlalchemy as sa

from integration.core.flow import Mirrors
from integration.core.issues import Issue, IssueOccurrence
from integration.core.links import Link
from integration.core.plan import Action, Change
from integration.core.plan_lines import PlanRow
from integration.core.records import CurrentRecord, Kind, Record, kinds, merged, record_from_json
from integration.core.reverted_values import TAKEN_BACK
from integration.core.run import Outcome, Progress
from integration.core.states import RunState, Step
from integration.store import facets, issues, links, plan_lines, reverted_values, transitions
from integration.store.cursors import keep_cursors, skip_own_writes
from integration.store.database import Clock, Database, Store, in_clause
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.plan_lines import Known
from integration.store.prepared_statements import PreparedStatement
from integration.store.row_mapping import Row, plan_row
from integration.store.superseded import close_superseded
from integration.store.tables import line_counts, lines, runs
from integration.store.tables import links as of_links

NOTHING_KNOWN: Known = {}
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
        of_run, is_open = lines.c.run == run, lines.c.step.in_((Step.PLANNED, *plan_lines.UNSETTLED))
        first = sa.case(*((sa.exists().where(of_run, is_open, lines.c.stage == name), name) for name in stages))
        page = sa.select(lines).where(of_run, lines.c.step == Step.PLANNED, lines.c.seq > after)
        page = page.order_by(lines.c.seq).limit(limit)
        found = self.database.rows(page.where(lines.c.stage == first))
        return [plan_row(row) for row in found or self.database.rows(page.where(lines.c.stage.not_in(stages)))]

    def unsettled(self, run: str) -> list[PlanRow]:
        """Return the changes that were sent and not settled, in plan order."""
        some = sa.select(line_counts.c.run).where(
            line_counts.c.run == run, line_counts.c.step.in_(plan_lines.UNSETTLED), line_counts.c.lines > 0
        )
        if self.database.first(some) is None:  # the usual case, and much cheaper to learn from the tallies
            return []
        page = sa.select(lines).where(lines.c.run == run, lines.c.step.in_(plan_lines.UNSETTLED))
        return [plan_row(row) for row in self.database.rows(page.order_by(lines.c.seq))]

    def in_doubt(self, run: str, flow: str, kind: Kind | None, keys: Collection[str]) -> list[PlanRow]:
        """Return creates of these records that other runs of a flow sent and that are in doubt.

        For documents `kind` may be None, because no other kind of record has their keys.
        """
        rows = self.database.rows_with_values(
            in_doubt_question(flow, kind, by_keys=True).where(lines.c.run != run), lines.c.key, keys
        )
        return [plan_row(row) for row in rows]

    def all_in_doubt(self, flow: str, kind: Kind) -> list[PlanRow]:
        """Return all creates of a kind that are in doubt."""
        return [plan_row(row) for row in self.database.rows(in_doubt_question(flow, kind))]

    def unproven_creates(self, flow: str, kind: Kind) -> list[PlanRow]:
        """Return every create of a kind that was sent at least once and is not proven, in any step.

        The target may have these records, and they are ours. This includes creates that are planned again, left out
        with their run, or parked because the target has other values.
        """
        was_sent = sa.or_(lines.c.attempts > 0, in_clause(lines.c.step, plan_lines.UNSETTLED))
        here = (lines.c.action == Action.CREATE, lines.c.kind == kind, was_sent)
        open_steps = (*plan_lines.UNSETTLED, Step.PLANNED, Step.PARKED, Step.LEFT)
        of_flow = (runs.c.id == lines.c.run, runs.c.flow == flow)
        question = sa.select(lines).where(*of_flow, in_clause(lines.c.step, open_steps), *here)
        return [plan_row(row) for row in self.database.rows(question.order_by(lines.c.run, lines.c.seq))]

    def settle_doubts(self, doubts: Sequence[PlanRow], there: Mapping[str, CurrentRecord]) -> list[PlanRow]:
        """Settle the doubts whose records a lookup found, given by key, as proven. Return the other doubts."""
        seen = [row for row in doubts if row.key in there and row.change]
        for run in {row.run for row in seen}:
            known = {row.seq: row.change for row in seen if row.run == run and row.change}
            found = [(row, there[row.key]) for row in seen if row.run == run]
            outcomes = [Outcome(row.seq, Step.PROVEN, held.reference, held.marker) for row, held in found]
            self.settle(run, outcomes, known)
        return [row for row in doubts if row.key not in there]

    def answer_doubts(self, flow: str, key: str, number: str | None, *told: Event) -> int:
        """Store a person's answer about a record in doubt, and return how many changes it settles.

        `number` is the record's number in the target, or None if it is not there and may be sent again. The events in
        `told` are recorded with each. If two people answer at once, the second settles nothing.
        """
        step, settled = Step.LEFT if number is None else Step.ACCEPTED, 0
        for row in self.in_doubt("", flow, None, [key]):
            with suppress(transitions.StateChangedError):
                self.settle(row.run, [Outcome(row.seq, step, number or "")], also=told)
                settled += 1
        return settled

    def mark_sent(
        self,
        run: str,
        seqs: Sequence[int],
        known: Known = NOTHING_KNOWN,
        accepted: Mapping[int, str] = NOTHING_ACCEPTED,
        *,
        is_done: bool = False,
    ) -> bool:
        """Mark changes as sent before their call. The marks are durable on return.

        Returns False if a person asked the run to stop. The changes then stay planned, unless `is_done` says that the
        target already has the wanted values. `known` are changes by line number; they never alter and are not read
        again. `accepted` are earlier lines that the target answered positively, with the references it returned.
        """
        if not seqs:
            return True
        now = self.clock()
        with self.database.write() as connection:
            _accept(connection, run, accepted)
            of_run = _RUN.rows(connection, {"run": run})[0]
            if of_run.cancelled and not is_done:  # checked here because every call passes here, at no extra query
                return False
            held = plan_lines.locked(connection, run, seqs)
            for row in held.values():
                transitions.require_transition(Step(row.step), Step.SENT, f"line {row.seq} of run {run}")
            sent = {"the_run": run, "step": Step.SENT, "sent_at": now}
            _SEND.execute_many(connection, [{**sent, "the_seq": seq} for seq in held])
            plan_lines.count_moved(connection, run, [(row, Step.SENT) for row in held.values()])
            changes = plan_lines.changes(connection, run, list(held), known)
            append_events(
                connection,
                now,
                [transitions.line_event("sent", run, of_run.flow, row, changes) for row in held.values()],
            )
            return True

    def settle(
        self,
        run: str,
        outcomes: Sequence[Outcome],
        known: Known = NOTHING_KNOWN,
        *,
        page_ends: bool = False,
        accepted: Mapping[int, str] = NOTHING_ACCEPTED,
        also: Sequence[Event] = (),
    ) -> None:
        """Store the results of changes, with the links and issues that follow from them.

        Changes in doubt get the current time as sending time, because changes may be marked together, before the last
        one is sent. `known` are changes by line number; they never alter and are not read again. `accepted` are lines
        that the target answered positively, with the references. If `page_ends`, the progress of the run is stored too.
        """
        if not outcomes:
            return
        now = self.clock()
        with self.database.write() as connection:
            flow = _RUN.rows(connection, {"run": run})[0].flow
            _accept(connection, run, accepted)
            held = plan_lines.locked(connection, run, [one.seq for one in outcomes])
            pairs = [(held[one.seq], one) for one in outcomes]
            for row, one in pairs:
                transitions.require_transition(Step(row.step), one.step, f"line {row.seq} of run {run}")
            _MOVE.execute_many(connection, [_moved(run, row, one, now) for row, one in pairs])
            plan_lines.count_moved(connection, run, [(row, one.step) for row, one in pairs])
            _count_causes(connection, run, pairs)
            changes = plan_lines.changes(connection, run, list(held), known)
            links.keep_links(connection, now, flow, _made(connection, now, flow, pairs, changes), self.mirrors)
            ended = [changes[row.seq] for row, one in pairs if one.step in (Step.PROVEN, Step.ACCEPTED)]
            reverted_values.settle_taken_back(connection, now, run, flow, ended)
            issues.open_or_refresh(
                connection, now, flow, run,
                [IssueOccurrence(one.issue, row.kind, row.title) for row, one in pairs if one.issue is not None],
            )  # fmt: skip
            told = [(row, one) for row, one in pairs if one.issue is None or one.step is not Step.PARKED]
            append_events(connection, now, [_settled(run, flow, row, one, now, changes) for row, one in told])
            append_events(connection, now, also)
            if page_ends:
                total, done = transitions.sendable(connection, run)
                transitions.store_progress(connection, now, run, Progress("write", done, total))

    def finish(self, run: str, *, cursors: Mapping[str, str] | None = None) -> None:
        """End a commit, and close the plans that it supersedes. Raises ValueError if a change is not settled."""
        now = self.clock()
        with self.database.write() as connection:
            row = transitions.move(connection, run, RunState.DONE)
            counts = transitions.run_counts(connection, row)
            open_steps = (Step.PLANNED, Step.SENT, Step.IN_DOUBT)
            still = sa.select(lines.c.seq).where(lines.c.run == run, lines.c.step.in_(open_steps))
            if connection.execute(still.limit(1)).first():
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
            close_superseded(connection, now, row)


def _accept(connection: sa.Connection, run: str, accepted: Mapping[int, str]) -> None:
    if accepted:
        said = [{"the_run": run, "the_seq": seq, "told": told} for seq, told in accepted.items()]
        _ACCEPT.execute_many(connection, said)


def _moved(run: str, row: Row, one: Outcome, now: datetime) -> dict[str, object]:
    """Return the new column values of a line. A line in doubt gets the current time as sending time."""
    issue = one.issue or Issue("", "")
    return {
        "the_run": run, "the_seq": row.seq, "step": one.step, "reference": one.reference or row.reference,
        "cause": issue.cause, "cause_field": issue.field, "facts": dict(issue.facts),
        "sent_at": now if one.step is Step.IN_DOUBT else row.sent_at,
        "attempts": _attempts(row, one),
    }  # fmt: skip


def _attempts(row: Row, one: Outcome) -> int:
    """Return the attempts of a line after an outcome.

    A call that was not delivered does not count. A call that may never have begun does not count while it is in doubt,
    so that interruptions alone never become a question. It counts as the first one afterwards, so that what it may have
    written is recognized as ours.
    """
    attempts = int(row.attempts)
    if row.step == Step.IN_DOUBT:
        return max(1, attempts)
    return attempts - (one.interrupted or (one.step is Step.PLANNED and row.step == Step.SENT))


def in_doubt_question(
    flow: str | sa.BindParameter[str], kind: Kind | None = None, *, by_keys: bool = False
) -> sa.Select[tuple[object, ...]]:
    """Return the query for creates in doubt, of one kind or of any.

    With `by_keys` the query is built to start from record keys instead of the runs of the flow, which may have sent
    every line. It then also finds records of a kind this version does not know, which may be a former name of the kind.
    """
    asked = sa.or_(in_clause(lines.c.step, plan_lines.UNSETTLED), in_clause(lines.c.cause, plan_lines.DOUBTS))
    settled = in_clause(lines.c.step, (Step.PROVEN, Step.ACCEPTED, Step.LEFT, Step.PLANNED))
    here = (lines.c.action == Action.CREATE, asked, ~settled)
    alike = lines.c.kind == kind
    of_kind = () if kind is None else (sa.or_(alike, lines.c.kind.not_in(kinds())) if by_keys else alike,)
    of_flow = (runs.c.id == lines.c.run, runs.c.flow == flow)
    every = sa.select(lines).where(*here, *of_kind, *((sa.exists().where(*of_flow),) if by_keys else of_flow))
    return every.order_by(lines.c.run, lines.c.seq)


def _made(
    connection: sa.Connection, now: datetime, flow: str, pairs: Sequence[tuple[Row, Outcome]], changes: Known
) -> list[Link]:
    """Mark retired links, and return the links of the other changes."""
    made: list[Link] = []
    for row, one in pairs:
        if one.step not in MADE:
            continue
        change, unproven = changes[row.seq], one.step is Step.ACCEPTED
        if change.action is Action.RETIRE:
            links.retire_links(connection, now, flow, change, one.marker)
        else:
            made.append(
                Link(
                    change.kind,
                    change.key,
                    one.reference or row.reference,
                    _agreed(connection, flow, row, change),
                    one.marker,
                    unproven=unproven,
                    evidence=change.evidence.after_write(change.wanted),
                )
            )
    return made


def _agreed(connection: sa.Connection, flow: str, row: Row, change: Change) -> Record:
    """Return the agreed values after a change. A reverted value is merged into the values agreed since."""
    if row.cause != TAKEN_BACK:
        return links.agreed_after_change(connection, flow, change)
    here = (of_links.c.flow == flow, of_links.c.kind == change.kind, of_links.c.key == change.key)
    known = connection.execute(sa.select(of_links.c.agreed).where(*here)).scalar()
    return change.agreed if known is None else merged(record_from_json(known), change.wanted)


def _count_causes(connection: sa.Connection, run: str, pairs: Sequence[tuple[Row, Outcome]]) -> None:
    """Add the causes that settled lines get to the facets, and subtract their former causes."""
    gone = [("cause", row.cause, row.action) for row, _ in pairs if row.cause]
    met = [("cause", one.issue.cause, row.action) for row, one in pairs if one.issue is not None]
    facets.count_facets(connection, run, met, gone)


def _settled(run: str, flow: str, row: Row, one: Outcome, now: datetime, changes: Known) -> Event:
    event = "planned_again" if one.step is Step.PLANNED else str(one.step)
    ms = None if row.sent_at is None else transitions.milliseconds(row.sent_at, now)
    facts = {"reference": there} if one.step in MADE and (there := one.reference or row.reference) else {}
    return transitions.line_event(event, run, flow, row, changes, ms=ms, facts=facts)
