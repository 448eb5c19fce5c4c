"""Which booking of a document stands for it: the newest, whoever tells of its bookings.

What takes a booking back has its key with an ending, as has what takes that back; booked again it has a number.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from integration.flows.orders.credits import CREDIT
from integration.flows.orders.references import FIRST_BOOKING, LAST_BOOKING

_ENDINGS = ("", CREDIT, CREDIT * 2)  # a booking, what takes it back, and what took that back

T = TypeVar("T")  # what is known of one booking: its link, or where it stands


def booking_key(document: str, booking: int) -> str:
    """Return the key of one booking of a document: that of the document, with the number of what is booked again."""
    return document if booking == FIRST_BOOKING else f"{document}#{booking}"


def document_of(key: str) -> str:
    """Return the key of the document that a booking or a credit belongs to."""
    return key.partition("#")[0]


def booking_of(key: str) -> int:
    """Return the how manieth booking of its document a key stands for."""
    number = key.partition("#")[2]
    return int(number) if number.isdecimal() else FIRST_BOOKING


@dataclass(frozen=True, slots=True)
class LatestBooking(Generic[T]):
    """The newest booking of a document, the how manieth that is, and what takes it back."""

    latest: T
    booking: int = FIRST_BOOKING
    credit: T | None = None
    is_restored: bool = False  # an earlier version took the credit back

    @property
    def is_taken_back(self) -> bool:
        """Whether the books have nothing of the document any more."""
        return self.credit is not None and not self.is_restored


def newest_bookings(
    documents: Collection[str],
    ask: Callable[[Collection[str]], Mapping[str, T]],
    is_there: Callable[[T], bool] = lambda _: True,
    stays: Callable[[T], bool] = lambda _: False,
) -> dict[str, LatestBooking[T]]:
    """Return the newest booking of each of these documents that has any; `ask` is asked once for each number.

    Only a credit that `is_there` takes a booking back; one that `stays` has the next beside it without any.
    """
    found: dict[str, LatestBooking[T]] = {}
    waiting = list(dict.fromkeys(documents))
    for booking in range(FIRST_BOOKING, LAST_BOOKING + 1):
        keys = {one: booking_key(one, booking) for one in waiting}
        there = ask([key + ending for key in keys.values() for ending in _ENDINGS]) if keys else {}
        taken_back = {key: one for key, one in there.items() if key.endswith(CREDIT) and is_there(one)}
        for one, key in keys.items():
            if key in there:
                found[one] = LatestBooking(
                    there[key], booking, taken_back.get(key + CREDIT), key + CREDIT * 2 in taken_back
                )
        waiting = [one for one, key in keys.items() if key in there and (found[one].is_taken_back or stays(there[key]))]
    return found


def all_bookings(
    documents: Collection[str], ask: Callable[[Collection[str]], Mapping[str, T]]
) -> dict[str, dict[str, T]]:
    """Return all that was booked of each of these documents and what took it back, by keys; see `newest_bookings`."""
    found: dict[str, dict[str, T]] = {one: {} for one in documents}
    waiting = list(found)
    for booking in range(FIRST_BOOKING, LAST_BOOKING + 1):
        keys = {one: [booking_key(one, booking) + ending for ending in _ENDINGS] for one in waiting}
        there = ask([key for several in keys.values() for key in several]) if keys else {}
        for one, several in keys.items():
            found[one] |= {key: there[key] for key in several if key in there}
        waiting = [one for one, (_, credit, _) in keys.items() if credit in there]
    return found
