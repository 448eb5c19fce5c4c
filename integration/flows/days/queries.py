"""Queries of the flow of days to both systems and to the bookings of this console."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import partial

from integration.core.booking_state import BookingStage, BookingState
from integration.core.days.books import SeparateBooking
from integration.core.days.entries import entry_of_row
from integration.core.errors import RejectedError
from integration.core.issues import Issue
from integration.core.links import Link
from integration.core.records import Kind, Record, Unreadable
from integration.core.rules import as_text
from integration.core.totals.sold import NOTHING
from integration.flows.booked_payments import BookedPayment, booked_payments
from integration.flows.day_pages import daybooks_of_the_bank
from integration.flows.days.manual_entries import LedgerRow
from integration.flows.days.questions import DAYBOOK_TYPES
from integration.flows.days.settings import FLOW
from integration.flows.orders.chains import ChainQueries, Chains, active_bookings
from integration.flows.orders.latest_booking import document_of
from integration.flows.orders.payments import WITH_PAYMENTS
from integration.flows.orders.references import OrderReferences
from integration.flows.settings import BOOKS, TILL
from integration.flows.spec import FlowContext

ORDERS = "orders"  # the flow that books single documents and links their customers with debtors
BOOKED_AS = (Kind.POSTING, Kind.SALES_ORDER)


class DayQueries:
    """The queries of one run or trial; `prefix` is that of the references of this console."""

    def __init__(self, asked: FlowContext, prefix: str) -> None:
        self._asked = asked
        self._references = OrderReferences(Kind.POSTING, prefix)
        self._standings = partial(asked.standings, ORDERS, BOOKED_AS)
        made_of, orders = (
            partial(asked.documents_made_from, ORDERS, BOOKED_AS),
            partial(asked.records, TILL.system, Kind.ORDER),
        )
        self._chains = Chains(ChainQueries(self._standings, made_of, orders=orders), (), {}, NOTHING)

    def links(self, keys: Collection[str]) -> Mapping[str, Link]:
        """Return the links of the pages booked under these keys."""
        return self._asked.links(FLOW.name, Kind.DAY_PAGE, keys)

    def debtors(self, relations: Collection[str]) -> Mapping[str, str]:
        """Return the debtor numbers of till customers, by relation number."""
        return self._asked.linked(ORDERS, Kind.DEBTOR, relations)

    def item(self, record: Record) -> str:
        """Return the reference of the open item of a document."""
        return self._references.reference_of(record)

    def unbooked(self, keys: Collection[str]) -> Collection[str]:
        """Return the till documents that the flow of documents has not booked."""
        there = active_bookings(self._standings, keys)
        return {key for key in keys if key not in there or there[key].where is not BookingStage.BOOKED}

    def booked_alone(self, keys: Collection[str]) -> Mapping[str, SeparateBooking]:
        """Return the separate bookings of these till documents that exist or are in doubt."""
        there = active_bookings(self._standings, keys).values()
        found = [one for one in there if one.may_be_there]
        relations = {as_text(one.values.get("debtor")) for one in found} - {""}
        debtors = self.debtors(relations) if relations else {}
        return {
            one.key: SeparateBooking(
                is_posted=one.kind is not Kind.SALES_ORDER,
                with_payments=one.values.get(WITH_PAYMENTS) is True,
                debtor=as_text(one.values.get("debtor_number")) or debtors.get(as_text(one.values.get("debtor")), ""),
                item=as_text(one.values.get("reference")),
            )
            for one in found
        }

    def separate_booking_states(self, keys: Collection[str]) -> Mapping[str, Sequence[BookingState]]:
        """Return the booking states of documents made from these documents, by key of the original."""
        made = {
            key: set(map(document_of, some))
            for key, some in self._asked.documents_made_from(ORDERS, BOOKED_AS, keys).items()
        }
        there = active_bookings(self._standings, sorted(set().union(*made.values())))
        return {key: [there[one] for one in sorted(some) if one in there] for key, some in made.items()}

    def booked_payments(self, invoices: Collection[str]) -> Mapping[str, BookedPayment]:
        """Return, by invoice, the payment that came from the books or may have."""
        return booked_payments(self._asked, invoices)

    def foreign_ledger_rows(self, days: Collection[date]) -> Sequence[LedgerRow]:
        """Return the rows of the books on these days that are neither of our flows nor of the bank.

        Unreadable rows are included, because their origin is unknown. Empty if the books do not give the rows of
        accounts.
        """
        asked = self._asked
        try:
            records = asked.records(BOOKS.system, Kind.ENTRY, sorted(day.isoformat() for day in days))
        except RejectedError:
            return []
        entries = [entry_of_row(one) for one in records if not isinstance(one, Unreadable)]
        pages = {one.page for one in entries}
        ours = asked.referred(ORDERS, Kind.POSTING, pages) | asked.referred(FLOW.name, Kind.DAY_PAGE, pages)
        banks = daybooks_of_the_bank(asked.codes(DAYBOOK_TYPES))
        others = [one for one in entries if one.page not in ours and one.page.partition("/")[0] not in banks]
        return [*others, *(one for one in records if isinstance(one, Unreadable))]

    def beyond_orders(self, page: Record) -> Sequence[Issue]:
        """Return the sales in a page that exceed their order, together with separately booked documents."""
        return self._chains.beyond_orders(page)

    def documents(self, kind: Kind, keys: Collection[str]) -> Sequence[Record]:
        """Return till documents by key."""
        return self._asked.records(TILL.system, kind, keys)
