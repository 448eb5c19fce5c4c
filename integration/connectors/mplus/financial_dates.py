"""Financial dates as the till is asked for them, and which of them is its present one."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from integration.connectors.mplus.client import Client
from integration.connectors.mplus.codec.days import day_in
from integration.connectors.mplus.target import expect_readable
from integration.core.timetable import WALL_CLOCK


def today_at(client: Client) -> date:
    """Return the date at the till, by its own clock where it tells the time."""
    answer = client.read("getApiVersion")
    with expect_readable():
        here = day_in(answer, "serviceDateTime")
    return here or datetime.now(ZoneInfo(WALL_CLOCK)).date()


def financial_period(first: date, last: date) -> dict[str, dict[str, int]]:
    """Return what asks for the financial dates from the first to the last, both among them."""
    names = ("fromFinancialDate", "throughFinancialDate")
    return {
        name: {"day": day.day, "mon": day.month, "year": day.year}
        for name, day in zip(names, (first, last), strict=True)
    }
