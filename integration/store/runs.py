"""Stores runs. A change of state, its consequences and its event are stored in one transaction."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from integration.core.authorization import requires
from integration.core.basis import Basis
from integration.core.errors import IntegrationError, PlanStaleError, RunActiveError
from integration.core.grouping import group_by_key
from integration.core.people import Right
from integration.core.plan import Action, Approval
from integration.core.position import START, Position
from integration.core.run import LONGEST_NOTE, PLANS_OF_ALL, Counts, Mode, Phase, Run
from integration.core.states import ACTIVE, RunState, Step, may_follow
from integration.store import choices, issues, notes, plan_lines, repeated_stops, transitions
from integration.store.database import Clock, Database, Store, batches
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.row_mapping import Row, approval_to_json, change_from_json, position_to_json, run_of
from integration.store.superseded import SUPERSEDED
from integration.store.tables import line_counts, lines, runs


def run_id(now: datetime) -> str:
    """Return a new id that sorts by time and is unique across databases."""
    return f"{now:%y%m%d-%H%M%S}-{secrets.token_hex(3)}"


MAX_WAITING = 500
MAX_CANDIDATES = 20  # newest runs among which a proof is searched
IDS_TRIED = 5  # ids of the same second
_NEXT = sa.select(sa.func.coalesce(sa.func.max(runs.c.number), 0) + 1).scalar_subquery()


class RunStore(Store):
    """Stores all runs.

    Methods raise KeyError for a run that does not exist, and ValueError for a transition that `core/states.py` forbids.
    """

    def __init__(self, database: Database, clock: Clock, *, new_id: Callable[[datetime], str] = run_id) -> None:
        super().__init__(database, clock)
        self.new_id = new_id

    # ---- queries --------------------------------------------------------------------------------------------------

    @requires(Right.SEE)
    def get(self, run: str) -> Run:
        """Return the current state of a run."""
        with self.database.read() as connection:
            return self._runs_with_counts(connection, [transitions.run_row(connection, run)])[0]

    @requires(Right.SEE)
    def open_plan(self, run: str) -> Run:
        """Return a run whose plan can be committed, or whose commit can be resumed.

        Raises PlanStaleError `plan_already_committed`, `plan_discarded` or `nothing_to_commit` for any other run.
        """
        with self.database.read() as connection:
            row = transitions.run_row(connection, run)
            _require_open(row)
            return self._runs_with_counts(connection, [row])[0]

    @requires(Right.SEE)
    def latest(
        self,
        flow: str | None = None,
        states: Sequence[RunState] | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> list[Run]:
        """Return runs, the most recently begun first. The order does not depend on the clock."""
        page = sa.select(runs).where(*_run_conditions(flow, states)).order_by(runs.c.number.desc(), runs.c.id.desc())
        with self.database.read() as connection:
            return self._runs_with_counts(connection, connection.execute(page.offset(offset).limit(limit)).all())

    @requires(Right.SEE)
    def count(self, flow: str | None = None, states: Sequence[RunState] | None = None) -> int:
        """Return the number of runs."""
        return int(
            self.database.scalar(sa.select(sa.func.count()).select_from(runs).where(*_run_conditions(flow, states)))
        )

    def has_committed(self, flow: str) -> bool:
        """Return True if a commit of the flow was ever approved and completed."""
        conditions = (*_run_conditions(flow, [RunState.DONE]), runs.c.approvals > 0)
        return bool(self.database.scalar(sa.select(sa.func.count()).select_from(runs).where(*conditions)))

    @requires(Right.SEE)
    def waiting_plans(self, flow: str | None = None) -> list[Run]:
        """Return every run of a flow, or of all flows, whose plan waits for approval.

        These include plans for all records and plans for selected records.
        """
        return self.latest(flow, [RunState.READY], limit=MAX_WAITING)

    def newest_by_state(self, flow: str | None = None) -> dict[str, list[Run]]:
        """Return, by flow, the newest run in each state and every run whose plan waits for approval.

        The runs of a flow are sorted, the most recently begun first.
        """
        last = (
            sa.select(sa.func.max(runs.c.number))
            .where(*_run_conditions(flow, None))
            .group_by(runs.c.flow, runs.c.state)
        )
        waits = sa.select(runs.c.number).where(*_run_conditions(flow, [RunState.READY]))
        chosen = sa.select(runs).where(runs.c.number.in_(last.union(waits)), *_run_conditions(flow, None))
        with self.database.read() as connection:
            rows = connection.execute(chosen.order_by(runs.c.number.desc(), runs.c.id.desc())).all()
            return group_by_key((run.flow, run) for run in self._runs_with_counts(connection, rows))

    def last_proof(self, flow: str) -> datetime | None:
        """Return the end of the newest run that is a proof, or None."""
        proven = sa.exists().where(
            line_counts.c.run == runs.c.id, line_counts.c.step == Step.PROVEN, line_counts.c.lines > 0
        )
        conditions = (*_run_conditions(flow, [RunState.DONE]), runs.c.error == "", sa.or_(runs.c.unchanged > 0, proven))
        return next((run.ended_at for run in self._newest(*conditions, limit=MAX_CANDIDATES) if run.is_proof), None)

    def last_reading(self, flow: str) -> Run | None:
        """Return the newest completed run of a flow that read at least one record."""
        conditions = (*_run_conditions(flow, [RunState.DONE]), runs.c.read_count > 0)
        return next(iter(self._newest(*conditions, limit=1)), None)

    def approved_parts(self, run: Run, since: datetime) -> list[Run]:
        """Return the other approved runs of the flow that may be parts and ended after a moment, or have not ended.

        These are runs that were made from other inputs than this run, and runs of chosen records if this run is one.
        """
        parts = [runs.c.basis != run.basis, runs.c.mapping_version != run.mapping_version]
        parts += [runs.c.mode == Mode.CHOSEN] if run.mode is Mode.CHOSEN else []
        ended = sa.or_(runs.c.ended_at.is_(None), runs.c.ended_at > since)
        return self._newest(runs.c.flow == run.flow, runs.c.id != run.id, runs.c.approvals > 0, ended, sa.or_(*parts))

    def oldest_start(self, flow: str) -> datetime | None:
        """Return when the oldest stored run of a flow began."""
        row = self.database.first(
            sa.select(runs.c.started_at).where(*_run_conditions(flow, None)).order_by(runs.c.number)
        )
        return None if row is None else row.started_at

    def _newest(self, *conditions: sa.ColumnElement[bool], limit: int | None = None) -> list[Run]:
        newest = sa.select(runs).where(*conditions).order_by(runs.c.number.desc(), runs.c.id.desc()).limit(limit)
        with self.database.read() as connection:
            return self._runs_with_counts(connection, connection.execute(newest).all())

    def waiting_for_all(self, flow: str) -> Run | None:
        """Return the newest run of a flow whose plan covers the whole flow and waits for approval."""
        waiting_runs = self.latest(flow, [RunState.READY])
        return next((run for run in waiting_runs if run.mode in PLANS_OF_ALL), None)

    @requires(Right.SEE)
    def phases(self, run: str) -> list[Phase]:
        """Return the phases of the run with their times."""
        with self.database.read() as connection:
            return transitions.phases_of(connection, run, transitions.run_row(connection, run).ended_at)

    @requires(Right.SEE)
    def working_time(self, ended: Sequence[Run]) -> dict[str, timedelta]:
        """Return the working time of ended runs, without the time they waited for a person or a system."""
        durations = {run.id: run.ended_at - run.started_at for run in ended if run.ended_at}
        with self.database.read() as connection:
            rested = transitions.waiting_time(connection, {run.id: run.ended_at for run in ended if run.ended_at})
        return {run: whole - rested.get(run, timedelta()) for run, whole in durations.items()}

    @requires(Right.SEE)
    def counts(self, run: str) -> Counts:
        """Return the counts of the run's records by result, from the current lines of its plan."""
        with self.database.read() as connection:
            return transitions.run_counts(connection, transitions.run_row(connection, run))

    def cancel_requested(self, run: str) -> bool:
        """Return True if somebody asked the run to stop."""
        with self.database.read() as connection:
            return bool(transitions.run_row(connection, run).cancelled)

    @staticmethod
    def _runs_with_counts(connection: sa.Connection, rows: Sequence[Row]) -> list[Run]:
        sums = plan_lines.tally(connection, [row.id for row in rows])
        left_out = choices.exclusions_of_runs(connection, [row.id for row in rows])
        filled_runs = [
            run_of(
                row,
                plan_lines.counts(transitions.records_read(row), row.unchanged, sums[row.id]),
                left_out[row.id],
            )
            for row in rows
        ]
        return [_with_progress(run, sums[run.id]) if run.state is RunState.COMMITTING else run for run in filled_runs]

    # ---- changes of a run -------------------------------------------------------------------------------------------

    def begin(
        self,
        flow: str,
        mode: Mode,
        by: str,
        mapping_version: int,
        position: Position = START,
        *,
        in_force: int | None = None,
        basis: Basis | None = None,
        undo_of: str = "",
        notes: Mapping[str, str] | None = None,
    ) -> Run:
        """Open a run. Raises RunActiveError while another run of the flow is active in any process.

        `in_force` is the mapping version in force; it defaults to `mapping_version`. Raises IntegrationError
        `plan_not_kept` for the undo of a run whose lines have been deleted.
        """
        now = self.clock()
        row = {
            "flow": flow, "active_flow": flow, "state": RunState.PREVIEWING, "mode": mode, "by": by,
            "started_at": now, "mapping_version": mapping_version, "fingerprint": "", "brakes": [],
            "position": position_to_json(position), "phase": "", "progress_done": 0, "progress_total": 0, "error": "",
            "facts": {}, "cancelled": False, "lines": 0, "read_count": 0, "unchanged": 0,
            "in_force": mapping_version if in_force is None else in_force, "basis": dict(basis or {}),
            "undo_of": undo_of, "notes": dict(notes or {}), "number": _NEXT,
        }  # fmt: skip
        for _ in range(IDS_TRIED):
            run = self.new_id(now)
            try:
                with self.database.write() as connection:
                    if undo_of:
                        _require_not_pruned(transitions.run_row(connection, undo_of, lock=True))
                    connection.execute(runs.insert().values(id=run, **row))
                    transitions.enter(connection, now, run, "extract")
                    transitions.append_run_event(
                        connection, now, run, flow, "run_started", {"by": by, "mode": str(mode)}
                    )
            except IntegrityError:
                if self.database.first(sa.select(runs.c.id).where(runs.c.id == run)) is None:
                    break
            else:
                return self.get(run)
        raise self._active_run_error(flow)

    def _active_run_error(self, flow: str) -> RunActiveError:
        active = next(iter(self.latest(flow, list(ACTIVE), limit=1)), None)
        if active is None:
            return RunActiveError("run_active", flow=flow)
        return RunActiveError(
            "run_active", flow=flow, by=active.by, since=active.started_at.isoformat(), run=active.id
        )  # fmt: skip

    def waiting_for(self, run: str, code: str, facts: Mapping[str, str]) -> None:
        """Store why a run waits for a system. The event is recorded once, even if the run retries many times."""
        now = self.clock()
        with self.database.write() as connection:
            row = transitions.update_run(connection, run, error=code, facts=dict(facts))
            if transitions.enter(connection, now, run, transitions.HOLD, row.progress_done):
                append_events(
                    connection, now, [Event(event="run_held", run=run, flow=row.flow, code=code, facts=facts)]
                )

    @requires(Right.RUN)
    def discard(self, run: str, by: str, reason: str = "") -> None:
        """Discard a plan. A reason is stored with the plan as a note. Parked records that it planned are parked again.

        Raises PlanStaleError, as `open_plan` does, if the plan was committed or discarded in the meantime.
        """
        now, note_text = self.clock(), reason.strip()[:LONGEST_NOTE]
        facts = {"by": by, **({"reason": note_text} if note_text else {})}
        with self.database.write() as connection:
            row = transitions.run_row(connection, run, lock=True)
            if not may_follow(RunState(row.state), RunState.DISCARDED):
                _require_open(row)
            transitions.end(connection, now, run, RunState.DISCARDED, "run_discarded", "", facts)
            issues.reopen_planned(connection, now, run, row.flow)
            if note_text:
                notes.put_note(connection, notes.Note(run, note_text, by, now, discards=True))

    def discard_duplicate(self, run: str, other: str) -> None:
        """Discard a preview whose plan equals a waiting plan. The waiting plan stays."""
        flow = self.get(run).flow
        self._end_run(run, RunState.DISCARDED, "run_discarded", "plan_says_the_same", {"run": other, "flow": flow})

    def cancel_preview(self, run: str) -> None:
        """End a preview that a person asked to stop. Nothing was written, and its plan cannot be committed.

        Does nothing if the preview has already ended.
        """
        with self.database.read() as connection:
            row = transitions.run_row(connection, run)
        if row.state == RunState.PREVIEWING:
            self._end_run(run, RunState.DISCARDED, "run_discarded", "preview_cancelled", {"flow": row.flow})

    def fail(self, run: str, code: str, facts: Mapping[str, str]) -> None:
        """End a run that cannot continue."""
        self._end_run(run, RunState.FAILED, "run_failed", code, facts)

    def interrupt(self, run: str, code: str, facts: Mapping[str, str]) -> None:
        """Stop a commit so that it can be resumed."""
        self._end_run(run, RunState.INTERRUPTED, "run_interrupted", code, facts)

    def _end_run(self, run: str, state: RunState, event: str, code: str, facts: Mapping[str, str]) -> None:
        with self.database.write() as connection:
            row, now = transitions.run_row(connection, run, lock=True), self.clock()
            transitions.end(connection, now, run, state, event, code, facts)
            repeated_stops.record_stop(connection, now, row, code, facts)

    def approve(self, run: str, approval: Approval) -> int:
        """Store an approval and start or resume the commit. Excluded lines are settled as left out.

        Returns the sequence number of this approval of the run, from 1. Raises PlanStaleError, as `open_plan` does, if
        the plan was committed or discarded in the meantime, PlanStaleError `choice_changed` if the selection of lines
        changed, and RunActiveError while another run of the flow is active.
        """
        now = self.clock()
        try:
            with self.database.write() as connection:
                row = transitions.run_row(connection, run, lock=True)
                _require_open(row)
                transitions.move(connection, run, RunState.COMMITTING)
                _settle_excluded(connection, now, row, choices.require_selection(connection, row, approval.fingerprint))
                total, done_count = transitions.sendable(connection, run)
                transitions.update_run(
                    connection, run, approval=approval_to_json(approval), approvals=row.approvals + 1,
                    cancelled=False, error="", facts={},
                    phase="write", progress_done=done_count, progress_total=total, ended_at=None,
                )  # fmt: skip
                transitions.enter(connection, now, run, "write", done_count)
                facts = {"by": approval.by, "changes": str(total), "fingerprint": approval.fingerprint}
                transitions.append_run_event(connection, now, run, row.flow, "approved", facts)
        except IntegrityError:
            raise self._active_run_error(self.get(run).flow) from None
        return int(row.approvals) + 1

    def request_cancel(self, run: str, by: str) -> None:
        """Ask a run to stop. A preview stops at its next page, a commit starts no call after a second."""
        now = self.clock()
        with self.database.write() as connection:
            row = transitions.update_run(connection, run, cancelled=True)
            transitions.append_run_event(connection, now, run, row.flow, "stop_asked", {"by": by})


def _run_conditions(flow: str | None, states: Sequence[RunState] | None) -> list[sa.ColumnElement[bool]]:
    of_flow = [] if flow is None else [runs.c.flow == flow]
    return of_flow + ([] if states is None else [runs.c.state.in_([str(state) for state in states])])


def _require_not_pruned(row: Row) -> None:
    if row.pruned_at is not None:
        raise IntegrationError("plan_not_kept", flow=row.flow, run=row.id, time=row.pruned_at.isoformat())


def _require_open(row: Row) -> None:
    state = RunState(row.state)
    if may_follow(state, RunState.COMMITTING) and row.fingerprint:
        return
    if state is RunState.DISCARDED and row.error in ("plan_replaced", "plan_says_the_same"):
        raise PlanStaleError("plan_replaced", flow=row.flow, run=row.facts.get("run", row.id))
    if state is RunState.DISCARDED and row.error == SUPERSEDED:
        raise PlanStaleError(SUPERSEDED, flow=row.flow, run=row.facts.get("run", row.id))
    if state is RunState.DISCARDED:
        raise PlanStaleError("plan_discarded", flow=row.flow, run=row.id)
    if not row.approval:
        raise PlanStaleError("nothing_to_commit", flow=row.flow, run=row.id)
    raise PlanStaleError(
        "plan_already_committed", flow=row.flow, run=row.id, person=row.approval.get("by", row.by),
        time=(row.ended_at or row.started_at).isoformat(),
    )  # fmt: skip


def _settle_excluded(connection: sa.Connection, now: datetime, run: Row, left_out: frozenset[int]) -> None:
    """Settle the excluded changes as left out."""
    for batch in batches(left_out):
        conditions = (lines.c.run == run.id, lines.c.step == Step.PLANNED, lines.c.seq.in_(batch))
        rows = connection.execute(sa.select(lines).where(*conditions)).all()
        connection.execute(lines.update().where(*conditions).values(step=Step.LEFT))
        plan_lines.count_moved(connection, run.id, [(row, Step.LEFT) for row in rows])
        changes = {row.seq: change_from_json(row.change) for row in rows}
        append_events(connection, now, [transitions.line_event("left", run.id, run.flow, row, changes) for row in rows])


def _with_progress(run: Run, sums: Mapping[tuple[Action, Step], tuple[int, int]]) -> Run:
    """Return an active run with its current progress, which is newer than the progress of its last page."""
    total, done_count = transitions.commit_progress(sums)
    return replace(run, progress_done=done_count, progress_total=total)
