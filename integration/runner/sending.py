"""Sending what a plan says, as many changes ahead as calls are in flight, and proving what was accepted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integration.connectors.parallel import side_by_side, sliced
from integration.connectors.protocol import Connector
from integration.core.errors import InDoubtError, IntegrationError, MalformedAnswerError, RejectedError
from integration.core.flow import Flow
from integration.core.issues import Issue
from integration.core.plan import Change, differences, still_applies
from integration.core.records import Held, Written
from integration.core.run import Outcome, PlanRow, Run, Step
from integration.runner.ends import agreed_of, change_of, changes_of, parked_wrong, record_of, shows_in_part
from integration.runner.lookup import look
from integration.runner.parts import Parts
from integration.store.links import References
from integration.store.plan_lines import Known


@dataclass(frozen=True, slots=True)
class Sending:
    """A change that is sent: its line, what of it is left to do, and what the target holds."""

    row: PlanRow
    change: Change
    held: Held | None


class Sender:
    """Sends changes, and reads them back."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def send(self, run: Run, flow: Flow, references: References, ready: Sequence[Sending]) -> None:
        """Send changes, as many marked as sent as there are calls in flight, and prove those that were accepted."""
        target = self.parts.connectors[flow.target]
        accepted: dict[int, str] = {}
        unkept: dict[int, str] = {}  # what of it is on disk with the next ones that are sent
        try:
            for some in sliced(ready, target.in_flight):
                if self.parts.safeguards.ledger:
                    self.parts.ledger.mark_sent(run.id, [one.row.seq for one in some], _sent(some), unkept)
                unkept = self._sent_together(run, flow, references, some)
                accepted |= unkept
        finally:
            rows = [one.row for one in ready if one.row.seq in accepted]
            self._read_back(run, flow, references, rows, accepted)

    def _sent_together(self, run: Run, flow: Flow, references: References, some: Sequence[Sending]) -> dict[int, str]:
        """Send some changes side by side; return what the target accepted, with the references it told."""
        target = self.parts.connectors[flow.target]

        def write(one: Sending) -> Written:
            return target.write(one.change, one.held, references, f"{run.id}-{one.row.seq}")

        accepted: dict[int, str] = {}
        refused: dict[int, Outcome] = {}
        outcomes: list[Outcome] = []
        stopped: IntegrationError | None = None
        answers = side_by_side(write, some, target.in_flight)
        if not self.parts.safeguards.ledger:
            self.parts.ledger.mark_sent(run.id, [one.row.seq for one in some], _sent(some))
        for one, answer in zip(some, answers, strict=True):
            row = one.row
            match answer:
                case Written():
                    accepted[row.seq] = answer.reference
                case RejectedError():
                    facts = {"key": row.title, "flow": run.flow, **answer.facts}
                    refused[row.seq] = Outcome(row.seq, Step.PARKED, issue=Issue(answer.code, row.key, facts=facts))
                case InDoubtError() | MalformedAnswerError():
                    outcomes.append(Outcome(row.seq, Step.IN_DOUBT, issue=None))
                case _:  # not delivered: it is as if it had not been tried
                    outcomes.append(Outcome(row.seq, Step.PLANNED))
                    stopped = answer
        unproven = flow.stages[some[0].row.stage].unproven
        again = [one.row for one in some if one.row.seq in refused and one.row.attempts and not unproven]
        outcomes += (refused | self._there_after_all(target, references, again)).values()
        self.parts.ledger.settle(run.id, outcomes, _sent(some))
        if stopped is not None:
            self._read_back(run, flow, references, [one.row for one in some if one.row.seq in accepted], accepted)
            raise stopped
        return accepted

    def _there_after_all(
        self, target: Connector, references: References, rows: Sequence[PlanRow]
    ) -> dict[int, Outcome]:
        """Return as proven what the target refuses because an earlier attempt of ours went through after all."""
        held = look(target, [agreed_of(row) for row in rows], references)
        there = {row.seq: now for row in rows if (now := held.get(row.key)) is not None}
        return {
            row.seq: Outcome(row.seq, Step.PROVEN, there[row.seq].reference, there[row.seq].marker)
            for row in rows
            if row.seq in there and not differences(change_of(row).wanted, there[row.seq].record)
        }

    def _read_back(
        self,
        run: Run,
        flow: Flow,
        references: References,
        rows: Sequence[PlanRow],
        accepted: Mapping[int, str],
    ) -> None:
        """Prove what was accepted by reading it; an answer that said yes proves nothing, where it can be read."""
        if not rows:
            return
        if flow.stages[rows[0].stage].unproven:
            believed = [Outcome(row.seq, Step.ACCEPTED, accepted[row.seq]) for row in rows]
            self.parts.ledger.settle(run.id, believed, changes_of(rows), page_ends=True, accepted=accepted)
            return
        held = look(self.parts.connectors[flow.target], [agreed_of(row) for row in rows], references)
        outcomes = []
        for row in rows:
            now, change = held.get(row.key), change_of(row)
            wrong = differences(change.wanted, record_of(now))
            if now is not None and not wrong:
                outcomes.append(Outcome(row.seq, Step.PROVEN, now.reference, now.marker))
            elif still_applies(change, record_of(now)) or shows_in_part(row, change, now):  # accepted, and not seen yet
                outcomes.append(Outcome(row.seq, Step.IN_DOUBT, accepted[row.seq]))
            else:
                outcomes.append(parked_wrong(row, change, now, wrong))
        self.parts.ledger.settle(run.id, outcomes, changes_of(rows), page_ends=True, accepted=accepted)


def _sent(some: Sequence[Sending]) -> Known:
    return changes_of([one.row for one in some])
