"""Periods of the books: a fiscal year may begin in any month and need not have twelve periods."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from integration.core.records import Record, Value
from integration.flows.settings import NonIdempotentSettings, RecordRejected


def period_of(day: date, periods: Mapping[str, str]) -> Decimal:
    """Return the period of a day from the first days of the periods in the books; its month if they do not give them.

    Raises RecordRejected for a day that is in no period of its fiscal year, or in several.
    """
    started = [start for start in periods if start <= day.isoformat()]
    if not started or len(started) == len(periods):  # the end of the last period is unknown
        return Decimal(day.month)
    if not (period := periods[max(started)]):
        raise RecordRejected("period_unknown", "period", date=day.isoformat())
    return Decimal(period)


def moved_to(on: date, booking: Record, periods: Mapping[str, str]) -> dict[str, Value]:
    """Return the date and period of a reversal that is booked on a day; empty if that is the booking's own date."""
    if on == booking.values.get("date"):
        return {}
    return {"date": on, **({"period": period_of(on, periods)} if "period" in booking.values else {})}


class ClosedPeriods(NonIdempotentSettings):
    """Settings of closed periods in the books and of documents that fall in them."""

    books_closed_through: date | None = None
    vat_filed_through: date | None = None
    late: Literal["park", "first_open"] = "park"

    @property
    def closed_through(self) -> date | None:
        """The last closed day: nothing may be booked on it or before it."""
        return max((day for day in (self.books_closed_through, self.vat_filed_through) if day), default=None)

    def open_day(self, day: date) -> date | None:
        """Return the booking date for a day: the day itself or the first open day; None if the document has to wait."""
        on = self.first_open(day)
        return on if on == day or self.late == "first_open" else None

    def first_open(self, day: date) -> date:
        """Return the day, or the first open day after it."""
        closed = self.closed_through
        return day if closed is None or day > closed else closed + timedelta(days=1)

    def reversal_date_of(self, booking: Record, periods: Mapping[str, str]) -> dict[str, Value]:
        """Return the date and period for the reversal of a booking: the first open day if its own date is now closed.

        The setting `late` does not apply, because a person requests an undo and reviews its plan.
        """
        day = booking.values.get("date")
        return moved_to(self.first_open(day), booking, periods) if isinstance(day, date) else {}
