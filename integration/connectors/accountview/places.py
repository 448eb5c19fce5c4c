"""The kinds of documents, each with the objects of the books in which it may be: orders, quotations and postings."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from integration.connectors.accountview.documents import BooksDocuments, BooksHistory, DocumentTables, first_of
from integration.connectors.accountview.layout import Layouts
from integration.connectors.accountview.missing_key import split_unnamed
from integration.connectors.accountview.settings import AccountViewSettings, Objects
from integration.connectors.accountview.target import absent, decimal_of, field_text_of
from integration.connectors.protocol import References
from integration.core.money import HUNDRED
from integration.core.records import Held, Kind, Record, Unreadable


def merge_places(held: Mapping[str, Held], elsewhere: Mapping[str, Held]) -> dict[str, Held]:
    """Return what was found in two places: of a document in both the first, with the numbers only the second has.

    One number in two places is one document.
    """
    found = {**elsewhere, **held}
    for key in held.keys() & elsewhere.keys():
        one, other = held[key], elsewhere[key]
        named = (other.reference, *other.others)
        more = tuple(number for number in named if number and number not in (one.reference, *one.others))
        found[key] = replace(one, others=(*one.others, *more))
    return found


# ---- sales orders, trade invoices that are sales orders kept in another object, and what was invoiced of them


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
        """Return the orders with our references: as orders, as trade invoices, or in the history.

        An order stays an order while a part of it is in the history: there another order number alone is another
        document, where the history tells any.
        """
        held = self._documents.lookup(self._tables(), wanted, references)
        if self._objects.trade_invoices.code:
            tables = invoice_tables(self._layouts, self._objects)
            held = with_invoices(wanted, held, self._documents.each(tables, wanted, references), references)
        if not self._objects.history.code:
            return held
        asked = wanted if self._layouts.history().has("order_number") else absent(wanted, held)
        return merge_places(held, self._history.lookup(asked, references) if asked else {})

    def uninvoiced(self, orders: Sequence[Record], references: References) -> dict[str, Unreadable | None]:
        """Return which orders are not known to be invoiced, by their keys, with the row that does not tell it.

        One that is invoiced in part is still among the orders. Where the history can be read, one that is in neither
        place was not invoiced; without it, what has left the orders was.
        """
        there = _seen(partial(self._documents.lookup, self._tables(), references=references), orders)
        if not self._objects.history.code:
            return there
        rest = [one for one in orders if one.key not in there]
        left = _seen(partial(self._history.lookup, references=references), rest)
        in_neither = {one.key: None for one in rest if one.key not in left}
        return {**there, **in_neither, **{key: error for key, error in left.items() if error}}

    def create(self, wanted: Record, references: References) -> str:
        """Create an order or a trade invoice and return its number, empty where it has none yet."""
        as_invoice = wanted.values.get("trade_invoice") is True
        tables = invoice_tables(self._layouts, self._objects) if as_invoice else self._tables()
        return self._documents.create(tables, wanted, references)

    def _tables(self) -> DocumentTables:
        header, lines = self._layouts.of(Kind.SALES_ORDER)
        return DocumentTables(self._objects.orders, header, lines, "order_number")


def with_invoices(
    wanted: Sequence[Record],
    orders: Mapping[str, Held],
    invoices: Mapping[str, Sequence[Held]],
    references: References,
) -> dict[str, Held]:
    """Return what was found as orders and as trade invoices: of a document in both the order.

    What AccountView made of an order bears its reference and is the same document: it is of the same customer, and all
    that was made so sells nothing that the order, or what was sold, does not sell, and for no more. Any other trade
    invoice is another document, and so is one that we wrote ourselves, or that has the till's id of another sale.
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
    """Tell whether each sum is no more than that of the whole, on the same side of nothing."""
    return whole is not None and all(
        min(Decimal(0), whole.get(name, Decimal(0))) <= amount <= max(Decimal(0), whole.get(name, Decimal(0)))
        for name, amount in part.items()
    )


def _sums(documents: Sequence[Record]) -> dict[str, Decimal] | None:
    """Return how much documents sell of each article, and for how much; None where a line does not tell it."""
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
    """Return which orders are in a place, by their keys, with the row where it does not tell whose it is."""
    answers, unnamed = split_unnamed(look, orders) if orders else ([], [])
    found: dict[str, Unreadable | None] = {key: None for answer in answers for key in answer}
    return found | {one.key: error.as_record(one.kind, one.key) for one, error in unnamed}


def invoice_tables(layouts: Layouts, objects: Objects) -> DocumentTables:
    """Return where trade invoices are. Raises RejectedError where the settings name no object for them."""
    header, lines = layouts.invoices()
    return DocumentTables(objects.trade_invoices, header, lines, "invoice_number", invoices=True)


# ---- quotations, which no history is known of: one that became an order in the books may be gone


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
        header, lines = self._layouts.of(Kind.QUOTATION)
        return DocumentTables(self._objects.quotations, header, lines, "quotation_number")


# ---- postings: pages of a daybook, which may have moved to other objects since


class Postings:
    """The postings of one installation: pages of a sales daybook, or those for a day."""

    def __init__(
        self, settings: AccountViewSettings, layouts: Layouts, documents: BooksDocuments, kind: Kind = Kind.POSTING
    ) -> None:
        self._kind = kind
        self._objects = settings.objects
        self._layouts = layouts
        self._documents = documents

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return the pages with our references, wherever the settings say that pages may be."""
        tables = self._tables()
        held = self._documents.lookup(tables, wanted, references)
        for of in self._objects.posting_history:
            held = merge_places(held, self._documents.lookup(replace(tables, of=of), wanted, references))
        return held

    def create(self, wanted: Record, references: References) -> str:
        """Create a page and return its number within its daybook."""
        return self._documents.create(self._tables(), wanted, references)

    def _tables(self) -> DocumentTables:
        header, lines = self._layouts.of(self._kind)
        return DocumentTables(self._objects.postings, header, lines, "page")
