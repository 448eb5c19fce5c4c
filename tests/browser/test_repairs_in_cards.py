"""Two repairs where the trouble is, in a real browser: all missing rows of closed days, and the default debtor."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from integration.application.application import Application
from integration.sandbox.server import Sandbox, running
from tests.browser.conftest import SETTLE, at_rest, button, new_plan, picture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]


@pytest.fixture(scope="module")
def systems() -> Iterator[Sandbox]:
    """Both systems of a small shop that has sold something."""
    with running(articles=60) as sandbox:
        yield sandbox


def preview_flow(page: Page, console: str, flow: str) -> None:
    new_plan(page, console, flow)
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("Waiting|Nothing written"))


def test_all_accounts_that_closed_days_lack_are_added_with_one_confirmation(
    connected_console: str, second_application: Application, page: Page
) -> None:
    preview_flow(page, connected_console, "days")
    page.goto(f"{connected_console}/exceptions", wait_until="commit")
    button(page, re.compile("Repair.*Ledger accounts or VAT codes of days missing"))
    expect(at_rest(page).get_by_text("Accounts of payment methods", exact=True)).to_be_visible()
    parked = second_application.missing_rows.groups("days")[0].count
    assert second_application.missing_rows.rows("days") != []
    picture(page, "rows-of-days")

    button(page, re.compile(rf"Add the rows and preview {parked} days"))

    expect(page).to_have_url(re.compile(r"/preview\?.*plan="))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Waiting")
    assert second_application.missing_rows.rows("days") == []


def test_documents_without_a_customer_are_repaired_in_their_card(
    connected_console: str, second_application: Application, page: Page
) -> None:
    preview_flow(page, connected_console, "orders")
    (group,) = [
        candidate
        for candidate in second_application.exceptions.groups("orders")
        if candidate.cause == "customer_missing"
    ]
    page.goto(f"{connected_console}/exceptions?flow=orders", wait_until="commit")
    button(page, re.compile("Repair.*Order has no customer"))
    confirm = at_rest(page).get_by_role("button", name=re.compile(rf"Repair and preview {group.count} order"))
    expect(confirm).to_be_disabled()

    field = at_rest(page).get_by_role("combobox", name="Default debtor")
    field.scroll_into_view_if_needed()  # a list closes when the page scrolls
    page.wait_for_timeout(SETTLE)
    field.click()
    chosen = page.get_by_role("option").nth(1)
    number = chosen.inner_text().partition(" · ")[0]
    chosen.click()
    picture(page, "default-debtor")
    confirm.click()

    expect(page).to_have_url(re.compile(r"/preview\?.*plan="))
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("Waiting|Parked|Nothing"))
    saved_settings = second_application.flows.settings("orders").model_dump()
    assert (saved_settings["default_debtor"], saved_settings["debtor_number"]) == ("fallback", number)
    assert [
        candidate
        for candidate in second_application.exceptions.groups("orders")
        if candidate.cause == "customer_missing"
    ] == []
