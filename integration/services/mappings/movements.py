"""Stock movements of the till since the books' figures.

Each movement is stored once, and none is lost or counted twice.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog

from integration.connectors.protocol import StockHistory
from integration.core.errors import ConfigurationError
from integration.core.movements import Movement, MovementType, StockReservation, UnbookedMovement
from integration.flows.settings import TILL
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.movements import MovementStore

log = structlog.get_logger(__name__)

# A movement with a lower number than the last one read can become visible later.
OVERLAP = 25
MAX_RETRIED_QUERIES = 5  # queries per run for movements that could not be read
UNREAD = 1_000  # of those, at most this many


class TillMovements:
    """The movements of one flow. In a trial, nothing is read from the till and nothing is marked."""

    def __init__(self, flow: str, store: MovementStore, access: ConnectorFactory, *, reads: bool) -> None:
        self._flow = flow
        self._store = store
        self._access = access
        self._is_reader = reads

    def unbooked(self) -> dict[int, UnbookedMovement]:
        return self._store.unbooked(self._flow)

    def orders_with_reservations(self) -> set[str]:
        """Return the till orders that have reservations."""
        return self._store.orders_with_reservations(self._flow)

    def settle(self, numbers: Collection[int], orders: Collection[str]) -> None:
        """Mark these movements as booked, and mark these orders and no others as booked."""
        if self._is_reader:
            self._store.settle(self._flow, numbers, orders)

    def settled_movements(self, documents: Collection[str]) -> dict[int, UnbookedMovement]:
        """Return the movements of these documents that are marked as booked."""
        return self._store.settled_movements(self._flow, documents)

    def reopen(self, numbers: Collection[int]) -> None:
        """Remove the mark of movements that the books no longer have."""
        if self._is_reader:
            self._store.reopen(self._flow, numbers)

    def begin(self, begin: datetime) -> None:
        """Read new movements, and reservations of orders, before a run reads the books.

        Later pages of the run do not read the reservations again. Orders taken meanwhile are found at the lookup of
        their article: a reservation beyond the counted ones is not free stock.
        """
        if self._is_reader:
            self._read_reservations(self._till(), self._store.read_upto(self._flow)[2])
            self._read(begin)
            self._read_again()
            self._store.drop_before(self._flow, begin)

    def read_on(self, begin: datetime) -> int:
        """Read movements up to now, and return the number of the newest. If there are none, this is one query.

        Movements that were already read are not read again, apart from a small overlap. An earlier `begin` reads
        everything again.
        """
        after, began, _ = self._store.read_upto(self._flow)
        if not self._is_reader:
            return after
        is_whole = began is not None and began <= begin
        return after if is_whole and self._till().newest_movement() == after else self._read(begin)

    def _read(self, begin: datetime) -> int:
        after, began, _ = self._store.read_upto(self._flow)
        till = self._till()
        newest = till.newest_movement()
        if newest < after:  # the till was restored, and issues the same numbers again
            self._store.forget(self._flow)
            began = None
        if began is None or begin < began:  # never read, or read from a later time only
            after, began = 0, begin
        upto, start = max(after, newest), max(0, after - OVERLAP)
        while page := self._split_numberless(till.movements(start, began), start):
            start = page[-1].number
            upto = max(upto, start)
            self._store.keep(
                self._flow, [movement for movement in page if movement.type is not MovementType.OTHER], start, began
            )
        self._store.keep(self._flow, (), upto, began)
        return upto

    def _split_numberless(self, page: Sequence[Movement], start: int) -> list[Movement]:
        """Return the movements of a page, and store those whose number cannot be read."""
        if numberless := [movement for movement in page if not movement.number]:
            after, known_movements = self._store.numberless(self._flow)
            fresh = [movement for movement in numberless if movement not in known_movements]
            self._store.keep_numberless(
                self._flow, [*known_movements, *fresh], start if after is None else min(start, after)
            )
        return [movement for movement in page if movement.number]

    def _read_again(self) -> None:
        """Read unreadable movements once more, because somebody may have corrected them."""
        upto, began, _ = self._store.read_upto(self._flow)
        if began is None:
            return
        waiting = self._store.unreadable(self._flow, UNREAD)
        for _ in range(MAX_RETRIED_QUERIES if waiting else 0):
            page = {movement.number: movement for movement in self._till().movements(waiting[0] - 1, began)}
            for number in waiting:
                if number in page and page[number].type is not MovementType.UNREADABLE:
                    self._correct_movement(page[number], upto, began)
            waiting = [number for number in waiting if number > max(page, default=waiting[-1])]
            if not waiting:
                break
        self._read_numberless_again(began)

    def _correct_movement(self, movement: Movement, upto: int, began: datetime) -> None:
        if movement.type is MovementType.OTHER:
            self._store.forget(self._flow, movement.number)
        else:
            self._store.keep(self._flow, [movement], upto, began)

    def _read_numberless_again(self, began: datetime) -> None:
        """Update the movements without a readable number. A movement that has a number by now is stored under it."""
        after, known_movements = self._store.numberless(self._flow)
        if after is None:
            return
        upto, _, _ = self._store.read_upto(self._flow)
        start, numberless = after, list[Movement]()
        for _ in range(MAX_RETRIED_QUERIES):
            page = self._till().movements(start, began)
            numberless += [movement for movement in page if not movement.number and movement not in numberless]
            numbered = [movement for movement in page if movement.number]
            if not numbered:
                known_movements = []  # all later movements have been read
                break
            start = numbered[-1].number
            stock_movements = [movement for movement in numbered if movement.type is not MovementType.OTHER]
            self._store.keep(self._flow, stock_movements, max(upto, start), began)
        self._store.keep_numberless(
            self._flow, [*numberless, *(movement for movement in known_movements if movement not in numberless)], after
        )

    def _till(self) -> StockHistory:
        till = self._access.connector(TILL.system)
        if not isinstance(till, StockHistory):
            raise ConfigurationError("flow_setting_invalid", flow=self._flow, setting="sales", expected="expected_till")
        return till

    def _read_reservations(self, till: StockHistory, since: str | None) -> None:
        """Read the orders that changed. The first time, read all orders, because any of them may have reservations."""
        after: str | None = None
        order_count = 0
        while True:
            page = till.reservation_page(since, after)
            order_count += len(page.orders)
            if since is None:
                log.info("orders are read for the first time", flow=self._flow, orders=order_count)
            is_last = page.after is None
            self._store.store_reservations(self._flow, page.orders, page.reservations, page.stamp if is_last else None)
            if is_last:
                return
            after = page.after

    def open(self, articles: Collection[str], upto: int | None = None) -> Sequence[Movement]:
        """Return the movements of articles, by the till's numbers, that are not known to be in the books."""
        return self._store.open(self._flow, articles, upto)

    def movements_without_article(self) -> Sequence[Movement]:
        """Return the movements whose article cannot be determined."""
        return self._store.without_article(self._flow)

    def reservations_of(self, articles: Collection[str]) -> Sequence[tuple[StockReservation, bool]]:
        """Return the reservations of articles, each with whether the books have the order."""
        return self._store.reservations_of(self._flow, articles)
