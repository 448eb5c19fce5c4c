"""A booked document and the current one of the till: compared, decided and booked again on the page of exceptions."""

from collections.abc import Iterator
from itertools import count

import pytest
from streamlit.testing.v1 import AppTest

from integration.application.application import Application
from integration.core.issues import CauseGroup
from integration.core.run import Mode, PreviewRequest, Run
from integration.services.runs.exceptions import group_address
from tests.pages.conftest import Open, commit_run, press, texts, wait_for_run
from tests.people import make_actor
from tests.stores import sandbox_of
from tests.till_client import TillClient

CHANGED, CANCELLED = "document_changed_after_booking", "document_cancelled_after_booking"
_serial = count(1)


@pytest.fixture(scope="module")
def shop(connected_application: Application) -> Application:
    """A shop whose articles are at the till."""
    commit_run(
        connected_application,
        wait_for_run(
            connected_application, connected_application.runs.preview(PreviewRequest("products", make_actor("test")))
        ),
    )
    return connected_application


@pytest.fixture(scope="module")
def till_client(shop: Application) -> TillClient:
    return TillClient(sandbox_of(shop))


@pytest.fixture(scope="module")
def article(shop: Application) -> str:
    """An article that both systems have."""
    articles = sandbox_of(shop).state("articles", "mplus")
    return next(str(row["articleNumber"]) for row in articles if row.get("extArticleId") and row["vatCode"] == 2)


@pytest.fixture
def order(shop: Application, till_client: TillClient, article: str) -> str:
    """An order of two that is booked."""
    number = next(_serial)
    relation = till_client.customer(f"Klant {number}", f"klant.{number}@naast.example")
    order = till_client.order(article, relation=relation, quantity=2)
    assert commit_run(shop, preview_orders(shop, order)).counts.proven == 1
    return order


def preview_orders(app: Application, *keys: str) -> Run:
    return wait_for_run(app, app.runs.preview(PreviewRequest("orders", make_actor("test"), Mode.CHOSEN, keys)))


def waiting(app: Application, cause: str) -> CauseGroup:
    return next(group for group in app.exceptions.groups("orders") if group.cause == cause)


def open_cause(open_page: Open, group: CauseGroup) -> AppTest:
    test = open_page("exceptions", cause=group_address(group.group_key))
    assert not test.exception
    return test


def tables(test: AppTest) -> str:
    return "\n".join(element.value.to_string() for element in test.table)


def test_both_sides_of_a_changed_order_stand_beside_each_other_and_it_is_kept_for_a_reason(
    shop: Application, till_client: TillClient, article: str, order: str, open_page: Open
) -> None:
    till_client.change(order, article, 3)
    preview_orders(shop, order)
    group = waiting(shop, CHANGED)
    test = open_cause(open_page, group)

    page_text, table_text = texts(test), tables(test)
    assert "higher than booked" in page_text
    assert "Off by €" in page_text
    assert "not booked" not in page_text
    assert "Off by ledger account" not in page_text
    assert all(sign in table_text for sign in ("Booked", "MplusKASSA now", "2 × ", "3 × ", "Total including VAT"))
    (choice,) = test.radio
    assert choice.options == ["Reverse the booking", "Reverse and book again", "Keep as it is"]

    test = choice.set_value("keep").run()
    test = test.text_input(key="decision_reason").set_value("paid at the door").run()
    press(test, "decide")

    (correction,) = [entry for entry in shop.corrections.list_corrections("orders") if entry.key == order]
    (row,) = shop.plans.rows(wait_for_run(shop, last_run(shop).id).id, "skip")
    assert str(correction.becomes).endswith("paid at the door")
    assert (row.cause, row.facts["reason"]) == ("document_kept", "paid at the door")


@pytest.mark.long
def test_of_a_cancelled_order_nothing_is_left_and_its_booking_can_be_reversed(
    shop: Application, till_client: TillClient, order: str, open_page: Open
) -> None:
    till_client.cancel(order)
    preview_orders(shop, order)
    test = open_cause(open_page, waiting(shop, CANCELLED))

    assert "lower than booked" in texts(test)
    assert "The document is cancelled" in texts(test)
    (choice,) = test.radio
    assert choice.options == ["Reverse the booking", "Keep as it is"]
    choice.set_value("credit").run()
    press(test, "decide")

    (row,) = [line for line in shop.plans.rows(wait_for_run(shop, last_run(shop).id).id, "changes") if line.change]
    assert row.key == f"{order}#credit"
    shop.runs.discard(last_run(shop).id, "test")


def last_run(app: Application) -> Run:
    return app.runs.latest("orders", limit=1)[0]


@pytest.mark.long
def test_what_an_undo_took_back_is_booked_again_from_its_line_of_a_plan(
    shop: Application, till_client: TillClient, article: str, open_page: Open
) -> None:
    order = till_client.order(article, relation=till_client.customer("Terug", "terug@naast.example"))
    committed_run = commit_run(shop, preview_orders(shop, order))
    commit_run(shop, wait_for_run(shop, shop.runs.undo(committed_run.id, make_actor("test"))))
    plan = preview_orders(shop, order)
    assert [line.cause for line in shop.plans.rows(plan.id, "skip")] == ["booking_reversed"]

    test = open_page("preview", plan=plan.id, show="skip")
    press(test, "book_again")

    run = wait_for_run(shop, last_run(shop).id)
    assert [line.key for line in shop.plans.rows(run.id, "changes") if line.change] == [f"{order}#2"]
    assert commit_run(shop, run).counts.proven == 1

    shop.log.catch_up()
    lives = [texts(open_page("logs", record=f"orders:{key}")) for key in (order, f"{order}#credit", f"{order}#2")]
    number = till_client.number(order)
    bookings = [f"Sales order {number} (Booking 2): Proven", f"Sales order {number}-C: Proven", "**Proven"]
    places = [lives[0].index(sign) for sign in bookings]
    assert places == sorted(places)  # the newest first
    assert "Debtor Terug: " in lives[0]
    assert f"MP-{number}-2" in lives[0].partition("Current state")[2]
    assert lives[0] == lives[1] == lives[2]


@pytest.fixture
def another_sale(shop: Application, till_client: TillClient, article: str) -> Iterator[None]:
    """Another sale in the books under the reference of an order, until a test is over."""
    order = till_client.order(article, relation="1003")
    number = till_client.number(order)
    row = {"ORD_NR": "26900001", "RPL_INV": "20003", "ORD_DATE": "2026-11-25T00:00:00", "COMMENT1": f"MP-{number}"}
    sandbox_of(shop).accountview.add("SO_HDR", row)
    preview_orders(shop, order)
    yield
    sandbox_of(shop).accountview.remove("SO_HDR", "26900001")
    shop.runs.discard(preview_orders(shop, order).id, "test")


@pytest.mark.usefixtures("another_sale")
def test_another_sale_under_its_reference_stands_beside_a_document(shop: Application, open_page: Open) -> None:
    table = open_cause(open_page, waiting(shop, "reference_of_another")).table[0].value

    assert list(table.columns) == [" ", "MplusKASSA", "AccountView"]
    columns = {fact: (ours, theirs) for fact, ours, theirs in table.to_numpy()}
    assert columns["Number"][1] == "26900001"
    assert columns["Date"][1] == ":red[**25 November 2026**]"
    assert columns["Total"][0].startswith(":red[")
