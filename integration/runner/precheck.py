"""Checks the next changes of a plan against the target before they are sent."""

from collections.abc import Sequence
from dataclasses import replace

from integration.core.flow import Flow
from integration.core.issues import Issue
from integration.core.link_evidence import is_identified
from integration.core.links import Link
from integration.core.plan import Change, differences, remaining, still_applies
from integration.core.plan_lines import PlanRow
from integration.core.records import CurrentRecord
from integration.core.run import Outcome, Run
from integration.core.states import Step
from integration.flows.spec import FlowLogic
from integration.runner.conflicts import existing_as_other_kind
from integration.runner.dependencies import Dependencies
from integration.runner.dispatch import Dispatch, LookedUpPage
from integration.runner.identified import target_question
from integration.runner.outcomes import (
    agreed_of,
    as_issue,
    change_of,
    changes_by_number,
    field_names,
    is_known,
    record_of,
)
from integration.runner.uncertain_writes import (
    UncertainWrites,
    may_repeat,
    other_document_question,
    parked_in_doubt,
)
from integration.store.ledger import BEFORE_THE_FIRST
from integration.store.links import LinkReferences
from integration.store.plan_lines import NumberedChanges

WRITE_PAGE = 100  # changes looked up and read back together
TREE_PAGE = 10_000  # groups refer to each other, so all of them form one page


class Precheck:
    """Looks up changes before they are sent, and settles changes that need no write."""

    def __init__(self, deps: Dependencies, doubts: UncertainWrites) -> None:
        self.deps = deps
        self._uncertain = doubts

    def next_page(
        self, run: Run, logic: FlowLogic, at_work: Sequence[PlanRow], after: int = BEFORE_THE_FIRST
    ) -> LookedUpPage | None:
        """Return the next changes after a line of the plan, and which of them to send; None if none is left.

        Lines `at_work` are sent or about to be sent and are not settled. A change that depends on one of them is left
        out.
        """
        rows = self._next_rows(run, logic.flow, after)
        if strange := [row for row in rows if not is_known(logic.flow, row)]:
            parked = [_parked_unknown(row) for row in strange]
            self.deps.ledger.settle(run.id, parked, changes_by_number(strange))
            return LookedUpPage(strange, [], is_reliable=True, has_settled_line=True)
        rows = _independent_rows(logic.flow, rows, at_work)
        if not rows:
            return None
        references = self.deps.links.references(run.flow)
        current_records, is_reliable = self._uncertain.look_up(run, logic.flow, references, rows)
        ready, moved = self._classify(run, logic, references, rows, current_records)
        if moved:
            numbered_changes = changes_by_number(rows)
            self.deps.ledger.settle(
                run.id, [outcome for outcome in moved if outcome.step is Step.PARKED], numbered_changes
            )
            self._prove_untouched(
                run, [outcome for outcome in moved if outcome.step is not Step.PARKED], numbered_changes
            )
        return LookedUpPage(rows, _first_per_record(ready), is_reliable=is_reliable, has_settled_line=bool(moved))

    def _next_rows(self, run: Run, flow: Flow, after: int) -> Sequence[PlanRow]:
        rows = self.deps.ledger.next_planned(run.id, flow.order, WRITE_PAGE, after)
        if has_internal_references(flow, rows):
            rows = self.deps.ledger.next_planned(run.id, flow.order, TREE_PAGE)
        return rows

    def _classify(
        self,
        run: Run,
        logic: FlowLogic,
        references: LinkReferences,
        rows: Sequence[PlanRow],
        current_records: dict[str, CurrentRecord],
    ) -> tuple[list[Dispatch], list[Outcome]]:
        """Return the changes to send, and the outcomes of the other changes."""
        flow = logic.flow
        ready: list[Dispatch] = []
        moved = self._sent_by_others(
            run, logic, [row for row in rows if row.key not in current_records and not change_of(row).before]
        )
        moved += self._parked_followers(
            run, flow, [row for row in rows if row.key not in current_records and not _has_outcome(row, moved)]
        )
        settled = {outcome.seq for outcome in moved}
        links = self._links(run, rows)
        for row in rows:
            if row.seq in settled:
                continue
            link, current = links.get(row.key), current_records.get(row.key)
            if question := target_question(flow, link, change_of(row).agreed, current, row.title):
                moved.append(Outcome(row.seq, Step.PARKED, issue=question))
                continue
            change, now = change_of(row), current_records.get(row.key)
            todo = change if still_applies(change, record_of(now)) else None
            if (
                todo is None and row.attempts and not flow.stage(row.stage).write_once
            ):  # an earlier attempt of ours may have done part of it
                todo = remaining(change, record_of(now))
            if todo is None and now is not None and self._is_done(run, row, change, now):
                moved.append(Outcome(row.seq, Step.PROVEN, now.reference, now.marker))
            elif todo is None:
                issue = other_document_question(logic, row, now) or _changed_since(row, change, now)
                moved.append(Outcome(row.seq, Step.PARKED, issue=issue))
            elif not differences(todo.desired, record_of(now)):
                moved.append(Outcome(row.seq, Step.PROVEN, now.reference if now else "", now.marker if now else ""))
            else:
                repeatable = flow.stage(row.stage).is_repeatable(is_new=change.before is None)
                ready.append(Dispatch(row, todo, now, references, repeatable))
        return ready, moved

    def _links(self, run: Run, rows: Sequence[PlanRow]) -> dict[str, Link]:
        """Return the links of the lines whose kind has evidence."""
        keys = [row.key for row in rows if is_identified(row.kind)]
        return self.deps.links.get(run.flow, rows[0].kind, keys) if keys else {}

    def _sent_by_others(self, run: Run, logic: FlowLogic, rows: Sequence[PlanRow]) -> list[Outcome]:
        """Return the outcomes of new records that another plan has sent and that no lookup shows.

        None of these changes is sent. A record that was accepted and cannot be read is accepted. A record in doubt is
        parked with a question. A record in conflict with another record is parked with that conflict as its cause.
        """
        if not rows:
            return []
        flow, stage = logic.flow, logic.flow.stage(rows[0].stage)
        kind, keys = rows[0].kind, [row.key for row in rows]
        doubts = {
            sent_row.key: sent_row
            for sent_row in self.deps.ledger.in_doubt(run.id, run.flow, None if stage.write_once else kind, keys)
            if not may_repeat(stage, sent_row)
        }
        links = self.deps.links.get(run.flow, kind, keys) if stage.unverifiable else {}
        beside = logic.conflicts_between(stage, [agreed_of(row) for row in rows], sending=True)
        apart = doubts.keys() | links.keys() | beside.keys()
        otherwise = self._entered_as_other_kind(logic, [row for row in rows if row.key not in apart])
        outcomes = []
        for row in rows:
            if row.key in doubts:
                outcomes.append(replace(parked_in_doubt(flow, doubts[row.key]), seq=row.seq))
            elif row.key in links:
                outcomes.append(Outcome(row.seq, Step.ACCEPTED, links[row.key].reference))
            elif row.key in beside:
                outcomes.append(Outcome(row.seq, Step.PARKED, issue=as_issue(beside[row.key])))
            elif row.key in otherwise:
                outcomes.append(Outcome(row.seq, Step.PARKED, issue=otherwise[row.key]))
        return outcomes

    def _entered_as_other_kind(self, logic: FlowLogic, rows: Sequence[PlanRow]) -> dict[str, Issue]:
        """Return the issue of each new document that somebody has entered as another kind since the plan was made."""
        flow = logic.flow
        if not rows:
            return {}
        stage = flow.stage(rows[0].stage)
        alternatives = [other for row in rows for other in logic.alternatives(stage, agreed_of(row))]
        existing = existing_as_other_kind(self.deps.connectors[flow.target], self.deps.links, flow, alternatives)
        return {
            row.key: logic.objection(stage, other, now, None) or _changed_since(row, change_of(row), now)
            for row in rows
            if row.key in existing
            for other, now in [existing[row.key]]
        }

    def _parked_followers(self, run: Run, flow: Flow, rows: Sequence[PlanRow]) -> list[Outcome]:
        """Return as parked each document whose preceding document is not in the target.

        Otherwise both documents would count there.
        """
        following = {row.seq: change_of(row).follows for row in rows if change_of(row).follows}
        if not following:
            return []
        kinds, links = {stage.target for stage in flow.stages if stage.write_once}, self.deps.links
        linked_keys = {key for kind in kinds for key in links.get(run.flow, kind, list(following.values()))}
        return [
            Outcome(row.seq, Step.PARKED, issue=Issue("credit_not_there", row.key, facts={"key": row.title}))
            for row in rows
            if row.seq in following and following[row.seq] not in linked_keys
        ]

    def _is_done(self, run: Run, row: PlanRow, change: Change, now: CurrentRecord) -> bool:
        """Return True if the target already has all values of a change because another plan wrote them.

        A new record counts only if its link proves that it is ours: a similar record is a question for a person.
        """
        if differences(change.desired, now.record):
            return False
        link = self.deps.links.get(run.flow, row.kind, [row.key]).get(row.key)
        return change.before is not None or (link is not None and link.reference == now.reference)

    def _prove_untouched(self, run: Run, outcomes: Sequence[Outcome], numbered_changes: NumberedChanges) -> None:
        """Settle changes that are already done. They are marked as sent first, like every proven change."""
        if outcomes:
            self.deps.ledger.mark_sent(run.id, [outcome.seq for outcome in outcomes], numbered_changes, is_done=True)
            self.deps.ledger.settle(run.id, outcomes, numbered_changes)


def has_internal_references(flow: Flow, rows: Sequence[PlanRow]) -> bool:
    """Return True if the records of these changes refer to each other; such changes are processed as one page."""
    return bool(rows) and is_known(flow, rows[0]) and rows[0].kind in flow.stage(rows[0].stage).needs.values()


def _parked_unknown(row: PlanRow) -> Outcome:
    facts = {"key": row.title or row.key, "name": row.kind}
    return Outcome(row.seq, Step.PARKED, issue=Issue("kind_unknown", row.key, facts=facts))


def _has_outcome(row: PlanRow, outcomes: Sequence[Outcome]) -> bool:
    return any(row.seq == outcome.seq for outcome in outcomes)


def _first_per_record(ready: Sequence[Dispatch]) -> list[Dispatch]:
    """Return the first change of each record. The next change depends on the state after the first one."""
    first: dict[str, Dispatch] = {}
    for dispatch in ready:
        first.setdefault(dispatch.row.key, dispatch)
    return list(first.values())


def _changed_since(row: PlanRow, change: Change, now: CurrentRecord | None) -> Issue:
    facts = {"key": row.title, "fields": field_names(_moved_fields(change, now))}
    return Issue("target_changed_since_plan", row.key, facts=facts)


def _first_per_reference(flow: Flow, rows: Sequence[PlanRow], at_work: Sequence[PlanRow]) -> list[PlanRow]:
    """Return the first document of each reference; the next one is looked up after the first is sent.

    Two documents of the till may have the same number.
    """
    first, used_references = [], {change_of(row).desired.values.get("reference") for row in at_work}
    for row in rows:
        number = change_of(row).desired.values.get("reference") if flow.stage(row.stage).write_once else None
        if number is None or number not in used_references:
            first.append(row)
            used_references.add(number)
    return first


def _moved_fields(change: Change, now: CurrentRecord | None) -> tuple[str, ...]:
    if change.before is None or now is None:
        return ()
    return differences(change.before, now.record)


def _independent_rows(flow: Flow, rows: Sequence[PlanRow], at_work: Sequence[PlanRow]) -> Sequence[PlanRow]:
    keys = {row.key for row in at_work}
    return _without_open_needs(
        flow, _first_per_reference(flow, [row for row in rows if row.key not in keys], at_work), at_work
    )


def _without_open_needs(flow: Flow, rows: Sequence[PlanRow], at_work: Sequence[PlanRow]) -> Sequence[PlanRow]:
    """Return the changes whose dependencies are settled: a record cannot be written before the records it refers to.

    Returns all changes if they only refer to each other in a circle; the target will report that.
    """
    open_keys = {(row.kind, row.key) for row in (*rows, *at_work)}
    keys = {key for _, key in open_keys}

    def is_free(row: PlanRow) -> bool:
        change = change_of(row)
        return change.follows not in keys and open_keys.isdisjoint(flow.stage(row.stage).needed_records(change.desired))

    free = [row for row in rows if is_free(row)]
    return free if free or at_work else rows
