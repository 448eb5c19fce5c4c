"""Every page under its policy, while it is used: nothing of it is forbidden, and nothing is told as an error."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import at_rest, button, commit, serving, tab
from tests.browser.test_languages import ADDRESSES, settled

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

MORE = {"lab": "lab", "numbers": "logs?tab=volume", "life": "logs?tab=life"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[str]:
    """A console on the sandbox that has written its products, and whose orders wait."""
    settings = {"CONSOLE_SANDBOX": "true", "CONSOLE_SANDBOX_ARTICLES": "60"}
    with serving(tmp_path_factory.mktemp("console"), **settings) as console:
        with tab(browser) as page:
            for flow in ("products", "orders"):
                page.goto(f"{console}/preview?flow={flow}", wait_until="commit")
                button(page, re.compile("Make the first preview"))
                expect(page).to_have_url(re.compile("plan="))
                expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(re.compile("Waiting|Done"))
                if flow == "products":
                    commit(page, re.compile(r"Commit [\d,.]+ change"))
                    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Done")
        yield console


@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("nl-NL", "dark"), ("de-DE", "light")])
def test_no_page_tries_what_its_policy_forbids(filled: str, browser: Browser, locale: str, scheme: str) -> None:
    with tab(browser, locale=locale, color_scheme=scheme) as page:
        for address in {**ADDRESSES, **MORE}.values():
            page.goto(f"{filled}/{address}", wait_until="commit")
            settled(page)
            assert page.locator("[data-testid=stException], .st-key-page-failed").count() == 0, address
            for chart in page.locator("[data-testid=stPlotlyChart]").all():
                chart.scroll_into_view_if_needed()
                chart.hover()
                page.mouse.wheel(0, 40)


def test_a_page_that_breaks_its_policy_is_noticed(filled: str, page: Page) -> None:
    page.goto(filled, wait_until="commit")
    settled(page)
    with pytest.raises(AssertionError, match="policy: img-src"), tab(page.context.browser) as other:  # type: ignore[arg-type]
        other.goto(filled, wait_until="commit")
        settled(other)
        other.evaluate("new Image().src = 'http://127.0.0.1:9/one.png'")
        other.wait_for_timeout(500)


def test_a_table_is_edited_under_the_policy(filled: str, page: Page) -> None:
    page.goto(f"{filled}/flows?flow=orders&tab=tables", wait_until="commit")
    settled(page)
    table = at_rest(page).get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    page.mouse.dblclick(box["x"] + 60, box["y"] + 52)
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    settled(page)


@pytest.mark.parametrize("name", ["Log as CSV", "Log as Parquet"])
def test_the_whole_log_is_fetched_by_its_link_again_and_again(filled: str, page: Page, name: str) -> None:
    page.goto(f"{filled}/logs?tab=questions", wait_until="commit")
    addresses = set()
    for _ in range(2):
        link = at_rest(page).get_by_role("link", name=name)
        expect(link).to_be_visible()
        address = str(link.get_attribute("href"))
        with page.context.expect_event("page") as opened, page.expect_event("popup"):
            link.click()
        with opened.value.expect_download() as download:
            pass
        assert Path(download.value.path()).stat().st_size > 1_000
        addresses.add(address)
        expect(page.locator(f'a[href="{address}"]')).to_have_count(0)  # a ticket holds once; the next is there already
    assert len(addresses) == 2


def test_an_answer_is_downloaded_and_drawn_under_the_policy(filled: str, page: Page) -> None:
    query = "SELECT event, count(*) AS n FROM events GROUP BY event"
    page.goto(f"{filled}/logs?tab=questions&query={query}", wait_until="commit")
    settled(page)
    for name in ("Download CSV", "Download Parquet"):
        with page.expect_download() as download:
            at_rest(page).get_by_role("button", name=re.compile(name.split()[-1], re.IGNORECASE)).first.click()
        assert Path(download.value.path()).stat().st_size > 10
    page.goto(f"{filled}/logs?tab=questions&query={query}&show=chart", wait_until="commit")
    settled(page)
    page.get_by_test_id("stPlotlyChart").first.hover()
    settled(page)
