"""When a flow runs by itself: every so many minutes between two times of day, on some weekdays, on holidays or not.

All of it is on the clock of the shop's wall. What an hour that is left out would have brought does not come, and in an
hour that comes twice a flow runs as often as in any other two.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from math import gcd
from zoneinfo import ZoneInfo

from integration.core.run import Mode

HOUR, DAY = 60, 24 * 60  # in minutes
LONGEST_DAYS = 30  # for so long nothing may be due, so that no search goes on for ever
MINUTE = timedelta(minutes=1)

IsClosed = Callable[[date], bool]

# The clock on the wall of the shop, by which schedules are written.
WALL_CLOCK = "Europe/Amsterdam"
NIGHTLY = (2, 17, 30)  # hour, minute, second of the till's wall clock: when nobody sells
LOOKS = "45 47 3 * * *"  # when what was written is looked at, as cron with seconds first: behind the nightly runs


@dataclass(frozen=True, slots=True)
class Timetable:
    """Every so many minutes from `begins` to `ends`, both included; one that ends before it begins goes past midnight.

    Weekdays are numbers, Monday being 0; without `holidays` it rests on what is closed.
    """

    every: int
    begins: time = time()
    ends: time = time(23, 59)
    weekdays: frozenset[int] = frozenset(range(7))
    holidays: bool = True

    @property
    def all_day(self) -> bool:
        """Whether it goes round the clock."""
        return self._length == DAY - 1

    @property
    def _first(self) -> int:
        return self.begins.hour * HOUR + self.begins.minute

    @property
    def _length(self) -> int:
        return (self.ends.hour * HOUR + self.ends.minute - self._first) % DAY

    def is_due(self, moment: datetime, zone: tzinfo, is_closed: IsClosed) -> bool:
        """Tell whether a run begins in the minute of this moment."""
        here = moment.astimezone(zone)
        if not self._is_day(here.date(), is_closed):
            return False
        passed = (here.hour * HOUR + here.minute - self._first) % DAY
        return passed <= self._length and passed % self.every == 0

    def _is_day(self, day: date, is_closed: IsClosed) -> bool:
        return day.weekday() in self.weekdays and (self.holidays or not is_closed(day))

    def after(self, moment: datetime, zone: tzinfo, is_closed: IsClosed) -> datetime | None:
        """Return when the next run begins after a moment, in UTC; None where that is in no month's time."""
        return next(self._due(moment, zone, is_closed, 1), None)

    def before(self, moment: datetime, zone: tzinfo, is_closed: IsClosed, rounds: int) -> datetime | None:
        """Return when the last run but so many began that were due up to a moment, in UTC."""
        found = list(islice(self._due(moment + MINUTE, zone, is_closed, -1), rounds))
        return found[-1] if found else None

    def _due(self, moment: datetime, zone: tzinfo, is_closed: IsClosed, step: int) -> Iterator[datetime]:
        """Yield when runs begin from a moment on, or back from it, minute by minute; whole days off are passed over."""
        at = moment.astimezone(UTC).replace(second=0, microsecond=0)
        last = at + step * timedelta(days=LONGEST_DAYS)
        while at != last:
            at += step * MINUTE
            here = at.astimezone(zone)
            if not self._is_day(here.date(), is_closed):
                edge = here.date() if step < 0 else here.date() + timedelta(days=1)
                jump = datetime.combine(edge, time(), zone).astimezone(UTC) - (MINUTE if step > 0 else timedelta())
                at = min(jump, last) if step > 0 else max(jump, last)
            elif self.is_due(at, zone, is_closed):
                yield at

    @property
    def is_exact(self) -> bool:
        """Whether `cron` wakes it only when it is due."""
        return self.all_day and self.holidays and not self._first and not HOUR % self.every

    @property
    def cron(self) -> str:
        """The line that wakes it at least whenever it is due, as cron with seconds first; `is_due` says the rest."""
        step = gcd(self.every, HOUR)
        minutes = f"*/{step}" if not self._first % step and step < HOUR else self._minutes(step)
        if not self.all_day and self.begins <= self.ends:
            hours = str(self.begins.hour)
            hours += "" if self.begins.hour == self.ends.hour else f"-{self.ends.hour}"
        else:
            hours = "*"
        days = "*" if len(self.weekdays) == 7 else ",".join(str((day + 1) % 7) for day in sorted(self.weekdays))  # noqa: PLR2004 - a week
        return f"0 {minutes} {hours} * * {days}"

    def _minutes(self, step: int) -> str:
        return ",".join(map(str, sorted((self._first + step * number) % HOUR for number in range(HOUR // step))))


def crons(table: Timetable, *, nightly: bool) -> list[str]:
    """Return when a flow is woken as cron lines with seconds first: by its timetable, and once a night."""
    hour, minute, second = NIGHTLY
    return [table.cron, *([f"{second} {minute} {hour} * * *"] if nightly else [])]


def next_time(
    table: Timetable, now: datetime, zone: ZoneInfo, is_closed: IsClosed, *, nightly: bool
) -> datetime | None:
    """Return when a flow runs next, by its timetable or by night, in UTC."""
    coming = table.after(now, zone, is_closed)
    if not nightly:
        return coming
    hour, minute, second = NIGHTLY
    here = now.astimezone(zone)
    night = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if night <= here:
        night += timedelta(days=1)
    return min(filter(None, (coming, night.astimezone(UTC))))


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a flow runs by itself: cron with seconds first, in the till's wall clock."""

    flow: str
    cron: str
    mode: Mode
