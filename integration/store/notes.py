"""What people write on a plan: kept with its run, and told in the audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from integration.core.authorization import requires
from integration.core.people import Right
from integration.core.run import LONGEST_NOTE
from integration.store import transitions
from integration.store.database import Store
from integration.store.tables import plan_notes


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote on a plan; one that `discards` says why it was discarded."""

    run: str
    text: str
    by: str
    at: datetime
    discards: bool = False


class NoteStore(Store):
    """The notes of every plan. One that is written stays: what led to a decision is not written anew afterwards."""

    @requires(Right.SEE)
    def of(self, run: str) -> list[Note]:
        """Return the notes of a plan, the oldest first."""
        return self.of_runs([run]).get(run, [])

    @requires(Right.SEE)
    def of_runs(self, runs: Sequence[str]) -> dict[str, list[Note]]:
        """Return the notes of several plans; one without any is left out."""
        found: dict[str, list[Note]] = {}
        for row in self.database.among(sa.select(plan_notes).order_by(plan_notes.c.id), plan_notes.c.run, runs):
            found.setdefault(row.run, []).append(Note(row.run, row.text, row.by, row.at, row.discards))
        return found

    @requires(Right.COMPARE)
    def add(self, run: str, text: str, by: str) -> None:
        """Keep a note on a plan; one that says nothing is none. Raises KeyError for a run that does not exist."""
        said = text.strip()[:LONGEST_NOTE]
        if not said:
            return
        now = self.clock()
        with self.database.write() as connection:
            row = transitions.run_row(connection, run)
            put_note(connection, Note(run, said, by, now))
            transitions.append_run_event(connection, now, run, row.flow, "plan_noted", {"by": by, "note": said})


def put_note(connection: sa.Connection, note: Note) -> None:
    """Keep a note as part of the transaction under way."""
    row = {"run": note.run, "text": note.text, "discards": note.discards, "by": note.by, "at": note.at}
    connection.execute(plan_notes.insert().values(row))
