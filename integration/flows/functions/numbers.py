"""Functions on numbers."""

from decimal import Decimal

from integration.core import money
from integration.core.money import HUNDRED, amount
from integration.core.records import Value
from integration.core.rules import RuleError, as_text
from integration.flows.functions.values import number_of, read_number, whole


def to_number(value: Value, style: Value = "auto") -> Value:
    if style not in ("auto", "nl", "en"):
        raise RuleError("reason_number_form")
    return value if isinstance(value, Decimal) else read_number(as_text(value), as_text(style))


def rounded(value: Value, places: Value = Decimal(2)) -> Value:
    """Return a number with so many decimals, rounded half up."""
    digits, most = whole(places), 10
    if not 0 <= digits <= most:
        raise RuleError("reason_round", most=most)
    return amount(number_of(value), digits)


def percentage(value: Value, percent: Value) -> Value:
    return number_of(value) * number_of(percent) / HUNDRED


def add_vat(value: Value, percent: Value) -> Value:
    return money.add_vat(number_of(value), number_of(percent))


def remove_vat(value: Value, percent: Value) -> Value:
    return money.remove_vat(number_of(value), number_of(percent))
