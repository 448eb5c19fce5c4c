"""The engine of this process: started under a stable name, and stopped with the console."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from integration.services.leases import OwnLeases

if TYPE_CHECKING:  # imported where it is started: most commands of a terminal start none
    from integration.engine import Engine

Build = Callable[[str], "Engine"]


class Work:
    """What makes runs durable, while it is started."""

    def __init__(self, name: str, leases: OwnLeases, build: Build, closing: ExitStack) -> None:
        """`build` makes an engine for an executor of a name that no other live process has; `closing` ends it."""
        self._name = name
        self._leases = leases
        self._build = build
        self._closing = closing
        self._engine: Engine | None = None

    @property
    def engine(self) -> "Engine":
        """Return the engine. Raises RuntimeError before the start, which is a defect of ours."""
        if self._engine is None:
            raise RuntimeError("the application is not started")
        return self._engine

    @property
    def executor(self) -> str:
        """Return under which name this process works off runs; empty while it does not."""
        return self._engine.executor if self._engine else ""

    def start(self) -> None:
        """Start working off the queue."""
        engine = self._build(self._closing.enter_context(self._leases.slot(self._name)))
        engine.start()
        self._engine = engine
        self._closing.callback(engine.stop)

    def reschedule(self) -> None:
        """Take over the flows' schedules as they are set now, where runs are worked off."""
        if self._engine is not None:
            self._engine.reschedule()
