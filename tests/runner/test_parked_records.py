"""Parked records are read again when an input has changed that they may have waited for."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from integration.core.issues import Issue, IssueOccurrence, IssueState
from integration.core.link_evidence import ARTICLE_CHANGED
from integration.core.links import Link
from integration.core.records import Kind, Record
from integration.core.run import Mode
from integration.core.states import RunState, Step
from integration.flows.customers.logic import Customers
from integration.flows.customers.settings import CustomerSettings
from integration.flows.customers.spec import article_numbers
from integration.flows.prices import Terms
from integration.flows.spec import FlowContext, FlowLogic
from tests.builders import a_debtor, a_product
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, shipped_mapping
from tests.flows.orders.tills import Questions, a_line, an_order, anonymous, orders
from tests.stores import new_database


class OrdersHarness(FlowHarness):
    """Orders that become postings on a default debtor. `articles` are the articles of the books."""

    flow = "orders"
    articles: tuple[str, ...] = ("1001",)

    def make_logic(self) -> FlowLogic:
        orders_harness = self

        class Books(Questions):
            def existing_articles(self, codes: Collection[str]) -> set[str]:
                return set(orders_harness.articles).intersection(codes)

        return orders(questions=Books(), default_debtor="forced", debtor_number="20001", **self.settings)

    def link(self, flow: str, kind: Kind, key: str) -> None:
        """Store a link as a run of another flow does."""
        self.clock.advance(1)
        self.links.keep(flow, [Link(kind, key, f"9{key}")])


def sold(key: str, article: str) -> Record:
    nobody = anonymous()
    order = an_order(key, lines=(a_line("1", code=article, article=article),))
    parts = tuple(part for part in order.parts if part.kind is not Kind.RELATION)
    return replace(order, values={**order.values, "relation": nobody.values["relation"]}, parts=parts)


FIRST, WAITING = (f"6f9619ff-8b86-d011-b42d-00c04fc964f{digit}" for digit in "12")


@pytest.fixture
def till() -> MemoryConnector:
    return MemoryConnector([sold(WAITING, "7700"), sold(FIRST, "1001")], system="mplus")


@pytest.fixture
def books() -> MemoryConnector:
    return MemoryConnector(system="accountview", evidence=("reference",))


@pytest.fixture
def harness(tmp_path: Path, books: MemoryConnector, till: MemoryConnector) -> Iterator[OrdersHarness]:
    """One booked order, and one that waits for its article; the runs since have nothing to do."""
    database = new_database(tmp_path / "console.sqlite")
    orders_harness = OrdersHarness(database, books, till)
    assert orders_harness.causes(orders_harness.run()) == {WAITING: "article_missing"}
    orders_harness.run()
    assert orders_harness.run().position.retried == 0
    yield orders_harness
    database.close()


def test_an_order_is_booked_once_products_has_linked_its_article(harness: OrdersHarness) -> None:
    harness.articles = ("1001", "7700")
    harness.link("products", Kind.ARTICLE, "7700")
    run = harness.run()
    assert (run.mode, run.notes["parked_for"]) == (Mode.CHANGES, "links")
    assert (harness.steps(run), run.position.retried) == ({WAITING: Step.PROVEN}, 1)
    assert harness.issues.counts() == {}


def test_an_order_of_a_discarded_plan_is_planned_again_by_the_next_run(harness: OrdersHarness) -> None:
    harness.articles = ("1001", "7700")
    harness.link("products", Kind.ARTICLE, "7700")
    for _ in range(2):
        plan = harness.preview()
        assert (plan.state, plan.mode, harness.issues.counts()) == (RunState.READY, Mode.CHANGES, {})
        harness.runs.discard(plan.id, "test")
        assert [issue.state for issue in harness.issues.of_key("orders", WAITING)] == [IssueState.OPEN]
    assert harness.steps(harness.run()) == {WAITING: Step.PROVEN}


def test_a_discarded_plan_parks_no_order_that_another_run_has_booked(
    harness: OrdersHarness, till: MemoryConnector
) -> None:
    harness.articles = ("1001", "7700")
    harness.link("products", Kind.ARTICLE, "7700")
    till.put(sold(f"{WAITING[:-1]}3", "1001"))
    plan = harness.preview()
    assert harness.steps(harness.run(Mode.CHOSEN, [WAITING])) == {WAITING: Step.PROVEN}
    harness.runs.discard(plan.id, "test")
    assert harness.issues.counts() == {}


def test_a_link_that_no_order_needs_reads_nothing(harness: OrdersHarness) -> None:
    harness.link("stock", Kind.STOCK, "7700")
    assert harness.run().position.retried == 0


def test_an_order_that_is_still_parked_is_read_once_and_is_no_failure(harness: OrdersHarness) -> None:
    harness.link("products", Kind.ARTICLE, "8800")
    run = harness.run()
    assert (run.position.retried, run.counts.parked, run.state, run.had_no_effect) == (1, 1, RunState.DONE, False)
    assert harness.run().position.retried == 0


def test_changed_settings_read_the_parked_orders_and_not_the_booked_ones(harness: OrdersHarness) -> None:
    harness.input_fingerprints = {"settings": "a"}
    harness.run()
    harness.input_fingerprints = {"settings": "b"}
    run = harness.preview()
    assert (run.mode, run.notes["parked_for"], run.position.retried) == (Mode.CHANGES, "settings", 1)


def test_a_dismissed_order_is_not_read(harness: OrdersHarness) -> None:
    (issue,) = harness.issues.of_key("orders", WAITING)
    harness.issues.dismiss(issue.id, "no article", "test")
    harness.link("products", Kind.ARTICLE, "8800")
    assert harness.run().position.retried == 0


def test_an_order_that_the_books_refused_is_not_sent_again(harness: OrdersHarness, books: MemoryConnector) -> None:
    harness.articles = ("1001", "7700")
    books.refuse(WAITING)
    harness.link("products", Kind.ARTICLE, "7700")
    assert harness.steps(harness.run()) == {WAITING: Step.PARKED}
    harness.link("products", Kind.ARTICLE, "8800")
    assert harness.run().position.retried == 0


class CustomersHarness(FlowHarness):
    """Customers with their own prices, whose articles are at the till once Products has linked them."""

    flow = "customers"

    def make_logic(self) -> FlowLogic:
        terms = Terms(on=True, numbers=partial(article_numbers, cast("FlowContext", StoredArticles(self))))
        return Customers(
            CustomerSettings(), shipped_mapping("customers"), self.mapping_version, {}, terms, lambda: False
        )


class StoredArticles:
    """The queries about articles that the logic of customers makes, answered from the stores of a harness."""

    def __init__(self, harness: FlowHarness) -> None:
        self.links = harness.links.get
        self.issues = harness.issues.of_causes


def test_a_customer_with_a_price_is_written_once_its_article_is_linked(tmp_path: Path) -> None:
    database = new_database(tmp_path / "console.sqlite")
    debtors = [a_debtor("10001", **{"article_price:0:7700": Decimal(5)}), a_debtor("10002")]
    sources = MemoryConnector(debtors, system="accountview")
    customers = CustomersHarness(database, sources, MemoryConnector(system="mplus", evidence=("external_id",)))
    assert customers.causes(customers.run()) == {"10001": "price_article_missing"}
    customers.run()
    product = a_product("7700", (Record(Kind.ARTICLE, "97700", {}, source="7700"),))
    customers.links.keep("products", [Link(Kind.PRODUCT, "7700", "1", product)])
    question = IssueOccurrence(Issue(ARTICLE_CHANGED, "7700", "identity", {"record": "7700"}))
    customers.issues.open("products", "a run", [question])
    assert customers.causes(customers.run()) == {"10001": "price_article_unclear"}
    (open_question,) = customers.issues.list("products", ARTICLE_CHANGED)
    customers.issues.close(open_question.id, "anna")
    assert customers.steps(customers.run(Mode.CHOSEN, ["10001"])) == {"10001": Step.PROVEN}
    database.close()
