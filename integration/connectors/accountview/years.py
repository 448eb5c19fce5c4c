"""Fiscal years of the books: each is a separate administration, selected by the book date of a call."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

from integration.connectors.accountview.client import AccountViewClient, Query
from integration.connectors.accountview.codec import Row, has_unique_columns, number_or_none
from integration.connectors.accountview.codec import calendar_day as day_of
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.accountview.target import date_of, reference_of
from integration.core.errors import AccessDeniedError, ConnectorError, RejectedError
from integration.core.records import Record

EARLIEST, LATEST = date.min.isoformat(), date.max.isoformat()
LONGEST_YEAR = timedelta(days=731)  # a first fiscal year may be extended to two


class FiscalPeriod(NamedTuple):
    """One period of a fiscal year: its number, first and last day. The number of an unknown period is 0."""

    number: int
    start: date
    end: date


class FiscalYears:
    """Assigns days to fiscal years by their periods, read once per year; safe to share between threads.

    Where the periods cannot be read, only days of the same month count as one year, because years begin with a month.
    """

    def __init__(self, client: AccountViewClient, settings: AccountViewSettings) -> None:
        self._client = client
        self._object = settings.objects.periods
        self._columns = settings.period
        self._known_years: tuple[tuple[FiscalPeriod, ...], ...] = ()
        self._unknown_months: frozenset[date] = frozenset()  # months for which the books show no period
        self._outside: frozenset[date] = frozenset()  # those of them whose fiscal year has periods
        self._are_readable = bool(self._object.code)

    def documents_by_book_date(self, documents: Sequence[Record]) -> list[tuple[date | None, list[Record]]]:
        """Return documents that have a reference, grouped by the book date to read with.

        Each other fiscal year comes first, then all documents with today's book date.

        None stands for today.
        """
        today = self._client.today()
        this_year, years = self._first_day(today), dict[date, list[Record]]()
        for record in documents:
            if reference_of(record):
                years.setdefault(self._first_day(date_of(record) or today), []).append(record)
        own = [(date_of(records[0]), records) for first, records in years.items() if first != this_year]
        return [*own, (None, [record for records in years.values() for record in records])] if years else []

    def of_days(self, days: Sequence[date]) -> list[tuple[date, list[date]]]:
        """Return days by the book date to read with, one group per fiscal year."""
        years: dict[date, list[date]] = {}
        for day in days:
            years.setdefault(self._first_day(day), []).append(day)
        return [(year_days[0], year_days) for year_days in years.values()]

    def last_day_before(self) -> date:
        """Return the last day before this fiscal year, or before this calendar year if the periods are unknown."""
        today = self._client.today()
        first = min((period.start for period in self._periods(today)), default=today.replace(month=1, day=1))
        return first - timedelta(days=1)

    def starts(self) -> dict[str, str]:
        """Return the periods of this fiscal year, the one before and the one after: first day and number.

        The number is empty from a day on that is in no period of its fiscal year, or in several. Empty if the books do
        not give their periods.
        """
        today = self._client.today()
        current_periods = self._periods(today)
        if not current_periods:
            return {EARLIEST: "", LATEST: ""} if self._is_outside(today) else {}
        first, last = current_periods[0].start - timedelta(days=1), current_periods[-1].end + timedelta(days=1)
        periods = (*self._periods(first), *current_periods, *self._periods(last))
        starts = {period.start.isoformat(): str(period.number or "") for period in periods}
        before = {EARLIEST: "", first.isoformat(): ""} if self._is_outside(first) else {}
        after = {last.isoformat(): "", LATEST: ""} if self._is_outside(last) else {}
        return {**before, **starts, **after}

    def _first_day(self, day: date) -> date:
        periods = self._periods(day)
        return min(period.start for period in periods) if periods else day.replace(day=1)

    def _periods(self, day: date) -> tuple[FiscalPeriod, ...]:
        """Return the periods of the fiscal year of a day; none if they cannot be read."""
        for year_periods in self._known_years:
            if any(period.start <= day <= period.end for period in year_periods):
                return year_periods
        if not self._are_readable or day.replace(day=1) in self._unknown_months:
            return ()
        query = Query(of=self._object, sort=(self._columns.number,), size=100, book_date=day)
        try:
            rows = self._client.read_all_rows(query)
        except ConnectorError as error:  # the lookup of documents meets the same error and reports it
            self._are_readable = not isinstance(error, AccessDeniedError | RejectedError)
            return ()
        periods = _without_gaps([period for row in rows if (period := self._period(row)) is not None])
        if not any(period.start <= day <= period.end for period in periods):
            self._unknown_months |= {day.replace(day=1)}  # a year that does not exist, or invalid periods
            self._outside |= {day.replace(day=1)} if rows else frozenset()
            return ()
        self._known_years = (*self._known_years, periods)
        return periods

    def _period(self, row: Row) -> FiscalPeriod | None:
        """Return the period of a row; None if it has no readable number or dates."""
        if not has_unique_columns(row):
            return None
        columns = self._columns
        start, end = day_of(row.get(columns.start)), day_of(row.get(columns.end))
        number = number_or_none(row.get(columns.number), 0)
        if not start or not end or not number or not start <= end <= start + LONGEST_YEAR:
            return None
        return FiscalPeriod(int(number), start, end)

    def _is_outside(self, day: date) -> bool:
        """Return True if the fiscal year of a day has periods, and none of them has the day."""
        return day.replace(day=1) in self._outside


def _without_gaps(periods: Sequence[FiscalPeriod]) -> tuple[FiscalPeriod, ...]:
    """Return periods from the first day to the last, sorted; days in none or in several are in a period 0."""
    if not periods:
        return ()
    first, last = min(period.start for period in periods), max(period.end for period in periods)

    def number_of(day: date) -> int:
        numbers = {period.number for period in periods if period.start <= day <= period.end}
        return numbers.pop() if len(numbers) == 1 else 0

    days = (first + timedelta(days=place) for place in range((last - first).days + 1))
    spans = [(number, list(span)) for number, span in groupby(days, key=number_of)]
    return tuple(FiscalPeriod(number, span[0], span[-1]) for number, span in spans)
