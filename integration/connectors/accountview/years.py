"""Fiscal years of the books: each is a separate administration, selected by the book date of a call."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from integration.connectors.accountview.client import AccountViewClient, Query
from integration.connectors.accountview.codec import calendar_day as day_of
from integration.connectors.accountview.codec import number_or_none, text_or_none
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.accountview.target import date_of, reference_of
from integration.core.errors import AccessDeniedError, ConnectorError, RejectedError
from integration.core.records import Record


class FiscalPeriod(NamedTuple):
    """One period of a fiscal year: its number, first and last day."""

    number: int
    start: date
    end: date


class FiscalYears:
    """Assigns days to fiscal years by their periods, read once per year; safe to share between threads.

    Where the periods cannot be read, only days of the same month count as one year, because years begin with a month.
    """

    def __init__(self, client: AccountViewClient, settings: AccountViewSettings) -> None:
        self._client = client
        self._of = settings.objects.periods
        self._named = settings.period
        self._known: tuple[tuple[FiscalPeriod, ...], ...] = ()
        self._untold: frozenset[date] = frozenset()  # months for which the books show no period
        self._are_readable = bool(self._of.code)

    def documents_by_book_date(self, wanted: Sequence[Record]) -> list[tuple[date | None, list[Record]]]:
        """Return documents that have a reference, grouped by the book date to read with.

        Each other fiscal year comes first, then all documents with today's book date.

        None stands for today.
        """
        today = self._client.today()
        this, years = self._first_day(today), dict[date, list[Record]]()
        for record in wanted:
            if reference_of(record):
                years.setdefault(self._first_day(date_of(record) or today), []).append(record)
        own = [(date_of(records[0]), records) for first, records in years.items() if first != this]
        return [*own, (None, [record for records in years.values() for record in records])] if years else []

    def of_days(self, days: Sequence[date]) -> list[tuple[date, list[date]]]:
        """Return days by the book date to read with, one group per fiscal year."""
        years: dict[date, list[date]] = {}
        for each in days:
            years.setdefault(self._first_day(each), []).append(each)
        return [(some[0], some) for some in years.values()]

    def last_day_before(self) -> date:
        """Return the last day before this fiscal year, or before this calendar year if the periods are unknown."""
        today = self._client.today()
        first = min((each.start for each in self._periods(today)), default=today.replace(month=1, day=1))
        return first - timedelta(days=1)

    def starts(self) -> dict[str, str]:
        """Return the periods of this fiscal year, the one before and the one after: first day and number.

        Empty if the periods are unknown.
        """
        this = self._periods(self._client.today())
        if not this:
            return {}
        first, last = min(each.start for each in this), max(each.end for each in this)
        around = (self._periods(first - timedelta(days=1)), this, self._periods(last + timedelta(days=1)))
        return {each.start.isoformat(): str(each.number) for periods in around for each in periods}

    def _first_day(self, day: date) -> date:
        periods = self._periods(day)
        return min(each.start for each in periods) if periods else day.replace(day=1)

    def _periods(self, day: date) -> tuple[FiscalPeriod, ...]:
        """Return the periods of the fiscal year of a day; none if they cannot be read."""
        for known in self._known:
            if any(each.start <= day <= each.end for each in known):
                return known
        if not self._are_readable or day.replace(day=1) in self._untold:
            return ()
        query = Query(of=self._of, sort=(self._named.number,), size=100, book_date=day)
        try:
            rows = self._client.every(query)
        except ConnectorError as error:  # the lookup of documents meets the same error and reports it
            self._are_readable = not isinstance(error, AccessDeniedError | RejectedError)
            return ()
        found = []
        for row in rows:
            start, end = (day_of(row.get(column)) for column in (self._named.start, self._named.end))
            if start and end and text_or_none(row.get(self._named.number)):
                found.append(FiscalPeriod(int(number_or_none(row[self._named.number], 0) or 0), start, end))
        if not any(each.start <= day <= each.end for each in found):
            self._untold |= {day.replace(day=1)}  # a year that does not exist, or invalid periods
            return ()
        self._known = (*self._known, tuple(found))
        return tuple(found)
