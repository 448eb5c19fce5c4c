"""Inserts, counts and moves plan lines. All functions work in the current transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from integration.core.plan import Action, Change
from integration.core.plan_lines import EVERY_LINE, LineFilter, PlanRow
from integration.core.records import Kind, kinds
from integration.core.run import Counts
from integration.core.states import Step
from integration.store import facets
from integration.store.database import batches, in_clause
from integration.store.prepared_statements import PreparedInQuery, PreparedStatement
from integration.store.row_mapping import Row, change_from_json, line_to_row
from integration.store.tables import line_counts, lines, runs

CHANGES = (Action.CREATE, Action.UPDATE, Action.RETIRE)
UNSETTLED = (Step.SENT, Step.IN_DOUBT)
IN_DOUBT_STEPS = (*UNSETTLED, Step.PARKED)  # a parked line is in doubt if its cause is one of the following
DOUBTS = ("read_back_missing", "never_answered")  # causes of lines that are in doubt

NumberedChanges = Mapping[int, Change]  # changes by line number

_OF_LINES = (lines.c.run == sa.bindparam("run"), lines.c.seq.in_(sa.bindparam("seqs", expanding=True)))
_MOVED = (
    "seq",
    "action",
    "step",
    "kind",
    "key",
    "title",
    "weight",
    "cause",
    "sent_at",
    "reference",
    "attempts",
    "accepted",
)
_LOCKED = PreparedInQuery(
    lambda seqs: (
        sa.select(*(lines.c[name] for name in _MOVED))
        .where(lines.c.run == sa.bindparam("run"), lines.c.seq.in_(seqs))
        .order_by(lines.c.seq)
        .with_for_update()
    )
)
_TALLIES = PreparedInQuery(lambda run_ids: sa.select(line_counts).where(line_counts.c.run.in_(run_ids)))
_CHANGES_OF = sa.select(lines.c.seq, lines.c.change).where(*_OF_LINES)
_ADD = PreparedStatement(
    line_counts.update()
    .where(
        line_counts.c.run == sa.bindparam("the_run"),
        line_counts.c.action == sa.bindparam("the_action"),
        line_counts.c.step == sa.bindparam("the_step"),
    )
    .values(
        lines=line_counts.c.lines + sa.bindparam("more_lines"),
        weight=line_counts.c.weight + sa.bindparam("more_weight"),
    )
)
_INSERT = PreparedStatement(lines.insert().inline(), *(column.name for column in lines.c))

Moves = Mapping[tuple[str, str], tuple[int, int]]  # lines and weight to add, by action and step


def add_lines(connection: sa.Connection, run: str, new_lines: Sequence[PlanRow]) -> list[dict[str, Any]]:
    """Insert lines with the next numbers of the run, and return the inserted rows."""
    if not new_lines:
        return []
    query = sa.select(runs.c.lines).where(runs.c.id == run).with_for_update()
    first = connection.execute(query).scalar_one() + 1
    rows = [line_to_row(run, seq, line) for seq, line in enumerate(new_lines, first)]
    _INSERT.execute_many(connection, rows)
    connection.execute(runs.update().where(runs.c.id == run).values(lines=first + len(rows) - 1))
    count_tallies(connection, run, ((row["action"], row["step"], 1, row["weight"]) for row in rows))
    facets.count_facets(connection, run, (facet for row in rows for facet in facets.of_row(row)))
    return rows


def replace_line(connection: sa.Connection, run: str, old: PlanRow, new: PlanRow) -> None:
    """Replace the line with the same number, and update tallies and facets."""
    before, after = (line_to_row(run, old.seq, line) for line in (old, new))
    connection.execute(lines.update().where(lines.c.run == run, lines.c.seq == old.seq).values(after))
    moved = [(before["action"], before["step"], -1, -old.weight), (after["action"], after["step"], 1, new.weight)]
    count_tallies(connection, run, moved)
    facets.count_facets(connection, run, facets.of_row(after), facets.of_row(before))


def count_tallies(connection: sa.Connection, run: str, moved: Iterable[tuple[Any, Any, int, Any]]) -> None:
    """Add lines and weights to the tallies of the run, by action and step. Subtract with negative numbers."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for action, step, number, weight in moved:
        entry = sums[str(action), str(step)]
        entry[0] += number
        entry[1] += weight
    for (action, step), (number, weight) in sorted(sums.items()):
        tally_key = {"the_run": run, "the_action": action, "the_step": step}
        if not _ADD.change(connection, {**tally_key, "more_lines": number, "more_weight": weight}):
            row = {"run": run, "action": action, "step": step, "lines": number, "weight": weight}
            connection.execute(line_counts.insert().values(row))


def count_moved(connection: sa.Connection, run: str, moved: Iterable[tuple[Row, Step]]) -> None:
    """Move lines in the tallies from their current step to the given one."""
    count_tallies(
        connection, run,
        (tally_change for row, step in moved
         for tally_change in ((row.action, row.step, -1, -row.weight), (row.action, step, 1, row.weight))),
    )  # fmt: skip


def tally(connection: sa.Connection, run_ids: Sequence[str]) -> dict[str, dict[tuple[Action, Step], tuple[int, int]]]:
    """Return lines and weight by action and step, for each run."""
    sums: dict[str, dict[tuple[Action, Step], tuple[int, int]]] = {run: {} for run in run_ids}
    for row in _TALLIES.rows(connection, {}, run_ids):
        sums[row.run][Action(row.action), Step(row.step)] = (row.lines, row.weight)
    return sums


def recount(connection: sa.Connection, run: str) -> dict[tuple[Action, Step], tuple[int, int]]:
    """Return the tallies of a run, counted from its lines."""
    weight = sa.cast(sa.func.coalesce(sa.func.sum(lines.c.weight), 0), sa.BigInteger)
    statement = sa.select(lines.c.action, lines.c.step, sa.func.count(), weight).where(lines.c.run == run)
    rows = connection.execute(statement.group_by(lines.c.action, lines.c.step))
    return {(Action(action), Step(step)): (number, total) for action, step, number, total in rows}


def counts(read_count: int | None, unchanged: int, sums: Mapping[tuple[Action, Step], tuple[int, int]]) -> Counts:
    """Return the counts of a run's records by result.

    `read_count` is None for an unfinished preview; the records planned so far are counted instead.
    """

    def weight(*steps: Step) -> int:
        return sum(total for (_, step), (_, total) in sums.items() if step in steps)

    if read_count is None:
        read_count = unchanged + weight(*Step)
    return Counts(
        read_count=read_count, proven=weight(Step.PROVEN), accepted=weight(Step.ACCEPTED), unchanged=unchanged,
        skipped=weight(Step.LEFT), parked=weight(Step.PARKED), in_doubt=weight(*UNSETTLED),
        planned=weight(Step.PLANNED),
        reached=sum(number for (_, step), (number, _) in sums.items() if step in (Step.PROVEN, Step.ACCEPTED)),
    )  # fmt: skip


def locked(connection: sa.Connection, run: str, seqs: Sequence[int]) -> dict[int, Row]:
    """Return these lines without their changes, locked until the transaction ends.

    Raises KeyError for a line that the plan does not have.
    """
    rows: dict[int, Row] = {row.seq: row for row in _LOCKED.rows(connection, {"run": run}, sorted(set(seqs)))}
    if missing := set(seqs) - set(rows):
        raise KeyError(f"run {run} has no line {min(missing)}")
    return rows


def changes(
    connection: sa.Connection, run: str, seqs: Sequence[int], known_changes: NumberedChanges
) -> NumberedChanges:
    """Return the changes of these lines. Those in `known_changes` are not read again: changes never alter."""
    missing = [seq for seq in seqs if seq not in known_changes]
    if not missing:
        return known_changes
    all_changes = dict(known_changes)
    for batch in batches(missing):
        for seq, change in connection.execute(_CHANGES_OF, {"run": run, "seqs": batch}):
            all_changes[seq] = change_from_json(change)
    return all_changes


def filter_states(show: str) -> tuple[Collection[Action], Sequence[Step]]:
    """Return the actions and steps of the lines to show.

    `show` is all, changes, an action (create, update, retire, skip, park) or a step (planned, sent, in_doubt, proven,
    parked, left). Raises ValueError for anything else.
    """
    if show == "all":
        return tuple(Action), tuple(Step)
    if show == "changes":
        return CHANGES, tuple(Step)
    if show in set(Action):
        return (Action(show),), tuple(Step)
    if show == Step.IN_DOUBT:
        return tuple(Action), UNSETTLED
    if show == Step.LEFT:  # skipped records have a filter of their own
        return CHANGES, (Step.LEFT,)
    if show in set(Step):
        return tuple(Action), (Step(show),)
    raise ValueError(f"nothing is shown as {show!r}")


def actions_of(show: str) -> list[Action]:
    """Return the possible actions of the lines to show. Skipped lines have step LEFT, parked ones PARKED."""
    actions, steps = filter_states(show)
    settled = {Action.SKIP: Step.LEFT, Action.PARK: Step.PARKED}  # the plan itself sets these steps
    return [action for action in actions if settled.get(action, steps[0]) in steps]


def filter_clause(run: str, show: str, find: str = "", among: LineFilter = EVERY_LINE) -> list[sa.ColumnElement[bool]]:
    """Return the conditions for the lines to show; see `filter_states` for `show`.

    `find` is searched in keys, titles, groups and source keys. `among` has further criteria.
    """
    actions, steps = filter_states(show)
    conditions: list[sa.ColumnElement[bool]] = [lines.c.run == run]
    if len(actions) < len(Action):
        conditions.append(lines.c.action.in_(actions))
    if len(steps) < len(Step):
        conditions.append(lines.c.step.in_(steps))
    if find.strip():
        conditions.append(lines.c.found_by.contains(find.strip().casefold(), autoescape=True))
    if among.field:
        name = f"{facets.SIGN}{among.field}{facets.SIGN}"
        conditions.append(lines.c.fields.contains(name, autoescape=True))
    if among.group:
        conditions.append(lines.c.group == among.group)
    if among.cause:
        conditions.append(lines.c.cause == among.cause)
    return conditions


def count_shown_lines(
    connection: sa.Connection, run: str, show: str, find: str = "", among: LineFilter = EVERY_LINE
) -> int:
    """Return the number of lines to show. Without a search text it comes from the tallies or facets where possible."""
    actions, steps = filter_states(show)
    facet_filters = [(facet, value) for facet in facets.FACETS if (value := getattr(among, facet))]
    if not find.strip() and not facet_filters:
        sums = tally(connection, [run])[run]
        return sum(number for (action, step), (number, _) in sums.items() if action in actions and step in steps)
    if not find.strip() and len(facet_filters) == 1 and len(steps) == len(Step):
        facet, value = facet_filters[0]
        return facets.facets_of(connection, run, actions)[facet].get(value, 0)
    query = sa.select(sa.func.count()).select_from(lines).where(*filter_clause(run, show, find, among))
    return connection.execute(query).scalar_one()


def in_doubt_question(
    flow: str | sa.BindParameter[str], kind: Kind | sa.BindParameter[str] | None = None, *, by_keys: bool = False
) -> sa.Select[tuple[object, ...]]:
    """Return the query for creates in doubt, of one kind or of any.

    With `by_keys` the query is efficient for a few record keys. Otherwise it starts from the few runs of the flow whose
    tallies show such creates.
    """
    may_be_in_doubt = in_clause(lines.c.step, IN_DOUBT_STEPS)
    is_in_doubt = sa.or_(lines.c.step != Step.PARKED, in_clause(lines.c.cause, DOUBTS))
    conditions = (lines.c.action == Action.CREATE, may_be_in_doubt, is_in_doubt)
    alike = lines.c.kind == kind
    of_kind = () if kind is None else (sa.or_(alike, sa.not_(in_clause(lines.c.kind, kinds()))) if by_keys else alike,)
    of_flow = (runs.c.id == lines.c.run, runs.c.flow == flow)
    tallied = (line_counts.c.action == Action.CREATE, line_counts.c.lines > 0)
    with_doubts = sa.select(line_counts.c.run).where(*tallied, in_clause(line_counts.c.step, IN_DOUBT_STEPS))
    scope = (sa.exists().where(*of_flow),) if by_keys else (*of_flow, runs.c.id.in_(with_doubts))
    every = sa.select(lines).where(*conditions, *of_kind, *scope)
    return every.order_by(lines.c.run, lines.c.seq)
