"""The price of a customer on screen: the answers of both systems, the reason, and the record of the books."""

import pytest

from integration.application.application import Application
from integration.cli.prices_demo import have_prices
from integration.core.run import Mode, PreviewRequest
from tests.pages.conftest import Open, commit_run, texts, wait_for_run
from tests.people import make_actor
from tests.stores import sandbox_of

ARTICLES = 60


@pytest.fixture(scope="module")
def shop(connected_application: Application) -> Application:
    """A shop whose prices of customers are at the till."""
    have_prices(connected_application)
    for flow in ("products", "customers"):
        run = connected_application.runs.preview(PreviewRequest(flow, make_actor("test"), Mode.COMPLETE))
        commit_run(connected_application, wait_for_run(connected_application, run))
    connected_application.lists.choices("mplus", "branches")
    return connected_application


@pytest.mark.long
def test_both_answers_stand_beside_each_other_with_all_that_could_decide(shop: Application, open_page: Open) -> None:
    box = sandbox_of(shop)
    code = str(next(row["ART_CODE"] for row in box.state("K9_PRICE") if row.get("K9_MINQ")))
    test = open_page("stock")
    test.selectbox("_price_customer").set_value(box.shop.customers[1].number)
    test.selectbox("_price_article").set_value(code)
    test.number_input("price_quantity").set_value(10).run()
    assert not test.exception
    books, till = (metric.value for metric in test.metric if metric.label in ("AccountView", "MplusKASSA"))
    assert books == till != "–"
    assert "Proven: the till charges the same price" in texts(test)
    (steps,) = [frame.value for frame in test.dataframe if "Applies" in frame.value.columns]
    assert list(steps["Applies"]) == ["", "", "✓"]
    assert steps["From"].iloc[-1] == f"Article {code}, price list GROOT"
    assert steps["From quantity"].iloc[-1] == "10"


@pytest.mark.long
def test_where_the_till_gives_no_answer_that_is_said(shop: Application, open_page: Open) -> None:
    sandbox_of(shop).till.edit("conventions", "unknown_operations", {"value": ["determinePricing"]})
    test = open_page("stock")
    assert not test.exception
    assert "Not proven: this till does not report" in texts(test)
    sandbox_of(shop).till.edit("conventions", "unknown_operations", {"value": []})


@pytest.mark.long
def test_nothing_of_it_is_drawn_until_a_flow_sends_such_prices(fresh: Application, open_page: Open) -> None:
    fresh.connections.use_sandbox(make_actor("test"))
    assert "Price for a customer" not in texts(open_page("stock"))
