"""Stock between books in memory and the till sandbox, with a person at the counter and one in the office."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from integration.connectors.mplus.connector import Mplus
from integration.connectors.protocol import References
from integration.core.booking_state import BookingState, BookingStates
from integration.core.issues import Issue, IssueOccurrence, IssueState
from integration.core.links import Link
from integration.core.records import Batch, Kind, Record, Unreadable
from integration.core.run import Mode, Run
from integration.flows.orders.credits import CREDIT
from integration.flows.spec import FlowLogic
from integration.flows.stock.deleted_bookings import CHANGED, GONE, LOSING, lost_bookings, with_lost_bookings
from integration.flows.stock.logic import StockLogic
from integration.flows.stock.sales import Sales
from integration.flows.stock.settings import StockSettings
from integration.sandbox.server import Sandbox
from integration.services.mappings.movements import TillMovements
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.booking_states import BookingStateStore
from integration.store.movements import MovementStore
from tests.builders import a_create, a_part, a_product, an_article
from tests.connectors.mplus.tills import settings_of
from tests.fakes import Links as NoLinks
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, shipped_mapping
from tests.parts import part
from tests.stores import new_database

BODY = shipped_mapping("stock")
SERIALS = count(6_001)
BRANCHES = ("1", "2")
SETTINGS = {
    "branches": {branch: f"warehouse:{branch}" for branch in BRANCHES},
    "sales": "sales_orders",
    "orders_leave": "booked",
    "sales_since": "2000-01-01",
}


class Books(MemoryConnector):
    """The books, in which something may happen right before their figures are read."""

    before: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, **how: Any) -> None:
        super().__init__([], system="accountview", page_size=50, **how)
        self.unclear: dict[str, Unreadable] = {}  # those of which nobody can tell whether they are
        self.open: dict[str, tuple[str, Decimal]] = {}  # sales orders that are not invoiced: the branch, and how much

    def uninvoiced(self, orders: Sequence[Record], references: References) -> dict[str, Unreadable | None]:
        """Return which orders are not invoiced; see `Invoicing`."""
        del references
        return {order.key: self.unclear.get(order.key) for order in orders if order.values["number"] in self.open}

    def keeps_invoiced(self) -> bool:
        """Return True, because invoiced documents can be found; see `Invoicing`."""
        return True

    def extract(
        self, kind: Kind, since: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Batch:
        happens, self.before = self.before, lambda: None
        happens()
        return super().extract(kind, since, after, limit)


class Shop(FlowHarness):
    """One article that both branches sell, each from a warehouse of its own, unless the settings say otherwise."""

    flow = "stock"

    def __init__(self, folder: Path, sandbox: Sandbox, **settings: Any) -> None:
        self.database = new_database(folder / f"{next(SERIALS)}.sqlite")
        self.number = str(next(SERIALS) * 100)
        self.sandbox = sandbox
        self.till = Mplus(settings_of(sandbox).model_copy(update={"read_seconds": 60}))  # however busy the machine is
        self.till.write(
            a_create(a_product(f"P{self.number}", (a_part(self.number, stock_managed=True),))), None, NoLinks(), "t"
        )
        books = Books()
        self.movements = MovementStore(self.database, lambda: datetime.now(UTC))
        self.booked = BookingStateStore(self.database)
        super().__init__(self.database, books, self.till, **{**SETTINGS, **settings})
        self.stamp = ""
        self.books = books
        self.in_books = {branch: Decimal(0) for branch in BRANCHES}
        self.fill({branch: Decimal(20) for branch in BRANCHES})

    def make_logic(self) -> FlowLogic:
        movements = TillMovements(
            self.flow,
            self.movements,
            part(ConnectorFactory, connector=lambda system: self.connectors[system]),
            reads=True,
        )
        settings = StockSettings(**self.settings)
        sales = Sales(settings, movements, self._booking_states, self._uninvoiced_orders, self._credited_documents)
        return StockLogic(settings, BODY, self.mapping_version, {}, lambda _: {}, sales)

    def _booking_states(self, keys: Collection[str]) -> BookingStates:
        booking_states = self.booked.states_of("orders", (Kind.SALES_ORDER, Kind.POSTING), keys)
        return with_lost_bookings(
            booking_states, self._lost_documents(IssueState.OPEN), self._lost_documents(IssueState.DISMISSED)
        )

    def _credited_documents(self) -> set[str]:
        return {*self.booked.ending("orders", (Kind.SALES_ORDER,), CREDIT), *self._lost_documents(IssueState.OPEN)}

    def _lost_documents(self, state: IssueState) -> set[str]:
        return lost_bookings(self.issues.of_causes("orders", LOSING, state))

    def _uninvoiced_orders(self, orders: Mapping[str, BookingState]) -> dict[str, Unreadable | None]:
        order_records = [Record(Kind.SALES_ORDER, key, state.values) for key, state in orders.items()]
        return self.books.uninvoiced(order_records, NoLinks())

    # ---- the office

    def fill(self, change: dict[str, Decimal]) -> None:
        """Change the stock figures of the books by these amounts."""
        for branch, amount in change.items():
            self.in_books[branch] += amount
        figures = {f"warehouse:{branch}": amount for branch, amount in self.in_books.items()}
        whole = {"stock": sum(self.in_books.values(), Decimal(0)), **figures}
        self.source.put(an_article(self.number, COUNTED=self.stamp, **whole))

    def book(
        self, document: str, branch: str, sold: Decimal, kind: Kind = Kind.SALES_ORDER, *, as_invoice: bool = False
    ) -> None:
        """Book a sale in the books as a document, which moves stock there unless it is a posting.

        A sales order does so once it is invoiced, where the settings say so.
        """
        invoice = {"trade_invoice": True} if as_invoice else {}
        agreed = Record(kind, document, {"number": document, "reference": f"MP-{document[:8]}", **invoice})
        self.links.keep("orders", [Link(kind, document, f"S{document[:8]}", agreed)])
        if kind is not Kind.SALES_ORDER:
            return
        if self.settings["orders_leave"] == "booked" or as_invoice:
            self.fill({branch: -sold})
        else:
            self.books.open[document] = branch, sold

    def invoice(self, document: str) -> None:
        """Invoice a sales order in the books, which removes its quantity from their figures."""
        branch, sold = self.books.open.pop(document)
        self.fill({branch: -sold})

    def credit(self, document: str, branch: str, sold: Decimal, *, is_open: bool = False) -> None:
        """Credit the booking of a sale in the books, as the undo of a run does, without a return of goods.

        An open credit is a sales order that is not invoiced yet.
        """
        (link,) = self.links.get("orders", Kind.SALES_ORDER, [document]).values()
        key = document + CREDIT
        agreed = Record(Kind.SALES_ORDER, key, {**(link.agreed.values if link.agreed else {}), "number": key})
        self.links.keep("orders", [replace(link, key=key, reference=f"C{document[:8]}", agreed=agreed)])
        if is_open:
            self.books.open[key] = branch, -sold
        else:
            self.fill({branch: sold})

    def lose(self, document: str, branch: str, back: Decimal, fields: str = "") -> None:
        """Delete the booking of a sale by hand, or change fields of it, and let a check find that."""
        cause, facts = (CHANGED, {"fields": fields}) if fields else (GONE, {})
        self.look(document, IssueOccurrence(Issue(cause, document, facts=facts), str(Kind.SALES_ORDER), document))
        self.fill({branch: back})

    def look(self, document: str, *occurrences: IssueOccurrence) -> None:
        """Check a document in the books; if it is as agreed, its exception ends."""
        self.issues.store_check_result("orders", [document], LOSING, occurrences)

    # ---- the counter

    def sell(self, branch: str = "1", quantity: int = 1) -> str:
        """Ring up a receipt and return its id; a negative quantity takes goods back."""
        line = {"articleNumber": int(self.number), "data": {"quantity": quantity, "price": 0, "totalInclAmount": 0}}
        place = {"financialBranchNumber": int(branch), "workplaceNumber": 1}
        return self.sandbox.till.add("receipts", {**place, "lineList": {"line": [line]}})

    def order(self, branch: str = "1", quantity: int = 1, **of_line: int) -> str:
        """Take an order that is not delivered yet, and return its id."""
        data = {"quantity": quantity, "price": 0, "totalInclAmount": 0, **of_line}
        line = {"articleNumber": int(self.number), "data": data}
        values = {"financialBranchNumber": int(branch), "workplaceNumber": 1, "lineList": {"line": [line]}}
        return self.sandbox.till.add("orders", values)

    def deliver(self, order: str) -> str:
        """Ring an order up, and return the id of the receipt."""
        return self.sandbox.till.add("receipts", {"orderIds": [order]})

    def levels(self) -> dict[str, int]:
        """Return the level of each branch."""
        return {branch: int(self.level(branch)) for branch in BRANCHES}

    def level(self, branch: str = "1") -> Decimal:
        """Return the level of a branch."""
        rows = self.sandbox.state("stock", "mplus")
        return next(
            (
                Decimal(str(row["amountFree"]))
                for row in rows
                if (str(row["branchNumber"]), str(row["articleNumber"])) == (branch, self.number)
            ),
            Decimal(0),
        )

    def sync(self) -> Run:
        """Run the flow, whole."""
        return self.run(Mode.COMPLETE)

    def close(self) -> None:
        """Close the database and the connections."""
        self.till.close()
        self.database.close()


@contextmanager
def shop(folder: Path, sandbox: Sandbox, **settings: Any) -> Iterator[Shop]:
    """Open a shop for a while."""
    opened_shop = Shop(folder, sandbox, **settings)
    try:
        yield opened_shop
    finally:
        opened_shop.close()
