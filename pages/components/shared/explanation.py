"""Explains the values of a plan line: one sentence for each value, with the steps that led to it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

import streamlit as st

from integration.application.application import Application
from integration.core.errors import Reason
from integration.core.flow import Flow
from integration.core.grouping import group_by_key
from integration.core.plan_lines import PlanRow
from integration.core.records import Value
from integration.core.run import Run
from integration.core.traces import Trace, WhyAnswer
from integration.flows.settings import till_list
from integration.words import setting_name
from integration.words.countries import countries
from pages.components.shared.changes import step_said
from pages.components.shared.layout import answer_or_error, note, small
from pages.components.shared.rows import code_text, field_text, step_text, stored_row_label
from pages.components.shared.runs import short_id
from pages.components.shared.wording import (
    Markdown,
    author_name,
    field_name,
    field_term,
    language,
    plain,
    say,
    system_name,
    table_day,
    table_name,
    term,
    text,
    value_text,
)

LONGEST = 80  # characters of a value in a sentence; the plan shows the whole value


def draw_explanation(app: Application, run: Run, row: PlanRow) -> None:
    """Draw the explanation of every value of a plan line."""
    with st.spinner(text("why_wait")):
        explanations = answer_or_error(lambda: app.plans.explain_line(run.id, row.seq))
    if explanations is None:
        return
    if not explanations:
        note(text("why_empty"))
    flow, parts = app.flows[run.flow], _answers_by_part(explanations)
    several = sum(not part for part, _ in parts) > 1
    for (part, source), answers in parts.items():
        if len(parts) > 1:
            small(f"**{_part_heading(part, source if several else '', answers)}**")
        st.table([_row(app, flow, explanation) for explanation in answers], border="horizontal", hide_index=True)


def _answers_by_part(explanations: Sequence[WhyAnswer]) -> dict[tuple[str, str], list[WhyAnswer]]:
    return group_by_key(
        ((explanation.part, explanation.source if not explanation.part else ""), explanation)
        for explanation in explanations
    )


def _part_heading(part: str, source: str, answers: Sequence[WhyAnswer]) -> Markdown:
    """Return the heading of a part of a plan line: the text of a document line, otherwise the key."""
    if not part:
        return plain(source) or text("why_of_record")
    first = next((step for explanation in answers if explanation.trace for step in explanation.trace.steps), None)
    if first is not None and first.operation == f"line {part}":
        return plain(" · ".join(filter(None, (f"{text('col_line')} {part}", value_text(first.value)))))
    return plain(part)


def _row(app: Application, flow: Flow, answer: WhyAnswer) -> dict[Markdown, Markdown]:
    sentence = plain(explanation_sentence(app, flow, answer))
    if answer.has_moved and answer.trace:
        today = plain(_short_value(app, flow, answer.field, answer.trace.value))
        sentence += f" :orange[{text('why_moved', source=system_name(flow.source), value=today)}]"
    steps = plain(" → ".join(_steps(app, flow, answer.trace))) if answer.trace else ""
    return {
        text("col_field"): plain(field_name(answer.field)),
        text("col_because"): sentence,
        text("col_how"): f":small[:gray[{steps or '–'}]]",
    }


def _steps(app: Application, flow: Flow, trace: Trace) -> Iterator[str]:
    for step in trace.steps:
        if not step.operation.startswith("line "):  # the heading of the table already names the line
            yield step_said(app, flow, trace.target, step)


def explanation_sentence(app: Application, flow: Flow, answer: WhyAnswer) -> str:
    """Return the sentence that explains a value, or the reason why the value is missing."""
    trace = answer.trace
    if trace is not None and trace.issue is not None:
        return say(trace.issue.cause, {"system": flow.target, **trace.issue.facts}).problem
    common_facts = {
        "target": field_name(answer.field),
        "value": _short_value(app, flow, answer.field, answer.value) or term("empty_value"),
        "source": system_name(flow.source),
        "system": system_name(flow.target),
    }
    if trace is None or trace.reason is None:
        return text("why_untold", **common_facts)
    return text(
        trace.reason.code, **common_facts, found=_source_value(app, flow, trace), **_facts(app, flow, trace.reason)
    )


def _short_value(app: Application, flow: Flow, field: str, value: Value) -> str:
    return _shortened(field_text(app, flow.target, field, value))


def _shortened(full_text: str) -> str:
    return (
        full_text if len(full_text) <= LONGEST else f"{full_text[:LONGEST].rpartition(' ')[0] or full_text[:LONGEST]} …"
    )


def _source_value(app: Application, flow: Flow, trace: Trace) -> str:
    """Return the source value in the notation of the source."""
    begun = next((step for step in trace.steps if not step.operation.startswith("line ")), None)
    return _shortened(step_text(app, flow, trace.target, begun)) if begun else ""


def _facts(app: Application, flow: Flow, why: Reason) -> dict[str, str]:
    """Return the facts of an explanation as its sentence writes them: codes by their captions."""
    table = why.facts.get("table", "")
    formatters: Mapping[str, Callable[[str], str]] = {
        "field": field_term,
        "table": table_name,
        "row": lambda key: stored_row_label(app, app.flows.spec(flow.name).table(table), key),
        "setting": lambda name: setting_name(flow.name, name, language()),
        "branch": lambda code: code_text(app, till_list("branches"), code),
        "method": lambda code: code_text(app, till_list("payment_methods"), code),
        "country": lambda code: countries(language()).get(code, code),
        "date": lambda day: table_day(date.fromisoformat(day)) if day else day,
        "person": author_name,
        "run": short_id,
    }
    return {name: formatters[name](fact) if name in formatters else fact for name, fact in why.facts.items()}
