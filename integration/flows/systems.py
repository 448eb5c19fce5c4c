"""The two systems by the part they play, the lists of codes they keep, and the value tables between two of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

# Which system keeps the books, and which is the till. Flows speak of the part alone.
BOOKS, TILL = "accountview", "mplus"


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


EVERY = "*"  # the row for every code that has none of its own


@dataclass(frozen=True, slots=True)
class ValueTable:
    """A value table: a list of a system on each side, or any text.

    What the logic `looks_up` itself is used whether rules name it or not. `cause` parks records that lack a row, where
    it is one of its own: the code is then the first of the facts `named` that is told, also with the country in front
    where a table is `by_country`, or that of every code where it is `for_all`.
    """

    name: str
    ours: Listed | None = None
    theirs: Listed | None = None
    looks_up: bool = False
    cause: str = ""
    named: tuple[str, ...] = ("code",)
    by_country: bool = False
    for_all: bool = False

    def codes(self, facts: Mapping[str, str]) -> tuple[str, ...]:
        """Return the codes that the missing row can have, the usual one first."""
        code, country = next((facts[name] for name in self.named if facts.get(name)), ""), facts.get("country", "")
        within = (f"{country}:{code}",) if self.by_country and country and code else ()
        return (code, *within, *((EVERY,) if self.for_all else ()))
