"""Why a field has its value: each step on its way, as a table."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from integration.core.rules import Mapping as RuleMapping
from integration.core.rules import Trace, TraceStep
from integration.services import Application
from integration.words import has_term
from pages.components.shared.layout import answered, note
from pages.components.shared.wording import (
    field_name,
    field_term,
    flow_text,
    plain,
    say,
    system_name,
    term,
    text,
    value_text,
)


def trace_frame(traces: Sequence[Trace]) -> pd.DataFrame:
    """Return how values came about as a table: the field, each step with its result, the value."""
    rows = []
    for trace in traces:
        path = " → ".join(_step(step) for step in trace.steps)
        if trace.issue is not None:
            path = " → ".join(part for part in (path, say(trace.issue.cause, trace.issue.facts).what) if part)
        rows.append((_named(trace.target), path, value_text(trace.value)))
    return pd.DataFrame(rows, columns=[text("col_field"), text("col_how"), text("col_will_be")])


def why_of(
    app: Application,
    flow: str,
    keys: tuple[str, str],
    icon: str,
    about: str,
    width: int,
    mapping: RuleMapping | None = None,
) -> list[Trace] | None:
    """Ask for a record and return how its values come about: none with the reason on screen; None when not asked.

    `keys` are those of the field and of its button.
    """
    source, kept = system_name(app.flows[flow].source), f"{keys[0]}-of-{flow}"
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        code = st.text_input(flow_text("why_of", flow, source=source), key=keys[0], width=width, autocomplete="off")
        if st.button(text("btn_show"), icon=f":material/{icon}:", key=keys[1]):
            st.session_state[kept] = (code or "").strip()
    asked_for = st.session_state.get(kept, "")
    if not asked_for:
        note(about)
        return None
    with st.spinner(text("why_wait")):
        found = answered(lambda: app.drafts.why(flow, asked_for, mapping))
    if found is not None and not found:
        note(flow_text("why_unknown", flow, source=source, code=plain(asked_for)))
    return found or []


def _step(step: TraceStep) -> str:
    """Return what was done on one step, and what it gave: a field by its caption, anything else as the rule has it."""
    done = field_term(step.what) if has_term(f"field_{step.what}") else step.what
    return f"{done}: {value_text(step.value) or term('empty_value')}"


def _named(target: str) -> str:
    """Return the caption of a field; a level is called by its branch."""
    branch, _, field = target.partition("/")
    return text("branch_short", branch=branch) if field == "amount" else field_name(target)
