"""Compiled mappings: rules are prepared once and applied to many records, with a trace of each field's value."""

from collections import abc
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from enum import Enum

from integration.core.errors import Reason
from integration.core.issues import Issue
from integration.core.records import Kind, Record, Value, is_same_value
from integration.core.rows import row_key
from integration.core.rules import (
    Mapping,
    MappingResult,
    Rule,
    RuleError,
    Toolbox,
    Unmapped,
    Values,
    as_text,
    contradiction,
    is_empty,
    rule_error,
)
from integration.core.traces import Trace, TraceStep


class _Nothing(Enum):
    ABSENT = "absent"


_Note = Callable[[str, Value], None] | None  # None: no trace is wanted


class _PreparedRule:
    """One prepared rule: everything independent of the record is done. Raises RuleError if the rule is invalid."""

    def __init__(self, rule: Rule, toolbox: Toolbox) -> None:
        self.rule = rule
        self.target = rule.target
        self.functions = [(str(call), toolbox.function(call.name, call.args)) for call in rule.functions]
        self.formula = toolbox.expression(rule.expression) if rule.expression else None
        self.table = toolbox.table(rule.table) if rule.table else None
        self.reads = self.formula.names if self.formula else frozenset({rule.source} if rule.source else ())
        says_more = rule.force or rule.expression or rule.table or rule.max_length or not is_empty(rule.default)
        self.is_plain = not says_more  # only a source and functions, as most rules

    def value(self, values: Values, note: _Note) -> Value | _Nothing:
        """Return the value for one record. Raises RuleError if the rule gives none."""
        rule = self.rule
        if self.is_plain:
            value = self._compute(values, note)
            return _Nothing.ABSENT if is_empty(value) and self.reads.isdisjoint(values) else value
        if rule.force:
            if note:
                note("force", rule.default)
            return self._check_length(rule.default)
        value = self._compute(values, note)
        if self.table is not None and not is_empty(value):
            value = self._translate(value, self.table, note)
            if is_empty(value) and rule.unmapped is Unmapped.EMPTY:
                return value
        if is_empty(value):
            if not is_empty(rule.default):
                if note:
                    note("default", rule.default)
                value = rule.default
            elif self.reads.isdisjoint(values):
                return _Nothing.ABSENT
        return self._check_length(value)

    def _compute(self, values: Values, note: _Note) -> Value:
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
        for name, function in self.functions:
            value = function(value, values)
            if note:
                note(name, value)
        return value

    def _translate(self, value: Value, table: abc.Mapping[str, str], note: _Note) -> Value:
        codes = value if isinstance(value, tuple) else (_code(value),)
        rows = [row_key(table, code) for code in codes]
        missing = next((code for code, row in zip(codes, rows, strict=True) if not row), None)
        if missing is not None:
            if self.rule.unmapped is Unmapped.PARK:
                raise RuleError("value_unmapped", value=missing, table=self.rule.table)
            if note:
                note(f"table {self.rule.table}", None)
            return None
        translations = tuple(table[row] for row in rows)
        result: Value = translations if isinstance(value, tuple) else translations[0]
        if note:
            note(f"table {self.rule.table}", result)
        return result

    def _check_length(self, value: Value) -> Value:
        limit = self.rule.max_length
        if limit is not None and isinstance(value, str) and len(value) > limit:
            raise RuleError("field_too_long", length=len(value), limit=limit)
        return value


def _code(value: Value) -> str:
    """Return the text under which a value table has a value: 2.00 is 2."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return as_text(value).strip()


class CompiledMapping:
    """A mapping compiled for many records. Thread-safe."""

    def __init__(self, ways: tuple[_PreparedRule, ...]) -> None:
        self._prepared_rules = ways
        self.reads = frozenset(name for way in ways for name in way.reads)  # source fields that the rules read

    def apply(self, record: Record) -> MappingResult:
        """Return the values of all target fields, and an issue for each field whose rule failed."""
        values: dict[str, Value] = {}
        issues: list[Issue] = []
        for way in self._prepared_rules:
            try:
                value = way.value(record.values, None)
            except RuleError as error:
                issues.append(error.issue(record.key, way.target))
                continue
            if not isinstance(value, _Nothing):
                values[way.target] = value
        return MappingResult(values, tuple(issues))

    def trace(self, record: Record) -> list[Trace]:
        """Return for each target field the steps that led to its value."""
        return [_trace_rule(way, record) for way in self._prepared_rules]


def _trace_rule(way: _PreparedRule, record: Record) -> Trace:
    steps: list[TraceStep] = []
    try:
        result = way.value(record.values, lambda name, value: steps.append(TraceStep(name, value)))
    except RuleError as error:
        return Trace(way.target, tuple(steps), None, error.issue(record.key, way.target))
    value = None if isinstance(result, _Nothing) else result
    return Trace(way.target, tuple(steps), value, reason=_reason(way, steps, value))


def _reason(way: _PreparedRule, steps: Sequence[TraceStep], value: Value) -> Reason:
    """Return the sentence that explains a rule's value."""
    rule, step_names, facts = way.rule, {step.operation for step in steps}, {"field": way.rule.source}
    if rule.expression and not rule.force:
        facts = {"formula": rule.expression}
        return Reason("because_formula_default" if "default" in step_names else "because_formula", facts)
    if rule.force or not (rule.source or rule.functions):
        return Reason("because_forced")
    before = steps[len(rule.functions) - (not rule.source)].value
    if rule.table and not is_empty(before):
        facts |= {"table": rule.table}
        return Reason("because_unmapped" if "default" in step_names or is_empty(value) else "because_table", facts)
    if "default" in step_names:
        return Reason("because_default", facts)
    if is_empty(value):
        return Reason("because_nothing", facts)
    if rule.source and is_same_value(value, steps[0].value):
        return Reason("because_source", facts)
    function_facts = {**facts, "functions": ", ".join(str(call) for call in rule.functions)}
    return Reason("because_others" if not rule.source or is_empty(steps[0].value) else "because_made", function_facts)


def compile(mapping: Mapping, toolbox: Toolbox, kinds: Collection[Kind] | None = None) -> CompiledMapping:  # noqa: A001
    """Compile the rules for these kinds of target record, or all rules if `kinds` is None.

    Raises ConfigurationError with the rule and the reason if a rule is invalid.
    """
    rules = [rule for rule in mapping.rules if kinds is None or rule.target.partition(".")[0] in kinds]
    return CompiledMapping(tuple(_prepare_rule(rule, toolbox) for rule in rules))


def _prepare_rule(rule: Rule, toolbox: Toolbox) -> _PreparedRule:
    try:
        return _PreparedRule(rule, toolbox)
    except RuleError as error:
        raise rule_error(rule.target, error.reason) from None


def rule_faults(mapping: Mapping, toolbox: Toolbox) -> dict[str, Reason]:
    """Return the fault of each invalid rule, by its target."""
    faults = {}
    for rule in mapping.rules:
        reason = contradiction(rule)
        try:
            if reason is None:
                _PreparedRule(rule, toolbox)
        except RuleError as error:
            reason = error.reason
        if reason is not None:
            faults[rule.target] = reason
    return faults
