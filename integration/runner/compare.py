"""Comparing what should be with what the target holds, and keeping what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from integration.core.flow import Stage
from integration.core.issues import Issue, Skip, not_readable
from integration.core.plan import Change, Unchanged, diff, differences
from integration.core.records import Held, Kind, Record, Unreadable, merged
from integration.core.run import Duplicates, Link, Mode, Position, Progress, Run, Staged, Task
from integration.flows.spec import FlowLogic, Shaped
from integration.runner.conflicts import claimed, taken, waiting
from integration.runner.doubts import in_doubt
from integration.runner.lookup import look_around
from integration.runner.page import PlanPage, page_of
from integration.runner.parts import Parts

COMPARE_PAGE = 250  # target records compared at a time
MOST_DOCUMENTS = 50  # named by the issue of a record that comes out of them


class Compare:
    """Plans what makes the target as it should be."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._duplicates: dict[tuple[str, int], Duplicates] = {}

    def compare(self, run: Run, logic: FlowLogic) -> None:
        """Compare one page of what was read."""
        position, stage = run.position, logic.flow.stages[run.position.stage]
        groups = self.parts.previews.staged_groups(run.id, position.stage, position.after, COMPARE_PAGE)
        if not groups:
            self.parts.previews.keep_position(run.id, self._after_stage(run, position, stage, logic))
            return
        page = page_of(self.parts, logic, stage)
        self._compare(run, logic, groups, page)
        planned = position.planned + page.weight
        position = page.counted(replace(position, after=groups[-1][0].parent, planned=planned))
        progress = Progress("plan", position.planned, position.read)
        self.parts.previews.keep_page(run.id, page.rows, page.unchanged, page.unchanged_weight, position, progress)

    def _after_stage(self, run: Run, position: Position, stage: Stage, logic: FlowLogic) -> Position:
        if (following := logic.flow.after(stage)) is not None:
            return replace(position, stage=logic.flow.order(following), after=None)
        carries = run.mode is Mode.CHANGES and position.read and self.parts.runs.waiting_for_all(run.flow) is not None
        return position.at(Task.VANISHED if run.mode is Mode.COMPLETE or carries else Task.FINISH)

    def forget(self, run_id: str) -> None:
        """Drop what is known of a run that has ended."""
        self._duplicates = {key: value for key, value in self._duplicates.items() if key[0] != run_id}

    def _shared(self, run: Run, logic: FlowLogic, stage: Stage) -> Duplicates:
        key = (run.id, logic.flow.order(stage))
        if key not in self._duplicates:
            self._duplicates[key] = self.parts.previews.duplicates(*key, stage.unique)
        return self._duplicates[key]

    def _shaped(self, run: Run, logic: FlowLogic, stage: Stage, members: Sequence[Staged]) -> Shaped:
        """Return what the members of one parent come to, with how they are sorted and what they come out of."""
        shared = self._shared(run, logic, stage)
        one = logic.shape(stage, members, shared.numbers, shared.marks)
        if stage.grouped_by:
            one = replace(one, group=one.group or _group(members))
        return replace(one, members=tuple(each.key for each in members)) if stage.derived else one

    def _compare(self, run: Run, logic: FlowLogic, groups: Sequence[Sequence[Staged]], page: PlanPage) -> None:
        flow, stage, kind = logic.flow, page.stage, page.stage.target
        shaped = [self._shaped(run, logic, stage, members) for members in groups]
        desired = [one.desired for one in shaped if one.desired]
        held, apart = {}, {}  # type: tuple[dict[str, Held], dict[str, Issue]]
        if not stage.unproven:
            held, apart = look_around(self.parts.connectors[flow.target], shaped, self.parts.links, flow.name)
        links = self.parts.links.get(flow.name, kind, [record.key for record in desired])
        if kind is Kind.PRODUCT and run.mode is not Mode.COMPLETE:
            apart = taken(self.parts.links, flow.name, desired) | apart
        held_up = waiting(self.parts, run, stage, desired) | claimed(self.parts, run, flow, stage, held)
        held_up |= in_doubt(self.parts, run, flow, stage, desired, held)
        there = {key: one.record for key, one in held.items()}
        held_up |= {key: not_readable(one, flow.target) for key, one in there.items() if isinstance(one, Unreadable)}
        for one, members in zip(shaped, groups, strict=True):
            for issue in one.parked:
                page.park(_of_documents(issue, one), kind, one.title, one.group)
            for skip in one.skipped:
                page.skip(skip, kind, one.title, one.group)
            is_apart = one.desired is not None and not apart.keys().isdisjoint(one.desired.sources)
            rest = self._left(run, logic, members, apart, page) if is_apart else one
            if (wanted := rest.desired) is None:
                continue
            if missing := held_up.get(wanted.key):
                page.park(_of_documents(missing, rest), kind, rest.title, rest.group, len(wanted.sources))
            else:
                _decide(logic, rest, wanted, held.get(wanted.key), links.get(wanted.key), page)

    def _left(
        self, run: Run, logic: FlowLogic, members: Sequence[Staged], apart: Mapping[str, Issue], page: PlanPage
    ) -> Shaped:
        """Park the members that have an issue, and return what the others come to: as if those were not there."""
        for each in members:
            if each.record is not None and each.key in apart:
                page.park(apart[each.key], page.stage.target, each.title, each.group)
        rest = [each for each in members if each.key not in apart]
        return self._shaped(run, logic, page.stage, rest) if rest else Shaped(None, members[0].title)


def _decide(
    logic: FlowLogic, one: Shaped, wanted: Record, held: Held | None, link: Link | None, page: PlanPage
) -> None:
    stage, weight, unproven = page.stage, len(wanted.sources), link is not None and link.unproven
    if objection := logic.objection(stage, wanted, held, link):
        page.park(_of_documents(objection, one), wanted.kind, one.title, one.group, weight)
        return
    fitting = logic.fitting(stage, wanted, held)
    if isinstance(fitting, Skip):
        page.skip(fitting, wanted.kind, one.title, one.group, weight)
        if held is not None and link is None and stage.once:
            page.unchanged.append(_link(wanted, held, wanted))
        return
    agreed = link.agreed if link else None
    if stage.once and (held is not None or unproven):
        is_kept = held is None or (agreed is not None and not unproven)
        page.leave(None if is_kept or held is None else _link(wanted, held, wanted), weight)
        return
    record = held.record if held else None
    match diff(fitting, record, agreed, logic.policy, title=one.title, group=one.group):
        case Issue() as issue:
            page.park(_of_documents(issue, one), wanted.kind, one.title, one.group, weight)
        case Unchanged(agreed=now):
            known = agreed is not None and not unproven and not differences(now, agreed)
            renewed = None if known or held is None else _link(wanted, held, merged(agreed, now))
            page.leave(renewed, weight)
        case Change() as change:
            if stage.once:  # remembered whole: a later change of the document shows
                change = replace(change, agreed=wanted)
            if one.members:  # a debtor is there for its documents
                change = replace(change, sources=one.members)
            page.change(_remembering(change, agreed), logic.watched(change), held.reference if held else "")


def _group(members: Sequence[Staged]) -> str:
    return next((one.group for one in members if one.group), "")


def _of_documents(issue: Issue, one: Shaped) -> Issue:
    """Return an issue with what its document comes to; that of a derived record with the documents it comes out of.

    They are what is tried again.
    """
    sold = one.desired.values.get("sold_incl") if one.desired else None
    if isinstance(sold, Decimal) and "sold" not in issue.facts:
        issue = replace(issue, facts={**issue.facts, "sold": format(sold, "f")})
    if not one.members or "documents" in issue.facts:
        return issue
    return replace(issue, facts={**issue.facts, "documents": ",".join(one.members[:MOST_DOCUMENTS])})


def _link(wanted: Record, held: Held, agreed: Record) -> Link:
    return Link(wanted.kind, wanted.key, held.reference, agreed, held.marker)


def _remembering(change: Change, agreed: Record | None) -> Change:
    """Return the change with the memory of parts it does not touch kept."""
    return change if agreed is None else replace(change, agreed=merged(agreed, change.agreed))
