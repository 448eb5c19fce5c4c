"""The lines of kept plans: put down, counted, moved from step to step. Everything here is part of a transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from integration.core.plan import Action, Change
from integration.core.plan_lines import EVERY_LINE, LineFilter, PlanRow
from integration.core.run import Counts
from integration.core.states import Step
from integration.store import facets
from integration.store.database import batches
from integration.store.prepared_statements import PreparedInQuery, PreparedStatement
from integration.store.row_mapping import Row, change_from_json, line_to_row
from integration.store.tables import lines, runs, tallies

CHANGES = (Action.CREATE, Action.UPDATE, Action.RETIRE)
UNSETTLED = (Step.SENT, Step.IN_DOUBT)
DOUBTS = ("read_back_missing", "never_answered")  # causes of what was sent, and nobody knows whether it is there

Known = Mapping[int, Change]  # changes by the number of their line

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
_TALLIES = PreparedInQuery(lambda run_ids: sa.select(tallies).where(tallies.c.run.in_(run_ids)))
_CHANGES_OF = sa.select(lines.c.seq, lines.c.change).where(*_OF_LINES)
_ADD = PreparedStatement(
    tallies.update()
    .where(
        tallies.c.run == sa.bindparam("the_run"),
        tallies.c.action == sa.bindparam("the_action"),
        tallies.c.step == sa.bindparam("the_step"),
    )
    .values(lines=tallies.c.lines + sa.bindparam("more_lines"), weight=tallies.c.weight + sa.bindparam("more_weight"))
)
_INSERT = PreparedStatement(lines.insert().inline(), *(column.name for column in lines.c))

Moves = Mapping[tuple[str, str], tuple[int, int]]  # lines and weight to add, by action and step


def add_lines(connection: sa.Connection, run: str, kept: Sequence[PlanRow]) -> list[dict[str, Any]]:
    """Put lines down under the run's next numbers, and return them as they lie in the table."""
    if not kept:
        return []
    taken = sa.select(runs.c.lines).where(runs.c.id == run).with_for_update()
    first = connection.execute(taken).scalar_one() + 1
    rows = [line_to_row(run, seq, line) for seq, line in enumerate(kept, first)]
    _INSERT.each(connection, rows)
    connection.execute(runs.update().where(runs.c.id == run).values(lines=first + len(rows) - 1))
    count_tallies(connection, run, ((row["action"], row["step"], 1, row["weight"]) for row in rows))
    facets.count_facets(connection, run, (facet for row in rows for facet in facets.of_row(row)))
    return rows


def replace_line(connection: sa.Connection, run: str, old: PlanRow, new: PlanRow) -> None:
    """Put a line in the place of another one of the same number, and count it so."""
    before, after = (line_to_row(run, old.seq, line) for line in (old, new))
    connection.execute(lines.update().where(lines.c.run == run, lines.c.seq == old.seq).values(after))
    moved = [(before["action"], before["step"], -1, -old.weight), (after["action"], after["step"], 1, new.weight)]
    count_tallies(connection, run, moved)
    facets.count_facets(connection, run, facets.of_row(after), facets.of_row(before))


def count_tallies(connection: sa.Connection, run: str, moved: Iterable[tuple[Any, Any, int, Any]]) -> None:
    """Add to the run's tallies: action, step, lines and weight, both negative for what leaves."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for action, step, number, weight in moved:
        entry = sums[str(action), str(step)]
        entry[0] += number
        entry[1] += weight
    for (action, step), (number, weight) in sorted(sums.items()):
        here = {"the_run": run, "the_action": action, "the_step": step}
        if not _ADD.change(connection, {**here, "more_lines": number, "more_weight": weight}):
            row = {"run": run, "action": action, "step": step, "lines": number, "weight": weight}
            connection.execute(tallies.insert().values(row))


def count_moved(connection: sa.Connection, run: str, moved: Iterable[tuple[Row, Step]]) -> None:
    """Count lines at the steps they are moved to, and no longer at those they leave."""
    count_tallies(
        connection, run,
        (each for row, step in moved
         for each in ((row.action, row.step, -1, -row.weight), (row.action, step, 1, row.weight))),
    )  # fmt: skip


def tally(connection: sa.Connection, run_ids: Sequence[str]) -> dict[str, dict[tuple[Action, Step], tuple[int, int]]]:
    """Return lines and weight by action and step, of each run."""
    found: dict[str, dict[tuple[Action, Step], tuple[int, int]]] = {run: {} for run in run_ids}
    for row in _TALLIES.rows(connection, {}, run_ids):
        found[row.run][Action(row.action), Step(row.step)] = (row.lines, row.weight)
    return found


def recount(connection: sa.Connection, run: str) -> dict[tuple[Action, Step], tuple[int, int]]:
    """Return what `tally` should say, counted from the lines themselves."""
    weight = sa.cast(sa.func.coalesce(sa.func.sum(lines.c.weight), 0), sa.BigInteger)
    statement = sa.select(lines.c.action, lines.c.step, sa.func.count(), weight).where(lines.c.run == run)
    rows = connection.execute(statement.group_by(lines.c.action, lines.c.step))
    return {(Action(action), Step(step)): (number, total) for action, step, number, total in rows}


def counts(read: int | None, unchanged: int, sums: Mapping[tuple[Action, Step], tuple[int, int]]) -> Counts:
    """Return what became of the records a run read; None: those its plan has come to, which is not whole."""

    def weight(*steps: Step) -> int:
        return sum(total for (_, step), (_, total) in sums.items() if step in steps)

    if read is None:
        read = unchanged + weight(*Step)
    return Counts(
        read=read, proven=weight(Step.PROVEN), accepted=weight(Step.ACCEPTED), unchanged=unchanged,
        skipped=weight(Step.LEFT), parked=weight(Step.PARKED), in_doubt=weight(*UNSETTLED),
        planned=weight(Step.PLANNED),
        reached=sum(number for (_, step), (number, _) in sums.items() if step in (Step.PROVEN, Step.ACCEPTED)),
    )  # fmt: skip


def locked(connection: sa.Connection, run: str, seqs: Sequence[int]) -> dict[int, Row]:
    """Return these lines without what they change, held until the transaction ends.

    Raises KeyError for a line the plan does not have.
    """
    found: dict[int, Row] = {row.seq: row for row in _LOCKED.rows(connection, {"run": run}, sorted(set(seqs)))}
    if missing := set(seqs) - set(found):
        raise KeyError(f"run {run} has no line {min(missing)}")
    return found


def changes(connection: sa.Connection, run: str, seqs: Sequence[int], known: Known) -> Known:
    """Return the changes of these lines; what is known already is not read again, for a change never alters."""
    missing = [seq for seq in seqs if seq not in known]
    if not missing:
        return known
    found = dict(known)
    for some in batches(missing):
        for seq, change in connection.execute(_CHANGES_OF, {"run": run, "seqs": some}):
            found[seq] = change_from_json(change)
    return found


def filter_states(show: str) -> tuple[Collection[Action], Sequence[Step]]:
    """Return the actions and the steps a line may have to be shown.

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
    if show == Step.LEFT:  # what takes no part has a show of its own
        return CHANGES, (Step.LEFT,)
    if show in set(Step):
        return tuple(Action), (Step(show),)
    raise ValueError(f"nothing is shown as {show!r}")


def actions_of(show: str) -> list[Action]:
    """Return the actions that lines shown can have: what takes no part is never parked, nor the other way round."""
    actions, steps = filter_states(show)
    settled = {Action.SKIP: Step.LEFT, Action.PARK: Step.PARKED}  # by the plan itself
    return [action for action in actions if settled.get(action, steps[0]) in steps]


def filter_clause(run: str, show: str, find: str = "", among: LineFilter = EVERY_LINE) -> list[sa.ColumnElement[bool]]:
    """Return what a line must be to be shown; `shows` says as what.

    `find` is looked for in keys, titles, groups and source keys; `among` says what else the lines have in common.
    """
    actions, steps = filter_states(show)
    wanted: list[sa.ColumnElement[bool]] = [lines.c.run == run]
    if len(actions) < len(Action):
        wanted.append(lines.c.action.in_(actions))
    if len(steps) < len(Step):
        wanted.append(lines.c.step.in_(steps))
    if find.strip():
        wanted.append(lines.c.found_by.contains(find.strip().casefold(), autoescape=True))
    if among.field:
        name = f"{facets.SIGN}{among.field}{facets.SIGN}"
        wanted.append(lines.c.fields.contains(name, autoescape=True))
    if among.group:
        wanted.append(lines.c.group == among.group)
    if among.cause:
        wanted.append(lines.c.cause == among.cause)
    return wanted


def lines_shown(connection: sa.Connection, run: str, show: str, find: str = "", among: LineFilter = EVERY_LINE) -> int:
    """Return how many lines are shown; without a search this is known from what is counted already."""
    actions, steps = filter_states(show)
    asked = [(facet, value) for facet in facets.FACETS if (value := getattr(among, facet))]
    if not find.strip() and not asked:
        sums = tally(connection, [run])[run]
        return sum(found for (action, step), (found, _) in sums.items() if action in actions and step in steps)
    if not find.strip() and len(asked) == 1 and len(steps) == len(Step):
        facet, value = asked[0]
        return facets.facets_of(connection, run, actions)[facet].get(value, 0)
    counted = sa.select(sa.func.count()).select_from(lines).where(*filter_clause(run, show, find, among))
    return connection.execute(counted).scalar_one()
