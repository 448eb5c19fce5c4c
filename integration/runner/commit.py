"""Carrying out a plan that a person agreed to: sent once, proven by reading back, settled by looking when in doubt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from integration.core.errors import (
    PlanStaleError,
    PlanUnsafeError,
)
from integration.core.flow import Flow
from integration.core.issues import Issue
from integration.core.plan import Approval, Change, differences, is_of_plan, remaining, still_applies
from integration.core.records import Held
from integration.core.run import Outcome, PlanRow, Run, RunState, Step
from integration.flows.spec import FlowLogic
from integration.runner.doubts import Doubts, doubted
from integration.runner.ends import change_of, changes_of, named, record_of
from integration.runner.parts import Parts, next_cursors
from integration.runner.sending import Sender, Sending
from integration.store.links import References
from integration.store.plan_lines import Known

log = structlog.get_logger(__name__)

WRITE_PAGE = 100  # changes looked up and read back together
TREE_PAGE = 10_000  # groups refer to one another, so all of them are one page


@dataclass(frozen=True, slots=True)
class Pause:
    """There is more to do, but not before some seconds have passed."""

    seconds: float


class Commit:
    """Writes what an approved plan says, and nothing else."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._doubts = Doubts(parts)
        self._sender = Sender(parts)

    def outdated(self, run: Run, published: int) -> PlanStaleError | None:
        """Return why a plan no longer says what would be written, while this mapping is in force; None where it does.

        The mapping that has to be in force still is the plan's own, unless it was made with an earlier one on purpose.
        """
        if published != run.in_force:
            made_with = run.mapping_version
            return PlanStaleError("mapping_published_since", flow=run.flow, version=made_with, current=published)
        if run.names not in (None, self.parts.names()):
            return PlanStaleError("names_changed_since", flow=run.flow)
        return None

    def approve(self, run_id: str, approval: Approval) -> int:
        """Keep a person's yes and return its number.

        Raises PlanStaleError or PlanUnsafeError before anything is sent.
        """
        run = self.parts.runs.open_plan(run_id)
        outdated = self.outdated(run, self.parts.logic(run.flow).mapping_version)
        if outdated is not None:
            raise outdated
        if not is_of_plan(approval.fingerprint, run.fingerprint):
            raise PlanStaleError("fingerprint_differs", flow=run.flow, run=run.id)
        if approval.fingerprint != run.mark:
            raise PlanStaleError("choice_changed", flow=run.flow, run=run.id, count=len(run.left_out))
        typed = approval.confirmed or {}
        for brake in run.brakes:
            if typed.get(brake.code) != brake.count:
                raise PlanUnsafeError(brake.code, flow=run.flow, count=brake.count, limit=brake.limit)
        return self.parts.runs.approve(run_id, approval)

    def page(self, run_id: str) -> Pause | None:
        """Carry out the next page of an approved plan; None when the run has ended.

        Also how an interrupted run goes on: what was sent and not settled is looked up first, and only changes that
        nobody sent are sent. Raises IntegrationError when a system cannot be spoken to; the rest stays planned.
        """
        run = self.parts.runs.get(run_id)
        if run.state is not RunState.COMMITTING:
            return None
        if self.parts.runs.cancel_requested(run_id):
            self.parts.runs.interrupt(run_id, "cancelled", {"flow": run.flow})
            return None
        logic = self.parts.logic_of(run)
        self._doubts.settle(run, logic.flow)
        doubtful = self.parts.ledger.unsettled(run_id)
        rows = _free(logic.flow, self._next(run_id, logic), doubtful)
        if rows and self._carry_out(run, logic.flow, self.parts.links.references(run.flow), rows):
            return Pause(0)
        if rows or doubtful:
            return Pause(self.parts.patience.pause.total_seconds())
        self._finish(run, logic)
        return None

    def _next(self, run_id: str, logic: FlowLogic) -> list[PlanRow]:
        rows = self.parts.ledger.next_planned(run_id, WRITE_PAGE)
        if (
            rows and rows[0].kind in logic.flow.stages[rows[0].stage].needs.values()
        ):  # a tree, which is looked at as a whole
            rows = self.parts.ledger.next_planned(run_id, TREE_PAGE)
        return rows

    def _carry_out(self, run: Run, flow: Flow, references: References, rows: Sequence[PlanRow]) -> bool:
        """Settle what needs no write and send the rest, and tell whether anything could be done by now."""
        held, sees = self._doubts.look(run, flow, references, rows)
        ready: list[Sending] = []
        moved = self._by_others(run, flow, [row for row in rows if row.key not in held and not change_of(row).before])
        settled = {one.seq for one in moved}
        for row in rows:
            if row.seq in settled:
                continue
            change, now = change_of(row), held.get(row.key)
            todo = change if still_applies(change, record_of(now)) else None
            if (
                todo is None and row.attempts and not flow.stages[row.stage].once
            ):  # we may have done part of it ourselves
                todo = remaining(change, record_of(now))
            if todo is None and now is not None and self._done_already(run, row, change, now):
                moved.append(Outcome(row.seq, Step.PROVEN, now.reference, now.marker))
            elif todo is None:
                facts = {"key": row.title, "fields": named(_moved(change, now))}
                issue = Issue("target_changed_since_plan", row.key, facts=facts)
                moved.append(Outcome(row.seq, Step.PARKED, issue=issue))
            elif not differences(todo.wanted, record_of(now)):
                moved.append(Outcome(row.seq, Step.PROVEN, now.reference if now else "", now.marker if now else ""))
            else:
                ready.append(Sending(row, todo, now))
        if moved:
            known = changes_of(rows)
            self.parts.ledger.settle(run.id, [one for one in moved if one.step is Step.PARKED], known)
            self._prove_untouched(run, [one for one in moved if one.step is not Step.PARKED], known)
        ready = _one_of_each(ready)
        if not sees:
            ready = self._doubts.one_alone(run, flow, ready)
        self._sender.send(run, flow, references, ready)
        return bool(moved or ready)

    def _by_others(self, run: Run, flow: Flow, rows: Sequence[PlanRow]) -> list[Outcome]:
        """Return the ends of what is new in this plan and another one has sent, where no look shows it.

        What was accepted and nobody can read is done; what nobody knows anything of is a question. Neither is sent.
        """
        if not rows:
            return []
        kind, keys = rows[0].kind, [row.key for row in rows]
        doubts = {one.key: one for one in self.parts.ledger.doubts(run.id, run.flow, kind, keys)}
        links = self.parts.links.get(run.flow, kind, keys) if flow.stages[rows[0].stage].unproven else {}
        found = []
        for row in rows:
            if row.key in doubts:
                found.append(replace(doubted(flow, doubts[row.key]), seq=row.seq))
            elif row.key in links:
                found.append(Outcome(row.seq, Step.ACCEPTED, links[row.key].reference))
        return found

    def _done_already(self, run: Run, row: PlanRow, change: Change, now: Held) -> bool:
        """Tell whether the target has all that a change wants, since another plan said the same and was written.

        What is new counts when it is known to be ours: another record that looks alike is a question for a person.
        """
        if differences(change.wanted, now.record):
            return False
        link = self.parts.links.get(run.flow, row.kind, [row.key]).get(row.key)
        return change.before is not None or (link is not None and link.reference == now.reference)

    def _prove_untouched(self, run: Run, outcomes: Sequence[Outcome], known: Known) -> None:
        """Settle what a look showed to be done already; it passes through *sent* like everything proven."""
        if outcomes:
            self.parts.ledger.mark_sent(run.id, [one.seq for one in outcomes], known)
            self.parts.ledger.settle(run.id, outcomes, known)

    def _finish(self, run: Run, logic: FlowLogic) -> None:
        left = self.parts.plans.count(run.id, "left")
        self.parts.ledger.finish(run.id, cursors={} if left else next_cursors(run, logic))
        log.info("commit finished", run=run.id, flow=run.flow)


def _one_of_each(ready: Sequence[Sending]) -> list[Sending]:
    """Return the first change of each record: the next one is made of what the target holds after it."""
    first: dict[str, Sending] = {}
    for one in ready:
        first.setdefault(one.row.key, one)
    return list(first.values())


def _moved(change: Change, now: Held | None) -> tuple[str, ...]:
    if change.before is None or now is None:
        return ()
    return differences(change.before, now.record)


def _free(flow: Flow, rows: Sequence[PlanRow], doubtful: Sequence[PlanRow]) -> Sequence[PlanRow]:
    """Return the changes whose needs are settled: a record cannot be written before what it refers to.

    When they only refer to one another in a circle, all of them: the target will say so.
    """
    open_keys = {(row.kind, row.key) for row in (*rows, *doubtful)}

    def is_free(row: PlanRow) -> bool:
        values = change_of(row).wanted.values
        return not any((kind, values.get(name)) in open_keys for name, kind in flow.stages[row.stage].needs.items())

    free = [row for row in rows if is_free(row)]
    return free if free or doubtful else rows
