"""Determines which documents of a day are booked separately, so that the day does not book them again."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from integration.core.booking_state import BookingState
from integration.core.days.books import DayPage, SeparateBooking
from integration.core.days.documents import DayDocument
from integration.core.issues import Skip
from integration.core.records import Kind, Record, Value
from integration.flows.orders.chains import Chain, day_share, documents_in_page, not_booked_because, related

# Returns the separate bookings of documents that exist or are in doubt; other documents are left out.
AskBooked = Callable[[Collection[str]], Mapping[str, SeparateBooking]]
# Returns the booking states of documents made from these documents.
AskMadeAlone = Callable[[Collection[str]], Mapping[str, Sequence[BookingState]]]


@dataclass(frozen=True, slots=True)
class SeparateDocuments:
    """Distinguishes separately booked documents from the others.

    `ask` returns the separate bookings of documents, also those in doubt. `groups` are the till's types of its turnover
    groups. `derived_bookings` returns the separate bookings of documents made from invoices.
    """

    ask: AskBooked
    groups: Mapping[str, str]
    derived_bookings: AskMadeAlone = lambda _: {}

    def same_sale(self, document: DayDocument) -> tuple[str, ...]:
        """Return the keys of a document and of its origins; if any of them is booked, its sale is booked."""
        orders = related(document.record, self.groups).get("orders")
        return (document.record.key, *(orders if isinstance(orders, tuple) else ()))

    def separate_bookings(self, documents: Sequence[DayDocument]) -> dict[str, SeparateBooking]:
        """Return the separate bookings of the documents of a day, also those in doubt, by key."""
        keys = {document.record.key: self.same_sale(document) for document in documents}
        booked = self.ask([key for sale_keys in keys.values() for key in sale_keys]) if keys else {}
        bookings: dict[str, SeparateBooking] = {}
        for key, sale_keys in keys.items():
            if booking := next((booked[sale_key] for sale_key in sale_keys if sale_key in booked), None):
                bookings[key] = booking if key in booked else booking._replace(by_order=True)
        receipts = self._covered_invoices(
            [document.record for document in documents if document.record.key not in bookings]
        )
        receipt_bookings = self.ask(sorted(receipts.values())) if receipts else {}
        return bookings | {key: receipt_bookings[invoice] for key, invoice in receipts.items()}

    def _covered_invoices(self, documents: Sequence[Record]) -> dict[str, str]:
        """Return the invoices whose sale is booked through documents made from them, with the first of these."""
        invoices = [document for document in documents if document.kind is Kind.INVOICE]
        derived = self.derived_bookings([invoice.key for invoice in invoices]) if invoices else {}
        return {
            invoice.key: derived[invoice.key][0].key
            for invoice in invoices
            if isinstance(not_booked_because(invoice, Chain(after=tuple(derived.get(invoice.key, ()))), ()), Skip)
        }

    def stored_fields(self, page: DayPage) -> dict[str, Value]:
        """Return the fields that a page stores: the documents with their sales in it, and the orders these came from.

        An invoice is listed under `orders` as well, for a receipt that is made from it.
        """
        made_of = {
            document.record.key: self.same_sale(document)[document.record.kind is not Kind.INVOICE :]
            for document in page.sold
        }
        orders = sorted({key for keys in made_of.values() for key in keys})
        shares = tuple(day_share(document.record) for document in page.sold if made_of[document.record.key])
        sold = tuple(document.record.key for document in page.sold)
        return {"sold": sold, **({"orders": tuple(orders), "shares": shares} if orders else {})}

    def is_booked_meanwhile(self, page: Record) -> bool:
        """Return True if a sale in a page was booked separately since the page was made."""
        key_lists = [key_list for name in ("sold", "orders") if isinstance(key_list := page.values.get(name), tuple)]
        keys = [key for key_list in key_lists for key in key_list]
        return bool(keys and (self.ask(keys) or self._covered_invoices(documents_in_page(page))))
