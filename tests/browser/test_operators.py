"""Daily work of operators in a real browser: one cause of many orders, an undo, a changed mapping."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, expect

from integration.application.application import Application
from integration.flows.registry import FLOWS
from integration.sandbox.server import Sandbox
from tests.browser.conftest import DONE, at_rest, button, choose, commit, new_plan, picture, tab
from tests.people import make_actor
from tests.till_client import TillClient

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

MANY = 300  # orders with one cause
WIDE = {"changes": 10_000, "price_percent": None, "zero_percent": None, "new_debtors": 10_000}


def wide(flow: str) -> dict[str, int | None]:
    """Return limits that no plan of the flows exceeds."""
    return {guard.name: WIDE[guard.name] for guard in FLOWS[flow].settings.guards if guard.name in WIDE}


@pytest.fixture(scope="module")
def settings(second_application: Application) -> Application:
    """The installation, with the answers of an operator in the set-up."""
    for flow in ("products", "stock", "orders"):
        second_application.flows.change(flow, {"brakes": wide(flow)}, make_actor("test"))
    second_application.flows.change("stock", {"branches": {"1": "formula", "2": "formula"}}, make_actor("test"))
    return second_application


@pytest.fixture(scope="module")
def stocked_console(connected_console: str, settings: Application, browser: Browser) -> str:
    """The console once its articles are at the till."""
    assert settings
    with tab(browser) as page:
        preview_flow(page, connected_console, "products")
        commit_plan(page)
    return connected_console


def preview_flow(page: Page, console: str, flow: str) -> str:
    """Make a preview of a flow and return the address of its plan."""
    new_plan(page, console, flow)
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(
        re.compile(f"Waiting|Nothing written|{DONE.pattern}")
    )
    return page.url


def commit_plan(page: Page) -> None:
    """Commit the plan on screen and wait until it is written and proven."""
    commit(page, re.compile(r"Commit [\d,.]+ change"))
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(DONE)


# ---- many orders with one cause


@pytest.fixture(scope="module")
def order_count(systems: Sandbox, stocked_console: str, settings: Application) -> int:
    """Create orders at the till, all paid by a method without a row in the value table."""
    assert stocked_console
    till_client = TillClient(systems)
    articles = [row for row in systems.state("articles", "mplus") if row.get("extArticleId") and row["vatCode"] == 2]
    for number in range(MANY):
        article = str(articles[number % len(articles)]["articleNumber"])
        order = till_client.order(article, relation=str(1001 + number % 10))
        till_client.pay_in_advance(order, "PIN", 1)
    settings.rules.set_table("payment_terms", {"CASH": "14"}, "test")
    return MANY


def test_all_orders_with_one_cause_are_repaired_once_and_all_proven(
    stocked_console: str, order_count: int, systems: Sandbox, page: Page
) -> None:
    before = booked_references(systems)
    preview_flow(page, stocked_console, "orders")
    page.goto(f"{stocked_console}/exceptions?flow=orders", wait_until="commit")
    expect(
        at_rest(page).get_by_text("Payment method PIN · Pin has no counterpart in AccountView.").first
    ).to_be_visible()
    expect(at_rest(page).get_by_role("radio", name=f"Orders {order_count}")).to_be_checked()
    expect(at_rest(page).get_by_role("button", name="Repair")).to_have_count(1)
    picture(page, "operators-1-one-cause")

    page.keyboard.press("o")
    choose(page, "In AccountView", re.compile("14"))
    picture(page, "operators-2-repair")
    button(page, f"Add the row and preview {order_count} orders")

    expect(at_rest(page).get_by_role("button", name=re.compile(f"Commit {order_count} change"))).to_be_visible()
    expect(at_rest(page).get_by_text("Nothing has been written yet.").last).to_be_visible()
    page.goto(f"{stocked_console}/exceptions", wait_until="commit")
    expect(at_rest(page).get_by_text(f"{order_count} orders are in a preview")).to_be_visible()
    picture(page, "operators-3-in-a-preview")
    button(page, "Open preview")
    commit_plan(page)
    expect(at_rest(page).get_by_text("Nothing lost: difference 0.").first).to_be_visible()
    picture(page, "operators-4-proven")

    page.goto(f"{stocked_console}/exceptions?flow=orders", wait_until="commit")
    expect(at_rest(page).get_by_role("radio", name="Orders 0")).to_be_checked()
    expect(at_rest(page).get_by_text("No cause fits these filters")).to_be_visible()
    references = booked_references(systems)[len(before) :]
    assert len(references) == len(set(references)) == order_count


def booked_references(systems: Sandbox) -> list[str]:
    """Return our references of the orders in the books, in the order they came."""
    return [row["COMMENT1"] for row in systems.state("SO_HDR") if str(row["COMMENT1"]).startswith("MP-")]


# ---- a run taken back


def levels(systems: Sandbox) -> dict[tuple[int, int], Decimal]:
    """Return the level of every article at the tills."""
    return {
        (level["branchNumber"], level["articleNumber"]): Decimal(level["physical"])
        for level in systems.state("stock", "mplus")
    }


def test_a_run_of_stock_is_taken_back_and_the_tills_have_what_they_had(
    stocked_console: str, systems: Sandbox, page: Page
) -> None:
    before = levels(systems)
    preview_flow(page, stocked_console, "stock")
    commit_plan(page)
    assert {key for key, level in levels(systems).items() if before.get(key, Decimal(0)) != level}

    button(page, re.compile("Undo"))
    expect(at_rest(page).get_by_text("This plan undoes run")).to_be_visible()
    expect(at_rest(page).get_by_text("Nothing has been written yet.").last).to_be_visible()
    picture(page, "operators-5-undo")
    commit_plan(page)
    picture(page, "operators-6-taken-back")

    after = levels(systems)
    assert {key for key, level in after.items() if before.get(key, Decimal(0)) != level} == set()
    page.goto(f"{stocked_console}/stock", wait_until="commit")
    expect(at_rest(page).get_by_text("Movements")).to_be_visible()
    picture(page, "operators-7-stock")

    page.goto(f"{stocked_console}/preview?flow=stock", wait_until="commit")
    button(page, "Full comparison")
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Waiting")
    expect(at_rest(page).get_by_text(re.compile("was undone on .* by ")).first).to_be_visible()
    expect(at_rest(page).get_by_role("button", name=re.compile("Commit"))).to_be_disabled()
    picture(page, "operators-8-stays-undone")
    button(page, "Choose all")
    commit_plan(page)
    assert {key for key, level in levels(systems).items() if before.get(key, Decimal(0)) != level}


# ---- a mapping changed while a plan waits


def test_a_mapping_is_changed_tried_and_published_and_an_older_plan_refused(
    stocked_console: str, systems: Sandbox, settings: Application, page: Page
) -> None:
    row = next(row for row in systems.state("ARTICLE") if row["PX_SELL"] and str(row["ART_CODE"]).isdigit())
    systems.accountview.edit("ARTICLE", str(row["ART_CODE"]), {"PX_SELL": Decimal(str(row["PX_SELL"])) + 1})
    plan = preview_flow(page, stocked_console, "products")
    expect(at_rest(page).get_by_role("button", name=re.compile("Commit 1 change"))).to_be_enabled()

    page.goto(f"{stocked_console}/mappings?flow=products&field=product.name", wait_until="commit")
    at_rest(page).get_by_text("Why this value").wait_for()
    at_rest(page).get_by_role("combobox", name="Add a function").click()
    at_rest(page).get_by_role("option", name=re.compile("capital", re.IGNORECASE)).first.click()
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Draft")
    button(page, "Show what changes")
    expect(at_rest(page).get_by_text(re.compile(r"of the last \d+ articles")).first).to_be_visible()
    picture(page, "operators-8-draft")

    button(page, "Publish version 2")
    dialog = at_rest(page).get_by_role("dialog")
    dialog.get_by_role("textbox").first.fill("Names in capitals")
    picture(page, "operators-9-publish")
    dialog.get_by_role("button", name="Publish version 2").click()
    expect(at_rest(page).get_by_text(re.compile("Version 2, published"))).to_be_visible()
    assert settings.mappings.published("products").version == 2

    writes = systems.ledger.counts()["writes"]
    page.goto(plan, wait_until="commit")
    expect(at_rest(page).get_by_text(re.compile("version 2 has been published", re.IGNORECASE)).first).to_be_visible()
    picture(page, "operators-10-refused")
    assert systems.ledger.counts()["writes"] == writes
