"""The shape of a mapping in files and on disk: what a person writes as TOML, and what the store keeps as JSON."""

from collections import abc
from contextlib import suppress
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from integration.core.errors import ConfigurationError, Reason
from integration.core.flow import Ownership
from integration.core.records import Value, from_json, to_json
from integration.core.rules import Call, Mapping, Rule, RuleError, Unmapped, contradiction, unusable

Chosen = TypeVar("Chosen", bound=StrEnum)
Plain = TypeVar("Plain", str, bool)


def rules_from(shape: abc.Mapping[str, object], *, finished: bool = True) -> Mapping:
    """Return the mapping a TOML or JSON shape describes; in one that is not `finished` rules may say nothing yet.

    Raises ConfigurationError that names the rule and the reason.
    """
    version, listed = shape.get("version", 1), shape.get("rules", [])
    if not isinstance(version, int) or not isinstance(listed, list):
        raise unusable("rules", Reason("reason_shape"))
    rules = tuple(_rule(place, each, finished=finished) for place, each in enumerate(listed, start=1))
    seen: set[str] = set()
    for rule in rules:
        if rule.target in seen:
            raise unusable(rule.target, Reason("reason_twice"))
        seen.add(rule.target)
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
    if isinstance(written, bool):
        return written
    if isinstance(written, int | float):
        number = Decimal(repr(written))
        if not number.is_finite():
            raise RuleError("reason_no_number", value=written)
        return number
    if isinstance(written, date | datetime):
        return written
    try:
        return from_json(written)
    except TypeError:
        raise RuleError("reason_no_value", value=written) from None


def _rule(place: int, shape: object, *, finished: bool) -> Rule:
    if not isinstance(shape, abc.Mapping) or not isinstance(shape.get("target"), str):
        raise unusable(f"{place}", Reason("reason_no_target"))
    target = str(shape["target"])
    if unknown := sorted(str(key) for key in shape if key != "target" and key not in _DEFAULTS):
        raise unusable(target, Reason("reason_unknown", {"names": ", ".join(unknown)}))
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
        raise unusable(target, error.reason) from None
    if finished and (reason := contradiction(rule)):
        raise unusable(target, reason)
    return rule


def _calls(shape: object) -> tuple[Call, ...]:
    if not isinstance(shape, list | tuple):
        raise RuleError("reason_functions")
    calls = []
    for each in shape:
        name, *args = each if isinstance(each, list | tuple) and each else [each]
        if not isinstance(name, str):
            raise RuleError("reason_call")
        calls.append(Call(name, tuple(map(_value, args))))
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
