"""What rules of a mapping can use: the functions, and expressions that can reach nothing but a record.

Neither can hang the console: texts, numbers and expressions have a largest size, regular expressions a time limit.
"""

import ast
import re
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, DivisionByZero
from enum import StrEnum
from functools import cache, lru_cache
from math import prod
from typing import Any

import regex
from babel import Locale
from simpleeval import InvalidExpression, SimpleEval

from integration.core import money
from integration.core.money import HUNDRED, amount
from integration.core.records import Value, same
from integration.core.rules import (
    EMPTY,
    Formula,
    Function,
    Operator,
    Rule,
    UnmappedError,
    Values,
    as_text,
    is_empty,
    matches,
)

LONGEST_TEXT = 10_000  # characters a function or expression may produce
LONGEST_PATTERN = 200
MOST_REPEATS = 1_000  # in a pattern, multiplied: nested ones are written out when it is prepared
SHOWN_REST = 40  # characters of what cannot be read
LONGEST_EXPRESSION = 2_000
MOST_NODES = 400  # parts of an expression
DEEPEST = 40
HIGHEST_POWER = 100
MOST_DIGITS = 28  # what Decimal calculates with, and the highest power of ten a result may have
REGEX_SECONDS = 0.05
EXPRESSION_SECONDS = 0.08  # all regular expressions of one expression together

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
_record: ContextVar[Values] = ContextVar("record")


# ---- what functions are given


def _number(value: Value) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and value.strip():
        return _read_number(value, "auto")
    raise ValueError("an empty value was calculated with" if value in EMPTY else f"no number: {as_text(value)}")


def _whole(value: Value) -> int:
    number = _number(value)
    if number != number.to_integral_value() or abs(number) > LONGEST_TEXT:
        raise ValueError(f"no whole number up to {LONGEST_TEXT}: {as_text(value)[:40]}")
    return int(number)


def _room(characters: int) -> None:
    if characters > LONGEST_TEXT:
        raise ValueError(f"the result is longer than {LONGEST_TEXT} characters")


def _bounded(result: Value) -> Value:
    """Return a result that others can go on with. Raises ValueError for one out of all proportion."""
    if isinstance(result, str):
        _room(len(result))
        return result
    match result:
        case Decimal():
            if not result.is_finite() or (result and abs(result.adjusted()) > MOST_DIGITS):
                raise ValueError("the number is too large or too small")
        case tuple():
            _room(sum(map(len, result)))
        case _:
            pass
    return result


# ---- texts


def _trim(value: Value) -> Value:
    return as_text(value).strip()


def _upper(value: Value) -> Value:
    return as_text(value).upper()


def _lower(value: Value) -> Value:
    return as_text(value).lower()


def _replace(value: Value, old: Value, new: Value) -> Value:
    text, before, after = as_text(value), as_text(old), as_text(new)
    if not before:
        raise ValueError("replace needs a text to look for")
    _room(len(text) + text.count(before) * (len(after) - len(before)))
    return text.replace(before, after)


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> "regex.Pattern[str]":
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"a pattern has at most {LONGEST_PATTERN} characters")
    if prod(max([1, *map(int, re.findall(r"\d+", many))]) for many in re.findall(r"{[\d,]+}", pattern)) > MOST_REPEATS:
        raise ValueError(f"a pattern repeats at most {MOST_REPEATS} times in all")
    try:
        return regex.compile(pattern)
    except (regex.error, KeyError, RecursionError, OverflowError) as error:
        raise ValueError(f"the pattern {pattern} cannot be used: {error}") from None


def _regex_replace(value: Value, pattern: Value, new: Value) -> Value:
    """Return the text with every match replaced; the new text may name the groups of the pattern by number."""
    text, template = as_text(value), as_text(new)
    if len(template) > LONGEST_PATTERN:
        raise ValueError(f"the new text has at most {LONGEST_PATTERN} characters")
    _room(len(text))
    end = _deadline.get()
    seconds = REGEX_SECONDS if end is None else max(0.0001, min(REGEX_SECONDS, end - time.monotonic()))
    try:
        return _pattern(as_text(pattern)).sub(template, text, timeout=seconds)
    except TimeoutError:
        raise ValueError("the pattern takes too long") from None
    except (regex.error, IndexError) as error:
        raise ValueError(f"the new text {template} cannot be used: {error}") from None


def _split(value: Value, separator: Value, place: Value = None) -> Value:
    """Return the trimmed pieces, or the one at a place: 1 is the first, -1 the last."""
    if not as_text(separator):
        raise ValueError("split needs a separator")
    pieces = tuple(piece.strip() for piece in as_text(value).split(as_text(separator)))
    if place is None:
        return pieces
    at = _whole(place)
    if at == 0:
        raise ValueError("places are counted from 1")
    index = at - 1 if at > 0 else at
    return pieces[index] if -len(pieces) <= index < len(pieces) else None


def _join(value: Value, separator: Value, *more: Value) -> Value:
    """Return the values in one text; empty ones are left out."""
    items = [*(value if isinstance(value, tuple) else (as_text(value),)), *map(as_text, more)]
    filled = [item for item in items if item]
    _room(sum(map(len, filled)) + len(as_text(separator)) * len(filled))
    return as_text(separator).join(filled)


def _substring(value: Value, start: Value, length: Value = None) -> Value:
    """Return a piece of a text: from a place (1 is the first, -3 the third from the end), so many characters."""
    text, at = as_text(value), _whole(start)
    if at == 0:
        raise ValueError("places are counted from 1")
    first = at - 1 if at > 0 else max(0, len(text) + at)
    return text[first:] if length is None else text[first : first + max(0, _whole(length))]


def _pad(value: Value, width: Value, sign: Value = "0", side: Value = "left") -> Value:
    """Return the text filled up to a width with a sign on its left or right."""
    fill = as_text(sign)
    if len(fill) != 1 or side not in ("left", "right"):
        raise ValueError("pad takes a width, one sign, and left or right")
    _room(_whole(width))
    text = as_text(value)
    return text.rjust(_whole(width), fill) if side == "left" else text.ljust(_whole(width), fill)


# ---- numbers


_DIGITS = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?", re.ASCII)


def _read_number(value: str, style: str) -> Decimal:
    """Return a number from text. Raises ValueError.

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
        raise ValueError(f"no number: {value[:40]}")
    return Decimal(text)


def _to_number(value: Value, style: Value = "auto") -> Value:
    if style not in ("auto", "nl", "en"):
        raise ValueError("number takes auto, nl or en")
    return value if isinstance(value, Decimal) else _read_number(as_text(value), as_text(style))


def _round(value: Value, places: Value = Decimal(2)) -> Value:
    """Return a number with so many decimals, rounded half up."""
    digits, most = _whole(places), 10
    if not 0 <= digits <= most:
        raise ValueError(f"round takes 0 to {most} decimals")
    return amount(_number(value), digits)


def _percentage(value: Value, percent: Value) -> Value:
    return _number(value) * _number(percent) / HUNDRED


def _add_vat(value: Value, percent: Value) -> Value:
    return money.add_vat(_number(value), _number(percent))


def _remove_vat(value: Value, percent: Value) -> Value:
    return money.remove_vat(_number(value), _number(percent))


# ---- days and countries

_DAYS = (r"{y}-{m}-{d}(?:[T ].*)?", r"{d}[-/.]{m}[-/.]{y}", r"{y}{mm}{dd}")
_PARTS = {
    "y": r"(?P<y>\d{4})", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})", "mm": r"(?P<m>\d{2})", "dd": r"(?P<d>\d{2})",
}  # fmt: skip
_KNOWN_DAYS = [re.compile(day.format(**_PARTS), re.ASCII) for day in _DAYS]


@lru_cache(maxsize=64)
def _day_pattern(form: str) -> re.Pattern[str]:
    text = re.escape(form.lower())
    for sign, part in (("yyyy", "y"), ("mm", "mm"), ("dd", "dd")):
        if text.count(sign) != 1:
            raise ValueError("a form of date has yyyy, mm and dd, each once")
        text = text.replace(sign, _PARTS[part])
    return re.compile(text, re.ASCII)


def _date(value: Value, form: Value = None) -> Value:
    """Return the day a text names: 31-3-2026, 31/3/2026, 2026-03-31, 20260331, or in a form such as mm/dd/yyyy."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = as_text(value).strip()
    forms = _KNOWN_DAYS if form is None else [_day_pattern(as_text(form))]
    found = next((match for each in forms if (match := each.fullmatch(text))), None)
    if found is None:
        raise ValueError(f"no date: {text[:40]}")
    try:
        return date(int(found["y"]), int(found["m"]), int(found["d"]))
    except ValueError:
        raise ValueError(f"no date: {text[:40]}") from None


_OTHER_NAMES = {
    "holland": "NL", "the netherlands": "NL", "brd": "DE", "uk": "GB", "engeland": "GB", "england": "GB",
    "groot-brittannie": "GB", "great britain": "GB", "usa": "US", "tsjechie": "CZ", "czech republic": "CZ",
}  # fmt: skip
_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})


def _folded(name: str) -> str:
    """Return a name without capitals and accents: België is belgie."""
    apart = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


@cache
def _countries() -> dict[str, str]:
    names = dict(_OTHER_NAMES)
    for language in ("nl", "en", "de"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES:  # noqa: PLR2004 - ISO 3166 alpha-2
                names.setdefault(code.casefold(), code)
                names.setdefault(_folded(name), code)
    return names


def _country(value: Value) -> Value:
    """Return the ISO code of a country named in Dutch, English or German, or of its code itself."""
    try:
        return _countries()[_folded(as_text(value))]
    except KeyError:
        raise ValueError(f"no country: {as_text(value)[:40]}") from None


# ---- choices


def _first(value: Value, *others: Value) -> Value:
    return next((each for each in (value, *others) if each not in EMPTY), None)


def _if(value: Value, operator: Value, operand: Value, then: Value, otherwise: Value = None) -> Value:
    """Return one value when the condition holds and another when not; the value itself where no other is given."""
    holds = matches(value, Operator(as_text(operator)), operand)
    return then if holds else value if otherwise is None else otherwise


def _check_if(operator: Value, *_rest: Value) -> None:
    if as_text(operator) not in set(Operator):
        raise ValueError(f"if compares with one of {', '.join(Operator)}")


def _check_pattern(pattern: Value, *_rest: Value) -> None:
    _pattern(as_text(pattern))


def _check_date(form: Value = None) -> None:
    if form is not None:
        _day_pattern(as_text(form))


@dataclass(frozen=True, slots=True)
class _Tool:
    """One function: how many arguments it takes besides the value, and which of them name fields in a chain."""

    run: Callable[..., Value]
    least: int = 0
    most: int = 0
    fields_from: int | None = None
    check: Callable[..., None] | None = None
    takes_empty: bool = False  # otherwise what is empty stays empty

    def fits(self, name: str, count: int) -> None:
        """Raise ValueError when the function does not take so many arguments."""
        if not self.least <= count <= self.most:
            wanted = f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"
            raise ValueError(f"{name} takes {wanted} arguments, not {count}")

    def __call__(self, value: Value = None, *args: Value) -> Value:
        if is_empty(value) and not self.takes_empty:
            return None
        try:
            return _bounded(self.run(value, *args))
        except ArithmeticError as error:
            raise ValueError(_trouble(error)) from None


_MANY = 20
_TOOLS: Mapping[str, _Tool] = {
    "trim": _Tool(_trim),
    "upper": _Tool(_upper),
    "lower": _Tool(_lower),
    "replace": _Tool(_replace, 2, 2),
    "regex_replace": _Tool(_regex_replace, 2, 2, check=_check_pattern),
    "split": _Tool(_split, 1, 2),
    "join": _Tool(_join, 1, _MANY, fields_from=1, takes_empty=True),
    "substring": _Tool(_substring, 1, 2),
    "pad": _Tool(_pad, 1, 3),
    "number": _Tool(_to_number, 0, 1),
    "round": _Tool(_round, 0, 1),
    "percentage": _Tool(_percentage, 1, 1),
    "add_vat": _Tool(_add_vat, 1, 1),
    "remove_vat": _Tool(_remove_vat, 1, 1),
    "date": _Tool(_date, 0, 1, check=_check_date),
    "country": _Tool(_country),
    "first": _Tool(_first, 0, _MANY, fields_from=0, takes_empty=True),
    "if": _Tool(_if, 3, 4, check=_check_if, takes_empty=True),
}


class Takes(StrEnum):
    """What an argument of a function is."""

    TEXT = "text"
    NUMBER = "number"
    VALUE = "value"  # what the field at hand can hold
    CHOICE = "choice"  # one of a few words
    FIELD = "field"  # a field of the record
    TABLE = "table"  # a value table


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a function beside the value; one that `repeats` is the last and may be given many times."""

    name: str
    takes: Takes
    needed: bool = True
    options: tuple[str, ...] = ()
    repeats: bool = False


_PERCENT = (Argument("percent", Takes.NUMBER),)
FUNCTIONS: Mapping[str, tuple[Argument, ...]] = {
    "trim": (),
    "upper": (),
    "lower": (),
    "replace": (Argument("old", Takes.TEXT), Argument("new", Takes.TEXT)),
    "regex_replace": (Argument("pattern", Takes.TEXT), Argument("new", Takes.TEXT)),
    "split": (Argument("separator", Takes.TEXT), Argument("place", Takes.NUMBER, needed=False)),
    "join": (Argument("separator", Takes.TEXT), Argument("fields", Takes.FIELD, needed=False, repeats=True)),
    "substring": (Argument("start", Takes.NUMBER), Argument("length", Takes.NUMBER, needed=False)),
    "pad": (
        Argument("width", Takes.NUMBER),
        Argument("sign", Takes.TEXT, needed=False),
        Argument("side", Takes.CHOICE, needed=False, options=("left", "right")),
    ),
    "number": (Argument("style", Takes.CHOICE, needed=False, options=("auto", "nl", "en")),),
    "round": (Argument("places", Takes.NUMBER, needed=False),),
    "percentage": _PERCENT,
    "add_vat": _PERCENT,
    "remove_vat": _PERCENT,
    "date": (Argument("form", Takes.TEXT, needed=False),),
    "country": (),
    "first": (Argument("fields", Takes.FIELD, needed=False, repeats=True),),
    "lookup": (Argument("table", Takes.TABLE), Argument("otherwise", Takes.TEXT, needed=False)),
    "if": (
        Argument("operator", Takes.CHOICE, options=tuple(Operator)),
        Argument("operand", Takes.TEXT),
        Argument("then", Takes.VALUE),
        Argument("otherwise", Takes.VALUE, needed=False),
    ),
}
"""Every function of a chain with its arguments, in the order in which people look for them."""

IN_EXPRESSIONS = (*(name for name in FUNCTIONS if name != "if"), "text", "abs", "min", "max", "field")
"""The functions that an expression can call, the value as the first argument."""


def read_by(rule: Rule) -> frozenset[str]:
    """Return the fields of the record that a rule reads. Raises ValueError for an expression that is none."""
    if rule.force:
        return frozenset()
    if rule.expression:
        return Tools().expression(rule.expression).names
    given = [(_TOOLS[call.name].fields_from, call.args) for call in rule.functions if call.name in _TOOLS]
    named = {as_text(arg) for start, args in given if start is not None for arg in args[start:]}
    return frozenset({rule.source, *named} - {""})


def _trouble(error: Exception) -> str:
    if isinstance(error, DivisionByZero):
        return "division by zero"
    return "the number is too large or too small" if isinstance(error, ArithmeticError) else str(error)


class Tools:
    """The toolbox of the mappings, with the value tables as they are now."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._tables = tables or {}
        self._tools = {**_TOOLS, "lookup": _Tool(self._lookup, 1, 2)}
        self._callable = {
            **{name: tool for name, tool in self._tools.items() if name != "if"},  # a word of the language itself
            "text": _Tool(as_text, takes_empty=True),
            "abs": _Tool(lambda value: abs(_number(value))),
            "min": _Tool(lambda *values: min(map(_number, values)), 0, _MANY, takes_empty=True),
            "max": _Tool(lambda *values: max(map(_number, values)), 0, _MANY, takes_empty=True),
            "field": _Tool(lambda name: _record.get().get(as_text(name))),
        }

    def names(self) -> list[str]:
        """Return the names of all functions of a chain."""
        return sorted(self._tools)

    def function(self, name: str, args: tuple[Value, ...]) -> Function:
        """Return a function with its arguments; see `Toolbox`."""
        tool = self._tools.get(name)
        if tool is None:
            raise ValueError(f"there is no function {name}")
        tool.fits(name, len(args))
        if tool.check is not None:
            tool.check(*args)
        if tool.fields_from is None:
            return lambda value, _: tool(value, *args)
        fixed, fields = args[: tool.fields_from], [as_text(arg) for arg in args[tool.fields_from :]]
        return lambda value, values: tool(value, *fixed, *(values.get(field) for field in fields))

    def expression(self, text: str) -> Formula:
        """Return an expression; see `Toolbox`."""
        return _Expression(text, self._callable)

    def table(self, name: str) -> Mapping[str, str]:
        """Return a value table; empty when nobody has filled it."""
        return self._tables.get(name, {})

    def _lookup(self, value: Value, table: Value, otherwise: Value = None) -> Value:
        found = self.table(as_text(table)).get(as_text(value).strip(), otherwise)
        if found is None:
            raise UnmappedError(as_text(value), as_text(table))
        return found


# ---- expressions


def _add(one: Value, other: Value) -> Value:
    if isinstance(one, str) or isinstance(other, str):
        return _bounded(as_text(one) + as_text(other))
    return _bounded(_number(one) + _number(other))


def _power(one: Value, other: Value) -> Value:
    exponent = _number(other)
    if exponent != exponent.to_integral_value() or abs(exponent) > HIGHEST_POWER:
        raise ValueError(f"a power is a whole number up to {HIGHEST_POWER}")
    return _bounded(_number(one) ** exponent)


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Value, Value], bool]:
    def compared(one: Value, other: Value) -> bool:
        if type(one) is not type(other) or not isinstance(one, Decimal | str | date):
            raise ValueError(f"{as_text(one) or 'nothing'} cannot be compared with {as_text(other) or 'nothing'}")
        return compare(one, other)

    return compared


def _within(one: Value, other: Value) -> bool:
    if not isinstance(other, tuple):
        return as_text(one) in as_text(other)
    if isinstance(one, Decimal):
        return any(matches(one, Operator.EQUAL, each) for each in other)
    return as_text(one) in other


def _sums(calculate: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Value, Value], Value]:
    return lambda one, other: _bounded(calculate(_number(one), _number(other)))


_OPERATORS: dict[type[ast.AST], Callable[..., Value]] = {
    ast.Add: _add,
    ast.Sub: _sums(lambda one, other: one - other),
    ast.Mult: _sums(lambda one, other: one * other),
    ast.Div: _sums(lambda one, other: one / other),
    ast.FloorDiv: _sums(lambda one, other: one // other),
    ast.Mod: _sums(lambda one, other: one % other),
    ast.Pow: _power,
    ast.Eq: same,
    ast.NotEq: lambda one, other: not same(one, other),
    ast.Lt: _compared(lambda one, other: one < other),
    ast.LtE: _compared(lambda one, other: one <= other),
    ast.Gt: _compared(lambda one, other: one > other),
    ast.GtE: _compared(lambda one, other: one >= other),
    ast.In: _within,
    ast.NotIn: lambda one, other: not _within(one, other),  # codespell:ignore notin - of Python
    ast.Not: lambda one: not one,
    ast.USub: lambda one: -_number(one),
    ast.UAdd: _number,
}
_ALLOWED = (
    ast.Constant, ast.Name, ast.Load, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.And, ast.Or, ast.Compare, ast.IfExp,
    ast.Call, ast.Tuple, ast.List, *_OPERATORS,
)  # fmt: skip


class _Names:
    """The fields of the record at hand. What it does not have is empty."""

    def __getitem__(self, name: str) -> Value:
        return _record.get().get(name)


class _Expression:
    """One expression, parsed and checked once. Raises ValueError when it is none or does what it may not."""

    def __init__(self, text: str, tools: Mapping[str, _Tool]) -> None:
        self.text = text
        self._tree = _parsed(text)
        _check(self._tree, tools)
        self.names = frozenset(_fields(self._tree))
        # Nothing of a record is kept in the evaluator, so that threads may share it.
        self._evaluator = SimpleEval(operators=_OPERATORS, functions=dict(tools), names=_Names())
        self._evaluator.nodes[ast.Constant] = lambda node: node.value
        self._evaluator.nodes[ast.Tuple] = self._evaluator.nodes[ast.List] = self._listed

    def _listed(self, node: ast.Tuple | ast.List) -> tuple[str, ...]:
        return tuple(as_text(self._evaluator._eval(each)) for each in node.elts)  # noqa: SLF001 - as its own nodes do

    def __call__(self, values: Values) -> Value:
        """Return the result for one record. Raises ValueError with the reason when there is none."""
        record, deadline = _record.set(values), _deadline.set(time.monotonic() + EXPRESSION_SECONDS)
        try:
            return _bounded(self._evaluator.eval(self.text, previously_parsed=self._tree))
        except (ArithmeticError, InvalidExpression) as error:
            raise ValueError(_trouble(error)) from None
        finally:
            _record.reset(record)
            _deadline.reset(deadline)


def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST_EXPRESSION:
        raise ValueError(f"an expression has at most {LONGEST_EXPRESSION} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(_unread(text.strip(), error)) from None
    _measure(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = _literal(node.value)  # type: ignore[assignment]
    return tree


def _unread(text: str, error: Exception) -> str:
    """Return why a text is no expression, with the place from which on it cannot be read."""
    place = error.offset if isinstance(error, SyntaxError) and error.lineno == 1 else None
    rest = text[max(0, (place or 1) - 1) :][:SHOWN_REST].strip()
    return f"the expression cannot be read from here on: {rest}" if rest else "the expression ends too early"


def _measure(tree: ast.expr) -> None:
    waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
    seen = 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if seen > MOST_NODES or depth > DEEPEST:
            raise ValueError("the expression is too long or too deeply nested")
        waiting.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _literal(value: object) -> Value:
    """Return a literal as a value of ours: numbers are exact decimals."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        number = Decimal(repr(value)) if isinstance(value, float) or value < 10**MOST_DIGITS else Decimal("inf")
        return _bounded(number)
    raise ValueError("an expression has texts, numbers, True, False and None")


def _check(tree: ast.expr, tools: Mapping[str, _Tool]) -> None:
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise ValueError(f"an expression cannot contain {type(node).__name__}")  # noqa: TRY004 - an operator's error
        if isinstance(node, ast.Call):
            _check_call(node, tools)


def _check_call(node: ast.Call, tools: Mapping[str, _Tool]) -> None:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in tools:
        raise ValueError(f"there is no function {name}".rstrip())
    if not node.args:
        raise ValueError(f"{name} needs a value")
    tools[name].fits(name, len(node.args) - 1)
    if name == "field" and not _constant_text(node.args[0]):
        raise ValueError('field takes a name in quotes, such as field("AK-1")')


def _constant_text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _fields(tree: ast.expr) -> Iterator[str]:
    called: Sequence[ast.expr] = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node not in called:
            yield node.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "field":
            yield _constant_text(node.args[0])
