"""Reads the records of a plan: changes in the source, edits in the target, and records related to either."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.connectors.protocol import Connector, Countable, UnparsedPage
from integration.core.errors import MalformedAnswerError, RejectedError
from integration.core.flow import Stage
from integration.core.issues import source_mark
from integration.core.position import Position, Task
from integration.core.records import Batch, Record, Unreadable
from integration.core.rules import as_text
from integration.core.run import PARKED_FOR, Mode, Progress, Run
from integration.core.search_keys import search_keys
from integration.core.staged_records import MARK_SEPARATOR, StagedRecord
from integration.flows.spec import FlowLogic, page_in, stage_records
from integration.runner.dependencies import Dependencies
from integration.runner.erased_people import without_erased
from integration.runner.field_presence import check_field_presence, fetched
from integration.runner.hashes import unchanged_keys, unparsed_page, with_hashes
from integration.runner.merged_customers import without_merged
from integration.runner.parked_records import source_keys
from integration.runner.prefetch import Prefetch
from integration.runner.retire import NAMELESS

NONE: Mapping[str, str] = {}
_PageQuery = tuple[Connector, Connector, FlowLogic, Stage, str | None, str | None, int | None]
SIBLINGS_PAGE = 250  # parents processed together
PARKED_PAGE = 250  # parked records read again together


class Extract:
    """Reads, maps and checks each record separately, and stores it until it is compared."""

    def __init__(self, deps: Dependencies, prefetch: Prefetch) -> None:
        self.deps = deps
        self._prefetch = prefetch

    def extract(self, run: Run, logic: FlowLogic) -> None:
        """Read one page of the source. The next page is prefetched while this one is mapped."""
        position, stage = self._with_marker(run.position, logic), logic.flow.stage(run.position.stage)
        source, same, hashes = self.deps.connectors[logic.flow.source], dict[str, str](), dict[str, str]()
        if stage.is_counted and position.after is None:
            logic.before_reading(stage)
        if run.mode is Mode.CHOSEN and stage.is_counted:
            records, after, stamp = fetched(self.deps, run, logic, stage, position.keys), None, None
        else:
            page = self._prefetch.page(run.id, _read_page, *self._page_query(logic, position, position.after))
            after, stamp = page.after, page.stamp
            if position.max_records is None:
                self._prefetch_next(run, logic, position, after)
            if isinstance(page, UnparsedPage):
                same = unchanged_keys(self.deps, run, logic, stage, page) if position.trusting else {}
                hashes, records = dict(page.hashes), list(page.parse(same))
                fields = page.fields()
            else:
                records, fields = list(page.records), page.fields
            check_field_presence(self.deps, run, logic, stage, fields, first=position.after is None, last=after is None)
            position = position.with_filled(stage.source, fields.counts)
        if stamp:
            highest = max(stamp, position.stamps.get(stage.source, ""), key=_marker_order)
            position = replace(position, stamps={**position.stamps, stage.source: highest})
        if stage.is_counted:
            position = self._count_new(run, stage, [*(record.key for record in records), *same], position)
            position = _count_nameless(position, records)
            if position.after is None and after is not None and run.mode is Mode.COMPLETE:
                position = replace(position, expected=position.expected + _expected_count(source, stage))
        if after is not None and not position.has_enough:
            if position.max_records is not None:
                self._prefetch_next(run, logic, position, after)
            position = replace(position, after=after)
        else:
            position = _after_extract(run.mode, stage, position, logic)
        self._stage(run, logic, stage, records, position, _read_progress(position), same=same, hashes=hashes)

    def _page_query(self, logic: FlowLogic, position: Position, after: str | None) -> _PageQuery:
        """Return the query for one page of the source. Equal queries return the same page."""
        source, target = self.deps.connectors[logic.flow.source], self.deps.connectors[logic.flow.target]
        stage = logic.flow.stage(position.stage)
        return source, target, logic, stage, position.since.get(stage.source), after, position.remaining

    def _prefetch_next(self, run: Run, logic: FlowLogic, position: Position, after: str | None) -> None:
        if after is not None:
            self._prefetch.begin(run.id, _read_page, *self._page_query(logic, position, after))

    def _with_marker(self, position: Position, logic: FlowLogic) -> Position:
        """Return the position with the target's marker from before the comparison."""
        if position.marker is not None:
            return position
        batch = self.deps.connectors[logic.flow.target].read_changes(logic.flow.counted_stage.target, "")
        return replace(position, marker=batch.stamp or "")

    def read_edited(self, run: Run, logic: FlowLogic) -> None:
        """Read the source records again whose target records were edited since the last run."""
        position, kind = run.position, logic.flow.counted_stage.target
        since = self.deps.cursors.get(logic.flow.name, f"target:{kind}")
        after = None
        if since is not None:
            ours = self.deps.cursors.own_markers(logic.flow.name, kind)
            batch = self.deps.connectors[logic.flow.target].read_changes(kind, since, position.after, ours)
            position = replace(position, marker=max(batch.stamp or "", position.marker or "", key=_marker_order))
            position, after = self._stage_touched(run, logic, batch.records, position), batch.after
        if after:
            position = replace(position, after=after)
        else:
            position = position.start_of(Task.PARKED) if PARKED_FOR in run.notes else self._after_reading(run, position)
        self.deps.previews.keep_position(run.id, position)

    def read_parked_again(self, run: Run, logic: FlowLogic) -> None:
        """Read one page of the parked records again, because an input changed that may have been the reason.

        Dismissed records and records that the target refused are not read.
        """
        position = run.position
        issues = self.deps.previews.issues_of_runs(run.flow, int(position.after or 0), PARKED_PAGE, to_retry=True)
        if issues:
            sources = source_keys(self.deps.links, self.deps.plans, logic.flow, issues)
            keys = [key for issue_keys in sources.values() for key in issue_keys]
            for stage in logic.flow.stages:
                if not (stage.derived or stage.off):
                    position = self.stage_fetched(run, logic, stage, keys, position)
            retried = position.retried + position.read_count - run.position.read_count
            position = replace(position, after=str(issues[-1].id), retried=retried)
        else:
            position = self._after_reading(run, position)
        self.deps.previews.keep_position(run.id, position)

    def _after_reading(self, run: Run, position: Position) -> Position:
        """Return the position after the changed records: the waiting plan's records follow if anything was read."""
        carries = position.read_count and self.deps.runs.waiting_for_all(run.flow) is not None
        return position.start_of(Task.CARRY if carries else Task.SIBLINGS)

    def _stage_touched(self, run: Run, logic: FlowLogic, records: Sequence[Record], position: Position) -> Position:
        """Stage the sources of records that others changed in the target.

        Our own writes are recognized by the marker under which they were proven.
        """
        kind, parts = logic.flow.counted_stage.target, logic.flow.counted_stage.parts
        numbers = [part.key for record in records for part in record.parts]
        articles = self.deps.links.by_reference(logic.flow.name, parts, numbers) if parts else {}
        ours = self.deps.links.by_reference(logic.flow.name, kind, [record.key for record in records])
        sources = []
        for record in records:
            link = ours.get(record.key)
            if link is None or link.marker == record.values.get("marker"):
                continue
            inside = [articles[part.key].key for part in record.parts if part.key in articles]
            sources += inside or [link.key]
        return self.stage_counted(run, logic, sources, position)

    def read_siblings(self, run: Run, logic: FlowLogic) -> None:
        """Read the other variants of changed records, so that a product is always compared as a whole."""
        position = run.position
        for stage in logic.flow.counted_stages:
            position = self._siblings(run, logic, stage, position)
            position = self._read_claims(run, logic, stage, position) if stage.parts else position
        self.deps.previews.keep_position(run.id, position.start_of(Task.COMPARE))

    def _siblings(self, run: Run, logic: FlowLogic, stage: Stage, position: Position) -> Position:
        after = None
        while members := self.deps.previews.staged_groups(run.id, stage.name, after, SIBLINGS_PAGE):
            after = members[-1][0].parent
            present = {member.key for group in members for member in group}
            parents = [group[0].parent for group in members if group[0].parent != group[0].key]
            links = self.deps.links.get(logic.flow.name, stage.target, parents)
            linked = {part.source for link in links.values() if link.agreed for part in link.agreed.parts}
            position = self.stage_fetched(run, logic, stage, sorted(linked - present), position)
        return position

    def _read_claims(self, run: Run, logic: FlowLogic, stage: Stage, position: Position) -> Position:
        """Read the parked records that claim a mark, such as an EAN, which a record that was read does not have yet."""
        marks, after = self.deps.previews.new_marks(run.id, run.flow, stage), 0
        while marks and (issues := self.deps.previews.issues_of_runs(run.flow, after, PARKED_PAGE, to_retry=False)):
            after, sources = issues[-1].id, source_keys(self.deps.links, self.deps.plans, logic.flow, issues)
            keys = [key for issue_keys in sources.values() for key in issue_keys]
            missing = self.deps.previews.not_staged(run.id, stage.name, keys)
            records = self.deps.corrected(run.flow, fetched(self.deps, run, logic, stage, missing) if missing else ())
            staged = stage_records(logic, stage, records)
            claiming = [record.key for record in staged if not marks.isdisjoint(record.mark.split(MARK_SEPARATOR))]
            position = self.stage_fetched(run, logic, stage, claiming, position)
        return position

    def stage_counted(self, run: Run, logic: FlowLogic, keys: Sequence[str], position: Position) -> Position:
        """Stage the records with these keys in each counted stage; return the position that includes their count."""
        for stage in logic.flow.counted_stages:
            position = self.stage_fetched(run, logic, stage, keys, position)
        return position

    def stage_fetched(
        self, run: Run, logic: FlowLogic, stage: Stage, keys: Sequence[str], position: Position
    ) -> Position:
        """Stage the records with these keys that were not read yet; return the position that includes their count."""
        missing = self.deps.previews.not_staged(run.id, stage.name, keys)
        if not missing:
            return position
        if stage.is_counted:
            logic.before_reading(stage)
        records = fetched(self.deps, run, logic, stage, missing)
        if stage.is_counted:
            position = self._count_new(run, stage, [record.key for record in records], position)
        self._stage(run, logic, stage, records, position)
        return position

    def read_again_by_key(self, run: Run, logic: FlowLogic, stage: Stage, keys: Sequence[str]) -> None:
        """Read records that were treated as unchanged by hash. A record that is gone keeps its stored state."""
        logic.before_reading(stage)
        records = fetched(self.deps, run, logic, stage, keys)
        self._stage(run, logic, stage, records, run.position)

    def _count_new(self, run: Run, stage: Stage, keys: Sequence[str], position: Position) -> Position:
        """Return a position that counts each of these records once, even if it appears on several pages."""
        fresh = self.deps.previews.not_staged(run.id, stage.name, keys)
        return replace(position, read_count=position.read_count + len(fresh))

    def _stage(
        self,
        run: Run,
        logic: FlowLogic,
        stage: Stage,
        records: Sequence[Record],
        position: Position,
        progress: Progress | None = None,
        *,
        same: Mapping[str, str] = NONE,
        hashes: Mapping[str, str] = NONE,
    ) -> None:
        """Store a page of mapped records, after the records that are derived from them. Safe to repeat.

        `same` holds the unchanged records: the target number of each by key. `hashes` holds the hashes of the other
        records.
        """
        flow, previews = logic.flow, self.deps.previews
        records, placeholders = without_erased(self.deps, logic, records)
        records, merged = without_merged(self.deps, logic, records)
        if stage.is_counted:
            self._reopen_dismissed(run, logic, records)
            records = self.deps.corrected(run.flow, records)
            readable = [record for record in records if not isinstance(record, Unreadable)]
            for flow_stage in flow.stages:
                if flow_stage.derived and not flow_stage.off and (staged := _with_groups(logic, flow_stage, readable)):
                    previews.stage_page(run.id, flow_stage.name, staged, run.position)
        staged = [*with_hashes(logic, _with_groups(logic, stage, records), hashes), *placeholders, *merged]
        previews.stage_page(run.id, stage.name, staged, position, progress, same=same)

    def _reopen_dismissed(self, run: Run, logic: FlowLogic, records: Sequence[Record]) -> None:
        """Reopen dismissed issues of records that somebody has changed since."""
        stored_marks = self.deps.previews.dismissed_marks(run.flow, [record.key for record in records])
        if not stored_marks:
            return
        marks = {
            record.key: source_mark(record, logic.flow.volatile_prefixes)
            for record in records
            if record.key in stored_marks
        }
        changed = [
            issue for key, before in stored_marks.items() for issue, mark in before.items() if marks[key] != mark
        ]
        if changed:
            self.deps.previews.reopen_issues(run.id, changed)


def _read_page(
    source: Connector,
    target: Connector,
    logic: FlowLogic,
    stage: Stage,
    since: str | None,
    after: str | None,
    limit: int | None,
) -> Batch | UnparsedPage:
    """Return one page of a stage, unparsed if its records can be recognized by hashes."""
    page = unparsed_page(source, target, logic, stage, since, after)
    return page or page_in(source, logic, stage, since=since, after=after, most=limit)


def _count_nameless(position: Position, records: Sequence[Record]) -> Position:
    """Return a position that counts records without a key. While there are any, no record is known to be gone."""
    count = sum(isinstance(record, Unreadable) and record.nameless for record in records)
    return position.with_counts(0, 0, {NAMELESS: count}) if count else position


def _expected_count(source: Connector, stage: Stage) -> int:
    """Return the approximate number of records of a stage; 0 if its source cannot report it."""
    if stage.keyed_source or not isinstance(source, Countable):
        return 0
    try:
        return source.estimate_count(stage.source)
    except (RejectedError, MalformedAnswerError):
        return 0


def _read_progress(position: Position) -> Progress:
    """Return the progress of reading. The number read may exceed the expected number."""
    expected = min(position.expected, position.max_records or position.expected)
    return Progress("extract", position.read_count, max(expected, position.read_count) if expected else 0)


def _after_extract(mode: Mode, stage: Stage, position: Position, logic: FlowLogic) -> Position:
    if not position.has_enough and (following := logic.flow.next_read_stage(stage)) is not None:
        return replace(position, stage=following.name, after=None)
    return position.start_of({Mode.CHANGES: Task.TOUCHED, Mode.CHOSEN: Task.SIBLINGS}.get(mode, Task.COMPARE))


def _with_groups(logic: FlowLogic, stage: Stage, records: Sequence[Record]) -> list[StagedRecord]:
    """Return the staged records of a stage, each with its group in the source, and with search keys if it is parked."""
    staged, name = stage_records(logic, stage, records) if records else [], stage.grouped_by
    if not name:
        return staged
    records_by_key = {record.key: record for record in records}
    groups = {key: as_text(record.values.get(name)).strip() for key, record in records_by_key.items()}
    return [
        replace(
            _with_search_keys(staged_record, records_by_key.get(staged_record.key)),
            group=groups.get(staged_record.key, ""),
        )
        for staged_record in staged
    ]


def _with_search_keys(staged: StagedRecord, record: Record | None) -> StagedRecord:
    """Return the staged record with its search keys if it is parked; a plan has no other facts about such a record."""
    if staged.issue is None or record is None:
        return staged
    return replace(staged, issue=replace(staged.issue, about=search_keys(record)))


def _marker_order(stamp: str) -> tuple[int, str]:
    """Return a sort key for markers: whole numbers compare as numbers, time stamps as text."""
    return (int(stamp), "") if stamp.isdecimal() else (-1, stamp)
