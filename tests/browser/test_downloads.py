"""Lists taken along from every page: as Excel with filters and real values, and as CSV in the reader's words."""

import csv
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zipfile import ZipFile

import pytest
from lxml import etree
from playwright.sync_api import Page, expect

from integration.words import term
from tests.browser.conftest import at_rest, picture, serving
from tests.browser.test_operators import wide
from tests.consoles import open_application
from tests.people import make_actor
from tests.programs import environment

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

NS = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
# Where lists are, and how many of them may be taken along there.
LISTS = {
    "": 2,
    "runs": 1,
    "exceptions": 1,
    "days": 1,
    "stock": 2,
    "logs": 1,
    "logs?tab=volume": 1,
    "logs?tab=links": 1,
    "flows?flow=orders&tab=tables": 1,
    "mappings?flow=products": 1,
    "monitoring": 1,
    "administration": 1,
    "administration?tab=audit": 1,
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a console on which products, stock and days were written."""
    data = tmp_path_factory.mktemp("listed")
    settings = {"DATA": str(data), "SANDBOX": "true", "SANDBOX_ARTICLES": "60"}
    flows = ("products", "stock", "days")
    with open_application(data, start=False, sandbox=True) as application:
        for flow in flows:
            application.flows.change(flow, {"brakes": wide(flow)}, make_actor("test"))
    for flow in flows:
        command = [sys.executable, "-m", "integration", "run", flow, "--json"]
        subprocess.run(command, env=environment(**settings), check=False, capture_output=True)
    with serving(data, CONSOLE_SANDBOX="true") as address:
        yield address


def download_file(page: Page, place: int, kind: str) -> Path:
    """Open the offer of a list, take it along as a file of one kind, and return that."""
    page.get_by_role("button", name=term("btn_download", "nl"), exact=True).nth(place).click()
    with page.expect_download() as download:
        page.get_by_role("button", name=term(kind, "nl"), exact=True).locator("visible=true").click()
    page.keyboard.press("Escape")
    return Path(download.value.path())


@pytest.mark.parametrize("address", LISTS)
def test_every_list_is_a_spreadsheet_in_the_words_of_its_reader(shop: str, page: Page, address: str) -> None:
    joined = "&" if "?" in address else "?"
    page.goto(f"{shop}/{address}{joined}lang=nl", wait_until="commit")
    expect(at_rest(page).get_by_role("heading", level=1)).to_be_visible()
    offers = page.get_by_role("button", name=term("btn_download", "nl"), exact=True)
    expect(offers.first).to_be_visible()
    assert offers.count() >= LISTS[address]
    rows = 0
    for place in range(offers.count()):
        with ZipFile(download_file(page, place, "btn_excel")) as book:
            sheet = etree.fromstring(book.read("xl/worksheets/sheet1.xml"))
            texts = etree.fromstring(book.read("xl/sharedStrings.xml"))
        assert sheet.find("s:autoFilter", NS) is not None
        assert sheet.find("s:cols", NS) is not None
        rows += len(sheet.findall(".//s:row", NS)) - 1
        captions = [str(element.text) for element in texts.iterfind(".//s:t", NS)][
            : len(sheet.findall(".//s:row[1]/s:c", NS))
        ]
        assert not [caption for caption in captions if "_" in caption or "–" in caption]
        assert not {"Name", "Flow", "Field", "Amount", "Level", "Period"} & set(captions)
    assert rows


def test_runs_are_taken_along_as_a_spreadsheet_and_as_both_sorts_of_csv(shop: str, page: Page) -> None:
    page.goto(f"{shop}/runs?lang=nl", wait_until="commit")
    expect(at_rest(page).get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("button", name=term("btn_download", "nl"), exact=True).click()
    expect(page.get_by_role("button", name=term("btn_excel", "nl"))).to_be_visible()
    picture(page, "download-offered")
    page.keyboard.press("Escape")

    people = download_file(page, 0, "btn_csv").read_text(encoding="utf-8-sig")
    programs = download_file(page, 0, "btn_csv_programs").read_text(encoding="utf-8")

    (line, *_) = csv.DictReader(people.splitlines(), delimiter=";")
    (bare, *_) = csv.DictReader(programs.splitlines())
    assert line["Gegevensstroom"] == term(f"flow_{bare['flow']}", "nl").capitalize()
    assert datetime.strptime(line["Begonnen"], "%d-%m-%Y %H:%M:%S")  # noqa: DTZ007 - on the reader's clock
    assert datetime.fromisoformat(bare["started_at"]).tzinfo is not None
