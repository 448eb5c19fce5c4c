"""Single values of AccountView's rows: pure functions, and the only place that knows the habits of its values."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from integration.core.money import amount
from integration.core.records import Value

Row = Mapping[str, object]
"""One row as the client hands it over: upper-case column names, numbers as int or Decimal."""

PRICE_PLACES = 4  # the dictionary's currency type Y has four decimals
OTHER_PLACES = 6  # numbers whose meaning we do not know keep more decimals than the wire has

_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2}))?")
_WORDS_FOR_TRUE = frozenset({"true", ".t.", "t", "1", "ja", "yes"})


def text(value: object) -> str | None:
    """Return a text without the blanks the database pads it with; None when it is empty or absent."""
    if isinstance(value, str):
        return value.rstrip() or None
    if value is None or isinstance(value, bool | list | dict):
        return None
    return str(value).rstrip() or None


def number(value: object, places: int) -> Decimal | None:
    """Return a number; None when it is empty, absent or no number. Zero is a number."""
    if value is None or isinstance(value, bool) or str(value).strip() == "":
        return None
    try:
        return amount(value if isinstance(value, Decimal) else str(value).strip(), places)
    except ValueError:
        return None


def flag(value: object) -> bool:
    """Return a yes or no; absent is no. Clients have seen both JSON's own and words."""
    return value is True or str(value).strip().lower() in _WORDS_FOR_TRUE


def stamp(value: object) -> str | None:
    """Return a moment as the system's own wall clock has it, sortable: `2025-03-10T16:02:44`; None when empty.

    Three shapes occur: with zone, without, and the day alone. No zone is converted, because none is reliable.
    """
    found = _STAMP.match(str(value or "").strip())
    if found is None or found[1] < "1900":  # empty dates of the database come as year 1 or 1899
        return None
    return f"{found[1]}T{found[2] or '00:00:00'}"


def day(value: object) -> date | None:
    """Return the calendar day of a date or moment."""
    moment = stamp(value)
    try:
        return date.fromisoformat(moment[:10]) if moment else None
    except ValueError:
        return None


def literal(moment: datetime) -> str:
    """Return a moment as filters want it: a strict date literal of Visual FoxPro in braces."""
    return f"{{^{moment:%Y-%m-%d %H:%M:%S}}}"


def by_its_look(value: object) -> Value:
    """Return a value whose meaning only the operator knows, by the type it came in."""
    if isinstance(value, str):
        return value.rstrip() or None
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return amount(value, 0)
    if isinstance(value, Decimal) and value.is_finite():
        return amount(value, min(OTHER_PLACES, max(0, -int(value.as_tuple().exponent))))
    return text(value)
