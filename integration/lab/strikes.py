"""Switches of a sandbox that follow a schedule: each call is counted, and what is to strike at it strikes at it."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from integration.lab.schedule import Fate, Hazard, Strike
from integration.sandbox.faults import Armed, Fault, Switches
from integration.sandbox.mplus.house import writes

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
"""What the sandbox itself does to a call; all else is done to the console at that moment."""

_FATES: Final = {
    Fate.LOST: Fault.CUT_BEFORE,
    Fate.ARRIVES: None,
    Fate.SHOWS_LATE: Fault.LATE,
    Fate.HAS_TO_WAIT: Fault.TOO_MANY_WAIT,
}


def is_write(system: str, operation: str) -> bool:
    """Tell whether a call is meant to change something."""
    return writes(operation) if system == "mplus" else operation.endswith((" POST", " PUT"))


class Strikes(Switches):
    """The switches of one trial. `act` does to the console what no answer can do."""

    def __init__(self, strikes: Sequence[Strike], act: Callable[[Strike], bool]) -> None:
        """`act` tells whether it could strike."""
        super().__init__()
        self.bit: Counter[Hazard] = Counter()
        self._act = act
        self._strikes = tuple(strikes)
        self._left = [one.times for one in strikes]
        self._counted: Counter[bool] = Counter()
        self._is_on = False
        self._counting = threading.Lock()

    def begin(self) -> None:
        """Count and strike from now on."""
        self._is_on = True

    def end(self) -> None:
        """Let everything pass from now on."""
        self._is_on = False

    def take(self, system: str, operation: str, keys: Iterable[str] = ()) -> Armed | None:
        """What strikes at this call."""
        if not self._is_on or operation == "token":
            return super().take(system, operation, keys)
        strike = self._due(is_write(system, operation))
        if strike is None:
            return None
        fault = FAULTS.get(strike.hazard)
        if fault is None:
            if self._act(strike) and strike.write:
                fault = _FATES[strike.fate]
        else:
            self.bit[strike.hazard] += 1
        return Armed(f"lab-{strike.hazard}", fault, seconds=strike.seconds) if fault else None

    def _due(self, write: bool) -> Strike | None:
        with self._counting:
            self._counted[write] += 1
            for place, strike in enumerate(self._strikes):
                if self._left[place] and strike.write is write and self._counted[write] >= strike.nth:
                    self._left[place] -= 1
                    return strike
        return None
