"""What rules of a mapping can use: functions by name, and expressions that can reach nothing but a record.

Neither can hang the console: texts, numbers and expressions have a largest size, regular expressions a time limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from integration.core.money import HUNDRED, add_vat, remove_vat
from integration.core.records import Value
from integration.core.rules import EMPTY, Formula, Function, Operator, Rule, RuleError, as_text, matches
from integration.flows.functions import values
from integration.flows.functions.expressions import Expression, record_at_hand
from integration.flows.functions.values import Tool, number_of


def _first(value: Value, *others: Value) -> Value:
    return next((each for each in (value, *others) if each not in EMPTY), None)


def _if(value: Value, operator: Value, operand: Value, then: Value, otherwise: Value = None) -> Value:
    """Return one value when the condition holds and another when not; the value itself where no other is given."""
    holds = matches(value, Operator(as_text(operator)), operand)
    return then if holds else value if otherwise is None else otherwise


def _check_if(operator: Value, *_rest: Value) -> None:
    if as_text(operator) not in set(Operator):
        raise RuleError("reason_if", operators=", ".join(Operator))


_MANY = 20
_TOOLS: Mapping[str, Tool] = {
    "trim": Tool(lambda value: as_text(value).strip()),
    "upper": Tool(lambda value: as_text(value).upper()),
    "lower": Tool(lambda value: as_text(value).lower()),
    "replace": Tool(values.replace, 2, 2),
    "regex_replace": Tool(values.regex_replace, 2, 2, check=values.check_pattern),
    "split": Tool(values.split, 1, 2),
    "join": Tool(values.join, 1, _MANY, fields_from=1, takes_empty=True),
    "substring": Tool(values.substring, 1, 2),
    "pad": Tool(values.pad, 1, 3),
    "number": Tool(values.to_number, 0, 1),
    "round": Tool(values.rounded, 0, 1),
    "percentage": Tool(lambda value, percent: number_of(value) * number_of(percent) / HUNDRED, 1, 1),
    "add_vat": Tool(lambda value, percent: add_vat(number_of(value), number_of(percent)), 1, 1),
    "remove_vat": Tool(lambda value, percent: remove_vat(number_of(value), number_of(percent)), 1, 1),
    "date": Tool(values.day_of, 0, 1, check=values.check_date),
    "country": Tool(values.country_of),
    "first": Tool(_first, 0, _MANY, fields_from=0, takes_empty=True),
    "if": Tool(_if, 3, 4, check=_check_if, takes_empty=True),
}


def read_by(rule: Rule) -> frozenset[str]:
    """Return the fields of the record that a rule reads. Raises RuleError for an expression that is none."""
    if rule.force:
        return frozenset()
    if rule.expression:
        return Tools().expression(rule.expression).names
    given = [(_TOOLS[call.name].fields_from, call.args) for call in rule.functions if call.name in _TOOLS]
    named = {as_text(arg) for start, args in given if start is not None for arg in args[start:]}
    return frozenset({rule.source, *named} - {""})


class Tools:
    """The toolbox of the mappings, with the value tables as they are now."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._tables = tables or {}
        self._tools = {**_TOOLS, "lookup": Tool(self._lookup, 1, 2)}
        self._callable = {
            **{name: tool for name, tool in self._tools.items() if name != "if"},  # a word of the language itself
            "text": Tool(as_text, takes_empty=True),
            "abs": Tool(lambda value: abs(number_of(value))),
            "min": Tool(lambda *values: min(map(number_of, values)), 0, _MANY, takes_empty=True),
            "max": Tool(lambda *values: max(map(number_of, values)), 0, _MANY, takes_empty=True),
            "field": Tool(lambda name: record_at_hand.get().get(as_text(name))),
        }

    def names(self) -> list[str]:
        """Return the names of all functions of a chain."""
        return sorted(self._tools)

    def function(self, name: str, args: tuple[Value, ...]) -> Function:
        """Return a function with its arguments; see `Toolbox`."""
        tool = self._tools.get(name)
        if tool is None:
            raise RuleError("reason_no_function_named", name=name)
        tool.fits(name, len(args))
        if tool.check is not None:
            tool.check(*args)
        if tool.fields_from is None:
            return lambda value, _: tool(value, *args)
        fixed, fields = args[: tool.fields_from], [as_text(arg) for arg in args[tool.fields_from :]]
        return lambda value, values: tool(value, *fixed, *(values.get(field) for field in fields))

    def expression(self, text: str) -> Formula:
        """Return an expression; see `Toolbox`."""
        return Expression(text, self._callable)

    def table(self, name: str) -> Mapping[str, str]:
        """Return a value table; empty when nobody has filled it."""
        return self._tables.get(name, {})

    def _lookup(self, value: Value, table: Value, otherwise: Value = None) -> Value:
        found = self.table(as_text(table)).get(as_text(value).strip(), otherwise)
        if found is None:
            raise RuleError("value_unmapped", value=as_text(value), table=as_text(table))
        return found


# ---- every function with its arguments, as a screen offers them


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
# Every function of a chain with its arguments, in the order in which people look for them.
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

# The functions that an expression can call, the value as the first argument.
IN_EXPRESSIONS = (*(name for name in FUNCTIONS if name != "if"), "text", "abs", "min", "max", "field")
