"""Stored movements of the till: each is stored once, and marked as booked while the books have it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from integration.core.movements import Movement, MovementType, StockReservation, UnbookedMovement
from integration.core.retention import Retention
from integration.retention.store.rows import RetentionStore
from integration.store import tables
from integration.store.database import Database
from integration.store.environments import switch_environment
from integration.store.movements import MovementStore
from tests.clocks import Clock

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def movements(database: Database, clock: Clock) -> MovementStore:
    """An empty store."""
    return MovementStore(database, clock)


def a_movement(number: int, amount: str = "-1", at: datetime = NOW) -> Movement:
    return Movement(number, "1", "1001", Decimal(amount), MovementType.SALES, at, (f"R{number}",), f"1.1.2026.{number}")


def numbers(database: Database) -> list[int]:
    return [
        row.number
        for row in database.rows(sa.select(tables.stock_movements.c.number).order_by(tables.stock_movements.c.number))
    ]


def test_a_movement_that_is_read_twice_is_there_once_and_stays_booked(movements: MovementStore) -> None:
    movements.keep("stock", [a_movement(1), a_movement(2, "-0.5")], 2, NOW)
    movements.settle("stock", [1], [])
    movements.keep("stock", [a_movement(1), a_movement(2, "-0.5"), a_movement(3)], 3, NOW)
    assert movements.open("stock", ["1001", "1002"]) == [a_movement(2, "-0.5"), a_movement(3)]
    assert movements.open("stock", ["1001"], 2) == [a_movement(2, "-0.5")]
    assert movements.unbooked("stock") == {2: UnbookedMovement(("R2",)), 3: UnbookedMovement(("R3",))}
    assert movements.read_upto("stock") == (3, NOW, None)


def test_a_movement_of_a_document_that_the_books_took_back_is_open_again(movements: MovementStore) -> None:
    movements.keep("stock", [a_movement(1), a_movement(2), a_movement(3)], 3, NOW)
    movements.settle("stock", [1, 2], [])
    assert movements.settled_movements("stock", ["R1", "R3"]) == {1: UnbookedMovement(("R1",))}
    movements.reopen("stock", [1])
    assert movements.unbooked("stock").keys() == {1, 3}
    assert movements.settled_movements("stock", []) == {}


def test_what_an_order_keeps_aside_is_replaced_by_what_it_does_now(movements: MovementStore) -> None:
    first, other = (
        StockReservation("O1", "1", "1001", Decimal(4), "2026.1"),
        StockReservation("O2", "2", "1001", Decimal(1), "2026.2"),
    )
    movements.store_reservations("stock", ["O1", "O2"], [first, other], None)
    movements.settle("stock", [], ["O1"])
    less = StockReservation("O1", "1", "1001", Decimal(3), "2026.1")
    movements.store_reservations("stock", ["O1", "O2"], [less], "17")
    assert movements.reservations_of("stock", ["1001"]) == [(less, True)]
    assert movements.orders_with_reservations("stock") == {"O1"}
    assert movements.read_upto("stock") == (0, None, "17")
    movements.settle("stock", [], [])
    assert movements.reservations_of("stock", ["1001"]) == [(less, False)]


def test_what_is_long_in_the_books_is_kept_as_long_as_its_class_and_nothing_else_goes(
    movements: MovementStore, database: Database, clock: Clock
) -> None:
    old = NOW - timedelta(days=200)
    movements.keep("stock", [a_movement(1, at=old), a_movement(2, at=old), a_movement(3)], 3, NOW)
    movements.settle("stock", [1, 3], [])
    retained = RetentionStore(database, clock)
    for length, expected in ((300, [1, 2, 3]), (92, [2, 3])):
        movements.drop_before("stock", old)
        while retained.prune("movements", Retention(lengths={"movements": length}).removal_cutoff("movements", NOW)):
            pass
        assert numbers(database) == expected
    movements.forget("stock")
    assert movements.unbooked("stock") == {}


def test_what_happened_before_anything_counts_is_dropped_in_the_books_or_not(movements: MovementStore) -> None:
    movements.keep("stock", [a_movement(1, at=NOW - timedelta(days=1)), a_movement(2)], 2, NOW)
    movements.drop_before("stock", NOW)
    assert movements.unbooked("stock") == {2: UnbookedMovement(("R2",))}


def test_what_cannot_be_read_is_known_by_its_number_until_it_can_be(movements: MovementStore) -> None:
    wrong = [replace(a_movement(number, "0"), type=MovementType.UNREADABLE, unread="type") for number in (4, 2, 7)]
    movements.keep("stock", [*wrong, a_movement(3)], 7, NOW)
    assert movements.unreadable("stock", 2) == [2, 4]
    movements.forget("stock", 2)
    movements.keep("stock", [a_movement(4)], 7, NOW)
    assert movements.unreadable("stock", 2) == [7]
    assert movements.open("stock", ["1001"]) == [a_movement(3), a_movement(4), wrong[2]]


def test_movements_of_one_till_are_not_taken_for_those_of_another(
    movements: MovementStore, database: Database, clock: Clock
) -> None:
    movements.keep("stock", [a_movement(1)], 1, NOW)
    switch_environment(database, clock, leaving="sandbox", entering="real", by="test")
    assert (movements.unbooked("stock"), movements.read_upto("stock")) == ({}, (0, None, None))
    switch_environment(database, clock, leaving="real", entering="sandbox", by="test")
    assert movements.unbooked("stock") == {1: UnbookedMovement(("R1",))}
