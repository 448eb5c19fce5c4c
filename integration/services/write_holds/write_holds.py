"""Everything that may hold the writes of a flow for now."""

from collections.abc import Sequence

from integration.core.errors import PlanStaleError
from integration.runner.dependencies import WriteHold


class WriteHolds:
    """Several holds, asked in order."""

    def __init__(self, holds: Sequence[WriteHold]) -> None:
        self._holds = holds

    def held(self, flow: str) -> PlanStaleError | None:
        """Return the first reason why a flow may write nothing for now, or None."""
        return next((reason for hold in self._holds if (reason := hold.held(flow)) is not None), None)
