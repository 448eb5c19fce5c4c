"""What a peer says of its own work when it is done: one line of JSON."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """How many products went through, and what it says of those that did not."""

    written: int
    errors: list[str]


def taking(work: Callable[[], Taken]) -> None:
    """Do the work; print what was taken, with the seconds by the clock and of a processor."""
    begun, worked = time.monotonic(), time.process_time()
    taken = work()
    took = {"seconds": time.monotonic() - begun, "processor": time.process_time() - worked}
    sys.stdout.write(json.dumps({**asdict(taken), **took}) + "\n")
