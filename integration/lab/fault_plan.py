"""Sandbox switches that follow a schedule: they count calls and inject the planned fault at each."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from integration.lab.schedule import Hazard, PlannedFault, ProcessFault
from integration.sandbox.faults import Armed, Fault, Switches
from integration.sandbox.mplus.till_state import writes

FAULTS: Final = {
    Hazard.CUT_BEFORE: Fault.CUT_BEFORE,
    Hazard.CUT_AFTER: Fault.CUT_AFTER,
    Hazard.HALF: Fault.HALF,
    Hazard.GARBAGE: Fault.GARBAGE,
    Hazard.DELAY: Fault.DELAY,
    Hazard.TOO_MANY: Fault.TOO_MANY,
    Hazard.UNAVAILABLE: Fault.UNAVAILABLE,
    Hazard.LATE: Fault.LATE,
}
"""Hazards that the sandbox applies to a call itself; others act on the console at the time of the call."""

_FATES: Final = {
    ProcessFault.LOST: Fault.CUT_BEFORE,
    ProcessFault.ARRIVES: None,
    ProcessFault.SHOWS_LATE: Fault.LATE,
    ProcessFault.HAS_TO_WAIT: Fault.TOO_MANY_WAIT,
}


def is_write(system: str, operation: str) -> bool:
    """Return True if an operation changes data."""
    return writes(operation) if system == "mplus" else operation.endswith((" POST", " PUT"))


class FaultPlan(Switches):
    """Switches of one trial. `act` applies faults to the console that no answer can cause."""

    def __init__(self, planned: Sequence[PlannedFault], act: Callable[[PlannedFault], bool]) -> None:
        """`act` returns whether it applied the fault."""
        super().__init__()
        self.triggered: Counter[Hazard] = Counter()
        self._act = act
        self._planned_faults = tuple(planned)
        self._remaining = [fault.times for fault in planned]
        self._call_counts: Counter[bool] = Counter()
        self._is_on = False
        self._count_lock = threading.Lock()

    def begin(self) -> None:
        """Start counting calls and injecting faults."""
        self._is_on = True

    def end(self) -> None:
        """Stop injecting faults."""
        self._is_on = False

    def take(self, system: str, operation: str, keys: Iterable[str] = ()) -> Armed | None:
        """Return the fault planned for this call, or None."""
        if not self._is_on or operation == "token":
            return super().take(system, operation, keys)
        planned = self._next_fault(is_write(system, operation))
        if planned is None:
            return None
        fault = FAULTS.get(planned.hazard)
        if planned.hazard is Hazard.ERROR_ANSWER:
            return self._error_answer(planned)
        if fault is None:
            if self._act(planned) and planned.write:
                fault = _FATES[planned.fate]
        else:
            self.triggered[planned.hazard] += 1
        return Armed(f"lab-{planned.hazard}", fault, seconds=planned.seconds) if fault else None

    def _error_answer(self, planned: PlannedFault) -> Armed:
        self.triggered[planned.hazard] += 1
        fault = Fault.ERROR_BEFORE if planned.fate is ProcessFault.LOST else Fault.ERROR_AFTER
        return Armed(f"lab-{planned.hazard}", fault, seconds=planned.seconds, answer=planned.answer)

    def _next_fault(self, write: bool) -> PlannedFault | None:
        with self._count_lock:
            self._call_counts[write] += 1
            for place, fault in enumerate(self._planned_faults):
                if self._remaining[place] and fault.write is write and self._call_counts[write] >= fault.nth:
                    self._remaining[place] -= 1
                    return fault
        return None
