"""The order of things: what a preview and a commit do, and what is on disk before the next step.

Nothing here knows what makes a run durable.
"""

from dataclasses import dataclass

from integration.runner.commit import Commit, Pause
from integration.runner.parts import ALL_ON, Parts, Patience, Safeguards
from integration.runner.preview import Preview

__all__ = ["ALL_ON", "Parts", "Patience", "Pause", "Runner", "Safeguards"]


@dataclass(frozen=True, slots=True)
class Runner:
    """What makes plans and what carries them out, page by page; every page may be repeated after a crash."""

    preview: Preview
    commit: Commit
