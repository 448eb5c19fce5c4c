"""Which documents of a day are booked by themselves, so that the day must not book them again."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from integration.core.booking_state import BookingState
from integration.core.days.books import DayPage, SeparateBooking
from integration.core.days.documents import DayDocument
from integration.core.issues import Skip
from integration.core.records import Kind, Record, Value
from integration.flows.orders.chains import Chain, not_booked_because, related, share, shared

# How documents are booked by themselves, or may be: those that are not are left out.
AskBooked = Callable[[Collection[str]], Mapping[str, SeparateBooking]]
# What was made of these documents, and is booked by itself.
AskMadeAlone = Callable[[Collection[str]], Mapping[str, Sequence[BookingState]]]


@dataclass(frozen=True, slots=True)
class SeparateDocuments:
    """Tells documents that are booked by themselves from those that are not.

    `ask` returns which documents are, or may be; `groups` are the till's words for its turnover groups; `made` returns
    what was made of invoices, and is.
    """

    ask: AskBooked
    groups: Mapping[str, str]
    made: AskMadeAlone = lambda _: {}

    def same_sale(self, one: DayDocument) -> tuple[str, ...]:
        """Return the keys of a document and of what it was made from: whichever is booked, its sale is."""
        orders = related(one.record, self.groups).get("orders")
        return (one.record.key, *(orders if isinstance(orders, tuple) else ()))

    def of(self, documents: Sequence[DayDocument]) -> dict[str, SeparateBooking]:
        """Return how the documents of a day are booked by themselves, or may be, by key."""
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
        """Return the invoices whose sale is booked as what was made of them, each with the first of these."""
        invoices = [one for one in documents if one.kind is Kind.INVOICE]
        made = self.made([one.key for one in invoices]) if invoices else {}
        return {
            one.key: made[one.key][0].key
            for one in invoices
            if isinstance(not_booked_because(one, Chain(after=tuple(made.get(one.key, ()))), ()), Skip)
        }

    def told(self, page: DayPage) -> dict[str, Value]:
        """Return what is kept of a page: the documents whose sales are in it, and the orders those were made from.

        An invoice stands among these itself, for the receipt that is made of it.
        """
        made_of = {one.record.key: self.same_sale(one)[one.record.kind is not Kind.INVOICE :] for one in page.sold}
        orders = sorted({key for some in made_of.values() for key in some})
        shares = tuple(share(one.record) for one in page.sold if made_of[one.record.key])
        sold = tuple(one.record.key for one in page.sold)
        return {"sold": sold, **({"orders": tuple(orders), "shares": shares} if orders else {})}

    def met(self, page: Record) -> bool:
        """Tell whether a sale that is in a page has been booked by itself since the page was made."""
        listed = [found for name in ("sold", "orders") if isinstance(found := page.values.get(name), tuple)]
        keys = [key for found in listed for key in found]
        return bool(keys and (self.ask(keys) or self._covering(shared(page))))
