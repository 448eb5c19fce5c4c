"""Why a field has its value: each step on its way, as a table."""

from collections.abc import Sequence

import pandas as pd

from integration.core.rules import Trace, TraceStep
from integration.words import has_term
from pages.components.shared.wording import field_name, field_term, say, term, text, value_text


def trace_frame(traces: Sequence[Trace]) -> pd.DataFrame:
    """Return how values came about as a table: the field, each step with its result, the value."""
    rows = []
    for trace in traces:
        path = " → ".join(_step(step) for step in trace.steps)
        if trace.issue is not None:
            path = " → ".join(part for part in (path, say(trace.issue.cause, trace.issue.facts).what) if part)
        rows.append((_named(trace.target), path, value_text(trace.value)))
    return pd.DataFrame(rows, columns=[text("col_field"), text("col_how"), text("col_will_be")])


def _step(step: TraceStep) -> str:
    """Return what was done on one step, and what it gave: a field by its caption, anything else as the rule has it."""
    done = field_term(step.what) if has_term(f"field_{step.what}") else step.what
    return f"{done}: {value_text(step.value) or term('empty_value')}"


def _named(target: str) -> str:
    """Return the caption of a field; a level is called by its branch."""
    branch, _, field = target.partition("/")
    return text("branch_short", branch=branch) if field == "amount" else field_name(target)
