"""What happens between a till and its books in the long run: one story each, on the whole application and both systems.

All stories share one shop. Each has customers and orders of its own, and speaks of nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from integration.bootstrap import Application
from integration.core.errors import RunActiveError
from integration.core.plan import Action
from integration.core.records import Kind, Record
from integration.core.run import Mode, PlanRow, Run, RunState, Step
from integration.sandbox.faults import Fault
from tests.consoles import WHO, Console, opened, settled
from tests.counter import LOW, ZERO

pytestmark = pytest.mark.timeout(120)

DEBTOR = {"ACCT_NR": "1300", "CNT_CODE": "NL", "COUNTRY": "Nederland", "CUR_CODE": "EUR"}
CENTS = Decimal("0.01")
_serial = count(1)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop whose articles are at the till, so that orders of them can be booked."""
    with opened(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        console = Console(application)
        assert console.run("products").counts.proven > 20
        yield console


@pytest.fixture(scope="module")
def article(console: Console) -> str:
    """An article at the full rate that both systems have."""
    return next(
        str(one["articleNumber"]) for one in console.sandbox.state("articles", "mplus")
        if one.get("extArticleId") and one["vatCode"] == 2 and one["priceIncl"] > 1000
    )  # fmt: skip


@pytest.fixture
def customer(console: Console) -> str:
    """A relation that the books have never heard of."""
    number = next(_serial)
    return console.counter.customer(f"Nieuwe Klant {number}", f"klant.{number}@nieuw.example")


@contextmanager
def settings(console: Console, flow: str, **values: Any) -> Iterator[None]:
    """Settings that hold inside the block."""
    stored = console.application.stored
    before = stored.get(f"flow:{flow}") or {}
    console.application.set_flow(flow, values, WHO)
    try:
        yield
    finally:
        stored.put(f"flow:{flow}", before, WHO)


@contextmanager
def table(console: Console, name: str, rows: dict[str, str]) -> Iterator[None]:
    """A value table that holds inside the block, whatever rows are added to it."""
    before = console.application.tables().get(name, {})
    console.application.set_table(name, rows, WHO)
    try:
        yield
    finally:
        console.application.set_table(name, before, WHO)


def add_row(console: Console, name: str, key: str, value: str) -> None:
    console.application.set_table(name, {**console.application.tables().get(name, {}), key: value}, WHO)


def line(console: Console, run: Run, key: str) -> PlanRow:
    return console.lines(run)[key]


def booked(console: Console, order: str) -> list[dict[str, Any]]:
    """Return the sales orders of the books with our reference of an order."""
    return console.rows("SO_HDR", COMMENT1=f"MP-{console.counter.number(order)}")


def add_debtor(console: Console, number: str, name: str, email: str) -> None:
    values = {**DEBTOR, "SUB_NR": number, "ACCT_NAME": name, "SRC_CODE": name[:10], "MAIL_BUS": email}
    console.sandbox.accountview.add("CONTACT", values)


# ---- already there


def test_an_order_booked_by_hand_is_recognised_and_its_later_change_is_a_question(
    console: Console, article: str
) -> None:
    order = console.counter.order(article, relation="1003")
    number = console.counter.number(order)
    console.sandbox.accountview.add(
        "SO_HDR",
        {"ORD_NR": "26900001", "RPL_INV": "20003", "ORD_DATE": "2026-11-25T00:00:00", "COMMENT1": f"MP-{number}"},
    )
    before = console.writes()
    run = console.run("orders", order)
    link = console.application.links.get("orders", Kind.SALES_ORDER, [order])[order]

    assert line(console, run, order).cause == "already_in_target"
    assert line(console, run, order).facts["reference"] == link.reference == "26900001"
    assert console.writes() == before
    assert console.run("orders", order).counts.unchanged == 1

    console.counter.change(order, article, 3)
    changed = line(console, console.run("orders", order), order)

    assert changed.cause == "document_changed_after_booking"
    assert Decimal(changed.facts["difference"]) == Decimal(changed.facts["after"]) - Decimal(changed.facts["before"])
    assert [row["ORD_NR"] for row in booked(console, order)] == ["26900001"]


def test_an_order_that_was_invoiced_in_the_books_is_still_known(console: Console, article: str, customer: str) -> None:
    order = console.counter.order(article, relation=customer)
    console.run("orders", order)
    (there,) = booked(console, order)
    console.sandbox.accountview.invoice(there["ORD_NR"])

    assert console.run("orders", order).counts.unchanged == 1
    assert booked(console, order) == []


# ---- parked, mended, tried again


def test_an_order_with_an_unmapped_payment_method_is_booked_once_the_table_has_it(
    console: Console, article: str, customer: str
) -> None:
    orders = [console.counter.order(article, relation=customer, paymentMethod="IDEAL") for _ in range(2)]
    known = console.counter.order(article, relation=customer, paymentMethod="PIN")
    with table(console, "payment_methods", {"PIN": "14"}):
        run = console.run("orders", *orders, known)
        assert [line(console, run, order).cause for order in orders] == ["payment_method_unmapped"] * 2
        assert line(console, run, known).step is Step.PROVEN

        add_row(console, "payment_methods", "IDEAL", "30")
        again = console.retry("orders", "payment_method_unmapped")

        assert [line(console, again, order).step for order in orders] == [Step.PROVEN] * 2
        assert [row["DISC_CODE"] for order in orders for row in booked(console, order)] == ["30", "30"]
        assert not console.waits("orders", "payment_method_unmapped")


def test_an_order_with_an_unmapped_vat_code_is_booked_once_the_table_has_it(
    console: Console, article: str, customer: str
) -> None:
    order = console.counter.order(
        article, relation=customer, lines=[console.counter.line(article, vatCode=ZERO)]
    )  # fmt: skip
    with table(console, "vat_codes_sales", console.application.tables()["vat_codes_sales"]):
        parked = line(console, console.run("orders", order), order)
        assert (parked.cause, parked.facts["code"]) == ("vat_code_unmapped", str(ZERO))

        add_row(console, "vat_codes_sales", str(ZERO), "3")
        assert line(console, console.retry("orders", "vat_code_unmapped"), order).step is Step.PROVEN


def test_an_order_of_a_missing_article_is_booked_once_the_books_have_it(console: Console, customer: str) -> None:
    console.sandbox.till.edit("articles", "9900004", {"extArticleId": "7700"})
    order = console.counter.order("9900004", relation=customer)
    parked = line(console, console.run("orders", order), order)
    assert (parked.cause, parked.facts["article"]) == ("article_missing", "7700")

    values = {"ART_CODE": "7700", "ART_DESC1": "Huur stadsfiets", "AG_CODE": "DIENS", "PX_SELL": 10, "VAT_CODE": "1"}
    console.sandbox.accountview.add("ARTICLE", values)

    assert line(console, console.retry("orders", "article_missing"), order).step is Step.PROVEN


# ---- later life


def test_an_order_changed_after_booking_is_a_question_until_it_is_as_it_was(
    console: Console, article: str, customer: str
) -> None:
    order = console.counter.order(article, relation=customer, quantity=2)
    console.run("orders", order)
    before = console.writes()
    console.counter.change(order, article, 3)
    seen = console.writes()
    changed = line(console, console.run("orders", order, mode=Mode.CHANGES), order)

    assert changed.cause == "document_changed_after_booking"
    assert Decimal(changed.facts["difference"]) * 2 == Decimal(changed.facts["before"])
    assert console.writes() == seen == before + 1  # that of the counter
    assert console.application.parked_keys("orders", "document_changed_after_booking").count(order) == 1

    console.counter.change(order, article, 2)
    again = settled(
        console.application, console.application.try_again("orders", "document_changed_after_booking", WHO)
    )

    assert again.counts.unchanged >= 1
    assert order not in console.waits("orders", "document_changed_after_booking")


def test_an_order_cancelled_after_booking_is_a_question(console: Console, article: str, customer: str) -> None:
    order = console.counter.order(article, relation=customer)
    console.run("orders", order)
    console.counter.cancel(order)

    assert line(console, console.run("orders", order), order).cause == "document_cancelled_after_booking"
    assert len(booked(console, order)) == 1


def test_an_order_cancelled_before_it_is_booked_takes_no_part(
    console: Console, article: str, customer: str
) -> None:
    order = console.counter.order(article, relation=customer)
    console.counter.cancel(order)

    assert line(console, console.run("orders", order), order).cause == "document_cancelled"
    assert booked(console, order) == []


def test_an_ambiguous_customer_parks_its_orders_and_one_retry_solves_both(console: Console, article: str) -> None:
    for number in ("30001", "30002"):
        add_debtor(console, number, f"Tweeling {number}", "tweeling@twee.example")
    relation = console.counter.customer("Tweeling", "Tweeling@twee.example")
    orders = [console.counter.order(article, relation=relation) for _ in range(2)]
    run = console.run("orders", *orders)

    assert line(console, run, relation).cause == "customer_ambiguous"
    assert [line(console, run, order).cause for order in orders] == ["needed_record_parked"] * 2
    assert run.counts.parked == 2

    console.sandbox.accountview.edit("CONTACT", "30002", {"MAIL_BUS": "ander@twee.example"})
    again = console.retry("orders", "customer_ambiguous")

    assert [line(console, again, order).step for order in orders] == [Step.PROVEN] * 2
    assert [row["RPL_INV"] for order in orders for row in booked(console, order)] == ["30001", "30001"]
    assert relation not in console.waits("orders", "customer_ambiguous")
    assert not console.waits("orders", "needed_record_parked") & set(orders)


# ---- customers


def test_two_orders_of_one_new_customer_make_one_debtor(console: Console, article: str, customer: str) -> None:
    orders = [console.counter.order(article, relation=customer) for _ in range(2)]
    run = console.run("orders", *orders)
    (debtor,) = console.rows("CONTACT", DEB_NR=customer)

    assert run.counts.proven == 2
    assert [row["RPL_INV"] for order in orders for row in booked(console, order)] == [debtor["SUB_NR"]] * 2


def test_an_order_without_a_customer_is_for_the_default_debtor_of_its_branch(console: Console, article: str) -> None:
    here = console.counter.order(article)
    there = console.counter.order(article, entryBranchNumber=2, workplaceNumber=1)
    elsewhere = console.counter.order(article, entryBranchNumber=3, workplaceNumber=1)
    by_branch = {"1": "20001", "2": "20002"}
    with settings(console, "orders", default_debtor="fallback", default_debtors_by_branch=by_branch):
        run = console.run("orders", here, there, elsewhere)

    assert [row["RPL_INV"] for order in (here, there) for row in booked(console, order)] == ["20001", "20002"]
    assert line(console, run, elsewhere).cause == "customer_missing"


def test_an_address_for_mail_that_is_too_long_parks_and_none_at_all_is_fine(console: Console, article: str) -> None:
    long = console.counter.customer("Lange Adressen", f"{'lang' * 12}@adres.example")
    blank = console.counter.customer("Geen Adres")
    orders = {each: console.counter.order(article, relation=each) for each in (long, blank)}
    run = console.run("orders", *orders.values())

    assert line(console, run, long).cause == "email_too_long"
    assert line(console, run, orders[long]).cause == "needed_record_parked"
    assert line(console, run, orders[blank]).step is Step.PROVEN

    console.sandbox.till.edit("relations", long, {"email": "kort@adres.example"})
    assert line(console, console.retry("orders", "email_too_long"), orders[long]).step is Step.PROVEN


def test_two_customers_with_one_address_for_mail_are_never_merged(console: Console, article: str) -> None:
    first, second = (console.counter.customer(name, "gezin@samen.example") for name in ("Vader", "Moeder"))
    one = console.counter.order(article, relation=first)
    console.run("orders", one)
    other = console.counter.order(article, relation=second)
    run = console.run("orders", other)
    (debtor,) = console.rows("CONTACT", MAIL_BUS="gezin@samen.example")

    assert debtor["DEB_NR"] == first
    assert line(console, run, second).cause == "customer_ambiguous"
    assert line(console, run, other).cause == "needed_record_parked"

    add_debtor(console, "30010", "Moeder", "")
    console.sandbox.accountview.edit("CONTACT", "30010", {"DEB_NR": second})
    assert line(console, console.retry("orders", "customer_ambiguous"), other).step is Step.PROVEN
    assert [row["RPL_INV"] for row in booked(console, other)] == ["30010"]


# ---- why


def test_a_debtor_is_explained_by_its_documents(console: Console, article: str, customer: str) -> None:
    order = console.counter.order(article, relation=customer)
    run = console.preview("orders", order)
    row = line(console, run, customer)
    told = console.application.why(run.id, row.seq)

    assert list(told) == [order]
    assert {trace.target for trace in told[order]} >= {"debtor.name", "debtor.email"}
    assert row.change
    assert row.change.sources == (order,)
