"""The movement up to which a level counts, and the movements after it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from integration.core.movements import Movement, MovementType, StockCounted, counted_value, unreadable_movement

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def a_movement(
    number: int, amount: int, movement_type: MovementType = MovementType.SALES, *, is_delivered: bool = False
) -> Movement:
    return Movement(number, "1", "1001", Decimal(amount), movement_type, NOW, is_delivered=is_delivered)


def test_what_is_counted_is_a_value_of_a_record_and_is_read_from_it() -> None:
    stock_count = StockCounted(
        17, frozenset({MovementType.SALES, MovementType.DELIVERY}), {"2": Decimal("1.5"), "1": Decimal(0)}
    )
    assert stock_count.as_value() == ("17", "delivery", "sales", "1=0", "2=1.5")
    assert counted_value(stock_count.as_value()) == stock_count


def test_a_record_that_counts_nothing_tells_nothing() -> None:
    assert [counted_value(value) for value in (None, (), "17", Decimal(17))] == [None] * 4


def test_only_later_movements_of_its_sorts_up_to_a_number_count() -> None:
    stock_count = StockCounted(10, frozenset({MovementType.SALES}))
    movements = [
        a_movement(10, -1), a_movement(11, -2), a_movement(12, 4, MovementType.OTHER),
        a_movement(13, -8, is_delivered=True), a_movement(14, -16),
    ]  # fmt: skip
    assert stock_count.moved(movements, 13) == (Decimal(-2), Decimal(-8))
    assert stock_count.moved((), 13) == (Decimal(0), Decimal(0))


def test_of_what_went_between_branches_what_left_can_count_by_itself() -> None:
    movements = [
        a_movement(11, -2, MovementType.INTERNAL),
        a_movement(12, 4, MovementType.INTERNAL),
        a_movement(13, -8),
    ]
    type_sets = (frozenset({MovementType.SENT}), frozenset({MovementType.INTERNAL}), frozenset({MovementType.SALES}))
    assert [StockCounted(10, types).moved(movements, 13)[0] for types in type_sets] == [-2, 2, -8]


def test_a_movement_that_cannot_be_read_is_found_among_those_that_a_level_does_not_count_yet() -> None:
    wrong = a_movement(12, 0, MovementType.UNREADABLE)
    movements = [a_movement(11, -2), wrong, a_movement(13, -1)]
    assert unreadable_movement(movements, 10, 13) is wrong
    assert unreadable_movement(movements, 12, 13) is None
    assert unreadable_movement(movements, 10, 11) is None


def test_a_movement_without_a_number_may_be_any_and_one_without_a_branch_of_any() -> None:
    wrong = replace(a_movement(0, 0, MovementType.UNREADABLE), branch="")
    assert unreadable_movement([a_movement(11, -2), wrong], 10, 11) is wrong
    assert wrong.is_about(["1", "2"])
    assert [a_movement(1, 1).is_about(branches) for branches in ((), ("1",), ("2",))] == [True, True, False]
