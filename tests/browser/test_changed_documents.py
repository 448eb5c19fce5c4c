"""An order that changes after booking, in a real browser: both sides seen, credited and booked again in one plan."""

import re

import pytest
from playwright.sync_api import Page, expect

from integration.application.application import Application
from integration.sandbox.server import Sandbox
from tests.browser.conftest import at_rest, button, picture
from tests.browser.test_operators import commit_plan, preview_flow, wide
from tests.people import make_actor
from tests.till_client import TillClient

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]


@pytest.fixture(scope="module")
def settings(second_application: Application) -> Application:
    """The installation, with the answers of an operator in the set-up."""
    for flow in ("products", "orders"):
        second_application.flows.change(flow, {"brakes": wide(flow)}, make_actor("test"))
    return second_application


def order_quantities(systems: Sandbox, reference: str) -> list[int]:
    """Return the quantities of the sales order with a reference."""
    (order,) = [row for row in systems.state("SO_HDR") if row["COMMENT1"] == reference]
    return [int(row["ORD_QTY"]) for row in systems.state("SO_LINE") if row["ORD_NR"] == order["ORD_NR"]]


def test_an_order_changed_after_booking_is_credited_and_booked_again_in_one_plan_and_both_are_proven(
    connected_console: str, settings: Application, systems: Sandbox, page: Page
) -> None:
    assert settings
    preview_flow(page, connected_console, "products")
    commit_plan(page)
    till_client = TillClient(systems)
    articles = [
        row
        for row in systems.state("articles", "mplus")
        if row.get("extArticleId") and row["vatCode"] == 2 and row["priceIncl"] > 1000
    ]
    other = str(next(row["articleNumber"] for row in articles if row["priceIncl"] > articles[0]["priceIncl"]))
    article = str(articles[0]["articleNumber"])
    customer = till_client.customer("Els de Wit", "els@dewit.example")
    lines = [till_client.line(article, 2), till_client.line(other, 1)]
    order = till_client.order(article, relation=customer, lines=lines)
    ours = f"MP-{till_client.number(order)}"
    preview_flow(page, connected_console, "orders")
    commit_plan(page)

    till_client.change(order, article, 3)
    preview_flow(page, connected_console, "orders")
    page.goto(f"{connected_console}/exceptions?flow=orders", wait_until="commit")
    button(page, "Repair")
    expect(at_rest(page).get_by_text("than booked").first).to_be_visible()
    picture(page, "changed-1-both-sides")

    at_rest(page).get_by_test_id("stRadioGroup").get_by_text("Reverse and book again").click()
    button(page, "Decide and preview 1 order")
    expect(page).to_have_url(re.compile("plan="))
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Waiting")
    expect(at_rest(page).get_by_role("button", name=re.compile("Commit 2 changes"))).to_be_visible()
    picture(page, "changed-2-one-plan")
    commit_plan(page)
    expect(at_rest(page).get_by_text("Nothing lost: difference 0.")).to_be_visible()
    picture(page, "changed-3-proven")

    assert (
        order_quantities(systems, ours),
        order_quantities(systems, f"{ours}-C"),
        order_quantities(systems, f"{ours}-2"),
    ) == ([2, 1], [-2, -1], [3])
    preview_flow(page, connected_console, "orders")
    page.goto(f"{connected_console}/exceptions?flow=orders", wait_until="commit")
    expect(at_rest(page).get_by_text("No cause fits these filters")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
