"""What this process holds while it lives: its rights among the others, and its engine, under a stable name."""

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
from integration.process.periodic import again_and_again, is_dead
from integration.store.leases import Leases

if TYPE_CHECKING:  # imported where it is started: most commands of a terminal start none
    from integration.engine.engine import Engine

Build = Callable[[str], "Engine"]
SLOT_SECONDS = 60.0
MOST_PROCESSES = 100


class OwnLeases:
    """The leases of this process, and those it takes over from processes of this machine that died."""

    def __init__(self, leases: Leases, owner: str = "") -> None:
        """`owner` is what tells this process from others; its machine and number unless given."""
        self._leases = leases
        self._owner = owner or f"{socket.gethostname()}-{os.getpid()}"

    def takes(self, lease: str) -> bool:
        """Take or renew a lease, also that of a process of this machine that died, and tell whether it is held now."""
        holder = self._leases.holder(lease)
        if holder and _is_dead(holder):
            self._leases.release(lease, holder)
        return self._leases.try_take(lease, self._owner, SLOT_SECONDS)

    def release(self, lease: str) -> None:
        """Give a lease back."""
        self._leases.release(lease, self._owner)

    @contextmanager
    def slot(self, name: str) -> Iterator[str]:
        """Hold a stable name for this process: two live processes with one name would steal each other's runs."""
        slots = (f"{name}-{number}" for number in range(1, MOST_PROCESSES))
        slot = next((one for one in slots if self.takes(f"executor:{one}")), None)
        if slot is None:
            raise ConfigurationError("setting_invalid", setting="worker", expected="expected_less", lt=MOST_PROCESSES)
        stop = threading.Event()

        renew = partial(self.takes, f"executor:{slot}")
        keeper = threading.Thread(
            target=again_and_again, args=(renew,), kwargs={"every": SLOT_SECONDS / 4, "until": stop}, daemon=True
        )
        keeper.start()
        try:
            yield slot
        finally:
            stop.set()
            keeper.join()
            self.release(f"executor:{slot}")


def _is_dead(owner: str) -> bool:
    """Tell whether an owner was a process of this machine that no longer lives."""
    host, _, process = owner.rpartition("-")
    if host != socket.gethostname() or not process.isdecimal():
        return False
    return is_dead(int(process))


class EngineHandle:
    """What makes runs durable, while it is started."""

    def __init__(self, name: str, leases: OwnLeases, closing: ExitStack) -> None:
        """`closing` ends what is started."""
        self._name = name
        self._leases = leases
        self._closing = closing
        self._engine: Engine | None = None

    @property
    def engine(self) -> "Engine":
        """Return the engine. Raises RuntimeError before the start, which is a defect of ours."""
        if self._engine is None:
            raise RuntimeError("the application is not started")
        return self._engine

    @property
    @requires(Right.SEE)
    def executor(self) -> str:
        """Return under which name this process works off runs; empty while it does not."""
        return self._engine.executor if self._engine else ""

    def start(self, build: Build) -> None:
        """Start working off the queue; `build` makes an engine for an executor of a name that no other process has."""
        engine = build(self._closing.enter_context(self._leases.slot(self._name)))
        engine.start()
        self._engine = engine
        self._closing.callback(engine.stop)

    def reschedule(self) -> None:
        """Take over the flows' schedules as they are set now, where runs are worked off."""
        if self._engine is not None:
            self._engine.reschedule()
