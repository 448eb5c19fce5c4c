"""Runs: begun, approved, stopped and gone on with, and how each stands."""

from collections.abc import Sequence
from dataclasses import replace

from integration.core.errors import PlanStaleError
from integration.core.issues import Trouble
from integration.core.plan import Approval
from integration.core.run import Mode, Phase, PreviewRequest, Run, RunState, Speed, speed
from integration.runner import Runner
from integration.services.exceptions import Exceptions, notes_of
from integration.services.mappings import Mappings
from integration.services.proposals import Proposals
from integration.services.work import Work
from integration.store.database import Clock
from integration.store.stores import Stores


class Runs:
    """Every run, and what a person can do with it."""

    def __init__(
        self,
        stores: Stores,
        work: Work,
        runner: Runner,
        mappings: Mappings,
        exceptions: Exceptions,
        proposals: Proposals,
        clock: Clock,
    ) -> None:
        self._stored = stores.runs
        self._plans = stores.plans
        self._work = work
        self._runner = runner
        self._mappings = mappings
        self._exceptions = exceptions
        self._proposals = proposals
        self._clock = clock

    # ---- begun, and brought to an end

    def preview(self, request: PreviewRequest) -> str:
        """Start a preview in the background and return its run. Raises RunActiveError while another is at work."""
        self._proposals.fill_once(request.by)
        return self._work.engine.preview(request)

    def try_again(
        self,
        flow: str,
        cause: str,
        by: str,
        field: str | None = None,
        detail: str | None = None,
        version: int | None = None,
    ) -> str:
        """Start a preview of only what is parked for a cause, and return its run; see `Exceptions.tries`."""
        keys = self._exceptions.keys(flow, cause, field, detail)
        group = self._exceptions.group(Trouble(flow, cause, field or "", detail)) if detail is not None else None
        notes = notes_of(group) if group else {}
        return self.preview(PreviewRequest(flow, by, Mode.CHOSEN, tuple(keys), notes, version))

    def undo(self, run_id: str, by: str) -> str:
        """Start a plan that puts back what a run wrote, and return its run; nothing is sent before it is approved.

        Raises IntegrationError `nothing_to_undo` for a run that wrote nothing.
        """
        return self._work.engine.undo(run_id, by=by)

    def commit(self, run_id: str, approval: Approval) -> None:
        """Approve a plan and write it in the background. Raises PlanStaleError or PlanUnsafeError."""
        self._work.engine.commit(run_id, approval)

    def resume(self, run_id: str, by: str) -> None:
        """Go on with an interrupted run under the approval it has. Raises PlanStaleError where there is none."""
        run = self._stored.open_plan(run_id)
        if run.approval is None:
            raise PlanStaleError("plan_not_approved", flow=run.flow, run=run.id)
        self._work.engine.commit(run_id, replace(run.approval, by=by))

    def discard(self, run_id: str, by: str) -> None:
        """Put a plan aside; nothing of it has been written."""
        self._stored.discard(run_id, by)

    def cancel(self, run_id: str, by: str) -> None:
        """Ask a run to stop after the page it is at: a preview is put aside, what a commit has proven stays proven."""
        self._work.engine.cancel(run_id, by=by)

    # ---- how they stand

    def get(self, run_id: str) -> Run:
        """Return one run with its counts. Raises KeyError when there is none of that name."""
        return self._stored.get(run_id)

    def latest(
        self, flow: str | None = None, states: Sequence[RunState] | None = None, offset: int = 0, limit: int = 50
    ) -> list[Run]:
        """Return runs, newest first."""
        return self._stored.latest(flow, states, offset=offset, limit=limit)

    def count(self, flow: str | None = None, states: Sequence[RunState] | None = None) -> int:
        """Return how many runs there are."""
        return self._stored.count(flow, states)

    def phases(self, run_id: str) -> list[Phase]:
        """Return what a run did, and when."""
        return self._stored.phases(run_id)

    def speed(self, run: Run) -> Speed:
        """Return how fast a run at work goes, and how long it still takes: the same for whoever asks."""
        return speed(run, next(iter(self._stored.phases(run.id)[-1:]), None), self._clock())

    def outdated(self, run: Run) -> PlanStaleError | None:
        """Return why a plan can no longer be committed, as a commit would be refused, or None."""
        return self._runner.commit.outdated(run, self._mappings.published(run.flow).version)

    def doubtful(self, run: Run) -> int:
        """Return how many changes of a run were sent and not answered; what is on its way right now is no doubt yet."""
        unsettled = self._plans.count(run.id, "in_doubt")
        on_their_way = self._plans.count(run.id, "sent") if run.state is RunState.COMMITTING else 0
        return unsettled - on_their_way
