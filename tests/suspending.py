"""Processes held still from outside, as by a closed lid."""

import os
import signal
import time
from pathlib import Path

from integration.lab.fixture import is_locked

FILES = ("console.sqlite", "engine.sqlite")


def hold_still(process: int, data: Path) -> None:
    """Hold a process still between two writes to the files of a folder: within one nobody else can open them."""
    os.kill(process, signal.SIGSTOP)
    while any(is_locked(data / name) for name in FILES):
        os.kill(process, signal.SIGCONT)
        time.sleep(0.005)
        os.kill(process, signal.SIGSTOP)
