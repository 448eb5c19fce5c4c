"""Long runs of events between a till and its books: one story per test, on the whole application and both systems.

All stories share one shop. Each has customers and orders of its own, and speaks of nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from itertools import count
from typing import Any

import pytest

from integration.application.application import Application
from integration.core.errors import ConfigurationError, RunActiveError
from integration.core.plan import Action
from integration.core.plan_lines import PlanRow
from integration.core.records import Kind
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState, Step
from integration.sandbox.faults import Fault
from integration.sandbox.mplus.seed.market import STALL
from tests.consoles import WHO, Console, article, console, wait_for_run
from tests.flows.orders import oracle
from tests.people import make_actor
from tests.stores import stores_in
from tests.till_client import LOW

__all__ = ["article", "console"]

PARKED = {
    "letters_in_code": "sku_not_numeric", "leading_zero": "sku_leading_zero",
    "leading_zero_collides": "sku_leading_zero", "wrong_check_digit": "ean_check_digit",
    "foreign_currency": "currency_without_rate", "missing_vat": "vat_code_missing",
    "duplicate_barcode": "ean_duplicate",
}  # fmt: skip
"""Faults of articles in the sample shop, and the cause that parks each article."""

DEBTOR = {"ACCT_NR": "1300", "CNT_CODE": "NL", "COUNTRY": "Nederland", "CUR_CODE": "EUR"}
CENTS = Decimal("0.01")
_serial = count(1)


@pytest.fixture
def customer(console: Console) -> str:
    """A relation that the books have never heard of."""
    number = next(_serial)
    return console.till_client.customer(f"Nieuwe Klant {number}", f"klant.{number}@nieuw.example")


@contextmanager
def settings(console: Console, flow: str, **values: Any) -> Iterator[None]:
    """Settings that hold inside the block."""
    settings_store = stores_in(console.application).settings
    before = settings_store.get(f"flow:{flow}") or {}
    console.application.flows.change(flow, values, make_actor(WHO))
    try:
        yield
    finally:
        settings_store.put(f"flow:{flow}", before, WHO)


@contextmanager
def table(console: Console, name: str, rows: dict[str, str]) -> Iterator[None]:
    """Set a value table inside the block, and restore its rows afterwards."""
    before = console.application.rules.tables().get(name, {})
    console.application.rules.set_table(name, rows, WHO)
    try:
        yield
    finally:
        console.application.rules.set_table(name, before, WHO)


def add_row(console: Console, name: str, key: str, value: str) -> None:
    console.application.rules.set_table(name, {**console.application.rules.tables().get(name, {}), key: value}, WHO)


def line(console: Console, run: Run, key: str) -> PlanRow:
    return console.lines(run)[key]


def find_orders(console: Console, order: str) -> list[dict[str, Any]]:
    """Return the sales orders of the books with our reference of an order."""
    return console.rows("SO_HDR", COMMENT1=f"MP-{console.till_client.number(order)}")


def add_debtor(console: Console, number: str, name: str, email: str) -> None:
    values = {**DEBTOR, "SUB_NR": number, "ACCT_NAME": name, "SRC_CODE": name[:10], "MAIL_BUS": email}
    console.sandbox.accountview.add("CONTACT", values)


# ---- faulty on purpose


def test_every_faulty_article_is_parked_skipped_or_shown_as_accountview_keeps_it(console: Console) -> None:
    faulty = [item for item in console.sandbox.shop.articles if item.fault]
    parked = {item.code: item.fault for item in faulty if item.fault in PARKED}
    blocked = [item.code for item in faulty if item.fault == "blocked"]
    shown_articles = [item for item in faulty if item.fault in ("long_name", "emoji")]
    assert len(parked) + len(blocked) + len(shown_articles) == len(faulty) == 29

    waiting = {cause: console.waits("products", cause) for cause in PARKED.values()}
    assert [code for code, fault in parked.items() if code not in waiting[PARKED[fault]]] == []
    lines = console.lines(console.preview("products", *blocked))
    assert [lines[code].cause for code in blocked] == ["blocked"] * 3
    at_the_till = {row.get("extArticleId"): row for row in console.sandbox.state("articles", "mplus")}
    assert [
        (at_the_till[item.code]["description"], at_the_till[item.code]["extraText"]) for item in shown_articles
    ] == [(item.name.rstrip(), item.text) for item in shown_articles]  # fmt: skip


# ---- already there


def is_the_same(console: Console, key: str) -> Run:
    """Decide that the booking under a document's reference is that document, and preview it again."""
    exceptions = console.application.exceptions
    (group,) = [
        cause_group for cause_group in exceptions.groups("orders") if cause_group.cause == "reference_of_another"
    ]
    issues = [open_issue for open_issue in exceptions.issues_of(group.group_key) if open_issue.issue.key == key]
    exceptions.decide("orders", issues, "same", make_actor(WHO))
    return console.run("orders", key)


def test_an_order_booked_by_hand_is_asked_about_and_its_later_change_is_a_question(
    console: Console, article: str
) -> None:
    order = console.till_client.order(article, relation="1003")
    number = console.till_client.number(order)
    console.sandbox.accountview.add(
        "SO_HDR",
        {"ORD_NR": "26900001", "RPL_INV": "20003", "ORD_DATE": "2026-11-25T00:00:00", "COMMENT1": f"MP-{number}"},
    )
    before = console.writes()
    plan_line = line(console, console.run("orders", order), order)
    assert (plan_line.cause, plan_line.facts["number"]) == ("reference_of_another", "26900001")
    run = is_the_same(console, order)
    link = stores_in(console.application).links.get("orders", Kind.SALES_ORDER, [order])[order]

    assert line(console, run, order).cause == "already_in_target"
    assert line(console, run, order).facts["reference"] == link.reference == "26900001"
    assert console.writes() == before
    assert console.run("orders", order).counts.unchanged == 1

    console.till_client.change(order, article, 3)
    changed = line(console, console.run("orders", order), order)

    assert changed.cause == "document_changed_after_booking"
    assert Decimal(changed.facts["difference"]) == Decimal(changed.facts["after"]) - Decimal(changed.facts["before"])
    assert [row["ORD_NR"] for row in find_orders(console, order)] == ["26900001"]


def test_an_order_that_was_invoiced_in_the_books_is_still_known(console: Console, article: str, customer: str) -> None:
    order = console.till_client.order(article, relation=customer)
    console.run("orders", order)
    (order_row,) = find_orders(console, order)
    console.sandbox.accountview.invoice(order_row["ORD_NR"])

    assert console.run("orders", order).counts.unchanged == 1
    assert find_orders(console, order) == []


# ---- parked, mended, tried again


@pytest.mark.long
def test_an_order_with_an_unmapped_payment_method_is_booked_once_the_table_has_it(
    console: Console, article: str, customer: str
) -> None:
    orders = [console.till_client.order(article, relation=customer, paymentMethod="IDEAL") for _ in range(2)]
    known_order = console.till_client.order(article, relation=customer, paymentMethod="PIN")
    with table(console, "payment_terms", {"PIN": "14"}):
        run = console.run("orders", *orders, known_order)
        assert [line(console, run, order).cause for order in orders] == ["payment_method_unmapped"] * 2
        assert line(console, run, known_order).step is Step.PROVEN

        add_row(console, "payment_terms", "IDEAL", "30")
        retry_run = console.retry("orders", "payment_method_unmapped")

        assert [line(console, retry_run, order).step for order in orders] == [Step.PROVEN] * 2
        assert [row["DISC_CODE"] for order in orders for row in find_orders(console, order)] == ["30", "30"]
        assert not console.waits("orders", "payment_method_unmapped")


def test_an_order_of_a_missing_article_is_booked_once_the_books_have_it(console: Console, customer: str) -> None:
    console.sandbox.till.edit("articles", "9900004", {"extArticleId": "7700"})
    order = console.till_client.order("9900004", relation=customer)
    parked = line(console, console.run("orders", order), order)
    assert (parked.cause, parked.facts["article"]) == ("article_missing", "7700")

    values = {"ART_CODE": "7700", "ART_DESC1": "Huur stadsfiets", "AG_CODE": "DIENS", "PX_SELL": 10, "VAT_CODE": "1"}
    console.sandbox.accountview.add("ARTICLE", values)

    assert line(console, console.retry("orders", "article_missing"), order).step is Step.PROVEN


# ---- later life


@pytest.mark.long
def test_an_order_changed_after_booking_is_a_question_until_it_is_as_it_was(
    console: Console, article: str, customer: str
) -> None:
    order = console.till_client.order(article, relation=customer, quantity=2)
    console.run("orders", order)
    before = console.writes()
    console.till_client.change(order, article, 3)
    writes = console.writes()
    changed = line(console, console.run("orders", order, mode=Mode.CHANGES), order)

    assert changed.cause == "document_changed_after_booking"
    assert Decimal(changed.facts["difference"]) * 2 == Decimal(changed.facts["before"])
    assert console.writes() == writes == before + 1  # that of the counter
    assert console.application.exceptions.keys("orders", "document_changed_after_booking").count(order) == 1

    console.till_client.change(order, article, 2)
    second_run = wait_for_run(
        console.application,
        console.application.runs.try_again("orders", "document_changed_after_booking", make_actor(WHO)),
    )

    assert second_run.counts.unchanged >= 1
    assert order not in console.waits("orders", "document_changed_after_booking")


def test_a_debtor_the_books_refuse_is_tried_again_with_its_order(console: Console, article: str, customer: str) -> None:
    order = console.till_client.order(article, relation=customer)
    with settings(console, "orders"):  # kept while the books could not be asked whether they have it
        settings_store = stores_in(console.application).settings
        settings_store.put(
            "flow:orders", {**(settings_store.get("flow:orders") or {}), "collective_account": "9999"}, WHO
        )
        run = console.run("orders", order)
    refused = line(console, run, customer)
    assert (refused.step, line(console, run, order).cause) == (Step.PARKED, "needed_record_missing")
    assert console.application.exceptions.keys("orders", refused.cause) == [order]

    assert line(console, console.retry("orders", refused.cause), order).step is Step.PROVEN
    assert not console.waits("orders", refused.cause)
    assert order not in console.waits("orders", "needed_record_missing")


def test_two_debtors_that_an_order_finds_are_merged_and_it_is_booked_for_the_one_that_stays(
    console: Console, article: str
) -> None:
    merges, debtors = console.application.customer_merges, ("30003", "30004")
    for number in debtors:
        add_debtor(console, number, "Dubbel", "dubbel@twee.example")
    order = console.till_client.order(article, relation=console.till_client.customer("Dubbel", "dubbel@twee.example"))
    assert line(console, console.run("orders", order), order).cause == "needed_record_parked"

    numbers = [candidate.customers for candidate in merges.candidates()]
    pair = next(pair for pair in numbers if {customer.debtor for customer in pair} == {*debtors})
    goes, stays = sorted(pair, key=lambda customer: customer.debtor)  # the one that is named first goes
    merges.merge(stays, goes, "the same person", make_actor(WHO))
    console.retry("orders", "customer_ambiguous")
    assert [row["RPL_INV"] for row in find_orders(console, order)] == ["30004"]


# ---- customers


def test_two_orders_of_one_new_customer_make_one_debtor(console: Console, article: str, customer: str) -> None:
    orders = [console.till_client.order(article, relation=customer) for _ in range(2)]
    run = console.run("orders", *orders)
    (debtor,) = console.rows("CONTACT", DEB_NR=customer)

    assert run.counts.proven == 2
    assert [row["RPL_INV"] for order in orders for row in find_orders(console, order)] == [debtor["SUB_NR"]] * 2


@pytest.mark.long
def test_two_customers_with_one_address_for_mail_are_never_merged(console: Console, article: str) -> None:
    first, second = (console.till_client.customer(name, "gezin@samen.example") for name in ("Vader", "Moeder"))
    first_order = console.till_client.order(article, relation=first)
    console.run("orders", first_order)
    other = console.till_client.order(article, relation=second)
    run = console.run("orders", other)
    debtors = {row["DEB_NR"]: row["SUB_NR"] for row in console.rows("CONTACT", MAIL_BUS="gezin@samen.example")}

    assert debtors.keys() == {first, second}
    assert line(console, run, other).step is Step.PROVEN
    assert [row["RPL_INV"] for row in find_orders(console, other)] == [debtors[second]]


def test_a_customer_whose_address_for_mail_only_a_debtor_without_id_has_is_that_debtor(
    console: Console, article: str
) -> None:
    add_debtor(console, "30010", "Moeder", "moeder@samen.example")
    customer = console.till_client.customer("Moeder", "moeder@samen.example")
    order = console.till_client.order(article, relation=customer)
    assert line(console, console.run("orders", order), order).step is Step.PROVEN
    assert [row["RPL_INV"] for row in find_orders(console, order)] == ["30010"]


def test_two_new_customers_with_one_address_for_mail_are_two_debtors(console: Console, article: str) -> None:
    relations = [console.till_client.customer(name, "stel@samen.example") for name in ("Opa", "Oma")]
    orders = [console.till_client.order(article, relation=relation) for relation in relations]
    console.run("orders", *orders)
    debtors = {row["DEB_NR"]: row["SUB_NR"] for row in console.rows("CONTACT", MAIL_BUS="stel@samen.example")}

    assert [row["RPL_INV"] for order in orders for row in find_orders(console, order)] == [
        debtors[relation] for relation in relations
    ]
    assert len(set(debtors.values())) == 2


# ---- why


def test_a_debtor_is_explained_by_its_documents(console: Console, article: str, customer: str) -> None:
    order = console.till_client.order(article, relation=customer)
    run = console.preview("orders", order)
    row = line(console, run, customer)
    answers = console.application.plans.explain_line(run.id, row.seq)

    assert {answer.source for answer in answers} == {order}
    assert {answer.field for answer in answers} >= {"debtor.name", "debtor.email"}
    assert row.change
    assert row.change.sources == (order,)


# ---- no loops


@pytest.mark.long
def test_orders_and_customers_do_not_pass_the_same_customer_to_and_fro(
    console: Console, article: str, customer: str
) -> None:
    console.till_client.order(article, relation=customer)
    console.run("orders")
    console.run("customers")
    (debtor,) = console.rows("CONTACT", DEB_NR=customer)
    link = stores_in(console.application).links.get("customers", Kind.RELATION, [debtor["SUB_NR"]])[debtor["SUB_NR"]]
    assert link.reference == customer

    before = console.writes(), len(console.sandbox.state("relations", "mplus")), len(console.rows("CONTACT"))
    proven_counts = [console.run(flow).counts.proven for flow in ("orders", "customers")]

    assert proven_counts == [0, 0]
    assert before == (
        console.writes(), len(console.sandbox.state("relations", "mplus")), len(console.rows("CONTACT")),
    )  # fmt: skip


@pytest.mark.long
def test_a_customer_brought_to_the_till_is_the_debtor_of_its_first_order(console: Console, article: str) -> None:
    console.run("customers")
    link = stores_in(console.application).links.get("customers", Kind.RELATION, ["20110"])["20110"]
    order = console.till_client.order(article, relation=link.reference)
    console.run("orders", order)

    assert [row["RPL_INV"] for row in find_orders(console, order)] == ["20110"]
    assert len(console.rows("CONTACT", ACCT_NAME=console.rows("CONTACT", SUB_NR="20110")[0]["ACCT_NAME"])) == 1


# ---- stock, and its undo


@pytest.fixture
def count_first_branch(console: Console) -> Iterator[None]:
    """Assign the available stock of the books to one branch."""
    with settings(console, "stock", branches={"1": "formula"}):
        yield


def restock(console: Console, article: str, quantity: int) -> None:
    values = {"QTY_AVAIL": quantity, "QTY_FREE2": quantity, "QTY_TECH": quantity, "K9_RSRV": 0}
    console.sandbox.accountview.edit("ARTICLE", article, values)


@pytest.mark.long
@pytest.mark.usefixtures("count_first_branch")
def test_the_log_tells_every_level_that_was_written(console: Console) -> None:
    restock(console, "10013", 3)
    console.run("stock")
    restock(console, "10013", 5)
    run = console.run("stock")
    level_rows = wait_for_levels(console.application, run.id)

    assert [(row["branch"], Decimal(str(row["amount"]))) for row in level_rows] == [("1", Decimal(5))]


def wait_for_levels(application: Application, run: str) -> list[dict[Any, Any]]:
    """Return the levels of a run as the log has them, once its events are in it."""
    while stores_in(application).events.count():
        application.log.catch_up()
    frame = application.log.ask("SELECT run, branch, amount FROM levels WHERE article = '10013' AND amount IS NOT NULL")
    return list(frame[frame["run"] == run].to_dict("records"))


# ---- undo of products and of orders


def test_undoing_a_run_of_products_puts_the_old_prices_back_where_nobody_was_since(console: Console) -> None:
    codes = ("10026", "10006")
    prices = {code: price(console, code) for code in codes}
    for code in codes:
        console.sandbox.accountview.edit("ARTICLE", code, {"PX_SELL": 50})
    run = console.run("products")
    assert {price(console, code) for code in codes} == {6050}
    console.sandbox.till.edit("articles", "10006", {"priceIncl": 7777})
    undone = console.commit(console.undo(run))

    assert [row.cause for row in console.lines(undone).values() if row.cause] == ["undo_blocked"]
    assert price(console, "10026") == prices["10026"]
    assert price(console, "10006") == 7777


def price(console: Console, number: str) -> int:
    rows = console.sandbox.state("articles", "mplus")
    return int(next(row["priceIncl"] for row in rows if str(row["articleNumber"]) == number))


def test_undoing_a_run_of_orders_credits_them_to_the_cent(console: Console, article: str, customer: str) -> None:
    orders = [
        console.till_client.order(article, relation=customer, quantity=3),
        console.till_client.order(
            article, relation=customer, lines=[console.till_client.line(article, 2, vatCode=LOW)]
        ),
    ]
    run = console.run("orders", *orders)
    plan = console.undo(run)
    credited = [row for row in console.lines(plan).values() if row.change]

    assert {row.action for row in credited} == {Action.CREATE}
    assert line(console, plan, customer).cause == "undo_keeps"
    assert console.commit(plan).counts.proven == 2
    for order in orders:
        number = f"MP-{console.till_client.number(order)}"
        assert orders_amount(console, number) + orders_amount(console, f"{number}-C") == 0
        assert orders_amount(console, number) > 0

    before = console.writes()
    second_undo = console.commit(console.undo(run))
    assert (second_undo.counts.proven, second_undo.counts.skipped) == (0, 2)
    later = console.run("orders", *orders)
    assert [line(console, later, order).cause for order in orders] == ["booking_reversed"] * 2
    assert console.writes() == before


def orders_amount(console: Console, reference: str) -> Decimal:
    """Return the amount of the sales order with this reference in the books."""
    numbers = {row["ORD_NR"] for row in console.rows("SO_HDR", COMMENT1=reference)}
    assert len(numbers) == 1
    rows = [row for row in console.sandbox.state("SO_LINE") if row["ORD_NR"] in numbers]
    return sum((Decimal(str(row["ORD_QTY"])) * Decimal(str(row["ART_PX"])) for row in rows), Decimal(0))


def test_an_order_somebody_changed_in_the_books_is_not_credited(console: Console, article: str, customer: str) -> None:
    touched, other = (console.till_client.order(article, relation=customer) for _ in range(2))
    run = console.run("orders", touched, other)
    (row,) = find_orders(console, touched)
    (sold,) = [sales_line for sales_line in console.sandbox.state("SO_LINE") if sales_line["ORD_NR"] == row["ORD_NR"]]
    console.sandbox.accountview.edit("SO_LINE", sold["REC_ID"], {"ORD_QTY": 5})
    undone = console.commit(console.undo(run))

    assert line(console, undone, touched).cause == "undo_blocked"
    assert undone.counts.proven == 1
    assert orders_amount(console, f"MP-{console.till_client.number(other)}-C") < 0


@pytest.mark.long
def test_an_order_that_was_invoiced_since_can_still_be_credited(console: Console, article: str, customer: str) -> None:
    order = console.till_client.order(article, relation=customer)
    run = console.run("orders", order)
    (row,) = find_orders(console, order)
    console.sandbox.accountview.invoice(row["ORD_NR"])

    assert console.commit(console.undo(run)).counts.proven == 1
    assert orders_amount(console, f"MP-{console.till_client.number(order)}-C") < 0


# ---- two at once


def test_a_second_run_of_a_flow_is_told_who_is_at_the_first(console: Console, article: str, customer: str) -> None:
    order = console.till_client.order(article, relation=customer)
    with console.sandbox.switches.armed(Fault.DELAY, system="mplus", operation="getOrder*", times=1, seconds=1):
        first = console.application.runs.preview(PreviewRequest("orders", make_actor(WHO), Mode.CHOSEN, (order,)))
        with pytest.raises(RunActiveError) as caught:
            console.application.runs.preview(PreviewRequest("orders", make_actor("somebody else")))

    assert caught.value.facts["by"] == WHO
    assert caught.value.facts["run"] == first
    assert wait_for_run(console.application, first).state is RunState.READY


# ---- invoices and receipts, as postings


@contextmanager
def as_postings(console: Console, documents: str) -> Iterator[None]:
    """Inside the block, another kind of documents than orders becomes postings, with all required settings."""
    with (
        table(console, "revenue_accounts", oracle.REVENUE),
        table(console, "balance_accounts", oracle.BALANCES),
        table(console, "vat_codes_sales", oracle.CODES),
        settings(
            console, "orders", orders="nothing", **{f"{documents}s": "posting"}, default_debtor="fallback",
            debtor_number="20001",
        ),
    ):  # fmt: skip
        yield


def till_rows(console: Console, kind: str) -> list[dict[str, Any]]:
    return console.sandbox.state(f"{kind}s", "mplus")


Sums = dict[tuple[str, str], tuple[int, int]]  # base and VAT in cents, by account and VAT code of the books


def expected_sums(console: Console, kind: str, keys: set[str]) -> Sums:
    """Return the sums that a bookkeeper would book for documents, computed only from rows of the till."""
    totals: Sums = {}
    for document in till_rows(console, kind):
        if document[f"{kind}Id"] not in keys:
            continue
        data = [line["data"] for line in document["lineList"].get("line", [])]
        lines = [
            oracle.Sold(
                str(line_data["turnoverGroup"]),
                str(line_data["vatCode"]),
                line_data["totalInclAmount"],
                line_data["totalExclAmount"],
            )
            for line_data in data
        ]
        paid = {payment["method"]: payment["amount"] for payment in document.get("paymentList", {}).get("payment", [])}
        for where, sums in oracle.booked_sums(lines, paid).items():
            before = totals.get(where, (0, 0))
            totals[where] = before[0] + sums[0], before[1] + sums[1]
    return {where: sums for where, sums in totals.items() if sums != (0, 0)}


def posted_sums(console: Console, references: set[str]) -> Sums:
    """Return the sums of the pages with these references in the books."""
    pages = {row["PAGE_NR"] for row in console.sandbox.state("DJ_PAGE") if row.get("INV_NR") in references}
    totals: Sums = {}
    for row in console.sandbox.state("DJ_LINE"):
        if row["PAGE_NR"] in pages:
            where = str(row["ACCT_NR"]), str(row.get("VAT_CODE") or "")
            amount, vat = (int(Decimal(str(row.get(name) or 0)) * 100) for name in ("AMOUNT", "VAT_AMT"))
            before = totals.get(where, (0, 0))
            totals[where] = before[0] + amount, before[1] + vat
            assert not where[1] or int(Decimal(str(row.get("BASE_AMT") or 0)) * 100) == amount
    return {where: sums for where, sums in totals.items() if sums != (0, 0)}


@pytest.mark.long
def test_receipts_of_two_digit_branches_and_four_digit_numbers_are_credited_to_the_cent(console: Console) -> None:
    keys = [str(row["receiptId"]) for row in till_rows(console, "receipt") if row["financialBranchNumber"] == STALL]
    credited = [f"{key}#credit" for key in keys]
    with as_postings(console, "receipt"):
        run = console.run("orders", *keys)
        proven = {key for key, row in console.lines(run).items() if row.step is Step.PROVEN}
        undone = console.commit(console.undo(run))
    links = stores_in(console.application).links.get("orders", Kind.POSTING, [*keys, *credited])
    references = {key: str(link.agreed.values["reference"]) for key, link in links.items() if link.agreed}

    assert undone.counts.proven == len(proven) == len(keys)
    assert {"MR6120100998", "MR6120101001", "MS6121000999"} <= set(references.values())
    assert posted_sums(console, {references[key] for key in links if key.partition("#")[0] in proven}) == {}


def of_the_market(console: Console) -> set[str]:
    """Return the receipts of the stall where everything that is no revenue was sold."""
    return {str(row["receiptId"]) for row in till_rows(console, "receipt") if row["financialBranchNumber"] == STALL}


@pytest.mark.parametrize("kind", ["invoice", pytest.param("receipt", marks=pytest.mark.long)])
def test_every_invoice_and_receipt_is_posted_as_it_was_sold(console: Console, kind: str) -> None:
    with as_postings(console, kind):
        run = console.run("orders")
        before = console.writes()
        second_run = console.run("orders")
    keys = [str(row[f"{kind}Id"]) for row in till_rows(console, kind)]
    links = stores_in(console.application).links.get("orders", Kind.POSTING, keys)
    causes = {key: row.cause for key, row in console.lines(run).items()}
    references = {str(link.agreed.values["reference"]) for link in links.values() if link.agreed}
    expected_keys = [key for key in links if causes.get(key) != "booking_reversed"]  # other stories took some back

    assert run.counts.read_count == len(keys)
    assert run.counts.proven + run.counts.unchanged == len(expected_keys) > len(keys) // 2
    assert [key for key in keys if key not in links and not causes[key]] == []
    assert posted_sums(console, references) == expected_sums(console, kind, set(links))
    assert {len(reference) for reference in references} == {12}
    assert of_the_market(console).intersection(keys) <= links.keys()
    assert (second_run.counts.proven, second_run.counts.unchanged, console.writes()) == (0, len(expected_keys), before)


@pytest.mark.long
def test_a_posting_made_by_hand_is_recognised_once_a_person_says_so(console: Console) -> None:
    invoice = console.till_client.pay_rest(console.till_client.order("10011", relation="1004"), "PIN", 1695)
    number = next(row["invoiceNumber"] for row in till_rows(console, "invoice") if row["invoiceId"] == invoice)
    reference = f"MI{number['year'] - 2020}0000{number['number']:05}"
    by_hand = {
        "DJ_CODE": "700", "PAGE_NR": "2699001", "HDR_DESC": "Met de hand", "SUB_NR": "20004", "INV_NR": reference,
        "TRN_DATE": "2026-11-25T00:00:00", "PERIOD": 11, "CUR_CODE": "EUR",
    }  # fmt: skip
    console.sandbox.accountview.add("DJ_PAGE", by_hand)
    with as_postings(console, "invoice"):
        assert line(console, console.run("orders", invoice), invoice).cause == "reference_of_another"
        run = is_the_same(console, invoice)
        why = console.application.plans.explain_line(run.id, line(console, run, invoice).seq)

    assert line(console, run, invoice).cause == "already_in_target"
    assert len(console.rows("DJ_PAGE", INV_NR=reference)) == 1
    assert {answer.field for answer in why} >= {"posting.date", "line.amount"}


@pytest.mark.long
def test_books_that_compute_vat_themselves_are_reported_and_not_believed(
    console: Console, article: str, customer: str
) -> None:
    odd = next(price for price in range(1000, 1200) if computed_vat(price) != price - without_vat(price))
    order = console.till_client.order(article, relation=customer, lines=[console.till_client.line(article, price=odd)])
    invoice = console.till_client.pay_rest(order, "PIN", odd)
    with as_postings(console, "invoice"):
        console.sandbox.accountview.edit("conventions", "vat_amounts", {"value": "computed"})
        try:
            run = console.run("orders", invoice)
        finally:
            console.sandbox.accountview.edit("conventions", "vat_amounts", {"value": "kept"})

    assert (line(console, run, invoice).step, line(console, run, invoice).cause) == (Step.PARKED, "read_back_differs")


def without_vat(price: int) -> int:
    return int((Decimal(price) / Decimal("1.21")).quantize(Decimal(1), ROUND_HALF_UP))


def computed_vat(price: int) -> int:
    """Return the VAT that books compute from a price with VAT: rate times base."""
    return int((without_vat(price) * Decimal("0.21")).quantize(Decimal(1), ROUND_HALF_UP))


# ---- trade invoices, where the books have an object for them

INVOICES = {
    "objects.trade_invoices.code": "K9F", "objects.trade_invoices.table": "K9_INV",
    "objects.trade_invoices.detail": "K9_INVL",
}  # fmt: skip


@contextmanager
def as_invoices(console: Console) -> Iterator[None]:
    """Orders become trade invoices inside the block, in an object that a person named."""
    console.application.names.put(INVOICES, make_actor(WHO))
    try:
        with settings(console, "orders", orders="invoice"):
            yield
    finally:
        console.application.names.put(dict.fromkeys(INVOICES), make_actor(WHO))


def find_invoices(console: Console, order: str, ending: str = "") -> list[dict[str, Any]]:
    """Return the trade invoices of the books with our reference of an order."""
    return console.rows("K9_INV", COMMENT1=f"MP-{console.till_client.number(order)}{ending}")


def worth_of_invoice(console: Console, row: dict[str, Any]) -> Decimal:
    """Return the amount of a trade invoice; its prices include VAT."""
    assert row["GROSS_FLG"] is True
    lines = console.rows("K9_INVL", HDR_ID=row["REC_ID"])
    sums = (Decimal(line["ART_QTY"]) * Decimal(line["ART_PX"]) for line in lines)
    return sum(sums, Decimal(0)).quantize(CENTS)


@pytest.mark.long
def test_orders_become_trade_invoices_once_and_undo_credits_them(console: Console, article: str, customer: str) -> None:
    orders = [console.till_client.order(article, relation=customer, quantity=quantity) for quantity in (1, 3)]
    totals = {row["orderId"]: Decimal(row["totalInclAmount"]) / 100 for row in till_rows(console, "order")}
    with as_invoices(console):
        run = console.run("orders", *orders)
        before = console.writes()
        second_run = console.run("orders", *orders)
        invoices = [find_invoices(console, order) for order in orders]

        assert [line(console, run, order).step for order in orders] == [Step.PROVEN] * 2
        assert [len(rows) for rows in invoices] == [1, 1]
        assert [worth_of_invoice(console, row) for (row,) in invoices] == [totals[order] for order in orders]
        assert [find_orders(console, order) for order in orders] == [[], []]
        assert (second_run.counts.proven, second_run.counts.unchanged, console.writes()) == (0, 2, before)

        undone = console.commit(console.undo(run))
        credits_ = [find_invoices(console, order, "-C") for order in orders]

    assert undone.counts.proven == 2
    assert [worth_of_invoice(console, row) for (row,) in credits_] == [-totals[order] for order in orders]


@pytest.mark.long
def test_a_trade_invoice_is_known_before_and_after_it_is_printed_and_processed(
    console: Console, article: str, customer: str
) -> None:
    order = console.till_client.order(article, relation=customer)
    with as_invoices(console):
        console.run("orders", order)
        (row,) = find_invoices(console, order)
        assert "INV_NR" not in row

        console.sandbox.accountview.edit("K9_INV", row["REC_ID"], {"INV_NR": "2600000017"})
        assert console.run("orders", order).counts.unchanged == 1

        console.sandbox.accountview.invoice(row["REC_ID"], table="K9_INV")
        before = console.writes()
        assert console.run("orders", order).counts.unchanged == 1
        assert (find_invoices(console, order), console.writes()) == ([], before)


def test_a_trade_invoice_whose_answer_is_lost_is_found_and_not_made_again(
    console: Console, article: str, customer: str
) -> None:
    order = console.till_client.order(article, relation=customer)
    lost = console.sandbox.switches.armed(Fault.CUT_AFTER, system="accountview", operation="K9F POST", times=1)
    with as_invoices(console), lost:
        run = console.run("orders", order)

    assert line(console, run, order).step is Step.PROVEN
    assert len(find_invoices(console, order)) == 1


def test_without_an_object_nothing_can_become_a_trade_invoice(console: Console) -> None:
    with pytest.raises(ConfigurationError) as caught:
        console.application.flows.change("orders", {"orders": "invoice"}, make_actor(WHO))

    assert caught.value.facts["setting"] == "orders"
    assert console.application.flows.settings("orders").model_dump()["orders"] == "order"
