"""Opens an exception for the records of a commit that stops several times in a row with the same error."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from integration.core.issues import REPEATED_STOP, Issue, IssueOccurrence
from integration.core.search_keys import document_total
from integration.core.states import RunState, Step
from integration.store import issues, plan_lines
from integration.store.row_mapping import Row, plan_row
from integration.store.tables import lines, runs
from integration.store.transitions import update_run

STOPS_IN_A_ROW = 3  # from so many on, a person must act
MAX_RECORDS = 10_000  # of one exception; the plan shows all of them
BY_PERSON = frozenset({"cancelled"})
_NOTE = "stops"  # note of a run: how often commits stopped in a row, and the error


def record_stop(connection: sa.Connection, now: datetime, row: Row, code: str, facts: Mapping[str, str]) -> None:
    """Count the stop of a commit, in the current transaction. From the third on, its records become an exception.

    `row` is the run before the stop. A stop by a person does not count.
    """
    if row.state != RunState.COMMITTING or code in BY_PERSON:
        return
    number = _stops_before(connection, row, code) + 1
    update_run(connection, row.id, notes={**row.notes, _NOTE: f"{number} {code}"})
    if number == 1:
        issues.close_repeated_stops(connection, now, row.flow, row.id)
    if number < STOPS_IN_A_ROW:
        return
    planned = (lines.c.run == row.id, lines.c.step == Step.PLANNED, lines.c.action.in_(plan_lines.CHANGES))
    open_lines = connection.execute(sa.select(lines).where(*planned).order_by(lines.c.seq).limit(MAX_RECORDS))
    occurrences = [_occurrence(line, {**facts, "cause": code, "count": str(number)}) for line in open_lines]
    documents = [occurrence for occurrence in occurrences if "sold" in occurrence.issue.facts]
    occurrences = documents or occurrences  # debtors and addresses go with their documents
    issues.close_repeated_stops(connection, now, row.flow, row.id, {occurrence.issue.key for occurrence in occurrences})
    issues.open_or_refresh(connection, now, row.flow, row.id, occurrences)


def _stops_before(connection: sa.Connection, row: Row, code: str) -> int:
    """Return how often commits of the flow stopped in a row with this error: this run, or else the one before it."""
    noted = row.notes.get(_NOTE, "")
    if not noted:
        earlier = sa.select(runs.c.state, runs.c.notes).where(
            runs.c.flow == row.flow, runs.c.id != row.id, runs.c.approvals > 0, runs.c.started_at <= row.started_at
        )
        last = connection.execute(earlier.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1)).first()
        noted = last.notes.get(_NOTE, "") if last is not None and last.state != RunState.DONE else ""
    number, _, noted_code = noted.partition(" ")
    return int(number) if noted_code == code else 0


def _occurrence(row: Row, facts: Mapping[str, str]) -> IssueOccurrence:
    line = plan_row(row)
    total = document_total(line.change.agreed) if line.change else None
    sold = {} if total is None else {"sold": str(total)}
    return IssueOccurrence(
        Issue(REPEATED_STOP, line.key, facts={**facts, "key": line.title, **sold}), str(line.kind), line.title
    )
