"""Runs a preview and a commit page by page, and stores the result of each step before the next step begins.

This package does not depend on the engine that makes runs durable.
"""

from dataclasses import dataclass

from integration.runner.commit import Commit, Pause
from integration.runner.dependencies import Dependencies, VisibilityTimeout
from integration.runner.preview import Preview

__all__ = ["Dependencies", "Pause", "Runner", "VisibilityTimeout"]


@dataclass(frozen=True, slots=True)
class Runner:
    """Makes plans and carries them out, page by page. Every page may be repeated after a crash."""

    preview: Preview
    commit: Commit

    def begin(self, run_id: str) -> None:
        """Notify the connectors of both systems that this process begins or resumes a run. Makes no calls."""
        deps = self.commit.deps
        flow = deps.logics.current_logic(deps.runs.get(run_id).flow).flow
        for system in (flow.source, flow.target):
            deps.connectors[system].begin()
