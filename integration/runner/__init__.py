"""The order of things: what a preview and a commit do, and what is on disk before the next step.

Nothing here knows what makes a run durable.
"""

from collections.abc import Mapping, Sequence

from integration.core.errors import PlanStaleError
from integration.core.plan import Approval
from integration.core.run import Mode, Run
from integration.runner.commit import Commit, Pause
from integration.runner.parts import Parts, Patience
from integration.runner.preview import Preview

__all__ = ["Parts", "Patience", "Pause", "Runner"]


class Runner:
    """Carries out previews and commits, page by page; every page may be repeated after a crash."""

    def __init__(self, parts: Parts) -> None:
        self._preview = Preview(parts)
        self._commit = Commit(parts)

    def begin(
        self,
        flow: str,
        *,
        by: str,
        mode: Mode = Mode.CHANGES,
        keys: Sequence[str] = (),
        notes: Mapping[str, str] | None = None,
        version: int | None = None,
    ) -> Run:
        """Open a run of a flow. Raises RunActiveError while another run of it is at work.

        `notes` stay in the run's position; `version` asks for a mapping that was in force before.
        """
        return self._preview.begin(flow, by=by, mode=mode, keys=keys, notes=notes, version=version)

    def undo(self, run_id: str, *, by: str) -> Run:
        """Open a run that puts back what another one wrote: a plan like any other, shown before anything is sent."""
        return self._preview.undo(run_id, by=by)

    def preview_page(self, run_id: str) -> bool:
        """Do the next page of a preview and tell whether there is more."""
        return self._preview.page(run_id)

    def outdated(self, run: Run, published: int) -> PlanStaleError | None:
        """Return why the plan of a run can no longer be committed while this mapping is in force, or None."""
        return self._commit.parts.outdated(run, published)

    def approve(self, run_id: str, approval: Approval) -> None:
        """Keep a person's yes. Raises PlanStaleError or PlanUnsafeError before anything is sent."""
        self._commit.approve(run_id, approval)

    def commit_page(self, run_id: str) -> Pause | None:
        """Carry out the next page of an approved plan; None when the run has ended."""
        return self._commit.page(run_id)
