"""How a value came about: each step on the way to it, and the reason in one sentence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from integration.core.errors import Reason
from integration.core.issues import Issue
from integration.core.records import Value
from integration.core.rules import EMPTY

AS_READ = ("because_source", "because_made")  # reasons of a rule that takes one field over, whole or a part of it


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step on the way to a value: what was done, and what it gave."""

    what: str
    value: Value


@dataclass(frozen=True, slots=True)
class Trace:
    """Why a field has its value: `why` is a text of ours, `because_...`, with the facts that fill it.

    `part` is the part of the record it stands in, by its key; `issue` says why it has no value.
    """

    target: str
    steps: tuple[TraceStep, ...]
    value: Value
    issue: Issue | None = None
    why: Reason | None = None
    part: str = ""

    @property
    def found(self) -> Value:
        """What the source had, where that is what it began with."""
        return next((step.value for step in self.steps), None)


def explained(target: str, value: Value, code: str, /, part: str = "", **facts: str) -> Trace:
    """Return why a field has a value that no rule gives."""
    return Trace(target, (), value, None, Reason(f"because_{code}", facts), part)


def by_row(table: str, row: str) -> Reason:
    """Return that a row of a value table says so."""
    return Reason("because_row", {"table": table, "row": row})


def by_setting(name: str) -> Reason:
    """Return that a setting of the flow says so."""
    return Reason("because_setting", {"setting": name})


def copied_field(trace: Trace) -> str:
    """Return the field that a rule takes over, as it is or a part of it; nothing where it does more."""
    return trace.why.facts["field"] if trace.why is not None and trace.why.code in AS_READ else ""


def with_reason(trace: Trace, asked: Mapping[str, Callable[[], Reason]]) -> Trace:
    """Return a trace with the reason that a flow has for the field its rule takes over, which it worked out itself."""
    ask = asked.get(copied_field(trace))
    return trace if ask is None or trace.value in EMPTY else replace(trace, why=ask())


@dataclass(frozen=True, slots=True)
class WhyAnswer:
    """Why one value of a line of a plan is what it is.

    `value` is what the line writes, `source` the record it comes out of. Where the source makes something else of it by
    now than when the plan was made, the answer `has_moved`, and the trace is of today.
    """

    field: str  # with its kind: line.account
    part: str
    value: Value
    trace: Trace | None
    source: str = ""
    has_moved: bool = False

    @property
    def why(self) -> Reason | None:
        """The reason in one sentence; None where nobody can tell."""
        return self.trace.why if self.trace else None
