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
        for candidate in customers if customer is None else {customer}.intersection(customers):
            of[candidate] = max(of.get(candidate, date.min), day or date.max)
    return {
        customer: None if unclear.get(customer, date.min) > newest.get(customer, date.min) else newest[customer]
        for customer in customers
        if customer in newest or customer in unclear
    }
