"""The result of a peer, printed as one line of JSON."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class SyncResult:
    """Number of written products, and the errors of the others."""

    written: int
    errors: list[str]


def print_result(work: Callable[[], SyncResult]) -> None:
    """Do the work; print its result with the elapsed seconds and the seconds of processor time."""
    start, processor_start = time.monotonic(), time.process_time()
    result = work()
    cost = {"seconds": time.monotonic() - start, "processor": time.process_time() - processor_start}
    sys.stdout.write(json.dumps({**asdict(result), **cost}) + "\n")
