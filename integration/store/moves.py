"""What moved at the till, and what orders keep aside there, as far as the books may not have it yet.

A movement is known by its number, and an order by its id: what is read twice is there once. What is in the books is
marked by a run before it reads their figures, and by nobody else; the mark goes once they take back what they had.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from integration.core.moves import Move, MoveSort, Promise, Unbooked
from integration.store.cursors import keep_cursors
from integration.store.database import Store, batches, upsert
from integration.store.tables import cursors, moves, promises

MOVES, BEGIN, ORDERS = "moves", "moves:begin", "promises"  # cursors: how far was read, from when on, and of orders
NUMBERLESS = "moves:numberless"  # after which movement the first came whose own number cannot be read


class MoveStore(Store):
    """The movements and promises of all flows that count them."""

    def read_upto(self, flow: str) -> tuple[int, datetime | None, str | None]:
        """Return up to which movement and from which moment on movements were read, and the marker of orders."""
        here = sa.select(cursors).where(cursors.c.flow == flow, cursors.c.side.in_((MOVES, BEGIN, ORDERS)))
        told = {row.side: row.value for row in self.database.rows(here)}
        begin = datetime.fromisoformat(told[BEGIN]) if BEGIN in told else None
        return int(told.get(MOVES, 0)), begin, told.get(ORDERS)

    def keep(self, flow: str, found: Sequence[Move], upto: int, begin: datetime) -> None:
        """Keep movements and how far they were read, in one transaction; what is known to be booked stays so."""
        with self.database.write() as connection:
            upsert(connection, moves, [_row(flow, one) for one in found], keep=("booked",))
            keep_cursors(connection, self.clock(), flow, {MOVES: str(upto), BEGIN: begin.isoformat()})

    def promise(self, flow: str, orders: Sequence[str], kept: Sequence[Promise], marker: str | None) -> None:
        """Keep what these orders keep aside in the place of what they did, with the marker they were read up to."""
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
                here = (promises.c.flow == flow, promises.c.document.in_(some))
                known = sa.select(promises.c.document).where(*here, promises.c.booked)
                booked |= {row.document for row in connection.execute(known)}
                connection.execute(promises.delete().where(*here))
            upsert(connection, promises, [{**row, "booked": row["document"] in booked} for row in rows])
            if marker is not None:
                keep_cursors(connection, self.clock(), flow, {ORDERS: marker})

    def unbooked(self, flow: str) -> dict[int, Unbooked]:
        """Return the movements that the books are not known to have."""
        named = (moves.c.number, moves.c.documents, moves.c.amount)
        here = sa.select(*named).where(moves.c.flow == flow, ~moves.c.booked)
        return {
            row.number: Unbooked(tuple(row.documents), is_back=Decimal(row.amount) > 0)
            for row in self.database.rows(here)
        }

    def settled(self, flow: str, documents: Collection[str]) -> dict[int, Unbooked]:
        """Return the movements of these documents that are marked as in the books."""
        wanted = frozenset(documents)
        named = (moves.c.number, moves.c.documents, moves.c.amount)
        here = sa.select(*named).where(moves.c.flow == flow, moves.c.booked)
        return {
            row.number: Unbooked(tuple(row.documents), is_back=Decimal(row.amount) > 0)
            for row in (self.database.rows(here) if wanted else ())
            if not wanted.isdisjoint(row.documents)
        }

    def reopen(self, flow: str, numbers: Collection[int]) -> None:
        """Take the mark off movements: the books do not have them any more."""
        with self.database.write() as connection:
            for some in batches(list(numbers)):
                here = (moves.c.flow == flow, moves.c.number.in_(some))
                connection.execute(moves.update().where(*here).values(booked=False))

    def promising(self, flow: str) -> set[str]:
        """Return the orders that keep something aside."""
        here = sa.select(promises.c.document).where(promises.c.flow == flow).distinct()
        return {row.document for row in self.database.rows(here)}

    def settle(self, flow: str, numbers: Collection[int], orders: Collection[str]) -> None:
        """Mark movements as in the books, and of the orders exactly these."""
        with self.database.write() as connection:
            for some in batches(list(numbers)):
                here = (moves.c.flow == flow, moves.c.number.in_(some))
                connection.execute(moves.update().where(*here).values(booked=True))
            of_flow = promises.c.flow == flow
            connection.execute(promises.update().where(of_flow, promises.c.booked).values(booked=False))
            for some_orders in batches(list(orders)):
                here_too = (of_flow, promises.c.document.in_(some_orders))
                connection.execute(promises.update().where(*here_too).values(booked=True))

    def open(self, flow: str, articles: Collection[str], upto: int | None = None) -> list[Move]:
        """Return the movements of articles that the books are not known to have, up to one, by their numbers."""
        here = [moves.c.flow == flow, ~moves.c.booked]
        here += [] if upto is None else [moves.c.number <= upto]
        rows = self.database.among(sa.select(moves).where(*here), moves.c.article, articles)
        return sorted(map(_move, rows), key=lambda one: one.number)

    def unplaced(self, flow: str) -> list[Move]:
        """Return the movements of which nobody knows which article they are about."""
        here = (moves.c.flow == flow, moves.c.article == "", moves.c.sort == MoveSort.UNREADABLE, ~moves.c.booked)
        return [_move(row) for row in self.database.rows(sa.select(moves).where(*here).order_by(moves.c.number))]

    def numberless(self, flow: str) -> tuple[int | None, list[Move]]:
        """Return after which movement the first without a readable number came, and all of them; None without any."""
        after = self.database.scalar(sa.select(cursors.c.value).filter_by(flow=flow, side=NUMBERLESS))
        here = sa.select(moves).where(moves.c.flow == flow, moves.c.number < 0).order_by(moves.c.number.desc())
        return int(after) if after else None, [_move(row) for row in self.database.rows(here)]

    def keep_numberless(self, flow: str, found: Sequence[Move], after: int) -> None:
        """Keep these movements without a readable number in the place of all there were."""
        with self.database.write() as connection:
            connection.execute(moves.delete().where(moves.c.flow == flow, moves.c.number < 0))
            numbered = [{**_row(flow, one), "number": -place} for place, one in enumerate(found, start=1)]
            upsert(connection, moves, numbered)
            keep_cursors(connection, self.clock(), flow, {NUMBERLESS: str(after) if found else ""})

    def promised(self, flow: str, articles: Collection[str]) -> list[tuple[Promise, bool]]:
        """Return what orders keep aside of articles, each with whether the books have the order."""
        here = sa.select(promises).where(promises.c.flow == flow).order_by(promises.c.document)
        return [
            (Promise(row.document, row.branch, row.article, Decimal(row.amount), row.title), row.booked)
            for row in self.database.among(here, promises.c.article, articles)
        ]

    def unreadable(self, flow: str, most: int) -> list[int]:
        """Return the first movements that could not be read, by their numbers."""
        here = (moves.c.flow == flow, moves.c.number > 0, moves.c.sort == MoveSort.UNREADABLE, ~moves.c.booked)
        found = sa.select(moves.c.number).where(*here).order_by(moves.c.number).limit(most)
        return [row.number for row in self.database.rows(found)]

    def forget(self, flow: str, number: int | None = None) -> None:
        """Drop one movement, or all of them: their numbers mean others now."""
        here = [moves.c.flow == flow] + ([] if number is None else [moves.c.number == number])
        with self.database.write() as connection:
            connection.execute(moves.delete().where(*here))

    def drop_before(self, flow: str, begin: datetime) -> None:
        """Drop movements from before what counts at all; how long those of the books are kept, their class says."""
        with self.database.write() as connection:
            connection.execute(moves.delete().where(moves.c.flow == flow, moves.c.happened_at < begin))


def _row(flow: str, one: Move) -> dict[str, object]:
    return {
        "flow": flow, "number": one.number, "branch": one.branch, "article": one.article, "amount": str(one.amount),
        "sort": one.sort, "happened_at": one.at, "documents": list(one.documents), "title": one.title,
        "delivered": one.is_delivered, "unread": one.unread, "booked": False,
    }  # fmt: skip


def _move(row: sa.Row[Any]) -> Move:
    """Return a movement as it was told; one that is kept under no number of the till has none."""
    return Move(
        max(0, row.number), row.branch, row.article, Decimal(row.amount), MoveSort(row.sort), row.happened_at,
        tuple(row.documents), row.title, row.delivered, row.unread,
    )  # fmt: skip
