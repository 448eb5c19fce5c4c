"""Periods of closed days: VAT and turnover on both sides from stored checks, and the VAT codes of the books.

Writes to no system. Only `read_books` queries one.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from integration.connectors.protocol import Connector
from integration.core.authorization import requires
from integration.core.days.books import DayBooks, DayLine
from integration.core.days.check import check_day, vat_by_code
from integration.core.days.entries import LedgerEntry, entry_of_row
from integration.core.days.period import (
    Period,
    PeriodDay,
    PeriodFigure,
    TurnoverFigure,
    calendar_month,
    parse_period,
    sums_of_days,
    turnover_of,
)
from integration.core.days.report import DayState
from integration.core.days.vat_return import COUNTRIES, BoxSum, CodeSum, VatBox, VatBoxes, box_sums, return_totals
from integration.core.grouping import group_by_key
from integration.core.people import Right
from integration.core.records import Kind, Unreadable
from integration.core.totals.sold import NOTHING, VatSum
from integration.core.vat_numbers import is_of_the_union, vat_prefix
from integration.flows.settings import BOOKS
from integration.flows.spec import FlowSpec
from integration.services.daybooks.days import DayListed, Days
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.mappings import Logics
from integration.store.links import Links
from integration.store.rules import MappingStore

AT_ONCE = 31  # days per query of the ledger
MAX_FOREIGN = 500  # pages shown; the sums include all of them
MAX_CACHED_ANSWERS = 6  # answers of the books that are cached
WITHOUT_FIGURES = frozenset({DayState.BOOKED, DayState.PARKED, DayState.UNKNOWN})
WITHOUT_BOOKING = frozenset({DayState.EMPTY, DayState.LEFT_OUT, DayState.OPEN, DayState.WAITING})

DayCallback = Callable[[date], None]


class Origin(StrEnum):
    """Origin of ledger rows under a VAT code."""

    DAYS = "days"  # pages of the days of the period
    OTHER_DAYS = "other_days"  # pages of days outside of the period
    DOCUMENTS = "documents"  # documents that this console booked one by one
    FOREIGN = "foreign"  # not from this console


@dataclass(frozen=True, slots=True)
class ForeignPage:
    """A page of the books with VAT codes that this console did not write, with its amounts under one code."""

    page: str
    date: date | None
    reference: str
    text: str
    by: str
    code: str
    base: Decimal
    vat: Decimal


@dataclass(frozen=True, slots=True)
class BooksOfPeriod:
    """Ledger amounts under VAT codes in a period, by origin and code; credit is positive.

    `foreign` are pages of others, at most 500. `unreadable` is the number of rows that could not be read and are in no
    sum.
    """

    period: Period
    read_at: datetime
    sums: Mapping[tuple[Origin, str], VatSum] = field(default_factory=dict)
    foreign: tuple[ForeignPage, ...] = ()
    unreadable: int = 0
    has_base: bool = True  # False with separate VAT lines, whose rows do not report the taxable amount

    def origin_sum(self, origin: Origin, code: str) -> VatSum:
        """Return the amounts of an origin under a code."""
        return self.sums.get((origin, code), VatSum())

    def codes(self) -> list[str]:
        """Return all codes, sorted."""
        return sorted({code for _, code in self.sums})

    def total(self, code: str) -> CodeSum:
        """Return all amounts under a code."""
        vat_total = sum((self.origin_sum(origin, code) for origin in Origin), VatSum())
        return CodeSum(code, vat_total.excl if self.has_base else None, vat_total.vat)


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """One line of the VAT return: the till's days, and everything in the books; None is not known."""

    box: VatBox | None
    codes: tuple[str, ...]
    till: BoxSum
    books: BoxSum | None


@dataclass(frozen=True, slots=True)
class PeriodReport:
    """A period on both sides, from the stored checks of its days.

    `vat` are taxable amounts and VAT per code, `accounts` the ledger accounts with turnover. `without_figures` are
    days that are in no sum, and `never_checked` is the number of days of branches without any check. `books` is None
    until the books were asked; it covers all branches. `lines` and `totals` (VAT owed, input VAT) are those of the
    return, by the books if asked, otherwise by the till.
    """

    period: Period
    branch: str
    branch_names: Mapping[str, str]
    against: Period
    days: tuple[PeriodDay, ...]
    vat: tuple[PeriodFigure, ...]
    accounts: tuple[PeriodFigure, ...]
    turnover: tuple[TurnoverFigure, ...]
    boxes: VatBoxes
    lines: tuple[ReturnLine, ...]
    books: BooksOfPeriod | None = None
    never_checked: int = 0

    @property
    def without_figures(self) -> list[PeriodDay]:
        """Days that have or may have turnover and no figures."""
        return [day for day in self.days if not day.rows and day.state in WITHOUT_FIGURES]

    @property
    def waiting(self) -> list[PeriodDay]:
        """Days that the till has not closed."""
        return [day for day in self.days if day.state in (DayState.OPEN, DayState.WAITING)]

    @property
    def different(self) -> list[PeriodDay]:
        """Days of which a figure of VAT or an account with turnover differs."""
        figures = {(figure.about, figure.key) for figure in (*self.vat, *self.accounts)}
        return [day for day in self.days if any(row.difference and (row.about, row.key) in figures for row in day.rows)]

    @property
    def is_equal(self) -> bool:
        """True if all figures are known and equal on both sides."""
        is_complete = not (self.without_figures or self.waiting or self.never_checked)
        is_known = all(figure.books is not None and not figure.unknown for figure in self.vat)
        return is_complete and is_known and not any(figure.difference for figure in (*self.vat, *self.accounts))

    @property
    def checked(self) -> tuple[datetime, datetime] | None:
        """Time of the oldest and of the newest check of its days, or None without a check."""
        times = [day.checked_at for day in self.days if day.checked_at is not None]
        return (min(times), max(times)) if times else None

    def totals(self, *, of_books: bool) -> tuple[Decimal | None, Decimal | None]:
        """Return VAT owed and input VAT of the return, by the books or by the till's days."""
        sums = [line.books if of_books else line.till for line in self.lines]
        return return_totals([box_sum for box_sum in sums if box_sum is not None])

    def oss(self) -> list[tuple[str, str, PeriodFigure | None, PeriodFigure | None]]:
        """Return countries, code, and the figures of taxable amount and VAT of each code of the OSS return."""
        figures = {(figure.about, figure.key): figure for figure in self.vat}
        return [
            (", ".join(self.boxes.oss.get(code, ())), code, figures.get(("base", code)), figures.get(("vat", code)))
            for code in dict.fromkeys(figure.key for figure in self.vat)
            if self.boxes.box(code) is VatBox.OSS
        ]


class Periods:
    """Reports periods of closed days, and reads the books' amounts by VAT code. Thread-safe."""

    def __init__(
        self,
        days: Days,
        links: Links,
        rules: MappingStore,
        lists: CodeLists,
        logics: Logics,
        connectors: Mapping[str, Connector],
        clock: Callable[[], datetime],
        flows: Mapping[str, FlowSpec],
    ) -> None:
        self._days = days
        self._links = links
        self._rules = rules
        self._lists = lists
        self._logics = logics
        self._connectors = connectors
        self._clock = clock
        self._flows = flows
        self._answers: OrderedDict[tuple[str, int], BooksOfPeriod] = OrderedDict()
        self._lock = threading.Lock()

    @requires(Right.SEE)
    def period(self, name: str) -> Period:
        """Return the period of a name in an address; the month in which days need attention for any other text."""
        try:
            return parse_period(name)
        except ValueError:
            return calendar_month(self._days.day_of_interest())

    @requires(Right.SEE)
    def shift_period(self, period: Period, by: int) -> Period:
        """Return the period that is `by` periods later, or the period itself at the end of the known years."""
        try:
            return period.shifted(by)
        except ValueError:
            return period

    @requires(Right.SEE)
    def report(self, period: Period, branch: str = "", *, a_year_before: bool = False) -> PeriodReport:
        """Return a period of one branch or of all, beside the period before or the same one a year before.

        Queries no system.
        """
        try:
            against = period.a_year_before() if a_year_before else period.shifted(-1)
        except ValueError:  # outside of the years that a period may have
            against = period
        days = self._period_days(period, branch)
        before = self._period_days(against, branch) if against != period else []
        vat = sums_of_days(days, "base", "vat")
        turnover = turnover_of(days, before)
        sold_on = {row.account for row in turnover}
        accounts = [figure for figure in sums_of_days(days, "account") if figure.key in sold_on]
        boxes, books = self.boxes(), None if branch else self.books(period)
        names = self._days.branches()
        known_days = {(day.date, day.branch) for day in days}
        branches = [number for number in self._days.till_branches() if branch in ("", number)]
        missing = [
            1 for day in period.days(self._days.today()) for number in branches if (day, number) not in known_days
        ]
        return PeriodReport(
            period, branch, names, against, tuple(days), tuple(vat), tuple(accounts), tuple(turnover), boxes,
            tuple(_lines(vat, books, boxes)), books, len(missing),
        )  # fmt: skip

    @requires(Right.SEE)
    def books(self, period: Period) -> BooksOfPeriod | None:
        """Return the last answer of the books about a period, or None if they were not asked."""
        with self._lock:
            return self._answers.get(self._question(period))

    @requires(Right.COMPARE)
    def read_books(self, period: Period, on_progress: DayCallback = lambda _: None) -> BooksOfPeriod:
        """Read the books' amounts by VAT code for a period, and cache the answer. `on_progress` gets each first day.

        Raises IntegrationError if the books are unreachable, or cannot report their ledger rows.
        """
        target, books = (
            self._connectors[BOOKS.system],
            self._day_books(self._connectors[BOOKS.system].choices("vat_accounts")),
        )
        reader = _Reader(self, period, books)
        days = [period.first + timedelta(days=number) for number in range((period.last - period.first).days + 1)]
        for start in range(0, len(days), AT_ONCE):
            batch = days[start : start + AT_ONCE]
            on_progress(batch[0])
            records = target.fetch(Kind.ENTRY, [day.isoformat() for day in batch])
            reader.unreadable += sum(isinstance(record, Unreadable) for record in records)
            reader.add([entry_of_row(record) for record in records if not isinstance(record, Unreadable)])
        answer = reader.answer(self._clock())
        with self._lock:
            self._answers[self._question(period)] = answer
            while len(self._answers) > MAX_CACHED_ANSWERS:
                self._answers.popitem(last=False)
        return answer

    @requires(Right.SEE)
    def boxes(self) -> VatBoxes:
        """Return the box of each VAT code, by the settings, the value tables and the standard codes."""
        spec, tables = self._flows[self._days.flow], self._rules.tables()
        home = self._logics.home_country()
        rates = {code: Decimal(rate) for code, rate in self._lists.captions(BOOKS.system, "vat_rates").items()}
        rows = {name: self._rows(spec, tables, cause) for name, cause in _TABLES.items()}
        chosen = getattr(self._logics.settings(spec.flow.name), "vat_boxes", {})
        country = home if home in COUNTRIES else ""
        return VatBoxes(
            country,
            chosen,
            rates,
            _oss(rows["sales"], home, rates),
            frozenset([code for _, code in rows["purchases"] if code]),
        )

    # ---- parts of a report

    def _period_days(self, period: Period, branch: str) -> list[PeriodDay]:
        listed_days = {day.key: day for day in self._days.listed(period.first, period.last, branch)}
        return [self._day(day) for day in listed_days.values()]

    def _day(self, day: DayListed) -> PeriodDay:
        report = day.report
        period_day = PeriodDay(
            day.date, day.branch, day.branch_name, day.state, day.checked_at, cause=day.cause,
            facts=dict(day.facts or {}),
        )  # fmt: skip
        if report is None or day.state in (*WITHOUT_BOOKING, DayState.BOOKED):
            return period_day
        rows = report.rows
        if not rows and day.state is DayState.CLOSED:
            books = self._day_books(self._lists.captions(BOOKS.system, "vat_accounts"))
            rows = check_day(report.expected, (), (), (), books).rows
        return PeriodDay(
            period_day.date, period_day.branch, period_day.branch_name, period_day.state, period_day.checked_at,
            tuple(row for row in rows if row.about != "method"), _documents(report.expected), report.turnover,
            period_day.cause, period_day.facts,
        )  # fmt: skip

    def _day_books(self, vat_accounts: Mapping[str, str]) -> DayBooks:
        settings = self._logics.settings(self._days.flow)
        return DayBooks(
            mode=getattr(settings, "mode", "line"), drawer_account=getattr(settings, "drawer_account", ""),
            vat_accounts=vat_accounts,
        )  # fmt: skip

    def _rows(
        self, spec: FlowSpec, tables: Mapping[str, Mapping[str, str]], cause: str
    ) -> list[tuple[dict[str, str], str]]:
        """Return the rows of the value table that repairs a cause: the parts of each key, and its code."""
        table = next(value_table for value_table in spec.tables if cause in value_table.causes)
        return [(table.read(key) or {}, code.strip()) for key, code in tables.get(table.name, {}).items()]

    def _question(self, period: Period) -> tuple[str, int]:
        return period.name, id(self._connectors[BOOKS.system])

    def origins(self, pages: Iterable[str], period: Period) -> dict[str, Origin]:
        """Return the origin of pages of the books that this console wrote, by page."""
        page_numbers = list(pages)
        origins: dict[str, Origin] = {}
        for flow in self._flows:
            kind = Kind.DAY_PAGE if flow == self._days.flow else Kind.POSTING
            for page, link in self._links.by_reference(flow, kind, page_numbers).items():
                if kind is Kind.POSTING:
                    origins[page] = Origin.DOCUMENTS
                else:
                    is_here = period.first.isoformat() <= link.key[:10] <= period.last.isoformat()
                    origins[page] = Origin.DAYS if is_here else Origin.OTHER_DAYS
        return origins


_TABLES = {"sales": "vat_code_unmapped", "purchases": "purchase_vat_code_unmapped"}


class _Reader:
    """Adds up ledger rows by origin and VAT code, batch by batch."""

    def __init__(self, periods: Periods, period: Period, books: DayBooks) -> None:
        self._periods = periods
        self._period = period
        self._books = books
        self._sums: dict[tuple[Origin, str], VatSum] = {}
        self._foreign_pages: list[ForeignPage] = []
        self.unreadable = 0

    def add(self, entries: Sequence[LedgerEntry]) -> None:
        """Add rows. A page is in one batch, because a batch has whole days and a page one date."""
        by_page = group_by_key((entry.page, entry) for entry in entries)
        origins = self._periods.origins(by_page, self._period)
        for page, rows in by_page.items():
            origin = origins.get(page, Origin.FOREIGN)
            for code, vat_sum in vat_by_code(rows, self._books).items():
                self._sums[origin, code] = self._sums.get((origin, code), VatSum()) + vat_sum
                if origin is Origin.FOREIGN and vat_sum and len(self._foreign_pages) < MAX_FOREIGN:
                    first = next(row for row in rows if row.vat_code == code)
                    self._foreign_pages.append(
                        ForeignPage(
                            page, first.date, first.reference, first.text, first.by, code, vat_sum.excl, vat_sum.vat
                        )
                    )

    def answer(self, at: datetime) -> BooksOfPeriod:
        """Return the sums."""
        has_base = self._books.mode != "separate"
        return BooksOfPeriod(self._period, at, self._sums, tuple(self._foreign_pages), self.unreadable, has_base)


def _documents(lines: Sequence[DayLine]) -> dict[str, tuple[str, ...]]:
    by_code: dict[str, dict[str, None]] = {}
    for line in lines:
        if line.vat_code:
            by_code.setdefault(line.vat_code, {}).update(dict.fromkeys(line.documents))
    return {code: tuple(numbers) for code, numbers in by_code.items()}


def _lines(vat: Sequence[PeriodFigure], books: BooksOfPeriod | None, boxes: VatBoxes) -> list[ReturnLine]:
    """Return the lines of the return: every box with a code on either side."""
    by_code = {(figure.about, figure.key): figure.till for figure in vat}
    codes = list(dict.fromkeys([*(figure.key for figure in vat), *(books.codes() if books else ())]))
    till = [CodeSum(code, by_code.get(("base", code), NOTHING), by_code.get(("vat", code), NOTHING)) for code in codes]
    books_sums = box_sums([books.total(code) for code in codes], boxes) if books else []
    of_books = {box_sum.box: box_sum for box_sum in books_sums}
    return [
        ReturnLine(box_sum.box, box_sum.codes, box_sum, of_books.get(box_sum.box)) for box_sum in box_sums(till, boxes)
    ]


def _oss(
    rows: Sequence[tuple[dict[str, str], str]], home: str, rates: Mapping[str, Decimal]
) -> dict[str, tuple[str, ...]]:
    """Return the EU countries whose consumers have a VAT code of their own, by code."""
    domestic = {code for parts, code in rows if parts.get("country", home) in ("", home)}
    by_code: dict[str, list[str]] = {}
    for parts, code in rows:
        country = parts.get("country", "")
        is_consumer = parts.get("vat_number") != "yes" and not parts.get("vat_method")
        is_of_union = bool(country) and is_of_the_union(vat_prefix(country))
        if is_of_union and code not in domestic and is_consumer and rates.get(code):
            by_code.setdefault(code, []).append(country)
    return {code: tuple(sorted(set(countries))) for code, countries in by_code.items()}
