"""Processes forked from a server that has everything imported, which makes a start a matter of milliseconds.

They share nothing with their siblings but the code, and a kill is a kill.
"""

import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    ["tests.runner.child", "tests.command", "pandas"]  # the log needs pandas, and imports it late
)
_early = Path(tempfile.mkdtemp(prefix="consoles-")) / "said"
_starting = threading.Lock()


def forked(work: Callable[..., None], *arguments: object, **named: object) -> ForkServerProcess:
    """Return a process that does this work."""
    _start_server()
    process = _processes.Process(target=work, args=arguments, kwargs=named)
    process.start()
    return process


def pipe() -> tuple[Connection, Connection]:
    """Return the two ends of a line to such a process."""
    return _processes.Pipe()


def said_early() -> str:
    """Return what processes said before they had a file of their own."""
    return _early.read_text(encoding="utf-8") if _early.exists() else ""


def _start_server() -> None:
    """Start what processes are forked from, once: what one says before it has a file of its own is kept too."""
    with _starting:
        ours = os.dup(2)
        early = os.open(_early, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.dup2(early, 2)
            forkserver.ensure_running()
        finally:
            os.dup2(ours, 2)
            os.close(ours)
            os.close(early)
