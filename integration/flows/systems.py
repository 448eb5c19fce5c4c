"""The two systems by the part they play, and the lists of codes they keep."""

from typing import NamedTuple

BOOKS, TILL = "accountview", "mplus"
"""Which system keeps the books, and which is the till. Flows speak of the part alone."""


class Listed(NamedTuple):
    """A list of codes that a system keeps: its VAT codes, ledgers, branches, ..."""

    system: str
    name: str


def books(name: str) -> Listed:
    """Return a list of the books."""
    return Listed(BOOKS, name)


def till(name: str) -> Listed:
    """Return a list of the till."""
    return Listed(TILL, name)
