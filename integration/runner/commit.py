"""Carries out an approved plan: sends each change once, reads it back, and looks up changes in doubt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Event

import structlog

from integration.core.basis import CORRECTIONS, SYSTEM_INPUTS, changed_marks
from integration.core.errors import (
    PlanStaleError,
    PlanUnsafeError,
)
from integration.core.flow import Flow
from integration.core.foreign_documents import reported_foreign
from integration.core.plan import Approval, is_of_plan
from integration.core.plan_lines import LineFilter, PlanRow
from integration.core.reverted_values import VALUE_REVERTED
from integration.core.run import Run
from integration.core.states import RunState
from integration.flows.spec import FlowLogic
from integration.runner.corrections import corrected_since
from integration.runner.dependencies import Dependencies, next_cursors
from integration.runner.dispatch import Dispatcher, LookedUpPage
from integration.runner.foreign_documents import require_no_foreign_documents
from integration.runner.pipeline import Pipeline, nothing_follows
from integration.runner.precheck import Precheck, has_internal_references
from integration.runner.uncertain_writes import UncertainWrites

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pause:
    """Signals that work is left and continues after a number of seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ValidatedApproval:
    """Approval that `Commit.validate_approval` has compared with its plan and with both systems."""

    run: Run
    approval: Approval


class Commit:
    """Writes the changes of an approved plan, and nothing else."""

    def __init__(self, deps: Dependencies) -> None:
        self.deps = deps
        self.ending = Event()  # set when this process shuts down: calls in progress finish, and no new ones begin
        self._uncertain = UncertainWrites(deps)
        self._precheck = Precheck(deps, self._uncertain)
        self._checked_runs: set[str] = set()  # runs for which this process has checked for foreign documents

    def outdated(self, run: Run, published: int, *, asks: bool) -> PlanStaleError | None:
        """Return why the plan of a run may not be written now, or None if it may.

        A plan is outdated if the mapping, the settings or the corrections that decide it have changed. Also returns the
        reason if the flow may write nothing for now.

        `published` is the mapping version in force. It must equal the version that was in force when the plan was made;
        a plan can be made with an earlier version on purpose. Values that the systems report are compared with those of
        the preview only if `asks` is true.
        """
        if published != run.mapping_version_at_start:
            made_with = run.mapping_version
            return PlanStaleError("mapping_published_since", flow=run.flow, version=made_with, current=published)
        now = self.deps.basis(run.flow, run.mapping_version, asks=asks)
        others = changed_marks(run.basis, now, () if asks else SYSTEM_INPUTS)
        if corrected_since(self.deps, run):
            others.append(CORRECTIONS)
        if others:
            return PlanStaleError("basis_changed_since", flow=run.flow, changed=",".join(others))
        return self.deps.holds.hold_reason(run.flow)

    def validate_approval(self, run_id: str, approval: Approval) -> ValidatedApproval:
        """Return the approval after comparing it with the current plan; pass the result to `approve`.

        Reads the fields of the books again first. Raises PlanStaleError or PlanUnsafeError. Stores nothing.
        """
        run = self.deps.runs.open_plan(run_id)
        self.deps.identities.check()  # before the fields of the books are read again
        self.deps.logics.read_fields(run.flow)
        outdated = self.outdated(run, self.deps.logics.current_logic(run.flow).mapping_version, asks=True)
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
        """Store an approval and return its number; the commit may begin.

        Raises PlanStaleError before anything is sent if another console has booked documents under our prefix that the
        plan does not report, or if somebody has changed the selection or approved in the meantime. Approving a plan
        that reports documents of another console accepts those documents.
        """
        run, approval = validated.run, validated.approval
        require_no_foreign_documents(self.deps, run)
        number = self.deps.runs.approve(run.id, approval)
        self._checked_runs.add(run.id)
        if reported := reported_foreign(run.notes):
            self.deps.foreign_documents.accept(run.flow, reported, approval.by)
        return number

    def page(self, run_id: str) -> Pause | None:
        """Carry out the next pages of an approved plan; return None when the run has ended.

        While one page is written, the next page is looked up and the previous page is read back. This continues until a
        wait is needed, a person cancels the run, or `ending` is set.

        Also resumes an interrupted run: changes that were sent and are not settled are looked up first, and only
        changes that were never sent are sent. Raises IntegrationError if a system cannot be reached, or if another
        console has booked under our prefix in the meantime; the remaining changes stay planned.
        """
        run = self.deps.runs.get(run_id)
        if run.state is not RunState.COMMITTING:
            return None
        if self.deps.runs.cancel_requested(run_id):
            self.deps.runs.interrupt(run_id, "cancelled", {"flow": run.flow})
            return None
        if (hold := self.deps.holds.hold_reason(run.flow)) is not None:
            raise hold
        logic = self.deps.logic_of(run)
        self._uncertain.settle(run, logic)
        self._begin(run)
        doubtful = self.deps.ledger.unsettled(run_id)
        looked = self._precheck.next_page(run, logic, doubtful)
        if looked is not None and self._carry_out(run, logic.flow, looked):
            return Pause(0)
        if looked is not None or doubtful:
            return Pause(self.deps.patience.pause.total_seconds())
        self._finish(run, logic)
        return None

    def _begin(self, run: Run) -> None:
        """Read the fields and check for foreign documents again if another process stored the approval.

        That may have been long ago.
        """
        if run.id not in self._checked_runs:
            self.deps.logics.read_fields(run.flow)
            require_no_foreign_documents(self.deps, run)
            self._checked_runs.add(run.id)

    def _carry_out(self, run: Run, flow: Flow, looked: LookedUpPage) -> bool:
        """Send the page that was looked up and the pages that follow; return whether anything was settled or sent."""
        if not looked.is_reliable:
            looked = replace(looked, ready=self._uncertain.single_probe(run, flow, looked.ready))
        continues = looked.is_reliable and not has_internal_references(flow, looked.rows)
        following = partial(self._next_page, run) if continues else nothing_follows
        Pipeline(Dispatcher(self.deps, run, flow), following).send(looked)
        return bool(looked.has_settled_line or looked.ready)

    def _next_page(self, run: Run, at_work: Sequence[PlanRow], after: int) -> LookedUpPage | None:
        """Return the next page, looked up while other lines are being written.

        Returns None if those lines have to end first: no lines are left, this process shuts down, the run is cancelled
        or blocked, or it is unknown whether the lookup can be trusted.
        """
        if (
            self.ending.is_set()
            or self.deps.runs.cancel_requested(run.id)
            or self.deps.holds.hold_reason(run.flow) is not None
        ):
            return None
        looked = self._precheck.next_page(run, self.deps.logic_of(run), at_work, after)
        return looked if looked is not None and looked.is_reliable else None

    def _finish(self, run: Run, logic: FlowLogic) -> None:
        remaining = self.deps.plans.count(run.id, "left")
        remaining -= self.deps.plans.count(
            run.id, "left", among=LineFilter(cause=VALUE_REVERTED)
        )  # reverted values are stored separately
        self.deps.ledger.finish(run.id, cursors={} if remaining else next_cursors(run, logic))
        self._checked_runs.discard(run.id)
        log.info("commit finished", run=run.id, flow=run.flow)
