"""Invoices paid in the books are paid at the till: once, in full, and no flow books that payment again."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from integration.core.links import Link
from integration.core.records import Kind
from integration.core.run import Run
from integration.core.states import RunState, Step
from integration.sandbox.faults import Fault
from tests.bookkeeping_shop import bookkeeping_shop
from tests.consoles import WHO, Console
from tests.flows.days.example import sales_line
from tests.people import make_actor
from tests.runner.bookkeeping import open_items
from tests.sandbox.soap_client import RawClient, tags
from tests.stores import stores_in

BANK, CASH, RECEIVABLES = "200", "100", "1300"
METHOD = "IDEAL"
CLOSED = date(2026, 11, 24)
_serial = count(1)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop whose invoices become postings with payments, and whose bank receipts are sent to the till."""
    with bookkeeping_shop(tmp_path_factory.mktemp("data")) as console:
        chosen = {"daybook": "700", "collective_account": RECEIVABLES, "payments_of_invoices": "document"}
        chosen |= {"orders": "nothing", "invoices": "posting"}
        console.application.flows.change("orders", chosen, make_actor(WHO))
        console.application.flows.change("payments", {"method": METHOD}, make_actor(WHO))
        yield console


def invoice(console: Console, cents: int = 12100, **values: Any) -> str:
    """Return the id of an invoice of a new customer, that nobody has paid."""
    name = f"Betaler {next(_serial)}"
    relation = console.till_client.customer(name, f"{name.replace(' ', '.').lower()}@bank.example")
    before = {row["invoiceId"] for row in console.sandbox.state("invoices", "mplus")}
    line = sales_line("Stadsfiets", 10, 2, cents)
    fields = {"relationNumber": int(relation), "lineList": {"line": [line]}, **values}
    console.sandbox.till.add("invoices", fields)
    (new_invoice,) = [row for row in console.sandbox.state("invoices", "mplus") if row["invoiceId"] not in before]
    assert new_invoice["totalInclAmount"] == cents
    return str(new_invoice["invoiceId"])


def pay(console: Console, key: str, method: str, cents: int) -> None:
    """Pay an invoice at the till, as a cashier does."""
    payment = tags(payment=tags(method=method, amount=cents))
    reply = RawClient(console.sandbox.mplus_url).ask("payInvoice", tags(invoiceId=key, paymentList=payment))
    assert reply.text("result").endswith("-OK"), reply.raw


def till_document(console: Console, key: str) -> Mapping[str, Any]:
    (invoice_row,) = [row for row in console.sandbox.state("invoices", "mplus") if row["invoiceId"] == key]
    return invoice_row


def payments(console: Console, key: str) -> list[tuple[str, int]]:
    entries = (till_document(console, key).get("paymentList") or {}).get("payment", [])
    return [(payment["method"], payment["amount"]) for payment in entries]


def book_invoice(console: Console, key: str) -> tuple[str, str]:
    """Return debtor and number of the item that an invoice is in the books."""
    run = console.run("orders", key)
    assert console.lines(run)[key].step is Step.PROVEN
    return item(console, key)


def item(console: Console, key: str) -> tuple[str, str]:
    (link,) = links(console, "orders", Kind.POSTING, key).values()
    assert link.agreed is not None
    reference = str(link.agreed.values["reference"])
    (page,) = console.rows("DJ_PAGE", INV_NR=reference)
    return str(page["SUB_NR"]), reference


def links(console: Console, flow: str, kind: Kind, *keys: str) -> dict[str, Link]:
    return stores_in(console.application).links.get(flow, kind, keys)


def book_receipt(console: Console, open_item: tuple[str, str], cents: int, daybook: str = BANK) -> None:
    """Book the payment of a debtor for an open item, as a person does from a bank statement."""
    amount = str(Decimal(cents).scaleb(-2))
    line = {
        "ACCT_NR": RECEIVABLES,
        "AMOUNT": amount,
        "SUB_NR": open_item[0],
        "INV_NR": open_item[1],
        "TRN_DESC": "Ontvangst",
    }
    console.sandbox.accountview.book({"DJ_CODE": daybook, "HDR_DESC": "Afschrift"}, [line])


def book_receipts(console: Console, items: Sequence[tuple[tuple[str, str], int]]) -> None:
    """Book the payments for several open items on one page."""
    lines = [
        {"ACCT_NR": RECEIVABLES, "AMOUNT": str(Decimal(cents).scaleb(-2)), "SUB_NR": debtor, "INV_NR": number}
        for (debtor, number), cents in items
    ]
    console.sandbox.accountview.book({"DJ_CODE": BANK, "HDR_DESC": "Afschrift"}, lines)


def open_amount(console: Console, open_item: tuple[str, str]) -> Decimal:
    return open_items(console.sandbox).get(open_item, Decimal(0))


def causes(console: Console, run: Run) -> dict[str, str]:
    return {row.title: row.cause for row in console.lines(run).values()}


def number(console: Console, key: str) -> str:
    number_parts: Any = till_document(console, key)["invoiceNumber"]
    return f"{number_parts['year']}.{number_parts['number']}"


# ---- the way it goes


def test_what_came_in_at_the_bank_is_paid_at_the_till_once_and_booked_by_nobody_again(console: Console) -> None:
    key = invoice(console)
    open_item = book_invoice(console, key)
    assert open_amount(console, open_item) == Decimal("121.00")
    assert causes(console, console.preview("payments"))[number(console, key)] == "item_open"
    book_receipt(console, open_item, 12100)
    assert open_amount(console, open_item) == 0

    run = console.run("payments")

    assert run.counts.proven == 1
    assert payments(console, key) == [(METHOD, 12100)]
    assert till_document(console, key)["state"] == "INVOICE-STATE-PAID"
    writes = console.writes()
    second_run = console.run("payments")
    assert second_run.counts.proven == 0
    assert causes(console, second_run)[number(console, key)] == "already_in_target"
    orders = console.run("orders", key)
    assert (orders.counts.unchanged, orders.counts.proven) == (1, 0)
    assert console.writes() == writes
    assert open_amount(console, open_item) == 0


@pytest.mark.parametrize("is_paid", [True, pytest.param(False, marks=pytest.mark.long)])
def test_the_page_of_a_day_leaves_such_a_payment_to_the_books_and_none_of_its_own(
    console: Console, *, is_paid: bool
) -> None:
    console.application.flows.change("orders", {"payments_of_invoices": "day"}, make_actor(WHO))
    try:
        key = invoice(console)
        open_item = book_invoice(console, key)
        if is_paid:
            book_receipt(console, open_item, 12100)
            assert console.run("payments").counts.proven == 1
        else:
            pay(console, key, METHOD, 12100)
        (paid,) = till_document(console, key)["paymentList"]["payment"]
        closed = dict(zip(("year", "mon", "day"), (CLOSED.year, CLOSED.month, CLOSED.day), strict=True))
        before = console.application.days.check(CLOSED, "1").expected
        console.sandbox.till.edit("invoices", key, {"paymentList": {"payment": [{**paid, "financialDate": closed}]}})
        after = console.application.days.check(CLOSED, "1").expected
    finally:
        console.application.flows.change("orders", {"payments_of_invoices": "document"}, make_actor(WHO))

    assert before
    assert payments(console, key) == [(METHOD, 12100)]
    assert [(line.debtor, line.amount) for line in after if line.debtor == open_item[0]] == (
        [] if is_paid else [(open_item[0], Decimal("-121.00"))]
    )
    assert (after == before) is is_paid


@pytest.mark.long
def test_what_is_paid_in_part_waits_until_all_of_it_is(console: Console) -> None:
    key = invoice(console)
    open_item = book_invoice(console, key)
    book_receipt(console, open_item, 5000)
    waits = console.lines(console.run("payments"))
    (line,) = [row for row in waits.values() if row.title == number(console, key)]
    assert (line.cause, line.facts["paid"], line.facts["open"]) == ("item_open", "50.0000", "71.0000")
    assert payments(console, key) == []
    book_receipt(console, open_item, 7100, CASH)
    console.run("payments")

    assert payments(console, key) == [(METHOD, 12100)]


@pytest.mark.long
def test_an_item_with_rows_that_are_no_payment_is_a_question_until_it_adds_up(console: Console) -> None:
    """A year's opening balance may carry an item over in such rows; no public source describes that."""
    key = invoice(console)
    open_item = book_invoice(console, key)
    book_receipt(console, open_item, 12100)
    line = {"ACCT_NR": RECEIVABLES, "AMOUNT": "121.00", "SUB_NR": open_item[0], "INV_NR": open_item[1]}
    console.sandbox.accountview.book({"DJ_CODE": "600"}, [line, {"ACCT_NR": "4410", "AMOUNT": "-121.00"}])
    run = console.run("payments")

    (waits,) = [row for row in console.lines(run).values() if row.title == number(console, key)]
    assert (waits.step, waits.cause) == (Step.PARKED, "item_unclear")
    assert (waits.facts["paid"], waits.facts["other"]) == ("121.0000", "121.0000")
    assert payments(console, key) == []
    (page,) = {row["PAGE_NR"] for row in console.rows("TRANSACT", DJ_CODE="600", INV_NR=open_item[1])}
    console.sandbox.accountview.remove("DJ_PAGE", str(page))
    assert console.retry("payments", "item_unclear").counts.proven == 1
    assert payments(console, key) == [(METHOD, 12100)]


@pytest.mark.long
def test_a_booking_that_was_reversed_is_not_paid(console: Console) -> None:
    key = invoice(console)
    first = console.run("orders", key)
    open_item = item(console, key)
    book_receipt(console, open_item, 12100)
    waiting = console.preview("payments")
    assert causes(console, waiting)[number(console, key)] == ""
    console.commit(console.undo(first))
    late = console.commit(waiting)
    run = console.run("payments")

    assert late.counts.proven == 0
    assert number(console, key) not in causes(console, run)
    assert payments(console, key) == []


def test_a_change_on_either_side_between_plan_and_commit_is_seen_before_the_call(console: Console) -> None:
    whole, part, reversed_ = invoice(console), invoice(console), invoice(console)
    items_by_key = {key: book_invoice(console, key) for key in (whole, part, reversed_)}
    for open_item in items_by_key.values():
        book_receipt(console, open_item, 12100)
    plan = console.preview("payments")
    book_receipt(console, items_by_key[reversed_], -12100)
    pay(console, whole, "PIN", 12100)
    pay(console, part, "PIN", 2100)
    calls = console.writes()
    run = console.commit(plan)

    assert run.counts.proven == 0
    assert console.writes() == calls
    assert [payments(console, key) for key in items_by_key] == [[("PIN", 12100)], [("PIN", 2100)], []]
    new_causes = causes(console, console.run("payments"))
    assert new_causes[number(console, whole)] == "invoice_paid_at_the_till"
    assert new_causes[number(console, part)] == "payment_differs"
    assert new_causes[number(console, reversed_)] == "item_open"


@pytest.mark.long
def test_an_invoice_that_has_the_payment_already_is_left_alone_and_known_from_then_on(console: Console) -> None:
    key = invoice(console)
    book_receipt(console, book_invoice(console, key), 12100)
    pay(console, key, METHOD, 12100)
    run = console.run("payments")

    assert causes(console, run)[number(console, key)] == "already_in_target"
    assert links(console, "payments", Kind.SETTLEMENT, key)
    assert payments(console, key) == [(METHOD, 12100)]
    assert console.run("orders", key).counts.unchanged == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault.CUT_AFTER,
        *(pytest.param(kind, marks=pytest.mark.long) for kind in (Fault.LATE, Fault.GARBAGE)),
        *(
            pytest.param(kind, marks=pytest.mark.long) for kind in (Fault.CUT_BEFORE, Fault.UNAVAILABLE)
        ),  # a minute each
    ],
)
def test_no_answer_to_the_call_pays_an_invoice_twice(console: Console, fault: Fault) -> None:
    first_invoice = invoice(
        console
    )  # a payment that looks find: before the first one nobody knows whether they see any
    book_receipt(console, book_invoice(console, first_invoice), 12100)
    console.run("payments")
    key = invoice(console)
    book_receipt(console, book_invoice(console, key), 12100)
    plan = console.preview("payments")
    with console.sandbox.switches.armed(fault, system="mplus", operation="payInvoice", times=1, seconds=0.5):
        console.commit(plan)
    console.run("payments")

    is_in_doubt = fault in (
        Fault.CUT_BEFORE,
        Fault.UNAVAILABLE,
    )  # a person answers
    assert payments(console, key) == ([] if is_in_doubt else [(METHOD, 12100)])


# ---- histories: part payments, overpayment, chargeback, several at once, deleted; expected from the raw rows alone

WHOLE = ((METHOD, 12100),)
DEPOSIT = ((METHOD, 6050),)
HISTORIES: Mapping[str, tuple[tuple[int, ...], tuple[tuple[str, int], ...], str]] = {
    # cents received in the books before each run; payments at the till in the end; the question in the end
    "in part": ((5000, 0), (), ""),
    "in two equal parts": ((6050, 6050), WHOLE, ""),
    "too much": ((13000, 0), (), "item_unclear"),
    "too much and repaid": ((13000, -900), WHOLE, ""),
    "too much after the payment": ((12100, 12100), WHOLE, ""),
    "charged back after": ((12100, -12100), WHOLE, "item_open_again"),
    "charged back in part": ((12100, -100), WHOLE, "item_open_again"),
    "charged back and paid again": ((12100, -12100, 12100), WHOLE, ""),
}


def test_histories_of_payments_end_as_the_rows_of_both_systems_say(console: Console) -> None:
    invoices = {name: invoice(console) for name in HISTORIES}
    several = [invoice(console), invoice(console)]
    half = invoice(console)  # half of it is paid at the counter by the same method, before it is booked
    pay(console, half, METHOD, 6050)
    keys = [*invoices.values(), *several, half]
    console.run("orders", *keys)
    items_by_key = {key: item(console, key) for key in keys}
    for turn in range(3):
        for name, key in invoices.items():
            cents = HISTORIES[name][0][turn : turn + 1]
            if cents and cents[0]:
                book_receipt(console, items_by_key[key], cents[0])
        if turn == 0:
            pages = {row["PAGE_NR"] for row in console.rows("DJ_PAGE")}
            book_receipts(console, [(items_by_key[key], 12100) for key in several] + [(items_by_key[half], 6050)])
            (page,) = {row["PAGE_NR"] for row in console.rows("DJ_PAGE")} - pages
        if turn == 1:
            assert [payments(console, key) for key in several] == [[*WHOLE], [*WHOLE]]
            assert payments(console, half) == [*DEPOSIT, *DEPOSIT]
            assert console.run("orders", *keys).counts.proven == 0, "no payment is booked again"
            console.sandbox.accountview.remove("DJ_PAGE", str(page))
        console.run("payments")
    keys_by_cause = {
        cause: {key.rpartition("/")[2] for key in console.waits("payments", cause)}
        for cause in ("item_unclear", "item_open_again", "payment_differs")
    }

    for name, (_, expected, question) in HISTORIES.items():
        assert tuple(payments(console, invoices[name])) == expected, name
        assert [cause for cause, waiting_keys in keys_by_cause.items() if invoices[name] in waiting_keys] == [question][
            : bool(question)
        ], name
    assert keys_by_cause["item_open_again"].issuperset([*several, half])


@pytest.mark.parametrize(("kind", "becomes"), [("orders", "posting"), ("orders", "order")])
def test_what_is_no_posted_invoice_is_not_paid_at_the_till(console: Console, kind: str, becomes: str) -> None:
    name = f"Besteller {next(_serial)}"
    relation = console.till_client.customer(name, f"{name.replace(' ', '.').lower()}@bank.example")
    key = console.till_client.order("", relation=relation, lines=[sales_line("Stadsfiets", 10, 2, 12100)])
    console.application.flows.change("orders", {kind: becomes}, make_actor(WHO))
    try:
        console.run("orders", key)
        if becomes == "posting":
            book_receipt(console, item(console, key), 12100)
        run = console.run("payments")
    finally:
        console.application.flows.change("orders", {kind: "nothing"}, make_actor(WHO))
    (order,) = [row for row in console.sandbox.state("orders", "mplus") if row["orderId"] == key]

    assert key not in {row.key.rpartition("/")[2] for row in console.lines(run).values()}
    assert order["prepaidAmount"] == 0


def test_the_flow_is_off_and_says_what_it_lacks_until_a_method_is_chosen(console: Console) -> None:
    assert not console.application.flows.settings("payments").on
    console.application.flows.change("payments", {"method": ""}, make_actor(WHO))
    try:
        run = console.preview("payments")
    finally:
        console.application.flows.change("payments", {"method": METHOD}, make_actor(WHO))

    assert (run.state, run.error, run.facts["setting"]) == (RunState.FAILED, "flow_setting_invalid", "method")
