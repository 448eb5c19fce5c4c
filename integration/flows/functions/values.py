"""Functions on values, and the wrapper that chains and expressions call them through."""

import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, DivisionByZero
from functools import lru_cache
from math import prod

import regex

from integration.core.money import amount
from integration.core.records import Value
from integration.core.rules import EMPTY, LIST_SEPARATOR, RuleError, as_text, is_empty
from integration.words.countries import countries, country_code

LONGEST_TEXT = 10_000  # maximum length of a result of a function or expression
MAX_DIGITS = 28  # precision of Decimal, and the highest power of ten of a result
SHOWN = 40  # maximum length of an unreadable text in a message


def number_of(value: Value) -> Decimal:
    """Return a value as a number. Raises RuleError if it is none."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and value.strip():
        return parse_number(value, "auto")
    raise RuleError("reason_empty_number") if value in EMPTY else RuleError("reason_no_number", value=as_text(value))


def whole_number(value: Value) -> int:
    """Return a value as a whole number in the range of text lengths. Raises RuleError."""
    number = number_of(value)
    if number != number.to_integral_value() or abs(number) > LONGEST_TEXT:
        raise RuleError("reason_no_whole_number", most=LONGEST_TEXT, value=as_text(value)[:SHOWN])
    return int(number)


def require_length(characters: int) -> None:
    """Raise RuleError if a text would exceed the maximum length."""
    if characters > LONGEST_TEXT:
        raise RuleError("reason_result_long", most=LONGEST_TEXT)


def bounded(result: Value) -> Value:
    """Return a result within the size limits. Raises RuleError for a larger one."""
    if isinstance(result, str):
        require_length(len(result))
        return result
    match result:
        case Decimal():
            if not result.is_finite() or (result and abs(result.adjusted()) > MAX_DIGITS):
                raise RuleError("reason_too_large")
        case tuple():
            require_length(sum(map(len, result)) + len(result) * len(LIST_SEPARATOR))  # length as joined text
        case _:
            pass
    return result


_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)  # ambiguous: thousands separator, or three decimals
_DIGITS = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?", re.ASCII)


def parse_number(value: str, style: str) -> Decimal:
    """Return a number from text. Raises RuleError.

    `nl` reads 1.234,50 and `en` 1,234.50. `auto` takes the last separator as the decimal one, and a repeated separator
    as that of thousands. 1.234 and 1,234 are ambiguous and rejected.
    """
    text = re.sub(r"[\s\u00a0€$£]", "", value)
    if style == "auto":
        if _EITHER.fullmatch(text):
            raise RuleError("reason_number_ambiguous", value=value[:SHOWN])
        comma, point = text.count(","), text.count(".")
        dutch = text.rfind(",") > text.rfind(".") if comma and point else comma == 1 or point > 1
        style = "nl" if dutch else "en"
    thousands = "." if style == "nl" else ","
    text = text.replace(thousands, "").replace(",", ".")
    if not _DIGITS.fullmatch(text):
        raise RuleError("reason_no_number", value=value[:SHOWN])
    return Decimal(text)


def no_result(error: ArithmeticError) -> RuleError:
    """Return why a calculation has no result."""
    return RuleError("reason_by_zero" if isinstance(error, DivisionByZero) else "reason_too_large")


@dataclass(frozen=True, slots=True)
class Tool:
    """One function, its number of arguments after the value, and the arguments that are field names in a chain."""

    run: Callable[..., Value]
    least: int = 0
    most: int = 0
    fields_from: int | None = None
    check: Callable[..., None] | None = None
    takes_empty: bool = False  # if False, an empty value gives None

    def fits(self, name: str, count: int) -> None:
        """Raise RuleError if the function does not take this number of arguments."""
        if not self.least <= count <= self.most:
            code = "reason_arguments" if self.least == self.most else "reason_arguments_between"
            raise RuleError(code, name=name, least=self.least, most=self.most, count=count)

    def __call__(self, value: Value = None, *args: Value) -> Value:
        if is_empty(value) and not self.takes_empty:
            return None
        try:
            return bounded(self.run(value, *args))
        except ArithmeticError as error:
            raise no_result(error) from None


def to_number(value: Value, style: Value = "auto") -> Value:
    if style not in ("auto", "nl", "en"):
        raise RuleError("reason_number_form")
    return value if isinstance(value, Decimal) else parse_number(as_text(value), as_text(style))


def round_half_up(value: Value, places: Value = Decimal(2)) -> Value:
    """Return a number with this number of decimals, rounded half up."""
    digits, limit = whole_number(places), 10
    if not 0 <= digits <= limit:
        raise RuleError("reason_round", most=limit)
    return amount(number_of(value), digits)


# ---- text functions. Regular expressions have a time limit


LONGEST_PATTERN = 200
MAX_REPEATS = 1_000  # product of all repeats in a pattern, because nested ones are expanded on compilation
REGEX_SECONDS = 0.05

# Deadline of all regular expressions of the current expression, in seconds of the monotonic clock.
deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def replace(value: Value, old: Value, new: Value) -> Value:
    text, before, after = as_text(value), as_text(old), as_text(new)
    if not before:
        raise RuleError("reason_replace")
    require_length(len(text) + text.count(before) * (len(after) - len(before)))
    return text.replace(before, after)


@lru_cache(maxsize=512)
def pattern_of(pattern: str) -> "regex.Pattern[str]":
    if len(pattern) > LONGEST_PATTERN:
        raise RuleError("reason_pattern_long", most=LONGEST_PATTERN)
    if prod(max([1, *map(int, re.findall(r"\d+", many))]) for many in re.findall(r"{[\d,]+}", pattern)) > MAX_REPEATS:
        raise RuleError("reason_pattern_repeats", most=MAX_REPEATS)
    try:
        return regex.compile(pattern)
    except (regex.error, KeyError, RecursionError, OverflowError) as error:
        raise RuleError("reason_pattern", pattern=pattern, error=error) from None


def regex_replace(value: Value, pattern: Value, new: Value) -> Value:
    """Return the text with every match replaced; the new text may refer to groups of the pattern by number."""
    text, template = as_text(value), as_text(new)
    if len(template) > LONGEST_PATTERN:
        raise RuleError("reason_new_text_long", most=LONGEST_PATTERN)
    require_length(len(text))
    end = deadline.get()
    seconds = REGEX_SECONDS if end is None else max(0.0001, min(REGEX_SECONDS, end - time.monotonic()))
    remaining = LONGEST_TEXT

    def filled(match: "regex.Match[str]") -> str:
        """Expand one match within the length limit.

        The new text may repeat groups, and an empty match may have long groups.
        """
        nonlocal remaining
        expansion = match.expand(template)
        remaining -= len(expansion)
        require_length(LONGEST_TEXT - remaining)
        return expansion

    try:
        return pattern_of(as_text(pattern)).sub(filled, text, timeout=seconds)
    except TimeoutError:
        raise RuleError("reason_pattern_slow") from None
    except (regex.error, IndexError) as error:
        raise RuleError("reason_new_text", text=template, error=error) from None


def split(value: Value, separator: Value, place: Value = None) -> Value:
    """Return the trimmed parts, or the part at a place: 1 is the first, -1 the last."""
    if not as_text(separator):
        raise RuleError("reason_split")
    text = as_text(value)
    require_length(len(text))
    pieces = tuple(piece.strip() for piece in text.split(as_text(separator)))
    if place is None:
        return pieces
    at = whole_number(place)
    if at == 0:
        raise RuleError("reason_places")
    index = at - 1 if at > 0 else at
    return pieces[index] if -len(pieces) <= index < len(pieces) else None


def join(value: Value, separator: Value, *more: Value) -> Value:
    """Return the non-empty values joined to one text."""
    items = [*(value if isinstance(value, tuple) else (as_text(value),)), *map(as_text, more)]
    filled = [item for item in items if item]
    require_length(sum(map(len, filled)) + len(as_text(separator)) * len(filled))
    return as_text(separator).join(filled)


def substring(value: Value, start: Value, length: Value = None) -> Value:
    """Return a part of a text from a start position (1 is the first, -3 the third from the end) with a length."""
    text, at = as_text(value), whole_number(start)
    if at == 0:
        raise RuleError("reason_places")
    first = at - 1 if at > 0 else max(0, len(text) + at)
    return text[first:] if length is None else text[first : first + max(0, whole_number(length))]


def pad(value: Value, width: Value, sign: Value = "0", side: Value = "left") -> Value:
    """Return the text padded to a width with a character on its left or right."""
    fill = as_text(sign)
    if len(fill) != 1 or side not in ("left", "right"):
        raise RuleError("reason_pad")
    require_length(whole_number(width))
    text = as_text(value)
    return text.rjust(whole_number(width), fill) if side == "left" else text.ljust(whole_number(width), fill)


def check_pattern(pattern: Value, *_rest: Value) -> None:
    pattern_of(as_text(pattern))


# ---- date and country functions


_DAYS = (r"{y}-{m}-{d}(?:[T ].*)?", r"{d}[-/.]{m}[-/.]{y}", r"{y}{mm}{dd}")
_PARTS = {
    "y": r"(?P<y>\d{4})", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})", "mm": r"(?P<m>\d{2})", "dd": r"(?P<d>\d{2})",
}  # fmt: skip
_KNOWN_DAYS = [re.compile(day.format(**_PARTS), re.ASCII) for day in _DAYS]


@lru_cache(maxsize=64)
def day_pattern(form: str) -> re.Pattern[str]:
    text = re.escape(form.lower())
    for sign, part in (("yyyy", "y"), ("mm", "mm"), ("dd", "dd")):
        if text.count(sign) != 1:
            raise RuleError("reason_date_form")
        text = text.replace(sign, _PARTS[part])
    return re.compile(text, re.ASCII)


def parse_day(value: Value, form: Value = None) -> Value:
    """Return the date in a text: 31-3-2026, 31/3/2026, 2026-03-31, 20260331, or in a form such as mm/dd/yyyy."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = as_text(value).strip()
    forms = _KNOWN_DAYS if form is None else [day_pattern(as_text(form))]
    parts = next((match for pattern in forms if (match := pattern.fullmatch(text))), None)
    if parts is None:
        raise RuleError("reason_no_date", value=text[:SHOWN])
    try:
        return date(int(parts["y"]), int(parts["m"]), int(parts["d"]))
    except ValueError:
        raise RuleError("reason_no_date", value=text[:SHOWN]) from None


def is_country(code: str) -> bool:
    """Return True if a text is the upper-case ISO code of a country."""
    return code in countries("en")


def country_of(value: Value) -> Value:
    """Return the ISO code of a country name that `country_code` recognises. Raises RuleError for other names."""
    code = country_code(as_text(value))
    if not code:
        raise RuleError("reason_no_country", value=as_text(value)[:SHOWN])
    return code


def check_date(form: Value = None) -> None:
    if form is not None:
        day_pattern(as_text(form))
