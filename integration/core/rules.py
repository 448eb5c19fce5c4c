"""Mappings: how the fields of a source record become those of a target record, as data that operators own.

What functions and expressions can do is handed in as a `Toolbox`; here is only the order of things.
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
    """Tell whether a value is one of EMPTY, without comparing numbers with texts."""
    return value is None or (not value and isinstance(value, str | tuple))


class Unmapped(StrEnum):
    """What becomes of a value that its value table does not have."""

    PARK = "park"
    DEFAULT = "default"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class RuleCall:
    """One function of a chain with what it is given besides the value."""

    name: str
    args: tuple[Value, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(as_text(arg) for arg in self.args)})" if self.args else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one field of the target gets its value.

    `target` is the field with its kind: `article.price`, `article.custom:herkomst`. The value comes from a field of the
    source through functions, or from one expression; `default` counts when it is empty, and always with `force`.
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
    """The rules of a flow in their order. A version never changes."""

    version: int
    rules: tuple[Rule, ...]


class Formula(Protocol):
    """An expression, ready to be used on record after record."""

    @property
    def names(self) -> frozenset[str]:
        """Return the fields it reads."""

    def __call__(self, values: Values) -> Value:
        """Return the result for one record. Raises RuleError when there is none."""


# A function with its arguments: takes the value so far and the record's values. Raises RuleError.
Function = Callable[[Value, Values], Value]


class Toolbox(Protocol):
    """What rules can use. Everything is prepared once and then used on every record."""

    def function(self, name: str, args: tuple[Value, ...]) -> Function:
        """Return a function with its arguments. Raises RuleError when it does not take these."""

    def expression(self, text: str) -> Formula:
        """Return an expression. Raises RuleError when it is none, or does what it may not."""

    def table(self, name: str) -> abc.Mapping[str, str]:
        """Return a value table; empty when nobody has filled it."""


class RuleError(ValueError):
    """A rule has no value for a record, or cannot work at all; `reason` says why.

    Its code is a cause of the catalogue, or a text (`reason_...`) on why a formula gives no result.
    """

    def __init__(self, code: str, /, **facts: object) -> None:
        self.reason = Reason(code, {name: str(fact) for name, fact in facts.items()})
        super().__init__(f"{code}: {', '.join(f'{name}={fact}' for name, fact in facts.items())}")

    def issue(self, key: str, field: str) -> Issue:
        """Return it as the issue of a record."""
        why, facts = self.reason, {"key": key, "field": field, **self.reason.facts}
        if why.code.startswith("reason_"):
            return Issue("expression_failed", key, field, {**facts, "message": why.code})
        return Issue(why.code, key, field, facts)


@dataclass(frozen=True, slots=True)
class MappingResult:
    """What a mapping made of one record: values by target field, and why some have none.

    A field whose source this installation does not have is left out, so that the target keeps its own value.
    """

    values: abc.Mapping[str, Value]
    issues: tuple[Issue, ...] = ()


LISTED = ", "  # between the values of a list
MOST_DIGITS_SHOWN = 60


def as_text(value: Value) -> str:
    """Return a value as plain text: numbers with a point, days as 2026-03-31, lists separated by commas.

    A number out of all proportion is written as 1E+999, and not with each of its zeros.
    """
    if isinstance(value, str):
        return value
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f") if abs(value.adjusted()) <= MOST_DIGITS_SHOWN else str(value)
        case date():
            return value.isoformat()
        case _:
            return LISTED.join(value)


def field_owners(mapping: Mapping) -> Policy:
    """Return who owns each target field; what the mapping does not mention is not ours."""
    return {rule.target: rule.ownership for rule in mapping.rules}


def contradiction(rule: Rule) -> Reason | None:
    """Return why a rule cannot work whatever the record, or None."""
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
    """Return the error that says why a rule cannot be used."""
    return ConfigurationError("rule_invalid", target=target, message=reason.code, **reason.facts)


# ---- conditions: the same for filters and for the function `if`


class Operator(StrEnum):
    """How a condition compares a value."""

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
    """Tell whether a value meets a condition.

    Capitals make no difference. Numbers are compared as numbers where both sides are; what is empty is neither
    greater nor less than anything.
    """
    match operator:
        case Operator.EMPTY:
            return value in EMPTY
        case Operator.NOT_EMPTY:
            return value not in EMPTY
        case Operator.EQUAL:
            return _alike(value, operand)
        case Operator.NOT_EQUAL:
            return not _alike(value, operand)
        case Operator.IN:
            options = operand if isinstance(operand, tuple) else as_text(operand).split(",")
            return any(_alike(value, option.strip()) for option in options)
        case Operator.CONTAINS:
            return as_text(operand).casefold() in as_text(value).casefold()
        case Operator.STARTS:
            return as_text(value).casefold().startswith(as_text(operand).casefold())
        case _:
            return _order(value, operand) == (1 if operator is Operator.GREATER else -1)


def _order(one: Value, other: Value) -> int | None:
    if one in EMPTY or other in EMPTY:
        return None
    left, right = _as_number(one), _as_number(other)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    here, there = as_text(one).casefold(), as_text(other).casefold()
    return (here > there) - (here < there)


def _alike(one: Value, other: Value) -> bool:
    if isinstance(one, Decimal) or isinstance(other, Decimal):
        left, right = _as_number(one), _as_number(other)
        if left is not None and right is not None:
            return left == right
    return as_text(one).strip().casefold() == as_text(other).strip().casefold()


def _as_number(value: Value) -> Decimal | None:
    if not isinstance(value, str):
        return value if isinstance(value, Decimal) else None
    try:
        number = Decimal(value.strip())
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


# ---- the shape of a mapping in files and on disk: as a person writes it as TOML, and as the store keeps it as JSON

Chosen = TypeVar("Chosen", bound=StrEnum)
Plain = TypeVar("Plain", str, bool)


def rules_from(shape: abc.Mapping[str, object], *, finished: bool = True) -> Mapping:
    """Return the mapping a TOML or JSON shape describes; in one that is not `finished` rules may say nothing yet.

    Raises ConfigurationError that names the rule and the reason.
    """
    version, listed = shape.get("version", 1), shape.get("rules", [])
    if not isinstance(version, int) or not isinstance(listed, list):
        raise rule_error("rules", Reason("reason_shape"))
    rules = tuple(_rule(place, each, finished=finished) for place, each in enumerate(listed, start=1))
    for place, rule in enumerate(rules):
        if any(one.target == rule.target for one in rules[:place]):
            raise rule_error(rule.target, Reason("reason_twice"))
    return Mapping(version, rules)


def readable_rules(shape: abc.Mapping[str, object]) -> Mapping:
    """Return the rules of a shape that can be read, each target once, whatever stands beside them."""
    version, listed = shape.get("version"), shape.get("rules")
    rules: dict[str, Rule] = {}
    for place, each in enumerate(listed if isinstance(listed, list) else (), start=1):
        with suppress(ConfigurationError):
            rule = _rule(place, each, finished=False)
            rules.setdefault(rule.target, rule)
    return Mapping(version if isinstance(version, int) else 1, tuple(rules.values()))


def rules_to(mapping: Mapping) -> dict[str, object]:
    """Return the shape from which `rules_from` makes the same mapping; what is as usual is left out."""
    return {"version": mapping.version, "rules": [_shape(rule) for rule in mapping.rules]}


_DEFAULTS = {one.name: one.default for one in fields(Rule) if one.name != "target"}


def _shape(rule: Rule) -> dict[str, object]:
    shape: dict[str, object] = {"target": rule.target}
    for name, usual in _DEFAULTS.items():
        value = getattr(rule, name)
        if value == usual and type(value) is type(usual):
            continue
        match name:
            case "functions":
                shape[name] = [[call.name, *map(_plain, call.args)] if call.args else call.name for call in value]
            case "default":
                shape[name] = _plain(value)
            case "unmapped" | "ownership":
                shape[name] = str(value)
            case _:
                shape[name] = value
    return shape


def _plain(value: Value) -> object:
    """Return a value as people write it where nothing is lost by that, else as JSON carries it."""
    if isinstance(value, Decimal):
        if str(value) == str(int(value)):
            return int(value)
        if str(value) == repr(float(value)):
            return float(value)
    return to_json(value)


def _value(written: object) -> Value:
    if isinstance(written, bool | date):
        return written
    if isinstance(written, int | float):
        if (number := Decimal(repr(written))).is_finite():
            return number
        raise RuleError("reason_no_number", value=written)
    try:
        return from_json(written)
    except TypeError:
        raise RuleError("reason_no_value", value=written) from None


def _rule(place: int, shape: object, *, finished: bool) -> Rule:
    if not isinstance(shape, abc.Mapping) or not isinstance(shape.get("target"), str):
        raise rule_error(f"{place}", Reason("reason_no_target"))
    target = str(shape["target"])
    if unknown := sorted(str(key) for key in shape if key != "target" and key not in _DEFAULTS):
        raise rule_error(target, Reason("reason_unknown", {"names": ", ".join(unknown)}))
    try:
        rule = Rule(
            target=target,
            source=_given(shape, "source", "", "reason_text"),
            functions=_calls(shape.get("functions", [])),
            expression=_given(shape, "expression", "", "reason_text"),
            table=_given(shape, "table", "", "reason_text"),
            default=_value(shape.get("default")),
            force=_given(shape, "force", False, "reason_flag"),
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
    for each in shape:
        name, *args = each if isinstance(each, list | tuple) and each else [each]
        if not isinstance(name, str):
            raise RuleError("reason_call")
        calls.append(RuleCall(name, tuple(map(_value, args))))
    return tuple(calls)


def _given(shape: abc.Mapping[str, object], name: str, usual: Plain, otherwise: str) -> Plain:
    value = shape.get(name, usual)
    if not isinstance(value, type(usual)):
        raise RuleError(otherwise, name=name)
    return value


def _length(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise RuleError("reason_length")


def _choice(choices: type[Chosen], written: object) -> Chosen:
    try:
        return choices(str(written))
    except ValueError:
        raise RuleError("reason_choice", value=written, options=", ".join(choices)) from None
