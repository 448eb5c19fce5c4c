"""Expressions over the fields of a record: parsed and checked once, and able to reach nothing else."""

import ast
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import date
from decimal import Decimal
from typing import Any

from simpleeval import InvalidExpression, SimpleEval

from integration.core.records import Value, same
from integration.core.rules import Operator, RuleError, Values, as_text, matches
from integration.flows.functions.values import MOST_DIGITS, SHOWN, Tool, bounded, deadline, number_of, out_of_reach

LONGEST_EXPRESSION = 2_000
MOST_NODES = 400  # parts of an expression
DEEPEST = 40
HIGHEST_POWER = 100
EXPRESSION_SECONDS = 0.08  # all regular expressions of one expression together

record_at_hand: ContextVar[Values] = ContextVar("record")


def _add(one: Value, other: Value) -> Value:
    if isinstance(one, str) or isinstance(other, str):
        return bounded(as_text(one) + as_text(other))
    return bounded(number_of(one) + number_of(other))


def _power(one: Value, other: Value) -> Value:
    exponent = number_of(other)
    if exponent != exponent.to_integral_value() or abs(exponent) > HIGHEST_POWER:
        raise RuleError("reason_power", most=HIGHEST_POWER)
    return bounded(number_of(one) ** exponent)


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Value, Value], bool]:
    def compared(one: Value, other: Value) -> bool:
        if type(one) is not type(other) or not isinstance(one, Decimal | str | date):
            raise RuleError("reason_compared", one=as_text(one), other=as_text(other))
        return compare(one, other)

    return compared


def _within(one: Value, other: Value) -> bool:
    if not isinstance(other, tuple):
        return as_text(one) in as_text(other)
    if isinstance(one, Decimal):
        return any(matches(one, Operator.EQUAL, each) for each in other)
    return as_text(one) in other


def _sums(calculate: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Value, Value], Value]:
    return lambda one, other: bounded(calculate(number_of(one), number_of(other)))


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
    ast.USub: lambda one: -number_of(one),
    ast.UAdd: number_of,
}
_ALLOWED = (
    ast.Constant, ast.Name, ast.Load, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.And, ast.Or, ast.Compare, ast.IfExp,
    ast.Call, ast.Tuple, ast.List, *_OPERATORS,
)  # fmt: skip


class _Names:
    """The fields of the record at hand. What it does not have is empty."""

    def __getitem__(self, name: str) -> Value:
        return record_at_hand.get().get(name)


class Expression:
    """One expression, parsed and checked once. Raises RuleError when it is none or does what it may not."""

    def __init__(self, text: str, tools: Mapping[str, Tool]) -> None:
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
        """Return the result for one record. Raises RuleError when there is none."""
        record, until = record_at_hand.set(values), deadline.set(time.monotonic() + EXPRESSION_SECONDS)
        try:
            return bounded(self._evaluator.eval(self.text, previously_parsed=self._tree))
        except ArithmeticError as error:
            raise out_of_reach(error) from None
        except InvalidExpression as error:
            raise RuleError("reason_expression", error=error) from None
        finally:
            record_at_hand.reset(record)
            deadline.reset(until)


def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST_EXPRESSION:
        raise RuleError("reason_expression_long", most=LONGEST_EXPRESSION)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _unread(text.strip(), error) from None
    _measure(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = _literal(node.value)  # type: ignore[assignment]
    return tree


def _unread(text: str, error: Exception) -> RuleError:
    """Return why a text is no expression, with the place from which on it cannot be read."""
    place = error.offset if isinstance(error, SyntaxError) and error.lineno == 1 else None
    rest = text[max(0, (place or 1) - 1) :][:SHOWN].strip()
    return RuleError("reason_expression_read", rest=rest) if rest else RuleError("reason_expression_ends")


def _measure(tree: ast.expr) -> None:
    waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
    seen = 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if seen > MOST_NODES or depth > DEEPEST:
            raise RuleError("reason_expression_nested")
        waiting.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _literal(value: object) -> Value:
    """Return a literal as a value of ours: numbers are exact decimals."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        number = Decimal(repr(value)) if isinstance(value, float) or value < 10**MOST_DIGITS else Decimal("inf")
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
    called: Sequence[ast.expr] = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node not in called:
            yield node.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "field":
            yield _constant_text(node.args[0])
