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
    groups. `made` returns the separate bookings of documents made from invoices.
    """

    ask: AskBooked
    groups: Mapping[str, str]
    made: AskMadeAlone = lambda _: {}

    def same_sale(self, one: DayDocument) -> tuple[str, ...]:
        """Return the keys of a document and of its origins; if any of them is booked, its sale is booked."""
        orders = related(one.record, self.groups).get("orders")
        return (one.record.key, *(orders if isinstance(orders, tuple) else ()))

    def of(self, documents: Sequence[DayDocument]) -> dict[str, SeparateBooking]:
        """Return the separate bookings of the documents of a day, also those in doubt, by key."""
        keys = {one.record.key: self.same_sale(one) for one in documents}
        booked = self.ask([key for some in keys.values() for key in some]) if keys else {}
        found: dict[str, SeparateBooking] = {}
        for key, some in keys.items():
            if how := next((booked[each] for each in some if each in booked), None):
                found[key] = how if key in booked else how._replace(by_order=True)
        receipts = self._covering([one.record for one in documents if one.record.key not in found])
        how_they_are = self.ask(sorted(receipts.values())) if receipts else {}
        return found | {key: how_they_are[one] for key, one in receipts.items()}

    def _covering(self, documents: Sequence[Record]) -> dict[str, str]:
        """Return the invoices whose sale is booked through documents made from them, with the first of these."""
        invoices = [one for one in documents if one.kind is Kind.INVOICE]
        made = self.made([one.key for one in invoices]) if invoices else {}
        return {
            one.key: made[one.key][0].key
            for one in invoices
            if isinstance(not_booked_because(one, Chain(after=tuple(made.get(one.key, ()))), ()), Skip)
        }

    def stored_fields(self, page: DayPage) -> dict[str, Value]:
        """Return the fields that a page stores: the documents with their sales in it, and the orders these came from.

        An invoice is listed under `orders` as well, for a receipt that is made from it.
        """
        made_of = {one.record.key: self.same_sale(one)[one.record.kind is not Kind.INVOICE :] for one in page.sold}
        orders = sorted({key for some in made_of.values() for key in some})
        shares = tuple(day_share(one.record) for one in page.sold if made_of[one.record.key])
        sold = tuple(one.record.key for one in page.sold)
        return {"sold": sold, **({"orders": tuple(orders), "shares": shares} if orders else {})}

    def is_booked_meanwhile(self, page: Record) -> bool:
        """Return whether a sale in a page was booked separately since the page was made."""
        listed = [found for name in ("sold", "orders") if isinstance(found := page.values.get(name), tuple)]
        keys = [key for found in listed for key in found]
        return bool(keys and (self.ask(keys) or self._covering(documents_in_page(page))))
