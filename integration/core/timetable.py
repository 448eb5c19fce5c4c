"""Timetables of flows: an interval in minutes within a time of day, on weekdays, with or without holidays.

All times are local times of the shop. Runs in an hour that daylight saving time skips do not happen. An hour that
occurs twice has the runs of two hours.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from math import gcd
from typing import Literal
from zoneinfo import ZoneInfo

from integration.core.run import Mode

HOUR, DAY = 60, 24 * 60  # in minutes
LONGEST_DAYS = 30  # limit of the search for a due time, in days
MINUTE = timedelta(minutes=1)

HolidayCountry = Literal["", "NL", "BE", "DE", "AT", "LU", "FR"]
IsHoliday = Callable[[str, date], bool]  # given an ISO country code and a day

# Time zone of the shop, in which schedules are written.
WALL_CLOCK = "Europe/Amsterdam"
NIGHTLY = (2, 17, 30)  # hour, minute, second in local time of the shop: outside opening hours
DRIFT_CHECKS = "45 47 3 * * *"  # time of the drift checks, as cron with seconds first: after the nightly runs


@dataclass(frozen=True, slots=True)
class Timetable:
    """Interval in minutes from `begins` to `ends`, both included. If `ends` is earlier, the span crosses midnight.

    `weekdays` are numbers (Monday is 0). The flow does not run on the holidays of the country `skipped_holidays`.
    """

    every: int
    begins: time = time()
    ends: time = time(23, 59)
    weekdays: frozenset[int] = frozenset(range(7))
    skipped_holidays: HolidayCountry = ""

    @property
    def all_day(self) -> bool:
        """True if the window covers all 24 hours."""
        return self._length == DAY - 1

    @property
    def _first_minute(self) -> int:
        return self.begins.hour * HOUR + self.begins.minute

    @property
    def _length(self) -> int:
        return (self.ends.hour * HOUR + self.ends.minute - self._first_minute) % DAY

    def is_due(self, moment: datetime, zone: tzinfo, is_holiday: IsHoliday) -> bool:
        """Return True if a run is due in the minute of this moment."""
        local_time = moment.astimezone(zone)
        if not self._is_day(local_time.date(), is_holiday):
            return False
        passed = (local_time.hour * HOUR + local_time.minute - self._first_minute) % DAY
        return passed <= self._length and passed % self.every == 0

    def _is_day(self, day: date, is_holiday: IsHoliday) -> bool:
        country = self.skipped_holidays
        return day.weekday() in self.weekdays and not (country and is_holiday(country, day))

    def next_start(self, moment: datetime, zone: tzinfo, is_holiday: IsHoliday) -> datetime | None:
        """Return the start of the next run after a moment, in UTC; None if there is none within 30 days."""
        return next(self._due_times(moment, zone, is_holiday, 1), None)

    def previous_start(self, moment: datetime, zone: tzinfo, is_holiday: IsHoliday, rounds: int) -> datetime | None:
        """Return the start of the `rounds`-th last run due up to a moment, in UTC; None without one in 30 days."""
        starts = list(islice(self._due_times(moment + MINUTE, zone, is_holiday, -1), rounds))
        return starts[-1] if starts else None

    def _due_times(self, moment: datetime, zone: tzinfo, is_holiday: IsHoliday, step: int) -> Iterator[datetime]:
        """Yield run times after a moment, or before it for a negative step. Days off are skipped as a whole."""
        at = moment.astimezone(UTC).replace(second=0, microsecond=0)
        last = at + step * timedelta(days=LONGEST_DAYS)
        while at != last:
            at += step * MINUTE
            local_time = at.astimezone(zone)
            if not self._is_day(local_time.date(), is_holiday):
                edge = local_time.date() if step < 0 else local_time.date() + timedelta(days=1)
                jump = datetime.combine(edge, time(), zone).astimezone(UTC) - (MINUTE if step > 0 else timedelta())
                at = min(jump, last) if step > 0 else max(jump, last)
            elif self.is_due(at, zone, is_holiday):
                yield at

    @property
    def is_exact(self) -> bool:
        """True if `cron` fires only when a run is due."""
        return self.all_day and not self.skipped_holidays and not self._first_minute and not HOUR % self.every

    @property
    def cron(self) -> str:
        """Cron line with seconds first that fires at least whenever a run is due; `is_due` filters the rest."""
        step = gcd(self.every, HOUR)
        minutes = f"*/{step}" if not self._first_minute % step and step < HOUR else self._minutes(step)
        if not self.all_day and self.begins <= self.ends:
            hours = str(self.begins.hour)
            hours += "" if self.begins.hour == self.ends.hour else f"-{self.ends.hour}"
        else:
            hours = "*"
        days = "*" if len(self.weekdays) == 7 else ",".join(str((day + 1) % 7) for day in sorted(self.weekdays))  # noqa: PLR2004 - a week
        return f"0 {minutes} {hours} * * {days}"

    def _minutes(self, step: int) -> str:
        return ",".join(map(str, sorted((self._first_minute + step * number) % HOUR for number in range(HOUR // step))))


def crons(table: Timetable, *, nightly: bool) -> list[str]:
    """Return the cron lines of a flow, with seconds first: for its timetable and, if `nightly`, once a night."""
    hour, minute, second = NIGHTLY
    return [table.cron, *([f"{second} {minute} {hour} * * *"] if nightly else [])]


def next_time(
    table: Timetable, now: datetime, zone: ZoneInfo, is_holiday: IsHoliday, *, nightly: bool
) -> datetime | None:
    """Return the next run of a flow by its timetable or by night, in UTC."""
    coming = table.next_start(now, zone, is_holiday)
    if not nightly:
        return coming
    hour, minute, second = NIGHTLY
    local_now = now.astimezone(zone)
    night = local_now.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if night <= local_now:
        night += timedelta(days=1)
    return min(filter(None, (coming, night.astimezone(UTC))))


@dataclass(frozen=True, slots=True)
class Schedule:
    """Schedule of a flow: cron with seconds first, in local time of the shop."""

    flow: str
    cron: str
    mode: Mode
