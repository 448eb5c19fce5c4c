"""What functions are given and give, one function as chains and expressions call it, and those on numbers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, DivisionByZero

from integration.core.money import amount
from integration.core.records import Value
from integration.core.rules import EMPTY, RuleError, as_text, is_empty

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


@dataclass(frozen=True, slots=True)
class Tool:
    """One function: how many arguments it takes besides the value, and which of them name fields in a chain."""

    run: Callable[..., Value]
    least: int = 0
    most: int = 0
    fields_from: int | None = None
    check: Callable[..., None] | None = None
    takes_empty: bool = False  # otherwise what is empty stays empty

    def fits(self, name: str, count: int) -> None:
        """Raise RuleError when the function does not take so many arguments."""
        if not self.least <= count <= self.most:
            code = "reason_arguments" if self.least == self.most else "reason_arguments_between"
            raise RuleError(code, name=name, least=self.least, most=self.most, count=count)

    def __call__(self, value: Value = None, *args: Value) -> Value:
        if is_empty(value) and not self.takes_empty:
            return None
        try:
            return bounded(self.run(value, *args))
        except ArithmeticError as error:
            raise out_of_reach(error) from None


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
