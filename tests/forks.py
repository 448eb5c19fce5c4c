"""Processes forked from a server that has everything imported, so that a start takes milliseconds.

The processes share only code, and each can be killed.
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
    ["tests.runner.child", "tests.command", "pandas", "streamlit.web.cli"]  # the log imports pandas late
)
_early_output = Path(tempfile.mkdtemp(prefix="consoles-")) / "said"
_start_lock = threading.Lock()


def start_process(work: Callable[..., None], *arguments: object, **keywords: object) -> ForkServerProcess:
    """Start a process that runs this function, and return it."""
    _start_server()
    process = _processes.Process(target=work, args=arguments, kwargs=keywords)
    process.start()
    return process


def pipe() -> tuple[Connection, Connection]:
    """Return both ends of a pipe to a forked process."""
    return _processes.Pipe()


def read_early_output() -> str:
    """Return the error output of processes before they had their own file."""
    return _early_output.read_text(encoding="utf-8") if _early_output.exists() else ""


def _start_server() -> None:
    """Start the fork server once. The early error output of processes goes to a common file."""
    with _start_lock:
        ours = os.dup(2)
        early = os.open(_early_output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.dup2(early, 2)
            forkserver.ensure_running()
        finally:
            os.dup2(ours, 2)
            os.close(ours)
            os.close(early)
