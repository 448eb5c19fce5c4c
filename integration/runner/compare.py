"""Compares the desired records with the records of the target, and stores the resulting plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import structlog

from integration.connectors.protocol import Connector
from integration.core.drift import adopted_values
from integration.core.flow import Stage
from integration.core.issues import Issue, Skip
from integration.core.link_evidence import NO_EVIDENCE, Evidence
from integration.core.links import Link
from integration.core.plan import FOLLOWS, Change, Unchanged, differences
from integration.core.planner import Desired, WrittenOnce, plan_record
from integration.core.position import Position, Task
from integration.core.records import Held, Record, merged
from integration.core.reverted_values import changed_since_revert
from integration.core.rules import as_text
from integration.core.run import Mode, Progress, Run
from integration.core.staged import Duplicates, Staged
from integration.flows.spec import FlowLogic, TargetRecord
from integration.runner.conflicts import (
    existing_as_other_kind,
    find_double_matches,
    find_duplicate_articles,
    issues_for_missing_dependencies,
    with_owning_document,
)
from integration.runner.dependencies import Dependencies
from integration.runner.extract import Extract
from integration.runner.hashes import hashes_of
from integration.runner.identified import Identified
from integration.runner.lookup import find_in_target, with_current_numbers
from integration.runner.page import PlanPage, empty_page
from integration.runner.prefetch import Prefetch
from integration.runner.reverted_values import add_without_retracted
from integration.runner.uncertain_writes import in_doubt

log = structlog.get_logger(__name__)

COMPARE_PAGE = 250  # target records compared at a time
MOST_DOCUMENTS = 50  # listed in the issue of a record that is derived from documents


@dataclass(frozen=True, slots=True)
class _Looked:
    """Desired records of some parents, each with its members, and the corresponding records of the target.

    `apart` holds issues of articles that the target has in another record. `last` is the last parent, or None if there
    is none. `goes_on` is True if more parents may follow.
    """

    pairs: Sequence[tuple[TargetRecord, Sequence[Staged]]]
    held: dict[str, Held]
    apart: dict[str, Issue]
    last: str | None
    goes_on: bool


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
        looked = self._prefetch.page(run.id, self._looked, run.id, target, logic, stage, position.after)
        page = empty_page(self.deps, logic, stage)
        for issue in logic.read_failures(stage) if position.after is None else ():
            page.park(issue, stage.target, issue.key, "", 0)
        if stage.hashed and position.after is None:
            page.leave(None, self.deps.previews.same(run.id, stage.name))
        if looked.last is None:
            after = self._after_stage(run, replace(position, planned=position.planned + page.weight), stage, logic)
            progress = Progress("plan", after.planned, after.read) if page.weight else None
            self.deps.previews.keep_page(run.id, page.rows, (), page.unchanged_weight, after, progress)
            return
        if not looked.held:  # the target holds none of these records, so this page stores no link
            self._look_on(run, target, logic, stage, looked)
        self._compare(run, logic, looked, page)
        if looked.held and not page.unchanged:
            self._look_on(run, target, logic, stage, looked)
        if not run.has_earlier_mapping:  # an earlier mapping gives other values without a change in the source
            self.deps.previews.forget_reverted_values(run.flow, stage.target, page.moved_on)
        planned = position.planned + page.weight
        position = page.counted(replace(position, after=looked.last, planned=planned))
        progress = Progress("plan", position.planned, position.read)
        self.deps.previews.keep_page(
            run.id, page.rows, page.unchanged, page.unchanged_weight, position, progress,
            hashed=page.hashed, wrong=page.wrong, evidence=page.evidence,
        )  # fmt: skip
        for link in page.wrong:
            log.error("hash wrong", run=run.id, flow=run.flow, key=link.key)

    def _looked(self, run: str, target: Connector, logic: FlowLogic, stage: Stage, after: str | None) -> _Looked:
        """Return the desired records of the next parents, with the corresponding records of the target."""
        groups = self.deps.previews.staged_groups(run, stage.name, after, COMPARE_PAGE)
        pairs = [pair for members in groups for pair in self._in_order(run, logic, stage, members)]
        held, apart = {}, {}  # type: tuple[dict[str, Held], dict[str, Issue]]
        if pairs and not stage.unverifiable:
            held, apart = find_in_target(
                target, [one for one, _ in pairs], self.deps.links, logic.flow.name, stage.parts
            )
        return _Looked(pairs, held, apart, groups[-1][0].parent if groups else None, len(groups) == COMPARE_PAGE)

    def _look_on(self, run: Run, target: Connector, logic: FlowLogic, stage: Stage, looked: _Looked) -> None:
        """Start the lookup of the next page in the background.

        Call it only once it is known that this page stores no link: the lookup uses links, and links decide to which
        record an entry of the target belongs.
        """
        if looked.goes_on:
            self._prefetch.begin(run.id, self._looked, run.id, target, logic, stage, looked.last)

    def _read_shared(self, run: Run, logic: FlowLogic, stage: Stage) -> None:
        """Read records that were unchanged by hash if another record has the same unique value in this stage."""
        if run.position.trusting and self.deps.previews.same(run.id, stage.name):
            shared = self.deps.previews.duplicates(run.id, stage.name, stage.unique)
            keys = {key for values in (shared.numbers, shared.marks) for found in values.values() for key in found}
            if again := self.deps.previews.unchanged_keys(run.id, stage.name, sorted(keys)):
                self._extract.again(run, logic, stage, again)

    def _after_stage(self, run: Run, position: Position, stage: Stage, logic: FlowLogic) -> Position:
        if (following := logic.flow.next_stage(stage)) is not None:
            return replace(position, stage=following.name, after=None)
        carries = run.mode is Mode.CHANGES and position.read and self.deps.runs.waiting_for_all(run.flow) is not None
        return position.start_of(Task.VANISHED if run.mode is Mode.COMPLETE or carries else Task.FINISH)

    def forget(self, run_id: str) -> None:
        """Remove the cached data of a run that has ended."""
        self._duplicates = {key: value for key, value in self._duplicates.items() if key[0] != run_id}

    def _shared(self, run: str, stage: Stage) -> Duplicates:
        key = (run, stage.name)
        if key not in self._duplicates:
            self._duplicates[key] = self.deps.previews.duplicates(*key, stage.unique)
        return self._duplicates[key]

    def _shaped(self, run: str, logic: FlowLogic, stage: Stage, members: Sequence[Staged]) -> TargetRecord:
        """Return the desired record of the members of one parent, with its group and its source documents."""
        shared = self._shared(run, stage)
        one = logic.shape(stage, members, shared.numbers, shared.marks)
        if stage.grouped_by:
            one = replace(one, group=one.group or _group(members))
        return replace(one, members=tuple(each.key for each in members)) if stage.derived else one

    def _compare(self, run: Run, logic: FlowLogic, looked: _Looked, page: PlanPage) -> None:
        flow, stage, kind = logic.flow, page.stage, page.stage.target
        held, apart = looked.held, looked.apart
        desired = [one.desired for one, _ in looked.pairs if one.desired]
        doubts = in_doubt(self.deps, run, logic, stage, desired, held)  # creates the links that are read next
        links = _links(self.deps, flow.name, desired)
        titles = {one.desired.key: one.title for one, _ in looked.pairs if one.desired}
        held = with_owning_document(self.deps.links, flow.name, stage, held, links)
        if not stage.write_once:
            page.taken_back = self.deps.previews.reverted_values_of(flow.name, kind, [one.key for one in desired])
        if stage.parts and run.mode is not Mode.COMPLETE:
            apart = find_duplicate_articles(self.deps.links, flow.name, stage.parts, desired) | apart
        held_up = (
            issues_for_missing_dependencies(self.deps, run, stage, desired)
            | find_double_matches(self.deps, run, flow, stage, held)
            | doubts
        )
        known = Identified(self.deps.links.references(flow.name), flow, links)
        held_up |= {one.key: issue for one in desired if (issue := known.question(one, held.get(one.key), titles))}
        new = [one for one in desired if one.key not in links and one.key not in held and one.key not in held_up]
        beside = logic.conflicts_between(stage, new) if new else {}
        keys = {one.key for one in new} - beside.keys()
        unknown = [other for one in new if one.key in keys for other in logic.alternatives(stage, one)]
        otherwise = existing_as_other_kind(self.deps.connectors[flow.target], self.deps.links, flow, unknown)
        for one, members in looked.pairs:
            for issue in one.parked:
                page.park(_of_documents(issue, one), kind, one.title, one.group)
            for skip in one.skipped:
                page.skip(skip, kind, one.title, one.group)
            is_apart = one.desired is not None and not apart.keys().isdisjoint(one.desired.sources)
            rest = self._left(run.id, logic, members, apart, page) if is_apart else one
            if (wanted := rest.desired) is None:
                continue
            page.note(rest.noted)
            other = beside.get(wanted.key)
            if isinstance(other, Skip):
                page.skip(other, kind, rest.title, rest.group, rest.weight)
            elif missing := held_up.get(wanted.key) or other or _follows_parked(wanted, page):
                page.park(_of_documents(missing, rest), kind, rest.title, rest.group, rest.weight)
            else:
                there_now, link = held.get(wanted.key), links.get(wanted.key)
                if wanted.key in otherwise:
                    wanted, there_now = otherwise[wanted.key]
                evidence = known.renewed(wanted, there_now, page)
                agrees = _decide(logic, rest, with_current_numbers(wanted, there_now), there_now, link, page, evidence)
                page.hash(link, hashes_of(members, there_now), agrees=agrees)

    def _in_order(
        self, run: str, logic: FlowLogic, stage: Stage, members: Sequence[Staged]
    ) -> Iterator[tuple[TargetRecord, Sequence[Staged]]]:
        """Yield the desired record of one parent, preceded by the record that must be in the target first."""
        one = self._shaped(run, logic, stage, members)
        if one.ahead is not None:
            yield TargetRecord(one.ahead, one.ahead_title, one.group, is_beside=True), ()
        yield one, members

    def _left(
        self, run: str, logic: FlowLogic, members: Sequence[Staged], apart: Mapping[str, Issue], page: PlanPage
    ) -> TargetRecord:
        """Park the members that have an issue, and return the desired record of the other members alone."""
        for each in members:
            if each.record is not None and each.key in apart:
                page.park(apart[each.key], page.stage.target, each.title, each.group)
        rest = [each for each in members if each.key not in apart]
        return self._shaped(run, logic, page.stage, rest) if rest else TargetRecord(None, members[0].title)


def _decide(
    logic: FlowLogic,
    one: TargetRecord,
    wanted: Record,
    held: Held | None,
    link: Link | None,
    page: PlanPage,
    evidence: Evidence,
) -> bool:
    """Add the result for one record to the page; return True if both systems and the link already agree."""
    decision = plan_record(logic, page.stage, Desired(wanted, one.title, one.group, one.unit, one.inputs), held, link)
    outcome, weight = decision.outcome, one.weight
    if isinstance(outcome, Change | Unchanged):
        page.moved_on[wanted.key] = changed_since_revert(wanted, page.taken_back.get(wanted.key, {}), one.inputs)
    for issue in decision.waits:  # a record counts once: as written or as parked
        page.park(_of_documents(issue, one), wanted.kind, one.title, one.group, _once(outcome, weight))
        weight = 0
    agreed = link.agreed if link else None
    match outcome:
        case Issue():
            page.park(_of_documents(outcome, one), wanted.kind, one.title, one.group, weight)
        case Skip():
            page.skip(outcome, wanted.kind, one.title, one.group, weight)
            if held is not None and link is None and page.stage.write_once:
                page.unchanged.append(_as_held(logic, wanted, held))
        case WrittenOnce():
            is_kept = held is None or (link is not None and agreed is not None and not link.unproven)
            page.leave(None if is_kept or held is None else _as_held(logic, wanted, held), weight)
        case Unchanged(agreed=now):
            known = link is not None and agreed is not None and not link.unproven and not differences(now, agreed)
            renewed = None if known or held is None else _link(wanted, held, merged(agreed, now), evidence)
            page.leave(renewed, weight)
            return renewed is None and not decision.waits
        case Change():
            _change(one, wanted, replace(outcome, evidence=evidence), held, agreed, page)
    return False


def _once(outcome: object, weight: int) -> int:
    return weight if isinstance(outcome, Unchanged) else 0


def _change(
    one: TargetRecord, wanted: Record, change: Change, held: Held | None, agreed: Record | None, page: PlanPage
) -> None:
    if page.stage.write_once:  # stored in full, so that a later change of the document can be detected
        change = replace(change, agreed=wanted)
    if one.members:  # a debtor is created for its documents
        change = replace(change, sources=one.members)
    reference, change = held.reference if held else "", _remembering(change, agreed)
    add_without_retracted(page, change, page.taken_back.get(wanted.key, {}), agreed, reference, is_beside=one.is_beside)


def _follows_parked(wanted: Record, page: PlanPage) -> Issue | None:
    """Return an issue if the document that must be in the target first is parked; otherwise None."""
    before = as_text(wanted.values.get(FOLLOWS))
    if not before or not page.is_parked(before):
        return None
    facts = {"key": wanted.key, "field": FOLLOWS, "needed": before, "cause": "needed_record_parked"}
    return Issue("needed_record_parked", wanted.source or wanted.key, FOLLOWS, facts)


def _group(members: Sequence[Staged]) -> str:
    return next((one.group for one in members if one.group), "")


def _of_documents(issue: Issue, one: TargetRecord) -> Issue:
    """Return an issue with the total of its document, and for a derived record with its source documents.

    A retry reads these source documents again.
    """
    sold = one.desired.values.get("sold_incl") if one.desired else None
    if isinstance(sold, Decimal) and "sold" not in issue.facts:
        issue = replace(issue, facts={**issue.facts, "sold": format(sold, "f")})
    if not one.members or "documents" in issue.facts:
        return issue
    return replace(issue, facts={**issue.facts, "documents": ",".join(one.members[:MOST_DOCUMENTS])})


def _links(deps: Dependencies, flow: str, desired: Sequence[Record]) -> dict[str, Link]:
    """Return the links of these records, each under its own kind: a document may be booked as another kind."""
    found: dict[str, Link] = {}
    for kind in dict.fromkeys(record.kind for record in desired):
        found |= deps.links.get(flow, kind, [record.key for record in desired if record.kind is kind])
    return found


def _as_held(logic: FlowLogic, wanted: Record, held: Held) -> Link:
    return _link(wanted, held, adopted_values(wanted, held.record, logic.policy))


def _link(wanted: Record, held: Held, agreed: Record, evidence: Evidence = NO_EVIDENCE) -> Link:
    return Link(wanted.kind, wanted.key, held.reference, agreed, held.marker, evidence=evidence)


def _remembering(change: Change, agreed: Record | None) -> Change:
    """Return the change with the agreed values of parts that it does not touch."""
    return change if agreed is None else replace(change, agreed=merged(agreed, change.agreed))
