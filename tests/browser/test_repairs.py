"""From a cause on the page of exceptions to its end, in a real browser: repaired there, previewed and proven."""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from integration.application.application import Application
from integration.cli.prices_demo import have_prices
from integration.core.run import Mode
from integration.sandbox.server import Sandbox
from tests.browser.conftest import SETTLE, at_rest, button, choose, connecting, new_plan, picture, serving, tab
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

LONG_NAME = "Naamloze Vennootschap tot Exploitatie van Rijwielen en Bakfietsen"
VAT = "NL123456782B12"
AGAIN = re.compile(r"Try (this one|these \d+) again")


class Shop(Console):
    """One operator at one console, on systems that run outside of it."""

    def __init__(self, application: Application, systems: Sandbox) -> None:
        self.application = application
        self.sandbox = systems
        self.till_client = TillClient(systems)

    def debtor(self, place: int) -> str:
        """Return the number of a debtor that is a customer at the till."""
        return str(self.sandbox.shop.customers[place].number)

    def price(self, code: str) -> str:
        """Return the price of an article at the till, in cents."""
        return price_of(self.sandbox, code)

    def relation(self, debtor: str) -> Mapping[str, Any]:
        return next(row for row in self.sandbox.state("relations", "mplus") if row.get("extRelationId") == debtor)


def price_of(systems: Sandbox, code: str) -> str:
    """Return the price that an article of the books has at the till, in cents."""
    return next(str(row["priceIncl"]) for row in systems.state("articles", "mplus") if row.get("extArticleId") == code)


@dataclass(slots=True)
class Planted:
    """The systems of a shop in which something of everything is wrong, and the console that has seen it."""

    systems: Sandbox
    address: str = ""
    told: dict[str, str] = field(default_factory=dict)

    def debtor(self, name: str, **values: object) -> None:
        """Edit a debtor in the books as a person does."""
        self.systems.accountview.edit("CONTACT", self.told[name], values)

    def relation(self, name: str) -> Mapping[str, Any]:
        """Return a customer as the till has it."""
        key, relations = self.told[name], self.systems.state("relations", "mplus")
        return next(row for row in relations if row.get("extRelationId") == key)


@pytest.fixture(scope="module")
def planted_shop(systems: Sandbox, data: Path) -> Iterator[Planted]:
    """A shop that has run before, and then something of it goes wrong: see `_plant_faults`."""
    shop = Planted(systems)
    with ThreadPoolExecutor(1) as apart:  # in this one the browser has a loop of its own, under which no engine runs
        apart.submit(_run_and_plant, systems, data, shop.told).result()
    with serving(data, **connecting(systems)) as address:
        shop.address = address
        yield shop


def _run_and_plant(systems: Sandbox, data: Path, facts: dict[str, str]) -> None:
    with open_application(data, accountview=books_access(systems), mplus=till_access(systems)) as application:
        shop = Shop(application, systems)
        for flow in ("products", "customers", "orders"):
            application.flows.change(flow, {"brakes": wide(flow)}, make_actor("test"))
        for flow in ("products", "customers"):
            shop.run(flow)
        have_prices(application)
        for flow in ("products", "customers"):
            shop.run(flow)
        _revert_price(shop, facts)
        _plant_faults(shop, facts)
        for flow in ("products", "customers", "orders"):
            shop.preview(flow)


def _revert_price(shop: Shop, facts: dict[str, str]) -> None:
    """Raise the price of an article, and take that back."""
    till_codes = {str(article.get("extArticleId")) for article in shop.sandbox.state("articles", "mplus")}
    row = next(row for row in shop.sandbox.state("ARTICLE") if row["PX_SELL"] and str(row["ART_CODE"]) in till_codes)
    facts["back"] = str(row["ART_CODE"])
    shop.sandbox.accountview.edit("ARTICLE", facts["back"], {"PX_SELL": Decimal(str(row["PX_SELL"])) + 1})
    raised = shop.run("products", mode=Mode.CHANGES)
    facts["raised"] = shop.price(facts["back"])
    shop.commit(shop.undo(raised))


def _plant_faults(shop: Shop, facts: dict[str, str]) -> None:
    books, till_client = shop.sandbox.accountview, shop.till_client
    facts |= {"vat": shop.debtor(4), "list": shop.debtor(5), "twice": "39001"}
    books.edit("CONTACT", facts["vat"], {"VAT_NR": "NL1", "CNT_CODE": "NL"})
    books.edit("CONTACT", facts["list"], {"APX_LIST": "KLEIN"})
    mail = "inkoop@tweemaal.example"
    contact = {"SUB_NR": facts["twice"], "ACCT_NAME": "Tweemaal B.V.", "ACCT_NR": "1300", "MAIL_BUS": mail}
    books.add("CONTACT", contact | {"CNT_CODE": "NL", "CITY": "Ede"})
    facts["first"], facts["second"] = (
        till_client.customer(f"Tweemaal {city}", mail, city=city) for city in ("Ede", "Epe")
    )
    article = next(
        str(row["articleNumber"]) for row in shop.sandbox.state("articles", "mplus")
        if row.get("extArticleId") and row["vatCode"] == 2 and row["priceIncl"] > 1000
    )  # fmt: skip
    till_client.order(article, relation=facts["second"])
    facts["emoji"] = till_client.customer("Bakkerij 🥐 De Korst", "korst@bakkerij.example")
    facts["letters"] = till_client.customer(LONG_NAME, "lodz@rowery.example", city="Łódź", address="Wróbla 12")
    till_client.order(article, relation=facts["emoji"])
    till_client.order(article, relation=facts["letters"])
    books.add("ARTICLE", {"ART_CODE": "BEL-1", "ART_DESC1": "Fietsbel koper", "PX_SELL": 10, "VAT_CODE": "1"})


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with tab(browser) as opened_page:
        yield opened_page


def repairing(page: Page, planted: Planted, flow: str, find: str) -> None:
    """Open the repair of the only cause that a record is parked for."""
    page.goto(f"{planted.address}/exceptions?flow={flow}&find={find}", wait_until="commit")
    button(page, "Repair")


def commit_repair(page: Page, planted: Planted, flow: str, find: str) -> None:
    """Commit the plan on screen, and see that nothing of the record waits any more."""
    expect(page).to_have_url(re.compile("plan="))
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Waiting")
    commit_plan(page)
    page.goto(f"{planted.address}/exceptions?flow={flow}&find={find}", wait_until="commit")
    expect(at_rest(page).get_by_role("button", name="Repair")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def is_edited(page: Page) -> bool:
    """Open the cell of the first value, and tell whether it is open: a table that is still drawn takes no keys.

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
    repairing(page, planted_shop, "customers", planted_shop.told["twice"])
    table = at_rest(page).locator('[data-testid="stTable"]')
    expect(table.get_by_text("Last used")).to_be_visible()
    expect(table.get_by_text("not within a year")).to_have_count(1)
    picture(page, "repair-candidates")
    at_rest(page).get_by_role("radiogroup").get_by_text(re.compile(f"^{planted_shop.told['second']} · ")).click()
    button(page, "Link and preview 1 customer")
    commit_repair(page, planted_shop, "customers", planted_shop.told["twice"])
    assert str(planted_shop.relation("twice")["relationNumber"]) == planted_shop.told["second"]


def test_a_vat_number_that_is_none_is_replaced_here_and_reaches_the_till(planted_shop: Planted, page: Page) -> None:
    repairing(page, planted_shop, "customers", planted_shop.told["vat"])
    at_rest(page).get_by_role("radio", name="Use another value").click()
    expect(at_rest(page).get_by_role("button", name="Use the value and preview 1 customer")).to_be_visible()
    wait_until(lambda: is_edited(page), "the cell with the value is edited")
    page.locator("#portal").locator("textarea, input").first.fill("1234.56.782.B12")
    page.keyboard.press("Enter")
    picture(page, "repair-vat-number")
    button(page, "Use the value and preview 1 customer")
    expect(at_rest(page).get_by_text("AccountView has “1234.56.782.B12”").first).to_be_visible()
    picture(page, "repair-vat-number-plan")
    commit_repair(page, planted_shop, "customers", planted_shop.told["vat"])
    assert planted_shop.relation("vat")["vatNumber"] == VAT


def test_a_price_list_without_a_price_group_gets_its_row(planted_shop: Planted, page: Page) -> None:
    repairing(page, planted_shop, "customers", planted_shop.told["list"])
    choose(page, "In MplusKASSA", re.compile("^1 "))
    picture(page, "repair-price-group")
    button(page, "Add the row and preview 1 customer")
    commit_repair(page, planted_shop, "customers", planted_shop.told["list"])
    assert planted_shop.relation("list")["priceGroupNumber"] == 1


def test_a_name_that_the_books_cannot_keep_is_corrected_at_the_till_and_what_is_cut_is_shown(
    planted_shop: Planted, page: Page
) -> None:
    new_plan(page, planted_shop.address, "orders")
    page.goto(f"{page.url}&find=Naamloze", wait_until="commit")
    expect(at_rest(page).get_by_text(f"MplusKASSA has “{LONG_NAME}”").first).to_be_visible()
    expect(at_rest(page).get_by_text("MplusKASSA has “Łódź”").first).to_be_visible()
    picture(page, "repair-cut-in-plan")
    new_plan(page, planted_shop.address, "orders")
    commit_plan(page)
    repairing(page, planted_shop, "orders", planted_shop.told["emoji"])
    picture(page, "repair-characters")
    planted_shop.systems.till.edit("relations", planted_shop.told["emoji"], {"name": "Bakkerij De Korst"})
    button(page, AGAIN)
    commit_repair(page, planted_shop, "orders", planted_shop.told["emoji"])
    assert "Bakkerij De Korst" in {str(row["ACCT_NAME"]) for row in planted_shop.systems.state("CONTACT")}


@pytest.mark.long
def test_what_was_taken_back_is_taken_in_again_by_a_person(planted_shop: Planted, page: Page) -> None:
    new_plan(page, planted_shop.address, "products", "Full comparison")
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Waiting")
    code = planted_shop.told["back"]
    page.goto(f"{page.url}&find={code}", wait_until="commit")
    expect(at_rest(page).get_by_text(re.compile("was undone on .* by ")).last).to_be_visible()
    picture(page, "repair-taken-back")
    button(page, re.compile("^Choose the 1 shown"))
    commit_plan(page)
    picture(page, "repair-taken-in")
    assert price_of(planted_shop.systems, code) == planted_shop.told["raised"]


# ---- a setting that repairs, and one that is saved by somebody who leaves at once


@pytest.mark.long
def test_codes_that_are_no_numbers_are_allotted_some(planted_shop: Planted, page: Page) -> None:
    repairing(page, planted_shop, "products", "BEL-1")
    picture(page, "repair-sku")
    button(page, "Open the setting")
    at_rest(page).get_by_role("radio", name=re.compile("^A number that the console assigns once")).check(force=True)
    picture(page, "repair-sku-setting")
    button(page, "Save changes")
    expect(page.get_by_text("Saved").first).to_be_visible()
    button(page, "Back to the cause")
    button(page, AGAIN)
    commit_repair(page, planted_shop, "products", "BEL-1")
    assert "BEL-1" in {row.get("extArticleId") for row in planted_shop.systems.state("articles", "mplus")}


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


@pytest.mark.long
def test_a_row_is_kept_though_its_page_is_left_at_once(planted_shop: Planted, page: Page) -> None:
    table = f"{planted_shop.address}/flows?flow=customers&tab=tables&table=price_groups"
    page.goto(table, wait_until="commit")
    choose(page, re.compile("^GROOT"), re.compile("^2 "))
    leaving(page, "Save the table")
    page.goto(table, wait_until="commit")
    expect(at_rest(page).get_by_role("combobox", name=re.compile("^GROOT"))).to_have_value(re.compile("^2 "))
