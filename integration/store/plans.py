"""Kept plans, as people look at them: line by line, sorted out and counted."""

from collections.abc import Collection, Iterator

import sqlalchemy as sa

from integration.core.authorization import requires
from integration.core.people import Right
from integration.core.plan import Action, Change
from integration.core.plan_lines import EVERY_LINE, LineFilter, PlanRow
from integration.core.records import Kind, Sort, kinds
from integration.core.states import Step
from integration.store import facets, plan_lines, transitions
from integration.store.columns import TextColumn
from integration.store.database import Database
from integration.store.row_mapping import change_from_json, plan_row
from integration.store.tables import left_out, lines, runs

# What is booked: documents of the books, and pages of a daybook.


class PlanStore:
    """The lines of all plans. A run that does not exist has none."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @requires(Right.SEE)
    def rows(
        self,
        run: str,
        show: str = "all",
        find: str = "",
        offset: int = 0,
        limit: int = 500,
        among: LineFilter = EVERY_LINE,
    ) -> list[PlanRow]:
        """Return lines of the plan in its order. `plan_lines.showing` says what may be shown and found."""
        numbers = sa.select(lines.c.seq).where(*plan_lines.filter_clause(run, show, find, among)).order_by(lines.c.seq)
        asked = numbers.offset(offset).limit(limit).subquery()  # sorting numbers is far cheaper than sorting lines
        page = sa.select(lines).join(asked, asked.c.seq == lines.c.seq).where(lines.c.run == run)
        return [plan_row(row) for row in self.database.rows(page.order_by(lines.c.seq))]

    @requires(Right.SEE)
    def count(self, run: str, show: str = "all", find: str = "", among: LineFilter = EVERY_LINE) -> int:
        """Return how many lines `rows` has in all."""
        with self.database.read() as connection:
            return plan_lines.lines_shown(connection, run, show, find, among)

    @requires(Right.SEE)
    def unsettled(self, run: str) -> dict[Step, int]:
        """Return how many lines were sent, and how many of them had no answer, as they stand at one moment."""
        with self.database.read() as connection:
            sums = plan_lines.tally(connection, [run])[run]
        return {
            asked: sum(number for (_, step), (number, _) in sums.items() if step is asked)
            for asked in plan_lines.UNSETTLED
        }

    @requires(Right.SEE)
    def facets(self, run: str, show: str = "all") -> dict[str, dict[str, int]]:
        """Return by what the lines shown can be sorted out (`field`, `group`, `cause`): each value with its lines."""
        with self.database.read() as connection:
            return facets.facets_of(connection, run, plan_lines.actions_of(show))

    @requires(Right.SEE)
    def changes(self, run: str, show: str = "all", find: str = "", among: LineFilter = EVERY_LINE) -> frozenset[int]:
        """Return the numbers of the changes among all lines that are shown."""
        here = (*plan_lines.filter_clause(run, show, find, among), lines.c.action.in_(plan_lines.CHANGES))
        return frozenset(row.seq for row in self.database.rows(sa.select(lines.c.seq).where(*here)))

    def needing(self, run: str, stages: Collection[str], kinds: Collection[Kind]) -> list[PlanRow]:
        """Return all changes of these stages, and the records of these kinds that the plan makes."""
        makes = sa.and_(lines.c.action == Action.CREATE, lines.c.kind.in_(kinds))
        here = (lines.c.run == run, lines.c.action.in_(plan_lines.CHANGES), sa.or_(lines.c.stage.in_(stages), makes))
        return [plan_row(row) for row in self.database.rows(sa.select(lines).where(*here))]

    def calls(self, run: str) -> dict[int, int]:
        """Return how many write calls each change of the plan takes, by its number."""
        here = (lines.c.run == run, lines.c.action.in_(plan_lines.CHANGES))
        return {row.seq: row.calls for row in self.database.rows(sa.select(lines.c.seq, lines.c.calls).where(*here))}

    def new_documents(self, run: str) -> Iterator[tuple[int, Change]]:
        """Yield each document of the books that the plan makes, with the number of its line."""
        here = (lines.c.run == run, lines.c.action == Action.CREATE, lines.c.kind.in_(kinds(Sort.DOCUMENT, Sort.PAGE)))
        for row in self.database.rows(sa.select(lines.c.seq, lines.c.change).where(*here).order_by(lines.c.seq)):
            yield row.seq, change_from_json(row.change)

    def accounts_for(self, run: str, *, chosen: bool = False) -> frozenset[str]:
        """Return the keys of the records that the changes of a plan account for; those of what is `chosen` alone."""
        left = sa.exists().where(left_out.c.run == run, left_out.c.seq == lines.c.seq)
        here = (lines.c.run == run, lines.c.action.in_(plan_lines.CHANGES), *((~left,) if chosen else ()))
        found = self.database.rows(sa.select(lines.c.change).where(*here, lines.c.change.is_not(None)))
        return frozenset(key for row in found for key in change_from_json(row.change).sources)

    def makes_documents(self, run: str, *, chosen: bool = False) -> bool:
        """Tell whether the plan makes any document of the books that was not sent yet; of what is `chosen` alone."""
        left = sa.exists().where(left_out.c.run == run, left_out.c.seq == lines.c.seq)
        here = (lines.c.run == run, lines.c.action == Action.CREATE, lines.c.kind.in_(kinds(Sort.DOCUMENT, Sort.PAGE)))
        still = (lines.c.step == Step.PLANNED, *((~left,) if chosen else ()))
        return bool(self.database.rows(sa.select(lines.c.seq).where(*here, *still).limit(1)))

    @requires(Right.SEE)
    def marked(self, run: str, brake: str, limit: int) -> tuple[list[PlanRow], int]:
        """Return the first changes that a brake counted, and how many there are."""
        here = (
            *plan_lines.filter_clause(run, "changes"),
            sa.type_coerce(lines.c.brakes, TextColumn).contains(f'"{brake}"', autoescape=True),
        )
        counted = sa.select(sa.func.count()).select_from(lines).where(*here)
        with self.database.read() as connection:
            first = connection.execute(sa.select(lines).where(*here).order_by(lines.c.seq).limit(limit))
            return [plan_row(row) for row in first], connection.execute(counted).scalar_one()

    def changes_of(
        self, plans: Collection[str], after: str | None, limit: int, *, retirements: bool = False
    ) -> list[PlanRow]:
        """Return the next changes of some plans, by plan and line; `after` names the last one as `plan:line`.

        Those that make something inactive by themselves, or the others.
        """
        plan, _, seq = (after or ":0").rpartition(":")
        beyond = sa.or_(lines.c.run > plan, sa.and_(lines.c.run == plan, lines.c.seq > int(seq)))
        actions = (Action.RETIRE,) if retirements else (Action.CREATE, Action.UPDATE)
        here = (lines.c.run.in_(plans), lines.c.action.in_(actions), beyond)
        page = sa.select(lines).where(*here).order_by(lines.c.run, lines.c.seq).limit(limit)
        return [plan_row(row) for row in self.database.rows(page)]

    def has_all(self, run: str, other: str) -> bool:
        """Tell whether a plan has every change of another one, exactly as it is there."""
        mine = lines.alias()
        same = (mine.c[name] == lines.c[name] for name in ("kind", "key", "digest"))
        here = (lines.c.run == other, lines.c.action.in_(plan_lines.CHANGES))
        lacking = sa.select(lines.c.seq).where(*here, ~sa.exists().where(mine.c.run == run, *same))
        return self.database.first(lacking.limit(1)) is None

    @requires(Right.SEE)
    def line_about(self, run: str, kind: Kind, key: str) -> PlanRow | None:
        """Return the line of the plan that is about a record, or None when it needs no change."""
        here = (lines.c.run == run, lines.c.kind == kind, lines.c.key == key)
        found = self.database.first(sa.select(lines).where(*here).order_by(lines.c.seq))
        return None if found is None else plan_row(found)

    @requires(Right.SEE)
    def titles(self, run: str, kind: Kind, keys: Collection[str]) -> dict[str, str]:
        """Return what the plan calls these records of a kind."""
        titled = sa.select(lines.c.key, lines.c.title).where(lines.c.run == run, lines.c.kind == kind)
        return {row.key: row.title for row in self.database.among(titled, lines.c.key, keys)}

    @requires(Right.SEE)
    def row(self, run: str, seq: int) -> PlanRow:
        """Return one line. Raises KeyError when the plan does not have it."""
        found = self.database.first(sa.select(lines).where(lines.c.run == run, lines.c.seq == seq))
        if found is None:
            raise KeyError(f"run {run} has no line {seq}")
        return plan_row(found)

    @requires(Right.SEE)
    def proven(self, run: str, after: int, limit: int) -> list[PlanRow]:
        """Return the next proven changes of the plan after a line, in its order."""
        here = (lines.c.run == run, lines.c.step == Step.PROVEN, lines.c.seq > after)
        page = sa.select(lines).where(*here).order_by(lines.c.seq).limit(limit)
        return [plan_row(row) for row in self.database.rows(page)]

    def sources(self, flow: str, kinds: Collection[Kind], key: str) -> tuple[str, ...]:
        """Return the keys of the records read behind the newest change of a record of some kinds, or nothing."""
        of_record = (lines.c.key == key, lines.c.kind.in_(kinds), lines.c.action.in_(plan_lines.CHANGES))
        found = sa.select(lines.c.change).join(runs, runs.c.id == lines.c.run).where(runs.c.flow == flow, *of_record)
        change = self.database.scalar(found.order_by(runs.c.number.desc()))
        return tuple(change["sources"]) if change else ()

    @requires(Right.SEE)
    def tallies(self, run: str) -> dict[str, int]:
        """Return what the plan adds up to.

        In records read: `read`, `unchanged`, the actions create, update, retire, skip and park, and the steps
        planned, sent, in_doubt (with sent), proven, parked and left (of changes alone). In lines: `changes` (what
        would be written), `first` (both systems had it before they were linked) and `total`.
        """
        with self.database.read() as connection:
            row = transitions.run_row(connection, run)
            sums = plan_lines.tally(connection, [run])[run]
            first = sa.select(sa.func.count()).where(lines.c.run == run, lines.c.first_match)
            first_matches = connection.execute(first).scalar_one()
        answer = {"read": row.read, "unchanged": row.unchanged, "first": first_matches, "changes": 0, "total": 0}
        answer |= {str(name): 0 for name in (*Action, *Step)}
        for (action, step), (number, weight) in sums.items():
            answer["total"] += number
            answer["changes"] += number if action in plan_lines.CHANGES else 0
            answer[action] += weight
            if action in plan_lines.CHANGES or step is Step.PARKED:
                answer[step] += weight
        answer[Step.IN_DOUBT] += answer[Step.SENT]
        return answer
