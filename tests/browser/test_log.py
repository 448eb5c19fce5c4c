"""A fatal query in an address does nothing, and run by a person it disturbs nobody else; in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import at_rest, serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

FINE = "SELECT count(*) AS events_there FROM events"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def console(data: Path) -> Iterator[str]:
    """The address of a new installation."""
    with serving(data) as address:
        yield address


def test_a_question_is_coloured_while_it_is_typed_and_still_there_when_somebody_comes_back(
    console: str, page: Page
) -> None:
    page.goto(f"{console}/logs?tab=queries&query={quote(FINE)}")
    editor, over = at_rest(page).get_by_label("SQL query"), page.locator(".sql-over")
    expect(over).to_have_text(FINE)
    expect(over.locator(".keyword")).to_have_text(["SELECT", "AS", "FROM"])
    editor.fill("SELECT 'a' -- <b>AND</b>")
    expect(over.locator("span")).to_have_text(["SELECT", "'a'", "-- <b>AND</b>"])
    assert over.bounding_box() == pytest.approx(editor.bounding_box(), abs=1)

    at_rest(page).get_by_role("link", name="Runs").first.click()
    expect(page).to_have_url(re.compile("/runs"))
    page.go_back()
    expect(at_rest(page).get_by_label("SQL query")).to_have_value(FINE)
    expect(over).to_have_text(FINE)
