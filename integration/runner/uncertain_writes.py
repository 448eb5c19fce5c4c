"""What was sent, and nobody knows whether the target has it: never sent again before a look or a person says so."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from integration.core.errors import IntegrationError
from integration.core.flow import Flow, Stage
from integration.core.issues import Issue
from integration.core.plan import differences, remaining, still_applies
from integration.core.plan_lines import PlanRow
from integration.core.records import Held, Record, Unreadable
from integration.core.run import Outcome, Run
from integration.core.states import Step
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies
from integration.runner.dispatch import Dispatch
from integration.runner.lookup import look, lookup_with_canary
from integration.runner.outcomes import (
    agreed_of,
    change_of,
    changes_by_number,
    field_names,
    is_known,
    may_be_partial,
    record_of,
    verification_failed,
)
from integration.store.links import LinkReferences
from integration.store.plan_lines import UNSETTLED

MOST_UNANSWERED = 4  # records sent alone, one after the other, before a person is asked
ATTEMPTS = 4  # writes of one change of what is there, before a person is asked: the same value twice is one value
SENDINGS = 2  # of something new that was never answered, before a person is asked
CANARIES = (3, 25)  # records that were written last and have to be found: at first, and where none of those is


def in_doubt(
    deps: Dependencies, run: Run, logic: FlowLogic, stage: Stage, desired: Sequence[Record], held: Mapping[str, Held]
) -> dict[str, Issue]:
    """Return an issue for each record that another run sent and that the look does not show.

    What the look does show is kept as proven where it was in doubt; of a document, where it is the one that was sent.
    """
    flow = logic.flow
    kind = (
        None if stage.write_once else stage.target
    )  # a document may have been sent as another kind than it would be now
    doubts = deps.ledger.in_doubt(run.id, flow.name, kind, [record.key for record in desired])
    kinds = {record.key: record.kind for record in desired}
    alike = [row for row in doubts if row.kind is kinds[row.key]]
    others = _others(logic, alike, held)
    own = deps.ledger.settle_doubts(alike, {key: now for key, now in held.items() if key not in others})
    unseen = (*own, *(row for row in doubts if row.kind is not kinds[row.key]))
    return {row.key: others.get(row.key) or doubt_question(flow, row) for row in unseen}


def _others(logic: FlowLogic, doubts: Sequence[PlanRow], held: Mapping[str, Held]) -> dict[str, Issue | None]:
    """Return what is held of documents in doubt and is none of them, with the question that is; None where unread."""
    asked = {row.key: other_document_question(logic, row, held[row.key]) for row in doubts if row.key in held}
    return {key: issue for key, issue in asked.items() if issue is not None or isinstance(held[key].record, Unreadable)}


def other_document_question(logic: FlowLogic, row: PlanRow, now: Held | None) -> Issue | None:
    """Return the question about a new document under whose reference the target holds another one."""
    stage, change = logic.flow.stage(row.stage), change_of(row)
    is_told = stage.write_once and change.before is None and now is not None and not isinstance(now.record, Unreadable)
    return logic.objection(stage, change.agreed, now, None) if is_told else None


def may_send_probe(doubts: Sequence[PlanRow], run: Run) -> bool:
    """Tell whether one more record may be sent to find out whether looks see: while none of a few was answered."""
    unanswered = [row for row in doubts if row.run == run.id and row.step is Step.IN_DOUBT and not row.accepted]
    return 0 < len(unanswered) == len(doubts) < MOST_UNANSWERED


def doubt_question(flow: Flow, row: PlanRow) -> Issue:
    """Return the question whether the target has what was sent: under which reference, and which number was told."""
    values = row.change.wanted.values if row.change else {}
    reference = str(values.get("reference") or values.get("external_id") or values.get("number") or row.title)
    facts = {"key": row.title, "system": flow.target, "flow": flow.name, "reference": reference}
    facts |= {"number": row.reference} if row.reference else {}
    facts |= {"since": row.sent_at.isoformat()} if row.sent_at else {}
    return Issue("read_back_missing" if row.accepted else "never_answered", row.key, facts=facts)


def parked_in_doubt(flow: Flow, row: PlanRow) -> Outcome:
    """Return a change parked with the question whether the target has it."""
    return Outcome(row.seq, Step.PARKED, issue=doubt_question(flow, row))


class UncertainWrites:
    """What of a run was sent and has no end yet, and what may be sent while nobody knows whether looks see."""

    def __init__(self, deps: Dependencies) -> None:
        self.deps = deps

    def look(
        self, run: Run, flow: Flow, references: LinkReferences, rows: Sequence[PlanRow]
    ) -> tuple[dict[str, Held], bool]:
        """Return what the target holds, and whether what it does not show is not there.

        That matters where something new is sent, and there a look has to find something that is known to be there, or
        some of what was sent as new.
        """
        target, wanted = self.deps.connectors[flow.target], [agreed_of(row) for row in rows]
        if flow.stage(rows[0].stage).unverifiable:
            return {}, True
        if not self.deps.safeguards.look:
            return look(target, [agreed_of(row) for row in rows if change_of(row).before], references), True
        if all(change_of(row).before for row in rows):
            return look(target, wanted, references), True
        for number in CANARIES:
            known = self.deps.links.newest(run.flow, rows[0].kind, number)
            held, sees = lookup_with_canary(target, wanted, references, [one.agreed for one in known if one.agreed])
            sees = sees or any(row.key in held for row in rows if change_of(row).before is None)
            if sees or len(known) < number:
                break
        return held, sees

    def single_probe(self, run: Run, flow: Flow, ready: Sequence[Dispatch]) -> list[Dispatch]:
        """Return what may be sent while nobody knows whether new records will be seen: of those, one alone.

        None while one of this run may still be seen. Raises IntegrationError `look_unproven` where one was not.
        """
        new = [one for one in ready if one.change.before is None][:1]
        doubts = self.deps.ledger.all_in_doubt(run.flow, new[0].row.kind) if new else []
        if doubts and not self._may_try_another(flow, doubts, run):
            if not any(row.run == run.id and row.step in UNSETTLED for row in doubts):
                raise IntegrationError("look_unproven", system=flow.target, kind=str(new[0].row.kind))
            new = []
        return [one for one in ready if one.change.before is not None or one in new]

    def settle(self, run: Run, logic: FlowLogic) -> None:
        """Look in the target for what was sent and never settled; nothing is repeated before it was looked for.

        What is of no kind that is known here cannot be looked for: it is a question at once.
        """
        flow = logic.flow
        rows = self.deps.ledger.unsettled(run.id)
        if not rows:
            return
        known = [row for row in rows if is_known(flow, row)]
        outcomes: list[Outcome | None] = [parked_in_doubt(flow, row) for row in rows if row not in known]
        references = self.deps.links.references(run.flow)
        for kind in dict.fromkeys(row.kind for row in known):
            alike = [row for row in known if row.kind is kind]
            held, sees = self.look(run, flow, references, alike)
            if not sees and self._waits_for_another(run, flow, alike, held):
                continue
            outcomes += [self._after_look(logic, row, held.get(row.key), sees=sees) for row in alike]
        self.deps.ledger.settle(run.id, [one for one in outcomes if one is not None], changes_by_number(rows))

    def _may_try_another(self, flow: Flow, doubts: Sequence[PlanRow], run: Run) -> bool:
        """Tell whether one more record may be sent to find out whether looks see, where anything can be seen at all."""
        return may_send_probe(doubts, run) and self.deps.connectors[flow.target].shows(doubts[0].kind)

    def _waits_for_another(self, run: Run, flow: Flow, rows: Sequence[PlanRow], held: Mapping[str, Held]) -> bool:
        """Tell whether the next new record will show first whether looks see: one that is there is proven."""
        following = self.deps.ledger.next_planned(run.id, flow.order, 1)
        if any(row.step is Step.SENT or row.key in held for row in rows):
            return False
        doubts = self.deps.ledger.all_in_doubt(run.flow, rows[0].kind)
        is_next = any(row.kind is rows[0].kind for row in following)
        return is_next and self._may_try_another(flow, doubts, run)

    def _after_look(self, logic: FlowLogic, row: PlanRow, now: Held | None, *, sees: bool) -> Outcome | None:
        """Return what a look says about one change in doubt, or None while it is too early to tell.

        Only what was never answered is sent again, and of something new only once, after a look that sees, and where
        that makes no second record or somebody said so: what was accepted and is not to be seen is a question for a
        person, and so is what no look can tell. A document that shows later than we wait would stand twice.
        """
        flow = logic.flow
        stage = flow.stage(row.stage)
        if stage.unverifiable:
            return Outcome(row.seq, Step.ACCEPTED, row.reference) if row.accepted else parked_in_doubt(flow, row)
        change, record = change_of(row), record_of(now)
        if change.before is None and not self.deps.safeguards.look:
            return Outcome(row.seq, Step.PLANNED)
        wrong = differences(change.wanted, record)
        if now is not None and not wrong:
            return Outcome(row.seq, Step.PROVEN, now.reference, now.marker)
        if (issue := other_document_question(logic, row, now)) is not None:
            return Outcome(row.seq, Step.PARKED, issue=issue)
        untouched, is_new = still_applies(change, record), change.before is None
        partly = not untouched and not stage.write_once and remaining(change, record) is not None
        waited = self.deps.clock() - (row.sent_at or self.deps.clock())
        if (untouched or partly) and (row.step is Step.SENT or waited < timedelta(0)):
            return Outcome(row.seq, Step.IN_DOUBT)  # we died meanwhile: nobody knows when it was on its way
        is_coming = untouched or may_be_partial(row, change, now)
        if is_coming and waited < self.deps.patience.visible_within:
            return None
        resends = (logic.resends or not (stage.write_once or stage.not_idempotent)) and row.attempts < SENDINGS
        if untouched and is_new and (row.accepted or not resends or not sees):
            return parked_in_doubt(flow, row)
        if row.attempts >= ATTEMPTS:
            cause = "read_back_missing" if untouched else "read_back_differs"
            facts = {"key": row.title, "fields": field_names(wrong)}
            return Outcome(row.seq, Step.PARKED, issue=Issue(cause, row.key, facts=facts))
        if untouched or partly:
            return Outcome(row.seq, Step.PLANNED)
        return verification_failed(row, change, now, wrong)
