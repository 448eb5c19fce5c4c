"""A stopped clock for every module of the application and of the built-in systems."""

import importlib
import pkgutil
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import Any, Self, cast

import integration

AGES = ("integration.services.write_holds.system_identity",)  # modules that ask again once an answer has its age


@dataclass
class Clock:
    """A clock that stands at a Wednesday morning, the day for which the sample shop was made, until it is moved."""

    now: datetime = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += timedelta(seconds=seconds)


def stop() -> Clock:
    """Return the clock that all of `integration` reads from now on, wherever a module asks for the present moment.

    Nothing of the application has to take a clock for it, so that this holds whatever becomes of its constructors. What
    is not ours (the engine's library, the servers) goes by the machine's clock, and by it alone. So does what waits;
    the modules of `AGES` measure the age of an answer by the stopped clock, so that a slow machine asks no more often.
    """
    clock = Clock()

    class Kind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, datetime)

    class Stopped(datetime, metaclass=Kind):
        def __new__(cls, *arguments: Any, **keywords: Any) -> Self:  # a plain one: only the question for now is another
            return cast("Self", datetime(*arguments, **keywords))  # noqa: DTZ001 - whoever asks says in which zone

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cast("Self", clock.now.astimezone(tz or UTC))

    for module_info in pkgutil.walk_packages(integration.__path__, "integration."):
        if not module_info.name.endswith(".__main__"):
            importlib.import_module(module_info.name)
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "integration" and getattr(module, "datetime", None) is datetime:
            module.datetime = Stopped  # type: ignore[attr-defined]
    _stop_ages(clock)
    return clock


def _stop_ages(clock: Clock) -> None:
    def monotonic() -> float:
        return clock.now.timestamp()

    for name in AGES:
        module: Any = sys.modules[name]
        if module.time is not time:
            raise RuntimeError(f"{name} does not measure ages by the module `time`")
        module.time = SimpleNamespace(monotonic=monotonic)
