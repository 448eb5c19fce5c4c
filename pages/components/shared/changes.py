"""Describes a line of a plan: the changed fields, a summary in one line, and the explanation of each value."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import streamlit as st

from integration.application.application import Application
from integration.core.flow import Flow
from integration.core.plan import Action, Change
from integration.core.plan_lines import PlanRow
from integration.core.records import Sort, Value
from integration.core.reverted_values import TAKEN_BACK
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
    counted,
    field_name,
    field_term,
    flow_text,
    number,
    plain,
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
    wanted: Value
    there: bool  # the target already has the record that the field belongs to


def field_changes(change: Change) -> Iterator[FieldChange]:
    """Yield the fields that a change writes, in the order of the record."""
    before = change.before.flat() if change.before else {}
    known = {part.key for part in change.before.parts} if change.before else set()
    for path, name, wanted in change.wanted.fields():
        part = path.rpartition("/")[0]
        there = change.before is not None and (not part or part in known or path in before)
        yield FieldChange(part, name, before.get(path), wanted, there)


def what_changes(app: Application, row: PlanRow, *, undone: bool = False, system: str = "", total: bool = True) -> str:
    """Return a one-line summary of a plan line, or the reason why it has no change or was not written.

    `undone` is set for a plan that undoes a run. `system` is the target of the plan. `total` is false where the total
    has a column of its own.
    """
    change = row.change
    if change is not None and row.cause == TAKEN_BACK:
        written = what_changes(app, replace(row, cause=""), undone=True, system=system, total=total)
        return f"{text('plan_taken_back')} · {written}" if change.action is not Action.RETIRE else written
    if change is None or row.cause:
        return say(row.cause, {"system": system, **row.facts}).what if row.cause else ""
    if change.action is Action.RETIRE:
        return text("plan_withdrawn") if undone else counted("plan_retires", max(1, len(change.wanted.parts)))
    if change.action is Action.CREATE and not total and document_total(change.agreed) is not None:
        return _with_cuts(_lines(change), change)
    if change.action is Action.CREATE:
        return _with_cuts(NEW.get(change.kind.sort, _what_is_new)(change), change)
    each = {
        (_short_name(app, system, one), value_text(one.now), value_text(one.wanted)): one
        for one in field_changes(change)
    }
    lines = sorted(each.values(), key=lambda one: (one.field not in PRICES, _is_long(one)))  # long texts last
    shown = [_with_unit(one, f"{_short_name(app, system, one)} {_short(app, system, one)}", change) for one in lines]
    shown = shown[:SHOWN_FIELDS]
    if len(lines) > SHOWN_FIELDS:
        shown.append(f"+{len(lines) - SHOWN_FIELDS}")
    return _with_cuts(capital(" · ".join(shown)), change)


def shortened(said: str, room: int) -> str:
    """Return a text cut to at most `room` characters at a word boundary; the detail of the line shows all of it."""
    return said if len(said) <= room else f"{said[:room].rpartition(' ')[0].rstrip(' ·,')} …"


def _with_cuts(said: str, change: Change) -> str:
    """Return a summary that starts with the names of the fields that the target stores truncated."""
    cut = [name for name, told in change.told.items() if is_cut(change.wanted.values.get(name), told)]
    fields = ", ".join(sorted(field_term(f"{change.kind}.{name}") for name in cut))
    return f"{text('plan_cut_fields', fields=fields)} · {said}" if fields else said


def _with_unit(line: FieldChange, said: str, change: Change) -> str:
    """Return the text of a stock level with the unit of the article, if the unit is known."""
    return f"{said} {change.unit}" if line.field == LEVEL and change.unit else said


def _short_name(app: Application, system: str, line: FieldChange) -> str:
    """Return the short caption of a field. The caption of a stock level is its branch."""
    if line.field != LEVEL:
        return field_term(line.field)
    return f"{app.lists.captions(system, 'branches').get(line.part) or term('branch_short', branch=line.part)}:"


def _is_long(line: FieldChange) -> bool:
    return max(len(value_text(line.now)), len(value_text(line.wanted))) > LONGEST


def _short(app: Application, system: str, line: FieldChange) -> str:
    if _is_long(line):
        return term("plan_text_changes")
    old, new = (field_text(app, system, line.field, one) or term("empty_value") for one in (line.now, line.wanted))
    return f"{old} → {new}" if line.there else new


def _what_is_new(change: Change) -> str:
    parts = change.wanted.parts
    prices = [value for part in parts for _, name, value in part.fields() if name in PRICES]
    price = next((value_text(one) for one in prices if isinstance(one, Decimal)), "")
    if len(parts) > 1:
        variants = counted("article", len(parts))
        return (
            text("plan_new_variants", variants=variants, price=price)
            if price
            else text("plan_new_unpriced", variants=variants)
        )
    if price:
        return text("plan_new_article", price=price)
    return text("plan_new_record", fields=number(len(change.wanted.values)))


def _new_party(change: Change) -> str:
    """Return the street, city and e-mail address of a new debtor, relation or address."""
    told = [value_text(change.wanted.values.get(name)) for name in ("street", "city", "email")]
    about = ", ".join(one for one in told if one)
    return text("plan_new_party", about=about) if about else _what_is_new(change)


def _new_document(change: Change) -> str:
    """Return the number of lines and the total of a new document or daybook page, or the amount of a new payment."""
    sold, lines = document_total(change.agreed), _lines(change)
    if change.kind.sort is Sort.PAYMENT and sold is not None:
        return text("plan_new_payment", amount=amount_text(sold))
    return lines if sold is None else text("plan_new_document", lines=lines, total=amount_text(sold))


def _lines(change: Change) -> str:
    """Return the number of lines of a document, or an empty text for a payment, which has none."""
    return counted("document_lines", len(change.wanted.parts)) if change.wanted.parts else ""


# Summaries of new records that say more than the number of fields.
NEW: Mapping[Sort, Callable[[Change], str]] = {
    Sort.PARTY: _new_party,
    Sort.DOCUMENT: _new_document,
    Sort.PAGE: _new_document,
    Sort.PAYMENT: _new_document,
}


# ---- traces of values -----------------------------------------------------------------------------------------------


def trace_rows(app: Application, flow: Flow, traces: Sequence[Trace]) -> list[Row]:
    """Return the traces as a table with the field, each step with its result, and the value."""
    rows, field, how, value = [], text("col_field"), text("col_how"), text("col_will_be")
    for trace in traces:
        path = " → ".join(step_said(app, flow, trace.target, step) for step in trace.steps)
        if trace.issue is not None:
            path = " → ".join(part for part in (path, say(trace.issue.cause, trace.issue.facts).what) if part)
        made = field_text(app, flow.target, trace.target, trace.value)
        rows.append({field: _named(trace.target), how: path, value: made})
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
        found = answer_or_error(lambda: app.drafts.why(flow, asked_for, mapping))
    if found is not None and not found:
        note(flow_text("why_unknown", flow, source=source, code=plain(asked_for)))
    return found or []


def origin(app: Application, row: PlanRow, flow: Flow, change: Change) -> None:
    """Show the source records of a line, and how the target knows the record.

    A first match is mentioned only if no other flow of this console has linked the record.
    """
    codes = [code for code in change.sources if code] or [row.key]
    more = f" +{len(codes) - SHOWN_CODES}" if len(codes) > SHOWN_CODES else ""
    shown = ", ".join(coded(code) for code in codes[:SHOWN_CODES])
    said = [text("plan_source", system=system_name(flow.source), codes=f"{shown}{more}")]
    others = [name for name in app.flows if name != flow.name]
    if change.first_match and not app.links.find_exact(others, row.key, 1):
        said.append(text("plan_first_match"))
    if row.reference:
        said.append(text("plan_reference", system=system_name(flow.target), reference=plain(row.reference)))
    note(" ".join(said))


def step_said(app: Application, flow: Flow, target: str, step: TraceStep) -> str:
    """Return the name and the result of one step of a trace. Fields and table rows are named by their captions."""
    done = field_term(step.what) if has_term(f"field_{step.what}") else table_step(app, flow, step) or step.what
    return f"{done}: {step_text(app, flow, target, step) or term('empty_value')}"


def _named(target: str) -> str:
    """Return the caption of a field. The caption of a stock level is its branch."""
    branch, _, field = target.partition("/")
    return text("branch_short", branch=branch) if field == "amount" else field_name(target)
