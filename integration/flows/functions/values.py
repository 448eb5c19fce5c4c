"""What functions are given and give: numbers in values, and results within a largest size."""

import re
from decimal import Decimal, DivisionByZero

from integration.core.records import Value
from integration.core.rules import EMPTY, RuleError, as_text

LONGEST_TEXT = 10_000  # characters a function or expression may produce
MOST_DIGITS = 28  # what Decimal calculates with, and the highest power of ten a result may have
SHOWN = 40  # characters of what cannot be read


def number_of(value: Value) -> Decimal:
    """Return a value as a number. Raises RuleError for what is none."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and value.strip():
        return read_number(value, "auto")
    raise RuleError("reason_empty_number") if value in EMPTY else RuleError("reason_no_number", value=as_text(value))


def whole(value: Value) -> int:
    """Return a value as a whole number that a text can have as its length. Raises RuleError."""
    number = number_of(value)
    if number != number.to_integral_value() or abs(number) > LONGEST_TEXT:
        raise RuleError("reason_no_whole_number", most=LONGEST_TEXT, value=as_text(value)[:SHOWN])
    return int(number)


def room(characters: int) -> None:
    """Raise RuleError for a text that would become longer than any may be."""
    if characters > LONGEST_TEXT:
        raise RuleError("reason_result_long", most=LONGEST_TEXT)


def bounded(result: Value) -> Value:
    """Return a result that others can go on with. Raises RuleError for one out of all proportion."""
    if isinstance(result, str):
        room(len(result))
        return result
    match result:
        case Decimal():
            if not result.is_finite() or (result and abs(result.adjusted()) > MOST_DIGITS):
                raise RuleError("reason_too_large")
        case tuple():
            room(sum(map(len, result)))
        case _:
            pass
    return result


_DIGITS = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?", re.ASCII)


def read_number(value: str, style: str) -> Decimal:
    """Return a number from text. Raises RuleError.

    `nl` reads 1.234,50 and `en` 1,234.50. `auto` takes the sign that stands last for the decimal one, and a sign
    that stands more than once for the one between thousands.
    """
    text = re.sub(r"[\s\u00a0€$£]", "", value)
    if style == "auto":
        comma, point = text.count(","), text.count(".")
        dutch = text.rfind(",") > text.rfind(".") if comma and point else comma == 1 or point > 1
        style = "nl" if dutch else "en"
    thousands = "." if style == "nl" else ","
    text = text.replace(thousands, "").replace(",", ".")
    if not _DIGITS.fullmatch(text):
        raise RuleError("reason_no_number", value=value[:SHOWN])
    return Decimal(text)


def out_of_reach(error: ArithmeticError) -> RuleError:
    """Return why a calculation has no result."""
    return RuleError("reason_by_zero" if isinstance(error, DivisionByZero) else "reason_too_large")
