"""Payments from till to ledger: debtors owe the unpaid amounts, and each clearing account its part."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from integration.core.days.books import DayLine
from integration.core.links import Link
from integration.core.records import Kind
from integration.core.run import Run
from integration.core.states import Step
from tests.bookkeeping_shop import bookkeeping_shop
from tests.consoles import WHO, Console, wait_for_run
from tests.flows.orders import oracle
from tests.people import make_actor
from tests.runner.bookkeeping import ledger_totals, open_items
from tests.stores import stores_in

DEBTOR = "20001"  # of whoever has none
CLEARING = {"1000", "1010", "1100", "1560", "1575", "4410"}


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop whose invoices and receipts become postings."""
    with bookkeeping_shop(tmp_path_factory.mktemp("data")) as console:
        chosen = {"daybook": "700", "default_debtor": "fallback", "debtor_number": DEBTOR, "collective_account": "1300"}
        chosen |= {"orders": "nothing", "receipts": "posting"}
        console.application.flows.change("orders", chosen, make_actor(WHO))
        assert console.run("products").counts.proven > 20
        yield console


@contextmanager
def booking(console: Console, documents: str, payments: str = "document") -> Iterator[None]:
    """Documents of one kind become postings, with their payments or without."""
    kinds = dict.fromkeys(("orders", "invoices", "receipts"), "nothing")
    values = {**kinds, f"{documents}s": "posting", f"payments_of_{documents}s": payments}
    console.application.flows.change("orders", values, make_actor(WHO))
    yield
    console.application.flows.change("orders", {f"payments_of_{documents}s": "not"}, make_actor(WHO))


def rows(console: Console, kind: str) -> dict[str, dict[str, Any]]:
    """Return the documents of the till by their ids."""
    return {str(row[f"{kind}Id"]): row for row in console.sandbox.state(f"{kind}s", "mplus")}


def links(console: Console, keys: list[str]) -> Mapping[str, Link]:
    return stores_in(console.application).links.get("orders", Kind.POSTING, keys)


def sold_lines(row: Mapping[str, Any]) -> list[oracle.Sold]:
    data = [line["data"] for line in row["lineList"].get("line", [])]
    names = ("turnoverGroup", "vatCode", "totalInclAmount", "totalExclAmount")
    values = ([fields[name] for name in names] for fields in data)
    return [oracle.Sold(str(group), str(code), incl, excl) for group, code, incl, excl in values]


def payments_of(row: Mapping[str, Any]) -> list[tuple[str, int]]:
    entries = (row.get("paymentList") or {}).get("payment", [])
    names = {"CREDITCARD": "PIN"}  # on one account
    return [(names.get(payment["method"], payment["method"]), payment["amount"]) for payment in entries]


def euros(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


# ---- the same sale in its day


def amounts(lines: Iterable[DayLine]) -> dict[str, Decimal]:
    """Return the totals of the page of a day by account, with VAT on the VAT accounts."""
    totals: dict[str, Decimal] = {}
    for line in lines:
        totals[line.account] = totals.get(line.account, Decimal(0)) + line.amount
        if line.vat:
            account = {"1": "1500", "2": "1510"}[line.vat_code]
            totals[account] = totals.get(account, Decimal(0)) + line.vat
    return {account: amount for account, amount in totals.items() if amount}


def add_amounts(*summands: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return the sums of several totals by account."""
    accounts = {account for summand in summands for account in summand}
    sums = {
        account: sum((summand.get(account, Decimal(0)) for summand in summands), Decimal(0)) for account in accounts
    }
    return {account: amount for account, amount in sums.items() if amount}


@pytest.mark.parametrize("payments", ["document", pytest.param("day", marks=pytest.mark.long)])
def test_a_receipt_booked_by_itself_stands_in_its_day_no_more(console: Console, payments: str) -> None:
    documents = rows(console, "receipt")
    branch_documents = {key: row for key, row in documents.items() if str(row["financialBranchNumber"]) == "1"}
    key, row = next(
        (key, row) for key, row in branch_documents.items()
        if len(payments_of(row)) > 1 and row["totalInclAmount"] > 0 and not links(console, [key])
        and {method for method, _ in payments_of(row)} <= {"PIN", "GIFTCARD"}
    )  # fmt: skip
    financial_date = row["financialDate"]
    day = date(financial_date["year"], financial_date["mon"], financial_date["day"])
    before = console.application.days.check(day, "1")
    assert before.expected
    with booking(console, "receipt", payments):
        run = console.run("orders", key)
    assert console.lines(run)[key].step is Step.PROVEN
    after = console.application.days.check(day, "1")

    assert amounts(after.expected) != amounts(before.expected)
    assert add_amounts(amounts(after.expected), page_of(console, key)) == amounts(before.expected)
    settles = [line for line in after.expected if line.debtor == DEBTOR and line.about == "open"]
    assert [-line.amount for line in settles] == ([] if payments == "document" else [euros(row["totalInclAmount"])])


# ---- all that the shop has


@pytest.mark.parametrize("kind", ["invoice", pytest.param("receipt", marks=pytest.mark.long)])
def test_debtors_owe_what_is_unpaid_and_each_clearing_account_has_its_part(console: Console, kind: str) -> None:
    with booking(console, kind):
        run = console.run("orders")
    documents = rows(console, kind)
    pairs = links(console, list(documents)).items()
    booked = {key: link for key, link in pairs if link.agreed and link.agreed.values.get("with_payments")}
    causes = {row.cause for row in console.lines(run).values() if row.step is Step.PARKED}
    references = {key: str(link.agreed.values["reference"]) for key, link in booked.items() if link.agreed}
    items = {reference: amount for (_, reference), amount in open_items(console.sandbox).items()}

    assert len(booked) > len(documents) // 2
    assert not causes & {"payments_incomplete", "method_account_missing", "gift_card_unclear"}
    for key, reference in references.items():
        row = documents[key]
        assert items.get(reference, Decimal(0)) == euros(oracle.open_amount(sold_lines(row), payments_of(row))), (
            reference
        )
    pages = {link.reference.partition("/")[2] for link in booked.values()}
    balances = {
        account: amount for account, amount in ledger_totals(console.sandbox, pages).items() if account in CLEARING
    }
    expected: dict[str, int] = {}
    for key in booked:
        for account, cents in oracle.paid_by_account(payments_of(documents[key])).items():
            expected[account] = expected.get(account, 0) + cents
        for (account, _), (excl, vat) in oracle.booked_sums(
            sold_lines(documents[key]), dict(payments_of(documents[key]))
        ).items():
            if account in CLEARING:
                expected[account] = expected.get(account, 0) - excl - vat
    assert balances == {account: euros(cents) for account, cents in expected.items() if cents}
    assert any(amount for amount in items.values())


def article(console: Console) -> str:
    return next(
        str(row["articleNumber"]) for row in console.sandbox.state("articles", "mplus")
        if row.get("extArticleId") and row["vatCode"] == 2 and row["priceIncl"] > 1000
    )  # fmt: skip


@pytest.fixture
def order(console: Console) -> str:
    """An order of a customer that the books do not know."""
    count = len(console.sandbox.state("orders", "mplus"))
    customer = console.till_client.customer(f"Betaler {count}", f"betaler.{count}@nieuw.example")
    return console.till_client.order(article(console), relation=customer)


def item_of(console: Console, key: str) -> Decimal:
    """Return the open amount of a booked document."""
    (link,) = links(console, [key]).values()
    assert link.agreed is not None
    ours = link.agreed.values["reference"]
    return sum((amount for (_, item), amount in open_items(console.sandbox).items() if item == ours), Decimal(0))


def page_of(console: Console, key: str) -> dict[str, Decimal]:
    """Return the totals by account that the page of a document posted."""
    (link,) = links(console, [key]).values()
    return ledger_totals(console.sandbox, {link.reference.partition("/")[2]})


def test_what_was_paid_beforehand_is_taken_off_when_an_order_is_invoiced(console: Console, order: str) -> None:
    total = rows(console, "order")[order]["totalInclAmount"]
    console.sandbox.till.edit("conventions", "down_payments", {"value": "as a deposit"})
    try:
        console.till_client.pay_in_advance(order, "PIN", 500)
        invoice = console.till_client.pay_rest(order, "CASH", total - 500)
    finally:
        console.sandbox.till.edit("conventions", "down_payments", {"value": "as paid"})
    with booking(console, "invoice"):
        run = console.run("orders", invoice)
    assert console.lines(run)[invoice].step is Step.PROVEN
    page = page_of(console, invoice)
    assert (page["1575"], page["1000"]) == (euros(500), euros(total - 500))
    assert "1300" not in page
    assert item_of(console, invoice) == 0


def test_taking_a_document_back_gives_its_payments_back_as_well(console: Console, order: str) -> None:
    console.till_client.pay_in_advance(order, "PIN", 500)
    with booking(console, "order"):
        run = console.run("orders", order)
        assert page_of(console, order)["1010"] == euros(500)
        undone = console.commit(console.undo(run))
    assert undone.counts.proven == 1
    document_links = links(console, [order, f"{order}#credit"])
    assert ledger_totals(console.sandbox, {link.reference.partition("/")[2] for link in document_links.values()}) == {}
    assert len(document_links) == 2


def test_a_payment_after_booking_is_a_question_only_where_payments_are_booked(console: Console, order: str) -> None:
    console.till_client.pay_in_advance(order, "PIN", 500)
    total = rows(console, "order")[order]["totalInclAmount"]
    with booking(console, "order"):
        console.run("orders", order)
        assert item_of(console, order) == euros(total - 500)
        assert console.run("orders", order).counts.unchanged == 1
        console.till_client.pay_in_advance(order, "CASH", 300)
        later = console.run("orders", order)
        assert console.lines(later)[order].cause == "document_changed_after_booking"
        run = console.commit(book_again(console))
    ours = [f"{order}{ending}" for ending in ("", "#credit", "#2")]
    pages = {link.reference.partition("/")[2] for link in links(console, ours).values()}
    balances = ledger_totals(console.sandbox, pages)
    open_ = sum((item_of(console, key) for key in ours), Decimal(0))

    assert (run.counts.proven, len(pages)) == (1, 3)  # one document of the till, two more pages
    assert (balances["1010"], balances["1000"], balances["1300"]) == (euros(500), euros(300), euros(total - 800))
    assert open_ == euros(total - 800)


def book_again(console: Console) -> Run:
    """Decide to credit the changed document and book it again, and return the next plan."""
    exceptions = console.application.exceptions
    (group,) = [
        cause_group
        for cause_group in exceptions.groups("orders")
        if cause_group.cause == "document_changed_after_booking"
    ]
    exceptions.decide("orders", exceptions.issues_of(group.group_key), "again", make_actor(WHO))
    return wait_for_run(
        console.application,
        console.application.runs.try_again("orders", "document_changed_after_booking", make_actor(WHO)),
    )


@pytest.mark.long
def test_a_payment_after_booking_is_nothing_to_an_order_booked_without(console: Console, order: str) -> None:
    with booking(console, "order", "not"):
        console.run("orders", order)
        console.till_client.pay_in_advance(order, "CASH", 300)
        assert console.run("orders", order).counts.unchanged == 1
    with booking(console, "order"):
        assert console.run("orders", order).counts.unchanged == 1
