"""Combines all reasons that can hold the writes of a flow."""

from collections.abc import Sequence

from integration.core.errors import PlanStaleError
from integration.runner.dependencies import WriteHold


class WriteHolds:
    """Several write holds, checked in order."""

    def __init__(self, holds: Sequence[WriteHold]) -> None:
        self._holds = holds

    def hold_reason(self, flow: str) -> PlanStaleError | None:
        """Return the first reason why the flow may not write for now, or None."""
        return next((reason for hold in self._holds if (reason := hold.hold_reason(flow)) is not None), None)
