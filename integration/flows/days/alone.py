"""Which documents of a day are booked by themselves, so that the day must not book them again."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from integration.core.days.books import DayBooked, DayPage
from integration.core.days.documents import DayDocument
from integration.core.records import Record, Value
from integration.flows.orders.chains import related, share

# How documents are booked by themselves, or may be: those that are not are left out.
AskBooked = Callable[[Collection[str]], Mapping[str, DayBooked]]


@dataclass(frozen=True, slots=True)
class Alone:
    """Tells documents that are booked by themselves from those that are not.

    `ask` returns which documents are, or may be; `groups` are the till's words for its turnover groups.
    """

    ask: AskBooked
    groups: Mapping[str, str]

    def same_sale(self, one: DayDocument) -> tuple[str, ...]:
        """Return the keys of a document and of what it was made from: whichever is booked, its sale is."""
        orders = related(one.record, self.groups).get("orders")
        return (one.record.key, *(orders if isinstance(orders, tuple) else ()))

    def of(self, documents: Sequence[DayDocument]) -> dict[str, DayBooked]:
        """Return how the documents of a day are booked by themselves, or may be, by key."""
        keys = {one.record.key: self.same_sale(one) for one in documents}
        booked = self.ask([key for some in keys.values() for key in some]) if keys else {}
        found: dict[str, DayBooked] = {}
        for key, some in keys.items():
            if how := next((booked[each] for each in some if each in booked), None):
                found[key] = how if key in booked else how._replace(by_order=True)
        return found

    def told(self, page: DayPage) -> dict[str, Value]:
        """Return what is kept of a page: the documents whose sales are in it, and the orders those were made from."""
        made_of = {one.record.key: self.same_sale(one)[1:] for one in page.sold}
        orders = sorted({key for some in made_of.values() for key in some})
        shares = tuple(share(one.record) for one in page.sold if made_of[one.record.key])
        sold = tuple(one.record.key for one in page.sold)
        return {"sold": sold, **({"orders": tuple(orders), "shares": shares} if orders else {})}

    def met(self, page: Record) -> bool:
        """Tell whether a sale that is in a page has been booked by itself since the page was made."""
        listed = [found for name in ("sold", "orders") if isinstance(found := page.values.get(name), tuple)]
        keys = [key for found in listed for key in found]
        return bool(keys and self.ask(keys))
