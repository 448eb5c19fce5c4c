"""Sends changes: marks each change before its call, records the answer, and verifies it by reading it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integration.core.errors import InDoubtError, IntegrationError, MalformedAnswerError, RejectedError
from integration.core.flow import Flow
from integration.core.issues import Issue
from integration.core.plan import Change, differences, still_applies
from integration.core.plan_lines import PlanRow
from integration.core.records import CurrentRecord, WriteResult
from integration.core.run import Outcome, Run
from integration.core.states import Step
from integration.runner.dependencies import Dependencies
from integration.runner.lookup import lookup_records
from integration.runner.outcomes import (
    agreed_of,
    change_of,
    changes_by_number,
    may_be_partial,
    record_of,
    verification_failed,
)
from integration.store.links import LinkReferences
from integration.store.plan_lines import NumberedChanges


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A change to send: its line, its remaining part, the current target record, and the link references."""

    row: PlanRow
    change: Change
    current: CurrentRecord | None
    references: LinkReferences
    repeatable: bool  # True if the write does no harm when it is repeated after a lookup


@dataclass(frozen=True, slots=True)
class LookedUpPage:
    """Page of a plan that was looked up in the target: its lines, and the changes to send."""

    rows: Sequence[PlanRow]
    ready: Sequence[Dispatch]
    is_reliable: bool  # the target has no record that the lookup did not find
    has_settled_line: bool  # True if a line was settled without a write


@dataclass(frozen=True, slots=True)
class DispatchResult:
    """Result of a batch of calls: whether more calls may follow, and whether a result is unknown."""

    stopped: IntegrationError | None  # why no more calls may follow; None: they may
    doubtful: bool  # True if the result of a call is unknown


DispatchAnswer = tuple[Dispatch, WriteResult | IntegrationError]


class Dispatcher:
    """Sends changes of one run, and reads them back."""

    def __init__(self, deps: Dependencies, run: Run, flow: Flow) -> None:
        self.deps = deps
        self.run = run
        self.flow = flow
        self.target = deps.connectors[flow.target]

    def mark(self, dispatches: Sequence[Dispatch], accepted: Mapping[int, str]) -> bool:
        """Mark these changes as sent before the call, and store references accepted earlier; see `Ledger.mark_sent`."""
        seqs = [dispatch.row.seq for dispatch in dispatches]
        return self.deps.ledger.mark_sent(self.run.id, seqs, _sent_changes(dispatches), accepted)

    def unmark(self, dispatches: Sequence[Dispatch]) -> None:
        """Store that marked changes are not sent. They are planned again."""
        self.deps.ledger.settle(
            self.run.id, [Outcome(dispatch.row.seq, Step.PLANNED) for dispatch in dispatches], _sent_changes(dispatches)
        )

    def write(self, dispatch: Dispatch) -> WriteResult:
        """Call the target. Raises IntegrationError, as its connector does."""
        return self.target.write(
            dispatch.change, dispatch.current, dispatch.references, f"{self.run.id}-{dispatch.row.seq}"
        )

    def store_refused(self, answers: Sequence[DispatchAnswer]) -> DispatchResult:
        """Store the results of changes that the target did not accept."""
        dispatches = [dispatch for dispatch, _ in answers]
        refused: dict[int, Outcome] = {}
        outcomes: list[Outcome] = []
        stopped: IntegrationError | None = None
        for dispatch, answer in answers:
            row = dispatch.row
            match answer:
                case WriteResult():
                    continue
                case RejectedError():
                    facts = {"key": row.title, "flow": self.flow.name, **answer.facts}
                    refused[row.seq] = Outcome(row.seq, Step.PARKED, issue=Issue(answer.code, row.key, facts=facts))
                case InDoubtError():
                    outcomes.append(Outcome(row.seq, Step.IN_DOUBT))
                    stopped = answer.unavailable() or stopped
                case MalformedAnswerError():
                    outcomes.append(Outcome(row.seq, Step.IN_DOUBT))
                case _:  # not delivered, so the line is planned again
                    outcomes.append(Outcome(row.seq, Step.PLANNED))
                    stopped = answer
        doubtful = any(outcome.step is Step.IN_DOUBT for outcome in outcomes)
        if refused:
            unverifiable = self.flow.stage(dispatches[0].row.stage).unverifiable
            repeated = [
                dispatch
                for dispatch in dispatches
                if dispatch.row.seq in refused and dispatch.row.attempts and not unverifiable
            ]
            outcomes += (refused | self._proven_in_target(repeated)).values()
        self.deps.ledger.settle(self.run.id, outcomes, _sent_changes(dispatches))
        return DispatchResult(stopped, doubtful)

    def _proven_in_target(self, dispatches: Sequence[Dispatch]) -> dict[int, Outcome]:
        """Return refused changes as proven if the target already has them because an earlier attempt succeeded."""
        current_records = self._lookup(dispatches)
        return {
            dispatch.row.seq: Outcome(dispatch.row.seq, Step.PROVEN, now.reference, now.marker)
            for dispatch in dispatches
            if (now := current_records.get(dispatch.row.key)) is not None
            and not differences(change_of(dispatch.row).desired, record_of(now))
        }

    def read_back(self, dispatches: Sequence[Dispatch], accepted: Mapping[int, str]) -> list[Outcome]:
        """Verify accepted changes by reading them from the target; a positive answer alone does not prove them.

        Changes of a stage that cannot be read back end as accepted.
        """
        if not dispatches:
            return []
        rows = [dispatch.row for dispatch in dispatches]
        if self.flow.stage(rows[0].stage).unverifiable:
            outcomes = [Outcome(row.seq, Step.ACCEPTED, accepted[row.seq]) for row in rows]
        else:
            current_records = self._lookup(dispatches)
            outcomes = [_verified_outcome(row, current_records.get(row.key), accepted[row.seq]) for row in rows]
        self.deps.ledger.settle(self.run.id, outcomes, changes_by_number(rows), page_ends=True, accepted=accepted)
        return outcomes

    def _lookup(self, dispatches: Sequence[Dispatch]) -> dict[str, CurrentRecord]:
        return (
            lookup_records(self.target, [agreed_of(dispatch.row) for dispatch in dispatches], dispatches[0].references)
            if dispatches
            else {}
        )


def _verified_outcome(row: PlanRow, now: CurrentRecord | None, reference: str) -> Outcome:
    """Return the outcome of an accepted change, according to the current record of the target."""
    change = change_of(row)
    wrong = differences(change.desired, record_of(now))
    if now is not None and not wrong:
        return Outcome(row.seq, Step.PROVEN, now.reference, now.marker)
    if still_applies(change, record_of(now)) or may_be_partial(row, change, now):  # accepted, and not visible yet
        return Outcome(row.seq, Step.IN_DOUBT, reference)
    return verification_failed(row, change, now, wrong)


def accepted_references(answers: Sequence[DispatchAnswer]) -> dict[int, str]:
    """Return the references that the target returned for accepted changes, by line number."""
    return {dispatch.row.seq: answer.reference for dispatch, answer in answers if isinstance(answer, WriteResult)}


def _sent_changes(dispatches: Sequence[Dispatch]) -> NumberedChanges:
    return changes_by_number([dispatch.row for dispatch in dispatches])
