"""Previews at work: what was read, and the plan as it comes about, page by page."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import sqlalchemy as sa

from integration.core.flow import Mirrors, Unique
from integration.core.issues import Issue, Met
from integration.core.plan import Action, Brake
from integration.core.records import Kind
from integration.core.run import Duplicates, Link, Mode, PlanRow, Position, Progress, RunState, Staged, Step
from integration.store import issues, links, phases, plan_lines, staging, transitions
from integration.store.database import Clock, Database, portions
from integration.store.events import Event, tell, values_of
from integration.store.shapes import line_of, position_to_json
from integration.store.tables import lines


class Previews:
    """What previews keep until they end. A run that does not exist raises KeyError."""

    def __init__(self, database: Database, clock: Clock, *, mirrors: Mirrors = links.NO_MIRRORS) -> None:
        self.database = database
        self.mirrors = mirrors
        self.clock = clock

    def keep_position(self, run: str, position: Position) -> None:
        """Keep where the preview goes on after an interruption."""
        with self.database.write() as connection:
            transitions.keep(connection, run, position=position_to_json(position))

    def stage_page(
        self,
        run: str,
        stage: int,
        records: Sequence[Staged],
        position: Position,
        progress: Progress | None = None,
    ) -> None:
        """Keep a page of what was read, where the next one starts, and how far the run has come."""
        with self.database.write() as connection:
            row = transitions.keep(connection, run, position=position_to_json(position))
            transitions.keep_progress(connection, self.clock(), run, progress)
            staging.put(connection, run, stage, records)
            if records:
                facts = {"records": str(len(records)), "stage": str(stage)}
                transitions.tell_of_run(connection, self.clock(), run, row.flow, "read", facts)

    def staged_groups(self, run: str, stage: int, after_parent: str | None, limit: int) -> list[list[Staged]]:
        """Return what was read for the next `limit` parents, all of one parent together, by parent and key."""
        with self.database.read() as connection:
            return staging.groups(connection, run, stage, after_parent, limit)

    def not_staged(self, run: str, stage: int, keys: Sequence[str]) -> list[str]:
        """Return those of the keys that were not read, each once and in the given order."""
        with self.database.read() as connection:
            return staging.missing(connection, run, stage, keys)

    def duplicates(self, run: str, stage: int, unique: Collection[Unique]) -> Duplicates:
        """Return the values that have to be unique, and that more than one record read has."""
        with self.database.read() as connection:
            return staging.duplicates(connection, run, stage, unique)

    def vanished(self, run: str, flow: str, kind: Kind, stage: int, after_key: str | None, limit: int) -> list[Link]:
        """Return links of a kind in use whose key a complete run did not read in a stage, by key."""
        with self.database.read() as connection:
            return staging.vanished(connection, run, flow, kind, stage, after_key, limit)

    def keep_page(
        self,
        run: str,
        rows: Sequence[PlanRow],
        unchanged: Sequence[Link],
        unchanged_weight: int,
        position: Position,
        progress: Progress | None = None,
    ) -> None:
        """Keep a page of the plan, the issues it met and the links of what both sides already agree on.

        The lines are numbered here. `unchanged_weight` is how many records read needed no line.
        """
        now = self.clock()
        with self.database.write() as connection:
            row = transitions.locked(connection, run)
            plan_lines.add(connection, run, rows)
            transitions.keep(
                connection, run, position=position_to_json(position), unchanged=row.unchanged + unchanged_weight
            )
            transitions.keep_progress(connection, now, run, progress)
            links.keep(connection, now, row.flow, unchanged, self.mirrors)
            issues.meet(connection, now, row.flow, run, [_met(line) for line in rows if line.action is Action.PARK])
            tell(connection, now, [_planned(run, row.flow, line) for line in rows if line.action is not Action.PARK])
            if unchanged_weight:
                transitions.tell_of_run(connection, now, run, row.flow, "unchanged", {"records": str(unchanged_weight)})

    def aside(self, flow: str, keys: Sequence[str]) -> dict[str, dict[int, str]]:
        """Return the marks that records read had when issues of theirs were set aside: by key, one for each issue."""
        with self.database.read() as connection:
            return issues.aside(connection, flow, keys)

    def look_again(self, run: str, identities: Collection[int]) -> None:
        """Put issues back into the queue because what they came from was changed in the source."""
        with self.database.write() as connection:
            issues.reopen(connection, self.clock(), run, identities, "changed", "console")

    def digests(self, run: str) -> Iterator[str]:
        """Yield the digest of every change of the plan."""
        with self.database.read() as connection:
            yield from plan_lines.digests(connection, run)

    def parked(self, run: str, kind: Kind, keys: Sequence[str]) -> dict[str, PlanRow]:
        """Return the parked lines of the plan for these keys of a kind."""
        found: dict[str, PlanRow] = {}
        with self.database.read() as connection:
            for some in portions(keys):
                here = (lines.c.run == run, lines.c.kind == kind, lines.c.step == Step.PARKED, lines.c.key.in_(some))
                found |= {row.key: line_of(row) for row in connection.execute(sa.select(lines).where(*here))}
        return found

    def claims(self, run: str, kind: Kind, references: Sequence[str]) -> dict[str, str]:
        """Return which keys of the plan are to be written to these records of the target, by reference."""
        found: dict[str, str] = {}
        with self.database.read() as connection:
            for some in portions(references):
                here = (lines.c.run == run, lines.c.kind == kind, lines.c.reference.in_(some))
                rows = connection.execute(sa.select(lines.c.reference, lines.c.key).where(*here))
                found |= {str(row.reference): str(row.key) for row in rows}
        return found

    def finish(
        self,
        run: str,
        fingerprint: str,
        brakes: Sequence[Brake],
        state: RunState,
        read: int,
        *,
        cursors: Mapping[str, str] | None = None,
    ) -> None:
        """End a preview: the plan waits (READY), or there was nothing to do (DONE).

        Issues that the run no longer met are closed, and what it had read is dropped.
        """
        now = self.clock()
        with self.database.write() as connection:
            row = transitions.move(connection, run, state)
            issues.close_unmet(connection, now, row.flow, run, complete=row.mode == Mode.COMPLETE)
            staging.clear(connection, run)
            ended = {"ended_at": now} if state is RunState.DONE else {}
            shape = [[brake.code, brake.count, brake.limit] for brake in brakes]
            transitions.keep(
                connection, run, fingerprint=fingerprint, brakes=shape, read=read, error="", facts={}, **ended
            )
            transitions.advance(connection, now, row.flow, cursors)
            if state is RunState.READY:
                phases.enter(connection, now, run, "approve")
            event = "run_done" if state is RunState.DONE else "plan_ready"
            transitions.tell_of_run(
                connection, now, run, row.flow, event, transitions.result(connection, run), transitions.since(row, now)
            )


def _met(line: PlanRow) -> Met:
    return Met(Issue(line.cause, line.key, line.cause_field, line.facts), line.kind, line.title)


def _planned(run: str, flow: str, line: PlanRow) -> Event:
    if line.change is None:
        return Event(
            event="skipped", run=run, flow=flow, kind=line.kind, key=line.key, title=line.title, code=line.cause,
            facts=line.facts,
        )  # fmt: skip
    change = line.change
    return Event(
        event="planned", run=run, flow=flow, kind=line.kind, key=line.key, sources=change.sources, title=line.title,
        code=line.action, before=values_of(change.before), after=values_of(change.wanted),
    )  # fmt: skip
