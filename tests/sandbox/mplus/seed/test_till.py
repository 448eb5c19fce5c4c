"""The till side of the sample shop: contents of a fresh till, its sums, and a day at the counter."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from integration.sandbox.faults import CallLedger, Switches
from integration.sandbox.mplus.app import Till
from integration.sandbox.shop.shop import Shop, make_shop

KINDS = ("orders", "receipts", "invoices")


@pytest.fixture(scope="module")
def shop() -> Shop:
    return make_shop(400)


@pytest.fixture(scope="module")
def till(shop: Shop) -> Till:
    return Till(shop, Switches(), CallLedger())


@pytest.fixture
def fresh(shop: Shop) -> Till:
    return Till(shop, Switches(), CallLedger())


def documents(till: Till) -> Iterator[dict[str, Any]]:
    for kind in KINDS:
        yield from till.state(kind)


def lines(document: dict[str, Any]) -> list[dict[str, Any]]:
    return list(document["lineList"].get("line", []))


def test_it_has_no_groups_and_few_products(till: Till, shop: Shop) -> None:
    article_numbers = {article.number for article in shop.articles}
    numbers = [article["articleNumber"] for article in till.state("articles")]
    assert till.state("groups") == []
    assert len(till.state("products")) == 9
    assert len(set(numbers) & article_numbers) == 3


def test_articles_in_the_way_have_another_name_and_price(till: Till, shop: Shop) -> None:
    articles = {article.number: article for article in shop.articles if article.number}
    for article in till.state("articles"):
        if twin := articles.get(article["articleNumber"]):
            assert article["description"] != twin.name
            assert article["priceExcl"] != round(twin.price_excl * 100)


def test_it_has_the_documents_of_the_shop(till: Till) -> None:
    assert [len(till.state(kind)) for kind in KINDS] == [60, 322, 20]


def test_most_relations_are_customers_of_the_bookkeeping(till: Till, shop: Shop) -> None:
    relations = till.state("relations")
    emails = Counter(relation["email"] for relation in relations if "email" in relation)
    ours = {customer.email for customer in shop.customers[:60]}
    assert len(relations) == 67
    assert len([relation for relation in relations if relation.get("email") in ours]) >= 60
    assert emails.most_common(1)[0][1] > 1


def test_some_orders_come_from_proposals_and_some_proposals_were_not_ordered(till: Till) -> None:
    proposals = {row["proposalId"]: row for row in till.state("proposals")}
    ordered = {row["proposalId"]: row for row in till.state("orders") if "proposalId" in row}
    assert len(ordered) == 3
    for id_, order in ordered.items():
        assert (proposals[id_]["orderId"], proposals[id_]["orderNumber"]) == (order["orderId"], order["orderNumber"])
        assert proposals[id_]["totalInclAmount"] == order["totalInclAmount"]
        assert proposals[id_]["state"] == "PROPOSAL-STATE-ORDER"
    others = [row["state"] for key, row in proposals.items() if key not in ordered]
    assert others.count("PROPOSAL-STATE-CANCELLED") == 1
    assert others.count("PROPOSAL-STATE-OUTSTANDING") == 4


@pytest.mark.parametrize("kind", [*KINDS, "proposals"])
def test_every_document_adds_up_to_the_cent(till: Till, kind: str) -> None:
    for document in till.state(kind):
        groups = document["vatGroupList"]["vatGroup"]
        totals = (document["totalInclAmount"], document["totalExclAmount"])
        by_groups = (
            sum(group["exclAmount"] + group["vatAmount"] for group in groups),
            sum(group["exclAmount"] for group in groups),
        )
        by_lines = tuple(
            sum(line["data"][name] for line in lines(document)) for name in ("totalInclAmount", "totalExclAmount")
        )
        assert totals == by_groups == by_lines


def test_what_was_paid_adds_up_too(till: Till) -> None:
    for receipt in till.state("receipts"):
        payments = receipt["paymentList"].get("payment", [])
        assert sum(payment["amount"] for payment in payments) == receipt["paidAmount"] == receipt["totalInclAmount"]
    for order in till.state("orders"):
        payments = order["paymentList"].get("payment", [])
        assert sum(payment["amount"] for payment in payments) == order["prepaidAmount"]


def test_cash_is_rounded_to_five_cents(till: Till) -> None:
    cash = [
        payment["amount"]
        for receipt in till.state("receipts")
        for payment in receipt["paymentList"].get("payment", [])
        if payment["method"] == "CASH"
    ]
    assert cash
    assert all(amount % 5 == 0 for amount in cash)


def test_there_is_something_of_everything(till: Till) -> None:
    every = list(documents(till))
    data = [line["data"] for document in every for line in lines(document)]
    methods = {payment["method"] for document in every for payment in document["paymentList"].get("payment", [])}
    assert {document["vatMethod"] for document in every} == {
        "VAT-METHOD-INCLUSIVE",
        "VAT-METHOD-EXCLUSIVE",
        "VAT-METHOD-SHIFTED",
    }
    assert {"CASH", "PIN", "IDEAL", "GIFTCARD", "DEPOSIT", "INVOICE", "ROUNDING", "CREDITCARD"} <= methods
    assert any(line_data["quantity"] < 0 for line_data in data)
    assert any(line_data["decimalPlaces"] == 3 and line_data["quantity"] % 1000 for line_data in data)
    assert any(line_data.get("discountPercentage") for line_data in data)
    assert any(len(document["vatGroupList"]["vatGroup"]) > 1 for document in every)
    assert any(receipt["receiptType"] == "RECEIPT-TYPE-CREDIT-RECEIPT" for receipt in till.state("receipts"))
    assert any(0 < order["prepaidAmount"] < order["totalInclAmount"] for order in till.state("orders"))
    assert len({order["deliveryState"] for order in till.state("orders")}) == 3
    assert len({invoice["state"] for invoice in till.state("invoices")}) == 4


def test_documents_sell_articles_of_the_shop(till: Till, shop: Shop) -> None:
    article_numbers = {article.number for article in shop.articles} | {
        article["articleNumber"] for article in till.state("articles")
    }
    sold = {line["articleNumber"] for document in documents(till) for line in lines(document)}
    assert sold - {0} <= article_numbers  # what is sold by its turnover group alone has no article
    assert len(sold) > 100


def test_it_is_the_same_for_the_same_seed(till: Till, fresh: Till) -> None:
    assert all(till.state(kind) == fresh.state(kind) for kind in (*KINDS, "products", "relations", "stock", "markers"))


def test_two_days_have_everything_that_is_no_plain_sale(till: Till) -> None:
    busy = [
        receipt
        for receipt in till.state("receipts")
        if receipt["financialDate"] == {"day": 16, "mon": 10, "year": 2026}
    ]
    groups = {line["data"]["turnoverGroup"] for receipt in busy for line in lines(receipt)}
    assert {80, 90, 95, 96, 97} <= groups
    assert {"RECEIPT-TYPE-CASH-INFLOW", "RECEIPT-TYPE-CASH-OUTFLOW"} <= {receipt["receiptType"] for receipt in busy}
    assert any(len(receipt["paymentList"]["payment"]) == 3 for receipt in busy)
    assert any(receipt["entryTimestamp"]["day"] == 17 for receipt in busy)
    other_days = [
        receipt for receipt in till.state("receipts") if "creditedReceiptId" in receipt and receipt not in busy
    ]
    assert {receipt["creditedReceiptId"] for receipt in other_days} & {receipt["receiptId"] for receipt in busy}


def test_something_is_paid_on_another_day_and_something_beforehand(till: Till) -> None:
    later = [
        invoice
        for invoice in till.state("invoices")
        for payment in invoice["paymentList"].get("payment", [])
        if payment["financialDate"] != invoice["financialDate"]
    ]
    at_counter = [
        payment
        for order in till.state("orders")
        for payment in order["paymentList"].get("payment", [])
        if "workplaceNumber" in payment
    ]
    assert (len(later), len(at_counter)) == (1, 1)


def test_tills_of_one_shop_go_their_own_way(shop: Shop) -> None:
    tables = (*KINDS, "proposals", "counts", "relations", "products", "articles", "stock", "images", "markers")
    first_till, other = Till(shop, Switches(), CallLedger()), Till(shop, Switches(), CallLedger())
    before = {table: other.state(table) for table in tables}
    order = next(row["orderId"] for row in first_till.state("orders") if row["deliveryState"].endswith("NOTHING"))
    first_till.edit(
        "orders", order, {"deliveryState": "ORDER-DELIVERY-STATE-COMPLETE"}
    )  # and what it kept aside is free
    first_till.edit("conventions", "set_stock", {"value": "physical"})
    first_till.advance_day()

    assert first_till.state("orders") != before["orders"]
    assert {table: other.state(table) for table in tables} == before
    third = Till(shop, Switches(), CallLedger())
    assert {table: third.state(table) for table in tables} == before


def test_a_shop_that_does_not_trade_yet_has_no_documents() -> None:
    quiet = Till(make_shop(40, trades=False), Switches(), CallLedger())
    assert [len(quiet.state(kind)) for kind in (*KINDS, "proposals", "counts")] == [0] * 5
    assert quiet.state("relations")


def test_a_late_receipt_is_of_its_day_and_in_no_count_of_before(fresh: Till) -> None:
    before = fresh.state("counts")
    fresh.late_receipt("2026-11-20", 2)
    (late,) = (receipt for receipt in fresh.state("receipts") if any(line["text"] == "Bel" for line in lines(receipt)))
    assert (late["financialDate"]["day"], late["financialBranchNumber"], late["totalInclAmount"]) == (20, 2, 1815)
    assert late["entryTimestamp"]["day"] == 25
    assert fresh.state("counts") == before


def test_a_day_brings_documents_and_changes(fresh: Till) -> None:
    before, markers = {kind: len(fresh.state(kind)) for kind in KINDS}, fresh.state("markers")[0]
    fresh.advance_day()
    after, moved = {kind: len(fresh.state(kind)) for kind in KINDS}, fresh.state("markers")[0]
    assert after["orders"] == before["orders"] + 3
    assert after["receipts"] >= before["receipts"] + 8
    assert moved["orderSyncMarker"] == markers["orderSyncMarker"] + 4
    assert moved["relationSyncMarker"] == markers["relationSyncMarker"] + 1


@pytest.mark.parametrize("articles", [0, 40, pytest.param(100_000, marks=pytest.mark.long)])
def test_the_shop_can_have_any_size(articles: int) -> None:
    till = Till(make_shop(articles), Switches(), CallLedger())
    assert len(till.state("orders")) == 60
