"""Compiled mappings: rules are prepared once and applied to many records, with a trace of each field's value."""

from collections import abc
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from enum import Enum

from integration.core.errors import Reason
from integration.core.issues import Issue
from integration.core.records import Kind, Record, Value, same
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


class _Way:
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
        rows = [row_key(table, code) for code in codes]
        missing = next((code for code, row in zip(codes, rows, strict=True) if not row), None)
        if missing is not None:
            if self.rule.unmapped is Unmapped.PARK:
                raise RuleError("value_unmapped", value=missing, table=self.rule.table)
            if note:
                note(f"table {self.rule.table}", None)
            return None
        found = tuple(table[row] for row in rows)
        result: Value = found if isinstance(value, tuple) else found[0]
        if note:
            note(f"table {self.rule.table}", result)
        return result

    def _fitting(self, value: Value) -> Value:
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

    def __init__(self, ways: tuple[_Way, ...]) -> None:
        self._ways = ways
        self.reads = frozenset(name for way in ways for name in way.reads)  # source fields that the rules read

    def apply(self, record: Record) -> MappingResult:
        """Return the values of all target fields, and an issue for each field whose rule failed."""
        values: dict[str, Value] = {}
        issues: list[Issue] = []
        for way in self._ways:
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
        return [_traced(way, record) for way in self._ways]


def _traced(way: _Way, record: Record) -> Trace:
    steps: list[TraceStep] = []
    try:
        found = way.value(record.values, lambda what, value: steps.append(TraceStep(what, value)))
    except RuleError as error:
        return Trace(way.target, tuple(steps), None, error.issue(record.key, way.target))
    value = None if isinstance(found, _Nothing) else found
    return Trace(way.target, tuple(steps), value, why=_reason(way, steps, value))


def _reason(way: _Way, steps: Sequence[TraceStep], value: Value) -> Reason:
    """Return the sentence that explains a rule's value."""
    rule, done, said = way.rule, {step.what for step in steps}, {"field": way.rule.source}
    if rule.expression and not rule.force:
        said = {"formula": rule.expression}
        return Reason("because_formula_default" if "default" in done else "because_formula", said)
    if rule.force or not (rule.source or rule.functions):
        return Reason("because_forced")
    before = steps[len(rule.functions) - (not rule.source)].value
    if rule.table and not is_empty(before):
        said |= {"table": rule.table}
        return Reason("because_unmapped" if "default" in done or is_empty(value) else "because_table", said)
    if "default" in done:
        return Reason("because_default", said)
    if is_empty(value):
        return Reason("because_nothing", said)
    if rule.source and same(value, steps[0].value):
        return Reason("because_source", said)
    done_with = {**said, "functions": ", ".join(str(call) for call in rule.functions)}
    return Reason("because_others" if not rule.source or is_empty(steps[0].value) else "because_made", done_with)


def compile(mapping: Mapping, toolbox: Toolbox, kinds: Collection[Kind] | None = None) -> CompiledMapping:  # noqa: A001
    """Compile the rules for these kinds of target record, or all rules if `kinds` is None.

    Raises ConfigurationError with the rule and the reason if a rule is invalid.
    """
    rules = [rule for rule in mapping.rules if kinds is None or rule.target.partition(".")[0] in kinds]
    return CompiledMapping(tuple(_way(rule, toolbox) for rule in rules))


def _way(rule: Rule, toolbox: Toolbox) -> _Way:
    try:
        return _Way(rule, toolbox)
    except RuleError as error:
        raise rule_error(rule.target, error.reason) from None


def rule_faults(mapping: Mapping, toolbox: Toolbox) -> dict[str, Reason]:
    """Return what is wrong with each invalid rule, by its target."""
    found = {}
    for rule in mapping.rules:
        reason = contradiction(rule)
        try:
            if reason is None:
                _Way(rule, toolbox)
        except RuleError as error:
            reason = error.reason
        if reason is not None:
            found[rule.target] = reason
    return found
