"""Random histories of payments in both systems, with killed consoles and lost answers, and their expected rows.

The second opinion reads the tables of both systems alone. A debtor owes what was sold to it, less what the cashier's
payments took off where these are booked; the till has one payment from the books at most, of what was open.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from integration.core.errors import IntegrationError
from integration.core.issues import CauseGroup, OpenIssue
from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState
from integration.sandbox.faults import ErrorAnswer, Fault
from integration.sandbox.server import Sandbox, running
from integration.services.connections.sandbox_host import OBJECTS, WAREHOUSES
from tests.bookkeeping_shop import TABLES
from tests.flows.days.example import sales_line
from tests.people import make_actor
from tests.runner.processes import CommandedConsole
from tests.sandbox.soap_client import RawClient, tags
from tests.till_client import TillClient

WHO, METHOD, ARTICLES = make_actor("operator"), "IDEAL", 60
SALES, BANK, CASH, MEMORIAL, RECEIVABLES, COSTS = "700", "200", "100", "600", "1300", "4410"
PATIENCE = 1.5  # seconds; longer than any delay here
CHANGED = "document_changed_after_booking"
IN_DOUBT = ("never_answered", "read_back_missing")
FAULTS = (None, None, Fault.CUT_AFTER, Fault.CUT_BEFORE, Fault.GARBAGE, Fault.ERROR_AFTER, Fault.ERROR_BEFORE)
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "document": {"invoices": "posting", "payments_of_invoices": "document"},
    "not": {"invoices": "posting", "payments_of_invoices": "not"},
    "day": {"invoices": "posting", "payments_of_invoices": "day"},
    "order": {"orders": "order"},
    "posted order": {"orders": "posting", "payments_of_orders": "not"},
    "trade invoice": {"invoices": "invoice"},
}
"""Settings for the booking of documents and their payments."""


@dataclass
class Sale:
    """One document of a customer of its own."""

    key: str
    customer: str
    cents: int
    item: tuple[str, str] | None = None  # debtor and number of its latest posting
    pages: list[tuple[str, int]] = field(default_factory=list)  # of the bank, with the cents for this sale
    cashier: list[tuple[str, int]] = field(default_factory=list)  # payments at the counter
    dated: int = 0  # payments that are on a closed day
    is_elsewhere: bool = False  # something came in under the number of an earlier booking, where a person moves it
    steps: list[str] = field(default_factory=list)


class Histories:
    """A shop in which random things happen to sales."""

    def __init__(self, sandbox: Sandbox, console: CommandedConsole, seed: int, *, with_people: bool) -> None:
        self.sandbox = sandbox
        self.console = console
        self.counter = TillClient(sandbox)
        self.random = Random(seed)  # noqa: S311 - no secret: the same histories for a seed
        self.people = Random(seed) if with_people else None  # noqa: S311 - another one, so that the rest stays the same
        self.day = sandbox.shop.today - timedelta(days=3)
        self.told: Counter[str] = Counter()

    # ---- the console

    def preview(self, flow: str, *keys: str) -> Run:
        mode = Mode.CHOSEN if keys else Mode.COMPLETE
        return self.console.rests(self.console.ask("runs.preview", PreviewRequest(flow, WHO, mode, keys)))

    def commit(self, run: Run, *, killed: bool = False) -> Run:
        if run.state is not RunState.READY:
            return run
        confirmed = {brake.code: brake.count for brake in run.brakes}
        self.console.ask("runs.commit", run.id, Approval(run.mark, WHO.ref, confirmed=confirmed))
        if killed:
            time.sleep(self.random.random() / 2)
            self.console.kill()
            self.told["killed"] += 1
            self.console.start()
        return self.console.rests(run.id)

    def issues(self, flow: str) -> Iterator[tuple[CauseGroup, OpenIssue]]:
        for group in self.console.ask("exceptions.groups", flow):
            for issue in self.console.ask("exceptions.issues_of", group.group_key):
                yield group, issue

    # ---- the till

    def documents(self, sale: Sale) -> Mapping[str, Any]:
        table, key = ("invoices", "invoiceId")
        rows = [row for row in self.sandbox.state(table, "mplus") if row[key] == sale.key]
        rows += [row for row in self.sandbox.state("orders", "mplus") if row["orderId"] == sale.key]
        return rows[0]

    def sell(self, serial: int, *, as_order: bool) -> Sale:
        cents, name = self.random.choice([12100, self.random.randrange(300, 99_999)]), f"Klant {serial:04}"
        relation = self.counter.customer(name, f"klant{serial}@betaalt.example")
        line = sales_line("Stadsfiets", 10, 2, cents)
        if as_order:
            return Sale(self.counter.order("", relation=relation, lines=[line]), name, cents)
        before = {row["invoiceId"] for row in self.sandbox.state("invoices", "mplus")}
        self.sandbox.till.add("invoices", {"relationNumber": int(relation), "lineList": {"line": [line]}})
        (key,) = {row["invoiceId"] for row in self.sandbox.state("invoices", "mplus")} - before
        return Sale(key, name, cents)

    def open_at_the_till(self, sale: Sale) -> int:
        row = self.documents(sale)
        return int(sale.cents - row["prepaidAmount"] if "prepaidAmount" in row else sale.cents - row["paidAmount"])

    def at_the_counter(self, sale: Sale, cents: int) -> None:
        method = self.random.choice(["PIN", METHOD])
        if cents == self.open_at_the_till(sale):
            method = "PIN"  # the same payment by the method of the flow counts as entered by hand for the books
        if "prepaidAmount" in self.documents(sale):
            self.counter.pay_in_advance(sale.key, method, cents)
        else:
            payment = tags(payment=tags(method=method, amount=cents))
            reply = RawClient(self.sandbox.mplus_url).ask("payInvoice", tags(invoiceId=sale.key, paymentList=payment))
            assert reply.text("result").endswith("-OK"), reply.raw
        sale.cashier.append((method, cents))

    def payments(self, sale: Sale) -> list[dict[str, Any]]:
        return list((self.documents(sale).get("paymentList") or {}).get("payment", []))

    def from_the_books(self, sale: Sale) -> list[tuple[str, int]]:
        """Return the payments at the till that nobody made at the counter."""
        remaining = [(payment["method"], payment["amount"]) for payment in self.payments(sale)]
        for payment in sale.cashier:
            remaining.remove(payment)
        return remaining

    # ---- the books

    def ledger(self, sale: Sale) -> Counter[str]:
        """Return the cents on the debtor of a sale: `left` in all, and by `sold`, `day`, `received` and `other`."""
        days = {str(row["PAGE_NR"]) for row in self._rows("DJ_PAGE") if str(row.get("INV_NR") or "").startswith("MZ")}
        debtor, totals = self._debtor(sale), Counter[str]()
        for row in self._rows("TRANSACT"):
            if debtor and str(row.get("SUB_NR") or "") == debtor:
                daybook, page = str(row["DJ_CODE"]), str(row["PAGE_NR"])
                received = "received" if daybook in (BANK, CASH) else "other"
                name = "sold" if daybook == SALES else "day" if page in days else received
                for bucket in (name, "left"):
                    totals[bucket] += int(Decimal(row["AMOUNT"]) * 100)
        return totals

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return list(self.sandbox.state(table))

    def _debtor(self, sale: Sale) -> str:
        return next((str(row["SUB_NR"]) for row in self._rows("CONTACT") if row["ACCT_NAME"] == sale.customer), "")

    def see_item(self, sale: Sale) -> None:
        debtor = self._debtor(sale)
        pages = [row for row in self._rows("DJ_PAGE") if debtor and str(row.get("SUB_NR") or "") == debtor]
        numbers = [str(row["INV_NR"]) for row in pages if str(row["DJ_CODE"]) == SALES]
        item = (debtor, numbers[-1]) if numbers else None
        if sale.item not in (None, item) and {"received", "other"} & self.ledger(sale).keys():
            sale.is_elsewhere = True
        sale.item = item

    def bank(self, several: Sequence[tuple[Sale, int]], day: str = "") -> None:
        """Book receipts of several sales on one page."""
        before = {str(row["PAGE_NR"]) for row in self._rows("DJ_PAGE")}
        lines = [{**self._line(sale, cents), "TRN_DESC": "Ontvangst"} for sale, cents in several]
        page = {"DJ_CODE": self.random.choice([BANK, BANK, CASH]), "HDR_DESC": "Afschrift"}
        self.sandbox.accountview.book(page | ({"TRN_DATE": f"{day}T00:00:00"} if day else {}), lines)
        (page_number,) = {str(row["PAGE_NR"]) for row in self._rows("DJ_PAGE")} - before
        for sale, cents in several:
            sale.pages.append((page_number, cents))

    def memorial(self, sale: Sale, cents: int) -> None:
        other = {"ACCT_NR": COSTS, "AMOUNT": str(Decimal(-cents).scaleb(-2))}
        self.sandbox.accountview.book({"DJ_CODE": MEMORIAL}, [self._line(sale, cents), other])

    def _line(self, sale: Sale, cents: int) -> dict[str, str]:
        assert sale.item is not None
        amount = str(Decimal(cents).scaleb(-2))
        return {"ACCT_NR": RECEIVABLES, "AMOUNT": amount, "SUB_NR": sale.item[0], "INV_NR": sale.item[1]}

    # ---- what happens

    def happen(self, sale: Sale, sales: Sequence[Sale]) -> None:
        """Apply one possible event to a sale."""
        books_open, till_open = self.ledger(sale)["left"] if sale.item else 0, self.open_at_the_till(sale)
        counter: Mapping[str, Callable[[], object]] = {
            "part at the counter": lambda: self.at_the_counter(sale, till_open // 2 or till_open),
            "rest at the counter": lambda: self.at_the_counter(sale, till_open),
        }
        owing: Mapping[str, Callable[[], object]] = {
            "part": lambda: self.bank([(sale, books_open // 2 or books_open)]),
            "rest": lambda: self.bank([(sale, books_open)]),
            "rest, dated long ago": lambda: self.bank([(sale, books_open)], "2026-06-30"),
            "too much": lambda: self.bank([(sale, books_open + self.random.randrange(1, 3000))]),
            "several on a page": lambda: self.bank(self._open_sales(sale, sales)),
            "written off": lambda: self.memorial(sale, -(books_open // 2 or books_open)),
        }
        credit: Mapping[str, Callable[[], object]] = {
            "repaid": lambda: self.bank([(sale, books_open)]), "moved away": lambda: self.memorial(sale, -books_open),
        }  # fmt: skip
        received: Mapping[str, Callable[[], object]] = {
            "charged back": lambda: self.bank([(sale, -sale.pages[-1][1])]),
            "page deleted": lambda: self._delete(sales, sale),
            "page moved to another year": lambda: self.bank(self._delete(sales, sale), "2025-12-30"),
        }
        offered = dict(counter if till_open > 0 else {})
        offered |= (owing if books_open > 0 else credit if books_open < 0 else {}) if sale.item else {}
        offered |= received if sale.pages else {}
        if offered:
            name = self.random.choice(list(offered))
            offered[name]()
            sale.steps.append(name)

    def _open_sales(self, sale: Sale, sales: Sequence[Sale]) -> list[tuple[Sale, int]]:
        others = [
            other for other in self.random.sample(list(sales), min(3, len(sales))) if other is not sale and other.item
        ]
        balances = [(other, self.ledger(other)["left"]) for other in (*others, sale)]
        return [(other, cents) for other, cents in balances if cents > 0]

    def _delete(self, sales: Sequence[Sale], sale: Sale) -> list[tuple[Sale, int]]:
        page = self.random.choice(sale.pages)[0]
        self.sandbox.accountview.remove("DJ_PAGE", page)
        removed_amounts = [(other, cents) for other in sales for number, cents in other.pages if number == page]
        for other in sales:
            other.pages = [entry for entry in other.pages if entry[0] != page]
        return removed_amounts

    # ---- the flows

    def orders(self, sales: Sequence[Sale]) -> None:
        """Book new sales, and credit and rebook changed ones by the decision of a person."""
        keys = {sale.key for sale in sales}
        for group, issue in list(self.issues("orders")):
            if group.cause == CHANGED and issue.issue.key in keys:
                self.console.ask("exceptions.decide", "orders", [issue], "again", WHO)
        self.commit(self.preview("orders", *sorted(keys)))
        for sale in sales:
            self.see_item(sale)

    def pay(self, sales: Sequence[Sale]) -> None:
        """Send booked payments to the till while records change, answers get lost and consoles are killed."""
        run = self.preview("payments")
        if self.people and self.people.random() < 0.3:
            run = self.change_settings(run)
        if self.random.random() < 0.4:
            for sale in self.random.sample(list(sales), max(1, len(sales) // 4)):
                self.happen(sale, sales)
        fault, answer = self.random.choice(FAULTS), self.random.choice(list(ErrorAnswer))
        if fault is not None:
            self.told[fault] += 1
            self.sandbox.switches.arm(fault, system="mplus", operation="payInvoice", seconds=0.4, answer=answer)
        self.commit(run, killed=self.random.random() < 0.3)
        self.sandbox.switches.disarm()

    def change_settings(self, run: Run) -> Run:
        """Change the settings between plan and commit: the plan is refused. Return a plan with the former settings."""
        self.console.ask("flows.change", "payments", {"method": "PIN"}, WHO)
        if run.state is RunState.READY:
            with pytest.raises(IntegrationError, match="basis_changed_since"):
                self.commit(run)
            self.told["refused"] += 1
        self.console.ask("flows.change", "payments", {"method": METHOD}, WHO)
        return self.preview("payments")

    def close(self, sales: Sequence[Sale]) -> None:
        """Give new payments the date of a closed day, and book that day."""
        self.day -= timedelta(days=1)
        on = dict(zip(("year", "mon", "day"), (self.day.year, self.day.month, self.day.day), strict=True))
        before = {sale.key: sale.dated for sale in sales}
        for sale in sales:
            payments = self.payments(sale)
            dated = [*payments[: sale.dated], *({**payment, "financialDate": on} for payment in payments[sale.dated :])]
            if len(payments) > sale.dated:
                self.sandbox.till.edit("invoices", sale.key, {"paymentList": {"payment": dated}})
                sale.dated = len(payments)
        if not self.commit(self.preview("days", f"{self.day}/1")).counts.proven:  # that day of the shop waits
            for sale in sales:
                sale.dated = before[sale.key]

    def settle(self, sales: Sequence[Sale], mode: str) -> None:
        """Run every flow until no plan has changes, and answer each question in doubt from the rows of the till."""
        time.sleep(PATIENCE)
        self.commit(self.preview("payments"))
        by_key = {sale.key: sale for sale in sales}
        for group, issue in list(self.issues("payments")):
            sale = by_key.get(issue.issue.key.rpartition("/")[2])
            if group.cause in IN_DOUBT and sale is not None:
                number = sale.key if self.from_the_books(sale) else None
                if self.people and self.people.random() < 0.5:
                    number = None  # a person who did not look; the next plan finds the payment at the till
                self.console.ask("exceptions.answer", issue, number, WHO)
        self.commit(self.preview("payments"))
        while mode == "day" and any(sale.dated < len(self.payments(sale)) for sale in sales):
            self.close(sales)
        self.orders(sales)
        self.commit(self.preview("payments"))

    def live(self, mode: str, serial: int, size: int) -> list[Sale]:
        """Return sales with a random history."""
        kinds = dict.fromkeys(("orders", "invoices", "receipts"), "nothing")
        self.console.ask("flows.change", "orders", {**kinds, **SETTINGS[mode]}, WHO)
        sales = [self.sell(serial + place, as_order="orders" in SETTINGS[mode]) for place in range(size)]
        for sale in sales:
            if self.random.random() < 0.35:
                self.at_the_counter(sale, sale.cents // 2)
        self.orders(sales)
        for _ in range(self.random.randrange(1, 5)):
            for sale in sales:
                for _ in range(self.random.randrange(3)):
                    self.happen(sale, sales)
            turns = [self.pay, self.orders, *([self.close] if mode == "day" else [])]
            self.random.shuffle(turns)
            for turn in turns:
                turn(sales)
                for sale in sales:
                    sale.steps.append(turn.__name__)
        self.settle(sales, mode)
        return sales

    # ---- the second opinion

    def faults_of(self, sales: Sequence[Sale], mode: str) -> list[str]:
        """Return the faults of sales at the end of their history, judged by the rows of both systems alone."""
        causes = {
            issue.issue.key.rpartition("/")[2].partition("#")[0]: group.cause
            for flow in ("payments", "orders")
            for group, issue in self.issues(flow)
        }
        faults: list[str] = []
        for sale in sales:
            wrong = self._sale_faults(sale, mode, causes.get(sale.key, ""))
            faults += [f"{fault}: {sale} {dict(self.ledger(sale))} {causes.get(sale.key)}" for fault in wrong]
        return faults

    def _sale_faults(self, sale: Sale, mode: str, question: str) -> Iterator[str]:
        books, till_open, book_payments = self.ledger(sale), self.open_at_the_till(sale), self.from_the_books(sale)
        counter = sum(cents for _, cents in sale.cashier)
        if len(book_payments) > 1 or till_open < 0:
            yield "paid twice"
        if book_payments and mode not in ("document", "not", "day"):
            yield "paid, although the books keep no item of it"
        if mode not in ("document", "not", "day"):
            return
        booked = {"document": (sale.cents - counter, 0), "not": (sale.cents, 0), "day": (sale.cents, -counter)}[mode]
        elsewhere = counter if mode == "not" else 0  # the books do not know of these payments
        if not question and (books["sold"], books["day"]) != booked:
            yield f"booked otherwise than {booked}"
        if not question and book_payments and books["left"] > elsewhere:
            yield "paid at the till, open in the books, and nobody is asked"
        if not question and not book_payments and books["left"] == 0 < till_open and not sale.is_elsewhere:
            yield "lost"
        if book_payments and till_open:
            yield "paid in part"
        # A cashier's payment that the books lack is a question, even if nothing is open: the customer paid twice.
        if question and books["left"] == till_open == 0 and (books["sold"], books["day"]) == booked:
            yield "a question about what is settled on both sides"


@contextmanager
def shop(folder: Path, seed: int, *, with_people: bool = False) -> Iterator[Histories]:
    """Open a shop with a console process of its own.

    `with_people` adds people who change settings between plan and commit, and who answer a question wrongly.
    """
    with running(articles=ARTICLES) as sandbox:
        console = CommandedConsole(sandbox, folder, patience_seconds=PATIENCE)
        console.start()
        try:
            ask = console.ask
            ask("access.keep", "accountview", {"warehouses": WAREHOUSES}, WHO.ref)
            ask("names.put", OBJECTS, WHO)
            ask("proposals.fill", WHO.ref)
            ask("setup.choose", {"days": 5}, WHO)
            ask("setup.accept", WHO)
            ask("flows.change", "days", {"down_payments_account": "1575", "collective_debtor": "20002"}, WHO)
            for name, rows in TABLES.items():
                ask("rules.set_table", name, dict(rows), WHO.ref)
            ask("flows.change", "orders", {"daybook": SALES, "collective_account": RECEIVABLES}, WHO)
            ask("flows.change", "payments", {"method": METHOD}, WHO)
            yield Histories(sandbox, console, seed, with_people=with_people)
        finally:
            console.kill()
