"""How long what is kept is kept, by classes, and what a law says of it."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from integration.core.timetable import WALL_CLOCK


class Unit(StrEnum):
    """What a length is counted in; years are those of the calendar, which count from their end."""

    DAYS = "days"
    MONTHS = "months"
    YEARS = "years"


class Country(StrEnum):
    """Whose law says how long postings and their evidence are kept."""

    NL = "nl"
    DE = "de"
    OTHER = "other"  # no law is named here


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """What is kept alike: how long usually, in which unit, and between which lengths a person may choose."""

    name: str
    unit: Unit
    usual: int
    least: int
    most: int


STAGING = RetentionClass("staging", Unit.DAYS, 7, 1, 90)
ENGINE = RetentionClass("engine", Unit.DAYS, 14, 3, 365)
IDLE = RetentionClass("idle", Unit.DAYS, 31, 1, 3_650)
PLANS = RetentionClass("plans", Unit.MONTHS, 6, 1, 120)
EXCEPTIONS = RetentionClass("exceptions", Unit.MONTHS, 13, 1, 120)
RUNS = RetentionClass("runs", Unit.MONTHS, 13, 1, 120)
MOVEMENTS = RetentionClass("movements", Unit.DAYS, 92, 92, 3_650)  # read again, one that is not kept counts again
LOG = RetentionClass("log", Unit.MONTHS, 13, 1, 120)
VOUCHERS = RetentionClass("vouchers", Unit.YEARS, 7, 1, 30)
BOOKS = RetentionClass("books", Unit.YEARS, 7, 1, 30)

# In the order in which they are shown and pruned: what a class is made of goes before what it hangs on.
CLASSES = (STAGING, PLANS, EXCEPTIONS, MOVEMENTS, IDLE, RUNS, VOUCHERS, BOOKS, ENGINE, LOG)
BY_NAME: Mapping[str, RetentionClass] = {one.name: one for one in CLASSES}


@dataclass(frozen=True, slots=True)
class Law:
    """Which law is behind a length, as a key of its words, and the shortest that it allows; 0 where it names none."""

    name: str
    least: int = 0


# The years of article 52 AWR, of § 147 AO and § 14b UStG, and of article 369k of the VAT directive for sales under OSS.
_OSS = Law("oss", 10)
_LAWS: Mapping[tuple[Country, str], Law] = {
    (Country.NL, "vouchers"): Law("nl", 7),
    (Country.NL, "books"): Law("nl", 7),
    (Country.DE, "vouchers"): Law("de_vouchers", 8),
    (Country.DE, "books"): Law("de_books", 10),
}


def law(name: str, country: Country, *, oss: bool) -> Law:
    """Return the law behind a class: of several, the one that asks for longest."""
    if BY_NAME[name].unit is not Unit.YEARS:
        return Law("gdpr")
    found = _LAWS.get((country, name), Law("none"))
    return _OSS if oss and found.least < _OSS.least else found


@dataclass(frozen=True, slots=True)
class Retention:
    """What a person set: the country, whether sales go under OSS, and lengths that are not those of the law."""

    country: Country = Country.NL
    oss: bool = False
    lengths: Mapping[str, int] = field(default_factory=dict)

    def length(self, name: str) -> int:
        """Return how long a class is kept, in its unit."""
        given = self.lengths.get(name)
        if given is not None:
            return given
        return max(BY_NAME[name].usual, self.law(name).least)

    def law(self, name: str) -> Law:
        """Return the law behind a class."""
        return law(name, self.country, oss=self.oss)

    def too_short(self) -> list[str]:
        """Return the classes that are kept shorter than the law says."""
        return [one.name for one in CLASSES if self.length(one.name) < self.law(one.name).least]

    def out_of_bounds(self) -> list[str]:
        """Return the classes whose length is none that can be chosen, and names that no class has."""
        return [
            name
            for name, length in self.lengths.items()
            if name not in BY_NAME or not BY_NAME[name].least <= length <= BY_NAME[name].most
        ]

    def before(self, name: str, now: datetime) -> datetime:
        """Return the moment before which nothing of a class is kept any more, unless it is still needed."""
        return cutoff(BY_NAME[name].unit, self.length(name), now)


def cutoff(unit: Unit, length: int, now: datetime) -> datetime:
    """Return the moment so long ago, in UTC. Of years, it is the beginning of the first that is still kept whole."""
    if unit is Unit.DAYS:
        return now - timedelta(days=length)
    if unit is Unit.YEARS:
        here = now.astimezone(ZoneInfo(WALL_CLOCK))
        return datetime(here.year - length, 1, 1, tzinfo=here.tzinfo).astimezone(UTC)
    months = now.year * 12 + now.month - 1 - length
    year, month = divmod(months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, calendar.monthrange(year, month + 1)[1]))
