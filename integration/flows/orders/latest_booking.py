"""The latest booking of a document, which represents the document.

The key of a credit is that of its booking with an ending. Later bookings have a number in their key.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from integration.flows.orders.credits import CREDIT
from integration.flows.orders.references import FIRST_BOOKING, LAST_BOOKING

_ENDINGS = ("", CREDIT)  # a booking and its credit

T = TypeVar("T")  # the data of one booking: its link or its booking state


def booking_key(document: str, booking: int) -> str:
    """Return the key of a booking: the key of the document, followed by a number from the second booking on."""
    return document if booking == FIRST_BOOKING else f"{document}#{booking}"


def document_of(key: str) -> str:
    """Return the key of the document that a booking or a credit belongs to."""
    return key.partition("#")[0]


def booking_of(key: str) -> int:
    """Return the sequence number of a booking, from its key."""
    number = key.partition("#")[2]
    return int(number) if number.isdecimal() else FIRST_BOOKING


@dataclass(frozen=True, slots=True)
class LatestBooking(Generic[T]):
    """The latest booking of a document, its sequence number, and its credit."""

    latest: T
    booking: int = FIRST_BOOKING
    credit: T | None = None

    @property
    def is_reversed(self) -> bool:
        """True if nothing of the document is left in the books."""
        return self.credit is not None


def newest_bookings(
    documents: Collection[str],
    ask: Callable[[Collection[str]], Mapping[str, T]],
    is_there: Callable[[T], bool] = lambda _: True,
    stays: Callable[[T], bool] = lambda _: False,
) -> dict[str, LatestBooking[T]]:
    """Return the latest booking of each booked document; `ask` is called once per sequence number.

    A credit counts only if `is_there` returns True for it. A booking for which `stays` returns True may have a
    successor without a credit.
    """
    latest: dict[str, LatestBooking[T]] = {}
    waiting = list(dict.fromkeys(documents))
    for booking in range(FIRST_BOOKING, LAST_BOOKING + 1):
        keys = {document: booking_key(document, booking) for document in waiting}
        existing = ask([key + ending for key in keys.values() for ending in _ENDINGS]) if keys else {}
        credits_by_key = {key: credit for key, credit in existing.items() if key.endswith(CREDIT) and is_there(credit)}
        for document, key in keys.items():
            if key in existing:
                latest[document] = LatestBooking(existing[key], booking, credits_by_key.get(key + CREDIT))
        waiting = [
            document
            for document, key in keys.items()
            if key in existing and (latest[document].is_reversed or stays(existing[key]))
        ]
    return latest


def all_bookings(
    documents: Collection[str], ask: Callable[[Collection[str]], Mapping[str, T]]
) -> dict[str, dict[str, T]]:
    """Return all bookings and credits of each of these documents, by key; see `newest_bookings`."""
    bookings: dict[str, dict[str, T]] = {document: {} for document in documents}
    waiting = list(bookings)
    for booking in range(FIRST_BOOKING, LAST_BOOKING + 1):
        keys = {document: [booking_key(document, booking) + ending for ending in _ENDINGS] for document in waiting}
        existing = ask([key for several in keys.values() for key in several]) if keys else {}
        for document, several in keys.items():
            bookings[document] |= {key: existing[key] for key in several if key in existing}
        waiting = [document for document, (_, credit) in keys.items() if credit in existing]
    return bookings
