"""When flows run by themselves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from integration.core.run import Mode

WALL_CLOCK = "Europe/Amsterdam"
"""The clock on the wall of the shop, by which schedules are written."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a flow runs by itself: cron with seconds first, in the till's wall clock."""

    flow: str
    cron: str
    mode: Mode


NIGHTLY = (2, 17, 30)  # hour, minute, second of the till's wall clock: when nobody sells


def crons(minutes: int, *, nightly: bool) -> list[str]:
    """Return when a flow runs as cron lines with seconds first: every so many minutes, and once a night."""
    hour, minute, second = NIGHTLY
    return [f"0 */{minutes} * * * *", *([f"{second} {minute} {hour} * * *"] if nightly else [])]


def next_time(minutes: int, now: datetime, zone: ZoneInfo, *, nightly: bool) -> datetime:
    """Return when a flow runs next, as `crons` has it, in UTC."""
    here = now.astimezone(zone)
    coming = now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    while coming.astimezone(zone).minute % minutes:
        coming += timedelta(minutes=1)
    if not nightly:
        return coming
    hour, minute, second = NIGHTLY
    night = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if night <= here:
        night += timedelta(days=1)
    return min(coming, night.astimezone(UTC))
