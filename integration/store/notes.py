"""Stores the notes of people on a plan. They are audited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from integration.core.authorization import requires
from integration.core.grouping import group_by_key
from integration.core.people import Right
from integration.core.run import LONGEST_NOTE
from integration.store import transitions
from integration.store.database import Store
from integration.store.tables import plan_notes


@dataclass(frozen=True, slots=True)
class Note:
    """A note on a plan. With `discards` it is the reason why the plan was discarded."""

    run: str
    text: str
    by: str
    at: datetime
    discards: bool = False


class NoteStore(Store):
    """Stores the notes of all plans. Notes are never changed, because they may explain a decision."""

    @requires(Right.SEE)
    def notes_of_plan(self, run: str) -> list[Note]:
        """Return the notes of a plan, the oldest first."""
        return self.of_runs([run]).get(run, [])

    @requires(Right.SEE)
    def of_runs(self, runs: Sequence[str]) -> dict[str, list[Note]]:
        """Return the notes of several plans, by run. A plan without notes is left out."""
        query = sa.select(plan_notes).order_by(plan_notes.c.id)
        rows = self.database.rows_with_values(query, plan_notes.c.run, runs)
        return group_by_key((row.run, Note(row.run, row.text, row.by, row.at, row.discards)) for row in rows)

    @requires(Right.COMPARE)
    def add(self, run: str, text: str, by: str) -> None:
        """Add a note to a plan. An empty note is ignored. Raises KeyError for a run that does not exist."""
        note_text = text.strip()[:LONGEST_NOTE]
        if not note_text:
            return
        now = self.clock()
        with self.database.write() as connection:
            row = transitions.run_row(connection, run)
            put_note(connection, Note(run, note_text, by, now))
            transitions.append_run_event(connection, now, run, row.flow, "plan_noted", {"by": by, "note": note_text})


def put_note(connection: sa.Connection, note: Note) -> None:
    """Store a note, in the current transaction."""
    row = {"run": note.run, "text": note.text, "discards": note.discards, "by": note.by, "at": note.at}
    connection.execute(plan_notes.insert().values(row))
