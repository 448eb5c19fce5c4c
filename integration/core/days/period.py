"""A period of closed days: a month, quarter or year, or any range of dates; and the sums of its days on both sides."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from integration.core.days.check import DayComparison
from integration.core.days.report import DayState
from integration.core.days.turnover import AccountTurnover
from integration.core.totals.sold import NOTHING

MAX_DAYS = 366
FIRST_YEAR, LAST_YEAR = 2000, 2100
_MONTH, _QUARTER, _YEAR = re.compile(r"(\d{4})-(\d{2})"), re.compile(r"(\d{4})-Q([1-4])"), re.compile(r"(\d{4})")
_SPLIT = ".."


@dataclass(frozen=True, slots=True)
class Period:
    """All days from `first` to `last`. `name` is its form in an address: 2026-11, 2026-Q4, 2026 or first..last."""

    name: str
    first: date
    last: date

    @property
    def months(self) -> int:
        """Number of months of a month, quarter or year; 0 for a range of dates."""
        if _SPLIT in self.name:
            return 0
        return 3 if "Q" in self.name else 1 if "-" in self.name else 12

    def shifted(self, by: int) -> "Period":
        """Return the period of the same length that is `by` periods later. Raises ValueError outside 2000 to 2100."""
        if not self.months:
            days = timedelta(days=((self.last - self.first).days + 1) * by)
            return date_range(self.first + days, self.last + days)
        return _months_period(_month_number(self.first) + by * self.months, self.months)

    def a_year_before(self) -> "Period":
        """Return the same period one year earlier. Raises ValueError outside 2000 to 2100."""
        if self.months:
            return _months_period(_month_number(self.first) - 12, self.months)
        return date_range(_year_before(self.first), _year_before(self.last))

    def days(self, until: date) -> list[date]:
        """Return the days of the period up to `until`."""
        last = min(self.last, until)
        return [self.first + timedelta(days=number) for number in range((last - self.first).days + 1)]


def calendar_month(day: date) -> Period:
    """Return the month of a day."""
    return _months_period(_month_number(day), 1)


def calendar_quarter(day: date) -> Period:
    """Return the quarter of a day."""
    return _months_period(_month_number(day) // 3 * 3, 3)


def calendar_year(day: date) -> Period:
    """Return the year of a day."""
    return _months_period(day.year * 12, 12)


def date_range(first: date, last: date) -> Period:
    """Return the range of dates. Raises ValueError for more than 366 days, or a last day before the first."""
    if not timedelta() <= last - first < timedelta(days=MAX_DAYS) or not FIRST_YEAR <= first.year <= LAST_YEAR:
        raise ValueError(f"{first} to {last}")
    return Period(f"{first.isoformat()}{_SPLIT}{last.isoformat()}", first, last)


def parse_period(name: str) -> Period:
    """Return the period of a name such as 2026-11, 2026-Q4, 2026 or 2026-11-03..2026-11-20. Raises ValueError."""
    if match := _MONTH.fullmatch(name):
        day = date(int(match[1]), int(match[2]), 1)
        return _months_period(_month_number(day), 1)
    if match := _QUARTER.fullmatch(name):
        return _months_period(int(match[1]) * 12 + (int(match[2]) - 1) * 3, 3)
    if match := _YEAR.fullmatch(name):
        return _months_period(int(match[1]) * 12, 12)
    first, _, last = name.partition(_SPLIT)
    return date_range(date.fromisoformat(first), date.fromisoformat(last))


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _months_period(number: int, months: int) -> Period:
    first = date(number // 12, number % 12 + 1, 1)
    following = number + months
    last = date(following // 12, following % 12 + 1, 1) - timedelta(days=1)
    if not FIRST_YEAR <= first.year <= LAST_YEAR:
        raise ValueError(str(first))
    quarter = f"{first.year:04}-Q{first.month // 3 + 1}"
    return Period({1: f"{first:%Y-%m}", 3: quarter, 12: f"{first.year:04}"}[months], first, last)


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)


# ---- sums of days


@dataclass(frozen=True, slots=True)
class PeriodDay:
    """One day of a branch in a period.

    `rows` are its figures of taxable amounts, VAT and ledger accounts. Without rows the figures of the day are not
    known; `cause` and `facts` say why. `documents` are the numbers of its documents by VAT code of the books.
    """

    date: date
    branch: str
    branch_name: str
    state: DayState
    checked_at: datetime | None = None
    rows: tuple[DayComparison, ...] = ()
    documents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    turnover: tuple[AccountTurnover, ...] = ()
    cause: str = ""
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Date and branch."""
        return f"{self.date.isoformat()}/{self.branch}"

    def figure(self, about: str, code: str) -> DayComparison | None:
        """Return the figure of the day, or None if it has none."""
        return next(
            (comparison for comparison in self.rows if (comparison.about, comparison.key) == (about, code)), None
        )


@dataclass(frozen=True, slots=True)
class PeriodFigure:
    """Sum of one figure over days, with these days. A side is None if no day has both sides.

    `unknown` are days of which a side is not known: they are in neither sum.
    """

    about: str
    key: str
    till: Decimal
    books: Decimal | None
    days: tuple[PeriodDay, ...]
    unknown: tuple[PeriodDay, ...] = ()

    @property
    def compared(self) -> DayComparison:
        """The sums as one comparison."""
        return DayComparison(self.about, self.key, self.till, self.books)

    @property
    def difference(self) -> Decimal:
        """The books' sum minus the till's."""
        return self.compared.difference


def sums_of_days(days: Sequence[PeriodDay], *about: str) -> list[PeriodFigure]:
    """Return the sums of these types of figures over days, sorted by key.

    A figure that the books report of no day has the till's sum and no sum of the books.
    """
    keys = sorted(
        {
            (comparison.key, about.index(comparison.about))
            for day in days
            for comparison in day.rows
            if comparison.about in about
        }
    )
    return [_figure(days, about[place], key) for key, place in keys]


def _figure(days: Sequence[PeriodDay], about: str, key: str) -> PeriodFigure:
    figures = [(day, comparison) for day in days if (comparison := day.figure(about, key)) is not None]
    known_figures = [
        (day, comparison) for day, comparison in figures if comparison.till is not None and comparison.books is not None
    ]
    unknown = tuple(day for day, comparison in figures if comparison.till is None or comparison.books is None)
    if not known_figures:
        till = sum((comparison.till or NOTHING for _, comparison in figures), NOTHING)
        return PeriodFigure(about, key, till, None, tuple(day for day, _ in figures), unknown)
    till = sum((comparison.till or NOTHING for _, comparison in known_figures), NOTHING)
    books = sum((comparison.books or NOTHING for _, comparison in known_figures), NOTHING)
    return PeriodFigure(about, key, till, books, tuple(day for day, _ in known_figures), unknown)


@dataclass(frozen=True, slots=True)
class TurnoverFigure:
    """Turnover without VAT of a turnover group on a ledger account at one branch, in a period and the one before."""

    branch: str
    branch_name: str
    group: str
    name: str
    account: str
    amount: Decimal
    before: Decimal

    @property
    def change(self) -> Decimal:
        """The amount minus that of the period before."""
        return self.amount - self.before


def turnover_of(now: Iterable[PeriodDay], before: Iterable[PeriodDay]) -> list[TurnoverFigure]:
    """Return the turnover per branch, group and account, sorted in this order."""
    amounts: dict[tuple[str, str, str], tuple[Decimal, Decimal]] = {}
    names: dict[tuple[str, str, str], tuple[str, str]] = {}
    for place, days in enumerate((before, now)):
        for day in days:
            for turnover in day.turnover:
                key = (day.branch, turnover.group, turnover.account)
                sums = amounts.get(key, (NOTHING, NOTHING))
                amounts[key] = (sums[0], sums[1] + turnover.amount) if place else (sums[0] + turnover.amount, sums[1])
                names[key] = (day.branch_name, turnover.name)
    return [
        TurnoverFigure(key[0], names[key][0], key[1], names[key][1], key[2], amount, earlier)
        for key, (earlier, amount) in sorted(amounts.items())
    ]
