"""The first minute in a real browser: from nothing on the sandbox to a proven run, and with systems of one's own."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from integration.sandbox.accountview.access import CLIENT_ID, CLIENT_SECRET
from integration.sandbox.server import Sandbox, running
from tests.browser.conftest import PATIENCE, button, picture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]


@pytest.fixture(scope="module")
def systems() -> Iterator[Sandbox]:
    """Both systems on addresses of their own, as if they were the shop's."""
    with running(articles=400) as sandbox:
        yield sandbox


def logged_in(console: str, page: Page, systems: Sandbox) -> Page:
    """Fill in the keys, allow access on the page of AccountView, and return the tab that comes back."""
    page.goto(f"{console}/setup?step=accountview", wait_until="commit")
    change = page.get_by_role("button", name=re.compile("Change the access|Connect your own AccountView"))
    expect(change.or_(page.get_by_label("Client ID"))).to_be_visible(timeout=PATIENCE)
    if change.is_visible():
        change.click()
    page.get_by_label("Client ID").fill(CLIENT_ID, timeout=PATIENCE)
    page.get_by_label("Client secret").fill(CLIENT_SECRET)
    page.get_by_label("Address").fill(systems.accountview_url)
    button(page, "Log in")
    link = page.get_by_role("link", name="Log in at AccountView")
    expect(link).to_be_visible(timeout=PATIENCE)
    with page.expect_popup() as opened:
        link.click()
    back = opened.value
    back.get_by_role("button", name="Toestaan").click(timeout=PATIENCE)
    return back


def test_from_nothing_on_the_sandbox_to_a_proven_run(console: str, page: Page) -> None:
    page.goto(console, wait_until="commit")
    button(page, "Set up")
    expect(page.get_by_text("Step 1 of 5: AccountView")).to_be_visible(timeout=PATIENCE)
    picture(page, "1-set-up")
    button(page, "Try with the built-in sandbox")

    expect(page.get_by_text("Which flows shall run?")).to_be_visible(timeout=PATIENCE)
    picture(page, "2-flows")
    button(page, "Continue")
    expect(page.get_by_text("Which article number does the till get?")).to_be_visible(timeout=PATIENCE)
    picture(page, "3-questions")
    button(page, re.compile(r"Take \d+ proposed answers"))
    expect(page.get_by_text("2 questions open")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("combobox", name="3", exact=True).click()
    page.get_by_role("option", name=re.compile("^3 ")).click()
    button(page, "Use this answer")
    expect(page.get_by_text("1 question open")).to_be_visible(timeout=PATIENCE)
    button(page, "Continue")

    expect(page.get_by_text("Nothing that stops a flow is missing")).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_url(re.compile(r"/setup\?step=ready$"))
    picture(page, "4-readiness")
    button(page, "Make the first preview of products")
    button(page, re.compile(r"Commit \d+ changes to MplusKASSA"))
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_role("textbox").first
    expect(field).to_be_visible(timeout=PATIENCE)
    field.fill(field.get_attribute("placeholder") or "")
    confirm = dialog.get_by_role("button", name=re.compile("Commit"))
    expect(confirm).to_be_enabled(timeout=PATIENCE)
    confirm.click()
    expect(page.get_by_text("Nothing lost: difference 0.")).to_be_visible(timeout=PATIENCE)
    picture(page, "5-proven")

    page.goto(f"{console}/setup", wait_until="commit")
    expect(page.get_by_text("Step 4 of 5: Questions")).to_be_visible(timeout=PATIENCE)  # one is open still


def test_from_the_forms_through_the_log_in_to_what_is_missing(console: str, page: Page, systems: Sandbox) -> None:
    back = logged_in(console, page, systems)

    expect(back.get_by_text("Logged in at AccountView")).to_be_visible(timeout=PATIENCE)
    assert "code=" not in back.url
    back.get_by_role("combobox", name="Company").click()
    back.get_by_role("option", name=re.compile("Fietsenwinkel")).click()
    button(back, "Use this company")
    expect(back.get_by_text("AccountView answers, and everything this console needs is there.")).to_be_visible(
        timeout=PATIENCE
    )
    picture(back, "6-logged-in")

    button(back, "Continue")
    till = urlsplit(systems.mplus_url)
    back.get_by_label("Address").fill(f"{till.scheme}://{till.hostname}", timeout=PATIENCE)
    back.get_by_label("Port").fill(str(till.port))
    back.get_by_label("Ident").fill("sandbox")
    back.get_by_label("Secret").fill("not this one")
    button(back, "Check the connection")
    expect(back.get_by_text("MplusKASSA does not accept the ident and secret.").first).to_be_visible(timeout=PATIENCE)
    expect(back.get_by_role("cell", name="Not checked yet")).to_have_count(2)
    expect(back.get_by_role("button", name="Continue")).to_be_disabled()
    picture(back, "7-refused")
    back.get_by_label("Secret").fill("sandbox-secret")
    button(back, "Check the connection")
    expect(back.get_by_text("MplusKASSA answers, and everything this console needs is there.")).to_be_visible(
        timeout=PATIENCE
    )

    button(back, "5. Readiness")
    expect(back.get_by_text("No flow is chosen yet.").first).to_be_visible(timeout=PATIENCE)
    expect(back.get_by_text("Sandbox", exact=True)).to_have_count(0)


def test_an_answer_to_a_log_in_is_taken_once(console: str, page: Page, systems: Sandbox) -> None:
    answers: list[str] = []
    page.context.on("request", lambda request: answers.append(request.url) if "/setup?code=" in request.url else None)
    back = logged_in(console, page, systems)
    expect(back.get_by_text("Logged in at AccountView")).to_be_visible(timeout=PATIENCE)
    assert answers

    back.goto(answers[0], wait_until="commit")

    expect(back.get_by_text("This log-in at AccountView was not begun here, or too long ago.")).to_be_visible(
        timeout=PATIENCE
    )
