"""A replaced till: its numbers mean other customers and articles, and none of these is overwritten."""

from typing import Any

import pytest

from integration.core.link_evidence import ARTICLE_CHANGED, CUSTOMER_CHANGED, OTHER_RECORD, SAME_RECORD
from integration.core.states import Step
from tests.consoles import WHO, Console, article, console
from tests.people import make_actor
from tests.stores import stores_in

__all__ = ["article", "console"]

ANNA = {"address": "Kerklaan 1", "zipcode": "3511 AB", "city": "Utrecht"}
OTHERS: tuple[dict[str, Any], ...] = (
    {
        "name": "Piet Vermeer",
        "email": "piet@vermeer.example",
        "address": "Dam 1",
        "zipcode": "9711 XY",
        "city": "Groningen",
    },
    {
        "name": "Fietsen Bos",
        "email": "info@bos.example",
        "address": "Kade 9",
        "zipcode": "6211 CD",
        "city": "Maastricht",
    },
)


def answer(console: Console, flow: str, cause: str, option: str, *keys: str) -> None:
    """Answer the questions about some records as an operator does on the page of exceptions."""
    issues = [
        open_issue
        for open_issue in stores_in(console.application).issues.list(flow, cause)
        if open_issue.issue.key in keys
    ]
    assert len(issues) == len(keys)
    console.application.exceptions.decide(flow, issues, option, make_actor(WHO))


@pytest.mark.long
def test_the_relations_of_another_till_overwrite_no_debtor_and_each_question_has_an_answer(
    console: Console, article: str
) -> None:
    till = console.till_client
    people = [till.customer(name, f"{name.casefold()}@anna.example", **ANNA) for name in ("Jansen", "Pietersen")]
    for number in people:
        order = till.order(article, relation=number)
        assert console.lines(console.run("orders", order))[order].step is Step.PROVEN
    debtor_rows = [console.rows("CONTACT", DEB_NR=number) for number in people]

    for number, values in zip(people, OTHERS, strict=True):
        console.sandbox.till.edit("relations", number, values)
    sales = [till.order(article, relation=number) for number in people]
    before = console.sandbox.state("CONTACT")
    run = console.run("orders", *sales)
    lines = console.lines(run)
    assert {lines[number].cause for number in people} == {CUSTOMER_CHANGED}
    assert {lines[sale].cause for sale in sales} == {"needed_record_parked"}
    assert console.sandbox.state("CONTACT") == before

    answer(console, "orders", CUSTOMER_CHANGED, OTHER_RECORD, people[0])
    answer(console, "orders", CUSTOMER_CHANGED, SAME_RECORD, people[1])
    lines = console.lines(console.run("orders", *sales))
    assert {lines[sale].step for sale in sales} == {Step.PROVEN}
    now = {number: console.rows("CONTACT", DEB_NR=number) for number in people}
    assert (len(debtor_rows[0]), len(now[people[0]])) == (1, 2)  # a debtor of their own
    assert debtor_rows[0][0] in now[people[0]]
    assert now[people[1]][0]["ADDRESS1"] == OTHERS[1]["address"]  # a person said that it is the same one
    assert console.waits("orders", CUSTOMER_CHANGED) == set()


@pytest.mark.long
def test_an_article_of_another_till_gets_neither_price_nor_stock(console: Console, article: str) -> None:
    sold = next(
        row for row in console.sandbox.state("articles", "mplus")
        if row.get("extArticleId") and row["priceIncl"] > 1000 and str(row["articleNumber"]) != article
    )  # fmt: skip
    number, code = str(sold["articleNumber"]), str(sold["extArticleId"])
    console.application.flows.change("stock", {"branches": {"1": "formula"}}, make_actor(WHO))
    (never_counted,) = [row for row in console.sandbox.state("articles", "mplus") if row.get("extArticleId") == "9001"]
    console.run("stock", code)
    parasol = {"description": "Parasol", "barcode": "", "extArticleId": ""}
    console.sandbox.till.edit("articles", str(never_counted["articleNumber"]), parasol)
    other = {"description": "Tuinstoel", "barcode": "8700000000001", "extArticleId": ""}
    console.sandbox.till.edit("articles", number, other)
    console.sandbox.accountview.edit("ARTICLE", code, {"QTY_AVAIL": 77, "QTY_FREE2": 77, "QTY_TECH": 77})
    before = console.sandbox.state("stock", "mplus"), console.sandbox.state("articles", "mplus")
    for flow in ("stock", "products"):
        run = console.run(flow)
        assert [line.cause for line in console.lines(run).values()].count(ARTICLE_CHANGED) == 2, flow
    now = console.sandbox.state("stock", "mplus"), console.sandbox.state("articles", "mplus")

    def of_the_article(state: tuple[list[dict[str, Any]], ...]) -> list[list[dict[str, Any]]]:
        return [[row for row in table if str(row["articleNumber"]) == number] for table in state]

    assert of_the_article(now) == of_the_article(before)


@pytest.mark.long
def test_restored_books_that_gave_numbers_to_others_get_nothing_twice_and_lose_no_record_of_others(
    console: Console, article: str
) -> None:
    till, books = console.till_client, console.sandbox.accountview
    people = [till.customer(name, f"{name.casefold()}@back.example", **ANNA) for name in ("Bakker", "Visser")]
    sales = [till.order(article, relation=number) for number in people]
    assert console.run("orders", *sales).counts.proven == len(sales)
    debtors = [str(console.rows("CONTACT", DEB_NR=number)[0]["SUB_NR"]) for number in people]
    for debtor in debtors:  # the backup is older than all of this
        for order in console.rows("SO_HDR", RPL_INV=debtor):
            books.remove("SO_HDR", order["ORD_NR"])
        books.remove("CONTACT", debtor)
    books.add("CONTACT", {"SUB_NR": debtors[0], "ACCT_NAME": "Fietsen Bos", "MAIL_BUS": "info@bos.example"})
    before = [console.sandbox.state(table) for table in ("CONTACT", "SO_HDR")]
    relations = console.sandbox.state("relations", "mplus")

    lines = console.lines(console.run("orders", *sales))
    assert {lines[sale].cause for sale in sales} == {"target_record_missing"}
    again = [till.order(article, relation=number) for number in people]
    lines = console.lines(console.run("orders", *again))
    assert [lines[number].cause for number in people] == [CUSTOMER_CHANGED, "target_record_missing"]
    assert {lines[sale].cause for sale in again} == {"needed_record_parked"}
    console.run("customers", debtors[0])
    assert [console.sandbox.state(table) for table in ("CONTACT", "SO_HDR")] == before
    assert console.sandbox.state("relations", "mplus") == relations
