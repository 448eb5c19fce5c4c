"""A program ends on request, at every moment."""

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from integration.process.signals import interruption_waiter
from tests.forks import start_process
from tests.timeouts import SECONDS

PLACES = 7  # lines of Python on the way into the wait, in it, and into it once more


def _interrupt_at(place: int, number: int) -> None:
    """Wait for an interruption that comes at this line of the waiting code, counted from 1; 0: before it."""
    until_interrupted, passed = interruption_waiter(), 0

    def trace(_frame: FrameType, event: str, _: object) -> Callable[..., Any]:
        nonlocal passed
        if event == "line":
            passed += 1
            if passed == place:
                signal.raise_signal(number)
        return trace

    if not place:
        signal.raise_signal(number)
    sys.settrace(trace)
    until_interrupted()


@pytest.mark.parametrize("place", range(PLACES))
def test_a_process_ends_at_whatever_moment_it_is_asked_to(place: int) -> None:
    process = start_process(_interrupt_at, place, signal.SIGTERM if place % 2 else signal.SIGINT)
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
    assert process.exitcode == 0
