"""A fatal query in an address is not run, and a person who runs it disturbs no other user (real browser)."""

import re
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import at_rest, button, serving, tab
from tests.log import hostile
from tests.timeouts import SECONDS

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


def keepers(data: Path) -> set[int]:
    """Return the numbers of the processes that have the log of a folder open."""
    process_ids = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # somebody else's, or gone
            if str(link.readlink()) == str(data / "log.duckdb"):
                process_ids.add(int(link.parts[2]))
    return process_ids


def is_healthy(console: str) -> bool:
    """Return True if the health endpoint of the console answers with 200."""
    with urllib.request.urlopen(f"{console}/healthz", timeout=SECONDS) as answer:  # noqa: S310 - loopback
        return bool(answer.status == 200)


def test_a_link_does_nothing_and_a_person_who_runs_it_reads_that_it_was_stopped(
    console: str, data: Path, page: Page, browser: Browser
) -> None:
    before = keepers(data)
    assert len(before) == 1
    address = f"{console}/logs?tab=queries&query={quote(hostile.BOMB)}"
    page.goto(address)
    editor = at_rest(page).get_by_label("SQL query")
    expect(editor).to_have_value(hostile.BOMB)
    page.reload()
    expect(at_rest(page).get_by_label("SQL query")).to_have_value(hostile.BOMB)
    with tab(browser) as later:  # whatever was asked before has its answer by now
        later.goto(f"{console}/logs")
        expect(at_rest(later).get_by_text("Events 1 to")).to_be_visible()
    assert keepers(data) == before, "the process was ended for it"
    expect(page.get_by_text("The query was stopped")).to_have_count(0)

    with tab(browser) as other:
        other.goto(f"{console}/runs")
        expect(at_rest(other).get_by_text("Runs", exact=True).first).to_be_visible()
        button(page, "Run query")
        other.goto(f"{console}/logs")
        expect(at_rest(other).get_by_text("Everything that was read, decided and written")).to_be_visible()
        assert is_healthy(console)
    expect(at_rest(page).get_by_text("The query was stopped")).to_be_visible()
    expect(page.get_by_text("Nothing is missing from the log")).to_be_visible()

    page.get_by_label("SQL query").fill(FINE)
    page.get_by_label("SQL query").press("Control+Enter")
    expect(at_rest(page).get_by_text("Answer", exact=True)).to_be_visible()
    expect(page.get_by_text("The query was stopped")).to_have_count(0)
    assert is_healthy(console)
    assert "Traceback" not in (data / "server.log").read_text(encoding="utf-8")


def test_a_question_is_coloured_while_it_is_typed_and_still_there_when_somebody_comes_back(
    console: str, page: Page
) -> None:
    page.goto(f"{console}/logs?tab=queries&query={quote(FINE)}")
    editor, over = at_rest(page).get_by_label("SQL query"), page.locator(".sql-highlight")
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
