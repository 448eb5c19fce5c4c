"""Two repairs where the trouble is, in a real browser: all missing rows of closed days, and the default debtor."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from integration.application.application import Application
from integration.sandbox.server import Sandbox, running
from tests.browser.conftest import at_rest, button, new_plan, picture

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
