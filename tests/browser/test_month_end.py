"""The first morning of a month in a real browser: days, period with VAT, clearing accounts, duplicate customers."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from integration.core.link_evidence import Evidence
from integration.core.links import Link
from integration.core.records import Kind
from tests.bookkeeping_shop import bookkeeping_shop
from tests.browser.conftest import PICTURES, SETTLE, at_rest, button, picture, serving, show_page, tab
from tests.browser.test_narrow import BROKEN, PHONE
from tests.consoles import ARTICLES, WHO
from tests.people import make_actor
from tests.stores import stores_in
from tests.worked_month import our_place, worksheets

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

VIEWS = {
    "days": "days", "period": "days?view=period&period={}", "clearing": "days?view=clearing&period={}",
    "merges": "mappings?flow=customers&part=merges",
}  # fmt: skip
LANGUAGES = ("en-GB", "nl-NL", "de-DE")


@dataclass(frozen=True)
class Shop:
    """A console that booked the last 30 days, one of them with a difference, and its period."""

    address: str
    period: str
    different: date

    def view(self, name: str) -> str:
        return f"{self.address}/{VIEWS[name].format(self.period)}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    data = tmp_path_factory.mktemp("month")
    with ThreadPoolExecutor(1) as thread:  # the engine refuses the thread of the browser, which has an event loop
        period, different = thread.submit(book_month, data).result()
    with serving(data, CONSOLE_SANDBOX="true", CONSOLE_SANDBOX_ARTICLES=str(ARTICLES)) as address:
        yield Shop(address, period, different)


def book_month(data: Path) -> tuple[str, date]:
    """Book 30 days, and return their period and the day whose account was changed in the books."""
    with bookkeeping_shop(data) as console:
        application, last = console.application, console.sandbox.shop.today - timedelta(days=1)
        first = last - timedelta(days=29)
        settings = {"date_from": first, "clearing_from": first, "payout_accounts": ("1010",)}
        application.flows.change("days", settings, make_actor(WHO))
        assert console.run("days").counts.proven
        pages = {place: page for page in console.rows("DJ_PAGE") if (place := our_place(page))}
        different = max(pages)
        line = next(
            row for row in console.rows("DJ_LINE")
            if row["PAGE_NR"] == pages[different]["PAGE_NR"] and str(row["ACCT_NR"]).startswith("80")
        )  # fmt: skip
        other = "8040" if line["ACCT_NR"] != "8040" else "8010"
        console.sandbox.accountview.edit("DJ_LINE", str(line["REC_ID"]), {"ACCT_NR": other}, by="KARIN")
        application.days.check_span(first, last)
        console.run("customers")
        link_store, els = stores_in(application).links, {"": {"email": "els@one-person.example"}}
        pairs = link_store.first_pairs("customers", Kind.RELATION, 2)
        link_store.keep("customers", [Link(Kind.RELATION, *pair, evidence=Evidence(els, els)) for pair in pairs])
        return f"{first}..{last}", different.day


def test_the_first_morning_of_a_month(shop: Shop, page: Page) -> None:
    page.goto(shop.view("days"), wait_until="commit")  # without a month: that of the last difference
    expect(at_rest(page).get_by_text(f"{shop.different:%B %Y}").first).to_be_visible()
    at_rest(page).locator(f".st-key-day-{shop.different} button").first.click()
    expect(at_rest(page).get_by_text(re.compile(r"Different [\d,.]+ \((till|books) more\)")).first).to_be_visible()
    picture(page, "month-end-0-day")

    page.goto(shop.view("period"), wait_until="commit")
    for title in ("VAT", "VAT return", "Ledger accounts with turnover"):
        expect(at_rest(page).get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(at_rest(page).get_by_text(re.compile(r"Different [\d,.]+")).first).to_be_visible()
    button(page, "Read the books")
    expect(at_rest(page).get_by_role("heading", name="In the books under these codes")).to_be_visible()
    assert "VAT return" in download_worksheets(page, f"period-{shop.period}".replace("..", "-to-"))
    picture(page, "month-end-1-period")

    page.goto(shop.view("clearing"), wait_until="commit")
    button(page, "Read the books")
    for title in ("Account 1010 Pin onderweg", "Parts of the closing balance", "Payouts and fees"):
        expect(at_rest(page).get_by_role("heading", name=title, exact=True)).to_be_visible()
    sheets = download_worksheets(page, f"clearing-{shop.period}".replace("..", "-to-"))
    assert any(row[-1] == "Late" for row in sheets["1010 Under way, oldest first"])  # the payout that did not come
    assert any(isinstance(row[5], float) and row[5] for row in sheets["1010 Payouts and fees"])
    picture(page, "month-end-2-clearing")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def download_worksheets(page: Page, name: str) -> dict[str, list[list[str | float]]]:
    """Return the worksheets of the Excel file of the page."""
    with page.expect_download() as download:
        button(page, "Excel")
    assert download.value.suggested_filename == f"{name}.xlsx"
    return worksheets(Path(download.value.path()))


def test_each_view_of_a_month_fits_a_small_screen_in_each_language(shop: Shop, browser: Browser) -> None:
    found_texts: dict[str, list[str]] = {}
    PICTURES.mkdir(exist_ok=True)
    for language in LANGUAGES:
        with tab(browser, locale=language, viewport=PHONE) as page:
            for name in VIEWS:
                show_page(page, shop.view(name))
                page.wait_for_timeout(SETTLE)
                page.screenshot(path=PICTURES / f"390-{language}-month-{name}.png")
                found_texts[f"{name} {language}"] = page.evaluate(BROKEN)
            table = page.get_by_test_id("stTable").locator("table")  # the last view: two customers side by side
            box = table.bounding_box()
            assert box is not None
            assert box["width"] <= PHONE["width"], language
    assert {name: wrong for name, wrong in found_texts.items() if wrong} == {}
