"""Functions and expressions for mapping rules. Expressions can access only the fields of a record.

Rules cannot block the console: texts, numbers and expressions have a maximum size, regular expressions a time limit.
"""

import ast
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from simpleeval import InvalidExpression, SimpleEval

from integration.core.money import HUNDRED, add_vat, remove_vat
from integration.core.records import Value, is_same_value
from integration.core.rows import row_key
from integration.core.rules import EMPTY, Formula, Function, Operator, Rule, RuleError, Values, as_text, matches
from integration.flows.functions import values
from integration.flows.functions.values import MAX_DIGITS, SHOWN, Tool, bounded, deadline, no_result, number_of

# ---- expressions over the fields of a record: parsed and checked once, without access to anything else


LONGEST_EXPRESSION = 2_000
MAX_NODES = 400  # maximum number of AST nodes of an expression
DEEPEST = 40
HIGHEST_POWER = 100
EXPRESSION_SECONDS = 0.08  # time limit of all regular expressions of one expression together

record_at_hand: ContextVar[Values] = ContextVar("record")


def _add(value: Value, other: Value) -> Value:
    if isinstance(value, str) or isinstance(other, str):
        return bounded(as_text(value) + as_text(other))
    return bounded(number_of(value) + number_of(other))


def _power(value: Value, other: Value) -> Value:
    exponent = number_of(other)
    if exponent != exponent.to_integral_value() or abs(exponent) > HIGHEST_POWER:
        raise RuleError("reason_power", most=HIGHEST_POWER)
    return bounded(number_of(value) ** exponent)


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Value, Value], bool]:
    def compared(value: Value, other: Value) -> bool:
        if type(value) is not type(other) or not isinstance(value, Decimal | str | date):
            raise RuleError("reason_compared", one=as_text(value), other=as_text(other))
        return compare(value, other)

    return compared


def _is_in(value: Value, other: Value) -> bool:
    if not isinstance(other, tuple):
        return as_text(value) in as_text(other)
    if isinstance(value, Decimal):
        return any(matches(value, Operator.EQUAL, option) for option in other)
    return as_text(value) in other


def _arithmetic(calculate: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Value, Value], Value]:
    return lambda value, other: bounded(calculate(number_of(value), number_of(other)))


_OPERATORS: dict[type[ast.AST], Callable[..., Value]] = {
    ast.Add: _add,
    ast.Sub: _arithmetic(lambda value, other: value - other),
    ast.Mult: _arithmetic(lambda value, other: value * other),
    ast.Div: _arithmetic(lambda value, other: value / other),
    ast.FloorDiv: _arithmetic(lambda value, other: value // other),
    ast.Mod: _arithmetic(lambda value, other: value % other),
    ast.Pow: _power,
    ast.Eq: is_same_value,
    ast.NotEq: lambda value, other: not is_same_value(value, other),
    ast.Lt: _comparison(lambda value, other: value < other),
    ast.LtE: _comparison(lambda value, other: value <= other),
    ast.Gt: _comparison(lambda value, other: value > other),
    ast.GtE: _comparison(lambda value, other: value >= other),
    ast.In: _is_in,
    ast.NotIn: lambda value, other: not _is_in(value, other),  # codespell:ignore notin - of Python
    ast.Not: lambda value: not value,
    ast.USub: lambda value: -number_of(value),
    ast.UAdd: number_of,
}
_ALLOWED = (
    ast.Constant, ast.Name, ast.Load, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.And, ast.Or, ast.Compare, ast.IfExp,
    ast.Call, ast.Tuple, ast.List, *_OPERATORS,
)  # fmt: skip


class _Names:
    """The fields of the current record. Missing fields are None."""

    def __getitem__(self, name: str) -> Value:
        return record_at_hand.get().get(name)


class Expression:
    """One expression, parsed and checked once. Raises RuleError if it is invalid or not allowed."""

    def __init__(self, text: str, tools: Mapping[str, Tool]) -> None:
        self.text = text
        self._tree = _parse(text)
        _check(self._tree, tools)
        self.names = frozenset(_fields(self._tree))
        # The evaluator stores nothing of a record, so threads may share it.
        self._evaluator = SimpleEval(operators=_OPERATORS, functions=dict(tools), names=_Names())
        self._evaluator.nodes[ast.Constant] = lambda node: node.value
        self._evaluator.nodes[ast.Tuple] = self._evaluator.nodes[ast.List] = self._list_texts

    def _list_texts(self, node: ast.Tuple | ast.List) -> tuple[str, ...]:
        return tuple(as_text(self._evaluator._eval(element)) for element in node.elts)  # noqa: SLF001 - as its own nodes do

    def __call__(self, values: Values) -> Value:
        """Return the result for one record. Raises RuleError if there is none."""
        record, until = record_at_hand.set(values), deadline.set(time.monotonic() + EXPRESSION_SECONDS)
        try:
            return bounded(self._evaluator.eval(self.text, previously_parsed=self._tree))
        except ArithmeticError as error:
            raise no_result(error) from None
        except InvalidExpression as error:
            raise RuleError("reason_expression", error=error) from None
        finally:
            record_at_hand.reset(record)
            deadline.reset(until)


def _parse(text: str) -> ast.expr:
    if len(text) > LONGEST_EXPRESSION:
        raise RuleError("reason_expression_long", most=LONGEST_EXPRESSION)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _syntax_error(text.strip(), error) from None
    _measure(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = _literal(node.value)  # type: ignore[assignment]
    return tree


def _syntax_error(text: str, error: Exception) -> RuleError:
    """Return why a text is not an expression, with the text from the position of the syntax error."""
    place = error.offset if isinstance(error, SyntaxError) and error.lineno == 1 else None
    rest = text[max(0, (place or 1) - 1) :][:SHOWN].strip()
    return RuleError("reason_expression_read", rest=rest) if rest else RuleError("reason_expression_ends")


def _measure(tree: ast.expr) -> None:
    waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
    node_count = 0
    while waiting:
        node, depth = waiting.pop()
        node_count += 1
        if node_count > MAX_NODES or depth > DEEPEST:
            raise RuleError("reason_expression_nested")
        waiting.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _literal(value: object) -> Value:
    """Return a literal as a Value: numbers are exact decimals."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        number = Decimal(repr(value)) if isinstance(value, float) or value < 10**MAX_DIGITS else Decimal("inf")
        return bounded(number)
    raise RuleError("reason_literals")


def _check(tree: ast.expr, tools: Mapping[str, Tool]) -> None:
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise RuleError("reason_contains", what=type(node).__name__)
        if isinstance(node, ast.Call):
            _check_call(node, tools)


def _check_call(node: ast.Call, tools: Mapping[str, Tool]) -> None:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in tools:
        raise RuleError("reason_no_function_named" if name else "reason_no_function", name=name)
    if not node.args:
        raise RuleError("reason_needs_value", name=name)
    tools[name].fits(name, len(node.args) - 1)
    if name == "field" and not _constant_text(node.args[0]):
        raise RuleError("reason_field_quotes")


def _constant_text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _fields(tree: ast.expr) -> Iterator[str]:
    callees: Sequence[ast.expr] = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node not in callees:
            yield node.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "field":
            yield _constant_text(node.args[0])


# ---- functions


def _first_non_empty(value: Value, *others: Value) -> Value:
    return next((candidate for candidate in (value, *others) if candidate not in EMPTY), None)


def _if(value: Value, operator: Value, operand: Value, then: Value, otherwise: Value = None) -> Value:
    """Return `then` if the condition holds, else `otherwise`, or the value itself without `otherwise`."""
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
    "round": Tool(values.round_half_up, 0, 1),
    "percentage": Tool(lambda value, percent: number_of(value) * number_of(percent) / HUNDRED, 1, 1),
    "add_vat": Tool(lambda value, percent: add_vat(number_of(value), number_of(percent)), 1, 1),
    "remove_vat": Tool(lambda value, percent: remove_vat(number_of(value), number_of(percent)), 1, 1),
    "date": Tool(values.parse_day, 0, 1, check=values.check_date),
    "country": Tool(values.country_of),
    "first": Tool(_first_non_empty, 0, _MANY, fields_from=0, takes_empty=True),
    "if": Tool(_if, 3, 4, check=_check_if, takes_empty=True),
}


def read_by(rule: Rule) -> frozenset[str]:
    """Return the record fields that a rule reads. Raises RuleError for an invalid expression."""
    if rule.force:
        return frozenset()
    if rule.expression:
        return Tools().expression(rule.expression).names
    calls = [(_TOOLS[call.name].fields_from, call.args) for call in rule.functions if call.name in _TOOLS]
    arg_fields = {as_text(arg) for start, args in calls if start is not None for arg in args[start:]}
    return frozenset({rule.source, *arg_fields} - {""})


class Tools:
    """The functions and expressions of mappings, with the current value tables."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._tables = tables or {}
        self._tools = {**_TOOLS, "lookup": Tool(self._lookup, 1, 2)}
        self._callable = {
            **{name: tool for name, tool in self._tools.items() if name != "if"},  # a Python keyword
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
        """Return a function bound to its arguments; see `Toolbox`."""
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
        """Return a compiled expression; see `Toolbox`."""
        return Expression(text, self._callable)

    def table(self, name: str) -> Mapping[str, str]:
        """Return the rows of a value table; empty if it has none."""
        return self._tables.get(name, {})

    def _lookup(self, value: Value, table: Value, otherwise: Value = None) -> Value:
        rows = self.table(as_text(table))
        if row := row_key(rows, as_text(value).strip()):
            return rows[row]
        if otherwise is None:
            raise RuleError("value_unmapped", value=as_text(value), table=as_text(table))
        return otherwise


# ---- function signatures, for the screens


class Takes(StrEnum):
    """The type of a function argument."""

    TEXT = "text"
    NUMBER = "number"
    VALUE = "value"  # any value that the current field can hold
    CHOICE = "choice"  # one of a few options
    FIELD = "field"  # a field of the record
    TABLE = "table"  # a value table


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a function after the value."""

    name: str
    takes: Takes
    is_required: bool = True
    options: tuple[str, ...] = ()


_PERCENT = (Argument("percent", Takes.NUMBER),)
# Functions of a chain with their arguments, in display order.
FUNCTIONS: Mapping[str, tuple[Argument, ...]] = {
    "trim": (),
    "upper": (),
    "lower": (),
    "replace": (Argument("old", Takes.TEXT), Argument("new", Takes.TEXT)),
    "regex_replace": (Argument("pattern", Takes.TEXT), Argument("new", Takes.TEXT)),
    "split": (Argument("separator", Takes.TEXT), Argument("place", Takes.NUMBER, is_required=False)),
    "join": (Argument("separator", Takes.TEXT), Argument("fields", Takes.FIELD, is_required=False)),
    "substring": (Argument("start", Takes.NUMBER), Argument("length", Takes.NUMBER, is_required=False)),
    "pad": (
        Argument("width", Takes.NUMBER),
        Argument("sign", Takes.TEXT, is_required=False),
        Argument("side", Takes.CHOICE, is_required=False, options=("left", "right")),
    ),
    "number": (Argument("style", Takes.CHOICE, is_required=False, options=("auto", "nl", "en")),),
    "round": (Argument("places", Takes.NUMBER, is_required=False),),
    "percentage": _PERCENT,
    "add_vat": _PERCENT,
    "remove_vat": _PERCENT,
    "date": (Argument("form", Takes.TEXT, is_required=False),),
    "country": (),
    "first": (Argument("fields", Takes.FIELD, is_required=False),),
    "lookup": (Argument("table", Takes.TABLE), Argument("otherwise", Takes.TEXT, is_required=False)),
    "if": (
        Argument("operator", Takes.CHOICE, options=tuple(Operator)),
        Argument("operand", Takes.TEXT),
        Argument("then", Takes.VALUE),
        Argument("otherwise", Takes.VALUE, is_required=False),
    ),
}

# The functions that an expression can call, with the value as the first argument.
IN_EXPRESSIONS = (*(name for name in FUNCTIONS if name != "if"), "text", "abs", "min", "max", "field")
