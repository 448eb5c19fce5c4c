"""Amounts: normalizes every Decimal of money and quantity from outside, so that equal amounts compare equal."""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache

CENT = Decimal("0.01")
HUNDRED = Decimal(100)
_ZERO = Decimal(0)
_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_AMBIGUOUS = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")


@cache
def _unit(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)


def amount(text: object, places: int = 2) -> Decimal:
    """Return a number from outside as an amount with a fixed number of decimals, rounded half up.

    Raises ValueError if the value is not a finite number, or a text has anything but a sign, digits and one point. A
    float is converted by its shortest text, so 16.5289 stays 16.5289.
    """
    if isinstance(text, str) and not _PLAIN.fullmatch(text.strip()):
        raise ValueError(f"no amount: {text!r}")
    try:
        number = text if isinstance(text, Decimal) else Decimal(repr(text) if isinstance(text, float) else str(text))
        if not number.is_finite():
            raise ValueError(f"no amount: {text!r}")
        return number.quantize(_unit(places), ROUND_HALF_UP) + _ZERO  # removes the sign of a negative zero
    except InvalidOperation as error:
        raise ValueError(f"no amount: {text!r}") from error


def number_in_text(text: str) -> Decimal:
    """Return the number in a text from outside.

    Raises ValueError if the text has anything but a sign, digits and one point, or is ambiguous: 1.234 may be a
    number with a thousands separator.
    """
    plain = text.strip()
    if not _PLAIN.fullmatch(plain) or _AMBIGUOUS.fullmatch(plain):
        raise ValueError(f"no number: {text!r}")
    return Decimal(plain)


def from_cents(cents: int) -> Decimal:
    """Return whole cents as an amount in euros."""
    return Decimal(cents).scaleb(-2).quantize(CENT)


def to_cents(euros: Decimal) -> int:
    """Return an amount in euros as whole cents, rounded half up."""
    return int((euros * HUNDRED).quantize(Decimal(1), ROUND_HALF_UP))


def from_scaled(value: int, places: int) -> Decimal:
    """Return a quantity given as a whole number and its number of decimals: 530 with 3 is 0.530.

    Raises ValueError for a negative number of decimals.
    """
    if places < 0:
        raise ValueError(f"no number of decimals: {places}")
    return Decimal(value).scaleb(-places)


def to_scaled(quantity: Decimal, places: int) -> int:
    """Return a quantity as a whole number for the given number of decimals."""
    return int(quantity.scaleb(places).quantize(Decimal(1), ROUND_HALF_UP))


def add_vat(excl: Decimal, percent: Decimal) -> Decimal:
    """Return the price including VAT in whole cents."""
    return amount(excl * (HUNDRED + percent) / HUNDRED)


def remove_vat(incl: Decimal, percent: Decimal) -> Decimal:
    """Return the price excluding VAT in whole cents."""
    return amount(incl * HUNDRED / (HUNDRED + percent))


def share_out(cents: int, weights: Sequence[int]) -> list[int]:
    """Return whole cents divided in proportion to the absolute weights, by the largest remainder method.

    The division is equal if all weights are zero.
    """
    sizes = [abs(weight) for weight in weights] if any(weights) else [1] * len(weights)
    whole, sign = sum(sizes), -1 if cents < 0 else 1
    quotas = [divmod(abs(cents) * size, whole) for size in sizes]
    shares = [share for share, _ in quotas]
    by_remainder = sorted(range(len(sizes)), key=lambda place: -quotas[place][1])
    for place in by_remainder[: abs(cents) - sum(shares)]:
        shares[place] += 1
    return [sign * share for share in shares]
