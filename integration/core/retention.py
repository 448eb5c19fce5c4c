"""Retention: how long each class of stored data is kept, and the law behind it."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from integration.core.timetable import WALL_CLOCK


class Unit(StrEnum):
    """Unit of a retention length. Years are calendar years and count from their end."""

    DAYS = "days"
    MONTHS = "months"
    YEARS = "years"


class Country(StrEnum):
    """Country whose law sets how long postings and vouchers are kept."""

    NL = "nl"
    DE = "de"
    OTHER = "other"  # no law is named


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """Data with one retention length: the default, its unit, and the allowed minimum and maximum."""

    name: str
    unit: Unit
    default: int
    minimum: int
    most: int


STAGING = RetentionClass("staging", Unit.DAYS, 7, 1, 90)
ENGINE = RetentionClass("engine", Unit.DAYS, 14, 3, 365)
IDLE = RetentionClass("idle", Unit.DAYS, 31, 1, 3_650)
PLANS = RetentionClass("plans", Unit.MONTHS, 6, 1, 120)
EXCEPTIONS = RetentionClass("exceptions", Unit.MONTHS, 13, 1, 120)
RUNS = RetentionClass("runs", Unit.MONTHS, 13, 1, 120)
MOVEMENTS = RetentionClass("movements", Unit.DAYS, 92, 92, 3_650)  # a removed movement counts again if reread
LOG = RetentionClass("log", Unit.MONTHS, 13, 1, 120)
VOUCHERS = RetentionClass("vouchers", Unit.YEARS, 7, 1, 30)
BOOKS = RetentionClass("books", Unit.YEARS, 7, 1, 30)

# Order of display and pruning: dependent classes before the classes they refer to.
CLASSES = (STAGING, PLANS, EXCEPTIONS, MOVEMENTS, IDLE, RUNS, VOUCHERS, BOOKS, ENGINE, LOG)
BY_NAME: Mapping[str, RetentionClass] = {retention_class.name: retention_class for retention_class in CLASSES}


@dataclass(frozen=True, slots=True)
class Law:
    """Law behind a retention length: its text key, and the minimum length; 0 if the law sets none."""

    name: str
    least: int = 0


# Years of article 52 AWR, of § 147 AO and § 14b UStG, and of article 369k of the VAT directive for sales under OSS.
_OSS = Law("oss", 10)
_LAWS: Mapping[tuple[Country, str], Law] = {
    (Country.NL, "vouchers"): Law("nl", 7),
    (Country.NL, "books"): Law("nl", 7),
    (Country.DE, "vouchers"): Law("de_vouchers", 8),
    (Country.DE, "books"): Law("de_books", 10),
}


def law(name: str, country: Country, *, oss: bool) -> Law:
    """Return the law behind a class; of several laws, the one with the longest minimum."""
    if BY_NAME[name].unit is not Unit.YEARS:
        return Law("gdpr")
    country_law = _LAWS.get((country, name), Law("none"))
    return _OSS if oss and country_law.least < _OSS.least else country_law


@dataclass(frozen=True, slots=True)
class Retention:
    """Retention settings: the country, whether sales fall under OSS, and lengths that override the defaults."""

    country: Country = Country.NL
    oss: bool = False
    lengths: Mapping[str, int] = field(default_factory=dict)

    def length(self, name: str) -> int:
        """Return how long a class is kept, in its unit."""
        length = self.lengths.get(name)
        if length is not None:
            return length
        return max(BY_NAME[name].default, self.law(name).least)

    def law(self, name: str) -> Law:
        """Return the law behind a class."""
        return law(name, self.country, oss=self.oss)

    def too_short(self) -> list[str]:
        """Return the classes with a length below the legal minimum."""
        return [
            retention_class.name
            for retention_class in CLASSES
            if self.length(retention_class.name) < self.law(retention_class.name).least
        ]

    def out_of_bounds(self) -> list[str]:
        """Return the names with an invalid length, and the names of unknown classes."""
        return [
            name
            for name, length in self.lengths.items()
            if name not in BY_NAME or not BY_NAME[name].minimum <= length <= BY_NAME[name].most
        ]

    def removal_cutoff(self, name: str, now: datetime) -> datetime:
        """Return the time before which data of a class is removed unless it is still needed."""
        return cutoff(BY_NAME[name].unit, self.length(name), now)


def cutoff(unit: Unit, length: int, now: datetime) -> datetime:
    """Return the time `length` units ago, in UTC. For years, the start of the first year that is kept in full."""
    if unit is Unit.DAYS:
        return now - timedelta(days=length)
    if unit is Unit.YEARS:
        local_now = now.astimezone(ZoneInfo(WALL_CLOCK))
        return datetime(local_now.year - length, 1, 1, tzinfo=local_now.tzinfo).astimezone(UTC)
    months = now.year * 12 + now.month - 1 - length
    year, month = divmod(months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, calendar.monthrange(year, month + 1)[1]))
