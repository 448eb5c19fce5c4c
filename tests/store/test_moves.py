"""Stored movements of the till: each is stored once, and marked as booked while the books have it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from integration.core.moves import Move, MoveSort, StockReservation, UnbookedMovement
from integration.core.retention import Retention
from integration.retention.store.rows import RetentionStore
from integration.store import tables
from integration.store.database import Database
from integration.store.environments import switch_environment
from integration.store.moves import MoveStore
from tests.clocks import Clock

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def moves(database: Database, clock: Clock) -> MoveStore:
    """An empty store."""
    return MoveStore(database, clock)


def a_move(number: int, amount: str = "-1", at: datetime = NOW) -> Move:
    return Move(number, "1", "1001", Decimal(amount), MoveSort.SALES, at, (f"R{number}",), f"1.1.2026.{number}")


def numbers(database: Database) -> list[int]:
    return [
        row.number
        for row in database.rows(sa.select(tables.stock_movements.c.number).order_by(tables.stock_movements.c.number))
    ]


def test_a_movement_that_is_read_twice_is_there_once_and_stays_booked(moves: MoveStore) -> None:
    moves.keep("stock", [a_move(1), a_move(2, "-0.5")], 2, NOW)
    moves.settle("stock", [1], [])
    moves.keep("stock", [a_move(1), a_move(2, "-0.5"), a_move(3)], 3, NOW)
    assert moves.open("stock", ["1001", "1002"]) == [a_move(2, "-0.5"), a_move(3)]
    assert moves.open("stock", ["1001"], 2) == [a_move(2, "-0.5")]
    assert moves.unbooked("stock") == {2: UnbookedMovement(("R2",)), 3: UnbookedMovement(("R3",))}
    assert moves.read_upto("stock") == (3, NOW, None)


def test_a_movement_of_a_document_that_the_books_took_back_is_open_again(moves: MoveStore) -> None:
    moves.keep("stock", [a_move(1), a_move(2), a_move(3)], 3, NOW)
    moves.settle("stock", [1, 2], [])
    assert moves.settled_movements("stock", ["R1", "R3"]) == {1: UnbookedMovement(("R1",))}
    moves.reopen("stock", [1])
    assert moves.unbooked("stock").keys() == {1, 3}
    assert moves.settled_movements("stock", []) == {}


def test_what_an_order_keeps_aside_is_replaced_by_what_it_does_now(moves: MoveStore) -> None:
    first, other = (
        StockReservation("O1", "1", "1001", Decimal(4), "2026.1"),
        StockReservation("O2", "2", "1001", Decimal(1), "2026.2"),
    )
    moves.store_reservations("stock", ["O1", "O2"], [first, other], None)
    moves.settle("stock", [], ["O1"])
    less = StockReservation("O1", "1", "1001", Decimal(3), "2026.1")
    moves.store_reservations("stock", ["O1", "O2"], [less], "17")
    assert moves.promised("stock", ["1001"]) == [(less, True)]
    assert moves.orders_with_reservations("stock") == {"O1"}
    assert moves.read_upto("stock") == (0, None, "17")
    moves.settle("stock", [], [])
    assert moves.promised("stock", ["1001"]) == [(less, False)]


def test_what_is_long_in_the_books_is_kept_as_long_as_its_class_and_nothing_else_goes(
    moves: MoveStore, database: Database, clock: Clock
) -> None:
    old = NOW - timedelta(days=200)
    moves.keep("stock", [a_move(1, at=old), a_move(2, at=old), a_move(3)], 3, NOW)
    moves.settle("stock", [1, 3], [])
    retained = RetentionStore(database, clock)
    for length, expected in ((300, [1, 2, 3]), (92, [2, 3])):
        moves.drop_before("stock", old)
        while retained.prune("movements", Retention(lengths={"movements": length}).removal_cutoff("movements", NOW)):
            pass
        assert numbers(database) == expected
    moves.forget("stock")
    assert moves.unbooked("stock") == {}


def test_what_happened_before_anything_counts_is_dropped_in_the_books_or_not(moves: MoveStore) -> None:
    moves.keep("stock", [a_move(1, at=NOW - timedelta(days=1)), a_move(2)], 2, NOW)
    moves.drop_before("stock", NOW)
    assert moves.unbooked("stock") == {2: UnbookedMovement(("R2",))}


def test_what_cannot_be_read_is_known_by_its_number_until_it_can_be(moves: MoveStore) -> None:
    wrong = [replace(a_move(number, "0"), sort=MoveSort.UNREADABLE, unread="type") for number in (4, 2, 7)]
    moves.keep("stock", [*wrong, a_move(3)], 7, NOW)
    assert moves.unreadable("stock", 2) == [2, 4]
    moves.forget("stock", 2)
    moves.keep("stock", [a_move(4)], 7, NOW)
    assert moves.unreadable("stock", 2) == [7]
    assert moves.open("stock", ["1001"]) == [a_move(3), a_move(4), wrong[2]]


def test_movements_of_one_till_are_not_taken_for_those_of_another(
    moves: MoveStore, database: Database, clock: Clock
) -> None:
    moves.keep("stock", [a_move(1)], 1, NOW)
    switch_environment(database, clock, leaving="sandbox", entering="real", by="test")
    assert (moves.unbooked("stock"), moves.read_upto("stock")) == ({}, (0, None, None))
    switch_environment(database, clock, leaving="real", entering="sandbox", by="test")
    assert moves.unbooked("stock") == {1: UnbookedMovement(("R1",))}
