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

    def __init__(self, context: FlowContext, prefix: str) -> None:
        self._context = context
        self._references = OrderReferences(Kind.POSTING, prefix)
        self._booking_states = partial(context.booking_states, ORDERS, BOOKED_AS)
        made_of, orders = (
            partial(context.documents_made_from, ORDERS, BOOKED_AS),
            partial(context.records, TILL.system, Kind.ORDER),
        )
        self._chains = Chains(ChainQueries(self._booking_states, made_of, orders=orders), (), {}, NOTHING)

    def links(self, keys: Collection[str]) -> Mapping[str, Link]:
        """Return the links of the pages booked under these keys."""
        return self._context.links(FLOW.name, Kind.DAY_PAGE, keys)

    def debtors(self, relations: Collection[str]) -> Mapping[str, str]:
        """Return the debtor numbers of till customers, by relation number."""
        return self._context.linked(ORDERS, Kind.DEBTOR, relations)

    def item(self, record: Record) -> str:
        """Return the reference of the open item of a document."""
        return self._references.reference_of(record)

    def unbooked(self, keys: Collection[str]) -> Collection[str]:
        """Return the till documents that the flow of documents has not booked."""
        bookings = active_bookings(self._booking_states, keys)
        return {key for key in keys if key not in bookings or bookings[key].stage is not BookingStage.BOOKED}

    def booked_alone(self, keys: Collection[str]) -> Mapping[str, SeparateBooking]:
        """Return the separate bookings of these till documents that exist or are in doubt."""
        bookings = active_bookings(self._booking_states, keys).values()
        possible_bookings = [booking for booking in bookings if booking.may_be_there]
        relations = {as_text(booking.values.get("debtor")) for booking in possible_bookings} - {""}
        debtors = self.debtors(relations) if relations else {}
        return {
            booking.key: SeparateBooking(
                is_posted=booking.kind is not Kind.SALES_ORDER,
                with_payments=booking.values.get(WITH_PAYMENTS) is True,
                debtor=as_text(booking.values.get("debtor_number"))
                or debtors.get(as_text(booking.values.get("debtor")), ""),
                item=as_text(booking.values.get("reference")),
            )
            for booking in possible_bookings
        }

    def separate_booking_states(self, keys: Collection[str]) -> Mapping[str, Sequence[BookingState]]:
        """Return the booking states of documents made from these documents, by key of the original."""
        derived_keys = {
            key: set(map(document_of, document_keys))
            for key, document_keys in self._context.documents_made_from(ORDERS, BOOKED_AS, keys).items()
        }
        bookings = active_bookings(self._booking_states, sorted(set().union(*derived_keys.values())))
        return {
            key: [bookings[document_key] for document_key in sorted(document_keys) if document_key in bookings]
            for key, document_keys in derived_keys.items()
        }

    def booked_payments(self, invoices: Collection[str]) -> Mapping[str, BookedPayment]:
        """Return, by invoice, the payment that came from the books or may have."""
        return booked_payments(self._context, invoices)

    def foreign_ledger_rows(self, days: Collection[date]) -> Sequence[LedgerRow]:
        """Return the rows of the books on these days that are neither of our flows nor of the bank.

        Unreadable rows are included, because their origin is unknown. Empty if the books do not give the rows of
        accounts.
        """
        context = self._context
        try:
            records = context.records(BOOKS.system, Kind.ENTRY, sorted(day.isoformat() for day in days))
        except RejectedError:
            return []
        entries = [entry_of_row(record) for record in records if not isinstance(record, Unreadable)]
        pages = {entry.page for entry in entries}
        ours = context.linked_references(ORDERS, Kind.POSTING, pages) | context.linked_references(
            FLOW.name, Kind.DAY_PAGE, pages
        )
        banks = daybooks_of_the_bank(context.codes(DAYBOOK_TYPES))
        others = [entry for entry in entries if entry.page not in ours and entry.page.partition("/")[0] not in banks]
        return [*others, *(record for record in records if isinstance(record, Unreadable))]

    def beyond_orders(self, page: Record) -> Sequence[Issue]:
        """Return the sales in a page that exceed their order, together with separately booked documents."""
        return self._chains.beyond_orders(page)

    def documents(self, kind: Kind, keys: Collection[str]) -> Sequence[Record]:
        """Return till documents by key."""
        return self._context.records(TILL.system, kind, keys)
