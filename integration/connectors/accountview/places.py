"""Document kinds, each with the objects of the books that may hold it: orders, quotations and postings."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from integration.connectors.accountview.documents import BooksDocuments, BooksHistory, DocumentTables, first_of
from integration.connectors.accountview.layout import Layouts
from integration.connectors.accountview.missing_key import split_unnamed
from integration.connectors.accountview.settings import AccountViewSettings, BusinessObject, Objects
from integration.connectors.accountview.target import decimal_of, field_text_of, not_found_yet
from integration.connectors.protocol import References
from integration.core.money import HUNDRED
from integration.core.records import CurrentRecord, Kind, Record, Unreadable


def merge_places(
    current: Mapping[str, CurrentRecord], elsewhere: Mapping[str, CurrentRecord]
) -> dict[str, CurrentRecord]:
    """Merge the documents of two places: `current` wins, and gets the numbers of the other place as `other_references`.

    The same number in two places is one document.
    """
    documents = {**elsewhere, **current}
    for key in current.keys() & elsewhere.keys():
        document, other = current[key], elsewhere[key]
        other_numbers = (other.reference, *other.other_references)
        more = tuple(
            number
            for number in other_numbers
            if number and number not in (document.reference, *document.other_references)
        )
        documents[key] = replace(document, other_references=(*document.other_references, *more))
    return documents


# ---- sales orders, trade invoices (sales orders stored in another object), and the history of invoiced orders


class SalesOrders:
    """The sales orders of one installation."""

    def __init__(
        self, settings: AccountViewSettings, layouts: Layouts, documents: BooksDocuments, history: BooksHistory
    ) -> None:
        self._objects = settings.objects
        self._layouts = layouts
        self._documents = documents
        self._history = history

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the orders with our references, from the orders, the trade invoices or the history.

        A partly invoiced order is still among the orders. In the history, only another order number makes another
        document, where the history shows order numbers.
        """
        current = self._documents.lookup(self._tables(), records, references)
        if self._objects.trade_invoices.code:
            tables = invoice_tables(self._layouts, self._objects)
            current = with_invoices(records, current, self._documents.by_key(tables, records, references), references)
        if not self._objects.history.code:
            return current
        history_records = (
            records if self._layouts.history().has_field("order_number") else not_found_yet(records, current)
        )
        return merge_places(current, self._history.lookup(history_records, references) if history_records else {})

    def uninvoiced(self, orders: Sequence[Record], references: References) -> dict[str, Unreadable | None]:
        """Return the orders, by key, that are not known to be invoiced; the value is the unclear row, or None.

        A partly invoiced order is still among the orders. If the history can be read, an order in neither place was not
        invoiced; without a history, an order that is no longer among the orders was.
        """
        in_orders = _found_orders(partial(self._documents.lookup, self._tables(), references=references), orders)
        if not self._objects.history.code:
            return in_orders
        rest = [order for order in orders if order.key not in in_orders]
        in_history = _found_orders(partial(self._history.lookup, references=references), rest)
        in_neither = {order.key: None for order in rest if order.key not in in_history}
        return {**in_orders, **in_neither, **{key: error for key, error in in_history.items() if error}}

    def require_storable(self, desired: Record, *, is_new: bool) -> None:  # noqa: ARG002
        """Raise RejectedError for what `create` would refuse before a call if the needed records existed."""
        self._documents.require_storable(self._tables_for(desired), desired)

    def create(self, desired: Record, references: References) -> str:
        """Create an order or a trade invoice and return its number, empty if it has none yet."""
        return self._documents.create(self._tables_for(desired), desired, references)

    def _tables_for(self, desired: Record) -> DocumentTables:
        as_invoice = desired.values.get("trade_invoice") is True
        return invoice_tables(self._layouts, self._objects) if as_invoice else self._tables()

    def _tables(self) -> DocumentTables:
        header, lines = self._layouts.layout_of_kind(Kind.SALES_ORDER)
        return DocumentTables(self._objects.orders, header, lines, "order_number")


def with_invoices(
    records: Sequence[Record],
    orders: Mapping[str, CurrentRecord],
    invoices: Mapping[str, Sequence[CurrentRecord]],
    references: References,
) -> dict[str, CurrentRecord]:
    """Return orders and trade invoices by key; a document found as both is the order.

    Trade invoices that AccountView made from an order have its reference and are the same document if they have the
    same customer and together do not exceed the order, or the sale, in any quantity or amount. Otherwise they are other
    documents, as is a trade invoice that we wrote ourselves or that has the till's id of another sale.
    """
    documents = dict(orders)
    for record in records:
        several, order = invoices.get(record.key, ()), orders.get(record.key)
        numbers = tuple(invoice.reference for invoice in several)
        if several and order is None:
            documents[record.key] = first_of(several)
        elif several and order is not None:
            ours = references.reference(record.kind, record.key) in numbers
            if ours or not _are_invoices_of([invoice.record for invoice in several], order.record, record):
                documents[record.key] = replace(order, other_references=(*order.other_references, *numbers))
    return documents


def _are_invoices_of(invoices: Sequence[Record], order: Record, sold: Record) -> bool:
    names = ("debtor_number", "debtor", "gross")
    if any(invoice.values.get(name) != order.values.get(name) for invoice in invoices for name in names):
        return False
    till_id, invoice_till_ids = (
        field_text_of(order, "till_id"),
        {field_text_of(invoice, "till_id").casefold() for invoice in invoices},
    )
    if till_id and invoice_till_ids - {"", till_id.casefold()}:
        return False
    invoice_sums = _sums(invoices)
    return invoice_sums is not None and any(_is_within(invoice_sums, _sums([whole])) for whole in (order, sold))


def _is_within(part: Mapping[str, Decimal], whole: Mapping[str, Decimal] | None) -> bool:
    """Return True if each sum is between zero and the sum of the whole."""
    return whole is not None and all(
        min(Decimal(0), whole.get(name, Decimal(0))) <= amount <= max(Decimal(0), whole.get(name, Decimal(0)))
        for name, amount in part.items()
    )


def _sums(documents: Sequence[Record]) -> dict[str, Decimal] | None:
    """Return the quantity and amount per article of some documents, or None if a line lacks quantity or price."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for document in documents:
        sums["shipping"] += decimal_of(document, "shipping_cost") or 0
        for line in (part for part in document.parts if part.kind is Kind.LINE):
            quantity, price = decimal_of(line, "quantity"), decimal_of(line, "price")
            if quantity is None or price is None:
                return None
            article = field_text_of(line, "article").casefold()
            sums[f"quantity of {article}"] += quantity
            sums[f"amount of {article}"] += quantity * price * (HUNDRED - (decimal_of(line, "discount_percent") or 0))
    return sums


def _found_orders(
    look: Callable[[Sequence[Record]], Mapping[str, CurrentRecord]], orders: Sequence[Record]
) -> dict[str, Unreadable | None]:
    """Return the orders in a place, by key: None, or the unreadable row that may be the order."""
    answers, unnamed = split_unnamed(look, orders) if orders else ([], [])
    orders_by_key: dict[str, Unreadable | None] = {key: None for answer in answers for key in answer}
    return orders_by_key | {order.key: error.as_record(order.kind, order.key) for order, error in unnamed}


def invoice_tables(layouts: Layouts, objects: Objects) -> DocumentTables:
    """Return the tables of trade invoices. Raises RejectedError where the settings name no object for them."""
    header, lines = layouts.invoices()
    return DocumentTables(objects.trade_invoices, header, lines, "invoice_number", invoices=True)


# ---- quotations, and postings: pages of a daybook, which may move to other objects later


class PlacedDocuments:
    """The documents of one kind in one object of the books, and in the objects they may have moved to."""

    def __init__(
        self,
        layouts: Layouts,
        documents: BooksDocuments,
        kind: Kind,
        of: BusinessObject,
        number: str,
        history: Sequence[BusinessObject] = (),
    ) -> None:
        """`number` is our name of the column with the number of a document."""
        self._layouts = layouts
        self._documents = documents
        self._kind = kind
        self._of = of
        self._number = number
        self._history = history

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the documents with our references, from every object."""
        tables = self._tables()
        current = self._documents.lookup(tables, records, references)
        for of in self._history:
            current = merge_places(current, self._documents.lookup(replace(tables, of=of), records, references))
        return current

    def require_storable(self, desired: Record, *, is_new: bool) -> None:  # noqa: ARG002
        """Raise RejectedError for what `create` would refuse before a call if the needed records existed."""
        self._documents.require_storable(self._tables(), desired)

    def create(self, desired: Record, references: References) -> str:
        """Create a document and return its number; for a page, the one within its daybook."""
        return self._documents.create(self._tables(), desired, references)

    def _tables(self) -> DocumentTables:
        header, lines = self._layouts.layout_of_kind(self._kind)
        return DocumentTables(self._of, header, lines, self._number)
