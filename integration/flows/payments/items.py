"""Items of the books that may be paid at the till, or were paid lately: the latest active booking of an invoice."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from integration.core.booking_state import BookingStage, BookingState, BookingStateQuery
from integration.core.link_evidence import Match, match_identity
from integration.core.links import Link
from integration.core.records import Kind, Record, Value
from integration.core.rules import as_text
from integration.flows.orders.buyers import customer_name
from integration.flows.orders.chains import active_bookings
from integration.flows.orders.latest_booking import document_of
from integration.flows.orders.references import parse_reference
from integration.flows.spec import KeyPage

PAGE = 250  # bookings per page
NOTHING = Decimal(0)
REVERSAL_DAYS = 60  # a bank pays a direct debit back within eight weeks without asking why


@dataclass(frozen=True, slots=True)
class DueItem:
    """A booking of a till invoice that is an open item in the books."""

    invoice: str  # id of the invoice at the till
    number: str
    item: str
    day: date
    amount: Decimal
    debtor: str  # debtor number in the books; empty if unknown
    customer: str = ""  # name of the customer, as booked
    branch: str = ""  # branch number of the till
    booked: Mapping[str, Value] = field(default_factory=dict)  # values of the invoice when it was booked

    @property
    def key(self) -> str:
        """The key under which the item is fetched from the books."""
        return f"{self.day.isoformat()}/{self.item}/{self.invoice}"


def invoice_of(key: str) -> str:
    """Return the till id of the invoice, from the key of its item."""
    return key.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class PaymentQueries:
    """Queries of the flow: bookings, their states, payments made, debtor numbers, items, till invoices, and the day."""

    bookings: Callable[[str, int], Sequence[Link]]
    booking_states: BookingStateQuery
    paid: Callable[[Collection[str]], Mapping[str, Link]]
    debtors: Callable[[Collection[str]], Mapping[str, str]]
    items: Callable[[Collection[str]], Sequence[Record]]
    invoices: Callable[[Collection[str]], Sequence[Record]]
    today: Callable[[], date]


class OpenItems:
    """Finds due items from the bookings of the flow of documents."""

    def __init__(self, asks: PaymentQueries) -> None:
        self._queries = asks

    def page(self, after: str) -> KeyPage:
        """Return one page of items that are due or settled lately, starting after a booking."""
        bookings = self._queries.bookings(after, PAGE)
        invoices = {document_of(link.key) for link in bookings}
        items = (*self.due_items(invoices).values(), *self.settled_items(invoices).values())
        return KeyPage(tuple(item.key for item in items), bookings[-1].key if len(bookings) == PAGE else None)

    def due_items(self, invoices: Collection[str]) -> dict[str, DueItem]:
        """Return the due items of these invoices, by id; a reversed booking has none."""
        return self._items(set(invoices) - set(self._queries.paid(invoices)))

    def settled_items(self, invoices: Collection[str]) -> dict[str, DueItem]:
        """Return the items of these invoices that this flow paid at the till, by id, if either side was paid lately."""
        since = self._queries.today() - timedelta(days=REVERSAL_DAYS)
        return self._items({key for key, link in self._queries.paid(invoices).items() if _settled_on(link) >= since})

    def _items(self, invoices: Collection[str]) -> dict[str, DueItem]:
        bookings = active_bookings(self._queries.booking_states, sorted(invoices))
        owing = {
            key: booking
            for key, booking in bookings.items()
            if booking.stage is BookingStage.BOOKED and booking.kind is Kind.POSTING
        }
        relations = {as_text(booking.values.get("debtor")) for booking in owing.values()} - {""}
        numbers = self._queries.debtors(relations) if relations else {}
        dues = ((key, _due_item(key, booking, numbers)) for key, booking in owing.items())
        return {key: due for key, due in dues if due is not None}


def _settled_on(link: Link) -> date:
    """Return the later of the day of the last payment in the books and the day of the plan that paid at the till.

    A bank page may be entered long after its date. Returns `date.min` if both days are unknown.
    """
    values = link.agreed.values if link.agreed else {}
    days = (values.get("paid_on"), values.get("planned_on"))
    return max((day for day in days if isinstance(day, date)), default=date.min)


def _due_item(invoice: str, booking_state: BookingState, numbers: Mapping[str, str]) -> DueItem | None:
    values = booking_state.values
    day, open_amount = values.get("date"), values.get("open", values.get("sold_incl"))
    parsed = parse_reference(booking_state.reference)
    if parsed is not None and parsed.number.kind not in (Kind.INVOICE, None):
        return None
    if not isinstance(day, date) or not isinstance(open_amount, Decimal) or open_amount <= NOTHING:
        return None
    debtor = as_text(values.get("debtor_number")) or numbers.get(as_text(values.get("debtor")), "")
    customer, branch = (as_text(values.get(name)) for name in ("customer", "branch"))
    title = booking_state.title or invoice
    return DueItem(invoice, title, booking_state.reference, day, open_amount, debtor, customer, branch, values)


def is_same_invoice(booked: Mapping[str, Value], invoice: Record) -> bool:
    """Return True if a till invoice is the one that was booked: an id alone proves nothing.

    Number, day, total and customer are compared, as far as both sides have them. A different customer name is accepted
    if the relation number is the same.
    """
    now = invoice.values
    numbers = [as_text(values.get("number")).strip() for values in (booked, now)]
    if all(numbers) and numbers[0] != numbers[1]:
        return False
    sold_on = as_text(booked.get("sold_on")).partition("/")[0]
    days = {as_text(booked.get("date")), sold_on} - {""}
    if sold_on and now.get("date") is not None and as_text(now["date"]) not in days:
        return False
    totals = [values.get(name) for values, name in ((booked, "sold_incl"), (now, "total_incl"))]
    if all(isinstance(total, Decimal) for total in totals) and totals[0] != totals[1]:
        return False
    relations = [as_text(values.get(name)) for values, name in ((booked, "debtor"), (now, "relation"))]
    if all(relations) and relations[0] == relations[1]:
        return True
    names = ({"name": name} if name else {} for name in (as_text(booked.get("customer")), _customer_of(invoice)))
    return match_identity(Kind.RELATION, *names) is not Match.CONTRADICTS


def shown_booked(due: DueItem) -> str:
    """Return the booked values of an invoice as text, for comparison."""
    day = as_text(due.booked.get("sold_on")).partition("/")[0]
    return _joined_texts(due.number, day, due.booked.get("sold_incl"), due.customer)


def shown_invoice(invoice: Record) -> str:
    """Return the till's values of an invoice as text, for comparison."""
    values = invoice.values
    return _joined_texts(values.get("number"), values.get("date"), values.get("total_incl"), _customer_of(invoice))


def _customer_of(invoice: Record) -> str:
    return customer_name(next((part for part in invoice.parts if part.kind is Kind.RELATION), None))


def _joined_texts(*values: Value) -> str:
    return ", ".join(text for value in values if (text := as_text(value))) or "-"
