"""Stores the lines that people excluded from a waiting plan. All persons see the same selection."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from integration.core.errors import PlanStaleError
from integration.core.plan import chosen_mark
from integration.core.reverted_values import VALUE_REVERTED
from integration.core.states import RunState, Step
from integration.store import plan_lines, transitions
from integration.store.database import Store, batches, rows_with_keys
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.prepared_statements import PreparedInQuery
from integration.store.row_mapping import Row, change_from_json
from integration.store.tables import excluded_lines, lines

_OF_RUN = sa.select(excluded_lines.c.seq, excluded_lines.c.digest).where(excluded_lines.c.run == sa.bindparam("run"))
_OF_RUNS = PreparedInQuery(lambda runs: sa.select(excluded_lines).where(excluded_lines.c.run.in_(runs)))


class ChoiceStore(Store):
    """Stores the selection of changes in waiting plans. Methods raise KeyError for a run that does not exist."""

    def exclude(self, run: str, seqs: Collection[int], by: str) -> frozenset[int]:
        """Exclude changes from a plan and return those newly excluded. Raises PlanStaleError if it no longer waits."""
        return self._change_selection(run, seqs, by, "left_out")

    def take(self, run: str, seqs: Collection[int], by: str) -> frozenset[int]:
        """Include excluded changes again and return them. Raises PlanStaleError if the plan no longer waits."""
        return self._change_selection(run, seqs, by, "taken_in")

    def _change_selection(self, run: str, seqs: Collection[int], by: str, event: str) -> frozenset[int]:
        now, leaves = self.clock(), event == "left_out"
        with self.database.write() as connection:
            row = transitions.run_row(connection, run, lock=True)
            if row.state != RunState.READY:
                raise PlanStaleError("plan_not_waiting", flow=row.flow, run=run)
            excluded = exclusions(connection, run).keys()
            query = sa.select(lines).where(lines.c.run == run, lines.c.action.in_(plan_lines.CHANGES))
            changed_lines = [
                line
                for line in rows_with_keys(connection, query, lines.c.seq, seqs)
                if (line.seq in excluded) is not leaves
            ]
            if leaves:
                _insert_excluded(
                    connection, [_excluded_row(run, line.seq, line.digest, by, now) for line in changed_lines]
                )
            else:
                _delete_excluded(connection, run, [line.seq for line in changed_lines])
            append_events(connection, now, [choice_event(event, row, line, by) for line in changed_lines])
        return frozenset(line.seq for line in changed_lines)


def _insert_excluded(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(excluded_lines.insert(), rows)


def _delete_excluded(connection: sa.Connection, run: str, seqs: Collection[int]) -> None:
    for batch in batches(seqs):
        connection.execute(excluded_lines.delete().where(excluded_lines.c.run == run, excluded_lines.c.seq.in_(batch)))


def _excluded_row(run: str, seq: int, digest: str, by: str, at: datetime) -> dict[str, Any]:
    return {"run": run, "seq": seq, "digest": digest, "by": by, "excluded_at": at}


def exclude_retracted(connection: sa.Connection, run: str, added: Sequence[Mapping[str, Any]]) -> None:
    """Exclude changes whose values a person reverted, in the name of that person. A person can include them again."""
    marked = [line for line in added if line["cause"] == VALUE_REVERTED and line["change"] is not None]
    facts = [(line, line["facts"]) for line in marked]
    _insert_excluded(
        connection,
        [
            _excluded_row(run, line["seq"], line["digest"], fact["by"], datetime.fromisoformat(fact["time"]))
            for line, fact in facts
        ],
    )


def choice_event(event: str, run: Row, line: Row, by: str) -> Event:
    """Return the event that a person excluded a line from a plan, or included it again."""
    return Event(
        event=event, run=run.id, flow=run.flow, kind=line.kind, key=line.key,
        sources=change_from_json(line.change).sources, title=line.title, code=line.action, facts={"by": by},
    )  # fmt: skip


def exclusions(connection: sa.Connection, run: str) -> dict[int, str]:
    """Return the excluded lines of a plan, with the digests of their changes."""
    return {row.seq: row.digest for row in connection.execute(_OF_RUN, {"run": run})}


def exclusions_of_runs(connection: sa.Connection, runs: Sequence[str]) -> Mapping[str, dict[int, str]]:
    """Return the excluded lines of several plans, by run."""
    excluded: dict[str, dict[int, str]] = {run: {} for run in runs}
    for row in _OF_RUNS.rows(connection, {}, runs):
        excluded[row.run][row.seq] = row.digest
    return excluded


def require_selection(connection: sa.Connection, run: Row, mark: str) -> frozenset[int]:
    """Return the excluded lines of a plan. Raises PlanStaleError if an approval was for another selection."""
    chosen = exclusions(connection, run.id)
    if mark != chosen_mark(run.fingerprint, chosen.values()):
        raise PlanStaleError("choice_changed", flow=run.flow, run=run.id, count=len(chosen))
    return frozenset(chosen)


def copy_selection(connection: sa.Connection, old: str, new: str) -> None:
    """Copy the selection of a plan to the plan that replaces it, for equal changes.

    Excluded lines stay excluded, and reverted values that were included stay included. If the mapping or other inputs
    of the two plans differ, all digests differ too, and a line with the same key stays excluded whatever its change is.
    """
    bases = [(row.mapping_version, row.basis) for row in (transitions.run_row(connection, run) for run in (old, new))]
    same_basis = bases[0] == bases[1]
    _delete_excluded(connection, new, _included_lines(connection, old, new))
    of_line = sa.and_(lines.c.run == excluded_lines.c.run, lines.c.seq == excluded_lines.c.seq)
    old_query = (
        sa.select(excluded_lines, lines.c.kind, lines.c.key).join(lines, of_line).where(excluded_lines.c.run == old)
    )
    before = connection.execute(old_query).all()
    excluded_rows = {(row.kind, row.key, row.digest if same_basis else ""): row for row in before}
    new_query = sa.select(lines.c.seq, lines.c.kind, lines.c.key, lines.c.digest).where(
        lines.c.run == new, lines.c.step == Step.PLANNED
    )
    excluded_seqs = exclusions(connection, new).keys()
    new_lines = rows_with_keys(connection, new_query, lines.c.key, [row.key for row in before])
    same = [(line, excluded_rows.get((line.kind, line.key, line.digest if same_basis else ""))) for line in new_lines]
    _insert_excluded(
        connection,
        [
            _excluded_row(new, line.seq, line.digest, row.by, row.excluded_at)
            for line, row in same
            if row is not None and line.seq not in excluded_seqs
        ],
    )


def _included_lines(connection: sa.Connection, old: str, new: str) -> list[int]:
    """Return the lines of a plan with reverted values that were included in the plan it replaces."""
    new_lines, out = lines.alias(), excluded_lines.alias()
    same = (new_lines.c[name] == lines.c[name] for name in ("kind", "key", "digest", "cause"))
    chosen = ~sa.exists().where(out.c.run == lines.c.run, out.c.seq == lines.c.seq)
    conditions = (lines.c.run == old, lines.c.cause == VALUE_REVERTED, lines.c.step == Step.PLANNED, chosen)
    query = sa.select(new_lines.c.seq).join(lines, sa.and_(*same)).where(new_lines.c.run == new, *conditions)
    return [row.seq for row in connection.execute(query)]
