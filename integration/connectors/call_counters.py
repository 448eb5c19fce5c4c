"""Counts the calls of this process by system and result."""

import threading
from collections import Counter

_calls: Counter[tuple[str, str]] = Counter()
_lock = threading.Lock()


def count_call(system: str, result: str) -> None:
    """Count one call. The result is a class of HTTP statuses, such as `2xx`, or the code of the error."""
    with _lock:
        _calls[system, result] += 1


def calls() -> dict[tuple[str, str], int]:
    """Return the number of calls by system and result."""
    with _lock:
        return dict(_calls)
