"""When the phases of runs began. Everything here is part of a transaction."""

from datetime import datetime

import sqlalchemy as sa

from integration.core.run import Phase
from integration.store.tables import phases

_NEWEST = (
    sa.select(phases.c.number, phases.c.phase)
    .where(phases.c.run == sa.bindparam("run"))
    .order_by(phases.c.number.desc())
    .limit(1)
)


def enter(connection: sa.Connection, now: datetime, run: str, phase: str, done_before: int = 0) -> None:
    """Keep that a run begins a phase; nothing when it is in it already."""
    last = connection.execute(_NEWEST, {"run": run}).first()
    if last is not None and last.phase == phase:
        return
    number = 1 if last is None else last.number + 1
    row = {"run": run, "number": number, "phase": phase, "began_at": now, "done_before": done_before}
    connection.execute(phases.insert().values(row))


def of_run(connection: sa.Connection, run: str, ended_at: datetime | None) -> list[Phase]:
    """Return the phases of a run in their order, none of one made before they were kept.

    Each ends where the next begins, the last with the run.
    """
    rows = connection.execute(sa.select(phases).where(phases.c.run == run).order_by(phases.c.number)).all()
    ends = [*(row.began_at for row in rows[1:]), ended_at][: len(rows)]
    return [Phase(row.phase, row.began_at, end, row.done_before) for row, end in zip(rows, ends, strict=True)]
