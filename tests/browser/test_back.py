"""The browser's Back on every page: each press restores the state of one address."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ADDRESSES, at_rest, show_page, tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

GROUPS = "[data-testid=stMain] [data-testid=stButtonGroup]"
EDITED = {("mappings", 2)}  # what is no view of a page, but part of what is edited there


def chosen_filter(page: Page, place: int) -> str:
    """Return the choice in one of the filters of a page."""
    return page.locator(GROUPS).nth(place).locator("[aria-checked=true]").inner_text()


def test_back_takes_back_one_press_of_a_filter_on_every_page(shop: str, browser: Browser) -> None:
    wrong: list[str] = []
    with tab(browser) as page:
        for name, place in ADDRESSES.items():
            show_page(page, f"{shop}/{place}")
            for number in range(page.locator(GROUPS).count()):
                group = page.locator(GROUPS).nth(number)
                others = group.locator("[aria-checked=false]")
                if (name, number) in EDITED or not others.count() or not group.locator("[aria-checked=true]").count():
                    continue
                address, was = page.url, chosen_filter(page, number)
                others.last.click()
                expect(page).not_to_have_url(address)
                expect(at_rest(page).get_by_role("heading", level=1).first).to_be_visible()
                page.go_back()
                expect(at_rest(page).get_by_role("heading", level=1).first).to_be_visible()
                page.wait_for_timeout(500)
                expect(at_rest(page).get_by_role("heading", level=1).first).to_be_visible()
                if (page.url, chosen_filter(page, number)) != (address, was):
                    wrong.append(f"{name} {number}: {address} {was}; {page.url} {chosen_filter(page, number)}")
    assert wrong == []


def test_back_leaves_a_page_that_completes_its_address_by_itself(shop: str, browser: Browser) -> None:
    with tab(browser) as page:
        show_page(page, f"{shop}/runs")
        at_rest(page).get_by_role("link", name=re.compile("Preview")).click()
        page.wait_for_url("**/preview?*plan=*")
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Preview")
        page.go_back()
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Runs")


def test_a_link_in_a_text_opens_its_page_where_it_stands_and_back_leads_back(filled_console: str, page: Page) -> None:
    show_page(page, f"{filled_console}/logs?record=products:10011")
    page.evaluate("window.isStill = true")  # gone with a page that is loaded anew
    at_rest(page).get_by_test_id("stMain").locator('a[href^="/runs?run="]').first.click()
    page.wait_for_url("**/runs?run=*")
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Products")
    assert page.evaluate("window.isStill")
    assert len(page.context.pages) == 1
    page.go_back()
    page.wait_for_url("**/logs?record=*")
    expect(at_rest(page).get_by_test_id("stMain").locator('a[href^="/runs?run="]').first).to_be_visible()
    assert page.evaluate("window.isStill")
