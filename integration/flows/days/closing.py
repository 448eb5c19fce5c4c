"""Determines whether a day is closed at the till: by its flag, by the drawer counts, or by time; other days wait."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from integration.core.issues import Skip
from integration.core.records import Kind, Record
from integration.core.timetable import WALL_CLOCK
from integration.flows.days.settings import DaySettings
from integration.flows.settings import RecordRejected

ZONE = ZoneInfo(WALL_CLOCK)


class Closing:
    """Determines which days wait. `now` returns the current time, in any time zone."""

    def __init__(self, settings: DaySettings, now: Callable[[], datetime]) -> None:
        self.settings = settings
        self._now = now

    def wait_reason(self, record: Record, facts: Mapping[str, str]) -> Skip | None:
        """Return why a day waits, or None. Raises RecordRejected once it has waited for `waits_days`."""
        day = record.values.get("date")
        if not isinstance(day, date):
            return None
        today = self._now().astimezone(ZONE).date()
        why = ""
        if not self._is_closed(record, day):
            why = "day_not_closed" if day < today else "day_open"
        elif self._lacks_counts(record):
            why = "day_not_counted"
        if not why:
            return None
        if why == "day_open" or (today - day).days <= self.settings.waits_days:
            return Skip("day_open" if why == "day_open" else "day_waits", record.key, facts)
        raise RecordRejected(
            why, "closed" if why == "day_not_closed" else "counts", **facts, days=str((today - day).days)
        )

    def _is_closed(self, record: Record, day: date) -> bool:
        closed = record.values.get("closed")
        if closed is True:
            return True
        finals = [part.values.get("finalized") is True for part in record.parts if part.kind is Kind.COUNT]
        match self.settings.closed_by:
            case "flag":
                return False
            case "counts":
                return bool(finals) and all(finals)
            case _:
                ended = datetime.combine(day + timedelta(days=1), time(), ZONE).astimezone(
                    UTC
                )  # UTC, so that hours are right when clocks change
                is_past = self._now() >= ended + timedelta(hours=self.settings.hours_after)
                return is_past and all(finals) and closed is not False

    def _lacks_counts(self, record: Record) -> bool:
        """Return True if a drawer count is not final, or is required and missing although cash was taken.

        If counts are required, one without a final flag does not count as final.
        """
        counts = [part for part in record.parts if part.kind is Kind.COUNT]
        finals = [part.values.get("finalized") for part in counts]
        if False in finals or (self.settings.counts == "needed" and None in finals):
            return True
        paid = {part.values.get("method") for part in record.parts if part.kind is Kind.PAYMENT}
        uncounted = paid.intersection(self.settings.drawers).difference(part.values.get("method") for part in counts)
        return self.settings.counts == "needed" and bool(uncounted)
