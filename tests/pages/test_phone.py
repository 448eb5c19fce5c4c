"""The page for a phone: what waits with its amounts and brakes, one plan in short, and the same yes as in Preview."""

from decimal import Decimal

import pytest

from integration.application.application import Application
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.search_keys import document_total
from integration.core.states import RunState
from integration.words import euros
from tests.pages.conftest import Open, commit_run, press, preview_products, texts, wait_for_run
from tests.people import somebody


@pytest.fixture(scope="module")
def orders(connected: Application) -> Run:
    """A plan of orders that waits, of a shop whose articles are at the till."""
    commit_run(connected, preview_products(connected))
    run = wait_for_run(connected, connected.runs.preview(PreviewRequest("orders", somebody("test"), Mode.COMPLETE)))
    assert run.state is RunState.READY
    return run


@pytest.mark.long
def test_each_plan_that_waits_says_how_much_it_is_and_what_holds_it(
    connected: Application, open_page: Open, orders: Run
) -> None:
    documents = [row.change.agreed for row in connected.plans.rows(orders.id, "create") if row.change is not None]
    money = sum(filter(None, map(document_total, documents)), Decimal(0))
    assert money > 0

    page_text = texts(open_page("phone"))

    assert f"{connected.plans.count(orders.id, 'changes')} changes" in page_text
    assert f"{euros(money)} incl. VAT" in page_text
    assert "1 plan waits for approval" in page_text


@pytest.mark.long
def test_what_is_left_out_of_a_plan_counts_for_nothing(connected: Application, orders: Run) -> None:
    rows = connected.plans.rows(orders.id, "create")
    seq, amount = next((row.seq, total) for row in rows if row.change and (total := document_total(row.change.agreed)))

    whole, less = connected.plans.sold(orders.id), connected.plans.sold(orders.id, {seq})

    assert whole is not None
    assert less == whole - amount
    products = connected.runs.latest("products", limit=1)[0]
    assert connected.plans.sold(products.id) is None


@pytest.mark.long
def test_a_plan_is_left_waiting_or_committed_under_the_mark_that_was_shown(
    connected: Application, open_page: Open, orders: Run
) -> None:
    test = press(open_page("phone"), f"look-{orders.id}")
    assert not test.exception
    assert test.query_params["plan"] == orders.id
    press(test, "leave_waiting")
    assert connected.runs.get(orders.id).state is RunState.READY

    press(open_page("phone", plan=orders.id), "commit")

    finished_run = wait_for_run(connected, orders.id)
    assert finished_run.state is RunState.DONE
    assert finished_run.approval is not None
    assert finished_run.approval.fingerprint == orders.mark
    assert "This plan no longer waits" in texts(open_page("phone", plan=orders.id))


def test_a_plan_that_nobody_knows_shows_what_waits(connected: Application, open_page: Open) -> None:
    assert connected is not None
    test = open_page("phone", plan="never-was")
    assert not test.exception
    assert "Approvals" in texts(test)
