"""The first day on the sample shop, in clicks: from a new console to every closed day booked and found equal."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from integration.application.application import Application
from integration.core.days.report import DayState
from tests.browser.conftest import SETTLE, at_rest, picture, serving
from tests.consoles import open_application
from tests.timeouts import SECONDS, wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

MAX_CLICKS = 25
BOOKABLE = 158  # closed days of the sample shop that can be booked on the first day
MAX_DAYS = 150  # how long ago the sample shop began, at most
WAIT = 2 * SECONDS * 1000  # milliseconds for a run over the whole shop
ENDED = re.compile("Done|Partly parked|Failed|Interrupted")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def new_console(data: Path) -> Iterator[str]:
    """The console as `make run` starts it."""
    with serving(data, CONSOLE_SANDBOX="true") as address:
        yield address


class Operator:
    """A person at the page, who counts every click."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks: list[str] = []

    def click(self, locator: Locator, name: str) -> None:
        locator.first.click(timeout=WAIT)
        self.clicks.append(name)

    def press(self, name: str) -> None:
        self.click(at_rest(self.page).get_by_role("button", name=re.compile(name)), name)

    def go(self, name: str) -> None:
        self.click(at_rest(self.page).get_by_role("link", name=re.compile(name)), name)

    def view(self, name: str) -> None:
        self.click(at_rest(self.page).get_by_role("radio", name=name), name)

    def choose(self, field: str, option: str) -> None:
        box = at_rest(self.page).get_by_role("combobox", name=re.compile(field))
        box.first.scroll_into_view_if_needed(timeout=WAIT)
        self.page.wait_for_timeout(SETTLE)
        self.click(box, f"open {field}")
        self.click(self.page.get_by_role("option").filter(has_text=re.compile(option)), f"choose {option}")

    def plan(self, after: str) -> str:
        """Wait for a plan other than the one at address `after`, and return its address."""
        self.page.wait_for_url(lambda url: "plan=" in url and url != after, wait_until="commit", timeout=WAIT)
        heading = at_rest(self.page).get_by_role("heading", level=1)
        expect(heading).to_contain_text(re.compile("Waiting|Nothing written"), timeout=WAIT)
        return self.page.url

    def commit(self) -> None:
        """Press the button that writes, and type the number of each brake, which a person must type."""
        self.press(r"Commit [\d,]+ change")
        dialog = at_rest(self.page).get_by_role("dialog").get_by_role("textbox")
        ended = at_rest(self.page).get_by_role("heading", level=1).filter(has_text=ENDED)
        expect(dialog.first.or_(ended).first).to_be_visible(timeout=WAIT)
        if self.page.get_by_role("dialog").is_visible():
            for field in self.page.get_by_role("dialog").get_by_role("textbox").all():
                field.fill(field.get_attribute("placeholder") or "")
            confirm = at_rest(self.page).get_by_role("dialog").get_by_role("button", name=re.compile("Commit"))
            self.click(confirm, "confirm")
        expect(ended).to_be_visible(timeout=WAIT)


def test_every_closed_day_is_booked_within_the_clicks_of_a_first_day_and_equal(
    new_console: str, data: Path, page: Page
) -> None:
    me = Operator(page)
    page.goto(new_console, wait_until="commit")
    me.press("Begin with products|Preview products")
    me.plan("")
    me.commit()

    me.go("Overview")
    me.press("Preview closed days")
    plan = me.plan("")
    me.press("Repair.*Ledger accounts or VAT codes of days")
    me.press("Add the rows and preview")
    plan = me.plan(plan)
    me.press("Repair.*Open amount has no debtor")
    me.choose("Debtor for customers", "^20001")
    me.press("Repair and preview")
    plan = me.plan(plan)
    me.press("Repair.*Separate invoice is not booked")
    me.press("Book invoices")
    plan = me.plan(plan)
    me.press("Repair.*Ledger accounts or VAT codes of documents")
    picture(page, "first-day-rows")
    me.press("Add the rows and preview")
    plan = me.plan(plan)
    me.press("Full comparison")
    me.plan(plan)
    me.commit()

    me.go("Exceptions")
    me.press("Repair.*Ledger account missing for down payments")
    picture(page, "first-day-down-payments")
    me.press("Repair and preview")
    plan = me.plan("")
    me.press("Full comparison")
    me.plan(plan)
    me.commit()

    assert len(me.clicks) <= MAX_CLICKS, me.clicks
    with open_application(data, start=False) as application:
        assert _booked_days(application) == BOOKABLE
        wait_until(lambda: _states_of_booked_days(application) == {DayState.EQUAL: BOOKABLE}, "all days are equal")


def _states_of_booked_days(application: Application) -> Counter[DayState]:
    today = application.days.today()
    listed_days = application.days.listed(today - timedelta(days=MAX_DAYS), today)
    return Counter(day.state for day in listed_days if day.pages)


def _booked_days(application: Application) -> int:
    return application.links.count("days", *application.flows["days"].linked_kinds)
