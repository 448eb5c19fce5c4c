"""Closes waiting plans whose changes a later plan of the same flow has written."""

from datetime import datetime

import sqlalchemy as sa

from integration.core.run import Mode
from integration.core.states import RunState, Step
from integration.store import transitions
from integration.store.row_mapping import Row
from integration.store.tables import lines, runs

SUPERSEDED = "plan_superseded"
_WRITTEN = (Step.PROVEN, Step.ACCEPTED)


def close_superseded(connection: sa.Connection, now: datetime, row: Row) -> None:
    """Discard the older waiting plans of a flow once later plans have written every record that they would write.

    `row` is the run that has just written. A plan that would write another record as well goes on waiting, and so does
    the undo of a run, which writes other values.
    """
    if row.mode == Mode.UNDO:
        return
    older = sa.select(runs.c.id, runs.c.started_at).where(
        runs.c.flow == row.flow,
        runs.c.state == RunState.READY,
        runs.c.started_at < row.started_at,
        runs.c.mode != Mode.UNDO,
    )
    for plan in connection.execute(older).all():
        if _is_written(connection, plan.id, plan.started_at, row.flow):
            facts = {"run": row.id, "flow": row.flow}
            transitions.end(connection, now, plan.id, RunState.DISCARDED, "run_discarded", SUPERSEDED, facts)


def _is_written(connection: sa.Connection, plan: str, since: datetime, flow: str) -> bool:
    """Return True if runs that started after a plan have written each of its records."""
    other, writer = lines.alias("other"), runs.alias("writer")
    written_later = sa.exists().where(
        other.c.key == lines.c.key,
        other.c.kind == lines.c.kind,
        other.c.step.in_(_WRITTEN),
        writer.c.id == other.c.run,
        writer.c.flow == flow,
        writer.c.started_at > since,
        writer.c.mode != Mode.UNDO,
    )
    planned = sa.select(lines.c.seq).where(lines.c.run == plan, lines.c.step == Step.PLANNED)
    return connection.execute(planned.where(~written_later).limit(1)).first() is None
