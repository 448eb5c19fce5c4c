"""In which period of the books a day is: a fiscal year need not begin in January, nor have twelve periods."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from integration.core.records import Record, Value
from integration.flows.settings import Resending


def period_of(day: date, periods: Mapping[str, str]) -> Decimal:
    """Return the period of a day by the first days of the books' periods; its month where they do not tell."""
    started = [start for start in periods if start <= day.isoformat()]
    known = bool(started) and len(started) < len(periods)  # of the last one nobody knows the end
    return Decimal(periods[max(started)]) if known else Decimal(day.month)


def moved_to(on: date, booking: Record, periods: Mapping[str, str]) -> dict[str, Value]:
    """Return the date and period of what takes a booking back on a day; nothing where that is its own."""
    if on == booking.values.get("date"):
        return {}
    return {"date": on, **({"period": period_of(on, periods)} if "period" in booking.values else {})}


class ClosedPeriods(Resending):
    """What is closed in the books, and what becomes of that which falls in it."""

    books_closed_through: date | None = None
    vat_filed_through: date | None = None
    late: Literal["park", "first_open"] = "park"

    @property
    def closed_through(self) -> date | None:
        """The last day on which nothing may be booked any more."""
        return max((day for day in (self.books_closed_through, self.vat_filed_through) if day), default=None)

    def open_day(self, day: date) -> date | None:
        """Return on which day something is booked: its own, or the first that is open; None where it has to wait."""
        on = self.first_open(day)
        return on if on == day or self.late == "first_open" else None

    def first_open(self, day: date) -> date:
        """Return a day, or the first one after it that is open."""
        closed = self.closed_through
        return day if closed is None or day > closed else closed + timedelta(days=1)

    def undone_on(self, booking: Record, periods: Mapping[str, str]) -> dict[str, Value]:
        """Return the date and period of what undoes a booking: the first open day, where its own is closed by now.

        Whatever is set of late documents: a person asked for it, and looks at its plan.
        """
        day = booking.values.get("date")
        return moved_to(self.first_open(day), booking, periods) if isinstance(day, date) else {}
