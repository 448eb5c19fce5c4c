"""Document kinds, each with the objects of the books that may hold it: orders, quotations and postings."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from integration.connectors.accountview.documents import BooksDocuments, BooksHistory, DocumentTables, first_of
from integration.connectors.accountview.layout import Layouts
from integration.connectors.accountview.missing_key import split_unnamed
from integration.connectors.accountview.settings import AccountViewSettings, Objects
from integration.connectors.accountview.target import decimal_of, field_text_of, not_found_yet
from integration.connectors.protocol import References
from integration.core.money import HUNDRED
from integration.core.records import Held, Kind, Record, Unreadable


def merge_places(held: Mapping[str, Held], elsewhere: Mapping[str, Held]) -> dict[str, Held]:
    """Return the documents found in two places; one in both is the first, with the numbers that only the second has.

    The same number in two places is one document.
    """
    found = {**elsewhere, **held}
    for key in held.keys() & elsewhere.keys():
        one, other = held[key], elsewhere[key]
        named = (other.reference, *other.others)
        more = tuple(number for number in named if number and number not in (one.reference, *one.others))
        found[key] = replace(one, others=(*one.others, *more))
    return found


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

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return the orders with our references, from the orders, the trade invoices or the history.

        A partly invoiced order is still among the orders. In the history, only another order number makes another
        document, where the history shows order numbers.
        """
        held = self._documents.lookup(self._tables(), wanted, references)
        if self._objects.trade_invoices.code:
            tables = invoice_tables(self._layouts, self._objects)
            held = with_invoices(wanted, held, self._documents.by_key(tables, wanted, references), references)
        if not self._objects.history.code:
            return held
        asked = wanted if self._layouts.history().has_field("order_number") else not_found_yet(wanted, held)
        return merge_places(held, self._history.lookup(asked, references) if asked else {})

    def uninvoiced(self, orders: Sequence[Record], references: References) -> dict[str, Unreadable | None]:
        """Return the orders, by key, that are not known to be invoiced; the value is the unclear row, or None.

        A partly invoiced order is still among the orders. If the history can be read, an order in neither place was not
        invoiced; without a history, an order that is no longer among the orders was.
        """
        there = _seen(partial(self._documents.lookup, self._tables(), references=references), orders)
        if not self._objects.history.code:
            return there
        rest = [one for one in orders if one.key not in there]
        left = _seen(partial(self._history.lookup, references=references), rest)
        in_neither = {one.key: None for one in rest if one.key not in left}
        return {**there, **in_neither, **{key: error for key, error in left.items() if error}}

    def create(self, wanted: Record, references: References) -> str:
        """Create an order or a trade invoice and return its number, empty if it has none yet."""
        as_invoice = wanted.values.get("trade_invoice") is True
        tables = invoice_tables(self._layouts, self._objects) if as_invoice else self._tables()
        return self._documents.create(tables, wanted, references)

    def _tables(self) -> DocumentTables:
        header, lines = self._layouts.layout_of_kind(Kind.SALES_ORDER)
        return DocumentTables(self._objects.orders, header, lines, "order_number")


def with_invoices(
    wanted: Sequence[Record],
    orders: Mapping[str, Held],
    invoices: Mapping[str, Sequence[Held]],
    references: References,
) -> dict[str, Held]:
    """Return orders and trade invoices by key; a document found as both is the order.

    Trade invoices that AccountView made from an order have its reference and are the same document if they have the
    same customer and together do not exceed the order, or the sale, in any quantity or amount. Otherwise they are other
    documents, as is a trade invoice that we wrote ourselves or that has the till's id of another sale.
    """
    found = dict(orders)
    for one in wanted:
        several, order = invoices.get(one.key, ()), orders.get(one.key)
        numbers = tuple(each.reference for each in several)
        if several and order is None:
            found[one.key] = first_of(several)
        elif several and order is not None:
            ours = references.reference(one.kind, one.key) in numbers
            if ours or not _are_made_of([each.record for each in several], order.record, one):
                found[one.key] = replace(order, others=(*order.others, *numbers))
    return found


def _are_made_of(invoices: Sequence[Record], order: Record, sold: Record) -> bool:
    told = ("debtor_number", "debtor", "gross")
    if any(one.values.get(name) != order.values.get(name) for one in invoices for name in told):
        return False
    mine, theirs = field_text_of(order, "till_id"), {field_text_of(one, "till_id").casefold() for one in invoices}
    if mine and theirs - {"", mine.casefold()}:
        return False
    made = _sums(invoices)
    return made is not None and any(_is_within(made, _sums([whole])) for whole in (order, sold))


def _is_within(part: Mapping[str, Decimal], whole: Mapping[str, Decimal] | None) -> bool:
    """Return True if each sum is between zero and the sum of the whole."""
    return whole is not None and all(
        min(Decimal(0), whole.get(name, Decimal(0))) <= amount <= max(Decimal(0), whole.get(name, Decimal(0)))
        for name, amount in part.items()
    )


def _sums(documents: Sequence[Record]) -> dict[str, Decimal] | None:
    """Return the quantity and amount per article of some documents, or None if a line lacks quantity or price."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for one in documents:
        sums["shipping"] += decimal_of(one, "shipping_cost") or 0
        for line in (part for part in one.parts if part.kind is Kind.LINE):
            quantity, price = decimal_of(line, "quantity"), decimal_of(line, "price")
            if quantity is None or price is None:
                return None
            article = field_text_of(line, "article").casefold()
            sums[f"quantity of {article}"] += quantity
            sums[f"amount of {article}"] += quantity * price * (HUNDRED - (decimal_of(line, "discount_percent") or 0))
    return sums


def _seen(
    look: Callable[[Sequence[Record]], Mapping[str, Held]], orders: Sequence[Record]
) -> dict[str, Unreadable | None]:
    """Return the orders found in a place, by key; the value is the row if it does not show whose it is, else None."""
    answers, unnamed = split_unnamed(look, orders) if orders else ([], [])
    found: dict[str, Unreadable | None] = {key: None for answer in answers for key in answer}
    return found | {one.key: error.as_record(one.kind, one.key) for one, error in unnamed}


def invoice_tables(layouts: Layouts, objects: Objects) -> DocumentTables:
    """Return the tables of trade invoices. Raises RejectedError where the settings name no object for them."""
    header, lines = layouts.invoices()
    return DocumentTables(objects.trade_invoices, header, lines, "invoice_number", invoices=True)


# ---- quotations: no history of them is known, so one that became an order in the books may be gone


class Quotations:
    """The quotations of one installation, where the settings name an object for them."""

    def __init__(self, settings: AccountViewSettings, layouts: Layouts, documents: BooksDocuments) -> None:
        self._objects = settings.objects
        self._layouts = layouts
        self._documents = documents

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return the quotations with our references."""
        return self._documents.lookup(self._tables(), wanted, references)

    def create(self, wanted: Record, references: References) -> str:
        """Create a quotation and return its number."""
        return self._documents.create(self._tables(), wanted, references)

    def _tables(self) -> DocumentTables:
        header, lines = self._layouts.layout_of_kind(Kind.QUOTATION)
        return DocumentTables(self._objects.quotations, header, lines, "quotation_number")


# ---- postings: pages of a daybook, which may move to other objects later


class Postings:
    """The postings of one installation: pages of a sales daybook, or the day pages."""

    def __init__(
        self, settings: AccountViewSettings, layouts: Layouts, documents: BooksDocuments, kind: Kind = Kind.POSTING
    ) -> None:
        self._kind = kind
        self._objects = settings.objects
        self._layouts = layouts
        self._documents = documents

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return the pages with our references, from every object that the settings name for pages."""
        tables = self._tables()
        held = self._documents.lookup(tables, wanted, references)
        for of in self._objects.posting_history:
            held = merge_places(held, self._documents.lookup(replace(tables, of=of), wanted, references))
        return held

    def create(self, wanted: Record, references: References) -> str:
        """Create a page and return its number within its daybook."""
        return self._documents.create(self._tables(), wanted, references)

    def _tables(self) -> DocumentTables:
        header, lines = self._layouts.layout_of_kind(self._kind)
        return DocumentTables(self._objects.postings, header, lines, "page")
