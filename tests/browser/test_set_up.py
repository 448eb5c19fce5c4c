"""The first minute in a real browser: from nothing on the sandbox to a proven run, and with systems of one's own."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from integration.sandbox.accountview.access import CLIENT_ID, CLIENT_SECRET
from integration.sandbox.server import Sandbox, running
from tests.browser.conftest import at_rest, button, picture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

WELL = "answers, and everything this console needs is there."


@pytest.fixture(scope="module")
def systems() -> Iterator[Sandbox]:
    """Both systems on addresses of their own, as if they were the shop's."""
    with running(articles=60) as sandbox:
        yield sandbox


def log_in(console: str, page: Page, systems: Sandbox) -> Page:
    """Fill in the keys, allow access on the page of AccountView, and return the tab that comes back."""
    page.goto(f"{console}/setup?step=accountview", wait_until="commit")
    change = page.get_by_role("button", name=re.compile("Change the access|Connect your own AccountView"))
    expect(at_rest(page).locator(change).or_(at_rest(page).get_by_label("Client ID"))).to_be_visible()
    if change.is_visible():
        change.click()
    at_rest(page).get_by_label("Client ID").fill(CLIENT_ID)
    at_rest(page).get_by_label("Client secret").fill(CLIENT_SECRET)
    at_rest(page).get_by_label("Address").fill(systems.accountview_url)
    button(page, "Log in")
    link = at_rest(page).get_by_role("link", name="Log in at AccountView")
    expect(link).to_be_visible()
    with page.expect_popup() as opened:
        link.click()
    back = opened.value
    back.get_by_role("button", name="Toestaan").click()
    return back


@pytest.mark.long
def test_from_nothing_on_the_sandbox_to_a_proven_run(console: str, page: Page) -> None:
    page.goto(console, wait_until="commit")
    button(page, "Set up")
    expect(at_rest(page).get_by_text("Step 1 of 5: AccountView")).to_be_visible()
    picture(page, "1-set-up")
    button(page, "Try with the built-in sandbox")

    expect(at_rest(page).get_by_text("Choose flows")).to_be_visible()
    picture(page, "2-flows")
    button(page, "Continue")
    expect(at_rest(page).get_by_text("Which article number does the till get?")).to_be_visible()
    picture(page, "3-questions")
    button(page, re.compile(r"Accept \d+ suggestions"))
    expect(at_rest(page).get_by_text("3 questions open")).to_be_visible()
    at_rest(page).get_by_role("combobox", name=re.compile("^3 · ")).click()
    at_rest(page).get_by_role("option", name=re.compile("^3 ")).click()
    button(page, "Use this answer")
    expect(at_rest(page).get_by_text("2 questions open")).to_be_visible()
    button(page, "Continue")

    expect(at_rest(page).get_by_text("Nothing that stops a flow is missing")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/setup\?step=ready$"))
    picture(page, "4-readiness")
    button(page, "Make the first preview of products")
    button(page, re.compile(r"Commit \d+ changes to MplusKASSA"))
    dialog = at_rest(page).get_by_role("dialog")
    field = dialog.get_by_role("textbox").first
    expect(field).to_be_visible()
    field.fill(field.get_attribute("placeholder") or "")
    confirm = dialog.get_by_role("button", name=re.compile("Commit"))
    expect(confirm).to_be_enabled()
    confirm.click()
    expect(at_rest(page).get_by_text("Nothing lost: difference 0.")).to_be_visible()
    picture(page, "5-proven")

    page.goto(f"{console}/setup", wait_until="commit")
    expect(at_rest(page).get_by_text("Step 4 of 5: Questions")).to_be_visible()  # one is open still


def test_from_the_forms_through_the_log_in_to_what_is_missing(console: str, page: Page, systems: Sandbox) -> None:
    back = log_in(console, page, systems)

    expect(at_rest(back).get_by_text("Logged in at AccountView")).to_be_visible()
    assert "code=" not in back.url
    at_rest(back).get_by_role("combobox", name="Company").click()
    at_rest(back).get_by_role("option", name=re.compile("Fietsenwinkel")).click()
    button(back, "Use this company")
    expect(at_rest(back).get_by_text(f"AccountView {WELL}")).to_be_visible()
    picture(back, "6-logged-in")

    button(back, "Continue")
    till = urlsplit(systems.mplus_url)
    at_rest(back).get_by_label("Address").fill(f"{till.scheme}://{till.hostname}")
    at_rest(back).get_by_label("Port").fill(str(till.port))
    at_rest(back).get_by_label("Ident").fill("sandbox")
    at_rest(back).get_by_label("Secret").fill("not this one")
    button(back, "Check the connection")
    expect(at_rest(back).get_by_text("MplusKASSA does not accept the ident and secret.").first).to_be_visible()
    expect(at_rest(back).get_by_role("cell", name="Not checked yet")).to_have_count(3)
    expect(at_rest(back).get_by_role("button", name="Continue")).to_be_disabled()
    picture(back, "7-refused")
    at_rest(back).get_by_label("Secret").fill("sandbox-secret")
    button(back, "Check the connection")
    expect(at_rest(back).get_by_text(f"MplusKASSA {WELL}")).to_be_visible()

    button(back, "5. Readiness")
    expect(at_rest(back).get_by_text("No flow is chosen yet.").first).to_be_visible()
    expect(back.get_by_text("Sandbox", exact=True)).to_have_count(0)


@pytest.mark.long
def test_an_answer_to_a_log_in_is_taken_once(console: str, page: Page, systems: Sandbox) -> None:
    answers: list[str] = []
    page.context.on("request", lambda request: answers.append(request.url) if "/setup?code=" in request.url else None)
    back = log_in(console, page, systems)
    expect(at_rest(back).get_by_text("Logged in at AccountView")).to_be_visible()
    assert answers

    back.goto(answers[0], wait_until="commit")

    expect(at_rest(back).get_by_text("This log-in at AccountView was not started here")).to_be_visible()
