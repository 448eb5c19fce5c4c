"""Sales orders, trade invoices that are sales orders kept in another object, and what was invoiced of them."""

from collections.abc import Sequence

from integration.connectors.accountview.documents import Documents, DocumentTables
from integration.connectors.accountview.history import History
from integration.connectors.accountview.layout import Layouts
from integration.connectors.accountview.settings import AccountViewSettings, Objects
from integration.connectors.accountview.target import absent
from integration.connectors.protocol import References
from integration.core.records import Held, Kind, Record


class SalesOrders:
    """The sales orders of one installation."""

    def __init__(self, settings: AccountViewSettings, layouts: Layouts, documents: Documents, history: History) -> None:
        self._objects = settings.objects
        self._layouts = layouts
        self._documents = documents
        self._history = history

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return the orders with our references: as orders, as trade invoices, or in the history."""
        held = self._documents.lookup(self._tables(), wanted, references)
        if self._objects.trade_invoices.code:
            held |= self._documents.lookup(
                invoice_tables(self._layouts, self._objects), absent(wanted, held), references
            )
        waiting = absent(wanted, held)
        return held | (self._history.lookup(waiting, references) if waiting and self._objects.history.code else {})

    def create(self, wanted: Record, references: References) -> str:
        """Create an order or a trade invoice and return its number, empty where it has none yet."""
        as_invoice = wanted.values.get("trade_invoice") is True
        tables = invoice_tables(self._layouts, self._objects) if as_invoice else self._tables()
        return self._documents.create(tables, wanted, references)

    def _tables(self) -> DocumentTables:
        header, lines = self._layouts.of(Kind.SALES_ORDER)
        return DocumentTables(self._objects.orders, header, lines, "order_number")


def invoice_tables(layouts: Layouts, objects: Objects) -> DocumentTables:
    """Return where trade invoices are. Raises RejectedError where the settings name no object for them."""
    header, lines = layouts.invoices()
    return DocumentTables(objects.trade_invoices, header, lines, "invoice_number", invoices=True)
