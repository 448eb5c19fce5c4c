"""The latest booking of a document is the same from links and from booking states."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest

from integration.core.booking_state import BookingStage, BookingState
from integration.core.links import Link
from integration.core.records import Kind
from integration.flows.orders.chains import active_bookings
from integration.flows.orders.decisions import current_bookings
from integration.flows.orders.latest_booking import booking_key, booking_of, document_of, newest_bookings
from integration.flows.orders.references import LAST_BOOKING

KEY = "order-1"
EVERY = [booking_key(KEY, booking) + ending for booking in range(1, LAST_BOOKING + 1) for ending in ("", "#credit")]


@dataclass
class CountingQuery:
    """Answers by key, and notes the keys of each query."""

    answers: Mapping[str, str]
    queries: list[Collection[str]] = field(default_factory=list)

    def __call__(self, keys: Collection[str]) -> Mapping[str, str]:
        self.queries.append(keys)
        return {key: self.answers[key] for key in keys if key in self.answers}


def test_a_key_says_which_booking_of_which_document_it_is() -> None:
    assert [booking_key(KEY, number) for number in (1, 2)] == [KEY, f"{KEY}#2"]
    assert [booking_of(key) for key in (KEY, f"{KEY}#3", f"{KEY}#3#credit", f"{KEY}#credit")] == [1, 3, 1, 1]
    assert {document_of(key) for key in (KEY, f"{KEY}#3", f"{KEY}#3#credit")} == {KEY}


@pytest.mark.parametrize("many", range(len(EVERY) + 1))
def test_links_and_standings_tell_of_the_same_booking(many: int) -> None:
    keys = EVERY[:many]
    links = {key: Link(Kind.SALES_ORDER, key, f"R-{key}") for key in keys}
    booking_states = {key: BookingState(key, BookingStage.BOOKED, reference=f"R-{key}") for key in keys}

    def bookings_in(states: Mapping[str, BookingState]) -> Mapping[str, BookingState]:
        return active_bookings(
            lambda document_keys: {key: states[key] for key in document_keys if key in states}, [KEY]
        )

    life = current_bookings(
        [KEY], lambda document_keys: {key: links[key] for key in document_keys if key in links}
    ).get(KEY)
    booking_state = bookings_in(booking_states).get(KEY)

    assert (life is None) == (many == 0)
    if life is not None:
        assert life.booking == (many + 1) // 2
        assert life.is_reversed == (many % 2 == 0) == (booking_state is None)
        assert booking_state is None or booking_state.reference == life.latest.reference


def test_what_has_not_come_there_takes_nothing_back() -> None:
    states = CountingQuery({KEY: "there", f"{KEY}#credit": "planned"})

    assert not newest_bookings([KEY], states, lambda state: state == "there")[KEY].is_reversed
    assert newest_bookings([KEY], states)[KEY].is_reversed


def test_the_next_stands_beside_what_nothing_takes_back() -> None:
    states = CountingQuery({KEY: "stays", f"{KEY}#2": "stays", "b": "goes", "b#2": "stays"})

    bookings = newest_bookings([KEY, "b"], states, stays=lambda state: state == "stays")

    assert {key: (latest.booking, latest.is_reversed) for key, latest in bookings.items()} == {
        KEY: (2, False),
        "b": (1, False),
    }


def test_many_documents_take_a_question_for_each_number_and_none_more() -> None:
    states = CountingQuery({"a": "1", "b": "1", "b#credit": "c", "b#2": "2"})

    bookings = newest_bookings(["a", "b", "a", "c"], states)

    assert {key: (latest.latest, latest.booking) for key, latest in bookings.items()} == {"a": ("1", 1), "b": ("2", 2)}
    assert [len(keys) for keys in states.queries] == [6, 2]
