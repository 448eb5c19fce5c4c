"""Settles writes in doubt: nothing is sent again before a lookup or a person shows that the target lacks it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from integration.core.errors import IntegrationError
from integration.core.flow import Flow, Stage
from integration.core.issues import Issue, IssueOccurrence
from integration.core.plan import differences, remaining, still_applies
from integration.core.plan_lines import PlanRow
from integration.core.records import CurrentRecord, Record, Unreadable
from integration.core.run import Outcome, Run
from integration.core.states import Step
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies
from integration.runner.dispatch import Dispatch
from integration.runner.lookup import lookup_records, lookup_with_canary
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

# New records without an answer in one run; then a person is asked instead of sending another probe
MAX_UNANSWERED = 4
ATTEMPTS = 4  # writes of one change to an existing record before a person is asked; repeating a value is harmless
SENDINGS = 2  # attempts for a new record that was never answered, before a person is asked
CANARIES = (3, 25)  # latest written records to look for: first a few, then more if none of them is found


def in_doubt(
    deps: Dependencies,
    run: Run,
    logic: FlowLogic,
    stage: Stage,
    desired: Sequence[Record],
    current_records: Mapping[str, CurrentRecord],
) -> dict[str, Issue]:
    """Return an issue for each record that another run sent and that the lookup does not show.

    Records in doubt that the lookup shows are stored as proven; documents only if they are the document that was sent.
    """
    flow = logic.flow
    kind = (
        None if stage.write_once else stage.target
    )  # a document may have been sent as another kind than its present one
    doubts = deps.ledger.in_doubt(run.id, flow.name, kind, [record.key for record in desired])
    kinds = {record.key: record.kind for record in desired}
    alike = [row for row in doubts if row.kind is kinds[row.key]]
    others = _other_documents(logic, alike, current_records)
    own = deps.ledger.settle_doubts(alike, {key: now for key, now in current_records.items() if key not in others})
    unseen = (
        *(row for row in own if not may_repeat(stage, row)),
        *(row for row in doubts if row.kind is not kinds[row.key]),
    )
    return {row.key: others.get(row.key) or doubt_question(flow, row) for row in unseen}


def ask_about_unplanned(deps: Dependencies, run: Run, logic: FlowLogic) -> None:
    """Settle creates in doubt whose records a preview did not plan: by a lookup, or else by a question to a person.

    Without the question nothing would lead to the doubt, and while it lasts, lookups of other new records may not be
    trusted.
    """
    flow = logic.flow
    doubts = [row for row in deps.ledger.all_in_doubt(flow.name) if row.run != run.id and is_known(flow, row)]
    references = deps.links.references(flow.name)
    for kind in dict.fromkeys(row.kind for row in doubts):
        alike = [row for row in doubts if row.kind is kind]
        planned = deps.previews.lines_at(Step.PARKED, run.id, kind, [row.key for row in alike])
        rows = [row for row in alike if row.key not in planned]
        visible = [row for row in rows if not flow.stage(row.stage).unverifiable]
        records = [agreed_of(row) for row in visible]
        current_records = lookup_records(deps.connectors[flow.target], records, references) if records else {}
        others = _other_documents(logic, visible, current_records)
        own_records = {key: now for key, now in current_records.items() if key not in others}
        unseen = deps.ledger.settle_doubts(rows, own_records)
        questions = [(row, others.get(row.key) or doubt_question(flow, row)) for row in unseen]
        if questions:
            deps.previews.ask(run.id, [IssueOccurrence(issue, str(row.kind), row.title) for row, issue in questions])


def _other_documents(
    logic: FlowLogic, doubts: Sequence[PlanRow], current_records: Mapping[str, CurrentRecord]
) -> dict[str, Issue | None]:
    """Return the documents in doubt for which the target has another document, with the issue; None if unreadable."""
    questions = {
        row.key: other_document_question(logic, row, current_records[row.key])
        for row in doubts
        if row.key in current_records
    }
    return {
        key: issue
        for key, issue in questions.items()
        if issue is not None or isinstance(current_records[key].record, Unreadable)
    }


def other_document_question(logic: FlowLogic, row: PlanRow, now: CurrentRecord | None) -> Issue | None:
    """Return an issue if the target has another document under the reference of a new document; otherwise None."""
    stage, change = logic.flow.stage(row.stage), change_of(row)
    is_told = stage.write_once and change.before is None and now is not None and not isinstance(now.record, Unreadable)
    return logic.objection(stage, change.agreed, now, None) if is_told else None


def may_repeat(stage: Stage, row: PlanRow) -> bool:
    """Return True if a new record in doubt may be sent again after a lookup, without asking a person.

    That is so if a repeated write does no harm, and fewer than SENDINGS attempts got no answer. An attempt whose
    process ended does not count: its call may never have begun.
    """
    unanswered = row.attempts - (row.step is Step.SENT)
    is_open = row.step in UNSETTLED and not row.accepted
    return stage.is_repeatable(is_new=True) and is_open and unanswered < SENDINGS


def may_send_probe(doubts: Sequence[PlanRow], run: Run) -> bool:
    """Return True if one more record may be sent to test whether lookups can be trusted.

    That is so while all records in doubt are unanswered ones of this run, and there are only a few.
    """
    unanswered = [row for row in doubts if row.run == run.id and row.step is Step.IN_DOUBT and not row.accepted]
    return 0 < len(unanswered) == len(doubts) < MAX_UNANSWERED


def doubt_question(flow: Flow, row: PlanRow) -> Issue:
    """Return the issue that asks a person whether the target has a record, with its reference and number."""
    values = row.change.desired.values if row.change else {}
    reference = str(values.get("reference") or values.get("external_id") or values.get("number") or row.title)
    facts = {"key": row.title, "system": flow.target, "flow": flow.name, "reference": reference}
    facts |= {"number": row.reference} if row.reference else {}
    facts |= {"since": row.sent_at.isoformat()} if row.sent_at else {}
    return Issue("read_back_missing" if row.accepted else "never_answered", row.key, facts=facts)


def parked_in_doubt(flow: Flow, row: PlanRow) -> Outcome:
    """Return the outcome of a change parked with the question whether the target has it."""
    return Outcome(row.seq, Step.PARKED, issue=doubt_question(flow, row))


class UncertainWrites:
    """Handles the changes of a run that were sent and have no outcome yet."""

    def __init__(self, deps: Dependencies) -> None:
        self.deps = deps

    def look_up(
        self, run: Run, flow: Flow, references: LinkReferences, rows: Sequence[PlanRow]
    ) -> tuple[dict[str, CurrentRecord], bool]:
        """Return the target's records, and whether a record that is not found does not exist.

        The second value matters only for new records. It is True if the lookup finds a record that is known to exist,
        or one of the new records.
        """
        target, records = self.deps.connectors[flow.target], [agreed_of(row) for row in rows]
        if flow.stage(rows[0].stage).unverifiable:
            return {}, True
        if all(change_of(row).before for row in rows):
            return lookup_records(target, records, references), True
        for number in CANARIES:
            canary_links = self.deps.links.newest_links(run.flow, rows[0].kind, number)
            current_records, is_reliable = lookup_with_canary(
                target, records, references, [link.agreed for link in canary_links if link.agreed]
            )
            is_reliable = is_reliable or any(
                row.key in current_records for row in rows if change_of(row).before is None
            )
            if is_reliable or len(canary_links) < number:
                break
        return current_records, is_reliable

    def single_probe(self, run: Run, flow: Flow, ready: Sequence[Dispatch]) -> list[Dispatch]:
        """Return the changes to send while lookups of new records are not trusted: at most one new record.

        Returns no new record while one of this run may still become visible. Raises IntegrationError `look_unproven` if
        one did not become visible.
        """
        new = [dispatch for dispatch in ready if dispatch.change.before is None][:1]
        doubts = self.deps.ledger.all_in_doubt(run.flow, new[0].row.kind) if new else []
        if doubts and not self._may_try_another(flow, doubts, run):
            if not any(row.run == run.id and row.step in UNSETTLED for row in doubts):
                raise IntegrationError("look_unproven", system=flow.target, kind=str(new[0].row.kind))
            new = []
        return [dispatch for dispatch in ready if dispatch.change.before is not None or dispatch in new]

    def settle(self, run: Run, logic: FlowLogic) -> None:
        """Look up changes that were sent and not settled. Nothing is sent again before its lookup.

        A line of an unknown kind cannot be looked up, so it is parked at once.
        """
        flow = logic.flow
        rows = self.deps.ledger.unsettled(run.id)
        if not rows:
            return
        known_rows = [row for row in rows if is_known(flow, row)]
        outcomes: list[Outcome | None] = [parked_in_doubt(flow, row) for row in rows if row not in known_rows]
        references = self.deps.links.references(run.flow)
        for kind in dict.fromkeys(row.kind for row in known_rows):
            alike = [row for row in known_rows if row.kind is kind]
            current_records, is_reliable = self.look_up(run, flow, references, alike)
            if not is_reliable and self._waits_for_another(run, flow, alike, current_records):
                continue
            outcomes += [
                self._after_lookup(logic, row, current_records.get(row.key), is_reliable=is_reliable) for row in alike
            ]
        self.deps.ledger.settle(
            run.id, [outcome for outcome in outcomes if outcome is not None], changes_by_number(rows)
        )

    def _may_try_another(self, flow: Flow, doubts: Sequence[PlanRow], run: Run) -> bool:
        """Return True if one more record may be sent as a probe and the target can show this kind."""
        return may_send_probe(doubts, run) and self.deps.connectors[flow.target].shows(doubts[0].kind)

    def _waits_for_another(
        self, run: Run, flow: Flow, rows: Sequence[PlanRow], current_records: Mapping[str, CurrentRecord]
    ) -> bool:
        """Return True if the next new record of the plan will show whether lookups can be trusted."""
        following = self.deps.ledger.next_planned(run.id, flow.order, 1)
        if any(row.step is Step.SENT or row.key in current_records for row in rows):
            return False
        doubts = self.deps.ledger.all_in_doubt(run.flow, rows[0].kind)
        is_next = any(row.kind is rows[0].kind for row in following)
        return is_next and self._may_try_another(flow, doubts, run)

    def _after_lookup(
        self, logic: FlowLogic, row: PlanRow, now: CurrentRecord | None, *, is_reliable: bool
    ) -> Outcome | None:
        """Return the outcome of one change in doubt after its lookup, or None while it is too early.

        A change is sent again only if it was never answered. A line without attempts was marked in a window, and its
        process ended: it is planned again. A new record is sent again only once, after a trusted lookup, and only if
        that cannot create a duplicate or a person allowed it. Otherwise, a record that was accepted and is not visible
        is a question for a person. A document that was sent again and then becomes visible after the visibility timeout
        would exist twice.
        """
        flow = logic.flow
        stage = flow.stage(row.stage)
        if stage.unverifiable:
            return Outcome(row.seq, Step.ACCEPTED, row.reference) if row.accepted else parked_in_doubt(flow, row)
        change, record = change_of(row), record_of(now)
        wrong = differences(change.desired, record)
        if now is not None and not wrong:
            return Outcome(row.seq, Step.PROVEN, now.reference, now.marker)
        if (issue := other_document_question(logic, row, now)) is not None:
            return Outcome(row.seq, Step.PARKED, issue=issue)
        untouched, is_new = still_applies(change, record), change.before is None
        partly = not untouched and not stage.write_once and remaining(change, record) is not None
        waited = self.deps.clock() - (row.sent_at or self.deps.clock())
        if (untouched or partly) and (row.step is Step.SENT or waited < timedelta(0)):
            # the process died: it is unknown when the call arrived, and whether it began
            interrupted = row.step is Step.SENT and stage.is_repeatable(is_new=is_new)
            return Outcome(row.seq, Step.IN_DOUBT, interrupted=interrupted)
        is_coming = untouched or may_be_partial(row, change, now)
        if is_coming and waited < self.deps.patience.visible_within:
            return None
        resends = (logic.resends or not (stage.write_once or stage.not_idempotent)) and row.attempts < SENDINGS
        if untouched and is_new and (row.accepted or not resends or not (is_reliable or not row.attempts)):
            return parked_in_doubt(flow, row)
        if row.attempts >= ATTEMPTS:
            cause = "read_back_missing" if untouched else "read_back_differs"
            facts = {"key": row.title, "fields": field_names(wrong)}
            return Outcome(row.seq, Step.PARKED, issue=Issue(cause, row.key, facts=facts))
        if untouched or partly:
            return Outcome(row.seq, Step.PLANNED)
        return verification_failed(row, change, now, wrong)
