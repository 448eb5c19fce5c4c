"""Runs and their plans. A change of state, what follows from it and the event that tells of it are kept together."""

# ruff: noqa: TID251 - the store is where SQL is spoken

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from integration.core.errors import PlanStaleError, RunActiveError
from integration.core.flow import Mirrors
from integration.core.issues import Issue
from integration.core.plan import Action, Approval, Brake, Change
from integration.core.records import Kind
from integration.core.run import (
    ACTIVE,
    EVERY_LINE,
    Among,
    Counts,
    Link,
    Mode,
    Outcome,
    Phase,
    PlanRow,
    Progress,
    Run,
    RunState,
    Staged,
    Step,
    may_follow,
)
from integration.store import cursors, facets, issues, links, phases, plans, staging
from integration.store.columns import Words
from integration.store.database import Clock, Database, portions
from integration.store.events import Event, tell, values_of
from integration.store.plans import Known
from integration.store.shapes import Row, approval_to_json, change_from_json, line_of, run_of
from integration.store.staging import Duplicates
from integration.store.tables import lines, runs

CHANGES_AT_ONCE = 1_000

NOTHING_KNOWN: Known = {}

_RUN = sa.select(runs).where(runs.c.id == sa.bindparam("run"))
_RUN_LOCKED = _RUN.with_for_update()
_FLOW_OF = sa.select(runs.c.flow).where(runs.c.id == sa.bindparam("run"))
_SEND = (
    lines.update()
    .where(lines.c.run == sa.bindparam("the_run"), lines.c.seq.in_(sa.bindparam("seqs", expanding=True)))
    .values(step=sa.bindparam("step"), sent_at=sa.bindparam("sent_at"), attempts=lines.c.attempts + 1)
)
_MOVE = (
    lines.update()
    .where(lines.c.run == sa.bindparam("the_run"), lines.c.seq == sa.bindparam("the_seq"))
    .values({name: sa.bindparam(name) for name in ("step", "reference", "cause", "cause_field", "facts", "sent_at")})
)


def run_id(now: datetime) -> str:
    """Return a new id that sorts by time and that no other database gives."""
    return f"{now:%y%m%d-%H%M%S}-{secrets.token_hex(3)}"


class Runs:
    """All runs. A run that does not exist raises KeyError; a step the tables of states do not have, ValueError."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        new_id: Callable[[datetime], str] = run_id,
        mirrors: Mirrors = links.NO_MIRRORS,
    ) -> None:
        self.database = database
        self.clock = clock
        self.mirrors = mirrors
        self.new_id = new_id

    # ---- looking --------------------------------------------------------------------------------------------------

    def get(self, run: str) -> Run:
        """Return a run as it is now."""
        with self.database.read() as connection:
            return self._filled(connection, [_row(connection, run)])[0]

    def open_plan(self, run: str) -> Run:
        """Return a run whose plan may be written, or written on.

        Raises PlanStaleError `plan_already_committed`, `plan_discarded` or `nothing_to_commit` for any other.
        """
        with self.database.read() as connection:
            row = _row(connection, run)
            _expect_open(row)
            return self._filled(connection, [row])[0]

    def latest(
        self,
        flow: str | None = None,
        states: Sequence[RunState] | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> list[Run]:
        """Return runs, the newest first."""
        page = sa.select(runs).where(*_which(flow, states)).order_by(runs.c.started_at.desc(), runs.c.id.desc())
        with self.database.read() as connection:
            return self._filled(connection, connection.execute(page.offset(offset).limit(limit)).all())

    def count(self, flow: str | None = None, states: Sequence[RunState] | None = None) -> int:
        """Return how many runs there are."""
        with self.database.read() as connection:
            counted = sa.select(sa.func.count()).select_from(runs).where(*_which(flow, states))
            return connection.execute(counted).scalar_one()

    def last_done(self, flow: str) -> Run | None:
        """Return the newest run of a flow that went through."""
        return next(iter(self.latest(flow, [RunState.DONE], limit=1)), None)

    def waiting(self, flow: str) -> Run | None:
        """Return the newest run of a flow whose plan waits for a person."""
        return next(iter(self.latest(flow, [RunState.READY], limit=1)), None)

    @staticmethod
    def _filled(connection: sa.Connection, rows: Sequence[Row]) -> list[Run]:
        sums = plans.tally(connection, [row.id for row in rows])
        found = [run_of(row, plans.counts(_read(row), row.unchanged, sums[row.id])) for row in rows]
        return [_as_far_as(run, sums[run.id]) if run.state is RunState.COMMITTING else run for run in found]

    # ---- preview --------------------------------------------------------------------------------------------------

    def begin(self, flow: str, mode: Mode, by: str, mapping_version: int, position: Mapping[str, str]) -> Run:
        """Open a run. Raises RunActiveError while another one of the flow is at work, in whatever process."""
        now = self.clock()
        run = self.new_id(now)
        row = {
            "id": run, "flow": flow, "active_flow": flow, "state": RunState.PREVIEWING, "mode": mode, "by": by,
            "started_at": now, "mapping_version": mapping_version, "fingerprint": "", "brakes": [],
            "position": dict(position), "phase": "", "progress_done": 0, "progress_total": 0, "error": "",
            "facts": {}, "cancelled": False, "lines": 0, "read": 0, "unchanged": 0,
        }  # fmt: skip
        try:
            with self.database.write() as connection:
                connection.execute(runs.insert().values(row))
                phases.enter(connection, now, run, "extract")
                _tell(connection, now, run, flow, "run_started", {"by": by, "mode": str(mode)})
        except IntegrityError:
            raise self._active(flow) from None
        return self.get(run)

    def _active(self, flow: str) -> RunActiveError:
        active = next(iter(self.latest(flow, list(ACTIVE), limit=1)), None)
        if active is None:
            return RunActiveError("run_active", flow=flow)
        return RunActiveError(
            "run_active", flow=flow, by=active.by, since=active.started_at.isoformat(), run=active.id
        )  # fmt: skip

    def position(self, run: str, position: Mapping[str, str]) -> None:
        """Keep where the preview goes on after an interruption."""
        with self.database.write() as connection:
            _set(connection, run, position=dict(position))

    def progress(self, run: str, phase: str, done: int, total: int) -> None:
        """Keep how far the run has come; whatever it waited for is over."""
        with self.database.write() as connection:
            _come(connection, self.clock(), run, Progress(phase, done, total))

    def waiting_for(self, run: str, code: str, facts: Mapping[str, str]) -> None:
        """Keep what holds a run up that will go on by itself."""
        with self.database.write() as connection:
            row = _set(connection, run, error=code, facts=dict(facts))
            phases.enter(connection, self.clock(), run, "hold", row.progress_done)

    def stage_page(
        self,
        run: str,
        stage: int,
        records: Sequence[Staged],
        position: Mapping[str, str],
        progress: Progress | None = None,
    ) -> None:
        """Keep a page of what was read, where the next one starts, and how far the run has come."""
        with self.database.write() as connection:
            row = _set(connection, run, position=dict(position))
            _come(connection, self.clock(), run, progress)
            staging.put(connection, run, stage, records)
            if records:
                facts = {"records": str(len(records)), "stage": str(stage)}
                _tell(connection, self.clock(), run, row.flow, "read", facts)

    def staged_groups(self, run: str, stage: int, after_parent: str | None, limit: int) -> list[list[Staged]]:
        """Return what was read for the next `limit` parents, all of one parent together, by parent and key."""
        with self.database.read() as connection:
            return staging.groups(connection, run, stage, after_parent, limit)

    def staged_count(self, run: str, stage: int) -> int:
        """Return how many records were read."""
        with self.database.read() as connection:
            return staging.count(connection, run, stage)

    def not_staged(self, run: str, stage: int, keys: Sequence[str]) -> list[str]:
        """Return those of the keys that were not read, each once and in the given order."""
        with self.database.read() as connection:
            return staging.missing(connection, run, stage, keys)

    def duplicates(self, run: str, stage: int) -> Duplicates:
        """Return the numbers and marks that more than one record read has."""
        with self.database.read() as connection:
            return staging.duplicates(connection, run, stage)

    def vanished(
        self, run: str, flow: str, kind: Kind, after_key: str | None, limit: int, *, stage: int | None = None
    ) -> list[Link]:
        """Return links of a kind in use whose key a complete run did not read (in this stage), by key."""
        with self.database.read() as connection:
            return staging.vanished(connection, run, flow, kind, stage, after_key, limit)

    def keep_page(
        self,
        run: str,
        rows: Sequence[PlanRow],
        unchanged: Sequence[Link],
        unchanged_weight: int,
        position: Mapping[str, str],
        progress: Progress | None = None,
    ) -> None:
        """Keep a page of the plan, the issues it met and the links of what both sides already agree on.

        The lines are numbered here. `unchanged_weight` is how many records read needed no line.
        """
        now = self.clock()
        with self.database.write() as connection:
            row = _locked(connection, run)
            plans.add(connection, run, rows)
            _set(connection, run, position=dict(position), unchanged=row.unchanged + unchanged_weight)
            _come(connection, now, run, progress)
            links.keep(connection, now, row.flow, unchanged, self.mirrors)
            issues.meet(connection, now, row.flow, run, [_met(line) for line in rows if line.action is Action.PARK])
            tell(connection, now, [_planned(run, row.flow, line) for line in rows if line.action is not Action.PARK])
            if unchanged_weight:
                _tell(connection, now, run, row.flow, "unchanged", {"records": str(unchanged_weight)})

    def aside(self, flow: str, keys: Sequence[str]) -> dict[str, dict[int, str]]:
        """Return the marks that records read had when issues of theirs were set aside: by key, one for each issue."""
        with self.database.read() as connection:
            return issues.aside(connection, flow, keys)

    def look_again(self, run: str, identities: Collection[int]) -> None:
        """Put issues back into the queue because what they came from was changed in the source."""
        with self.database.write() as connection:
            issues.reopen(connection, self.clock(), run, identities, "changed", "console")

    def digests(self, run: str) -> Iterator[str]:
        """Yield the digest of every change of the plan."""
        with self.database.read() as connection:
            yield from plans.digests(connection, run)

    def finish_preview(
        self,
        run: str,
        fingerprint: str,
        brakes: Sequence[Brake],
        state: RunState,
        read: int,
        *,
        cursors: Mapping[str, str] | None = None,
    ) -> None:
        """End a preview: the plan waits (READY), or there was nothing to do (DONE).

        Issues that the run no longer met are closed, and what it had read is dropped.
        """
        now = self.clock()
        with self.database.write() as connection:
            row = _step(connection, run, state)
            issues.close_unmet(connection, now, row.flow, run, complete=row.mode == Mode.COMPLETE)
            staging.clear(connection, run)
            ended = {"ended_at": now} if state is RunState.DONE else {}
            shape = [[brake.code, brake.count, brake.limit] for brake in brakes]
            _set(connection, run, fingerprint=fingerprint, brakes=shape, read=read, error="", facts={}, **ended)
            _advance(connection, now, row.flow, cursors)
            if state is RunState.READY:
                phases.enter(connection, now, run, "approve")
            event = "run_done" if state is RunState.DONE else "plan_ready"
            _tell(connection, now, run, row.flow, event, _result(connection, run), _since(row, now))

    def parked(self, run: str, kind: Kind, keys: Sequence[str]) -> dict[str, PlanRow]:
        """Return the parked lines of the plan for these keys of a kind."""
        found: dict[str, PlanRow] = {}
        with self.database.read() as connection:
            for some in portions(keys):
                here = (lines.c.run == run, lines.c.kind == kind, lines.c.step == Step.PARKED, lines.c.key.in_(some))
                found |= {row.key: line_of(row) for row in connection.execute(sa.select(lines).where(*here))}
        return found

    def claims(self, run: str, kind: Kind, references: Sequence[str]) -> dict[str, str]:
        """Return which keys of the plan are to be written to these records of the target, by reference."""
        found: dict[str, str] = {}
        with self.database.read() as connection:
            for some in portions(references):
                here = (lines.c.run == run, lines.c.kind == kind, lines.c.reference.in_(some))
                rows = connection.execute(sa.select(lines.c.reference, lines.c.key).where(*here))
                found |= {str(row.reference): str(row.key) for row in rows}
        return found

    # ---- decisions ------------------------------------------------------------------------------------------------

    def discard(self, run: str, by: str) -> None:
        """Put a plan away that nobody will commit."""
        self._end(run, RunState.DISCARDED, "run_discarded", "", {"by": by})

    def cancel_preview(self, run: str) -> None:
        """End a preview that somebody asked to stop: nothing of it was written, and nobody can commit it.

        One that has come to rest by itself stays as it is.
        """
        with self.database.read() as connection:
            row = _row(connection, run)
        if row.state == RunState.PREVIEWING:
            self._end(run, RunState.DISCARDED, "run_discarded", "preview_cancelled", {"flow": row.flow})

    def fail(self, run: str, code: str, facts: Mapping[str, str]) -> None:
        """End a run that cannot go on."""
        self._end(run, RunState.FAILED, "run_failed", code, facts)

    def interrupt(self, run: str, code: str, facts: Mapping[str, str]) -> None:
        """Stop a commit so that it can be taken up again."""
        self._end(run, RunState.INTERRUPTED, "run_interrupted", code, facts)

    def _end(self, run: str, state: RunState, event: str, code: str, facts: Mapping[str, str]) -> None:
        now = self.clock()
        with self.database.write() as connection:
            row = _step(connection, run, state)
            staging.clear(connection, run)
            ended = None if state is RunState.INTERRUPTED else now
            _set(connection, run, ended_at=ended, error=code, facts=dict(facts) if code else {})
            if state is RunState.INTERRUPTED:
                phases.enter(connection, now, run, "stopped", row.progress_done)
            told = Event(event=event, run=run, flow=row.flow, code=code, facts=facts, ms=_since(row, now))
            tell(connection, now, [told])

    def approve(self, run: str, approval: Approval) -> None:
        """Keep a person's yes and start the commit, or take it up again; what was not chosen is left.

        Raises PlanStaleError as `open_plan` does, when somebody else was first, and RunActiveError while another run
        of the flow is at work.
        """
        now = self.clock()
        try:
            with self.database.write() as connection:
                row = _locked(connection, run)
                _expect_open(row)
                _step(connection, run, RunState.COMMITTING)
                _leave(connection, now, row, approval.left_out)
                total, done = _sendable(connection, run)
                _set(
                    connection, run, approval=approval_to_json(approval), cancelled=False, error="", facts={},
                    phase="write", progress_done=done, progress_total=total, ended_at=None,
                )  # fmt: skip
                phases.enter(connection, now, run, "write", done)
                facts = {"by": approval.by, "changes": str(total), "fingerprint": approval.fingerprint}
                _tell(connection, now, run, row.flow, "approved", facts)
        except IntegrityError:
            raise self._active(self.get(run).flow) from None

    def request_cancel(self, run: str, by: str) -> None:
        """Ask a run to stop at the next page."""
        now = self.clock()
        with self.database.write() as connection:
            row = _set(connection, run, cancelled=True)
            _tell(connection, now, run, row.flow, "stop_asked", {"by": by})

    def cancel_requested(self, run: str) -> bool:
        """Tell whether somebody asked the run to stop."""
        with self.database.read() as connection:
            return bool(_row(connection, run).cancelled)

    # ---- commit ---------------------------------------------------------------------------------------------------

    def next_planned(self, run: str, limit: int) -> list[PlanRow]:
        """Return changes to send next, all of one stage, in order of the plan.

        Nothing of a later stage is returned while an earlier one holds a change that is not settled.
        """
        with self.database.read() as connection:
            return plans.planned(connection, run, limit)

    def unsettled(self, run: str) -> list[PlanRow]:
        """Return the changes that were sent and never settled."""
        with self.database.read() as connection:
            return plans.unsettled(connection, run)

    def mark_sent(self, run: str, seqs: Sequence[int], known: Known = NOTHING_KNOWN) -> None:
        """Keep that these changes are about to be sent; it is on disk when this returns.

        `known` are changes of the plan by line, which never alter: those are not read again.
        """
        if not seqs:
            return
        now = self.clock()
        with self.database.write() as connection:
            flow = connection.execute(_FLOW_OF, {"run": run}).scalar_one()
            held = plans.locked(connection, run, seqs)
            for row in held.values():
                _check(Step(row.step), Step.SENT, f"line {row.seq} of run {run}")
            for some in portions(list(held)):
                connection.execute(_SEND, {"the_run": run, "seqs": some, "step": Step.SENT, "sent_at": now})
            plans.count(connection, run, _moves((row, Step.SENT) for row in held.values()))
            changes = plans.changes(connection, run, list(held), known)
            tell(connection, now, [_of_line("sent", run, flow, row, changes) for row in held.values()])

    def settle(
        self, run: str, outcomes: Sequence[Outcome], known: Known = NOTHING_KNOWN, *, page_ends: bool = False
    ) -> None:
        """Keep how changes ended, with the links they leave and the issues they met.

        What is in doubt counts as sent at this moment: changes are marked together, long before the last is on its way.
        `known` are changes of the plan by line, which never alter: those are not read again. Where a page of writing
        ends, it is kept with them how far the run has come.
        """
        if not outcomes:
            return
        now = self.clock()
        with self.database.write() as connection:
            flow = connection.execute(_FLOW_OF, {"run": run}).scalar_one()
            held = plans.locked(connection, run, [one.seq for one in outcomes])
            pairs = [(held[one.seq], one) for one in outcomes]
            for row, one in pairs:
                _check(Step(row.step), one.step, f"line {row.seq} of run {run}")
            connection.execute(_MOVE, [_moved(run, row, one, now) for row, one in pairs])
            plans.count(connection, run, _moves((row, one.step) for row, one in pairs))
            _count_causes(connection, run, pairs)
            changes = plans.changes(connection, run, list(held), known)
            links.keep(connection, now, flow, _made(connection, now, flow, pairs, changes), self.mirrors)
            issues.meet(
                connection, now, flow, run,
                [issues.Met(one.issue, row.kind, row.title) for row, one in pairs if one.issue is not None],
            )  # fmt: skip
            told = [(row, one) for row, one in pairs if one.issue is None or one.step is not Step.PARKED]
            tell(connection, now, [_settled(run, flow, row, one, now, changes) for row, one in told])
            if page_ends:
                total, done = _sendable(connection, run)
                _come(connection, now, run, Progress("write", done, total))

    def finish_commit(self, run: str, *, cursors: Mapping[str, str] | None = None) -> None:
        """End a commit in which every change is settled. Raises ValueError while one is not."""
        now = self.clock()
        with self.database.write() as connection:
            row = _step(connection, run, RunState.DONE)
            counts = _counted(connection, row)
            open_steps = (Step.PLANNED, Step.SENT, Step.IN_DOUBT)
            still = sa.select(lines.c.seq).where(lines.c.run == run, lines.c.step.in_(open_steps))
            if connection.execute(still.limit(1)).first():
                raise ValueError(f"run {run} has changes that are not settled: {counts}")
            _set(connection, run, ended_at=now, error="", facts={})
            _advance(connection, now, row.flow, cursors)
            _tell(connection, now, run, row.flow, "run_done", _result(connection, run), _since(row, now))

    # ---- the plan on screen ---------------------------------------------------------------------------------------

    def rows(
        self,
        run: str,
        show: str = "all",
        find: str = "",
        offset: int = 0,
        limit: int = 500,
        among: Among = EVERY_LINE,
    ) -> list[PlanRow]:
        """Return lines of the plan in its order. `plans.showing` says what may be shown and found."""
        numbers = sa.select(lines.c.seq).where(*plans.showing(run, show, find, among)).order_by(lines.c.seq)
        asked = numbers.offset(offset).limit(limit).subquery()  # sorting numbers is far cheaper than sorting lines
        page = sa.select(lines).join(asked, asked.c.seq == lines.c.seq).where(lines.c.run == run)
        with self.database.read() as connection:
            return [line_of(row) for row in connection.execute(page.order_by(lines.c.seq))]

    def row_count(self, run: str, show: str = "all", find: str = "", among: Among = EVERY_LINE) -> int:
        """Return how many lines `rows` has in all."""
        with self.database.read() as connection:
            return plans.number(connection, run, show, find, among)

    def facets(self, run: str, show: str = "all") -> dict[str, dict[str, int]]:
        """Return by what the lines shown can be sorted out (`field`, `group`, `cause`): each value with its lines."""
        with self.database.read() as connection:
            return facets.of_run(connection, run, plans.actions_of(show))

    def numbers(self, run: str, show: str = "all", find: str = "", among: Among = EVERY_LINE) -> frozenset[int]:
        """Return the numbers of the changes among all lines that are shown."""
        here = (*plans.showing(run, show, find, among), lines.c.action.in_(plans.CHANGES))
        with self.database.read() as connection:
            return frozenset(connection.execute(sa.select(lines.c.seq).where(*here)).scalars())

    def calls(self, run: str) -> dict[int, int]:
        """Return how many write calls each change of the plan takes, by its number."""
        here = (lines.c.run == run, lines.c.action.in_(plans.CHANGES))
        with self.database.read() as connection:
            return {
                row.seq: row.calls for row in connection.execute(sa.select(lines.c.seq, lines.c.calls).where(*here))
            }

    def marked(self, run: str, brake: str, limit: int) -> tuple[list[PlanRow], int]:
        """Return the first changes that a brake counted, and how many there are."""
        here = (
            *plans.showing(run, "changes"),
            sa.type_coerce(lines.c.brakes, Words).contains(f'"{brake}"', autoescape=True),
        )
        counted = sa.select(sa.func.count()).select_from(lines).where(*here)
        with self.database.read() as connection:
            first = connection.execute(sa.select(lines).where(*here).order_by(lines.c.seq).limit(limit))
            return [line_of(row) for row in first], connection.execute(counted).scalar_one()

    def line_about(self, run: str, kind: Kind, key: str) -> PlanRow | None:
        """Return the line of the plan that is about a record, or None when it needs no change."""
        here = (lines.c.run == run, lines.c.kind == kind, lines.c.key == key)
        with self.database.read() as connection:
            found = connection.execute(sa.select(lines).where(*here).order_by(lines.c.seq).limit(1)).first()
        return None if found is None else line_of(found)

    def titles(self, run: str, kind: Kind, keys: Collection[str]) -> dict[str, str]:
        """Return what the plan calls these records of a kind."""
        found: dict[str, str] = {}
        with self.database.read() as connection:
            for some in portions(keys):
                here = (lines.c.run == run, lines.c.kind == kind, lines.c.key.in_(some))
                found |= {
                    row.key: row.title for row in connection.execute(sa.select(lines.c.key, lines.c.title).where(*here))
                }
        return found

    def phases(self, run: str) -> list[Phase]:
        """Return what the run did, and when."""
        with self.database.read() as connection:
            return phases.of_run(connection, run, _row(connection, run).ended_at)

    def row(self, run: str, seq: int) -> PlanRow:
        """Return one line. Raises KeyError when the plan does not have it."""
        with self.database.read() as connection:
            found = connection.execute(sa.select(lines).where(lines.c.run == run, lines.c.seq == seq)).first()
        if found is None:
            raise KeyError(f"run {run} has no line {seq}")
        return line_of(found)

    def changes(self, run: str) -> Iterator[tuple[int, Change]]:
        """Yield every change of the plan with its line, in order, a portion in memory at a time."""
        page = sa.select(lines.c.seq, lines.c.change).where(lines.c.run == run, lines.c.action.in_(plans.CHANGES))
        after = 0
        with self.database.read() as connection:
            while found := connection.execute(
                page.where(lines.c.seq > after).order_by(lines.c.seq).limit(CHANGES_AT_ONCE)
            ).all():
                yield from ((row.seq, change_from_json(row.change)) for row in found)
                after = found[-1].seq

    def proven(self, run: str, after: int, limit: int) -> list[PlanRow]:
        """Return the next proven changes of the plan after a line, in its order."""
        here = (lines.c.run == run, lines.c.step == Step.PROVEN, lines.c.seq > after)
        with self.database.read() as connection:
            found = connection.execute(sa.select(lines).where(*here).order_by(lines.c.seq).limit(limit))
            return [line_of(row) for row in found]

    def rows_of_key(self, flow: str, key: str, limit: int = 50) -> list[tuple[str, PlanRow]]:
        """Return what the plans of a flow said about a key, with the run each line is of, the newest first."""
        found = sa.select(lines).join(runs, runs.c.id == lines.c.run).where(lines.c.key == key, runs.c.flow == flow)
        with self.database.read() as connection:
            newest = found.order_by(runs.c.started_at.desc(), lines.c.seq).limit(limit)
            return [(row.run, line_of(row)) for row in connection.execute(newest)]

    def sources(self, flow: str, kinds: Collection[Kind], key: str) -> tuple[str, ...]:
        """Return the keys of the records read behind the newest change of a record of some kinds, or nothing."""
        here = (lines.c.key == key, runs.c.flow == flow, lines.c.kind.in_(kinds), lines.c.action.in_(plans.CHANGES))
        found = sa.select(lines.c.change).join(runs, runs.c.id == lines.c.run).where(*here)
        with self.database.read() as connection:
            change = connection.execute(found.order_by(runs.c.started_at.desc()).limit(1)).scalar()
        return tuple(change["sources"]) if change else ()

    def counts(self, run: str) -> Counts:
        """Return what became of the records the run read, counted anew from the lines of its plan."""
        with self.database.read() as connection:
            return _counted(connection, _row(connection, run))

    def tallies(self, run: str) -> dict[str, int]:
        """Return what the plan adds up to.

        In records read: `read`, `unchanged`, the actions create, update, retire, skip and park, and the steps
        planned, sent, in_doubt (with sent), proven, parked and left (of changes alone). In lines: `changes` (what
        would be written), `first` (both systems had it before they were linked) and `total`.
        """
        with self.database.read() as connection:
            row = _row(connection, run)
            sums = plans.tally(connection, [run])[run]
            first = sa.select(sa.func.count()).where(lines.c.run == run, lines.c.first_match)
            first_matches = connection.execute(first).scalar_one()
        answer = {"read": row.read, "unchanged": row.unchanged, "first": first_matches, "changes": 0, "total": 0}
        answer |= {str(name): 0 for name in (*Action, *Step)}
        for (action, step), (number, weight) in sums.items():
            answer["total"] += number
            answer["changes"] += number if action in plans.CHANGES else 0
            answer[action] += weight
            if action in plans.CHANGES or step is Step.PARKED:
                answer[step] += weight
        answer[Step.IN_DOUBT] += answer[Step.SENT]
        return answer


def _which(flow: str | None, states: Sequence[RunState] | None) -> list[sa.ColumnElement[bool]]:
    wanted: list[sa.ColumnElement[bool]] = []
    if flow is not None:
        wanted.append(runs.c.flow == flow)
    if states is not None:
        wanted.append(runs.c.state.in_([str(state) for state in states]))
    return wanted


def _row(connection: sa.Connection, run: str, *, lock: bool = False) -> Row:
    found = connection.execute(_RUN_LOCKED if lock else _RUN, {"run": run}).first()
    if found is None:
        raise KeyError(f"there is no run {run}")
    return found


def _locked(connection: sa.Connection, run: str) -> Row:
    return _row(connection, run, lock=True)


def _set(connection: sa.Connection, run: str, **values: Any) -> Row:
    """Change columns of a run and return it as it is then."""
    changed = runs.update().where(runs.c.id == run).values(values).returning(runs)
    found = connection.execute(changed).first()
    if found is None:
        raise KeyError(f"there is no run {run}")
    return found


def _come(connection: sa.Connection, now: datetime, run: str, progress: Progress | None) -> None:
    """Keep how far a run has come; whatever it waited for is over."""
    if progress is not None:
        far = {"progress_done": progress.done, "progress_total": progress.total}
        _set(connection, run, phase=progress.phase, error="", facts={}, **far)
        phases.enter(connection, now, run, progress.phase, progress.done)


def _step(connection: sa.Connection, run: str, wanted: RunState) -> Row:
    """Move a run to another state and return it as it was. Raises ValueError where that may not follow."""
    row = _locked(connection, run)
    _check(RunState(row.state), wanted, f"run {run}")
    _set(connection, run, state=wanted, active_flow=row.flow if wanted in ACTIVE else None)
    return row


def _check(now: RunState | Step, wanted: RunState | Step, what: str) -> None:
    if not may_follow(now, wanted):
        raise ValueError(f"{what} cannot go from {now} to {wanted}")


def _expect_open(row: Row) -> None:
    state = RunState(row.state)
    if may_follow(state, RunState.COMMITTING) and row.fingerprint:
        return
    if state is RunState.DISCARDED:
        raise PlanStaleError("plan_discarded", flow=row.flow, run=row.id)
    if not row.approval:
        raise PlanStaleError("nothing_to_commit", flow=row.flow, run=row.id)
    raise PlanStaleError(
        "plan_already_committed", flow=row.flow, run=row.id, person=row.approval.get("by", row.by),
        time=(row.ended_at or row.started_at).isoformat(),
    )  # fmt: skip


def _leave(connection: sa.Connection, now: datetime, run: Row, left_out: frozenset[int]) -> None:
    """Settle the changes that were not chosen."""
    for some in portions(left_out):
        here = (lines.c.run == run.id, lines.c.step == Step.PLANNED, lines.c.seq.in_(some))
        found = connection.execute(sa.select(lines).where(*here)).all()
        connection.execute(lines.update().where(*here).values(step=Step.LEFT))
        plans.count(connection, run.id, _moves((row, Step.LEFT) for row in found))
        changes = {row.seq: change_from_json(row.change) for row in found}
        tell(connection, now, [_of_line("left", run.id, run.flow, row, changes) for row in found])


def _as_far_as(run: Run, sums: Mapping[tuple[Action, Step], tuple[int, int]]) -> Run:
    """Return a run at work with how far it has come by now, not only at the end of its last page."""
    total, done = _settled_of(sums)
    return replace(run, progress_done=done, progress_total=total)


def _sendable(connection: sa.Connection, run: str) -> tuple[int, int]:
    return _settled_of(plans.tally(connection, [run])[run])


def _settled_of(sums: Mapping[tuple[Action, Step], tuple[int, int]]) -> tuple[int, int]:
    """Return how many changes are to be written in all, and how many of them are settled."""
    chosen = dict.fromkeys(Step, 0)
    for (action, step), (number, _) in sums.items():
        if action in plans.CHANGES:
            chosen[step] += number
    total = sum(chosen.values()) - chosen[Step.LEFT]
    return total, chosen[Step.PROVEN] + chosen[Step.PARKED]


def _moves(moved: Any) -> Iterator[tuple[str, str, int, int]]:
    for row, step in moved:
        yield row.action, row.step, -1, -row.weight
        yield row.action, step, 1, row.weight


def _moved(run: str, row: Row, one: Outcome, now: datetime) -> dict[str, object]:
    """Return what becomes of a line. One in doubt may have been on its way until now, later than it was marked."""
    issue = one.issue or Issue("", "")
    return {
        "the_run": run, "the_seq": row.seq, "step": one.step, "reference": one.reference or row.reference,
        "cause": issue.cause, "cause_field": issue.field, "facts": dict(issue.facts),
        "sent_at": now if one.step is Step.IN_DOUBT else row.sent_at,
    }  # fmt: skip


def _made(
    connection: sa.Connection, now: datetime, flow: str, pairs: Sequence[tuple[Row, Outcome]], changes: Known
) -> list[Link]:
    """Retire what was made inactive, and return the links that the other changes leave."""
    made: list[Link] = []
    for row, one in pairs:
        if one.step is not Step.PROVEN:
            continue
        change = changes[row.seq]
        if change.action is Action.RETIRE:
            links.retire(connection, now, flow, change, one.marker)
        else:
            made.append(Link(change.kind, change.key, one.reference or row.reference, change.agreed, one.marker))
    return made


def _count_causes(connection: sa.Connection, run: str, pairs: Sequence[tuple[Row, Outcome]]) -> None:
    """Count the causes that lines get when they are settled, and no longer those they had."""
    gone = [("cause", row.cause, row.action) for row, _ in pairs if row.cause]
    met = [("cause", one.issue.cause, row.action) for row, one in pairs if one.issue is not None]
    facets.count(connection, run, met, gone)


def _advance(connection: sa.Connection, now: datetime, flow: str, values: Mapping[str, str] | None) -> None:
    if values:
        cursors.keep(connection, now, flow, values)


def _counted(connection: sa.Connection, row: Row) -> Counts:
    return plans.counts(_read(row), row.unchanged, plans.recount(connection, row.id))


def _read(row: Row) -> int | None:
    """Return how many records a run read, or None while its plan is not whole: that is known at its end."""
    return int(row.read) if row.fingerprint else None


def _result(connection: sa.Connection, run: str) -> dict[str, str]:
    counts = _counted(connection, _row(connection, run))
    names = ("read", "proven", "unchanged", "skipped", "parked", "in_doubt", "planned")
    return {name: str(getattr(counts, name)) for name in names}


def _milliseconds(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds() * 1000)


def _since(row: Row, now: datetime) -> int:
    return _milliseconds(row.started_at, now)


def _met(line: PlanRow) -> issues.Met:
    return issues.Met(Issue(line.cause, line.key, line.cause_field, line.facts), line.kind, line.title)


def _planned(run: str, flow: str, line: PlanRow) -> Event:
    if line.change is None:
        return Event(
            event="skipped", run=run, flow=flow, kind=line.kind, key=line.key, title=line.title, code=line.cause,
            facts=line.facts,
        )  # fmt: skip
    change = line.change
    return Event(
        event="planned", run=run, flow=flow, kind=line.kind, key=line.key, sources=change.sources, title=line.title,
        code=line.action, before=values_of(change.before), after=values_of(change.wanted),
    )  # fmt: skip


def _of_line(event: str, run: str, flow: str, row: Row, changes: Known, *, ms: int | None = None) -> Event:
    return Event(
        event=event, run=run, flow=flow, kind=row.kind, key=row.key, sources=changes[row.seq].sources, title=row.title,
        code=row.action, ms=ms,
    )  # fmt: skip


def _settled(run: str, flow: str, row: Row, one: Outcome, now: datetime, changes: Known) -> Event:
    event = "planned_again" if one.step is Step.PLANNED else str(one.step)
    ms = None if row.sent_at is None else _milliseconds(row.sent_at, now)
    return _of_line(event, run, flow, row, changes, ms=ms)


def _tell(
    connection: sa.Connection,
    now: datetime,
    run: str,
    flow: str,
    event: str,
    facts: Mapping[str, str],
    ms: int | None = None,
) -> None:
    tell(connection, now, [Event(event=event, run=run, flow=flow, facts=facts, ms=ms)])
