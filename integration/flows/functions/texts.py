"""Functions on texts. Regular expressions have a time limit."""

import re
import time
from contextvars import ContextVar
from functools import lru_cache
from math import prod

import regex

from integration.core.records import Value
from integration.core.rules import RuleError, as_text
from integration.flows.functions.values import room, whole

LONGEST_PATTERN = 200
MOST_REPEATS = 1_000  # in a pattern, multiplied: nested ones are written out when it is prepared
REGEX_SECONDS = 0.05

# Until when all regular expressions of the expression at hand have to be done.
deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def replace(value: Value, old: Value, new: Value) -> Value:
    text, before, after = as_text(value), as_text(old), as_text(new)
    if not before:
        raise RuleError("reason_replace")
    room(len(text) + text.count(before) * (len(after) - len(before)))
    return text.replace(before, after)


@lru_cache(maxsize=512)
def pattern_of(pattern: str) -> "regex.Pattern[str]":
    if len(pattern) > LONGEST_PATTERN:
        raise RuleError("reason_pattern_long", most=LONGEST_PATTERN)
    if prod(max([1, *map(int, re.findall(r"\d+", many))]) for many in re.findall(r"{[\d,]+}", pattern)) > MOST_REPEATS:
        raise RuleError("reason_pattern_repeats", most=MOST_REPEATS)
    try:
        return regex.compile(pattern)
    except (regex.error, KeyError, RecursionError, OverflowError) as error:
        raise RuleError("reason_pattern", pattern=pattern, error=error) from None


def regex_replace(value: Value, pattern: Value, new: Value) -> Value:
    """Return the text with every match replaced; the new text may name the groups of the pattern by number."""
    text, template = as_text(value), as_text(new)
    if len(template) > LONGEST_PATTERN:
        raise RuleError("reason_new_text_long", most=LONGEST_PATTERN)
    room(len(text))
    end = deadline.get()
    seconds = REGEX_SECONDS if end is None else max(0.0001, min(REGEX_SECONDS, end - time.monotonic()))
    try:
        return pattern_of(as_text(pattern)).sub(template, text, timeout=seconds)
    except TimeoutError:
        raise RuleError("reason_pattern_slow") from None
    except (regex.error, IndexError) as error:
        raise RuleError("reason_new_text", text=template, error=error) from None


def split(value: Value, separator: Value, place: Value = None) -> Value:
    """Return the trimmed pieces, or the one at a place: 1 is the first, -1 the last."""
    if not as_text(separator):
        raise RuleError("reason_split")
    pieces = tuple(piece.strip() for piece in as_text(value).split(as_text(separator)))
    if place is None:
        return pieces
    at = whole(place)
    if at == 0:
        raise RuleError("reason_places")
    index = at - 1 if at > 0 else at
    return pieces[index] if -len(pieces) <= index < len(pieces) else None


def join(value: Value, separator: Value, *more: Value) -> Value:
    """Return the values in one text; empty ones are left out."""
    items = [*(value if isinstance(value, tuple) else (as_text(value),)), *map(as_text, more)]
    filled = [item for item in items if item]
    room(sum(map(len, filled)) + len(as_text(separator)) * len(filled))
    return as_text(separator).join(filled)


def substring(value: Value, start: Value, length: Value = None) -> Value:
    """Return a piece of a text: from a place (1 is the first, -3 the third from the end), so many characters."""
    text, at = as_text(value), whole(start)
    if at == 0:
        raise RuleError("reason_places")
    first = at - 1 if at > 0 else max(0, len(text) + at)
    return text[first:] if length is None else text[first : first + max(0, whole(length))]


def pad(value: Value, width: Value, sign: Value = "0", side: Value = "left") -> Value:
    """Return the text filled up to a width with a sign on its left or right."""
    fill = as_text(sign)
    if len(fill) != 1 or side not in ("left", "right"):
        raise RuleError("reason_pad")
    room(whole(width))
    text = as_text(value)
    return text.rjust(whole(width), fill) if side == "left" else text.ljust(whole(width), fill)


def check_pattern(pattern: Value, *_rest: Value) -> None:
    pattern_of(as_text(pattern))
