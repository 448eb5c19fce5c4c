"""Suspends processes from outside, as a closed laptop does."""

import os
import signal
import time
from pathlib import Path

from integration.lab.fixture import is_locked

FILES = ("console.sqlite", "engine.sqlite")


def suspend_between_writes(process: int, data: Path) -> None:
    """Suspend a process while it holds no lock on the databases of a folder, so that others can open them."""
    os.kill(process, signal.SIGSTOP)
    while any(is_locked(data / name) for name in FILES):
        os.kill(process, signal.SIGCONT)
        time.sleep(0.005)
        os.kill(process, signal.SIGSTOP)
