"""Describes a line of a plan: the changed fields, a summary in one line, and the explanation of each value."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import streamlit as st

from integration.application.application import Application
from integration.core.flow import Flow
from integration.core.plan import Action, Change
from integration.core.plan_lines import PlanRow
from integration.core.records import RecordType, Value
from integration.core.reverted_values import VALUE_REVERTED
from integration.core.rules import Mapping as RuleMapping
from integration.core.search_keys import document_total
from integration.core.source_values import is_cut
from integration.core.traces import Trace, TraceStep
from integration.words import capital, has_term
from pages.components.shared.layout import answer_or_error, note
from pages.components.shared.rows import field_text, step_text, table_step
from pages.components.shared.wording import (
    amount_text,
    coded,
    field_name,
    field_term,
    flow_text,
    number,
    plain,
    quantity_text,
    say,
    system_name,
    term,
    text,
    value_text,
)

SHOWN_FIELDS = 2
LONGEST = 24  # most characters of a value in a line of the table
SHOWN_CODES = 2
SHOWN_PARTS = 8
LEVEL = "level.amount"
PRICES = ("article.price_incl", "article.price_excl")

Row = dict[str, str]  # one row of a table of plain text, keyed by column caption


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a change: its part, its name, the current value in the target and the new value."""

    part: str
    field: str
    now: Value
    desired: Value
    record_exists: bool  # the target already has the record that the field belongs to


def field_changes(change: Change) -> Iterator[FieldChange]:
    """Yield the fields that a change writes, in the order of the record."""
    before = change.before.flat() if change.before else {}
    known_parts = {part.key for part in change.before.parts} if change.before else set()
    for path, name, new_value in change.desired.fields():
        part = path.rpartition("/")[0]
        is_present = change.before is not None and (not part or part in known_parts or path in before)
        yield FieldChange(part, name, before.get(path), new_value, is_present)


def what_changes(app: Application, row: PlanRow, *, undone: bool = False, system: str = "", total: bool = True) -> str:
    """Return a one-line summary of a plan line, or the reason why it has no change or was not written.

    `undone` is set for a plan that undoes a run. `system` is the target of the plan. `total` is false where the total
    has a column of its own.
    """
    change = row.change
    if change is not None and row.cause == VALUE_REVERTED:
        change_text = what_changes(app, replace(row, cause=""), undone=True, system=system, total=total)
        return f"{text('plan_value_reverted')} · {change_text}" if change.action is not Action.RETIRE else change_text
    if change is None or row.cause:
        return say(row.cause, {"system": system, **row.facts}).problem if row.cause else ""
    if change.action is Action.RETIRE:
        return text("plan_withdrawn") if undone else quantity_text("plan_retires", max(1, len(change.desired.parts)))
    if change.action is Action.CREATE and not total and document_total(change.agreed) is not None:
        return _with_cuts(_lines(change), change)
    if change.action is Action.CREATE:
        return _with_cuts(NEW.get(change.kind.type, _new_record_text)(change), change)
    lines_by_text = {
        (_short_name(app, system, field_line), value_text(field_line.now), value_text(field_line.desired)): field_line
        for field_line in field_changes(change)
    }
    lines = sorted(
        lines_by_text.values(), key=lambda field_line: (field_line.field not in PRICES, _is_long(field_line))
    )  # long texts last
    phrases = [
        _with_unit(
            field_line, f"{_short_name(app, system, field_line)} {_change_text(app, system, field_line)}", change
        )
        for field_line in lines
    ]
    phrases = phrases[:SHOWN_FIELDS]
    if len(lines) > SHOWN_FIELDS:
        phrases.append(f"+{len(lines) - SHOWN_FIELDS}")
    return _with_cuts(capital(" · ".join(phrases)), change)


def shortened(full_text: str, room: int) -> str:
    """Return a text cut to at most `room` characters at a word boundary; the detail of the line shows all of it."""
    return full_text if len(full_text) <= room else f"{full_text[:room].rpartition(' ')[0].rstrip(' ·,')} …"


def _with_cuts(sentence: str, change: Change) -> str:
    """Return a summary that starts with the names of the fields that the target stores truncated."""
    cut = [
        name
        for name, source_text in change.source_values.items()
        if is_cut(change.desired.values.get(name), source_text)
    ]
    fields = ", ".join(sorted(field_term(f"{change.kind}.{name}") for name in cut))
    return f"{text('plan_cut_fields', fields=fields)} · {sentence}" if fields else sentence


def _with_unit(line: FieldChange, sentence: str, change: Change) -> str:
    """Return the text of a stock level with the unit of the article, if the unit is known."""
    return f"{sentence} {change.unit}" if line.field == LEVEL and change.unit else sentence


def _short_name(app: Application, system: str, line: FieldChange) -> str:
    """Return the short caption of a field. The caption of a stock level is its branch."""
    if line.field != LEVEL:
        return field_term(line.field)
    return f"{app.lists.captions(system, 'branches').get(line.part) or term('branch_short', branch=line.part)}:"


def _is_long(line: FieldChange) -> bool:
    return max(len(value_text(line.now)), len(value_text(line.desired))) > LONGEST


def _change_text(app: Application, system: str, line: FieldChange) -> str:
    if _is_long(line):
        return term("plan_text_changes")
    old, new = (field_text(app, system, line.field, value) or term("empty_value") for value in (line.now, line.desired))
    return f"{old} → {new}" if line.record_exists else new


def _new_record_text(change: Change) -> str:
    parts = change.desired.parts
    prices = [value for part in parts for _, name, value in part.fields() if name in PRICES]
    price = next((value_text(amount) for amount in prices if isinstance(amount, Decimal)), "")
    if len(parts) > 1:
        variants = quantity_text("article", len(parts))
        return (
            text("plan_new_variants", variants=variants, price=price)
            if price
            else text("plan_new_unpriced", variants=variants)
        )
    if price:
        return text("plan_new_article", price=price)
    return text("plan_new_record", fields=number(len(change.desired.values)))


def _new_party(change: Change) -> str:
    """Return the street, city and e-mail address of a new debtor, relation or address."""
    party_facts = [value_text(change.desired.values.get(name)) for name in ("street", "city", "email")]
    about = ", ".join(part for part in party_facts if part)
    return text("plan_new_party", about=about) if about else _new_record_text(change)


def _new_document(change: Change) -> str:
    """Return the number of lines and the total of a new document or daybook page, or the amount of a new payment."""
    sold, lines = document_total(change.agreed), _lines(change)
    if change.kind.type is RecordType.PAYMENT and sold is not None:
        return text("plan_new_payment", amount=amount_text(sold))
    return lines if sold is None else text("plan_new_document", lines=lines, total=amount_text(sold))


def _lines(change: Change) -> str:
    """Return the number of lines of a document, or an empty text for a payment, which has none."""
    return quantity_text("document_lines", len(change.desired.parts)) if change.desired.parts else ""


# Summaries of new records that say more than the number of fields.
NEW: Mapping[RecordType, Callable[[Change], str]] = {
    RecordType.PARTY: _new_party,
    RecordType.DOCUMENT: _new_document,
    RecordType.PAGE: _new_document,
    RecordType.PAYMENT: _new_document,
}


# ---- traces of values -----------------------------------------------------------------------------------------------


def trace_rows(app: Application, flow: Flow, traces: Sequence[Trace]) -> list[Row]:
    """Return the traces as a table with the field, each step with its result, and the value."""
    rows, field, how, value = [], text("col_field"), text("col_how"), text("col_will_be")
    for trace in traces:
        path = " → ".join(step_said(app, flow, trace.target, step) for step in trace.steps)
        if trace.issue is not None:
            path = " → ".join(part for part in (path, say(trace.issue.cause, trace.issue.facts).problem) if part)
        target_text = field_text(app, flow.target, trace.target, trace.value)
        rows.append({field: _target_caption(trace.target), how: path, value: target_text})
    return rows


def explained_record(
    app: Application,
    flow: str,
    keys: tuple[str, str],
    icon: str,
    about: str,
    width: int,
    mapping: RuleMapping | None = None,
) -> list[Trace] | None:
    """Draw a field that asks for a record, and return the traces of its values.

    Returns None if no record was asked for, and an empty list after an error or for an unknown record; both are shown.
    `keys` are the widget keys of the field and of its button.
    """
    source, state_key = system_name(app.flows[flow].source), f"{keys[0]}-of-{flow}"
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        code = st.text_input(flow_text("why_of", flow, source=source), key=keys[0], width=width, autocomplete="off")
        if st.button(text("btn_show"), icon=f":material/{icon}:", key=keys[1]):
            st.session_state[state_key] = (code or "").strip()
    asked_for = st.session_state.get(state_key, "")
    if not asked_for:
        note(about)
        return None
    with st.spinner(text("why_wait")):
        traces = answer_or_error(lambda: app.drafts.trace_record(flow, asked_for, mapping))
    if traces is not None and not traces:
        note(flow_text("why_unknown", flow, source=source, code=plain(asked_for)))
    return traces or []


def origin(app: Application, row: PlanRow, flow: Flow, change: Change) -> None:
    """Show the source records of a line, and how the target knows the record.

    A first match is mentioned only if no other flow of this console has linked the record.
    """
    codes = [code for code in change.sources if code] or [row.key]
    more = f" +{len(codes) - SHOWN_CODES}" if len(codes) > SHOWN_CODES else ""
    shown_codes = ", ".join(coded(code) for code in codes[:SHOWN_CODES])
    sentences = [text("plan_source", system=system_name(flow.source), codes=f"{shown_codes}{more}")]
    others = [name for name in app.flows if name != flow.name]
    if change.first_match and not app.links.find_exact(others, row.key, 1):
        sentences.append(text("plan_first_match"))
    if row.reference:
        sentences.append(text("plan_reference", system=system_name(flow.target), reference=plain(row.reference)))
    note(" ".join(sentences))


def step_said(app: Application, flow: Flow, target: str, step: TraceStep) -> str:
    """Return the name and the result of one step of a trace. Fields and table rows are named by their captions."""
    step_name = (
        field_term(step.operation)
        if has_term(f"field_{step.operation.partition(':')[0]}")
        else table_step(app, flow, step) or step.operation
    )
    return f"{step_name}: {step_text(app, flow, target, step) or term('empty_value')}"


def _target_caption(target: str) -> str:
    """Return the caption of a field. The caption of a stock level is its branch."""
    branch, _, field = target.partition("/")
    return text("branch_short", branch=branch) if field == "amount" else field_name(target)
