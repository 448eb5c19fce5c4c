"""Corrects stock figures of the books by movements of the till that the books do not have yet.

Movements with a booking are marked as settled before the figures of the books are read. A sale that enters the books
after that counts as missing until the next run, so a level may temporarily be too low, but never too high.

A sales order may leave the figures unchanged until it is invoiced. In that case its sales count as missing until then.
Its returns stop counting as soon as the books have the order, and are for sale again when the figures of the books
include them.

A booking that the books reverse, e.g. through an undo, is no longer in their figures. Its sale counts as missing from
the moment the reversal is sent, even while figures are read. A return counts again once it is known to be out of the
figures. How often a figure includes a movement follows from all its bookings and credits; see `included_count`.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from integration.core.booking_state import BookingStage, BookingState, BookingStateQuery
from integration.core.movements import Movement, MovementType, StockCounted, StockReservation, UnbookedMovement
from integration.core.records import Kind, Record, Unreadable
from integration.flows.orders.credits import CREDIT
from integration.flows.orders.latest_booking import all_bookings, document_of
from integration.flows.spec import Movements
from integration.flows.stock.included_count import CountRange, is_credit, is_settled, missing_amount
from integration.flows.stock.read_window import BookingSnapshot, count_in_window
from integration.flows.stock.settings import DATED, StockSettings, setting_moment

MAX_NAMED = 5  # maximum number of documents shown with a figure
# Names of the terms that convert a figure of the books into a level.
TERMS = frozenset(
    {
        "sold_not_booked",
        "returned_not_booked",
        "reserved_not_booked",
        "ordered_not_invoiced",
        "sent_not_booked",
        "received_not_booked",
    }
)
UNPROVEN = (MovementType.DELIVERY, MovementType.INTERNAL)  # movements for which we never book a document


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a level: its name, amount and documents."""

    name: str
    amount: Decimal
    titles: tuple[str, ...]

    def display_text(self) -> str:
        """Return the term for display: the signed amount and the documents."""
        rest = len(self.titles) - MAX_NAMED
        titles = ", ".join(self.titles[:MAX_NAMED]) + (f", +{rest}" if rest > 0 else "")
        return f"{self.amount.normalize():+f}" + (f" ({titles})" if titles else "")


@dataclass(frozen=True, slots=True)
class Lacking:
    """The amount of a movement or reservation that the figures of the books lack; it must be added to them.

    `booked` applies to figures that include a sales order once it is booked, `invoiced` to figures that include it only
    once it is invoiced.
    """

    entry: Movement | StockReservation
    booked: Decimal
    invoiced: Decimal

    @property
    def documents(self) -> tuple[str, ...]:
        """The till documents of the movement or reservation."""
        return (self.entry.document,) if isinstance(self.entry, StockReservation) else self.entry.documents


@dataclass(frozen=True, slots=True)
class Tally:
    """Known movements and reservations of one article that the figures of the books lack."""

    stock_counted: StockCounted
    movements: tuple[Lacking, ...] = ()
    reservations: tuple[Lacking, ...] = ()
    unclear: Mapping[str, Unreadable] = field(
        default_factory=dict
    )  # documents with an unknown invoice state, with the unreadable record
    uncounted: tuple[Movement, ...] = ()  # deliveries and transfers without proof of booking
    unbooked_transfers: tuple[Movement, ...] = ()  # transfers that a person declared as not booked
    unbooked_deliveries: tuple[Movement, ...] = ()  # goods from suppliers that a person declared as not booked

    def unreadable(self, branches: Collection[str], since: datetime) -> Movement | None:
        """Return a movement of these branches whose amount cannot be read; no branches means all."""
        movements = (
            lacking.entry
            for lacking in self.movements
            if isinstance(lacking.entry, Movement) and _counts(lacking, branches, since)
        )
        return next((movement for movement in movements if movement.type is MovementType.UNREADABLE), None)

    def unknown_invoice_state(self, branches: Collection[str], since: datetime) -> tuple[str, Unreadable] | None:
        """Return a document with movements in these branches for which it is unknown whether it was invoiced.

        The result is the title of the document and the unreadable record.
        """
        lacking_ = [
            lacking
            for lacking in (*self.movements, *self.reservations)
            if lacking.invoiced < 0 and _counts(lacking, branches, since)
        ]
        titles = [(key, lacking.entry.title) for lacking in lacking_ for key in lacking.documents]
        return next(((title or key, self.unclear[key]) for key, title in titles if key in self.unclear), None)

    def uncounted_movements(self, branches: Collection[str], since: datetime) -> Term | None:
        """Return the movements of these branches that count in no level; no branches means all."""
        moved = (
            self.uncounted if branches else (*self.uncounted, *self.unbooked_transfers)
        )  # transfers stay within a shared figure
        amount = _sum(movement.amount for movement in moved if movement.at > since and movement.is_about(branches))
        return Term("moved_not_counted", amount, ()) if amount else None

    def terms(self, branches: Collection[str], since: datetime, *, orders_left: bool = True) -> list[Term]:
        """Return the terms that convert a figure of the books into a level of these branches; none means all.

        With `orders_left`, the figure excludes sales of sales orders as soon as the books have them.
        """
        movements = [lacking for lacking in self.movements if _counts(lacking, branches, since)]
        reservations = [lacking for lacking in self.reservations if _counts(lacking, branches, since)]
        sales = [lacking for lacking in movements if isinstance(lacking.entry, Movement) and lacking.entry.amount < 0]
        back = [lacking for lacking in movements if lacking not in sales]
        sent_amount = _sum(movement.amount for movement in self.unbooked_transfers if movement.branch in branches)
        received_amount = _sum(movement.amount for movement in self.unbooked_deliveries if movement.is_about(branches))
        declared = {"sent_not_booked": sent_amount, "received_not_booked": received_amount}
        parts: tuple[tuple[str, list[tuple[Lacking, Decimal]]], ...] = (
            ("sold_not_booked", [(lacking, lacking.booked) for lacking in sales]),
            (
                "returned_not_booked",
                [(lacking, lacking.booked if orders_left else lacking.invoiced) for lacking in back],
            ),
            ("reserved_not_booked", [(lacking, lacking.booked) for lacking in reservations]),
            (
                "ordered_not_invoiced",
                []
                if orders_left
                else [(lacking, lacking.invoiced - lacking.booked) for lacking in (*sales, *reservations)],
            ),
        )
        return [Term(name, amount, ()) for name, amount in declared.items() if amount] + [
            Term(
                name,
                amount,
                tuple(dict.fromkeys(lacking.entry.title for lacking, part in amounts if part and lacking.entry.title)),
            )
            for name, amounts in parts
            if (amount := _sum(part for _, part in amounts))
        ]


def _counts(lacking: Lacking, branches: Collection[str], since: datetime) -> bool:
    if isinstance(lacking.entry, StockReservation):
        return not branches or lacking.entry.branch in branches
    return lacking.entry.at > since and lacking.entry.is_about(branches)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


@dataclass
class Sales:
    """Compares movements of the till with the books, according to the settings."""

    settings: StockSettings
    movements: Movements
    booking_states: BookingStateQuery
    # returns which of these sales orders are not known to be invoiced
    uninvoiced: Callable[[Mapping[str, BookingState]], Mapping[str, Unreadable | None]] = dict.fromkeys
    # returns the keys of credits, also those in doubt, and of lost bookings
    credited: Callable[[], Collection[str]] = tuple
    _bookings_before: BookingSnapshot = field(default_factory=BookingSnapshot)  # bookings before the figures were read
    _credit_keys: frozenset[str] = frozenset()  # credits at that moment

    @property
    def types(self) -> frozenset[MovementType]:
        """The movement types that count. Deliveries and transfers have no document, so they count by time alone.

        Counted together with documents, they would never be settled: a delivery would be for sale twice once the books
        have it. They count if a person sets, and advances, the moment up to which the books include them: outgoing
        transfers for all branches, deliveries for each branch.
        """
        dated = UNPROVEN if self.settings.sales == DATED else ()
        transfers = () if self.settings.transfers_counted_from is None else (MovementType.SENT,)
        deliveries = (MovementType.DELIVERY,) if self.settings.deliveries_counted_from else ()
        return frozenset({MovementType.SALES, *dated, *transfers, *deliveries})

    def settle(self) -> None:
        """Mark the movements that the books have, before their figures are read."""
        self.movements.begin(self.settings.figures_complete_until)
        if self.settings.sales == DATED:
            return
        self._credit_keys = frozenset(self.credited())
        marked = self.movements.settled_movements(set(map(document_of, self._credit_keys))) if self._credit_keys else {}
        unbooked, orders = self.movements.unbooked(), self.movements.orders_with_reservations()
        documents = {
            key for by_number in (marked, unbooked) for movement in by_number.values() for key in movement.documents
        }
        self._bookings_before = self._read_bookings(documents.union(orders))
        self.movements.reopen(
            [number for number, movement in marked.items() if not self._is_settled(movement, self._bookings_before)]
        )
        self.movements.settle(
            [number for number, movement in unbooked.items() if self._is_settled(movement, self._bookings_before)],
            sorted(order for order in orders if self._is_settled(UnbookedMovement((order,)), self._bookings_before)),
        )

    def _is_settled(self, movement: UnbookedMovement, look: BookingSnapshot) -> bool:
        """Return True if a movement is known to be in the books; for a return, the order is sufficient."""
        times = [count_in_window(look, look, key, orders_left=movement.is_back) for key in movement.documents]
        return is_settled(times, is_back=movement.is_back)

    def _read_bookings(self, documents: Collection[str]) -> BookingSnapshot:
        """Return the booking states of documents, and query which of their sales orders are not invoiced."""
        booked = self._stock_bookings(documents)
        orders = self._orders(booked)
        return BookingSnapshot(booked, self.uninvoiced(orders) if orders else {})

    def _read_bookings_again(self, documents: Collection[str]) -> BookingSnapshot:
        """Return the current booking states; the invoice state is queried again for credits only."""
        booked = self._stock_bookings(documents)
        orders = {
            key: booking
            for key, booking in self._orders(booked).items()
            if key in self._bookings_before.open and is_credit(key)
        }
        open_orders = {key: unreadable for key, unreadable in self._bookings_before.open.items() if not is_credit(key)}
        return BookingSnapshot(booked, {**open_orders, **(self.uninvoiced(orders) if orders else {})})

    def _stored_bookings(self, documents: Collection[str]) -> BookingSnapshot:
        """Return the booking states without a query to the books; every order and its credit count as open."""
        booked = self._stock_bookings(documents)
        orders = self._orders(booked)
        return BookingSnapshot(booked, {key: None for key in orders if key.replace(CREDIT, "") in orders})

    def _stock_bookings(self, documents: Collection[str]) -> dict[str, dict[str, BookingState]]:
        bookings = all_bookings(sorted(documents), self.booking_states) if documents else {}
        return {
            document: {key: booking for key, booking in every.items() if self._moves_stock(key, every)}
            for document, every in bookings.items()
        }

    def _orders(self, booked: Mapping[str, Mapping[str, BookingState]]) -> dict[str, BookingState]:
        """Return the sales orders that a figure of the books may not include yet."""
        if not self.settings.waits_for_invoices:
            return {}
        every = {key: booking for bookings in booked.values() for key, booking in bookings.items()}
        return {
            key: booking
            for key, booking in every.items()
            if booking.stage is BookingStage.BOOKED and booking.values.get("trade_invoice") is not True
        }

    def _moves_stock(self, key: str, bookings: Mapping[str, BookingState]) -> bool:
        """Return True if a booking moves or reserves stock in the books, or may do so.

        An unanswered credit is treated like the booking it reverses; without that booking it counts.
        """
        booking_state = bookings[key]
        if booking_state.stage not in (BookingStage.BOOKED, BookingStage.DOUBTFUL):
            return False
        if booking_state.kind is None:
            booking = key.replace(CREDIT, "")
            return booking == key or booking not in bookings or self._moves_stock(booking, bookings)
        as_invoice = booking_state.values.get("trade_invoice") is True
        is_counted = self.settings.sales == "documents" or as_invoice == (self.settings.sales == "trade_invoices")
        return booking_state.kind is Kind.SALES_ORDER and is_counted

    def read_tallies(self, numbers: Collection[str]) -> Callable[[str], Tally]:
        """Read new movements and return a function that gives the tally of an article by its till number.

        Call this after the figures of the books were read, so that they contain no later movement. A return that
        entered the books during the run may be in the figures, so it no longer counts; otherwise it would be for sale
        twice. A sale whose booking was reversed during the run may be out of the figures.
        """
        credited_documents: set[str] = set()
        if self.settings.sales != DATED:
            credited = frozenset(self.credited())
            self._reopen_sales(set(map(document_of, credited - self._credit_keys)))
            self._credit_keys |= credited
            credited_documents = set(map(document_of, self._credit_keys))
        upto = self.movements.read_on(self.settings.figures_complete_until)
        open_movements = self._open_movements(numbers, upto)
        if self.settings.sales == DATED:
            return self._tally(open_movements, upto, self._bookings_before, self._bookings_before)
        back = {key for movement in open_movements.movements if movement.amount > 0 for key in movement.documents}
        return self._tally(
            open_movements,
            upto,
            self._bookings_before,
            self._read_bookings_again(back | (credited_documents & open_movements.documents)),
        )

    def _reopen_sales(self, documents: Collection[str]) -> None:
        """Unmark sales that the books reversed; returns are unmarked in the next run."""
        marked = self.movements.settled_movements(documents) if documents else {}
        sold = {number: movement for number, movement in marked.items() if not movement.is_back}
        look = self._read_bookings_again({key for movement in sold.values() for key in movement.documents})
        self.movements.reopen([number for number, movement in sold.items() if not self._is_settled(movement, look)])

    def stored_tallies(self, numbers: Collection[str]) -> Callable[[str], Tally]:
        """Return the tallies as of the last time a run read the movements."""
        open_movements = self._open_movements(numbers, None)
        look = BookingSnapshot() if self.settings.sales == DATED else self._stored_bookings(open_movements.documents)
        return self._tally(open_movements, None, look, look)

    def _open_movements(self, numbers: Collection[str], upto: int | None) -> "_OpenMovements":
        movements, transfers = list[Movement](), defaultdict[str, list[Movement]](list)
        deliveries = defaultdict[str, list[Movement]](list)
        for movement in self.movements.open(numbers, upto):
            if self._is_counted_transfer(movement):
                transfers[movement.article].append(movement)
            elif self._is_counted_delivery(movement):
                deliveries[movement.article].append(movement)
            else:
                movements.append(movement)
        return _OpenMovements(movements, self.movements.reservations_of(numbers), transfers, deliveries)

    def _is_counted_transfer(self, movement: Movement) -> bool:
        """Return True for an outgoing transfer after the moment up to which a person entered transfers."""
        start = self.settings.transfers_counted_from
        return start is not None and movement.at > start and movement.counts_as({MovementType.SENT})

    def _is_counted_delivery(self, movement: Movement) -> bool:
        """Return True for goods from a supplier after the moment up to which a person entered deliveries."""
        start = self.settings.deliveries_counted_from.get(movement.branch)
        return start is not None and movement.at > start and movement.type is MovementType.DELIVERY

    def _tally(
        self, open_movements: "_OpenMovements", upto: int | None, before: BookingSnapshot, after: BookingSnapshot
    ) -> Callable[[str], Tally]:
        """Return a function that gives the tally of an article."""

        def times(documents: Iterable[str], *, orders_left: bool) -> list[CountRange]:
            return [count_in_window(before, after, document, orders_left=orders_left) for document in documents]

        def lacks(movement: Movement | StockReservation, amount: Decimal, *documents: str) -> Lacking:
            leaves, stays = times(documents, orders_left=True), times(documents, orders_left=False)
            return Lacking(movement, missing_amount(amount, leaves), missing_amount(amount, stays))

        movements: dict[str, list[Lacking]] = defaultdict(list)
        uncounted: dict[str, list[Movement]] = defaultdict(list)
        for movement in open_movements.movements:
            is_by_time = movement.type in UNPROVEN and self.settings.sales != DATED
            if is_by_time:
                uncounted[movement.article].append(movement)
            lack = lacks(movement, movement.amount, *movement.documents)
            if movement.type is MovementType.UNREADABLE:
                is_over = is_settled(times(movement.documents, orders_left=False), is_back=False)
            else:
                is_over = is_by_time or movement.type not in self.types or not (lack.booked or lack.invoiced)
            if not is_over:
                movements[movement.article].append(lack)
        reservations_by_article: dict[str, list[Lacking]] = defaultdict(list)
        reserved: dict[str, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(self.settings.branches, Decimal(0)))
        for reservation, was_booked in open_movements.reservations:
            quantities = reserved[reservation.article]
            quantities[reservation.branch] = quantities.get(reservation.branch, Decimal(0)) + reservation.amount
            if not was_booked or reservation.document in before.booked:
                lack = lacks(reservation, -reservation.amount, reservation.document)
                reservations_by_article[reservation.article] += [lack] if lack.booked or lack.invoiced else []
        unclear = {document_of(key): wrong for look in (before, after) for key, wrong in look.open.items() if wrong}

        def tally_of(number: str) -> Tally:
            stock_counted = StockCounted(upto or 0, self.types, dict(reserved[number]))
            tally_parts = tuple(movements[number]), tuple(reservations_by_article[number]), unclear
            return Tally(
                stock_counted,
                *tally_parts,
                tuple(uncounted[number]),
                tuple(open_movements.unbooked_transfers[number]),
                tuple(open_movements.unbooked_deliveries[number]),
            )

        return tally_of

    def movements_without_article(self) -> list[Movement]:
        """Return the movements whose article cannot be read, as far as they may count."""
        return [
            movement
            for movement in self.movements.movements_without_article()
            if movement.at > self.settings.figures_complete_until
        ]

    def counting_start(self, record: Record) -> datetime:
        """Return the moment from which movements of an article count: its own stamp, or that of the settings."""
        stamp = record.values.get(self.settings.sales_stamp) if self.settings.sales_stamp else None
        return setting_moment(stamp) or self.settings.figures_complete_until


@dataclass(frozen=True, slots=True)
class _OpenMovements:
    """The movements and reservations of some articles that the books may lack."""

    movements: Sequence[Movement]
    reservations: Sequence[tuple[StockReservation, bool]]
    unbooked_transfers: Mapping[str, Sequence[Movement]]  # outgoing transfers that count by time alone, by article
    unbooked_deliveries: Mapping[str, Sequence[Movement]]  # goods from suppliers that count by time alone, by article

    @property
    def documents(self) -> set[str]:
        """The documents of the movements and reservations."""
        return {key for entry in self.movements for key in entry.documents} | {
            entry.document for entry, _ in self.reservations
        }
