"""Mappings: rules, editable by operators, that compute the fields of a target record from a source record.

This module defines the order of evaluation. The available functions and expressions come from a `Toolbox`.
"""

from collections import abc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeVar

from integration.core.errors import ConfigurationError, Reason
from integration.core.flow import Ownership
from integration.core.issues import Issue
from integration.core.plan import Policy
from integration.core.records import Value, from_json, kinds, to_json

Values = abc.Mapping[str, Value]
EMPTY = (None, "", ())


def is_empty(value: Value) -> bool:
    """Return True if a value is one of EMPTY, without comparing numbers with texts."""
    return value is None or (not value and isinstance(value, str | tuple))


class Unmapped(StrEnum):
    """Policy for a value that has no row in its value table."""

    PARK = "park"
    DEFAULT = "default"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class RuleCall:
    """One function call in a chain, with its arguments other than the value."""

    name: str
    args: tuple[Value, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(as_text(arg) for arg in self.args)})" if self.args else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Rule that computes one field of the target.

    `target` is the field with its kind: `article.price`, `article.custom:herkomst`. The value comes from a source
    field through functions, or from one expression. `default` replaces an empty value, or any value with `force`.
    """

    target: str
    source: str = ""
    functions: tuple[RuleCall, ...] = ()
    expression: str = ""
    table: str = ""
    default: Value = None
    force: bool = False
    unmapped: Unmapped = Unmapped.PARK
    ownership: Ownership = Ownership.KEEP_UNLESS_CHANGED
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """The rules of a flow in their order. A published version never changes."""

    version: int
    rules: tuple[Rule, ...]


class Formula(Protocol):
    """A compiled expression."""

    @property
    def names(self) -> frozenset[str]:
        """Return the fields that the expression reads."""

    def __call__(self, values: Values) -> Value:
        """Return the result for one record. Raises RuleError if there is none."""


# A function with its arguments bound: takes the current value and the record's values. Raises RuleError.
Function = Callable[[Value, Values], Value]


class Toolbox(Protocol):
    """Functions, expressions and value tables for rules. Each is prepared once and used for many records."""

    def function(self, name: str, args: tuple[Value, ...]) -> Function:
        """Return a function with its arguments bound. Raises RuleError if the arguments are invalid."""

    def expression(self, text: str) -> Formula:
        """Return a compiled expression. Raises RuleError if the text is invalid or uses something forbidden."""

    def table(self, name: str) -> abc.Mapping[str, str]:
        """Return a value table; empty if it has no rows."""


class RuleError(ValueError):
    """A rule has no value for a record, or is invalid; `reason` says why.

    The reason's code is a cause of the catalogue, or the key of a text (`reason_...`) about a failed formula.
    """

    def __init__(self, code: str, /, **facts: object) -> None:
        self.reason = Reason(code, {name: str(fact) for name, fact in facts.items()})
        super().__init__(f"{code}: {', '.join(f'{name}={fact}' for name, fact in facts.items())}")

    def issue(self, key: str, field: str) -> Issue:
        """Return the error as an issue of a record."""
        why, facts = self.reason, {"key": key, "field": field, **self.reason.facts}
        if why.code.startswith("reason_"):
            return Issue("expression_failed", key, field, {**facts, "message": why.code})
        return Issue(why.code, key, field, facts)


@dataclass(frozen=True, slots=True)
class MappingResult:
    """Result of mapping one record: values by target field, and an issue for each field without a value.

    A field whose source field does not exist in this installation is omitted, so that the target keeps its value.
    """

    values: abc.Mapping[str, Value]
    issues: tuple[Issue, ...] = ()


LIST_SEPARATOR = ", "  # separator of list values
MAX_DIGITS_SHOWN = 60


def as_text(value: Value) -> str:
    """Return a value as plain text: numbers with a point, dates as 2026-03-31, lists separated by commas.

    Extremely large or small numbers are written as 1E+999 and not with all their zeros.
    """
    if isinstance(value, str):
        return value
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f") if abs(value.adjusted()) <= MAX_DIGITS_SHOWN else str(value)
        case date():
            return value.isoformat()
        case _:
            return LIST_SEPARATOR.join(value)


def field_owners(mapping: Mapping) -> Policy:
    """Return the ownership of each target field. Fields without a rule are not ours."""
    return {rule.target: rule.ownership for rule in mapping.rules}


def contradiction(rule: Rule) -> Reason | None:
    """Return why a rule is invalid for all records, or None."""
    kind, _, name = rule.target.partition(".")
    if kind not in kinds() or not name:
        return Reason("reason_target_kind", {"kinds": ", ".join(kinds())})
    if rule.expression and (rule.source or rule.functions):
        return Reason("reason_both")
    if rule.force and rule.default in EMPTY:
        return Reason("reason_default")
    if not (rule.expression or rule.source or rule.functions or rule.default not in EMPTY):
        return Reason("reason_source")
    return None


def rule_error(target: str, reason: Reason) -> ConfigurationError:
    """Return the error for an unusable rule."""
    return ConfigurationError("rule_invalid", target=target, message=reason.code, **reason.facts)


# ---- conditions: shared by filters and the function `if`


class Operator(StrEnum):
    """Comparison operator of a condition."""

    EQUAL = "equal"
    NOT_EQUAL = "not_equal"
    CONTAINS = "contains"
    STARTS = "starts"
    EMPTY = "empty"
    NOT_EMPTY = "not_empty"
    GREATER = "greater"
    LESS = "less"
    IN = "in"


def matches(value: Value, operator: Operator, operand: Value) -> bool:
    """Return True if a value meets a condition.

    Case is ignored. Two numbers are compared as numbers. Empty values are neither greater nor less than anything.
    """
    match operator:
        case Operator.EMPTY:
            return value in EMPTY
        case Operator.NOT_EMPTY:
            return value not in EMPTY
        case Operator.EQUAL:
            return _is_alike(value, operand)
        case Operator.NOT_EQUAL:
            return not _is_alike(value, operand)
        case Operator.IN:
            options = operand if isinstance(operand, tuple) else as_text(operand).split(",")
            return any(_is_alike(value, option.strip()) for option in options)
        case Operator.CONTAINS:
            return as_text(operand).casefold() in as_text(value).casefold()
        case Operator.STARTS:
            return as_text(value).casefold().startswith(as_text(operand).casefold())
        case _:
            return _compare_values(value, operand) == (1 if operator is Operator.GREATER else -1)


def _compare_values(value: Value, other: Value) -> int | None:
    if value in EMPTY or other in EMPTY:
        return None
    number, other_number = _as_number(value), _as_number(other)
    if number is not None and other_number is not None:
        return (number > other_number) - (number < other_number)
    text, other_text = as_text(value).casefold(), as_text(other).casefold()
    return (text > other_text) - (text < other_text)


def _is_alike(value: Value, other: Value) -> bool:
    if isinstance(value, Decimal) or isinstance(other, Decimal):
        number, other_number = _as_number(value), _as_number(other)
        if number is not None and other_number is not None:
            return number == other_number
    return as_text(value).strip().casefold() == as_text(other).strip().casefold()


def _as_number(value: Value) -> Decimal | None:
    if not isinstance(value, str):
        return value if isinstance(value, Decimal) else None
    try:
        number = Decimal(value.strip())
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


# ---- serialization of a mapping: TOML in files, JSON in the store

Chosen = TypeVar("Chosen", bound=StrEnum)
Plain = TypeVar("Plain", str, bool)


def rules_from(shape: abc.Mapping[str, object]) -> Mapping:
    """Return the mapping of a TOML or JSON shape. Raises ConfigurationError with the rule and the reason."""
    version, rule_shapes = shape.get("version", 1), shape.get("rules", [])
    if not isinstance(version, int) or not isinstance(rule_shapes, list):
        raise rule_error("rules", Reason("reason_shape"))
    rules = tuple(_rule(place, rule_shape, finished=True) for place, rule_shape in enumerate(rule_shapes, start=1))
    for place, rule in enumerate(rules):
        if any(earlier_rule.target == rule.target for earlier_rule in rules[:place]):
            raise rule_error(rule.target, Reason("reason_twice"))
    return Mapping(version, rules)


def readable_rules(shape: abc.Mapping[str, object]) -> Mapping:
    """Return the valid rules of a shape, one for each target. Everything else in the shape is ignored."""
    version, rule_shapes = shape.get("version"), shape.get("rules")
    rules: dict[str, Rule] = {}
    for place, rule_shape in enumerate(rule_shapes if isinstance(rule_shapes, list) else (), start=1):
        with suppress(ConfigurationError):
            rule = _rule(place, rule_shape, finished=False)
            rules.setdefault(rule.target, rule)
    return Mapping(version if isinstance(version, int) else 1, tuple(rules.values()))


def rules_to(mapping: Mapping) -> dict[str, object]:
    """Return the shape of a mapping for `rules_from`. Default values are omitted."""
    return {"version": mapping.version, "rules": [_shape(rule) for rule in mapping.rules]}


_DEFAULTS = {attribute.name: attribute.default for attribute in fields(Rule) if attribute.name != "target"}


def _shape(rule: Rule) -> dict[str, object]:
    shape: dict[str, object] = {"target": rule.target}
    for name, usual in _DEFAULTS.items():
        value = getattr(rule, name)
        if value == usual and type(value) is type(usual):
            continue
        match name:
            case "functions":
                shape[name] = [[call.name, *map(_toml_value, call.args)] if call.args else call.name for call in value]
            case "default":
                shape[name] = _toml_value(value)
            case "unmapped" | "ownership":
                shape[name] = str(value)
            case _:
                shape[name] = value
    return shape


def _toml_value(value: Value) -> object:
    """Return a value in its natural TOML form if that is lossless, otherwise in its JSON form."""
    if isinstance(value, Decimal):
        if str(value) == str(int(value)):
            return int(value)
        if str(value) == repr(float(value)):
            return float(value)
    return to_json(value)


def _value(raw: object) -> Value:
    if isinstance(raw, bool | date):
        return raw
    if isinstance(raw, int | float):
        if (number := Decimal(repr(raw))).is_finite():
            return number
        raise RuleError("reason_no_number", value=raw)
    try:
        return from_json(raw)
    except TypeError:
        raise RuleError("reason_no_value", value=raw) from None


def _rule(place: int, shape: object, *, finished: bool) -> Rule:
    if not isinstance(shape, abc.Mapping) or not isinstance(shape.get("target"), str):
        raise rule_error(f"{place}", Reason("reason_no_target"))
    target = str(shape["target"])
    if unknown := sorted(str(key) for key in shape if key != "target" and key not in _DEFAULTS):
        raise rule_error(target, Reason("reason_unknown", {"names": ", ".join(unknown)}))
    try:
        rule = Rule(
            target=target,
            source=_checked_value(shape, "source", "", "reason_text"),
            functions=_calls(shape.get("functions", [])),
            expression=_checked_value(shape, "expression", "", "reason_text"),
            table=_checked_value(shape, "table", "", "reason_text"),
            default=_value(shape.get("default")),
            force=_checked_value(shape, "force", False, "reason_flag"),
            unmapped=_choice(Unmapped, shape.get("unmapped", Unmapped.PARK)),
            ownership=_choice(Ownership, shape.get("ownership", Ownership.KEEP_UNLESS_CHANGED)),
            max_length=_length(shape.get("max_length")),
        )
    except RuleError as error:
        raise rule_error(target, error.reason) from None
    if finished and (reason := contradiction(rule)):
        raise rule_error(target, reason)
    return rule


def _calls(shape: object) -> tuple[RuleCall, ...]:
    if not isinstance(shape, list | tuple):
        raise RuleError("reason_functions")
    calls = []
    for call in shape:
        name, *args = call if isinstance(call, list | tuple) and call else [call]
        if not isinstance(name, str):
            raise RuleError("reason_call")
        calls.append(RuleCall(name, tuple(map(_value, args))))
    return tuple(calls)


def _checked_value(shape: abc.Mapping[str, object], name: str, usual: Plain, otherwise: str) -> Plain:
    value = shape.get(name, usual)
    if not isinstance(value, type(usual)):
        raise RuleError(otherwise, name=name)
    return value


def _length(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise RuleError("reason_length")


def _choice(choices: type[Chosen], raw: object) -> Chosen:
    try:
        return choices(str(raw))
    except ValueError:
        raise RuleError("reason_choice", value=raw, options=", ".join(choices)) from None
