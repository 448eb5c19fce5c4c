"""Traces: the steps that led to a field's value, and the reason in one sentence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from integration.core.errors import Reason
from integration.core.issues import Issue
from integration.core.records import Value
from integration.core.rules import EMPTY

AS_READ = ("because_source", "because_made")  # reasons of a rule that copies one field, in full or in part


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of a trace: the operation and its result."""

    operation: str
    value: Value


@dataclass(frozen=True, slots=True)
class Trace:
    """Trace of a field's value: `reason` has the key of a text (`because_...`) with its facts.

    `part` is the key of the record part with the field; `issue` says why there is no value.
    """

    target: str
    steps: tuple[TraceStep, ...]
    value: Value
    issue: Issue | None = None
    reason: Reason | None = None
    part: str = ""


def explained_trace(target: str, value: Value, code: str, /, part: str = "", **facts: str) -> Trace:
    """Return the trace of a field whose value does not come from a rule."""
    return Trace(target, (), value, None, Reason(f"because_{code}", facts), part)


def by_row(table: str, row: str) -> Reason:
    """Return the reason that a row of a value table decides the value."""
    return Reason("because_row", {"table": table, "row": row})


def by_setting(name: str) -> Reason:
    """Return the reason that a setting of the flow decides the value."""
    return Reason("because_setting", {"setting": name})


def copied_field(trace: Trace) -> str:
    """Return the source field that a rule copies in full or in part, or an empty text if it does more."""
    return trace.reason.facts["field"] if trace.reason is not None and trace.reason.code in AS_READ else ""


def with_reason(trace: Trace, reasons: Mapping[str, Callable[[], Reason]]) -> Trace:
    """Return the trace with the flow's own reason, if the rule copies a field that the flow has computed."""
    ask = reasons.get(copied_field(trace))
    return trace if ask is None or trace.value in EMPTY else replace(trace, reason=ask())


@dataclass(frozen=True, slots=True)
class WhyAnswer:
    """Explanation of one value on a plan line.

    `value` is what the line writes, `source` the source record. If the source now results in another value than at
    planning time, `has_moved` is set, and the trace belongs to the current value.
    """

    field: str  # with its kind: line.account
    part: str
    value: Value
    trace: Trace | None
    source: str = ""
    has_moved: bool = False

    @property
    def reason(self) -> Reason | None:
        """The reason in one sentence; None if unknown."""
        return self.trace.reason if self.trace else None
