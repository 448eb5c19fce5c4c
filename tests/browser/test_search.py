"""One search in the browser: opened by its keys from every page, typed at once, followed to a history or a setting."""

import re
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from integration.core.records import Kind
from tests.browser.conftest import SETTLE, at_rest, picture, serving
from tests.browser.test_operators import wide
from tests.consoles import open_application
from tests.people import make_actor
from tests.programs import environment
from tests.stores import stores_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]


BETWEEN_KEYS = 30  # milliseconds
LETTERS = "nope order "  # among them the keys of *Exceptions*


def search_field(page: Page) -> Locator:
    """Open the search by its keys and return its field, which is ready to be typed in."""
    page.keyboard.press("Control+k")
    field = page.locator("[role=dialog] .st-key-search_text input")
    expect(field).to_be_focused()
    return field


FLOWS = ("products", "orders")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """A console that wrote products and orders: its address, and the search keys of an order."""
    data = tmp_path_factory.mktemp("searched")
    settings = {"DATA": str(data), "SANDBOX": "true", "SANDBOX_ARTICLES": "60"}
    with open_application(data, start=False, sandbox=True) as application:
        for flow in FLOWS:
            application.flows.change(flow, {"brakes": wide(flow)}, make_actor("test"))
    for flow in FLOWS:
        command = [sys.executable, "-m", "integration", "run", flow, "--json"]
        subprocess.run(command, env=environment(**settings), check=True, capture_output=True)
    with open_application(data, start=False, sandbox=True) as application:
        link = next(
            candidate
            for candidate in stores_in(application).links.page("orders", Kind.SALES_ORDER, "", 50)
            if candidate.agreed
        )
    values = link.agreed.values if link.agreed else {}
    order_facts = {"key": link.key, "there": link.reference, "total": f"{values['sold_incl']:.2f}"}
    order_facts |= {name: str(values[name]) for name in ("number", "reference", "customer")}
    with serving(data, CONSOLE_SANDBOX="true") as address:
        yield address, order_facts


@pytest.mark.parametrize("path", ["", "exceptions", "preview?flow=products", "logs", "setup", "stock"])
def test_no_letter_is_lost_that_is_typed_while_the_search_opens(
    shop: tuple[str, dict[str, str]], page: Page, path: str
) -> None:
    address, order_facts = shop
    page.goto(f"{address}/{path}", wait_until="commit")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    before = page.url

    page.keyboard.press("Control+k")
    page.keyboard.type(LETTERS, delay=BETWEEN_KEYS)
    field = page.locator("[role=dialog] .st-key-search_text input")
    expect(field).to_have_value(LETTERS)
    expect(field).to_be_focused()
    assert page.url == before

    field.fill("")
    page.keyboard.type(order_facts["there"])  # found while it is typed
    expect(page.get_by_role("dialog").get_by_role("button", name=order_facts["number"], exact=True)).to_be_visible()


def test_a_search_that_is_left_while_it_opens_stays_closed_and_keeps_nothing(
    shop: tuple[str, dict[str, str]], page: Page
) -> None:
    page.goto(f"{shop[0]}/exceptions", wait_until="commit")
    expect(at_rest(page).locator("[class*=st-key-open-] button").first).to_be_visible()
    page.keyboard.press("?")
    expect(at_rest(page).get_by_role("dialog")).to_be_visible()
    page.keyboard.press("o")  # would open the first repair behind the dialog
    page.wait_for_timeout(SETTLE)
    expect(at_rest(page).get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert urlsplit(page.url).query == ""

    page.keyboard.press("Control+k")
    page.keyboard.type("lost")
    page.keyboard.press("Escape")
    expect(page.locator(".search-placeholder")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.get_by_role("button", name="Search").click()
    page.keyboard.type("stock", delay=BETWEEN_KEYS)
    expect(page.locator("[role=dialog] .st-key-search_text input")).to_have_value("stock")


def test_an_order_is_found_by_every_number_and_its_life_tells_them(
    shop: tuple[str, dict[str, str]], page: Page
) -> None:
    address, order_facts = shop
    page.goto(f"{address}/runs", wait_until="commit")
    expect(at_rest(page).get_by_role("heading", level=1)).to_be_visible()
    search_field(page)
    for text in (order_facts["there"], order_facts["reference"], order_facts["total"], order_facts["customer"]):
        field = page.get_by_role("dialog").get_by_role("textbox")
        field.fill(text)
        field.press("Enter")
        result = page.get_by_role("dialog").get_by_role("button", name=order_facts["number"], exact=True)
        expect(result).to_be_visible()
    picture(page, "search-found")

    result.click()

    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(order_facts["number"])
    expect(at_rest(page).get_by_text(order_facts["there"]).first).to_be_visible()
    expect(at_rest(page).get_by_text(order_facts["reference"]).first).to_be_visible()
    expect(at_rest(page).get_by_text(order_facts["customer"]).first).to_be_visible()
    picture(page, "search-history")


@pytest.mark.parametrize(
    ("word", "caption", "where"),
    [
        ("Versandkosten", "Shipping cost", r"/flows\?flow=orders&tab=settings&field=shipping"),
        ("Pfand", "Balance accounts", r"/flows\?flow=orders&tab=tables&table=balance_accounts"),
        ("Steuernummer", "VAT number", r"/mappings\?flow="),
    ],
)
def test_a_word_of_another_language_leads_to_its_setting(
    shop: tuple[str, dict[str, str]], page: Page, word: str, caption: str, where: str
) -> None:
    page.goto(shop[0], wait_until="commit")
    expect(at_rest(page).get_by_role("heading", level=1)).to_be_visible()
    field = search_field(page)
    field.fill(word)
    field.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name=caption).first.click()
    expect(page).to_have_url(re.compile(where))
    expect(at_rest(page).get_by_role("heading", level=1)).to_be_visible()


def test_what_is_nowhere_is_said_to_be_so(shop: tuple[str, dict[str, str]], page: Page) -> None:
    page.goto(shop[0], wait_until="commit")
    expect(at_rest(page).get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("button", name="Search").click()
    field = page.get_by_role("dialog").get_by_role("textbox")
    expect(field).to_be_focused()
    field.fill("nowhere *at all*")
    field.press("Enter")
    expect(page.get_by_role("dialog").get_by_text("Nothing is known under “nowhere *at all*”.")).to_be_visible()
