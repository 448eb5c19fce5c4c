"""Timetables of flows, set in the set-up or on the page of flows, and described in words."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import at_rest, picture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]


def test_a_timetable_is_set_in_the_set_up_and_said_on_the_page_of_its_flow(connected_console: str, page: Page) -> None:
    page.goto(f"{connected_console}/setup?step=flows", wait_until="commit")
    expect(at_rest(page).get_by_role("heading", level=1)).to_be_visible()
    at_rest(page).get_by_role("button", name="Every 5 minutes").first.click()
    minutes = page.get_by_role("spinbutton", name="Every ... minutes").locator("visible=true")
    minutes.fill("45")
    minutes.press("Enter")
    expect(at_rest(page).get_by_role("button", name="Every 45 minutes")).to_be_visible()
    page.get_by_role("checkbox", name="Sun").or_(page.get_by_role("button", name="Sun")).locator("visible=true").click()
    expect(at_rest(page).get_by_role("button", name="Every 45 minutes, not on Sundays")).to_be_visible()
    page.get_by_text("Also on holidays").locator("visible=true").click()
    sentence = "Every 45 minutes, not on Sundays and holidays"
    expect(at_rest(page).get_by_role("button", name=sentence)).to_be_visible()
    picture(page, "timetable-in-the-set-up")

    page.goto(f"{connected_console}/flows?flow=products&tab=schedule", wait_until="commit")

    expect(at_rest(page).get_by_text(sentence).first).to_be_visible()
    picture(page, "timetable-of-a-flow")
