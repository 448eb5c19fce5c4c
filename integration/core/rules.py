"""Mappings: how the fields of a source record become those of a target record, as data that operators own.

What functions and expressions can do is handed in as a `Toolbox`; here is only the order of things.
"""

from collections import abc
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Protocol

from integration.core.errors import ConfigurationError
from integration.core.flow import Ownership
from integration.core.issues import Issue
from integration.core.plan import Policy
from integration.core.records import Kind, Record, Value, from_json, to_json

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
class Call:
    """One function of a chain with what it is given besides the value."""

    name: str
    args: tuple[Value, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(as_text(arg) for arg in self.args)})" if self.args else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one field of the target gets its value.

    `target` is the field with its kind: `article.price`, `product.name`, `article.custom:herkomst`. The value comes
    from a field of the source through functions, or from one expression; `default` counts when it is empty, and
    always with `force`.
    """

    target: str
    source: str = ""
    functions: tuple[Call, ...] = ()
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
        """Return the result for one record. Raises ValueError with the reason when there is none."""


Function = Callable[[Value, Values], Value]
"""A function with its arguments: takes the value so far and the record's values. Raises ValueError with the reason."""


class Toolbox(Protocol):
    """What rules can use. Everything is prepared once and then used on every record."""

    def function(self, name: str, args: tuple[Value, ...]) -> Function:
        """Return a function with its arguments. Raises ValueError with the reason when it does not take these."""

    def expression(self, text: str) -> Formula:
        """Return an expression. Raises ValueError with the reason when it is none, or does what it may not."""

    def table(self, name: str) -> abc.Mapping[str, str]:
        """Return a value table; empty when nobody has filled it."""


class UnmappedError(ValueError):
    """A value table does not have this value."""

    def __init__(self, value: str, table: str) -> None:
        super().__init__(f"{value} is not in the value table {table}")
        self.value = value
        self.table = table


class _TooLongError(ValueError):
    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"{length} characters, at most {limit}")
        self.length = length
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a mapping made of one record: values by target field, and why some have none.

    A field whose source this installation does not have is left out, so that the target keeps its own value.
    """

    values: abc.Mapping[str, Value]
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step on the way to a value: what was done, and what it gave."""

    what: str
    value: Value


@dataclass(frozen=True, slots=True)
class Trace:
    """Why a field has its value. `issue` says why it has none."""

    target: str
    steps: tuple[TraceStep, ...]
    value: Value
    issue: Issue | None = None


def as_text(value: Value) -> str:
    """Return a value as plain text: numbers with a point, days as 2026-03-31, lists separated by commas."""
    if isinstance(value, str):
        return value
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case _:
            return ", ".join(value)


def policy(mapping: Mapping) -> Policy:
    """Return who owns each target field; what the mapping does not mention is not ours."""
    return {rule.target: rule.ownership for rule in mapping.rules}


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
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str):
        try:
            number = Decimal(value.strip())
        except ArithmeticError:
            return None
        return number if number.is_finite() else None
    return None


# ---- the shape in files and on disk


def rules_from(shape: abc.Mapping[str, object], *, finished: bool = True) -> Mapping:
    """Return the mapping a TOML or JSON shape describes; in one that is not `finished` rules may say nothing yet.

    Raises ConfigurationError that names the rule and the reason.
    """
    version, listed = shape.get("version", 1), shape.get("rules", [])
    if not isinstance(version, int) or not isinstance(listed, list):
        raise _unusable("", "a number `version` and a list `rules`")
    rules = tuple(_rule(place, each, finished=finished) for place, each in enumerate(listed, start=1))
    seen: set[str] = set()
    for rule in rules:
        if rule.target in seen:
            raise _unusable(rule.target, "one rule for each field")
        seen.add(rule.target)
    return Mapping(version, rules)


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
    if isinstance(written, bool):
        return written
    if isinstance(written, int | float):
        number = Decimal(repr(written))
        if not number.is_finite():
            raise TypeError(f"no number: {written}")
        return number
    if isinstance(written, date | datetime):
        return written
    return from_json(written)


def _rule(place: int, shape: object, *, finished: bool) -> Rule:
    if not isinstance(shape, abc.Mapping) or not isinstance(shape.get("target"), str):
        raise _unusable(f"{place}", "a `target` such as article.name")
    target = str(shape["target"])
    if unknown := sorted(str(key) for key in shape if key != "target" and key not in _DEFAULTS):
        raise _unusable(target, f"nothing called {', '.join(unknown)}")
    try:
        rule = Rule(
            target=target,
            source=_text(shape, "source"),
            functions=_calls(shape.get("functions", [])),
            expression=_text(shape, "expression"),
            table=_text(shape, "table"),
            default=_value(shape.get("default")),
            force=_flag(shape, "force"),
            unmapped=Unmapped(shape.get("unmapped", Unmapped.PARK)),
            ownership=Ownership(shape.get("ownership", Ownership.KEEP_UNLESS_CHANGED)),
            max_length=_length(shape.get("max_length")),
        )
    except (TypeError, ValueError) as error:
        raise _unusable(target, str(error)) from error
    if finished and (reason := _contradiction(rule)):
        raise _unusable(target, reason)
    return rule


def _calls(shape: object) -> tuple[Call, ...]:
    if not isinstance(shape, list | tuple):
        raise TypeError("`functions` as a list")
    calls = []
    for each in shape:
        name, *args = each if isinstance(each, list | tuple) and each else [each]
        if not isinstance(name, str):
            raise TypeError("each function as its name, or as a list of its name and arguments")
        calls.append(Call(name, tuple(map(_value, args))))
    return tuple(calls)


def _text(shape: abc.Mapping[str, object], name: str) -> str:
    value = shape.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"`{name}` as text")
    return value


def _flag(shape: abc.Mapping[str, object], name: str) -> bool:
    value = shape.get(name, False)
    if not isinstance(value, bool):
        raise TypeError(f"`{name}` as true or false")
    return value


def _length(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise TypeError("`max_length` as a whole number above 0")


def _contradiction(rule: Rule) -> str:
    kind, _, name = rule.target.partition(".")
    if kind not in set(Kind) or not name:
        return f"a target that begins with one of {', '.join(Kind)} and a point"
    if rule.expression and (rule.source or rule.functions):
        return "an expression or a source with functions, not both"
    if rule.force and rule.default in EMPTY:
        return "a `default` to be used always"
    if not (rule.expression or rule.source or rule.functions or rule.default not in EMPTY):
        return "a source, an expression or a default"
    return ""


def _unusable(target: str, expected: str) -> ConfigurationError:
    return ConfigurationError("flow_setting_invalid", setting=f"mapping rule {target}".rstrip(), expected=expected)


# ---- applying


class _Nothing(Enum):
    ABSENT = "absent"


_Note = Callable[[str, Value], None] | None  # None: nobody asks why


class _Way:
    """One rule made ready: everything that does not depend on the record is done."""

    def __init__(self, rule: Rule, toolbox: Toolbox) -> None:
        self.rule = rule
        self.target = rule.target
        try:
            self.functions = [(str(call), toolbox.function(call.name, call.args)) for call in rule.functions]
            self.formula = toolbox.expression(rule.expression) if rule.expression else None
        except ValueError as error:
            raise _unusable(rule.target, str(error)) from error
        self.table = toolbox.table(rule.table) if rule.table else None
        self.reads = self.formula.names if self.formula else frozenset({rule.source} if rule.source else ())
        says_more = rule.force or rule.expression or rule.table or rule.max_length or not is_empty(rule.default)
        self.is_plain = not says_more  # a source and functions, as most rules are

    def value(self, values: Values, note: _Note) -> Value | _Nothing:
        """Return the value for one record. Raises ValueError when there is none."""
        rule = self.rule
        if self.is_plain:
            value = self._computed(values, note)
            return _Nothing.ABSENT if is_empty(value) and self.reads.isdisjoint(values) else value
        if rule.force:
            if note:
                note("force", rule.default)
            return self._fitting(rule.default)
        value = self._computed(values, note)
        if self.table is not None and not is_empty(value):
            value = self._translated(value, self.table, note)
            if is_empty(value) and rule.unmapped is Unmapped.EMPTY:
                return value
        if is_empty(value):
            if not is_empty(rule.default):
                if note:
                    note("default", rule.default)
                value = rule.default
            elif self.reads.isdisjoint(values):
                return _Nothing.ABSENT
        return self._fitting(value)

    def _computed(self, values: Values, note: _Note) -> Value:
        rule = self.rule
        if self.formula is not None:
            absent = bool(self.reads) and self.reads.isdisjoint(values)
            value = None if absent else self.formula(values)
            if note:
                note(rule.expression, value)
            return value
        value = values.get(rule.source)
        if note and rule.source:
            note(rule.source, value)
        for what, function in self.functions:
            value = function(value, values)
            if note:
                note(what, value)
        return value

    def _translated(self, value: Value, table: abc.Mapping[str, str], note: _Note) -> Value:
        codes = value if isinstance(value, tuple) else (_code(value),)
        missing = next((code for code in codes if code not in table), None)
        if missing is not None:
            if self.rule.unmapped is Unmapped.PARK:
                raise UnmappedError(missing, self.rule.table)
            if note:
                note(f"table {self.rule.table}", None)
            return None
        found = tuple(table[code] for code in codes)
        result: Value = found if isinstance(value, tuple) else found[0]
        if note:
            note(f"table {self.rule.table}", result)
        return result

    def _fitting(self, value: Value) -> Value:
        limit = self.rule.max_length
        if limit is not None and isinstance(value, str) and len(value) > limit:
            raise _TooLongError(len(value), limit)
        return value

    def issue(self, key: str, error: ValueError) -> Issue:
        """Return why there is no value, as an issue of the record."""
        facts = {"key": key, "field": self.target}
        match error:
            case UnmappedError():
                return Issue("value_unmapped", key, self.target, facts | {"value": error.value, "table": error.table})
            case _TooLongError():
                sizes = {"length": str(error.length), "limit": str(error.limit)}
                return Issue("field_too_long", key, self.target, facts | sizes)
            case _:
                return Issue("expression_failed", key, self.target, facts | {"message": str(error)})


def _code(value: Value) -> str:
    """Return the text a value table knows a value by: 2.00 is 2."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return as_text(value).strip()


class Compiled:
    """A mapping made ready for many records. May be used by several threads."""

    def __init__(self, ways: tuple[_Way, ...]) -> None:
        self._ways = ways

    def apply(self, record: Record) -> Mapped:
        """Return every target field's value, and an issue for each that has none."""
        values: dict[str, Value] = {}
        issues: list[Issue] = []
        for way in self._ways:
            try:
                value = way.value(record.values, None)
            except ValueError as error:
                issues.append(way.issue(record.key, error))
                continue
            if not isinstance(value, _Nothing):
                values[way.target] = value
        return Mapped(values, tuple(issues))

    def trace(self, record: Record) -> list[Trace]:
        """Return for every target field how it came to its value, step by step."""
        return [_traced(way, record) for way in self._ways]


def _traced(way: _Way, record: Record) -> Trace:
    steps: list[TraceStep] = []
    try:
        value = way.value(record.values, lambda what, value: steps.append(TraceStep(what, value)))
    except ValueError as error:
        return Trace(way.target, tuple(steps), None, way.issue(record.key, error))
    return Trace(way.target, tuple(steps), None if isinstance(value, _Nothing) else value)


def compile(mapping: Mapping, toolbox: Toolbox, kinds: Collection[Kind] = tuple(Kind)) -> Compiled:  # noqa: A001
    """Return the rules for these kinds of target record, ready to be applied.

    Raises ConfigurationError that names the rule and the reason when it cannot work.
    """
    wanted = {f"{kind}" for kind in kinds}
    rules = [rule for rule in mapping.rules if rule.target.partition(".")[0] in wanted]
    return Compiled(tuple(_Way(rule, toolbox) for rule in rules))


def faults(mapping: Mapping, toolbox: Toolbox) -> dict[str, str]:
    """Return for each rule that cannot work, by its target, what is wrong with it."""
    found = {}
    for rule in mapping.rules:
        if reason := _contradiction(rule):
            found[rule.target] = f"it needs {reason}"
            continue
        try:
            _Way(rule, toolbox)
        except ConfigurationError as error:
            found[rule.target] = error.facts["expected"]
    return found
