"""The page for a phone: waiting plans with amounts and brakes, one plan in short, and the approval of Preview."""

from decimal import Decimal

import pytest

from integration.application.application import Application
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.search_keys import document_total
from integration.core.states import RunState
from integration.words import euros
from tests.pages.conftest import Open, commit_run, press, preview_products, texts, wait_for_run
from tests.people import make_actor


@pytest.fixture(scope="module")
def orders(connected_application: Application) -> Run:
    """A plan of orders that waits, of a shop whose articles are at the till."""
    commit_run(connected_application, preview_products(connected_application))
    run = wait_for_run(
        connected_application,
        connected_application.runs.preview(PreviewRequest("orders", make_actor("test"), Mode.COMPLETE)),
    )
    assert run.state is RunState.READY
    return run


@pytest.mark.long
def test_each_plan_that_waits_says_how_much_it_is_and_what_holds_it(
    connected_application: Application, open_page: Open, orders: Run
) -> None:
    documents = [
        row.change.agreed for row in connected_application.plans.rows(orders.id, "create") if row.change is not None
    ]
    money = sum(filter(None, map(document_total, documents)), Decimal(0))
    assert money > 0

    page_text = texts(open_page("phone"))

    assert f"{connected_application.plans.count(orders.id, 'changes')} changes" in page_text
    assert f"{euros(money)} incl. VAT" in page_text
    assert "1 plan waits for approval" in page_text


@pytest.mark.long
def test_what_is_left_out_of_a_plan_counts_for_nothing(connected_application: Application, orders: Run) -> None:
    rows = connected_application.plans.rows(orders.id, "create")
    seq, amount = next((row.seq, total) for row in rows if row.change and (total := document_total(row.change.agreed)))

    whole, less = connected_application.plans.sold(orders.id), connected_application.plans.sold(orders.id, {seq})

    assert whole is not None
    assert less == whole - amount
    products = connected_application.runs.latest("products", limit=1)[0]
    assert connected_application.plans.sold(products.id) is None


@pytest.mark.long
def test_a_plan_is_left_waiting_or_committed_under_the_mark_that_was_shown(
    connected_application: Application, open_page: Open, orders: Run
) -> None:
    test = press(open_page("phone"), f"look-{orders.id}")
    assert not test.exception
    assert test.query_params["plan"] == orders.id
    press(test, "leave_waiting")
    assert connected_application.runs.get(orders.id).state is RunState.READY

    press(open_page("phone", plan=orders.id), "commit")

    finished_run = wait_for_run(connected_application, orders.id)
    assert finished_run.state is RunState.DONE
    assert finished_run.approval is not None
    assert finished_run.approval.fingerprint == orders.mark
    assert "This plan no longer waits" in texts(open_page("phone", plan=orders.id))


def test_a_plan_that_nobody_knows_shows_what_waits(connected_application: Application, open_page: Open) -> None:
    assert connected_application is not None
    test = open_page("phone", plan="never-was")
    assert not test.exception
    assert "Approvals" in texts(test)
