"""When customers last stood in the rows of an answer, some of which may not say whose they are, or of which day."""

from collections.abc import Collection, Iterable
from datetime import date


def newest_days(customers: Collection[str], rows: Iterable[tuple[str | None, date | None]]) -> dict[str, date | None]:
    """Return the newest day of each customer that has a row; None where a row that cannot be read may be newer.

    A row is a customer and a day. One that does not say its customer may be of any of them.
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
