"""How often each system was called by this process, and what it answered."""

import threading
from collections import Counter

_calls: Counter[tuple[str, str]] = Counter()
_lock = threading.Lock()


def count_call(system: str, result: str) -> None:
    """Count one call: its result is a class of HTTP, such as `2xx`, or the code of what stood in its way."""
    with _lock:
        _calls[system, result] += 1


def calls() -> dict[tuple[str, str], int]:
    """Return how many calls there were, by system and result."""
    with _lock:
        return dict(_calls)
