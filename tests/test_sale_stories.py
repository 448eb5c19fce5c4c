"""Sales with several documents: one story per test, on the whole application and both systems.

All stories share one shop. Each has documents of its own, and speaks of nothing else. What is asserted is how many
documents the books have of a sale, however it was set when each of its documents came.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from integration.core.days.report import DayReport, DayState
from integration.core.errors import PlanStaleError
from integration.core.records import Kind
from integration.core.run import Mode, Run
from integration.core.states import RunState, Step
from integration.sandbox.mplus.seed.days import BUSY
from tests.consoles import WHO, Console, open_application
from tests.flows.orders import oracle
from tests.people import make_actor
from tests.stores import stores_in

FLOW, DAYS = "orders", "days"
BRANCH, REVENUE, CARD, OPEN = "1", "8030", "1010", "1300"  # of a receipt that is entered late
LATE = Decimal("15.00")
NOTHING = {"orders": "nothing", "invoices": "nothing", "receipts": "nothing"}
TABLES = {
    "revenue_accounts": oracle.REVENUE,
    "balance_accounts": oracle.BALANCES,
    "vat_codes_sales": oracle.CODES,
}
PLACES = {"order": ("SO_HDR", "COMMENT1"), "invoice": ("K9_INV", "COMMENT1"), "posting": ("DJ_PAGE", "INV_NR")}
"""Kinds that a document may become, with the table in the books and its column of our reference."""
TRADE_INVOICES = {
    "objects.trade_invoices.code": "K9F", "objects.trade_invoices.table": "K9_INV",
    "objects.trade_invoices.detail": "K9_INVL",
}  # fmt: skip
DEBTOR = {"default_debtor": "forced", "debtor_number": "20001", "daybook": "700", "collective_account": "1300"}


@dataclass
class Sale:
    """One sale at the till: an order and its invoice or receipt."""

    order: str
    invoice: str = ""
    receipt: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the documents of this sale."""
        return tuple(filter(None, (self.order, self.invoice, self.receipt)))


class Shop:
    """One operator at one console, and the counter where sales are made."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.day = console.sandbox.shop.today - timedelta(days=BUSY + 3)
        self.article = next(
            row for row in console.sandbox.state("articles", "mplus")
            if row.get("extArticleId") and row["vatCode"] == 2 and row["priceIncl"] > 1000
        )  # fmt: skip

    def sale(self, kind: str) -> Sale:
        """Make a sale that becomes an invoice or a receipt."""
        number, price = str(self.article["articleNumber"]), int(self.article["priceIncl"])
        order = self.console.till_client.order(number)
        if kind == "invoice":
            return Sale(order, invoice=self.console.till_client.pay_rest(order, "PIN", price))
        return Sale(order, receipt=self.rung_up(price, [order]))

    def rung_up(self, price: int, orders: Sequence[str] = (), **values: Any) -> str:
        """Ring a bell up that is paid by card, of some orders, and return the receipt."""
        data = {"quantity": 1, "price": price, "vatCode": 2, "turnoverGroup": 40}
        number = int(self.article["articleNumber"])
        fields = {
            "orderIds": list(orders), "lineList": [{"articleNumber": number, "text": "Bel", "data": data}],
            "paymentList": {"payment": [{"method": "PIN", "amount": price}]}, **values,
        }  # fmt: skip
        return self.console.sandbox.till.add("receipts", fields)

    def enter_invoice(self, order: str) -> str:
        """Enter an invoice for all of an order that nobody has paid, and return it."""
        data = {"quantity": 1, "price": int(self.article["priceIncl"]), "vatCode": 2, "turnoverGroup": 40}
        line = {"articleNumber": int(self.article["articleNumber"]), "text": "Bel", "data": data}
        fields = {"orderIds": [order], "lineList": {"line": [line]}, "relationNumber": 1003}
        return self.console.sandbox.till.add("invoices", fields)

    @contextmanager
    def with_settings(self, **values: Any) -> Iterator[None]:
        """Use these settings inside the block; other kinds of documents are not read."""
        settings_store = stores_in(self.console.application).settings
        before = settings_store.get(f"flow:{FLOW}") or {}
        self.console.application.flows.change(FLOW, {**NOTHING, **DEBTOR, **values}, make_actor(WHO))
        try:
            yield
        finally:
            settings_store.put(f"flow:{FLOW}", before, WHO)

    def find_closed_day(self) -> DayReport:
        """Return a closed day that nobody has booked yet, and that no other story has."""
        while True:
            self.day -= timedelta(days=1)
            day = self.console.application.days.check(self.day, BRANCH)
            if day.state is DayState.CLOSED and day.expected:
                return day

    def enter_late_receipt(self, day: DayReport, order: str = "") -> Sale:
        """Enter a receipt on a day that is over, of an order where one is given."""
        receipt = self.rung_up(1815, [order] if order else [], financialDate=day.date.isoformat())
        return Sale(order, receipt=receipt)

    def page_of(self, day: DayReport) -> dict[str, Decimal]:
        """Return the totals by account of the booked pages of a day."""
        ours = f"MZ{day.date.year - 2020}{day.date:%m%d}{int(day.branch):03}"
        pages = {row["PAGE_NR"] for row in self.console.rows("DJ_PAGE") if str(row.get("INV_NR")).startswith(ours)}
        return account_totals(
            (row["ACCT_NR"], Decimal(row["AMOUNT"])) for row in self.console.rows("DJ_LINE") if row["PAGE_NR"] in pages
        )

    def booked_places(self, sale: Sale) -> list[str]:
        """Return how each document of a sale is booked, as the books show it."""
        places: list[str] = []
        for kind in (Kind.SALES_ORDER, Kind.POSTING):
            for link in stores_in(self.console.application).links.get(FLOW, kind, sale.keys).values():
                ours = str(link.agreed.values["reference"]) if link.agreed else ""
                matches = [
                    word for word, (table, column) in PLACES.items() for _ in self.console.rows(table, **{column: ours})
                ]
                assert len(matches) == 1, (ours, matches)
                places += matches
        return places

    def causes(self, run: Run, sale: Sale) -> dict[str, str]:
        """Return why documents of a sale are not booked by a run, by their keys."""
        lines = self.console.lines(run)
        return {key: lines[key].cause for key in sale.keys if key in lines and lines[key].cause}


def account_totals(pairs: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Return the totals by account, without accounts whose total is zero."""
    totals: dict[str, Decimal] = {}
    for account, amount in pairs:
        totals[account] = totals.get(account, Decimal(0)) + amount
    return {account: amount for account, amount in totals.items() if amount}


def expected_amounts(page: DayReport) -> dict[str, Decimal]:
    """Return the expected totals of a day by account, from the stored answers of the till."""
    return account_totals((line.account, line.amount) for line in page.expected)


def amount_changes(now: Mapping[str, Decimal], before: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return account_totals([*now.items(), *((account, -amount) for account, amount in before.items())])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose articles are at the till."""
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        console = Console(application)
        assert console.run("products").counts.proven > 20
        for name, rows in TABLES.items():
            application.rules.set_table(name, {**application.rules.tables().get(name, {}), **rows}, WHO)
        application.names.put(TRADE_INVOICES, make_actor(WHO))
        application.setup.choose({FLOW: 4, DAYS: 5}, make_actor(WHO))
        application.setup.accept(make_actor(WHO))
        application.flows.change(DAYS, {"collective_debtor": "20001", "down_payments_account": "1575"}, make_actor(WHO))
        yield Shop(console)


BECOMES = tuple(PLACES)
FEW = {("order", "posting", "invoice"), ("posting", "order", "receipt")}
"""Each thing that a document may become, first and later, with each kind that comes later; the others are long."""
WAYS = [
    pytest.param(*way, marks=() if way in FEW else pytest.mark.long)
    for way in product(BECOMES, BECOMES, ("invoice", "receipt"))
]
RECEIPT = pytest.param("receipt", marks=pytest.mark.long)  # of which the same holds as of an invoice


@pytest.mark.parametrize(("first", "then", "later"), WAYS)
def test_a_sale_is_booked_once_whatever_is_switched_on_after_it(shop: Shop, first: str, then: str, later: str) -> None:
    sale = shop.sale(later)
    with shop.with_settings(orders=first):
        assert shop.console.run(FLOW, *sale.keys).counts.proven == 1
    with shop.with_settings(orders=first, **{f"{later}s": then}):
        run = shop.console.run(FLOW, *sale.keys)
    assert shop.booked_places(sale) == [first]
    assert (run.counts.read_count, run.counts.unchanged, run.counts.skipped) == (2, 1, 1)
    assert shop.causes(run, sale) == {sale.keys[1]: "sale_booked"}


@pytest.mark.parametrize(("first", "then", "later"), WAYS)
def test_a_sale_is_booked_once_when_orders_are_switched_on_last(shop: Shop, first: str, then: str, later: str) -> None:
    sale = shop.sale(later)
    with shop.with_settings(**{f"{later}s": first}):
        assert shop.console.run(FLOW, *sale.keys).counts.proven == 1
    with shop.with_settings(orders=then, **{f"{later}s": first}):
        sale_run = shop.console.run(FLOW, *sale.keys)
    with shop.with_settings(orders=then):
        alone = shop.console.run(FLOW, *sale.keys)
    assert shop.booked_places(sale) == [first]
    assert (sale_run.counts.unchanged, sale_run.counts.skipped) == (1, 1)
    assert shop.causes(sale_run, sale) == shop.causes(alone, sale) == {sale.order: "sale_booked"}


@pytest.mark.parametrize(
    ("later", "becomes"),
    [
        ("invoice", "order"),
        pytest.param("receipt", "posting", marks=pytest.mark.long),
        pytest.param("invoice", "posting", marks=pytest.mark.long),
        pytest.param("receipt", "order", marks=pytest.mark.long),
    ],
)
def test_of_a_sale_that_is_read_whole_the_order_is_booked_and_the_rest_goes_with_it(
    shop: Shop, later: str, becomes: str
) -> None:
    sale = shop.sale(later)
    with shop.with_settings(orders=becomes, **{f"{later}s": "posting"}):
        run = shop.console.run(FLOW, *sale.keys)
        second_run = shop.console.run(FLOW, *sale.keys)
    assert shop.booked_places(sale) == [becomes]
    assert (run.counts.proven, run.counts.skipped) == (1, 1)
    assert shop.causes(run, sale) == {sale.keys[1]: "sale_planned"}
    assert shop.causes(second_run, sale) == {sale.keys[1]: "sale_booked"}


@pytest.mark.parametrize(
    ("before", "after", "later"),
    [
        ("posting", "order", "receipt"),
        *(
            pytest.param(first, second, later, marks=pytest.mark.long)
            for first, second, later in product(BECOMES, BECOMES, ("invoice", "receipt"))
            if first != second and (first, second, later) != ("posting", "order", "receipt")
        ),
    ],
)
def test_a_document_that_would_become_something_else_by_now_stays_what_it_is(
    shop: Shop, later: str, before: str, after: str
) -> None:
    for place, kind in enumerate(("order", later)):
        lone = shop.sale(later)
        key = lone.keys[place]
        with shop.with_settings(**{f"{kind}s": before}):
            assert shop.console.run(FLOW, key).counts.proven == 1
        with shop.with_settings(**{f"{kind}s": after}):
            run = shop.console.run(FLOW, key)
            findings = shop.console.application.connections.check("accountview")
        assert "prefix_in_use" not in {finding.cause for finding in findings}  # all of it is ours
        assert shop.booked_places(lone) == [before]
        assert (run.counts.unchanged, run.counts.planned, run.counts.proven) == (1, 0, 0)


def test_an_order_booked_before_and_changed_at_the_till_is_a_question_whatever_orders_become_now(shop: Shop) -> None:
    order = shop.console.till_client.order(str(shop.article["articleNumber"]))
    with shop.with_settings(orders="order"):
        assert shop.console.run(FLOW, order).counts.proven == 1
    shop.console.till_client.change(order, str(shop.article["articleNumber"]), 3)
    with shop.with_settings(orders="posting"):
        run = shop.console.run(FLOW, order)
    assert shop.causes(run, Sale(order)) == {order: "document_changed_after_booking"}
    assert shop.booked_places(Sale(order)) == ["order"]


@pytest.mark.parametrize("later", ["invoice", RECEIPT])
def test_what_comes_later_waits_while_its_order_is_parked_and_goes_with_it_afterwards(shop: Shop, later: str) -> None:
    sale = shop.sale(later)
    nobody = {"default_debtor": "off"}
    with shop.with_settings(orders="order", **{f"{later}s": "posting"}, **nobody):
        parked = shop.console.run(FLOW, *sale.keys)
        assert parked.counts.parked == 2
        assert shop.causes(parked, sale)[sale.keys[1]] == "sale_waits"
    with shop.with_settings(orders="order", **{f"{later}s": "posting"}):
        alone = shop.console.run(FLOW, sale.keys[1])  # its order is parked still
        assert shop.causes(alone, sale) == {sale.keys[1]: "sale_waits"}
        shop.console.run(FLOW, *sale.keys)
    assert shop.booked_places(sale) == ["order"]
    assert not shop.console.waits(FLOW, "sale_waits").intersection(sale.keys)


@pytest.mark.parametrize("later", ["invoice", RECEIPT])
def test_what_comes_later_is_booked_where_its_order_is_left_out_and_never_again_when_that_ends(
    shop: Shop, later: str
) -> None:
    sale = shop.sale(later)
    kinds = {"orders": "order", f"{later}s": "posting"}
    with shop.with_settings(**kinds, delivery=["partial"]):
        run = shop.console.run(FLOW, *sale.keys)
        assert (run.counts.proven, run.counts.skipped) == (1, 1)
    with shop.with_settings(**kinds):
        after = shop.console.run(FLOW, *sale.keys)
    assert shop.causes(after, sale) == {sale.order: "sale_booked"}
    assert shop.booked_places(sale) == ["posting"]


def test_of_two_plans_that_wait_with_the_same_sale_that_of_the_settings_in_force_is_written(shop: Shop) -> None:
    sale = shop.sale("invoice")
    with shop.with_settings(invoices="posting"):
        of_invoice = shop.console.preview(FLOW, sale.invoice)
    assert of_invoice.state is RunState.READY
    with shop.with_settings(orders="order"):
        of_order = shop.console.preview(FLOW, sale.order)
        with pytest.raises(PlanStaleError, match="basis_changed_since"):
            shop.console.commit(of_invoice)
        assert shop.console.commit(of_order).counts.proven == 1
    assert shop.booked_places(sale) == ["order"]


def test_an_invoice_waits_while_a_plan_with_its_order_waits(shop: Shop) -> None:
    sale = shop.sale("invoice")
    with shop.with_settings(orders="order", invoices="posting"):
        waiting = shop.console.preview(FLOW, sale.order)
        run = shop.console.run(FLOW, sale.invoice)
        assert shop.causes(run, sale) == {sale.invoice: "sale_waits"}
        shop.console.commit(waiting)
        run = shop.console.retry(FLOW, "sale_waits")
    assert shop.causes(run, sale)[sale.invoice] == "sale_booked"
    assert shop.booked_places(sale) == ["order"]


@pytest.mark.long
def test_with_three_kinds_switched_on_at_once_every_record_read_is_accounted_for(shop: Shop) -> None:
    with shop.with_settings(orders="order", invoices="posting", receipts="posting", most=10_000):
        run = shop.console.run(FLOW, mode=Mode.COMPLETE)
        second_run = shop.console.run(FLOW, mode=Mode.COMPLETE)
    tables = ("orders", "invoices", "receipts")
    document_count = sum(len(shop.console.sandbox.state(table, "mplus")) for table in tables)
    for current_run in (run, second_run):
        assert (current_run.counts.read_count, current_run.counts.difference) == (document_count, 0)
    assert run.counts.proven > 20
    assert second_run.counts.proven == 0
    twice = [row for row in shop.console.lines(second_run).values() if row.step is Step.PROVEN]
    assert twice == []


@pytest.mark.long
def test_what_would_take_part_is_reported_every_kind_that_is_switched_on(shop: Shop) -> None:
    with shop.with_settings(orders="order", invoices="posting", receipts="posting"):
        sifted = shop.console.application.flows.preview_filters(FLOW, {})
        alone = shop.console.application.flows.preview_filters(FLOW, {"invoices": "nothing", "receipts": "nothing"})
    tables = ("orders", "invoices", "receipts")
    counts = {table: len(shop.console.sandbox.state(table, "mplus")) for table in tables}
    assert sifted.included + sifted.excluded == sum(counts.values())
    assert alone.included + alone.excluded == counts["orders"]


@pytest.mark.long
def test_a_kind_that_is_switched_on_later_closes_nothing_of_the_others(shop: Shop) -> None:
    kinds = {"invoices": "posting", "most": 1}
    with shop.with_settings(**kinds):
        shop.console.run(FLOW, mode=Mode.CHANGES)
    sale = shop.sale("invoice")
    with shop.with_settings(**kinds, default_debtor="off"):
        assert shop.console.run(FLOW, sale.invoice).counts.parked == 1
    assert sale.invoice in shop.console.waits(FLOW, "customer_missing")
    with shop.with_settings(orders="order", **kinds):
        run = shop.console.preview(FLOW, mode=Mode.CHANGES)
        planned_keys = set(shop.console.lines(run))
        shop.console.application.runs.discard(run.id, WHO)
    assert run.mode is Mode.CHANGES
    assert sale.invoice in planned_keys | shop.console.waits(FLOW, "customer_missing")


@pytest.mark.parametrize("with_both", [True, pytest.param(False, marks=pytest.mark.long)])
def test_of_an_order_that_takes_no_part_the_invoice_and_the_receipt_are_not_both_booked_whole(
    shop: Shop, *, with_both: bool
) -> None:
    order = shop.console.till_client.order(str(shop.article["articleNumber"]))
    receipt = shop.rung_up(int(shop.article["priceIncl"]), [order])
    sale = Sale(order, shop.enter_invoice(order), receipt)
    with shop.with_settings(invoices="posting", receipts="posting"):
        if not with_both:
            assert shop.console.run(FLOW, sale.receipt).counts.proven == 1
        run = shop.console.run(FLOW, sale.invoice, sale.receipt)
        second_run = shop.console.run(FLOW, sale.invoice, sale.receipt)
    assert shop.booked_places(sale) == ["posting"]
    waits = sale.receipt if with_both else sale.invoice
    assert shop.causes(run, sale) == {waits: "sale_waits" if with_both else "sale_beyond_order"}
    assert shop.causes(second_run, sale) == {waits: "sale_beyond_order"}


# ---- and days


def test_a_receipt_booked_by_itself_is_outside_its_day_which_settles_what_it_left_open(shop: Shop) -> None:
    day = shop.find_closed_day()
    sale = shop.enter_late_receipt(day)
    with shop.with_settings(receipts="posting"):
        assert shop.console.run(FLOW, *sale.keys).counts.proven == 1
    assert shop.console.run(DAYS, day.key).counts.proven == 1
    assert amount_changes(shop.page_of(day), expected_amounts(day)) == {CARD: Decimal("18.15"), OPEN: Decimal("-18.15")}
    with shop.with_settings(receipts="posting"):
        assert shop.console.run(FLOW, *sale.keys).counts.unchanged == 1
    assert shop.console.run(DAYS, day.key).counts.unchanged == 1


def test_a_receipt_that_stands_in_a_booked_day_is_never_booked_by_itself(shop: Shop) -> None:
    day = shop.find_closed_day()
    sale = shop.enter_late_receipt(day)
    assert shop.console.run(DAYS, day.key).counts.proven == 1
    assert amount_changes(shop.page_of(day), expected_amounts(day))[REVENUE] == -LATE
    with shop.with_settings(receipts="posting"):
        run = shop.console.run(FLOW, *sale.keys)
    assert shop.causes(run, sale) == {sale.receipt: "sale_in_day"}
    assert shop.booked_places(sale) == []


@pytest.mark.parametrize("first", ["day", pytest.param("receipt", marks=pytest.mark.long)])
def test_of_a_day_and_its_receipt_in_two_plans_that_wait_one_is_written(shop: Shop, first: str) -> None:
    day = shop.find_closed_day()
    sale = shop.enter_late_receipt(day)
    of_day = shop.console.preview(DAYS, day.key)
    with shop.with_settings(receipts="posting"):
        of_receipt = shop.console.preview(FLOW, *sale.keys)
        plans = [of_day, of_receipt] if first == "day" else [of_receipt, of_day]
        assert shop.console.commit(plans[0]).counts.proven == 1
        second = shop.console.commit(plans[1])
    assert (second.counts.proven, second.counts.parked) == (0, 1)
    assert {row.cause for row in shop.console.lines(second).values()} & {"sale_in_day", "day_document_booked"}
    assert shop.booked_places(sale) == ([] if first == "day" else ["posting"])
    if first == "receipt":
        assert shop.console.run(DAYS, day.key).counts.proven == 1
        assert REVENUE not in amount_changes(shop.page_of(day), expected_amounts(day))


@pytest.mark.parametrize("first", ["day", pytest.param("order", marks=pytest.mark.long)])
def test_an_order_that_was_rung_up_in_a_day_is_booked_in_one_of_the_two(shop: Shop, first: str) -> None:
    day = shop.find_closed_day()
    number, till = str(shop.article["articleNumber"]), shop.console.till_client
    order = till.order(number, lines=[till.line(number, price=1815)])
    sale = shop.enter_late_receipt(day, order)
    with shop.with_settings(orders="order"):
        if first == "order":
            assert shop.console.run(FLOW, order).counts.proven == 1
        assert shop.console.run(DAYS, day.key).counts.proven == 1
        run = shop.console.run(FLOW, order)
    if first == "day":
        assert shop.causes(run, sale) == {order: "sale_in_day"}
        assert amount_changes(shop.page_of(day), expected_amounts(day))[REVENUE] == -LATE
    else:
        assert run.counts.unchanged == 1
        assert amount_changes(shop.page_of(day), expected_amounts(day)) == {
            CARD: Decimal("18.15"),
            OPEN: Decimal("-18.15"),
        }
    assert shop.booked_places(sale) == ([] if first == "day" else ["order"])


def decide(shop: Shop, flow: str, cause: str, key: str, option: str) -> None:
    """Decide about one record that waits for a cause."""
    exceptions = shop.console.application.exceptions
    issues = [
        open_issue
        for group in exceptions.groups(flow)
        if group.cause == cause
        for open_issue in exceptions.issues_of(group.group_key)
    ]
    exceptions.decide(
        flow, [open_issue for open_issue in issues if open_issue.issue.key == key], option, make_actor(WHO)
    )


def test_the_invoice_of_an_order_that_was_rung_up_in_a_day_is_booked_once_a_person_says_it_is_a_sale(
    shop: Shop,
) -> None:
    day = shop.find_closed_day()
    sale = shop.enter_late_receipt(day, shop.console.till_client.order(str(shop.article["articleNumber"])))
    assert shop.console.run(DAYS, day.key).counts.proven == 1
    invoice = Sale("", shop.enter_invoice(sale.order))
    with shop.with_settings(invoices="posting"):
        run = shop.console.run(FLOW, invoice.invoice)
        assert shop.causes(run, invoice) == {invoice.invoice: "sale_beyond_order"}
        decide(shop, FLOW, "sale_beyond_order", invoice.invoice, "beside")
        assert shop.console.run(FLOW, invoice.invoice).counts.proven == 1
        assert shop.console.run(FLOW, invoice.invoice).counts.unchanged == 1
    assert shop.booked_places(invoice) == ["posting"]
    assert invoice.invoice not in shop.console.waits(FLOW, "sale_beyond_order")


def test_a_day_with_a_receipt_of_an_invoiced_order_is_booked_once_a_person_says_so(shop: Shop) -> None:
    day = shop.find_closed_day()
    order = shop.console.till_client.order(str(shop.article["articleNumber"]))
    invoice = Sale("", shop.enter_invoice(order))
    with shop.with_settings(invoices="posting"):
        assert shop.console.run(FLOW, invoice.invoice).counts.proven == 1
    shop.enter_late_receipt(day, order)
    assert shop.console.lines(shop.console.run(DAYS, day.key))[day.key].cause == "day_sale_elsewhere"
    decide(shop, DAYS, "day_sale_elsewhere", day.key, "beside")
    assert shop.console.run(DAYS, day.key).counts.proven == 1
    assert amount_changes(shop.page_of(day), expected_amounts(day))[REVENUE] == -LATE
    assert shop.console.run(DAYS, day.key).counts.unchanged == 1
