"""Frequency of special cases at the tills of the sample shop."""

from collections.abc import Mapping
from typing import Final

# Interval in documents, and the first document.
RHYTHM: Final[Mapping[str, tuple[int, int]]] = {
    "order without VAT in its prices": (7, 3),
    "gift card": (25, 11),
    "receipt taken back": (30, 17),
    "reverse charge": (10, 4),
    "invoice taken back": (9, 5),
    "repair": (8, 2),
    "return in a sale": (12, 6),
    "odd quantity": (11, 5),
    "discount": (9, 4),
    "customer of the till alone": (10, 9),
    "other delivery address": (8, 3),
    "paid beforehand at the counter": (60, 38),
    "invoice paid later": (18, 7),
    "order from a proposal": (20, 11),
}


def is_time_for(case: str, serial: int) -> bool:
    """Return True if the case applies to the document with this serial number."""
    every, first = RHYTHM[case]
    return serial % every == first
