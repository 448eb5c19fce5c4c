"""Stores stock movements of the till and reservations of orders that the books may not have yet.

Movements are identified by number and reservations by order, so that reading one twice stores it once. A run marks what
the books have before it reads their stock figures. Only runs set this mark. It is removed when a booking is reverted.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from integration.core.moves import Move, MoveSort, StockReservation, UnbookedMovement
from integration.store.cursors import keep_cursors
from integration.store.database import Store, batches, upsert
from integration.store.tables import cursors, reservations, stock_movements

MOVES, BEGIN, ORDERS = "moves", "moves:begin", "promises"  # cursors: last movement, start of counting, marker of orders
NUMBERLESS = "moves:numberless"  # the movement after which the first one without a readable number came


class MoveStore(Store):
    """Stores the stock movements and reservations of all flows."""

    def read_upto(self, flow: str) -> tuple[int, datetime | None, str | None]:
        """Return the number of the last movement read, the start of counting, and the marker of the orders read."""
        here = sa.select(cursors).where(cursors.c.flow == flow, cursors.c.side.in_((MOVES, BEGIN, ORDERS)))
        told = {row.side: row.value for row in self.database.rows(here)}
        begin = datetime.fromisoformat(told[BEGIN]) if BEGIN in told else None
        return int(told.get(MOVES, 0)), begin, told.get(ORDERS)

    def keep(self, flow: str, found: Sequence[Move], upto: int, begin: datetime) -> None:
        """Store movements and the last number read in one transaction. Movements marked as booked stay marked."""
        with self.database.write() as connection:
            upsert(connection, stock_movements, [_row(flow, one) for one in found], keep=("booked",))
            keep_cursors(connection, self.clock(), flow, {MOVES: str(upto), BEGIN: begin.isoformat()})

    def store_reservations(
        self, flow: str, orders: Sequence[str], kept: Sequence[StockReservation], marker: str | None
    ) -> None:
        """Replace the reservations of these orders, and store the marker up to which orders were read."""
        rows = [
            {
                "flow": flow, "document": one.document, "branch": one.branch, "article": one.article,
                "amount": str(one.amount), "title": one.title, "booked": False,
            }
            for one in kept
        ]  # fmt: skip
        with self.database.write() as connection:
            booked: set[str] = set()
            for some in batches(orders):
                here = (reservations.c.flow == flow, reservations.c.document.in_(some))
                known = sa.select(reservations.c.document).where(*here, reservations.c.booked)
                booked |= {row.document for row in connection.execute(known)}
                connection.execute(reservations.delete().where(*here))
            upsert(connection, reservations, [{**row, "booked": row["document"] in booked} for row in rows])
            if marker is not None:
                keep_cursors(connection, self.clock(), flow, {ORDERS: marker})

    def unbooked(self, flow: str) -> dict[int, UnbookedMovement]:
        """Return the movements that are not marked as booked, by number."""
        named = (stock_movements.c.number, stock_movements.c.documents, stock_movements.c.amount)
        here = sa.select(*named).where(stock_movements.c.flow == flow, ~stock_movements.c.booked)
        return {
            row.number: UnbookedMovement(tuple(row.documents), is_back=Decimal(row.amount) > 0)
            for row in self.database.rows(here)
        }

    def settled_movements(self, flow: str, documents: Collection[str]) -> dict[int, UnbookedMovement]:
        """Return the movements of these documents that are marked as booked, by number."""
        wanted = frozenset(documents)
        named = (stock_movements.c.number, stock_movements.c.documents, stock_movements.c.amount)
        here = sa.select(*named).where(stock_movements.c.flow == flow, stock_movements.c.booked)
        return {
            row.number: UnbookedMovement(tuple(row.documents), is_back=Decimal(row.amount) > 0)
            for row in (self.database.rows(here) if wanted else ())
            if not wanted.isdisjoint(row.documents)
        }

    def reopen(self, flow: str, numbers: Collection[int]) -> None:
        """Mark movements as not booked, because the books no longer have them."""
        with self.database.write() as connection:
            for some in batches(list(numbers)):
                here = (stock_movements.c.flow == flow, stock_movements.c.number.in_(some))
                connection.execute(stock_movements.update().where(*here).values(booked=False))

    def orders_with_reservations(self, flow: str) -> set[str]:
        """Return the orders that have reservations."""
        here = sa.select(reservations.c.document).where(reservations.c.flow == flow).distinct()
        return {row.document for row in self.database.rows(here)}

    def settle(self, flow: str, numbers: Collection[int], orders: Collection[str]) -> None:
        """Mark movements as booked, and mark exactly these orders as booked."""
        with self.database.write() as connection:
            for some in batches(list(numbers)):
                here = (stock_movements.c.flow == flow, stock_movements.c.number.in_(some))
                connection.execute(stock_movements.update().where(*here).values(booked=True))
            of_flow = reservations.c.flow == flow
            connection.execute(reservations.update().where(of_flow, reservations.c.booked).values(booked=False))
            for some_orders in batches(list(orders)):
                here_too = (of_flow, reservations.c.document.in_(some_orders))
                connection.execute(reservations.update().where(*here_too).values(booked=True))

    def open(self, flow: str, articles: Collection[str], upto: int | None = None) -> list[Move]:
        """Return the movements of these articles that are not marked as booked, by number, up to number `upto`."""
        here = [stock_movements.c.flow == flow, ~stock_movements.c.booked]
        here += [] if upto is None else [stock_movements.c.number <= upto]
        rows = self.database.rows_with_values(
            sa.select(stock_movements).where(*here), stock_movements.c.article, articles
        )
        return sorted(map(_move, rows), key=lambda one: one.number)

    def without_article(self, flow: str) -> list[Move]:
        """Return the unreadable movements whose article is unknown."""
        here = (
            stock_movements.c.flow == flow,
            stock_movements.c.article == "",
            stock_movements.c.sort == MoveSort.UNREADABLE,
            ~stock_movements.c.booked,
        )
        return [
            _move(row)
            for row in self.database.rows(sa.select(stock_movements).where(*here).order_by(stock_movements.c.number))
        ]

    def numberless(self, flow: str) -> tuple[int | None, list[Move]]:
        """Return the movements without a readable number, and the number of the movement before the first, or None."""
        after = self.database.scalar(sa.select(cursors.c.value).filter_by(flow=flow, side=NUMBERLESS))
        here = (
            sa.select(stock_movements)
            .where(stock_movements.c.flow == flow, stock_movements.c.number < 0)
            .order_by(stock_movements.c.number.desc())
        )
        return int(after) if after else None, [_move(row) for row in self.database.rows(here)]

    def keep_numberless(self, flow: str, found: Sequence[Move], after: int) -> None:
        """Replace all movements without a readable number."""
        with self.database.write() as connection:
            connection.execute(
                stock_movements.delete().where(stock_movements.c.flow == flow, stock_movements.c.number < 0)
            )
            numbered = [{**_row(flow, one), "number": -place} for place, one in enumerate(found, start=1)]
            upsert(connection, stock_movements, numbered)
            keep_cursors(connection, self.clock(), flow, {NUMBERLESS: str(after) if found else ""})

    def promised(self, flow: str, articles: Collection[str]) -> list[tuple[StockReservation, bool]]:
        """Return the reservations of these articles, each with whether the books have the order."""
        here = sa.select(reservations).where(reservations.c.flow == flow).order_by(reservations.c.document)
        return [
            (StockReservation(row.document, row.branch, row.article, Decimal(row.amount), row.title), row.booked)
            for row in self.database.rows_with_values(here, reservations.c.article, articles)
        ]

    def unreadable(self, flow: str, most: int) -> list[int]:
        """Return the numbers of the first unreadable movements."""
        here = (
            stock_movements.c.flow == flow,
            stock_movements.c.number > 0,
            stock_movements.c.sort == MoveSort.UNREADABLE,
            ~stock_movements.c.booked,
        )
        found = sa.select(stock_movements.c.number).where(*here).order_by(stock_movements.c.number).limit(most)
        return [row.number for row in self.database.rows(found)]

    def forget(self, flow: str, number: int | None = None) -> None:
        """Delete one movement or all movements, because the numbers now identify others."""
        here = [stock_movements.c.flow == flow] + ([] if number is None else [stock_movements.c.number == number])
        with self.database.write() as connection:
            connection.execute(stock_movements.delete().where(*here))

    def drop_before(self, flow: str, begin: datetime) -> None:
        """Delete movements before the start of counting. Retention deletes booked movements."""
        with self.database.write() as connection:
            connection.execute(
                stock_movements.delete().where(stock_movements.c.flow == flow, stock_movements.c.happened_at < begin)
            )


def _row(flow: str, one: Move) -> dict[str, object]:
    return {
        "flow": flow, "number": one.number, "branch": one.branch, "article": one.article, "amount": str(one.amount),
        "sort": one.sort, "happened_at": one.at, "documents": list(one.documents), "title": one.title,
        "delivered": one.is_delivered, "unread": one.unread, "booked": False,
    }  # fmt: skip


def _move(row: sa.Row[Any]) -> Move:
    """Return the movement of a row. Movements without a readable number get the number 0."""
    return Move(
        max(0, row.number), row.branch, row.article, Decimal(row.amount), MoveSort(row.sort), row.happened_at,
        tuple(row.documents), row.title, row.delivered, row.unread,
    )  # fmt: skip
