"""Compares the desired records with the records of the target, and stores the resulting plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import structlog

from integration.connectors.protocol import Connector
from integration.core.customer_merges import is_merged_key
from integration.core.drift import adopted_values
from integration.core.flow import Stage
from integration.core.issues import Issue, Skip
from integration.core.link_evidence import NO_EVIDENCE, Evidence
from integration.core.links import Link
from integration.core.plan import FOLLOWS, Change, Unchanged, differences
from integration.core.planner import Desired, WrittenOnce, plan_record
from integration.core.position import Position, Task
from integration.core.records import CurrentRecord, Record, merged
from integration.core.reverted_values import changed_since_revert
from integration.core.rules import as_text
from integration.core.run import Mode, Progress, Run
from integration.core.staged_records import Duplicates, StagedRecord
from integration.flows.spec import FlowLogic, TargetRecord
from integration.runner.conflicts import (
    existing_as_other_kind,
    find_double_matches,
    find_duplicate_articles,
    find_records_in_cycles,
    issues_for_parked_dependencies,
    missing_dependencies,
    with_owning_document,
)
from integration.runner.dependencies import Dependencies
from integration.runner.extract import Extract
from integration.runner.hashes import hashes_of
from integration.runner.identified import Identified, with_choice_evidence
from integration.runner.lookup import find_in_target, with_current_numbers
from integration.runner.page import PlanPage, empty_page
from integration.runner.prefetch import Prefetch
from integration.runner.reverted_values import add_without_retracted
from integration.runner.uncertain_writes import in_doubt

log = structlog.get_logger(__name__)

COMPARE_PAGE = 250  # target records compared at a time
MAX_DOCUMENTS = 50  # listed in the issue of a record that is derived from documents


@dataclass(frozen=True, slots=True)
class _LookedUpRecords:
    """Desired records of some parents, each with its members, and the corresponding records of the target.

    `issues_elsewhere` holds issues of articles that the target has in another record. `last` is the last parent, or
    None if there is none. `has_more` is True if more parents may follow.
    """

    pairs: Sequence[tuple[TargetRecord, Sequence[StagedRecord]]]
    current_records: dict[str, CurrentRecord]
    issues_elsewhere: dict[str, Issue]
    last: str | None
    has_more: bool


class Compare:
    """Plans the changes that bring the target to the desired state."""

    def __init__(self, deps: Dependencies, extract: Extract, prefetch: Prefetch) -> None:
        self.deps = deps
        self._extract = extract
        self._prefetch = prefetch
        self._duplicates: dict[tuple[str, str], Duplicates] = {}

    def compare(self, run: Run, logic: FlowLogic) -> None:
        """Compare one page of the records that were read."""
        position, stage = run.position, logic.flow.stage(run.position.stage)
        if stage.hashed and position.after is None:
            self._read_shared(run, logic, stage)
        target = self.deps.connectors[logic.flow.target]
        looked = self._prefetch.page(run.id, self._look_up, run.id, target, logic, stage, position.after)
        page = empty_page(self.deps, logic, stage)
        for issue in logic.read_failures(stage) if position.after is None else ():
            page.park(issue, stage.target, issue.key, "", 0)
        if stage.hashed and position.after is None:
            page.add_unchanged(None, self.deps.previews.count_unchanged(run.id, stage.name))
        if looked.last is None:
            after = self._after_stage(run, replace(position, planned=position.planned + page.weight), stage, logic)
            progress = Progress("plan", after.planned, after.read_count) if page.weight else None
            self.deps.previews.keep_page(run.id, page.rows, (), page.unchanged_weight, after, progress)
            return
        if not looked.current_records:  # no record of this page is in the target, so this page stores no link
            self._prefetch_lookup(run, target, logic, stage, looked)
        self._compare(run, logic, looked, page)
        if looked.current_records and not page.unchanged:
            self._prefetch_lookup(run, target, logic, stage, looked)
        if not run.has_earlier_mapping:  # with an earlier mapping, other values do not prove that the source changed
            self.deps.previews.forget_reverted_values(run.flow, stage.target, page.moved_on)
        planned = position.planned + page.weight
        position = page.position_with_counts(replace(position, after=looked.last, planned=planned))
        progress = Progress("plan", position.planned, position.read_count)
        self.deps.previews.keep_page(
            run.id, page.rows, page.unchanged, page.unchanged_weight, position, progress,
            hashed=page.hashed, wrong=page.wrong, evidence=page.evidence,
        )  # fmt: skip
        for link in page.wrong:
            log.error("hash wrong", run=run.id, flow=run.flow, key=link.key)

    def _look_up(
        self, run: str, target: Connector, logic: FlowLogic, stage: Stage, after: str | None
    ) -> _LookedUpRecords:
        """Return the desired records of the next parents, with the corresponding records of the target."""
        groups = self.deps.previews.staged_groups(run, stage.name, after, COMPARE_PAGE)
        pairs = [pair for members in groups for pair in self._in_order(run, logic, stage, members)]
        current_records, apart = {}, {}  # type: tuple[dict[str, CurrentRecord], dict[str, Issue]]
        if pairs and not stage.unverifiable:
            current_records, apart = find_in_target(
                target, [target_record for target_record, _ in pairs], self.deps.links, logic.flow.name, stage.parts
            )
        return _LookedUpRecords(
            pairs, current_records, apart, groups[-1][0].parent if groups else None, len(groups) == COMPARE_PAGE
        )

    def _prefetch_lookup(
        self, run: Run, target: Connector, logic: FlowLogic, stage: Stage, looked: _LookedUpRecords
    ) -> None:
        """Start the lookup of the next page in the background.

        Call it only once it is known that this page stores no link: the lookup uses links, and links decide to which
        record an entry of the target belongs.
        """
        if looked.has_more:
            self._prefetch.begin(run.id, self._look_up, run.id, target, logic, stage, looked.last)

    def _read_shared(self, run: Run, logic: FlowLogic, stage: Stage) -> None:
        """Read records that were unchanged by hash if another record has the same unique value in this stage."""
        if run.position.trusting and self.deps.previews.count_unchanged(run.id, stage.name):
            shared = self.deps.previews.duplicates(run.id, stage.name, stage.unique)
            keys = {key for values in (shared.numbers, shared.marks) for owners in values.values() for key in owners}
            if unchanged := self.deps.previews.unchanged_keys(run.id, stage.name, sorted(keys)):
                self._extract.read_again_by_key(run, logic, stage, unchanged)

    def _after_stage(self, run: Run, position: Position, stage: Stage, logic: FlowLogic) -> Position:
        if (following := logic.flow.next_stage(stage)) is not None:
            return replace(position, stage=following.name, after=None)
        carries = (
            run.mode is Mode.CHANGES and position.read_count and self.deps.runs.waiting_for_all(run.flow) is not None
        )
        retires = run.mode is Mode.COMPLETE or carries or any(map(is_merged_key, position.keys))
        return position.start_of(Task.VANISHED if retires else Task.FINISH)

    def forget(self, run_id: str) -> None:
        """Remove the cached data of a run that has ended."""
        self._duplicates = {key: value for key, value in self._duplicates.items() if key[0] != run_id}

    def _duplicate_values(self, run: str, stage: Stage) -> Duplicates:
        key = (run, stage.name)
        if key not in self._duplicates:
            self._duplicates[key] = self.deps.previews.duplicates(*key, stage.unique)
        return self._duplicates[key]

    def _desired_record(
        self, run: str, logic: FlowLogic, stage: Stage, members: Sequence[StagedRecord]
    ) -> TargetRecord:
        """Return the desired record of the members of one parent, with its group and its source documents."""
        shared = self._duplicate_values(run, stage)
        target_record = logic.shape(stage, members, shared.numbers, shared.marks)
        if stage.grouped_by:
            target_record = replace(target_record, group=target_record.group or _group(members))
        return (
            replace(target_record, members=tuple(member.key for member in members)) if stage.derived else target_record
        )

    def _compare(self, run: Run, logic: FlowLogic, looked: _LookedUpRecords, page: PlanPage) -> None:
        flow, stage, kind = logic.flow, page.stage, page.stage.target
        current_records, apart = looked.current_records, looked.issues_elsewhere
        desired = [target_record.desired for target_record, _ in looked.pairs if target_record.desired]
        doubts = in_doubt(
            self.deps, run, logic, stage, desired, current_records
        )  # creates the links that are read next
        links = _links(self.deps, flow.name, desired)
        titles = {
            target_record.desired.key: target_record.title for target_record, _ in looked.pairs if target_record.desired
        }
        current_records = with_owning_document(self.deps.links, flow.name, stage, current_records, links)
        if not stage.write_once:
            page.reverted_values = self.deps.previews.reverted_values_of(
                flow.name, kind, [record.key for record in desired]
            )
        if stage.parts and run.mode is not Mode.COMPLETE:
            apart = find_duplicate_articles(self.deps.links, flow.name, stage.parts, desired) | apart
        held_up = (
            issues_for_parked_dependencies(self.deps, run, stage, desired)
            | find_double_matches(self.deps, run, flow, stage, current_records)
            | find_records_in_cycles(self.deps, run, flow, stage, desired, titles)
            | doubts
        )
        unlinked = logic.evidence_of_unlinked([record.key for record in desired if record.key not in links])
        identified = Identified(self.deps.links.references(flow.name), flow, links, unlinked)
        held_up |= {
            record.key: issue
            for record in desired
            if (issue := identified.question(record, current_records.get(record.key), titles))
        }
        page.missing_dependencies = missing_dependencies(self.deps, run, flow, stage, desired)
        new = [
            record
            for record in desired
            if record.key not in links and record.key not in current_records and record.key not in held_up
        ]
        beside = logic.conflicts_between(stage, new) if new else {}
        keys = {record.key for record in new} - beside.keys()
        unknown = [other for record in new if record.key in keys for other in logic.alternatives(stage, record)]
        otherwise = existing_as_other_kind(self.deps.connectors[flow.target], self.deps.links, flow, unknown)
        for target_record, members in looked.pairs:
            for issue in target_record.parked:
                page.park(_with_document_facts(issue, target_record), kind, target_record.title, target_record.group)
            for skip in target_record.skipped:
                page.skip(skip, kind, target_record.title, target_record.group)
            is_apart = target_record.desired is not None and not apart.keys().isdisjoint(target_record.desired.sources)
            rest = self._without_parked(run.id, logic, members, apart, page) if is_apart else target_record
            if (desired_record := rest.desired) is None:
                continue
            page.note(rest.counted_codes)
            other = beside.get(desired_record.key)
            if isinstance(other, Skip):
                page.skip(other, kind, rest.title, rest.group, rest.weight)
            elif missing := held_up.get(desired_record.key) or other or _follows_parked(desired_record, page):
                missing = with_choice_evidence(missing, desired_record)
                page.park(_with_document_facts(missing, rest), kind, rest.title, rest.group, rest.weight)
            else:
                there_now, link = current_records.get(desired_record.key), links.get(desired_record.key)
                if desired_record.key in otherwise:
                    desired_record, there_now = otherwise[desired_record.key]
                evidence = identified.renewed(desired_record, there_now, page)
                agrees = _decide(
                    logic, rest, with_current_numbers(desired_record, there_now), there_now, link, page, evidence
                )
                page.hash(link, hashes_of(members, there_now), agrees=agrees)

    def _in_order(
        self, run: str, logic: FlowLogic, stage: Stage, members: Sequence[StagedRecord]
    ) -> Iterator[tuple[TargetRecord, Sequence[StagedRecord]]]:
        """Yield the desired record of one parent, after the record that must be written before it, if any."""
        target_record = self._desired_record(run, logic, stage, members)
        if target_record.prerequisite is not None:
            yield (
                TargetRecord(
                    target_record.prerequisite, target_record.prerequisite_title, target_record.group, is_uncounted=True
                ),
                (),
            )
        yield target_record, members

    def _without_parked(
        self, run: str, logic: FlowLogic, members: Sequence[StagedRecord], apart: Mapping[str, Issue], page: PlanPage
    ) -> TargetRecord:
        """Park the members that have an issue, and return the desired record of the other members alone."""
        for member in members:
            if member.record is not None and member.key in apart:
                page.park(apart[member.key], page.stage.target, member.title, member.group)
        rest = [member for member in members if member.key not in apart]
        return self._desired_record(run, logic, page.stage, rest) if rest else TargetRecord(None, members[0].title)


def _decide(
    logic: FlowLogic,
    target_record: TargetRecord,
    record: Record,
    current: CurrentRecord | None,
    link: Link | None,
    page: PlanPage,
    evidence: Evidence,
) -> bool:
    """Add the result for one record to the page; return True if both systems and the link already agree."""
    decision = plan_record(
        logic,
        page.stage,
        Desired(record, target_record.title, target_record.group, target_record.unit, target_record.inputs),
        current,
        link,
    )
    outcome, weight = decision.outcome, target_record.weight
    if isinstance(outcome, Change | Unchanged):
        page.moved_on[record.key] = changed_since_revert(
            record, page.reverted_values.get(record.key, {}), target_record.inputs
        )
    for issue in decision.waiting_issues:  # a record counts once: as written or as parked
        page.park(
            _with_document_facts(issue, target_record),
            record.kind,
            target_record.title,
            target_record.group,
            weight if isinstance(outcome, Unchanged) else 0,
        )
        weight = 0
    agreed = link.agreed if link else None
    match outcome:
        case Issue():
            issue = with_choice_evidence(outcome, record)
            page.park(
                _with_document_facts(issue, target_record),
                record.kind,
                target_record.title,
                target_record.group,
                weight,
            )
        case Skip():
            page.skip(outcome, record.kind, target_record.title, target_record.group, weight)
            if current is not None and link is None and page.stage.write_once:
                page.unchanged.append(_adopted_link(logic, record, current, agreed))
        case WrittenOnce():
            is_kept = current is None or (link is not None and agreed is not None and not link.unproven)
            page.add_unchanged(
                None if is_kept or current is None else _adopted_link(logic, record, current, agreed), weight
            )
        case Unchanged(agreed=now):
            is_agreed = link is not None and agreed is not None and not link.unproven and not differences(now, agreed)
            renewed = None if is_agreed or current is None else _link(record, current, merged(agreed, now), evidence)
            page.add_unchanged(renewed, weight)
            return renewed is None and not decision.waiting_issues
        case Change() if refusal := page.refusal(outcome):
            page.park(
                _with_document_facts(refusal, target_record),
                record.kind,
                target_record.title,
                target_record.group,
                weight,
            )
        case Change():
            _change(target_record, record, replace(outcome, evidence=evidence), current, agreed, page)
    return False


def _change(
    target_record: TargetRecord,
    record: Record,
    change: Change,
    current: CurrentRecord | None,
    agreed: Record | None,
    page: PlanPage,
) -> None:
    if page.stage.write_once:  # stored in full, so that a later change of the document can be detected
        change = replace(change, agreed=record)
    if target_record.members:  # a debtor is created for its documents
        change = replace(change, sources=target_record.members)
    reference, change = current.reference if current else "", _with_agreed_parts(change, agreed)
    add_without_retracted(
        page,
        change,
        page.reverted_values.get(record.key, {}),
        agreed,
        reference,
        is_additional=target_record.is_uncounted,
        current=current.record if current else None,
    )


def _follows_parked(record: Record, page: PlanPage) -> Issue | None:
    """Return an issue if the document that must be in the target first is parked; otherwise None."""
    before = as_text(record.values.get(FOLLOWS))
    if not before or not page.is_parked(before):
        return None
    facts = {"key": record.key, "field": FOLLOWS, "needed": before, "cause": "needed_record_parked"}
    return Issue("needed_record_parked", record.source or record.key, FOLLOWS, facts)


def _group(members: Sequence[StagedRecord]) -> str:
    return next((member.group for member in members if member.group), "")


def _with_document_facts(issue: Issue, target_record: TargetRecord) -> Issue:
    """Return an issue with the total of its document, and for a derived record with its source documents.

    A retry reads these source documents again.
    """
    sold = target_record.desired.values.get("sold_incl") if target_record.desired else None
    if isinstance(sold, Decimal) and "sold" not in issue.facts:
        issue = replace(issue, facts={**issue.facts, "sold": format(sold, "f")})
    if not target_record.members or "documents" in issue.facts:
        return issue
    return replace(issue, facts={**issue.facts, "documents": ",".join(target_record.members[:MAX_DOCUMENTS])})


def _links(deps: Dependencies, flow: str, desired: Sequence[Record]) -> dict[str, Link]:
    """Return the links of these records, each under its own kind: a document may be booked as another kind."""
    links: dict[str, Link] = {}
    for kind in dict.fromkeys(record.kind for record in desired):
        links |= deps.links.get(flow, kind, [record.key for record in desired if record.kind is kind])
    return links


def _adopted_link(logic: FlowLogic, record: Record, current: CurrentRecord, agreed: Record | None) -> Link:
    """Return the link to a document that the target already had.

    A linked document is compared by its identity alone. The other values of its header stay as they were sent, and so
    do lines that the target has as they were sent: a later credit needs them.
    """
    adopted = adopted_values(record, current.record, logic.policy)
    if agreed is None:
        return _link(record, current, adopted)
    sent_parts = {(part.kind, part.key): part for part in agreed.parts}
    parts = []
    for part in adopted.parts:
        sent_part = sent_parts.get((part.kind, part.key), part)
        parts.append(part if differences(sent_part, part) else sent_part)
    return _link(record, current, replace(adopted, values={**agreed.values, **adopted.values}, parts=tuple(parts)))


def _link(record: Record, current: CurrentRecord, agreed: Record, evidence: Evidence = NO_EVIDENCE) -> Link:
    return Link(record.kind, record.key, current.reference, agreed, current.marker, evidence=evidence)


def _with_agreed_parts(change: Change, agreed: Record | None) -> Change:
    """Return the change with the agreed values of parts that it does not touch."""
    return change if agreed is None else replace(change, agreed=merged(agreed, change.agreed))
