"""Daily work of operators in a real browser: one cause of many orders, an undo, a changed mapping."""

import re

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


# ---- a mapping changed while a plan waits
