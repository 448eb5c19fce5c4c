"""The order of things: what a preview and a commit do, and what is on disk before the next step.

Nothing here knows what makes a run durable.
"""

from dataclasses import dataclass

from integration.runner.commit import Commit, Pause
from integration.runner.dependencies import ALL_ON, Dependencies, Safeguards, VisibilityTimeout
from integration.runner.preview import Preview

__all__ = ["ALL_ON", "Dependencies", "Pause", "Runner", "Safeguards", "VisibilityTimeout"]


@dataclass(frozen=True, slots=True)
class Runner:
    """What makes plans and what carries them out, page by page; every page may be repeated after a crash."""

    preview: Preview
    commit: Commit

    def begin(self, run_id: str) -> None:
        """Tell both systems of a run that it begins in this process, or goes on in it. Calls neither."""
        deps = self.commit.deps
        flow = deps.logics.now(deps.runs.get(run_id).flow).flow
        for system in (flow.source, flow.target):
            deps.connectors[system].begin()
