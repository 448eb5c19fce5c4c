"""Financial dates: their form in requests, and the present date of the till."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from integration.connectors.mplus.client import Client
from integration.connectors.mplus.codec.days import day_in
from integration.connectors.mplus.target import translated_parse_errors
from integration.core.timetable import WALL_CLOCK


def today_at(client: Client) -> date:
    """Return the present date at the till, by the till's own clock if the answer has it."""
    answer = client.read("getApiVersion")
    with translated_parse_errors():
        till_date = day_in(answer, "serviceDateTime")
    return till_date or datetime.now(ZoneInfo(WALL_CLOCK)).date()


def financial_period(first: date, last: date) -> dict[str, dict[str, int]]:
    """Return the request elements for the financial dates from `first` to `last`, both included."""
    names = ("fromFinancialDate", "throughFinancialDate")
    return {
        name: {"day": day.day, "mon": day.month, "year": day.year}
        for name, day in zip(names, (first, last), strict=True)
    }
