"""Decisions where the trouble is, in a real browser: why a value, several causes at once, filters, notes, debtors."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DONE, at_rest, button, commit, new_plan, picture, tab
from tests.servers import serve_console

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]
ENDED = re.compile(f"Waiting|{DONE.pattern}")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[str]:
    """The address of a console on the sandbox whose products are written and whose orders wait."""
    settings = {"CONSOLE_SANDBOX": "true", "CONSOLE_SANDBOX_ARTICLES": "60"}
    with serve_console(tmp_path_factory.mktemp("console"), settings=settings) as server:
        with tab(browser) as page:
            for flow in ("products", "orders"):
                new_plan(page, server.address, flow)
                expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(ENDED)
                if flow == "products":
                    commit(page, re.compile(r"Commit [\d,.]+ change"))
                    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(DONE)
        yield server.address


def test_every_value_of_an_order_says_why(shop: str, page: Page) -> None:
    page.goto(f"{shop}/preview?flow=orders&show=create&find=2026.60")
    button(page, "Why this value")
    dialog = at_rest(page).get_by_role("dialog")
    expect(dialog.get_by_text(re.compile("because this is the customer of the document"))).to_be_visible()
    expect(dialog.get_by_text(re.compile("VAT code is .* because the value table")).first).to_be_visible()
    expect(dialog.get_by_text(re.compile("Reference is .* because it consists of"))).to_be_visible()
    picture(page, "why-of-an-order")


def test_several_causes_are_dismissed_at_once_and_reopened(shop: str, page: Page) -> None:
    page.goto(f"{shop}/exceptions")
    at_rest(page).get_by_text("Choose several", exact=True).first.click()
    for place, chosen in ((1, "1 cause chosen"), (2, "2 causes chosen")):
        at_rest(page).locator("[data-testid=stCheckbox] label").nth(place).click()
        expect(at_rest(page).get_by_text(re.compile(chosen))).to_be_visible()
    picture(page, "several-causes")
    at_rest(page).locator(".st-key-several_dismiss button").click()
    reason = at_rest(page).get_by_role("dialog").locator("input").first
    reason.fill("The supplier is asked")
    reason.press("Enter")
    at_rest(page).locator(".st-key-several_dismiss_now button:enabled").click()
    expect(at_rest(page).get_by_text(re.compile("0 causes chosen"))).to_be_visible()

    page.goto(f"{shop}/exceptions?status=dismissed")
    expect(at_rest(page).get_by_text(re.compile("The supplier is asked"))).to_have_count(2)
    at_rest(page).get_by_text("Choose several", exact=True).first.click()
    at_rest(page).locator(".st-key-several_all button").click()
    picture(page, "several-dismissed")
    at_rest(page).locator(".st-key-several_back button").click()
    expect(at_rest(page).get_by_text("Nothing is dismissed")).to_be_visible()


def test_a_filter_is_kept_under_a_name_and_the_address_carries_it(shop: str, page: Page) -> None:
    page.goto(f"{shop}/preview?flow=orders&show=create&find=2026")
    button(page, "Saved filters")
    name = at_rest(page).get_by_label("Name", exact=True)
    name.fill("New documents")
    name.press("Enter")
    at_rest(page).locator(".st-key-save_filter button:enabled").click()
    expect(at_rest(page).get_by_role("button", name="New documents").first).to_be_visible()
    picture(page, "saved-filter")

    page.goto(f"{shop}/preview?flow=orders&saved=New+documents")
    expect(at_rest(page).get_by_role("button", name="New documents").first).to_be_visible()
    expect(page).to_have_url(re.compile("show=create"))
    button(page, "New documents")
    button(page, re.compile("Delete the filter New documents"))
    expect(at_rest(page).get_by_role("button", name="Saved filters").first).to_be_visible()


def test_a_plan_is_commented_and_discarded_with_a_reason(shop: str, page: Page) -> None:
    page.goto(f"{shop}/preview?flow=orders")
    at_rest(page).locator(".st-key-note_plan button").first.click()
    textarea = at_rest(page).get_by_role("dialog").locator("textarea")
    textarea.fill("Ask Karin about the new customers first")
    textarea.press("Control+Enter")
    at_rest(page).locator(".st-key-note_plan_now button:enabled").click()
    expect(at_rest(page).get_by_text("Ask Karin about the new customers first").first).to_be_visible()
    at_rest(page).locator(".st-key-discard button").first.click()
    why = at_rest(page).get_by_role("dialog").locator("input")
    why.fill("Two customers are doubled")
    why.press("Enter")
    picture(page, "why-discarded")
    at_rest(page).locator(".st-key-discard_now button").click()
    expect(at_rest(page).get_by_text("Discarded: Two customers are doubled")).to_be_visible()
    at_rest(page).locator(".st-key-open_run button").click()
    expect(at_rest(page).get_by_text("Ask Karin about the new customers first").first).to_be_visible()
    expect(at_rest(page).get_by_text("Discarded: Two customers are doubled")).to_be_visible()
    picture(page, "discarded-run")
