"""Positions: where a preview continues."""

from dataclasses import replace

from integration.core.position import START, Task
from integration.core.records import Kind


def test_a_position_counts_on_and_each_task_begins_at_the_first_page() -> None:
    position = replace(START, stage="articles", after="7", read_count=2, watched={"brake_price": 1}).with_counts(
        3, 1, {"brake_price": 2}
    )

    assert (position.changes, position.retirements, position.watched) == (3, 1, {"brake_price": 3})
    assert position.start_of(Task.COMPARE) == replace(position, task=Task.COMPARE, stage="", after=None)


def test_enough_is_read_once_as_much_is_read_as_may_be() -> None:
    assert not replace(START, read_count=9).has_enough
    assert [replace(START, read_count=count, max_records=2).has_enough for count in (1, 2)] == [False, True]


def test_of_what_may_be_read_the_rest_is_left_and_never_less_than_one() -> None:
    assert replace(START, read_count=9).remaining is None
    assert [replace(START, read_count=count, max_records=5).remaining for count in (0, 3, 5, 7)] == [5, 2, 1, 1]


def test_filled_fields_are_counted_over_the_pages_of_each_source() -> None:
    position = START.with_filled(Kind.ARTICLE, {"currency": 2}).with_filled(Kind.ARTICLE, {"currency": 1, "country": 1})

    assert position.with_filled(Kind.DEBTOR, {"country": 4}).filled == {
        "article.currency": 3,
        "article.country": 1,
        "debtor.country": 4,
    }
