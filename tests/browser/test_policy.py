"""Every page under its content security policy, in use: no violation, and no error."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Download, Page, Position, expect

from tests.browser.conftest import ask, at_rest, picture, tab
from tests.browser.test_languages import ADDRESSES, overflowing, unnamed_controls, wait_until_drawn
from tests.timeouts import SECONDS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

IN_A_CELL: Position = {"x": 750, "y": 51}  # of the first line of a table, under what a field is without a value
LEAST = 1_000  # bytes of a log
MORE = {"ready": "setup?step=ready", "numbers": "logs?tab=volume", "links": "logs?tab=links"}


@pytest.mark.parametrize(
    ("locale", "scheme"), [("en-GB", "light"), ("nl-NL", "light"), ("de-DE", "dark")], ids=["en", "nl", "de"]
)
def test_every_page_fits_and_tries_nothing_that_its_policy_forbids(
    filled_console: str, browser: Browser, locale: str, scheme: str
) -> None:
    wide, nameless = [], []
    with tab(browser, locale=locale, color_scheme=scheme) as page:
        for address in {**ADDRESSES, **MORE}.values():
            page.goto(f"{filled_console}/{address}", wait_until="commit")
            wait_until_drawn(page)
            expect(page.locator("html")).to_have_attribute("lang", locale[:2])
            wide += [address] if overflowing(page) else []
            nameless += [(address, role) for role in unnamed_controls(page)]
            assert page.locator("[data-testid=stException], .st-key-page-failed").count() == 0, address
            for chart in page.locator("[data-testid=stPlotlyChart]").all():
                chart.scroll_into_view_if_needed()
                chart.hover()
                page.mouse.wheel(0, 40)
    assert (wide, nameless) == ([], [])


def test_a_page_that_breaks_its_policy_is_noticed(filled_console: str, browser: Browser) -> None:
    with pytest.raises(AssertionError, match=r"one\.png"):
        break_policy(filled_console, browser)


def break_policy(console: str, browser: Browser) -> None:
    with tab(browser) as page:
        page.goto(console, wait_until="commit")
        wait_until_drawn(page)
        with page.expect_console_message(lambda message: message.text.startswith("policy: img-src")):
            page.evaluate("new Image().src = 'http://127.0.0.1:9/one.png'")


def test_a_table_is_edited_under_the_policy(filled_console: str, page: Page) -> None:
    page.goto(f"{filled_console}/flows?flow=products&tab=fields", wait_until="commit")
    wait_until_drawn(page)
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    table.click(position=IN_A_CELL)
    page.keyboard.press("Enter")
    page.locator("#portal").locator("textarea, input").first.fill("Tried")
    page.keyboard.press("Enter")
    picture(page, "policy-edited")
    expect(at_rest(page).get_by_role("button", name=re.compile("Publish|Save")).first).to_be_enabled()
    wait_until_drawn(page)


@pytest.mark.parametrize("name", ["Log as CSV", "Log as Parquet"])
def test_the_whole_log_is_fetched_by_its_link_again_and_again(filled_console: str, page: Page, name: str) -> None:
    downloads: list[Download] = []
    page.context.on("page", lambda opened: opened.on("download", lambda download: downloads.append(download)))  # noqa: PLW0108
    page.on("download", lambda download: downloads.append(download))  # noqa: PLW0108 - no method of a list is taken for one
    page.goto(f"{filled_console}/logs?tab=queries", wait_until="commit")
    addresses = set()
    for number in (1, 2):
        link = at_rest(page).get_by_role("link", name=name)
        expect(link).to_be_visible()
        address = str(link.get_attribute("href"))
        addresses.add(address)
        link.click()
        expect(page.locator(f'a[href="{address}"]')).to_have_count(0)  # a token holds once; the next is there already
        until = time.monotonic() + SECONDS
        while len(downloads) < number and time.monotonic() < until:
            page.wait_for_timeout(100)
        assert Path(downloads[-1].path()).stat().st_size > LEAST
    assert len(addresses) == len(downloads) == 2


def test_an_answer_is_downloaded_and_drawn_under_the_policy(filled_console: str, page: Page) -> None:
    query = "SELECT event, count(*) AS n FROM events GROUP BY event"
    page.goto(f"{filled_console}/logs?tab=queries&query={query}", wait_until="commit")
    ask(page)
    wait_until_drawn(page)
    at_rest(page).get_by_role("button", name=re.compile("Download")).first.click()
    for name in ("Excel", "CSV", "CSV for programs", "Parquet"):
        with page.expect_download() as download:
            at_rest(page).get_by_role("button", name=re.compile(f"(^|[^V] ?){name}$")).first.click()
        assert Path(download.value.path()).stat().st_size > 10
    page.goto(f"{filled_console}/logs?tab=queries&query={query}&show=chart", wait_until="commit")
    ask(page)
    expect(at_rest(page).get_by_test_id("stPlotlyChart").first).to_be_visible()
    page.get_by_test_id("stPlotlyChart").first.hover()
    wait_until_drawn(page)
