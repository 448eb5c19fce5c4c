"""When flows run by themselves."""

from dataclasses import dataclass

from integration.core.run import Mode

WALL_CLOCK = "Europe/Amsterdam"
"""The clock on the wall of the shop, by which schedules are written."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a flow runs by itself: cron with seconds first, in the till's wall clock."""

    flow: str
    cron: str
    mode: Mode
