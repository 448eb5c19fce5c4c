"""Holds flows that use codes of a replaced system until a person confirms them.

A code in a value table or a setting is known as one of a system, by its list. A filter has values of the source. A text
setting, and a fixed value in a rule that a person wrote, may be a code of either system.
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from integration.core.authorization import requires
from integration.core.errors import ConfigurationError, PlanStaleError
from integration.core.people import Actor, Right
from integration.core.system_roles import assigned_systems
from integration.flows.forms import TextField, codes_named, single_fields
from integration.flows.registry import Specs
from integration.flows.settings import CodeList, ValueTable
from integration.services.mappings.mappings import Logics
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.rules import MappingStore
from integration.store.settings import StoredSettings


@dataclass(frozen=True, slots=True)
class CodesQuestion:
    """A replaced system, and where codes of the former one are or may be, by flow.

    These are names of value tables, names of settings (`filters` for the filters), and target fields of rules.
    """

    system: str
    tables: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, tuple[str, ...]]
    rules: Mapping[str, tuple[str, ...]]


class FormerCodes:
    """Codes that were entered for a system before it was replaced.

    A code is in question until a person confirms all codes of the system, or changes or removes this one. The same code
    from an imported configuration is in question as well.
    """

    def __init__(
        self,
        flows: Specs,
        rules: MappingStore,
        logics: Logics,
        stored_settings: StoredSettings,
        access: ConnectorFactory,
    ) -> None:
        self._flows = flows
        self._rules = rules
        self._logics = logics
        self._stored_settings = stored_settings
        self._access = access

    def setting_of_codes(self, system: str) -> dict[str, dict[str, Any]]:
        """Return the setting, by name, that puts all current codes of a system in question."""
        tables = {
            name: rows for flow in self._flows for name, rows in self._tables(flow).items()
            if _has_codes_of(self._flows[flow].table(name), system)
        }  # fmt: skip
        codes = {flow: [list(pair) for pair in self._codes(flow, system)] for flow in self._flows}
        rules = {flow: [rule for _, rule in self._fixed_values(flow, system)] for flow in self._flows}
        return {self._name(system): {"tables": tables, "settings": codes, "rules": rules}}

    @requires(Right.SEE)
    def questions(self) -> list[CodesQuestion]:
        """Return the replaced systems whose former codes are still in use."""
        return list(self._questions(self._flows))

    def hold_reason(self, flow: str) -> PlanStaleError | None:
        """Return why the flow may not write for now, or None."""
        question = next(self._questions([flow] if flow in self._flows else []), None)
        return PlanStaleError("codes_of_former_system", system=question.system, flow=flow) if question else None

    @requires(Right.CONNECT)
    def confirm(self, system: str, by: Actor) -> None:
        """Store that all codes in use are valid in the system that is connected now, and allow writes again.

        Raises ConfigurationError `not_in_question` if no code of the system is in question.
        """
        if not any(question.system == system for question in self._questions(self._flows)):
            raise ConfigurationError("not_in_question", system=system)
        self._stored_settings.forget(self._name(system), by.ref)

    def _questions(self, flows: Collection[str]) -> Iterator[CodesQuestion]:
        for system in [] if self._access.sandboxed else assigned_systems():
            former = self._stored_settings.get(self._name(system))
            if not former:
                continue
            tables = {flow: tuple(self._former_tables(flow, former["tables"])) for flow in flows}
            settings = {flow: tuple(self._former_settings(flow, system, former["settings"])) for flow in flows}
            rules = {flow: tuple(self._former_rules(flow, system, former["rules"])) for flow in flows}
            if any(any(places.values()) for places in (tables, settings, rules)):
                yield CodesQuestion(system, tables, settings, rules)

    def _former_tables(self, flow: str, former: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
        for name, rows in sorted(self._tables(flow).items()):
            if any(former.get(name, {}).get(key) == other for key, other in rows.items()):
                yield name

    def _former_settings(self, flow: str, system: str, former: Mapping[str, list[list[str]]]) -> list[str]:
        current = self._codes(flow, system)
        return list(dict.fromkeys(name for name, code in current if [name, code] in former.get(flow, [])))

    def _former_rules(self, flow: str, system: str, former: Mapping[str, list[str]]) -> Iterator[str]:
        return (target for target, rule in self._fixed_values(flow, system) if rule in former.get(flow, []))

    def _fixed_values(self, flow: str, system: str) -> Iterator[tuple[str, str]]:
        """Yield target and JSON of each published rule that a person wrote and that has a fixed value."""
        if system not in (self._logics.flow(flow).source, self._logics.flow(flow).target):
            return
        shipped = map(_rule_text, tomllib.loads(self._flows[flow].mapping.read_text(encoding="utf-8"))["rules"])
        known_rules = set(shipped)
        for rule in (self._rules.published(flow) or (0, {"rules": ()}))[1]["rules"]:
            if _has_fixed_value(rule) and (content := _rule_text(rule)) not in known_rules:
                yield str(rule["target"]), content

    def _tables(self, flow: str) -> dict[str, dict[str, str]]:
        return self._logics.tables_of(flow, (self._rules.published(flow) or (0, {}))[1])

    def _codes(self, flow: str, system: str) -> list[tuple[str, str]]:
        """Return setting and code of each code that a person entered and that is or may be one of a system.

        A default is a code of no system.
        """
        spec, settings = self._flows[flow], self._logics.settings(flow)
        source, target = self._logics.flow(flow).source, self._logics.flow(flow).target
        shapes = [shape for section in spec.sections for shape in section.shapes]
        values, defaults = settings.model_dump(), spec.settings().model_dump()
        codes = [(name, code) for name, of, code in codes_named(shapes, values) if _is_of(of, system)]
        if system in (source, target):
            texts = [shape.name for shape in single_fields(shapes) if isinstance(shape, TextField)]
            codes += [(name, str(values[name])) for name in texts if values[name]]
        entered_codes = [(name, code) for name, code in codes if values[name] != defaults[name]]
        filters = [condition.model_dump_json() for condition in settings.filters if condition.value]
        return entered_codes + [("filters", condition) for condition in filters if system == source]

    def _name(self, system: str) -> str:
        return self._access.name(f"former_codes:{system}")


def _has_codes_of(table: ValueTable, system: str) -> bool:
    lists = [table.ours, table.theirs, *(choice.code_list for part in table.parts for choice in part.choices)]
    return any(of is not None and _is_of(of, system) for of in lists)


def _is_of(of: CodeList, system: str) -> bool:
    return of.role is not None and of.system == system


def _rule_text(rule: Mapping[str, Any]) -> str:
    return json.dumps(rule, sort_keys=True, default=str)


def _has_fixed_value(rule: Mapping[str, Any]) -> bool:
    """Return True if a rule has a default, an argument of a function, or a number or text in its expression."""
    has_arguments = any(not isinstance(call, str) and len(call) > 1 for call in rule.get("functions") or ())
    return bool(rule.get("default") or has_arguments or re.search(r"[0-9'\"]", rule.get("expression") or ""))
