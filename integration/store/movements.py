"""Stores stock movements of the till and reservations of orders that the books may not have yet.

Movements are identified by number and reservations by order, so that reading one twice stores it once. A run marks what
the books have before it reads their stock figures. Only runs set this mark. It is removed when a booking is reverted.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from integration.core.movements import Movement, MovementType, StockReservation, UnbookedMovement
from integration.store.cursors import keep_cursors
from integration.store.database import Store, batches, upsert
from integration.store.tables import cursors, reservations, stock_movements

LAST_MOVEMENT, BEGIN, ORDERS = "movements", "movements:begin", "reservations"
"""Names of cursors: the last movement that was read, the start of counting, and the marker of orders."""
NUMBERLESS = "movements:numberless"  # the movement after which the first one without a readable number came


class MovementStore(Store):
    """Stores the stock movements and reservations of all flows."""

    def read_upto(self, flow: str) -> tuple[int, datetime | None, str | None]:
        """Return the number of the last movement read, the start of counting, and the marker of the orders read."""
        query = sa.select(cursors).where(cursors.c.flow == flow, cursors.c.side.in_((LAST_MOVEMENT, BEGIN, ORDERS)))
        values = {row.side: row.value for row in self.database.rows(query)}
        begin = datetime.fromisoformat(values[BEGIN]) if BEGIN in values else None
        return int(values.get(LAST_MOVEMENT, 0)), begin, values.get(ORDERS)

    def keep(self, flow: str, new_movements: Sequence[Movement], upto: int, begin: datetime) -> None:
        """Store movements and the last number read in one transaction. Movements marked as booked stay marked."""
        with self.database.write() as connection:
            upsert(connection, stock_movements, [_row(flow, movement) for movement in new_movements], keep=("booked",))
            keep_cursors(connection, self.clock(), flow, {LAST_MOVEMENT: str(upto), BEGIN: begin.isoformat()})

    def store_reservations(
        self, flow: str, orders: Sequence[str], new_reservations: Sequence[StockReservation], marker: str | None
    ) -> None:
        """Replace the reservations of these orders, and store the marker up to which orders were read."""
        rows = [
            {
                "flow": flow,
                "document": reservation.document,
                "branch": reservation.branch,
                "article": reservation.article,
                "amount": str(reservation.amount),
                "title": reservation.title,
                "booked": False,
            }
            for reservation in new_reservations
        ]
        with self.database.write() as connection:
            booked: set[str] = set()
            for batch in batches(orders):
                conditions = (reservations.c.flow == flow, reservations.c.document.in_(batch))
                query = sa.select(reservations.c.document).where(*conditions, reservations.c.booked)
                booked |= {row.document for row in connection.execute(query)}
                connection.execute(reservations.delete().where(*conditions))
            upsert(connection, reservations, [{**row, "booked": row["document"] in booked} for row in rows])
            if marker is not None:
                keep_cursors(connection, self.clock(), flow, {ORDERS: marker})

    def unbooked(self, flow: str) -> dict[int, UnbookedMovement]:
        """Return the movements that are not marked as booked, by number."""
        columns = (stock_movements.c.number, stock_movements.c.documents, stock_movements.c.amount)
        query = sa.select(*columns).where(stock_movements.c.flow == flow, ~stock_movements.c.booked)
        return {
            row.number: UnbookedMovement(tuple(row.documents), is_back=Decimal(row.amount) > 0)
            for row in self.database.rows(query)
        }

    def settled_movements(self, flow: str, documents: Collection[str]) -> dict[int, UnbookedMovement]:
        """Return the movements of these documents that are marked as booked, by number."""
        document_set = frozenset(documents)
        columns = (stock_movements.c.number, stock_movements.c.documents, stock_movements.c.amount)
        query = sa.select(*columns).where(stock_movements.c.flow == flow, stock_movements.c.booked)
        return {
            row.number: UnbookedMovement(tuple(row.documents), is_back=Decimal(row.amount) > 0)
            for row in (self.database.rows(query) if document_set else ())
            if not document_set.isdisjoint(row.documents)
        }

    def reopen(self, flow: str, numbers: Collection[int]) -> None:
        """Mark movements as not booked, because the books no longer have them."""
        with self.database.write() as connection:
            for batch in batches(list(numbers)):
                conditions = (stock_movements.c.flow == flow, stock_movements.c.number.in_(batch))
                connection.execute(stock_movements.update().where(*conditions).values(booked=False))

    def orders_with_reservations(self, flow: str) -> set[str]:
        query = sa.select(reservations.c.document).where(reservations.c.flow == flow).distinct()
        return {row.document for row in self.database.rows(query)}

    def settle(self, flow: str, numbers: Collection[int], orders: Collection[str]) -> None:
        """Mark movements as booked, and mark exactly these orders as booked."""
        with self.database.write() as connection:
            for batch in batches(list(numbers)):
                conditions = (stock_movements.c.flow == flow, stock_movements.c.number.in_(batch))
                connection.execute(stock_movements.update().where(*conditions).values(booked=True))
            of_flow = reservations.c.flow == flow
            connection.execute(reservations.update().where(of_flow, reservations.c.booked).values(booked=False))
            for some_orders in batches(list(orders)):
                here_too = (of_flow, reservations.c.document.in_(some_orders))
                connection.execute(reservations.update().where(*here_too).values(booked=True))

    def open(self, flow: str, articles: Collection[str], upto: int | None = None) -> list[Movement]:
        """Return the movements of these articles that are not marked as booked, by number, up to number `upto`."""
        conditions = [stock_movements.c.flow == flow, ~stock_movements.c.booked]
        conditions += [] if upto is None else [stock_movements.c.number <= upto]
        rows = self.database.rows_with_values(
            sa.select(stock_movements).where(*conditions), stock_movements.c.article, articles
        )
        return sorted(map(_movement, rows), key=lambda movement: movement.number)

    def without_article(self, flow: str) -> list[Movement]:
        """Return the unreadable movements whose article is unknown."""
        conditions = (
            stock_movements.c.flow == flow,
            stock_movements.c.article == "",
            stock_movements.c.type == MovementType.UNREADABLE,
            ~stock_movements.c.booked,
        )
        return [
            _movement(row)
            for row in self.database.rows(
                sa.select(stock_movements).where(*conditions).order_by(stock_movements.c.number)
            )
        ]

    def numberless(self, flow: str) -> tuple[int | None, list[Movement]]:
        """Return the movements without a readable number, and the number of the movement before the first, or None."""
        after = self.database.scalar(sa.select(cursors.c.value).filter_by(flow=flow, side=NUMBERLESS))
        query = (
            sa.select(stock_movements)
            .where(stock_movements.c.flow == flow, stock_movements.c.number < 0)
            .order_by(stock_movements.c.number.desc())
        )
        return int(after) if after else None, [_movement(row) for row in self.database.rows(query)]

    def keep_numberless(self, flow: str, new_movements: Sequence[Movement], after: int) -> None:
        """Replace all movements without a readable number."""
        with self.database.write() as connection:
            connection.execute(
                stock_movements.delete().where(stock_movements.c.flow == flow, stock_movements.c.number < 0)
            )
            numbered = [
                {**_row(flow, movement), "number": -place} for place, movement in enumerate(new_movements, start=1)
            ]
            upsert(connection, stock_movements, numbered)
            keep_cursors(connection, self.clock(), flow, {NUMBERLESS: str(after) if new_movements else ""})

    def reservations_of(self, flow: str, articles: Collection[str]) -> list[tuple[StockReservation, bool]]:
        """Return the reservations of these articles, each with whether the books have the order."""
        query = sa.select(reservations).where(reservations.c.flow == flow).order_by(reservations.c.document)
        return [
            (StockReservation(row.document, row.branch, row.article, Decimal(row.amount), row.title), row.booked)
            for row in self.database.rows_with_values(query, reservations.c.article, articles)
        ]

    def unreadable(self, flow: str, limit: int) -> list[int]:
        """Return the numbers of the first unreadable movements."""
        conditions = (
            stock_movements.c.flow == flow,
            stock_movements.c.number > 0,
            stock_movements.c.type == MovementType.UNREADABLE,
            ~stock_movements.c.booked,
        )
        query = sa.select(stock_movements.c.number).where(*conditions).order_by(stock_movements.c.number).limit(limit)
        return [row.number for row in self.database.rows(query)]

    def forget(self, flow: str, number: int | None = None) -> None:
        """Delete one movement or all movements, because the numbers now identify others."""
        conditions = [stock_movements.c.flow == flow] + ([] if number is None else [stock_movements.c.number == number])
        with self.database.write() as connection:
            connection.execute(stock_movements.delete().where(*conditions))

    def drop_before(self, flow: str, begin: datetime) -> None:
        """Delete movements before the start of counting. Retention deletes booked movements."""
        with self.database.write() as connection:
            connection.execute(
                stock_movements.delete().where(stock_movements.c.flow == flow, stock_movements.c.happened_at < begin)
            )


def _row(flow: str, movement: Movement) -> dict[str, object]:
    return {
        "flow": flow, "number": movement.number, "branch": movement.branch, "article": movement.article,
        "amount": str(movement.amount), "type": movement.type, "happened_at": movement.at,
        "documents": list(movement.documents), "title": movement.title,
        "delivered": movement.is_delivered, "unread": movement.unread, "booked": False,
    }  # fmt: skip


def _movement(row: sa.Row[Any]) -> Movement:
    """Return the movement of a row. Movements without a readable number get the number 0."""
    return Movement(
        max(0, row.number), row.branch, row.article, Decimal(row.amount), MovementType(row.type), row.happened_at,
        tuple(row.documents), row.title, row.delivered, row.unread,
    )  # fmt: skip
