"""A console process as a trial holds it: started, asked, killed, suspended and woken, each by its own id."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from integration.lab import child
from integration.lab.child import Start
from integration.sandbox.server import Sandbox

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["integration.lab.child", "integration.engine.engine"])  # the second is imported late
ANSWER_SECONDS = 60.0
LOOK_SECONDS = 0.02
CLIENT = {
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
    "refresh_token": "sandbox-refresh",
    "company": "7f3c",
    "per_second": 10_000,
}
TILL = {"ident": "sandbox", "secret": "sandbox-secret", "per_second": 10_000}
_starting = threading.Lock()


class GoneError(Exception):
    """The console was killed or suspended while it was asked."""


def books_connection(sandbox: Sandbox) -> dict[str, Any]:
    """Return how a console reaches AccountView in a sandbox."""
    return {"url": sandbox.accountview_url, **CLIENT}


def till_connection(sandbox: Sandbox) -> dict[str, Any]:
    """Return how a console reaches MplusKASSA in a sandbox."""
    return {"url": sandbox.mplus_url, **TILL}


class Clock:
    """How far the clock of a trial's consoles is off, and whether any of them has asked it since."""

    def __init__(self) -> None:
        self.shift: Synchronized[float] = PROCESSES.Value("d", 0.0, lock=False)
        self.asked: Synchronized[float] = PROCESSES.Value("d", 0.0, lock=False)

    @property
    def was_asked(self) -> bool:
        """Tell whether a console has met the jump."""
        return self.asked.value == self.shift.value != 0.0


class Console:
    """One console process after the other under one name."""

    def __init__(self, start: Start, clock: Clock) -> None:
        self.start_with = start
        self.clock = clock
        self.process: ForkServerProcess | None = None
        self.is_suspended = False
        self._orders, self._theirs = PROCESSES.Pipe()

    def start(self) -> None:
        """Start the process, for the first time or again."""
        self._orders, self._theirs = PROCESSES.Pipe()
        arguments = (self.start_with, self.clock.shift, self.clock.asked, self._theirs)
        self.process = started(child.obey, *arguments)
        self._theirs.close()

    def beside(self) -> "Console":
        """Return another console on the same data, not started yet."""
        return Console(replace(self.start_with, executor="worker"), self.clock)

    @property
    def is_alive(self) -> bool:
        """Tell whether the process is there, suspended or not."""
        return self.process is not None and self.process.is_alive()

    def ask(self, name: str, *arguments: object) -> Any:
        """Return what the application answers; raise what it raises, or GoneError where nobody answers any more."""
        end = time.monotonic() + ANSWER_SECONDS
        try:
            self._orders.send((name, arguments))
            while not self._orders.poll(LOOK_SECONDS):
                if not self.is_alive or self.is_suspended or time.monotonic() > end:
                    raise GoneError(name)
            answer = self._orders.recv()
        except (EOFError, OSError):
            raise GoneError(name) from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def kill(self) -> bool:
        """Kill the process, and tell whether it was there."""
        if not self.is_alive or self.process is None:
            return False
        self.process.kill()
        return True

    def suspend(self) -> bool:
        """Hold the process still, and tell whether it was there."""
        if not self.is_alive or self.process is None or self.process.pid is None:
            return False
        self.is_suspended = True
        os.kill(self.process.pid, signal.SIGSTOP)
        return True

    def wake(self) -> None:
        """Let the process go on."""
        if self.process is not None and self.process.pid is not None and self.is_alive:
            os.kill(self.process.pid, signal.SIGCONT)
        self.is_suspended = False

    def end(self) -> int | None:
        """End the process, in whatever state it is, wait until it is gone, and return with which status."""
        self.is_suspended = False
        if self.process is None:
            return None
        self.process.kill()
        self.process.join()
        return self.process.exitcode


def started(work: Callable[..., None], *arguments: object) -> ForkServerProcess:
    """Start some work in a process forked from a server that has everything imported."""
    with _starting:
        forkserver.ensure_running()
    process = PROCESSES.Process(target=work, args=arguments)
    process.start()
    return process
