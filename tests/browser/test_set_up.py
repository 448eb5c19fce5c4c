"""From a console without connections to the first preview of systems of one's own, in a real browser."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from integration.sandbox.access import CLIENT_ID, CLIENT_SECRET
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
    page.goto(f"{console}/setup", wait_until="commit")
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


def test_from_the_forms_through_the_log_in_to_the_first_preview(console: str, page: Page, systems: Sandbox) -> None:
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

    back.goto(f"{console}/setup?step=mplus", wait_until="commit")
    till = urlsplit(systems.mplus_url)
    back.get_by_label("Address").fill(f"{till.scheme}://{till.hostname}", timeout=PATIENCE)
    back.get_by_label("Port").fill(str(till.port))
    back.get_by_label("Ident").fill("sandbox")
    back.get_by_label("Secret").fill("sandbox-secret")
    button(back, "Check the connection")
    expect(back.get_by_text("MplusKASSA answers, and everything this console needs is there.")).to_be_visible(
        timeout=PATIENCE
    )

    back.get_by_role("radio", name="Readiness").click(force=True)
    expect(back.get_by_text("Both systems are connected")).to_be_visible(timeout=PATIENCE)
    picture(back, "7-ready")
    button(back, "Make the first preview of products")
    expect(back.get_by_role("button", name=re.compile(r"Commit \d+ changes to MplusKASSA"))).to_be_visible(
        timeout=PATIENCE
    )
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
