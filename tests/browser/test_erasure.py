"""A customer in a browser: found by number, exported as a file, and erased."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import at_rest, button, picture
from tests.consoles import Console, open_application
from tests.planted_person import ARTICLE, NUMBER, PLANTED, Shop, hits
from tests.servers import Server, serve_console

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

BLOTTED = "█████"
SETTINGS = {"CONSOLE_SANDBOX": "true", "CONSOLE_SANDBOX_ARTICLES": "50"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A console that has the person."""
    data = tmp_path_factory.mktemp("console")
    with ThreadPoolExecutor() as aside:  # where no loop of the browser is at work, which the engine would wait in
        aside.submit(plant, data).result()
    with serve_console(data, settings=SETTINGS) as running:
        yield running
        assert running.outside == []


def plant(data: Path) -> None:
    """Add the person to both systems and to the data of the console."""
    with open_application(data, sandbox=True, sandbox_articles=50) as application:
        shop = Shop(Console(application), data, whole=False)
        shop.run("products", ARTICLE)
        shop.plant()


def find_person(page: Page, server: Server) -> None:
    """Look for the person under Administration."""
    page.goto(f"{server.address}/administration")
    at_rest(page).get_by_role("textbox", name="Number", exact=True).fill(NUMBER)
    button(page, "Find")


def test_a_person_is_found_given_everything_erased_and_reported_as_such(
    server: Server, page: Page, tmp_path: Path
) -> None:
    page.goto(f"{server.address}/logs?record=customers:{NUMBER}")
    expect(at_rest(page).get_by_text("Zwiebelquast").first).to_be_visible()

    find_person(page, server)
    expect(at_rest(page).get_by_text(re.compile("was booked for this person"))).to_be_visible()
    picture(page, "person-found")
    with page.expect_download() as download:
        button(page, "Download everything")
    download.value.save_as(tmp_path / "person.zip")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "person.zip").read_bytes())) as packed:
        person_json = json.dumps(json.loads(packed.read("person.json")), ensure_ascii=False)
    assert [word for word in PLANTED if word not in person_json] == []

    at_rest(page).get_by_text("Erase", exact=True).first.click()
    confirm = at_rest(page).get_by_role("textbox", name="Type the number again to erase")
    confirm.fill("39002")
    page.get_by_role("button", name="Erase", exact=True).last.click()
    expect(at_rest(page).get_by_text(re.compile("does not belong to this person"))).to_be_visible()
    assert hits(server.data)
    find_person(page, server)
    at_rest(page).get_by_text("Erase", exact=True).first.click()
    at_rest(page).get_by_role("textbox", name="Type the number again to erase").fill(NUMBER)
    page.get_by_role("button", name="Erase", exact=True).last.click()
    expect(page.get_by_text(re.compile(r"Erased: \d+ rows and \d+ events"))).to_be_visible()
    picture(page, "person-erased")
    assert hits(server.data) == {}

    find_person(page, server)
    expect(at_rest(page).get_by_text("This person was erased; their records take no part.")).to_be_visible()
    page.goto(f"{server.address}/logs?record=customers:{NUMBER}")
    expect(at_rest(page).get_by_text(BLOTTED).first).to_be_visible()
    picture(page, "person-tombstone")
    for path in ("", "exceptions", "runs", "preview?flow=customers", "administration?tab=audit"):
        page.goto(f"{server.address}/{path}")
        expect(at_rest(page).get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_text(re.compile("|".join(PLANTED)))).to_have_count(0)
