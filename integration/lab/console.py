"""Console process of a trial: started, queried, killed, suspended and resumed, by its own process id."""

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
POLL_SECONDS = 0.02
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
    """The console was killed or suspended during a query."""


def books_connection(sandbox: Sandbox) -> dict[str, Any]:
    """Return the settings of a console's connection to AccountView in a sandbox."""
    return {"url": sandbox.accountview_url, **CLIENT}


def till_connection(sandbox: Sandbox) -> dict[str, Any]:
    """Return the settings of a console's connection to MplusKASSA in a sandbox."""
    return {"url": sandbox.mplus_url, **TILL}


class Clock:
    """Shared clock offset of the consoles of a trial, and whether a console has read it since."""

    def __init__(self) -> None:
        self.shift: Synchronized[float] = PROCESSES.Value("d", 0.0, lock=False)
        self.last_read_shift: Synchronized[float] = PROCESSES.Value("d", 0.0, lock=False)

    @property
    def was_read_after_jump(self) -> bool:
        """Return True if a console has read the clock after the jump."""
        return self.last_read_shift.value == self.shift.value != 0.0


class Console:
    """Successive console processes under one name."""

    def __init__(self, start: Start, clock: Clock) -> None:
        self.start_with = start
        self.clock = clock
        self.process: ForkServerProcess | None = None
        self.is_suspended = False
        self._orders, self._child_connection = PROCESSES.Pipe()

    def start(self) -> None:
        """Start the process, for the first time or again."""
        self._orders, self._child_connection = PROCESSES.Pipe()
        arguments = (self.start_with, self.clock.shift, self.clock.last_read_shift, self._child_connection)
        self.process = started(child.execute_orders, *arguments)
        self._child_connection.close()

    def second_console(self) -> "Console":
        """Return another console on the same data, not started yet."""
        return Console(replace(self.start_with, executor="worker"), self.clock)

    @property
    def is_alive(self) -> bool:
        """Return True if the process exists, suspended or not."""
        return self.process is not None and self.process.is_alive()

    def ask(self, name: str, *arguments: object) -> Any:
        """Return the result of a method of the application. Raises its exception, or GoneError if nothing answers."""
        end = time.monotonic() + ANSWER_SECONDS
        try:
            self._orders.send((name, arguments))
            while not self._orders.poll(POLL_SECONDS):
                if not self.is_alive or self.is_suspended or time.monotonic() > end:
                    raise GoneError(name)
            answer = self._orders.recv()
        except (EOFError, OSError):
            raise GoneError(name) from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def kill(self) -> bool:
        """Kill the process; return False if it did not exist."""
        if not self.is_alive or self.process is None:
            return False
        self.process.kill()
        return True

    def suspend(self) -> bool:
        """Suspend the process; return False if it did not exist."""
        if not self.is_alive or self.process is None or self.process.pid is None:
            return False
        self.is_suspended = True
        os.kill(self.process.pid, signal.SIGSTOP)
        return True

    def wake(self) -> None:
        """Resume the process."""
        if self.process is not None and self.process.pid is not None and self.is_alive:
            os.kill(self.process.pid, signal.SIGCONT)
        self.is_suspended = False

    def end(self) -> int | None:
        """Kill the process in any state, wait until it has ended, and return its exit status."""
        self.is_suspended = False
        if self.process is None:
            return None
        self.process.kill()
        self.process.join()
        return self.process.exitcode


def started(work: Callable[..., None], *arguments: object) -> ForkServerProcess:
    """Start a function in a process forked from a server that has imported everything."""
    with _starting:
        forkserver.ensure_running()
    process = PROCESSES.Process(target=work, args=arguments)
    process.start()
    return process
