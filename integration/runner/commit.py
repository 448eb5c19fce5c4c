"""Carrying out a plan that a person agreed to: sent once, proven by reading back, settled by looking when in doubt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Event

import structlog

from integration.core.basis import CORRECTIONS, TOLD, changed_marks
from integration.core.errors import (
    PlanStaleError,
    PlanUnsafeError,
)
from integration.core.flow import Flow
from integration.core.foreign_documents import reported_foreign
from integration.core.plan import Approval, is_of_plan
from integration.core.plan_lines import LineFilter, PlanRow
from integration.core.reverted_values import TAKEN_BACK
from integration.core.run import Run
from integration.core.states import RunState
from integration.flows.spec import FlowLogic
from integration.runner.corrections import corrected_since
from integration.runner.dependencies import Dependencies, next_cursors
from integration.runner.dispatch import Dispatcher, LookedUpPage
from integration.runner.foreign_documents import expect_no_strangers
from integration.runner.pipeline import Pipeline, nothing_follows
from integration.runner.precheck import Precheck, has_internal_references
from integration.runner.uncertain_writes import UncertainWrites

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pause:
    """There is more to do, but not before some seconds have passed."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ValidatedApproval:
    """An approval that `Commit.validate_approval` has compared with its plan and with both systems."""

    run: Run
    approval: Approval


class Commit:
    """Writes what an approved plan says, and nothing else."""

    def __init__(self, deps: Dependencies) -> None:
        self.deps = deps
        self.ending = Event()  # set by whoever ends this process: what is under way comes to its end, no more is begun
        self._uncertain = UncertainWrites(deps)
        self._precheck = Precheck(deps, self._uncertain)
        self._alone: set[str] = set()  # runs before which this process has looked for strangers

    def outdated(self, run: Run, published: int, *, asks: bool) -> PlanStaleError | None:
        """Return why a plan no longer says what would be written, while this mapping is in force; None where it does.

        Or why nothing of its flow may be written for now.

        The mapping that has to be in force still is the plan's own, unless it was made with an earlier one on purpose.
        What the systems tell is held against what they told then only where this `asks` them.
        """
        if published != run.in_force:
            made_with = run.mapping_version
            return PlanStaleError("mapping_published_since", flow=run.flow, version=made_with, current=published)
        now = self.deps.basis(run.flow, run.mapping_version, asks=asks)
        others = changed_marks(run.basis, now, () if asks else TOLD)
        if corrected_since(self.deps, run):
            others.append(CORRECTIONS)
        if others:
            return PlanStaleError("basis_changed_since", flow=run.flow, changed=",".join(others))
        return self.deps.holds.held(run.flow)

    def validate_approval(self, run_id: str, approval: Approval) -> ValidatedApproval:
        """Return an approval of exactly what its plan says now, to be given to `approve`.

        The fields of the books are read again first. Raises PlanStaleError or PlanUnsafeError; nothing is kept.
        """
        run = self.deps.runs.open_plan(run_id)
        self.deps.identities.check()  # before what it has is read again
        self.deps.logics.read_fields(run.flow)
        outdated = self.outdated(run, self.deps.logics.now(run.flow).mapping_version, asks=True)
        if outdated is not None:
            raise outdated
        if not is_of_plan(approval.fingerprint, run.fingerprint):
            raise PlanStaleError("fingerprint_differs", flow=run.flow, run=run.id)
        if approval.fingerprint != run.mark:
            raise PlanStaleError("choice_changed", flow=run.flow, run=run.id, count=len(run.excluded))
        typed = approval.confirmed or {}
        for brake in run.brakes:
            if typed.get(brake.code) != brake.count:
                raise PlanUnsafeError(brake.code, flow=run.flow, count=brake.count, limit=brake.limit)
        return ValidatedApproval(run, approval)

    def approve(self, validated: ValidatedApproval) -> int:
        """Keep an approval and return its number; the commit may begin.

        Raises PlanStaleError before anything is sent: where another console has booked under our prefix of which the
        plan does not tell, and where somebody has chosen otherwise or approved meanwhile. Whoever approves a plan that
        tells of documents of another console accepts them.
        """
        run, approval = validated.run, validated.approval
        expect_no_strangers(self.deps, run)
        number = self.deps.runs.approve(run.id, approval)
        self._alone.add(run.id)
        if told := reported_foreign(run.notes):
            self.deps.foreign_documents.accept(run.flow, told, approval.by)
        return number

    def page(self, run_id: str) -> Pause | None:
        """Carry out the next pages of an approved plan; None when the run has ended.

        While one is written the next is looked at, and the one before is read back. That goes on until something has to
        be waited for, somebody wants it to stop, or this process is `ending`.

        Also how an interrupted run goes on: what was sent and not settled is looked up first, and only changes that
        nobody sent are sent. Raises IntegrationError when a system cannot be spoken to, or another console has booked
        under our prefix meanwhile; the rest stays planned.
        """
        run = self.deps.runs.get(run_id)
        if run.state is not RunState.COMMITTING:
            return None
        if self.deps.runs.cancel_requested(run_id):
            self.deps.runs.interrupt(run_id, "cancelled", {"flow": run.flow})
            return None
        if (held := self.deps.holds.held(run.flow)) is not None:
            raise held
        logic = self.deps.logic_of(run)
        self._uncertain.settle(run, logic)
        self._begin(run)
        doubtful = self.deps.ledger.unsettled(run_id)
        looked = self._precheck.look(run, logic, doubtful)
        if looked is not None and self._carry_out(run, logic.flow, looked):
            return Pause(0)
        if looked is not None or doubtful:
            return Pause(self.deps.patience.pause.total_seconds())
        self._finish(run, logic)
        return None

    def _begin(self, run: Run) -> None:
        """Look once more for strangers and at fields where another process did with the yes: who knows how long ago."""
        if run.id not in self._alone:
            self.deps.logics.read_fields(run.flow)
            expect_no_strangers(self.deps, run)
            self._alone.add(run.id)

    def _carry_out(self, run: Run, flow: Flow, looked: LookedUpPage) -> bool:
        """Send what was looked at, and what follows meanwhile; tell whether anything could be done by now."""
        if not looked.sees:
            looked = replace(looked, ready=self._uncertain.single_probe(run, flow, looked.ready))
        goes_on = looked.sees and not has_internal_references(flow, looked.rows)
        following = partial(self._following, run) if goes_on else nothing_follows
        Pipeline(Dispatcher(self.deps, run, flow), following).send(looked)
        return bool(looked.settled or looked.ready)

    def _following(self, run: Run, at_work: Sequence[PlanRow], after: int) -> LookedUpPage | None:
        """Return the page behind a line, looked at while others are being written.

        None where those have to end first: nothing is left, this process ends, or nobody knows whether the look saw.
        """
        if (
            self.ending.is_set()
            or self.deps.runs.cancel_requested(run.id)
            or self.deps.holds.held(run.flow) is not None
        ):
            return None
        looked = self._precheck.look(run, self.deps.logic_of(run), at_work, after)
        return looked if looked is not None and looked.sees else None

    def _finish(self, run: Run, logic: FlowLogic) -> None:
        left = self.deps.plans.count(run.id, "left")
        left -= self.deps.plans.count(
            run.id, "left", among=LineFilter(cause=TAKEN_BACK)
        )  # which is remembered by itself
        self.deps.ledger.finish(run.id, cursors={} if left else next_cursors(run, logic))
        self._alone.discard(run.id)
        self.deps.commit_listener.written(run)
        log.info("commit finished", run=run.id, flow=run.flow)
