"""The first day of an operator in a real browser."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import DONE, at_rest, button, picture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]


@pytest.fixture
def outside_requests(page: Page) -> Iterator[list[str]]:
    """Every request of the page that leaves this machine."""
    urls: list[str] = []

    def note(request: Request) -> None:
        if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", request.url):
            urls.append(request.url)

    page.on("request", note)
    yield urls
    assert urls == []


@pytest.mark.long
def test_a_deep_link_on_a_fresh_server_shows_the_menu_of_the_console(console: str, page: Page) -> None:
    page.goto(f"{console}/runs", wait_until="commit")

    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Runs")
    entries = page.get_by_test_id("stSidebarNavLink").all_inner_texts()
    assert [entry.split("\n")[-1].strip() for entry in entries] == [
        "Overview", "Preview", "Exceptions", "Runs", "Approvals", "Days", "Stock", "Logs", "Monitoring", "Set-up",
        "Flows", "Mappings", "Administration",
    ]  # fmt: skip


@pytest.mark.long
def test_addresses_in_foreign_text_are_no_links(console: str, page: Page) -> None:
    for foreign in (
        "jan.de_wit+kassa@winkel-aan-zee.example", "https://winkel.example/a?b=c", "WWW.winkel.example",
        "a@b.nl c@d.nl www.e.nl", ":color[*x*]@b.nl",
    ):  # fmt: skip
        page.goto(f"{console}/logs?{urlencode({'record': f'products:{foreign}'})}", wait_until="commit")

        expect(at_rest(page).get_by_role("heading", level=1)).to_have_text(foreign)
        expect(at_rest(page).get_by_text(f"Products · {foreign}")).to_be_visible()
        expect(page.locator("a[href^='mailto:'], a[href*='example'], a[href*='.nl']")).to_have_count(0)


def test_open_preview_commit_proven_and_nothing_left_to_do(
    console: str, page: Page, outside_requests: list[str]
) -> None:
    page.goto(console, wait_until="commit")
    button(page, "Try with the built-in sandbox")
    expect(at_rest(page).get_by_text("Fietsenwinkel").first).to_be_visible()
    picture(page, "1-connected")

    button(page, "Preview products")
    commit = at_rest(page).get_by_role("button", name=re.compile(r"Commit \d+ changes to MplusKASSA"))
    expect(commit).to_be_visible()
    expect(at_rest(page).get_by_text("Nothing has been written yet.").last).to_be_visible()
    picture(page, "2-plan")
    commit.click()

    dialog = at_rest(page).get_by_role("dialog")
    field = dialog.get_by_role("textbox").first
    expect(field).to_be_visible()
    confirm = dialog.get_by_role("button", name=re.compile("Commit"))
    expect(confirm).to_be_disabled()
    expect(field).to_be_focused()
    page.keyboard.type(field.get_attribute("placeholder") or "", delay=30)
    expect(confirm).to_be_enabled()
    picture(page, "3-brake")
    confirm.click()

    expect(page.get_by_role("heading", level=1).filter(has_text="Running").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"/runs\?run="))
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(DONE)
    expect(at_rest(page).get_by_text("Nothing lost: difference 0.")).to_be_visible()
    picture(page, "4-proven")

    at_rest(page).get_by_role("link", name="Overview").click()
    button(page, "Preview products")
    expect(at_rest(page).get_by_text(re.compile("equal in both systems"))).to_be_visible()
    picture(page, "5-nothing-to-do")
    assert outside_requests == []
