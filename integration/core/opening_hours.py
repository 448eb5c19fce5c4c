"""Opening hours of the shop, and the opening time between two moments."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class WeekHours:
    """Weekly opening hours, the same on each of these weekdays (Monday is 0)."""

    opens: time = time(9)
    closes: time = time(18)
    weekdays: frozenset[int] = frozenset(range(6))


IsClosed = Callable[[date], bool]


def never_closed(_: date) -> bool:
    """Return False: no day is a holiday."""
    return False


def open_between(
    start: datetime, end: datetime, hours: WeekHours, zone: tzinfo, is_closed: IsClosed = never_closed
) -> timedelta:
    """Return how long the shop was open between two moments. The hours are local times of `zone`."""
    passed, day = timedelta(), start.astimezone(zone).date()
    last = end.astimezone(zone).date()
    while day <= last:
        if day.weekday() in hours.weekdays and not is_closed(day):
            opened = datetime.combine(day, hours.opens, zone)
            shut = datetime.combine(day, hours.closes, zone)
            passed += max(timedelta(), min(end, shut) - max(start, opened))
        day += timedelta(days=1)
    return passed
