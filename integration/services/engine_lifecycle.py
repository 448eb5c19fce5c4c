"""The leases of this process, and its engine under a stable executor name."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from integration.core.authorization import requires
from integration.core.errors import ConfigurationError
from integration.core.people import Right
from integration.process.periodic import is_dead, run_periodically
from integration.store.leases import Leases

if TYPE_CHECKING:  # imported where it is started: most terminal commands start no engine
    from integration.engine.engine import Engine

Build = Callable[[str], "Engine"]
SLOT_SECONDS = 60.0
MAX_PROCESSES = 100


class OwnLeases:
    """The leases of this process, including those taken over from dead processes of the same machine."""

    def __init__(self, leases: Leases, owner: str = "") -> None:
        """Store the owner name that identifies this process. By default it is made of host name and process id."""
        self._leases = leases
        self._owner = owner or f"{socket.gethostname()}-{os.getpid()}"

    def take(self, lease: str) -> bool:
        """Take or renew a lease, also from a dead process of this machine. Return True if this process holds it now."""
        holder = self._leases.holder(lease)
        if holder and _is_dead(holder):
            self._leases.release(lease, holder)
        return self._leases.try_take(lease, self._owner, SLOT_SECONDS)

    def release(self, lease: str) -> None:
        """Release a lease."""
        self._leases.release(lease, self._owner)

    @contextmanager
    def slot(self, name: str) -> Iterator[str]:
        """Hold a stable executor name for this process.

        Two live processes with one name would steal each other's runs.
        """
        slots = (f"{name}-{number}" for number in range(1, MAX_PROCESSES))
        slot = next((candidate for candidate in slots if self.take(f"executor:{candidate}")), None)
        if slot is None:
            raise ConfigurationError("setting_invalid", setting="worker", expected="expected_less", lt=MAX_PROCESSES)
        stop = threading.Event()

        renew = partial(self.take, f"executor:{slot}")
        keeper = threading.Thread(
            target=run_periodically, args=(renew,), kwargs={"every": SLOT_SECONDS / 4, "until": stop}, daemon=True
        )
        keeper.start()
        try:
            yield slot
        finally:
            stop.set()
            keeper.join()
            self.release(f"executor:{slot}")


def _is_dead(owner: str) -> bool:
    """Return True if the owner was a process of this machine that no longer runs."""
    host, _, process = owner.rpartition("-")
    if host != socket.gethostname() or not process.isdecimal():
        return False
    return is_dead(int(process))


class EngineHandle:
    """The engine that makes runs durable, once it is started."""

    def __init__(self, name: str, leases: OwnLeases, closing: ExitStack) -> None:
        """Store the dependencies. `closing` stops the engine."""
        self._name = name
        self._leases = leases
        self._closing = closing
        self._engine: Engine | None = None

    @property
    def engine(self) -> "Engine":
        """The engine. Raises RuntimeError before the start, which is a programming error."""
        if self._engine is None:
            raise RuntimeError("the application is not started")
        return self._engine

    @property
    @requires(Right.SEE)
    def executor(self) -> str:
        """The executor name of this process, empty while it does not execute runs."""
        return self._engine.executor if self._engine else ""

    def start(self, build: Build) -> None:
        """Start to execute runs from the queue.

        `build` makes an engine for an executor name that no other process holds.
        """
        engine = build(self._closing.enter_context(self._leases.slot(self._name)))
        engine.start()
        self._engine = engine
        self._closing.callback(engine.stop)

    def reschedule(self) -> None:
        """Apply the current schedules of the flows, if this process executes runs."""
        if self._engine is not None:
            self._engine.reschedule()
