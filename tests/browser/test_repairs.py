"""A repair in a real browser, from the cause on the page of exceptions to the proven write."""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from integration.application.application import Application
from integration.sandbox.server import Sandbox
from tests.browser.conftest import SETTLE, at_rest, button, choose, connecting, picture, serving, tab
from tests.browser.test_operators import commit_plan, wide
from tests.consoles import Console, open_application
from tests.people import make_actor
from tests.programs import books_access, till_access
from tests.till_client import TillClient
from tests.timeouts import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]
VAT = "NL123456782B12"


class Shop(Console):
    """One operator at one console, with systems that run outside the console."""

    def __init__(self, application: Application, systems: Sandbox) -> None:
        self.application = application
        self.sandbox = systems
        self.till_client = TillClient(systems)


@dataclass(slots=True)
class Planted:
    """The systems of a shop in which something of each kind is wrong, and the console that has seen it."""

    systems: Sandbox
    address: str = ""
    numbers: dict[str, str] = field(default_factory=dict)

    def relation(self, name: str) -> Mapping[str, Any]:
        """Return a customer as the till has it."""
        key, relations = self.numbers[name], self.systems.state("relations", "mplus")
        return next(row for row in relations if row.get("extRelationId") == key)


@pytest.fixture(scope="module")
def planted_shop(systems: Sandbox, data: Path) -> Iterator[Planted]:
    """A shop that has run before and has new faults: see `_plant_faults`."""
    shop = Planted(systems)
    with ThreadPoolExecutor(1) as apart:  # in this one the browser has a loop of its own, under which no engine runs
        apart.submit(_run_and_plant, systems, data, shop.numbers).result()
    with serving(data, **connecting(systems)) as address:
        shop.address = address
        yield shop


def _run_and_plant(systems: Sandbox, data: Path, facts: dict[str, str]) -> None:
    with open_application(data, accountview=books_access(systems), mplus=till_access(systems)) as application:
        shop = Shop(application, systems)
        for flow in ("products", "customers"):
            application.flows.change(flow, {"brakes": wide(flow)}, make_actor("test"))
            shop.run(flow)
        _plant_faults(shop, facts)
        shop.run("customers")


def _plant_faults(shop: Shop, facts: dict[str, str]) -> None:
    books, till_client = shop.sandbox.accountview, shop.till_client
    facts |= {"vat": str(shop.sandbox.shop.customers[4].number), "twice": "39001"}
    books.edit("CONTACT", facts["vat"], {"VAT_NR": "NL1", "CNT_CODE": "NL"})
    mail = "inkoop@tweemaal.example"
    contact = {"SUB_NR": facts["twice"], "ACCT_NAME": "Tweemaal B.V.", "ACCT_NR": "1300", "MAIL_BUS": mail}
    books.add("CONTACT", contact | {"CNT_CODE": "NL", "CITY": "Ede"})
    facts["first"], facts["second"] = (
        till_client.customer(f"Tweemaal {city}", mail, city=city) for city in ("Ede", "Epe")
    )
    articles = shop.sandbox.state("articles", "mplus")
    sold = next(str(row["articleNumber"]) for row in articles if row.get("extArticleId") and row["vatCode"] == 2)
    till_client.order(sold, relation=facts["second"])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with tab(browser) as opened_page:
        yield opened_page


def repairing(page: Page, planted: Planted, flow: str, find: str) -> None:
    """Open the repair of the only cause that a record is parked for."""
    page.goto(f"{planted.address}/exceptions?flow={flow}&find={find}", wait_until="commit")
    button(page, "Repair")


def commit_repair(page: Page, planted: Planted, flow: str, find: str) -> None:
    """Commit the plan on screen, and require that the record no longer waits."""
    expect(page).to_have_url(re.compile("plan="))
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Waiting")
    commit_plan(page)
    page.goto(f"{planted.address}/exceptions?flow={flow}&find={find}", wait_until="commit")
    expect(at_rest(page).get_by_role("button", name="Repair")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def is_edited(page: Page) -> bool:
    """Open the cell of the first value, and return whether it opened: a table being drawn takes no keys.

    A press opens the cell that is chosen already; there the key would close it again.
    """
    at_rest(page).get_by_test_id("stDataFrame").first.click(position={"x": 380, "y": 52})
    page.wait_for_timeout(SETTLE)
    field = page.locator("#portal").locator("textarea, input").first
    if not field.is_visible():
        page.keyboard.press("Enter")
        page.wait_for_timeout(SETTLE)
    return field.is_visible()


def test_which_of_two_is_the_customer_is_seen_by_when_each_was_last_sold_to(planted_shop: Planted, page: Page) -> None:
    repairing(page, planted_shop, "customers", planted_shop.numbers["twice"])
    table = at_rest(page).locator('[data-testid="stTable"]')
    expect(table.get_by_text("Last used")).to_be_visible()
    expect(table.get_by_text("not within a year")).to_have_count(1)
    picture(page, "repair-candidates")
    at_rest(page).get_by_role("radiogroup").get_by_text(re.compile(f"^{planted_shop.numbers['second']} · ")).click()
    button(page, "Link and preview 1 customer")
    commit_repair(page, planted_shop, "customers", planted_shop.numbers["twice"])
    assert str(planted_shop.relation("twice")["relationNumber"]) == planted_shop.numbers["second"]


def test_a_vat_number_that_is_none_is_replaced_here_and_reaches_the_till(planted_shop: Planted, page: Page) -> None:
    repairing(page, planted_shop, "customers", planted_shop.numbers["vat"])
    at_rest(page).get_by_role("radio", name="Use another value").click()
    expect(at_rest(page).get_by_role("button", name="Use the value and preview 1 customer")).to_be_visible()
    wait_until(lambda: is_edited(page), "the cell with the value is edited")
    page.locator("#portal").locator("textarea, input").first.fill("1234.56.782.B12")
    page.keyboard.press("Enter")
    picture(page, "repair-vat-number")
    button(page, "Use the value and preview 1 customer")
    expect(at_rest(page).get_by_text("AccountView has “1234.56.782.B12”").first).to_be_visible()
    picture(page, "repair-vat-number-plan")
    commit_repair(page, planted_shop, "customers", planted_shop.numbers["vat"])
    assert planted_shop.relation("vat")["vatNumber"] == VAT


def leaving(page: Page, name: str) -> None:
    """Press a button and leave the page before the answer to it is drawn."""
    pressed = at_rest(page).get_by_role("button", name=name).first
    pressed.evaluate("(button) => { button.click(); location.href = '/exceptions' }")
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Exceptions")


def test_what_is_saved_is_kept_though_its_page_is_left_at_once(planted_shop: Planted, page: Page) -> None:
    setting = f"{planted_shop.address}/flows?flow=stock&tab=settings"
    page.goto(setting, wait_until="commit")
    choose(page, "Below zero", "Parked")
    leaving(page, "Save changes")
    page.goto(setting, wait_until="commit")
    expect(at_rest(page).get_by_role("combobox", name="Below zero")).to_have_value("Parked")
