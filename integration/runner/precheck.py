"""Checks the next changes of a plan against the target before they are sent."""

from collections.abc import Sequence
from dataclasses import replace

from integration.core.flow import Flow
from integration.core.issues import Issue
from integration.core.link_evidence import is_identified
from integration.core.links import Link
from integration.core.plan import Change, differences, remaining, still_applies
from integration.core.plan_lines import PlanRow
from integration.core.records import Held
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
from integration.store.plan_lines import Known

WRITE_PAGE = 100  # changes looked up and read back together
TREE_PAGE = 10_000  # groups refer to each other, so all of them form one page


class Precheck:
    """Looks up changes before they are sent, and settles changes that need no write."""

    def __init__(self, deps: Dependencies, doubts: UncertainWrites) -> None:
        self.deps = deps
        self._uncertain = doubts

    def look(
        self, run: Run, logic: FlowLogic, at_work: Sequence[PlanRow], after: int = BEFORE_THE_FIRST
    ) -> LookedUpPage | None:
        """Return the next changes after a line of the plan, and which of them to send; None if none is left.

        Lines `at_work` are sent or about to be sent and are not settled. A change that depends on one of them is left
        out.
        """
        rows = self._next(run, logic.flow, after)
        if strange := [row for row in rows if not is_known(logic.flow, row)]:
            parked = [_parked_unknown(row) for row in strange]
            self.deps.ledger.settle(run.id, parked, changes_by_number(strange))
            return LookedUpPage(strange, [], sees=True, settled=True)
        rows = _free_of(logic.flow, rows, at_work)
        if not rows:
            return None
        references = self.deps.links.references(run.flow)
        held, sees = self._uncertain.look(run, logic.flow, references, rows)
        ready, moved = self._sorted(run, logic, references, rows, held)
        if moved:
            known = changes_by_number(rows)
            self.deps.ledger.settle(run.id, [one for one in moved if one.step is Step.PARKED], known)
            self._prove_untouched(run, [one for one in moved if one.step is not Step.PARKED], known)
        return LookedUpPage(rows, _one_of_each(ready), sees=sees, settled=bool(moved))

    def _next(self, run: Run, flow: Flow, after: int) -> Sequence[PlanRow]:
        rows = self.deps.ledger.next_planned(run.id, flow.order, WRITE_PAGE, after)
        if has_internal_references(flow, rows):
            rows = self.deps.ledger.next_planned(run.id, flow.order, TREE_PAGE)
        return rows

    def _sorted(
        self, run: Run, logic: FlowLogic, references: LinkReferences, rows: Sequence[PlanRow], held: dict[str, Held]
    ) -> tuple[list[Dispatch], list[Outcome]]:
        """Return the changes to send, and the outcomes of the other changes."""
        flow = logic.flow
        ready: list[Dispatch] = []
        moved = self._by_others(run, logic, [row for row in rows if row.key not in held and not change_of(row).before])
        moved += self._unfollowed(run, flow, [row for row in rows if row.key not in held and not _has_end(row, moved)])
        settled = {one.seq for one in moved}
        links = self._links(run, rows)
        for row in rows:
            if row.seq in settled:
                continue
            link, there = links.get(row.key), held.get(row.key)
            if question := target_question(flow, link, change_of(row).agreed, there, row.title):
                moved.append(Outcome(row.seq, Step.PARKED, issue=question))
                continue
            change, now = change_of(row), held.get(row.key)
            todo = change if still_applies(change, record_of(now)) else None
            if (
                todo is None and row.attempts and not flow.stage(row.stage).write_once
            ):  # an earlier attempt of ours may have done part of it
                todo = remaining(change, record_of(now))
            if todo is None and now is not None and self._done_already(run, row, change, now):
                moved.append(Outcome(row.seq, Step.PROVEN, now.reference, now.marker))
            elif todo is None:
                issue = other_document_question(logic, row, now) or _changed_since(row, change, now)
                moved.append(Outcome(row.seq, Step.PARKED, issue=issue))
            elif not differences(todo.wanted, record_of(now)):
                moved.append(Outcome(row.seq, Step.PROVEN, now.reference if now else "", now.marker if now else ""))
            else:
                repeatable = flow.stage(row.stage).is_repeatable(is_new=change.before is None)
                ready.append(Dispatch(row, todo, now, references, repeatable))
        return ready, moved

    def _links(self, run: Run, rows: Sequence[PlanRow]) -> dict[str, Link]:
        """Return the links of the lines whose kind has evidence."""
        keys = [row.key for row in rows if is_identified(row.kind)]
        return self.deps.links.get(run.flow, rows[0].kind, keys) if keys else {}

    def _by_others(self, run: Run, logic: FlowLogic, rows: Sequence[PlanRow]) -> list[Outcome]:
        """Return the outcomes of new records that another plan has sent and that no lookup shows.

        None of these changes is sent. A record that was accepted and cannot be read is accepted. A record in doubt is
        parked with a question. A record in conflict with another record is parked with that conflict as its cause.
        """
        if not rows:
            return []
        flow, stage = logic.flow, logic.flow.stage(rows[0].stage)
        kind, keys = rows[0].kind, [row.key for row in rows]
        doubts = {
            one.key: one
            for one in self.deps.ledger.in_doubt(run.id, run.flow, None if stage.write_once else kind, keys)
            if not may_repeat(stage, one)
        }
        links = self.deps.links.get(run.flow, kind, keys) if stage.unverifiable else {}
        beside = logic.conflicts_between(stage, [agreed_of(row) for row in rows], sending=True)
        apart = doubts.keys() | links.keys() | beside.keys()
        otherwise = self._otherwise(logic, [row for row in rows if row.key not in apart])
        found = []
        for row in rows:
            if row.key in doubts:
                found.append(replace(parked_in_doubt(flow, doubts[row.key]), seq=row.seq))
            elif row.key in links:
                found.append(Outcome(row.seq, Step.ACCEPTED, links[row.key].reference))
            elif row.key in beside:
                found.append(Outcome(row.seq, Step.PARKED, issue=as_issue(beside[row.key])))
            elif row.key in otherwise:
                found.append(Outcome(row.seq, Step.PARKED, issue=otherwise[row.key]))
        return found

    def _otherwise(self, logic: FlowLogic, rows: Sequence[PlanRow]) -> dict[str, Issue]:
        """Return the issue of each new document that somebody has entered as another kind since the plan was made."""
        flow = logic.flow
        if not rows or not self.deps.safeguards.look:
            return {}
        stage = flow.stage(rows[0].stage)
        asked = [other for row in rows for other in logic.alternatives(stage, agreed_of(row))]
        there = existing_as_other_kind(self.deps.connectors[flow.target], self.deps.links, flow, asked)
        return {
            row.key: logic.objection(stage, other, now, None) or _changed_since(row, change_of(row), now)
            for row in rows
            if row.key in there
            for other, now in [there[row.key]]
        }

    def _unfollowed(self, run: Run, flow: Flow, rows: Sequence[PlanRow]) -> list[Outcome]:
        """Return as parked each document whose preceding document is not in the target.

        Otherwise both documents would count there.
        """
        following = {row.seq: change_of(row).follows for row in rows if change_of(row).follows}
        if not following:
            return []
        kinds, links = {stage.target for stage in flow.stages if stage.write_once}, self.deps.links
        there = {key for kind in kinds for key in links.get(run.flow, kind, list(following.values()))}
        return [
            Outcome(row.seq, Step.PARKED, issue=Issue("credit_not_there", row.key, facts={"key": row.title}))
            for row in rows
            if row.seq in following and following[row.seq] not in there
        ]

    def _done_already(self, run: Run, row: PlanRow, change: Change, now: Held) -> bool:
        """Return True if the target already has all values of a change because another plan wrote them.

        A new record counts only if its link proves that it is ours: a similar record is a question for a person.
        """
        if differences(change.wanted, now.record):
            return False
        link = self.deps.links.get(run.flow, row.kind, [row.key]).get(row.key)
        return change.before is not None or (link is not None and link.reference == now.reference)

    def _prove_untouched(self, run: Run, outcomes: Sequence[Outcome], known: Known) -> None:
        """Settle changes that are already done. They are marked as sent first, like every proven change."""
        if outcomes:
            self.deps.ledger.mark_sent(run.id, [one.seq for one in outcomes], known, is_done=True)
            self.deps.ledger.settle(run.id, outcomes, known)


def has_internal_references(flow: Flow, rows: Sequence[PlanRow]) -> bool:
    """Return True if the records of these changes refer to each other; such changes are processed as one page."""
    return bool(rows) and is_known(flow, rows[0]) and rows[0].kind in flow.stage(rows[0].stage).needs.values()


def _parked_unknown(row: PlanRow) -> Outcome:
    facts = {"key": row.title or row.key, "name": row.kind}
    return Outcome(row.seq, Step.PARKED, issue=Issue("kind_unknown", row.key, facts=facts))


def _has_end(row: PlanRow, outcomes: Sequence[Outcome]) -> bool:
    return any(row.seq == one.seq for one in outcomes)


def _one_of_each(ready: Sequence[Dispatch]) -> list[Dispatch]:
    """Return the first change of each record. The next change depends on the state after the first one."""
    first: dict[str, Dispatch] = {}
    for one in ready:
        first.setdefault(one.row.key, one)
    return list(first.values())


def _changed_since(row: PlanRow, change: Change, now: Held | None) -> Issue:
    facts = {"key": row.title, "fields": field_names(_moved(change, now))}
    return Issue("target_changed_since_plan", row.key, facts=facts)


def _one_of_a_number(flow: Flow, rows: Sequence[PlanRow], at_work: Sequence[PlanRow]) -> list[PlanRow]:
    """Return the first document of each reference; the next one is looked up after the first is sent.

    Two documents of the till may have the same number.
    """
    first, taken = [], {change_of(row).wanted.values.get("reference") for row in at_work}
    for row in rows:
        number = change_of(row).wanted.values.get("reference") if flow.stage(row.stage).write_once else None
        if number is None or number not in taken:
            first.append(row)
            taken.add(number)
    return first


def _moved(change: Change, now: Held | None) -> tuple[str, ...]:
    if change.before is None or now is None:
        return ()
    return differences(change.before, now.record)


def _free_of(flow: Flow, rows: Sequence[PlanRow], at_work: Sequence[PlanRow]) -> Sequence[PlanRow]:
    keys = {row.key for row in at_work}
    return _free(flow, _one_of_a_number(flow, [row for row in rows if row.key not in keys], at_work), at_work)


def _free(flow: Flow, rows: Sequence[PlanRow], at_work: Sequence[PlanRow]) -> Sequence[PlanRow]:
    """Return the changes whose dependencies are settled: a record cannot be written before the records it refers to.

    Returns all changes if they only refer to each other in a circle; the target will report that.
    """
    open_keys = {(row.kind, row.key) for row in (*rows, *at_work)}
    keys = {key for _, key in open_keys}

    def is_free(row: PlanRow) -> bool:
        values = change_of(row).wanted.values
        if change_of(row).follows in keys:
            return False
        return not any((kind, values.get(name)) in open_keys for name, kind in flow.stage(row.stage).needs.items())

    free = [row for row in rows if is_free(row)]
    return free if free or at_work else rows
