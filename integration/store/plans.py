"""Queries stored plans for display: lines, filters and counts."""

from collections import Counter
from collections.abc import Collection, Iterator

import sqlalchemy as sa

from integration.core.authorization import requires
from integration.core.people import Right
from integration.core.plan import Action, Change
from integration.core.plan_lines import EVERY_LINE, LineFilter, PlanRow
from integration.core.records import Kind, RecordType, kinds
from integration.core.states import Step
from integration.store import facets, plan_lines, transitions
from integration.store.columns import TextColumn
from integration.store.database import Database
from integration.store.row_mapping import change_from_json, plan_row
from integration.store.tables import excluded_lines, lines, runs

_PAGE = 500  # changes read at a time


class PlanStore:
    """Stores the lines of all plans. Methods return nothing for a run that does not exist."""

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
        """Return a page of the plan's lines in plan order. See `plan_lines.filter_clause` for the filters."""
        numbers = sa.select(lines.c.seq).where(*plan_lines.filter_clause(run, show, find, among)).order_by(lines.c.seq)
        page_numbers = (
            numbers.offset(offset).limit(limit).subquery()
        )  # sorting numbers is far cheaper than sorting lines
        page = sa.select(lines).join(page_numbers, page_numbers.c.seq == lines.c.seq).where(lines.c.run == run)
        return [plan_row(row) for row in self.database.rows(page.order_by(lines.c.seq))]

    @requires(Right.SEE)
    def count(self, run: str, show: str = "all", find: str = "", among: LineFilter = EVERY_LINE) -> int:
        """Return how many lines `rows` finds in all."""
        with self.database.read() as connection:
            return plan_lines.count_shown_lines(connection, run, show, find, among)

    @requires(Right.SEE)
    def unsettled(self, run: str) -> dict[Step, int]:
        """Return the number of lines that were sent without a result yet, and of lines in doubt, from one moment."""
        with self.database.read() as connection:
            sums = plan_lines.tally(connection, [run])[run]
        return {
            open_step: sum(number for (_, step), (number, _) in sums.items() if step is open_step)
            for open_step in plan_lines.UNSETTLED
        }

    @requires(Right.SEE)
    def facets(self, run: str, show: str = "all") -> dict[str, dict[str, int]]:
        """Return the values of the facets of the lines shown, each with its line count."""
        with self.database.read() as connection:
            return facets.facets_of(connection, run, plan_lines.actions_of(show))

    def excluded_facets(self, run: str) -> Counter[tuple[str, str]]:
        """Return the values of the facets of the excluded lines, each with its line count."""
        is_excluded = sa.and_(excluded_lines.c.run == lines.c.run, excluded_lines.c.seq == lines.c.seq)
        columns = (lines.c.action, lines.c.fields, lines.c.price_moves, lines.c.group, lines.c.cause, lines.c.kind)
        rows = self.database.rows(sa.select(*columns).join(excluded_lines, is_excluded).where(lines.c.run == run))
        return Counter((facet, value) for row in rows for facet, value, _ in facets.of_row(row._asdict()))

    @requires(Right.SEE)
    def changes(self, run: str, show: str = "all", find: str = "", among: LineFilter = EVERY_LINE) -> frozenset[int]:
        """Return the line numbers of all changes among the lines shown."""
        conditions = (*plan_lines.filter_clause(run, show, find, among), lines.c.action.in_(plan_lines.CHANGES))
        return frozenset(row.seq for row in self.database.rows(sa.select(lines.c.seq).where(*conditions)))

    def needing(self, run: str, stages: Collection[str], kinds: Collection[Kind]) -> list[PlanRow]:
        """Return all changes of these stages, and all creates of these kinds."""
        makes = sa.and_(lines.c.action == Action.CREATE, lines.c.kind.in_(kinds))
        conditions = (
            lines.c.run == run,
            lines.c.action.in_(plan_lines.CHANGES),
            sa.or_(lines.c.stage.in_(stages), makes),
        )
        return [plan_row(row) for row in self.database.rows(sa.select(lines).where(*conditions))]

    def calls(self, run: str) -> dict[int, int]:
        """Return the number of write calls of each change of the plan, by line number."""
        conditions = (lines.c.run == run, lines.c.action.in_(plan_lines.CHANGES))
        return {
            row.seq: row.calls for row in self.database.rows(sa.select(lines.c.seq, lines.c.calls).where(*conditions))
        }

    def new_documents(self, run: str) -> Iterator[tuple[int, Change]]:
        """Yield each document, page and payment that the plan creates, with its line number."""
        conditions = (
            lines.c.run == run,
            lines.c.action == Action.CREATE,
            lines.c.kind.in_(kinds(RecordType.DOCUMENT, RecordType.PAGE, RecordType.PAYMENT)),
        )
        for row in self.database.rows(sa.select(lines.c.seq, lines.c.change).where(*conditions).order_by(lines.c.seq)):
            yield row.seq, change_from_json(row.change)

    def covered_keys(self, run: str, *, chosen: bool = False) -> frozenset[str]:
        """Return the source keys that the changes of a plan cover. With `chosen`, excluded lines do not count."""
        is_excluded = sa.exists().where(excluded_lines.c.run == run, excluded_lines.c.seq == lines.c.seq)
        conditions = (lines.c.run == run, lines.c.action.in_(plan_lines.CHANGES), *((~is_excluded,) if chosen else ()))
        rows = self.database.rows(sa.select(lines.c.change).where(*conditions, lines.c.change.is_not(None)))
        return frozenset(key for row in rows for key in change_from_json(row.change).sources)

    def makes_documents(self, run: str, *, chosen: bool = False) -> bool:
        """Return True if the plan has unsent creates of documents. With `chosen`, excluded lines do not count."""
        is_excluded = sa.exists().where(excluded_lines.c.run == run, excluded_lines.c.seq == lines.c.seq)
        conditions = (
            lines.c.run == run,
            lines.c.action == Action.CREATE,
            lines.c.kind.in_(kinds(RecordType.DOCUMENT, RecordType.PAGE)),
        )
        unsent = (lines.c.step == Step.PLANNED, *((~is_excluded,) if chosen else ()))
        return bool(self.database.rows(sa.select(lines.c.seq).where(*conditions, *unsent).limit(1)))

    @requires(Right.SEE)
    def marked(self, run: str, brake: str, limit: int) -> tuple[list[PlanRow], int]:
        """Return the first changes that a brake counted, and their total number."""
        conditions = (
            *plan_lines.filter_clause(run, "changes"),
            sa.type_coerce(lines.c.brakes, TextColumn).contains(f'"{brake}"', autoescape=True),
        )
        query = sa.select(sa.func.count()).select_from(lines).where(*conditions)
        with self.database.read() as connection:
            first = connection.execute(sa.select(lines).where(*conditions).order_by(lines.c.seq).limit(limit))
            return [plan_row(row) for row in first], connection.execute(query).scalar_one()

    def changes_of(
        self, plans: Collection[str], after: str | None, limit: int, *, retirements: bool = False
    ) -> list[PlanRow]:
        """Return the next changes of some plans, by plan and line. `after` names the last one as `plan:line`.

        Returns retirements if `retirements`, otherwise creates and updates.
        """
        plan, _, seq = (after or ":0").rpartition(":")
        beyond = sa.or_(lines.c.run > plan, sa.and_(lines.c.run == plan, lines.c.seq > int(seq)))
        actions = (Action.RETIRE,) if retirements else (Action.CREATE, Action.UPDATE)
        conditions = (lines.c.run.in_(plans), lines.c.action.in_(actions), beyond)
        page = sa.select(lines).where(*conditions).order_by(lines.c.run, lines.c.seq).limit(limit)
        return [plan_row(row) for row in self.database.rows(page)]

    def updates(self, run: str) -> Iterator[Change]:
        """Yield the updates of a plan, without values that a person reverted."""
        seq: int | None = 0
        while seq is not None:
            conditions = (lines.c.run == run, lines.c.action == Action.UPDATE, lines.c.cause == "", lines.c.seq > seq)
            page = sa.select(lines.c.seq, lines.c.change).where(*conditions).order_by(lines.c.seq).limit(_PAGE)
            seq = None
            for row in self.database.rows(page):
                seq = row.seq
                yield change_from_json(row.change)

    def contains_plan(self, run: str, other: str) -> bool:
        """Return True if a plan contains every change of another plan with the same digest."""
        own_lines = lines.alias()
        same = (own_lines.c[name] == lines.c[name] for name in ("kind", "key", "digest"))
        conditions = (lines.c.run == other, lines.c.action.in_(plan_lines.CHANGES))
        lacking = sa.select(lines.c.seq).where(*conditions, ~sa.exists().where(own_lines.c.run == run, *same))
        return self.database.first(lacking.limit(1)) is None

    @requires(Right.SEE)
    def line_about(self, run: str, kind: Kind, key: str) -> PlanRow | None:
        """Return the plan line of a record, or None if the plan has none."""
        conditions = (lines.c.run == run, lines.c.kind == kind, lines.c.key == key)
        row = self.database.first(sa.select(lines).where(*conditions).order_by(lines.c.seq))
        return None if row is None else plan_row(row)

    @requires(Right.SEE)
    def titles(self, run: str, kind: Kind, keys: Collection[str]) -> dict[str, str]:
        """Return the titles of these records in the plan, by key."""
        titled = sa.select(lines.c.key, lines.c.title).where(lines.c.run == run, lines.c.kind == kind)
        return {row.key: row.title for row in self.database.rows_with_values(titled, lines.c.key, keys)}

    @requires(Right.SEE)
    def row(self, run: str, seq: int) -> PlanRow:
        """Return one line. Raises KeyError if the plan does not have it."""
        row = self.database.first(sa.select(lines).where(lines.c.run == run, lines.c.seq == seq))
        if row is None:
            raise KeyError(f"run {run} has no line {seq}")
        return plan_row(row)

    @requires(Right.SEE)
    def proven(self, run: str, after: int, limit: int) -> list[PlanRow]:
        """Return the next proven changes of the plan after a line, in plan order."""
        conditions = (lines.c.run == run, lines.c.step == Step.PROVEN, lines.c.seq > after)
        page = sa.select(lines).where(*conditions).order_by(lines.c.seq).limit(limit)
        return [plan_row(row) for row in self.database.rows(page)]

    def sources(self, flow: str, kinds: Collection[Kind], key: str) -> tuple[str, ...]:
        """Return the source keys of the newest change of a record, or an empty tuple."""
        of_record = (lines.c.key == key, lines.c.kind.in_(kinds), lines.c.action.in_(plan_lines.CHANGES))
        query = sa.select(lines.c.change).join(runs, runs.c.id == lines.c.run).where(runs.c.flow == flow, *of_record)
        change = self.database.scalar(query.order_by(runs.c.number.desc()))
        return tuple(change["sources"]) if change else ()

    @requires(Right.SEE)
    def tallies(self, run: str) -> dict[str, int]:
        """Return the totals of the plan.

        In records read: `read`, `unchanged`, the actions create, update, retire, skip and park, and the steps planned,
        sent, in_doubt (including sent), proven, parked and left (of changes alone). In lines: `changes` (to write),
        `first` (records that existed in both systems before they were linked) and `total`.
        """
        with self.database.read() as connection:
            row = transitions.run_row(connection, run)
            sums = plan_lines.tally(connection, [run])[run]
            first = sa.select(sa.func.count()).where(lines.c.run == run, lines.c.first_match)
            first_matches = connection.execute(first).scalar_one()
        answer = {
            "read_count": row.read_count,
            "unchanged": row.unchanged,
            "first": first_matches,
            "changes": 0,
            "total": 0,
        }
        answer |= {str(name): 0 for name in (*Action, *Step)}
        for (action, step), (number, weight) in sums.items():
            answer["total"] += number
            answer["changes"] += number if action in plan_lines.CHANGES else 0
            answer[action] += weight
            if action in plan_lines.CHANGES or step is Step.PARKED:
                answer[step] += weight
        answer[Step.IN_DOUBT] += answer[Step.SENT]
        return answer
