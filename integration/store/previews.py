"""Stores the state of running previews: the staged records and the plan, page by page."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby

import sqlalchemy as sa

from integration.core.flow import Mirrors, Stage, Unique
from integration.core.grouping import group_by_key
from integration.core.guards import SOURCE_EMPTY
from integration.core.issues import Issue, IssueOccurrence, OpenIssue, Skip
from integration.core.link_evidence import Evidence
from integration.core.links import Hashes, Link
from integration.core.plan import Action, Brake, Change
from integration.core.plan_lines import PlanRow
from integration.core.position import Position
from integration.core.records import Kind, Record
from integration.core.run import Mode, Progress
from integration.core.search_keys import display_facts
from integration.core.staged_records import MARK_SEPARATOR, Duplicates, StagedRecord
from integration.core.states import RunState, Step
from integration.store import choices, hashes, issues, links, plan_lines, reverted_values, transitions
from integration.store.cursors import keep_cursors
from integration.store.database import Clock, Database, PreparedKeyQuery, Store, upsert
from integration.store.events import Event, matched, values_of
from integration.store.outbox import append_events
from integration.store.prepared_statements import PreparedStatement, dialect_insert
from integration.store.row_mapping import plan_row, position_to_json, staged_of, staged_to_row
from integration.store.tables import lines, staged_records
from integration.store.tables import links as of_links

DIGESTS_AT_ONCE = 10_000
NONE_SAME: Mapping[str, str] = {}
NO_RENEWALS: Mapping[tuple[Kind, str], Evidence] = {}


class Previews(Store):
    """Stores the working data of previews until they end.

    Methods raise KeyError for a run that does not exist.
    """

    def __init__(self, database: Database, clock: Clock, *, mirrors: Mirrors = links.NO_MIRRORS) -> None:
        super().__init__(database, clock)
        self.mirrors = mirrors

    def keep_position(self, run: str, position: Position) -> None:
        """Store the position from which the preview continues after an interruption."""
        with self.database.write() as connection:
            transitions.update_run(connection, run, position=position_to_json(position))

    def stage_page(
        self,
        run: str,
        stage: str,
        records: Sequence[StagedRecord],
        position: Position,
        progress: Progress | None = None,
        *,
        same: Mapping[str, str] = NONE_SAME,
    ) -> None:
        """Store a page of staged records, the position of the next page, and the progress of the run.

        `same` maps the key to the number of each record that has not changed since both systems agreed. Only its key
        and number are stored. A record that is read twice replaces the earlier one.
        """
        with self.database.write() as connection:
            row = transitions.update_run(connection, run, position=position_to_json(position))
            transitions.store_progress(connection, self.clock(), run, progress)
            rows = {record.key: staged_to_row(run, stage, record) for record in records}
            upsert(connection, staged_records, list(rows.values()))
            values = {"run": run, "stage": stage}
            _unchanged_statement(connection.dialect.name).execute_many(
                connection, [{**values, "key": key, "number": same[key]} for key in same]
            )
            if count := len(records) + len(same):
                facts = {"records": str(count), "stage": stage}
                transitions.append_run_event(connection, self.clock(), run, row.flow, "read", facts)

    def staged_groups(self, run: str, stage: str, after_parent: str | None, limit: int) -> list[list[StagedRecord]]:
        """Return the staged records of the next `limit` parents, grouped by parent and sorted by parent and key.

        Records that have not changed since both systems agreed are left out.
        """
        values = {"run": run, "stage": stage, "after": after_parent, "limit": limit}
        rows = self.database.prepared_rows(_groups_query(after_parent is None), values)
        return [list(group) for _, group in groupby(map(staged_of, rows), key=lambda record: record.parent)]

    def mapped_records(self, run: str, stage: str, keys: Collection[str]) -> dict[str, Record]:
        """Return the mapped records that were staged under these keys."""
        query = sa.select(staged_records).where(*_staged_in(run, stage))
        rows = map(staged_of, self.database.rows_with_values(query, staged_records.c.key, keys))
        return {staged.key: staged.record for staged in rows if staged.record}

    def not_staged(self, run: str, stage: str, keys: Sequence[str]) -> list[str]:
        """Return the keys that were not staged, without duplicates and in the given order."""
        rows = self.database.prepared_rows_with_values(_STAGED_KEYS, {"run": run, "stage": stage}, keys)
        present = {row.key for row in rows}
        return [key for key in dict.fromkeys(keys) if key not in present]

    def count_unchanged(self, run: str, stage: str) -> int:
        """Return how many staged records have not changed since both systems agreed on them."""
        conditions = (*_staged_in(run, stage), staged_records.c.same)
        return int(self.database.scalar(sa.select(sa.func.count()).select_from(staged_records).where(*conditions)))

    def unchanged_keys(self, run: str, stage: str, keys: Collection[str]) -> list[str]:
        """Return the keys whose staged records have not changed since both systems agreed on them."""
        query = sa.select(staged_records.c.key).where(*_staged_in(run, stage), staged_records.c.same)
        return [row.key for row in self.database.rows_with_values(query, staged_records.c.key, keys)]

    def keys_taking_part(self, run: str, stage: str, keys: Collection[str]) -> set[str]:
        """Return the keys whose staged records are neither skipped nor parked."""
        query = sa.select(staged_records.c.key).where(*_staged_in(run, stage), staged_records.c.taking_part)
        return {row.key for row in self.database.rows_with_values(query, staged_records.c.key, keys)}

    def duplicates(self, run: str, stage: str, unique: Collection[Unique]) -> Duplicates:
        """Return the values that must be unique and occur in more than one staged record.

        Skipped records are not counted, parked ones with the marks that they claim.
        """

        def shared(name: Unique) -> dict[str, tuple[str, ...]]:
            if name not in unique:
                return {}
            column = staged_records.c[name]
            conditions = (*_staged_in(run, stage), staged_records.c.taking_part, column != "")
            marked = sa.select(column.label("value"), staged_records.c.key).where(*conditions)
            joined = self.database.rows(marked.where(column.contains(MARK_SEPARATOR)))
            pairs = {(mark, str(row.key)) for row in joined for mark in str(row.value).split(MARK_SEPARATOR)}
            several = sa.select(column.label("value")).where(*conditions).group_by(column).having(sa.func.count() > 1)
            values = {row.value for row in self.database.rows(several)} | {value for value, _ in pairs}
            sharing = self.database.rows_with_values(marked, column, values)
            pairs |= {(str(row.value), str(row.key)) for row in sharing}
            keys_by_value = group_by_key((value, key) for value, key in sorted(pairs))
            return {value: tuple(keys) for value, keys in keys_by_value.items() if len(keys) > 1}

        return Duplicates(shared(Unique.NUMBER), shared(Unique.MARK))

    def new_marks(self, run: str, flow: str, stage: Stage) -> set[str]:
        """Return the marks of staged records, such as EANs, that their links do not have."""
        is_linked = sa.exists().where(
            of_links.c.flow == flow,
            of_links.c.kind == stage.parts,
            of_links.c.key == staged_records.c.key,
            of_links.c.mark == staged_records.c.mark,
        )
        conditions = (*_staged_in(run, stage.name), staged_records.c.mark != "", sa.not_(is_linked))
        rows = self.database.rows(sa.select(staged_records.c.mark).where(*conditions))
        return {mark for row in rows for mark in str(row.mark).split(MARK_SEPARATOR)}

    def links_not_staged(
        self, run: str, flow: str, kind: Kind, stage: str, after_key: str | None, limit: int
    ) -> list[Link]:
        """Return active links of a kind whose key a complete run did not stage, sorted by key."""
        was_staged = sa.exists().where(*_staged_in(run, stage), staged_records.c.key == of_links.c.key)
        beyond = () if after_key is None else (of_links.c.key > after_key,)
        conditions = (
            of_links.c.flow == flow,
            of_links.c.kind == kind,
            sa.not_(of_links.c.retired),
            sa.not_(was_staged),
            *beyond,
        )
        page = sa.select(of_links).where(*conditions).order_by(of_links.c.key).limit(limit)
        return [links.link_of(row) for row in self.database.rows(page)]

    def keep_page(
        self,
        run: str,
        rows: Sequence[PlanRow],
        unchanged: Sequence[Link],
        unchanged_weight: int,
        position: Position,
        progress: Progress | None = None,
        *,
        hashed: Sequence[Link] = (),
        wrong: Sequence[Link] = (),
        evidence: Mapping[tuple[Kind, str], Evidence] = NO_RENEWALS,
    ) -> None:
        """Store a page of the plan, with its issues and the links of records on which both systems agree.

        Numbers the lines. `unchanged_weight` is the number of records that need no line. `hashed` are links to store
        with their new hashes. `wrong` are links whose hash was not reliable: if there are any, all hashes of the flow
        are dropped. `evidence` is the current evidence of links, by kind and key.
        """
        now = self.clock()
        with self.database.write() as connection:
            row = transitions.run_row(connection, run, lock=True)
            choices.exclude_retracted(connection, run, plan_lines.add_lines(connection, run, rows))
            transitions.update_run(
                connection, run, position=position_to_json(position), unchanged=row.unchanged + unchanged_weight
            )
            transitions.store_progress(connection, now, run, progress)
            links.keep_links(connection, now, row.flow, unchanged, self.mirrors)
            links.renew_evidence(connection, row.flow, evidence)
            if wrong:
                hashes.forget_hashes(connection, row.flow)
            hashes.keep_hashes(connection, row.flow, hashed)
            issues.open_or_refresh(
                connection, now, row.flow, run, [_occurrence(line) for line in rows if line.action is Action.PARK]
            )
            append_events(
                connection,
                now,
                [_planned_event(run, row.flow, line) for line in rows if line.action is not Action.PARK],
            )
            append_events(connection, now, [matched(run, row.flow, link) for link in unchanged])
            append_events(connection, now, [_wrong_hash_event(run, row.flow, link) for link in wrong])
            if unchanged_weight:
                transitions.append_run_event(
                    connection, now, run, row.flow, "unchanged", {"records": str(unchanged_weight)}
                )

    def reverted_values_of(self, flow: str, kind: Kind, keys: Collection[str]) -> reverted_values.Taken:
        """Return the reverted values of these records, by key and path. Records without any are left out."""
        with self.database.read() as connection:
            return reverted_values.read_reverted_values(connection, flow, kind, keys)

    def forget_reverted_values(self, flow: str, kind: Kind, paths: Mapping[str, Collection[str]]) -> None:
        """Delete reverted values, given as paths by record key, because the source value has changed since."""
        if any(paths.values()):
            with self.database.write() as connection:
                reverted_values.delete_reverted_values(connection, flow, kind, paths)

    def hashes(self, flow: str, kind: Kind, keys: Collection[str]) -> dict[str, Hashes]:
        """Return the hashes of agreed links, by key. Links without hashes are left out."""
        with self.database.read() as connection:
            return hashes.kept_hashes(connection, flow, kind, keys)

    def dismissed_marks(self, flow: str, keys: Sequence[str]) -> dict[str, dict[int, str]]:
        """Return the marks that these records had when their issues were dismissed, by key and issue id."""
        with self.database.read() as connection:
            return issues.dismissed_marks(connection, flow, keys)

    def issues_of_runs(self, flow: str, after: int, limit: int, *, to_retry: bool) -> list[OpenIssue]:
        """Return a page of the issues that runs found, or of those whose records may be read again; sorted by id."""
        with self.database.read() as connection:
            return issues.issues_of_runs(connection, flow, after, limit, to_retry=to_retry)

    def ask(self, run: str, occurrences: Sequence[IssueOccurrence]) -> None:
        """Open or refresh issues of records that have no line in the plan of a run."""
        now = self.clock()
        with self.database.write() as connection:
            flow = transitions.run_row(connection, run).flow
            issues.open_or_refresh(connection, now, flow, run, occurrences)

    def reopen_issues(self, run: str, identities: Collection[int]) -> None:
        """Reopen dismissed issues because their source records changed."""
        with self.database.write() as connection:
            issues.reopen(connection, self.clock(), run, identities, "changed", "console")

    def keep_counts(self, run: str, fingerprint: str, read_count: int) -> None:
        """Store the fingerprint and counts of a preview that ends without waiting. Closes issues it no longer found."""
        now = self.clock()
        with self.database.write() as connection:
            row = transitions.update_run(connection, run, fingerprint=fingerprint, read_count=read_count)
            issues.close_resolved(connection, now, row.flow, run, complete=False)

    def changes_without_documents(
        self, run: str, derived: Collection[str], counted_stages: Collection[str]
    ) -> list[tuple[PlanRow, Change]]:
        """Return planned changes of derived stages whose documents are all parked in this plan, with their lines.

        `counted_stages` are the stages of the documents. Changes whose values a person once reverted are left out.
        """
        of_run = lines.c.run == run
        parked = sa.select(lines.c.key).where(of_run, lines.c.stage.in_(counted_stages), lines.c.step == Step.PARKED)
        keys = {row.key for row in self.database.rows(parked)}
        if not keys:
            return []
        planned = (lines.c.stage.in_(derived), lines.c.step == Step.PLANNED, lines.c.cause == "")
        rows = map(plan_row, self.database.rows(sa.select(lines).where(of_run, *planned).order_by(lines.c.seq)))
        return [(row, row.change) for row in rows if row.change is not None and keys.issuperset(row.change.sources)]

    def skip_planned(self, run: str, skips: Sequence[tuple[PlanRow, Skip]], position: Position) -> None:
        """Replace planned changes by skipped lines, and store the position that no longer counts them."""
        now = self.clock()
        with self.database.write() as connection:
            row = transitions.update_run(connection, run, position=position_to_json(position))
            for line, skip in skips:
                skipped_line = replace(
                    line, action=Action.SKIP, change=None, digest="", brakes=(), cause=skip.reason, facts=skip.facts,
                    reference="", calls=0,
                )  # fmt: skip
                plan_lines.replace_line(connection, run, line, skipped_line)
                append_events(connection, now, [_planned_event(run, row.flow, skipped_line)])

    def digests(self, run: str) -> Iterator[str]:
        """Yield the digest of every change of the plan. Reads the digests in batches."""
        after = 0
        page = sa.select(lines.c.seq, lines.c.digest).where(lines.c.run == run).order_by(lines.c.seq)
        with self.database.read() as connection:
            while rows := connection.execute(page.where(lines.c.seq > after).limit(DIGESTS_AT_ONCE)).all():
                yield from (digest for _, digest in rows if digest)
                after = rows[-1].seq

    def lines_at(self, step: Step, run: str, kind: Kind, keys: Sequence[str]) -> dict[str, PlanRow]:
        """Return the lines of the plan that are at a step, for these keys of a kind, by key."""
        query = sa.select(lines).where(lines.c.run == run, lines.c.kind == kind, lines.c.step == step)
        return {row.key: plan_row(row) for row in self.database.rows_with_values(query, lines.c.key, keys)}

    def owners(self, run: str, kind: Kind, references: Sequence[str]) -> dict[str, str]:
        """Return the keys that the plan writes to these target records, by reference."""
        claimed = sa.select(lines.c.reference, lines.c.key).where(lines.c.run == run, lines.c.kind == kind)
        rows = self.database.rows_with_values(claimed, lines.c.reference, references)
        return {str(row.reference): str(row.key) for row in rows}

    def finish(
        self,
        run: str,
        fingerprint: str,
        brakes: Sequence[Brake],
        state: RunState,
        read_count: int,
        *,
        cursors: Mapping[str, str] | None = None,
        replaces: Sequence[str] = (),
        notes: Mapping[str, str] | None = None,
    ) -> None:
        """End a preview with a plan that waits (READY) or with nothing to do (DONE).

        The run replaces the plans in `replaces` and takes over which lines were excluded from them. `notes` are stored
        with the run.

        Closes issues that the run no longer found: those of all records after a complete run, otherwise those of the
        records it read. A complete run that found the source empty does not count as complete. Deletes the staged
        records.
        """
        now = self.clock()
        with self.database.write() as connection:
            for older in replaces:
                choices.copy_selection(connection, older, run)
                facts = {"run": run, "flow": transitions.run_row(connection, older).flow}
                ending = (RunState.DISCARDED, "run_discarded", "plan_replaced", facts)
                transitions.end(connection, now, older, *ending)
            row = transitions.move(connection, run, state)
            tells_all = row.mode == Mode.COMPLETE and not any(brake.code == SOURCE_EMPTY.code for brake in brakes)
            issues.close_resolved(connection, now, row.flow, run, complete=tells_all)
            if tells_all and state is RunState.DONE:  # nothing is left to write
                issues.close_repeated_stops(connection, now, row.flow, run)
            transitions.delete_staged(connection, run)
            ended = {"ended_at": now} if state is RunState.DONE else {}
            shape = [[brake.code, brake.count, brake.limit, dict(brake.details)] for brake in brakes]
            note_values = {"notes": {**row.notes, **notes}} if notes else {}
            transitions.update_run(
                connection,
                run,
                fingerprint=fingerprint,
                brakes=shape,
                read_count=read_count,
                error="",
                facts={},
                **ended,
                **note_values,
            )
            keep_cursors(connection, now, row.flow, cursors or {})
            if state is RunState.READY:
                transitions.enter(connection, now, run, "approve")
            event = "run_done" if state is RunState.DONE else "plan_ready"
            transitions.append_run_event(
                connection,
                now,
                run,
                row.flow,
                event,
                transitions.result(connection, run),
                transitions.elapsed_milliseconds(row, now),
            )


@cache
def _groups_query(is_first: bool) -> PreparedStatement:
    """Return the query for the members of the next parents, for the first page or for a later one."""
    in_stage = _staged_in(sa.bindparam("run"), sa.bindparam("stage"))
    beyond = () if is_first else (staged_records.c.parent > sa.bindparam("after"),)
    conditions = (*in_stage, sa.not_(staged_records.c.same), *beyond)
    parent = staged_records.c.parent
    parents = sa.select(parent).where(*conditions).distinct().order_by(parent).limit(sa.bindparam("limit"))
    last = sa.select(sa.func.max(parents.subquery().c.parent)).scalar_subquery()
    members = sa.select(staged_records).where(*conditions, parent <= last)
    return PreparedStatement(members.order_by(parent, staged_records.c.key))


@cache
def _unchanged_statement(dialect_name: str) -> PreparedStatement:
    """Return the statement that stores an unchanged record and replaces an earlier staged version of it."""
    parameters: dict[str, object] = {name: sa.bindparam(name) for name in ("run", "stage", "key", "number")}
    empty: sa.ColumnElement[str] = sa.literal_column("''")
    rest = {"title": empty, "mark": empty, "taking_part": sa.true(), "same": sa.true()}
    insert = dialect_insert(dialect_name, staged_records)
    statement = insert.values({**parameters, "parent": sa.bindparam("key"), **rest})
    keys = [column.name for column in staged_records.primary_key]
    replaced = {
        staged_column.name: statement.excluded[staged_column.name]
        for staged_column in staged_records.columns
        if staged_column.name not in keys
    }
    return PreparedStatement(statement.on_conflict_do_update(index_elements=keys, set_=replaced).inline())


def _staged_in(
    run: str | sa.BindParameter[str], stage: str | sa.BindParameter[str]
) -> tuple[sa.ColumnElement[bool], ...]:
    return (staged_records.c.run == run, staged_records.c.stage == stage)


_STAGED_KEYS = PreparedKeyQuery(
    sa.select(staged_records.c.key).where(*_staged_in(sa.bindparam("run"), sa.bindparam("stage"))), staged_records.c.key
)


def _occurrence(line: PlanRow) -> IssueOccurrence:
    about = _identifying_facts(line.about, line.group)
    return IssueOccurrence(Issue(line.cause, line.key, line.cause_field, line.facts, about), line.kind, line.title)


def _identifying_facts(facts: Mapping[str, str], group: str) -> dict[str, str]:
    """Return the facts that identify a record to people. Those of a document include its group, such as the branch."""
    return {**facts, "group": group} if group and "total" in facts else dict(facts)


def _wrong_hash_event(run: str, flow: str, link: Link) -> Event:
    return Event(
        event="hash_wrong", run=run, flow=flow, kind=link.kind, key=link.key, facts={"reference": link.reference}
    )


def _planned_event(run: str, flow: str, line: PlanRow) -> Event:
    if line.change is None:
        return Event(
            event="skipped", run=run, flow=flow, kind=line.kind, key=line.key, title=line.title, code=line.cause,
            facts=line.facts,
        )  # fmt: skip
    change = line.change
    return Event(
        event="planned", run=run, flow=flow, kind=line.kind, key=line.key, sources=change.sources, title=line.title,
        code=line.action, facts=_identifying_facts(display_facts(change), line.group), before=values_of(change.before),
        after=values_of(change.desired),
    )  # fmt: skip
