"""What sending a change comes to: marked before its call, its answer taken in, and proven by reading it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integration.core.errors import InDoubtError, IntegrationError, MalformedAnswerError, RejectedError
from integration.core.flow import Flow
from integration.core.issues import Issue
from integration.core.plan import Change, differences, still_applies
from integration.core.plan_lines import PlanRow
from integration.core.records import Held, Written
from integration.core.run import Outcome, Run
from integration.core.states import Step
from integration.runner.dependencies import Dependencies
from integration.runner.lookup import look
from integration.runner.outcomes import (
    agreed_of,
    change_of,
    changes_by_number,
    may_be_partial,
    record_of,
    verification_failed,
)
from integration.store.links import LinkReferences
from integration.store.plan_lines import Known


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A change that is sent: its line, what of it is left to do, what the target holds, and what it refers to there."""

    row: PlanRow
    change: Change
    held: Held | None
    references: LinkReferences


@dataclass(frozen=True, slots=True)
class LookedUpPage:
    """A page of a plan that was looked at: its lines, and what of them is to be sent."""

    rows: Sequence[PlanRow]
    ready: Sequence[Dispatch]
    sees: bool  # whether what the look does not show is not there
    settled: bool  # whether any of it needed no write


@dataclass(frozen=True, slots=True)
class DispatchResult:
    """What some calls say of those to come."""

    stopped: IntegrationError | None  # why nothing more is to be sent
    doubtful: bool  # whether nobody knows what became of one of them


DispatchAnswer = tuple[Dispatch, Written | IntegrationError]


class Dispatcher:
    """Sends changes of one run, and reads them back."""

    def __init__(self, deps: Dependencies, run: Run, flow: Flow) -> None:
        self.deps = deps
        self.run = run
        self.flow = flow
        self.target = deps.connectors[flow.target]

    def mark(self, some: Sequence[Dispatch], accepted: Mapping[int, str], *, is_done: bool = False) -> bool:
        """Keep that these are about to be sent, with what the target said yes to before; see `Ledger.mark_sent`."""
        seqs = [one.row.seq for one in some]
        return self.deps.ledger.mark_sent(self.run.id, seqs, _sent(some), accepted, is_done=is_done)

    def write(self, one: Dispatch) -> Written:
        """Call the target. Raises IntegrationError, as its connector does."""
        return self.target.write(one.change, one.held, one.references, f"{self.run.id}-{one.row.seq}")

    def take_in(self, answers: Sequence[DispatchAnswer]) -> DispatchResult:
        """Keep what became of changes that the target did not accept."""
        sent = [one for one, _ in answers]
        refused: dict[int, Outcome] = {}
        outcomes: list[Outcome] = []
        stopped: IntegrationError | None = None
        if not self.deps.safeguards.ledger:
            self.mark(sent, {}, is_done=True)
        for one, answer in answers:
            row = one.row
            match answer:
                case Written():
                    continue
                case RejectedError():
                    facts = {"key": row.title, "flow": self.flow.name, **answer.facts}
                    refused[row.seq] = Outcome(row.seq, Step.PARKED, issue=Issue(answer.code, row.key, facts=facts))
                case InDoubtError():
                    outcomes.append(Outcome(row.seq, Step.IN_DOUBT))
                    stopped = answer.unavailable() or stopped
                case MalformedAnswerError():
                    outcomes.append(Outcome(row.seq, Step.IN_DOUBT))
                case _:  # not delivered: it is as if it had not been tried
                    outcomes.append(Outcome(row.seq, Step.PLANNED))
                    stopped = answer
        doubtful = any(one.step is Step.IN_DOUBT for one in outcomes)
        if refused:
            unverifiable = self.flow.stage(sent[0].row.stage).unverifiable
            again = [one for one in sent if one.row.seq in refused and one.row.attempts and not unverifiable]
            outcomes += (refused | self._there_after_all(again)).values()
        self.deps.ledger.settle(self.run.id, outcomes, _sent(sent))
        return DispatchResult(stopped, doubtful)

    def _there_after_all(self, sent: Sequence[Dispatch]) -> dict[int, Outcome]:
        """Return as proven what the target refuses because an earlier attempt of ours went through after all."""
        held = self._look(sent)
        return {
            one.row.seq: Outcome(one.row.seq, Step.PROVEN, now.reference, now.marker)
            for one in sent
            if (now := held.get(one.row.key)) is not None and not differences(change_of(one.row).wanted, record_of(now))
        }

    def read_back(self, sent: Sequence[Dispatch], accepted: Mapping[int, str]) -> list[Outcome]:
        """Prove what was accepted by reading it; an answer that said yes proves nothing, where it can be read."""
        if not sent:
            return []
        rows = [one.row for one in sent]
        if self.flow.stage(rows[0].stage).unverifiable:
            outcomes = [Outcome(row.seq, Step.ACCEPTED, accepted[row.seq]) for row in rows]
        else:
            held = self._look(sent)
            outcomes = [_verified_outcome(row, held.get(row.key), accepted[row.seq]) for row in rows]
        self.deps.ledger.settle(self.run.id, outcomes, changes_by_number(rows), page_ends=True, accepted=accepted)
        return outcomes

    def _look(self, sent: Sequence[Dispatch]) -> dict[str, Held]:
        return look(self.target, [agreed_of(one.row) for one in sent], sent[0].references) if sent else {}


def _verified_outcome(row: PlanRow, now: Held | None, told: str) -> Outcome:
    """Return how a change ended that the target accepted, by what it holds of it now."""
    change = change_of(row)
    wrong = differences(change.wanted, record_of(now))
    if now is not None and not wrong:
        return Outcome(row.seq, Step.PROVEN, now.reference, now.marker)
    if still_applies(change, record_of(now)) or may_be_partial(row, change, now):  # accepted, and not seen yet
        return Outcome(row.seq, Step.IN_DOUBT, told)
    return verification_failed(row, change, now, wrong)


def accepted_references(answers: Sequence[DispatchAnswer]) -> dict[int, str]:
    """Return the references told for what a target accepted, by lines."""
    return {one.row.seq: answer.reference for one, answer in answers if isinstance(answer, Written)}


def _sent(some: Sequence[Dispatch]) -> Known:
    return changes_by_number([one.row for one in some])
