"""Which items of the books may be paid at the till: the newest booking in force of an invoice, which left a rest."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from integration.core.links import Link
from integration.core.records import Kind, Record
from integration.core.rules import as_text
from integration.core.standing import AskStandings, Standing, Where
from integration.flows.orders.chains import in_force
from integration.flows.orders.newest import document_of
from integration.flows.orders.references import parse_reference
from integration.flows.spec import Named

PAGE = 250  # bookings looked at together
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class DueItem:
    """A booking of an invoice of the till that left something open in the books."""

    invoice: str  # its id at the till
    number: str
    item: str
    day: date
    amount: Decimal
    debtor: str  # the books' number of it; empty where that is not known
    customer: str = ""  # by name, as it was booked
    branch: str = ""  # the till's number of where it was sold

    @property
    def key(self) -> str:
        """What the item is asked for by in the books."""
        return f"{self.day.isoformat()}/{self.item}/{self.invoice}"


def invoice_of(key: str) -> str:
    """Return the id of the invoice at the till, from the key of its item."""
    return key.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Asks:
    """Whom the flow asks: the bookings of documents, what is paid already, debtors, and the till's invoices."""

    bookings: Callable[[str, int], Sequence[Link]]
    standings: AskStandings
    paid: Callable[[Collection[str]], Collection[str]]
    debtors: Callable[[Collection[str]], Mapping[str, str]]
    invoices: Callable[[Collection[str]], Sequence[Record]]


class Dues:
    """Finds what is due, by the bookings that the flow of documents keeps."""

    def __init__(self, asks: Asks) -> None:
        self._asks = asks

    def page(self, after: str) -> Named:
        """Return one page of items that nobody has paid at the till yet, behind a booking."""
        bookings = self._asks.bookings(after, PAGE)
        keys = tuple(one.key for one in self.of({document_of(link.key) for link in bookings}).values())
        return Named(keys, bookings[-1].key if len(bookings) == PAGE else None)

    def of(self, invoices: Collection[str]) -> dict[str, DueItem]:
        """Return what is due of these invoices, by their ids; one whose booking was taken back owes nothing."""
        paid = self._asks.paid(invoices)
        there = in_force(self._asks.standings, sorted(set(invoices) - set(paid)))
        owing = {key: one for key, one in there.items() if one.where is Where.BOOKED and one.kind is Kind.POSTING}
        relations = {as_text(one.values.get("debtor")) for one in owing.values()} - {""}
        numbers = self._asks.debtors(relations) if relations else {}
        found = ((key, _due(key, one, numbers)) for key, one in owing.items())
        return {key: due for key, due in found if due is not None}


def _due(invoice: str, standing: Standing, numbers: Mapping[str, str]) -> DueItem | None:
    values = standing.values
    day, left = values.get("date"), values.get("open", values.get("sold_incl"))
    told = parse_reference(standing.reference)
    if told is not None and told.number.kind not in (Kind.INVOICE, None):
        return None
    if not isinstance(day, date) or not isinstance(left, Decimal) or left <= NOTHING:
        return None
    debtor = as_text(values.get("debtor_number")) or numbers.get(as_text(values.get("debtor")), "")
    customer, branch = (as_text(values.get(name)) for name in ("customer", "branch"))
    return DueItem(invoice, standing.title or invoice, standing.reference, day, left, debtor, customer, branch)
