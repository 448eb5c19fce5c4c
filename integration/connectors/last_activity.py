"""Latest activity dates of customers, from rows whose customer or date may be unreadable."""

from collections.abc import Collection, Iterable
from datetime import date


def newest_days(customers: Collection[str], rows: Iterable[tuple[str | None, date | None]]) -> dict[str, date | None]:
    """Return the latest date of each customer that has a row, or None where an unreadable row may be newer.

    A row is a customer and a date. A row without a readable customer may belong to any of them.
    """
    newest: dict[str, date] = {}
    unclear: dict[str, date] = {}
    for customer, day in rows:
        of = newest if customer is not None and day is not None else unclear
        for one in customers if customer is None else {customer}.intersection(customers):
            of[one] = max(of.get(one, date.min), day or date.max)
    return {
        one: None if unclear.get(one, date.min) > newest.get(one, date.min) else newest[one]
        for one in customers
        if one in newest or one in unclear
    }
