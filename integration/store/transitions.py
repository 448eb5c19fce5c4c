"""Shared functions for changes of a run's state. All functions work in the current transaction."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from integration.core.plan import Action
from integration.core.run import Counts, Phase, Progress
from integration.core.states import ACTIVE, WAITING_PHASES, RunState, Step, may_follow
from integration.store import plan_lines
from integration.store.database import rows_with_keys
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.plan_lines import NumberedChanges
from integration.store.prepared_statements import PreparedStatement
from integration.store.row_mapping import Row
from integration.store.tables import phases, runs, staged_records

HOLD, STOPPED = "hold", "stopped"  # phases in which a run waits for a system, or to be resumed by a person
NO_FACTS: Mapping[str, str] = {}
_OF_RUN = sa.select(runs).where(runs.c.id == sa.bindparam("run"))
_RUN, _RUN_LOCKED = PreparedStatement(_OF_RUN), PreparedStatement(_OF_RUN.with_for_update())


def run_row(connection: sa.Connection, run: str, *, lock: bool = False) -> Row:
    """Return the row of a run. Raises KeyError if it does not exist."""
    row: Row | None = (_RUN_LOCKED if lock else _RUN).first(connection, {"run": run})
    if row is None:
        raise KeyError(f"there is no run {run}")
    return row


def update_run(connection: sa.Connection, run: str, **values: Any) -> Row:
    """Update columns of a run and return the new row. Raises KeyError if it does not exist."""
    row: Row | None = _update_statement(tuple(values)).first(connection, {**values, "the_run": run})
    if row is None:
        raise KeyError(f"there is no run {run}")
    return row


@cache
def _update_statement(columns: tuple[str, ...]) -> PreparedStatement:
    values: dict[str, sa.BindParameter[object]] = {name: sa.bindparam(name) for name in columns}
    return PreparedStatement(runs.update().where(runs.c.id == sa.bindparam("the_run")).values(values).returning(runs))


def store_progress(connection: sa.Connection, now: datetime, run: str, progress: Progress | None) -> None:
    """Store the progress of a run, and clear the cause of a former wait."""
    if progress is not None:
        far = {"progress_done": progress.done_count, "progress_total": progress.total}
        update_run(connection, run, phase=progress.phase, error="", facts={}, **far)
        enter(connection, now, run, progress.phase, progress.done_count)


def move(connection: sa.Connection, run: str, next_state: RunState) -> Row:
    """Move a run to another state and return its former row. Raises StateChangedError for a forbidden transition."""
    row = run_row(connection, run, lock=True)
    require_transition(RunState(row.state), next_state, f"run {run}")
    update_run(connection, run, state=next_state, active_flow=row.flow if next_state in ACTIVE else None)
    return row


def end(
    connection: sa.Connection, now: datetime, run: str, state: RunState, event: str, code: str, facts: Mapping[str, str]
) -> None:
    """End or interrupt a run, with its cause."""
    row = move(connection, run, state)
    delete_staged(connection, run)
    ended = None if state is RunState.INTERRUPTED else now
    update_run(connection, run, ended_at=ended, error=code, facts=dict(facts) if code else {})
    if state is RunState.INTERRUPTED:
        enter(connection, now, run, STOPPED, row.progress_done)
    append_events(
        connection,
        now,
        [Event(event=event, run=run, flow=row.flow, code=code, facts=facts, ms=elapsed_milliseconds(row, now))],
    )


class StateChangedError(ValueError):
    """Raised if a run or a change is in a state from which it cannot reach the wanted one."""


def require_transition(now: RunState | Step, next_state: RunState | Step, subject: str) -> None:
    """Raise StateChangedError if `core/states.py` forbids the transition."""
    if not may_follow(now, next_state):
        raise StateChangedError(f"{subject} cannot go from {now} to {next_state}")


def sendable(connection: sa.Connection, run: str) -> tuple[int, int]:
    """Return how many changes of a run are to be written, and how many of them are settled."""
    return commit_progress(plan_lines.tally(connection, [run])[run])


def commit_progress(sums: Mapping[tuple[Action, Step], tuple[int, int]]) -> tuple[int, int]:
    """Return how many changes are to be written, and how many of them are settled."""
    chosen = dict.fromkeys(Step, 0)
    for (action, step), (number, _) in sums.items():
        if action in plan_lines.CHANGES:
            chosen[step] += number
    total = sum(chosen.values()) - chosen[Step.LEFT]
    return total, chosen[Step.PROVEN] + chosen[Step.ACCEPTED] + chosen[Step.PARKED]


def run_counts(connection: sa.Connection, row: Row) -> Counts:
    """Return the counts of the run's records by result. They are counted from the plan lines while these are stored."""
    is_whole = row.pruned_at is None
    sums = plan_lines.recount(connection, row.id) if is_whole else plan_lines.tally(connection, [row.id])[row.id]
    return plan_lines.counts(records_read(row), row.unchanged, sums)


def records_read(row: Row) -> int | None:
    """Return how many records a run read, or None while its plan is not complete."""
    return int(row.read_count) if row.fingerprint else None


def result(connection: sa.Connection, run: str) -> dict[str, str]:
    """Return the counts of a run as facts of an event."""
    counts = run_counts(connection, run_row(connection, run))
    names = ("read_count", "proven", "accepted", "unchanged", "skipped", "parked", "in_doubt", "planned")
    return {name: str(getattr(counts, name)) for name in names}


def milliseconds(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds() * 1000)


def elapsed_milliseconds(row: Row, now: datetime) -> int:
    """Return how many milliseconds have passed since the run began."""
    return milliseconds(row.started_at, now)


def line_event(
    event: str,
    run: str,
    flow: str,
    row: Row,
    changes: NumberedChanges,
    *,
    ms: int | None = None,
    facts: Mapping[str, str] = NO_FACTS,
) -> Event:
    return Event(
        event=event, run=run, flow=flow, kind=row.kind, key=row.key, sources=changes[row.seq].sources, title=row.title,
        code=row.action, facts=facts, ms=ms,
    )  # fmt: skip


def append_run_event(
    connection: sa.Connection,
    now: datetime,
    run: str,
    flow: str,
    event: str,
    facts: Mapping[str, str],
    ms: int | None = None,
) -> None:
    append_events(connection, now, [Event(event=event, run=run, flow=flow, facts=facts, ms=ms)])


_NEWEST = PreparedStatement(
    sa.select(phases.c.number, phases.c.phase, phases.c.started_at)
    .where(phases.c.run == sa.bindparam("run"))
    .order_by(phases.c.number.desc())
    .limit(1)
)


def enter(connection: sa.Connection, now: datetime, run: str, phase: str, done_before: int = 0) -> bool:
    """Store that a run enters a phase, and return whether it was in another one. Records an event after a wait."""
    last = _NEWEST.first(connection, {"run": run})
    if last is not None and last.phase == phase:
        return False
    if last is not None and last.phase == HOLD and phase != STOPPED:
        waited = round((now - last.started_at).total_seconds() * 1000)
        append_run_event(connection, now, run, run_row(connection, run).flow, "run_went_on", {}, waited)
    number = 1 if last is None else last.number + 1
    row = {"run": run, "number": number, "phase": phase, "started_at": now, "done_before": done_before}
    connection.execute(phases.insert().values(row))
    return True


def phases_of(connection: sa.Connection, run: str, ended_at: datetime | None) -> list[Phase]:
    """Return the phases of a run in order. Each phase ends where the next begins, the last with the run."""
    rows = connection.execute(sa.select(phases).where(phases.c.run == run).order_by(phases.c.number)).all()
    ends = [*(row.started_at for row in rows[1:]), ended_at][: len(rows)]
    return [Phase(row.phase, row.started_at, end, row.done_before) for row, end in zip(rows, ends, strict=True)]


def waiting_time(connection: sa.Connection, ended: Mapping[str, datetime]) -> dict[str, timedelta]:
    """Return how long runs waited for people and systems. `ended` maps each run to its end."""
    query = sa.select(phases.c.run, phases.c.phase, phases.c.started_at).order_by(phases.c.run, phases.c.number)
    durations: dict[str, timedelta] = {}
    for run, rows in groupby(rows_with_keys(connection, query, phases.c.run, list(ended)), key=lambda row: row.run):
        of_run = list(rows)
        ends = [*(row.started_at for row in of_run[1:]), ended[run]]
        waits = (end - row.started_at for row, end in zip(of_run, ends, strict=True) if row.phase in WAITING_PHASES)
        durations[run] = sum(waits, timedelta())
    return durations


def delete_staged(connection: sa.Connection, run: str) -> None:
    """Delete the staged records of a preview."""
    connection.execute(staged_records.delete().where(staged_records.c.run == run))
