"""The lines of a document in the books, before the mapping names their fields: what each rule for a line can read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from integration.core.records import Record, Value
from integration.core.totals.vat import NOTHING, Sums
from integration.flows.orders.parties import Told


@dataclass(frozen=True, slots=True)
class BookedLines:
    """What a document comes to in the books: the sources its lines are mapped from, and how they add up."""

    sources: tuple[Record, ...]
    gross: bool
    sums: Sums  # by the VAT codes of the books
    codes: Mapping[str, str]  # those of the till to those of the books
    correction: Decimal = NOTHING
    rule: str = ""


def numbered(sources: Iterable[Record]) -> tuple[Record, ...]:
    """Return the lines under the numbers the books show them by: in order, from 1."""
    return tuple(replace(source, key=str(place)) for place, source in enumerate(sources, start=1))


def about(told: Told) -> dict[str, Value]:
    """Return what every line may take over from its document."""
    names = ("number", "branch", "country", "delivery_date", "category")
    return {name: told.values[name] for name in names if name in told.values}
