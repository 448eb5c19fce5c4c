"""The settings of a flow: its sections as cards, its timetable, and its brakes."""

import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.guards import Guard, Measure
from integration.core.records import Value
from integration.flows.forms import (
    Checkbox,
    Code,
    Codes,
    Compared,
    Day,
    Example,
    FieldGroup,
    FormField,
    IntegerField,
    Money,
    MultiSelect,
    PerKey,
    Quantities,
    RadioChoice,
    Rates,
    Rows,
    Select,
    SourceField,
    TextField,
    names,
)
from integration.flows.settings import BOOKS, CodeList
from integration.services.runs.flows import FlowStatus
from pages.components.flows import answers
from pages.components.shared import controls, inputs
from pages.components.shared.application import bring_into_sight, may_open
from pages.components.shared.changes import explained_record, trace_rows
from pages.components.shared.draft import SettingsDraft, toggle
from pages.components.shared.glossary import meaning
from pages.components.shared.inputs import InputForm, field_label, source_field, source_fields
from pages.components.shared.layout import ask_live, note, small
from pages.components.shared.tables import CONFIG, editor
from pages.components.shared.timetables import timetable
from pages.components.shared.wording import (
    Markdown,
    flow_text,
    guard_name,
    guard_text,
    language,
    moment,
    number,
    plain,
    quantity_text,
    read_number,
    text,
    typed_text,
)


def rates(form: InputForm, shape: Rates) -> dict[str, Decimal]:
    """Draw the exchange rates of currencies and return those on screen."""
    draft, label = form.draft, form.label(shape.name)
    currency, now = draft.value("default_currency"), draft.value(shape.name)
    st.markdown(f":small[**{label}**]")
    frame = pd.DataFrame(
        {"currency": list(now), "rate": [typed_text(Decimal(rate)) for rate in now.values()]}, dtype="string"
    )
    columns = {
        "currency": CONFIG.TextColumn(text("col_currency"), max_chars=3, required=True),
        "rate": CONFIG.TextColumn(text("col_rate", currency=currency), required=True),
    }
    edited = editor(draft.key(shape.name), frame, columns, label, num_rows="dynamic", width=340)
    rates_by_currency: dict[str, Decimal] = {}
    for row in edited.to_dict("records"):
        name, rate_text = str(row["currency"]).strip().upper(), str(row["rate"]).strip()
        rate = read_number(rate_text)
        if rate and rate > 0 and re.fullmatch("[A-Z]{3}", name):
            rates_by_currency[name] = rate
        elif name or rate_text:
            draft.wrong[shape.name] = text("rate_wrong", currency=name, rate=rate_text)
    note(text("rates_about", currency=plain(currency)))
    return rates_by_currency


def example(form: InputForm, shape: Example) -> None:
    """Ask for a record and show how its values are computed."""
    del shape
    flow = form.flow
    small(f"**{flow_text('example', flow)}**")
    keys = (f"example-{flow}", f"example-show-{flow}")
    traced = explained_record(form.app, flow, keys, "calculate", text("example_about"), 200)
    if traced:
        rows = [
            {plain(name): plain(cell) for name, cell in row.items()}
            for row in trace_rows(form.app, form.app.flows[flow], traced)
        ]
        st.table(rows, hide_index=True, border="horizontal")
    if traced is not None and form.draft.changed:
        note(f":orange[:material/info: {text('example_saved_only')}]")


def field_comparison(form: InputForm, shape: Compared) -> str:
    """Draw a select box for a field, and the results of each alternative for the records with the highest values."""
    chosen = source_field(form, shape)
    if not chosen:
        return chosen
    ways = shape.alternatives(chosen)
    with st.spinner(text("why_wait")):
        compared_records = ask_live(
            form.app, f"{form.flow} {chosen}", lambda: form.app.settings_comparison.compared(form.flow, chosen, ways)
        )
    if compared_records:
        small(f"**{text(f'compared_{shape.name}')}**")
        rows = [
            {
                text("col_article"): plain(compared_record.title),
                text(f"way_{shape.name}"): _quantity(compared_record.amount),
                **{text(way): _quantity(value) for way, value in compared_record.results.items()},
            }
            for compared_record in compared_records
        ]
        st.table(rows, hide_index=True, border="horizontal")
    elif compared_records is not None:
        note(text(f"compared_{shape.name}_none"))
    return chosen


def _quantity(value: Value) -> Markdown:
    return number(value) if isinstance(value, Decimal) else plain(value)


def pick_with_objects(form: InputForm, shape: Select) -> str:
    """Draw a select box whose options may need an object that this installation of the books lacks.

    Such an option is not offered, and the object's name setting is linked.
    """
    lacking = {option: name for option, name in shape.needs.items() if not form.app.names.has_object(name)}
    if not lacking:
        return inputs.pick_input(form, shape)
    with st.container(gap="xsmall"):
        chosen = inputs.pick_input(form, shape, lacking)
        for name in lacking.values() if shape.shows_first else ():
            note(text(f"no_object_{name}"))
            if may_open("setup") and st.button(
                text(f"btn_name_{name}"), type="tertiary", icon=":material/label:", key=f"name_{name}"
            ):
                where = {"step": BOOKS.system, "names": "true", "object": name}
                st.switch_page("pages/setup.py", query_params=where)
    return chosen


def draw_setting(form: InputForm, shape: FormField) -> None:
    """Draw a setting if it applies, record its value in the draft, and show its error."""
    if shape.only is not None and not shape.only.holds(form.draft.value):
        return
    is_linked = bool(shape.name) and shape.name == st.query_params.get("field")
    with st.container(key="linked-field", gap="xsmall") if is_linked else nullcontext():
        answer = DRAWN[type(shape)](form, shape)
    if shape.name:
        form.draft.put(shape.name, answer)
        form.draft.show_error(shape.name)
    if isinstance(shape, Select) and shape.name in form.draft.changed:
        _booked_note(form, shape)
    if isinstance(shape, TextField):
        _free_prefix_note(form, shape)


def _free_prefix_note(form: InputForm, shape: TextField) -> None:
    """Suggest a free prefix if another console already uses the prefix of this flow."""
    signs, prefix_facts = (
        form.app.flows.spec(form.flow).own_document_marks,
        form.app.connections.prefix_in_use(form.flow),
    )
    if signs is not None and signs.setting == shape.name and prefix_facts.get("prefix") == form.draft.value(shape.name):
        facts = {name: plain(prefix_facts[name]) for name in ("prefix", "free", "reference")}
        note(f":orange[:material/info: {text('prefix_free', **facts)}]")


def _booked_note(form: InputForm, shape: Select) -> None:
    """Show how many records are booked in the form of the saved option; they keep this form."""
    kind = shape.kinds.get(form.draft.saved[shape.name])
    if kind is not None and (booked := form.app.links.count_booked_records(form.flow, kind)):
        note(quantity_text(f"stays_{kind}", booked))


PARTS = {"part_content": "content_part", "part_offer": "offer_part"}  # parts of an article, and the term of each


def _field_group(form: InputForm, shape: FieldGroup) -> None:
    with st.container(gap="xsmall"):
        if shape.title:
            word = PARTS.get(shape.title)
            title_text = f"**{text(shape.title)}** :gray[{text(f'{shape.title}_about')}]"
            small(title_text, meaning(word) if word else None)
        with st.container(horizontal=True, gap="medium" if shape.title else "small"):
            for sub_shape in shape.shapes:
                draw_setting(form, sub_shape)


def options_of(form: InputForm, shape: PerKey) -> dict[str, str]:
    """Return the possible answers of a setting with captions; empty if any text is accepted or the list is unknown."""
    of = shape.options
    if of is None or isinstance(of, CodeList):
        return form.choices(of)
    fields = source_fields(form.app, form.flow, of.kind) or []
    first = {code: text(word) for code, word in of.first.items()}
    return first | {
        candidate.name: field_label(fields, candidate.name) for candidate in fields if candidate.type is of.type
    }


# The function that draws each type of setting.
DRAWN: Mapping[type[FormField], Callable[[InputForm, Any], Any]] = {
    FieldGroup: _field_group,
    Checkbox: inputs.switch_input,
    Select: pick_with_objects,
    RadioChoice: inputs.option_input,
    MultiSelect: inputs.multi_select,
    Code: inputs.code_input,
    Codes: inputs.codes,
    TextField: inputs.words,
    IntegerField: inputs.whole_input,
    Money: inputs.money,
    Day: inputs.day_input,
    SourceField: source_field,
    Compared: field_comparison,
    PerKey: lambda form, shape: answers.per_key(form, shape, options_of(form, shape)),
    Rows: answers.rows,
    Quantities: answers.quantities,
    Rates: rates,
    Example: example,
}


def settings_tab(app: Application, draft: SettingsDraft) -> None:
    """Draw every setting in the cards of its section."""
    form = InputForm(app, draft)
    with st.grid(2, min_column_width=330):
        for section in app.flows.spec(draft.flow).sections:
            with st.container(border=True, gap="small", height="stretch"):
                heading(text(section.title), *names(section.shapes))
                for shape in section.shapes:
                    draw_setting(form, shape)
                for note_key in section.notes:
                    note(text(note_key))


def heading(title: Markdown, *names: str) -> None:
    """Draw the head of a card. The card of the setting in the address is marked and scrolled into view."""
    asked_for = st.query_params.get("field", "")
    top = asked_for.partition(".")[0]
    if not top or top not in {name.partition(".")[0] for name in names}:
        st.header(title, anchor=False)
        return
    is_repair = "cause" in st.query_params
    badge_text = f":material/build: {text('to_repair')}" if is_repair else f":material/search: {text('linked_here')}"
    with st.container(key="linked-card"):
        st.header(f"{title} :blue-badge[{badge_text}]", anchor=False)
    if st.session_state.get("led_to") != asked_for:
        st.session_state["led_to"] = asked_for
        bring_into_sight()


# ---- schedule and brakes --------------------------------------------------------------------------------------------


LAST_RUNS = 10


def schedule_tab(draft: SettingsDraft, status: FlowStatus) -> None:
    """Draw the timetable of the flow, and whether it may write without approval."""
    with st.container(border=True, gap="small", width=860):
        heading(text("schedule_title"), "schedule_minutes", "calendar")
        timetable(draft)
        if status.flow.by_changes:
            toggle(draft, "nightly_complete", flow_text("nightly_about", draft.flow))
        toggle(draft, "auto_approve", text("auto_approve_about"))
        if status.next_run:
            note(text("schedule_next", moment=moment(status.next_run)))
        else:
            note(text("schedule_off"))


def brakes_tab(app: Application, draft: SettingsDraft) -> None:
    """Draw each brake as a sentence with its limit. Switching a brake off asks for a reason."""
    stopped = app.flows.stops(draft.flow, LAST_RUNS)
    runs = min(LAST_RUNS, app.runs.count(draft.flow))
    with st.container(border=True, gap="small", width=860, key="rows_brakes"):
        heading(text("nav_brakes"), "brakes")
        note(text("brakes_about"))
        for place, guard in enumerate(app.flows.spec(draft.flow).settings.guards):
            if place:
                st.divider()
            _brake_form(draft, guard, quantity_text("brake_stopped", stopped.get(guard.code, 0), runs=runs))
        draft.show_error("brakes")


def _brake_form(draft: SettingsDraft, guard: Guard, stopped: Markdown) -> None:
    name = guard.name
    saved, now = draft.saved["brakes"][name], draft.value(f"brakes.{name}")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        on = controls.toggle(
            guard_name(guard),
            value=now is not None,
            key=draft.key(f"brake-{name}-on"),
            label_visibility="collapsed",
            width=44,
        )
        limit = _limit(draft, guard, now, on=on)
        with st.container(width="stretch", gap=None):
            st.markdown(guard_text(guard, draft.flow, guard.limit if limit is None else limit))
            note(stopped if on else text("brake_is_off"))
    draft.put(f"brakes.{name}", limit)
    draft.show_error(f"brakes.{name}")
    if saved is not None and not on:
        reason = controls.text_input(
            text("brake_reason"), draft.reasons.get(name, ""), key=draft.key(f"brake-{name}-reason"), autocomplete="off"
        )
        draft.reasons[name] = reason or ""
        if (reason or "").strip():
            draft.refused.pop(f"reason.{name}", None)
        draft.show_error(f"reason.{name}")
    else:
        draft.reasons.pop(name, None)
        draft.refused.pop(f"reason.{name}", None)


def _limit(draft: SettingsDraft, guard: Guard, now: Any, *, on: bool) -> Any:
    """Draw the limit of a brake and return it, or None if the brake is off."""
    name, usual = guard.name, guard.limit if now is None else now
    if guard.measure is not Measure.NUMBER:
        limit = _share_input(draft, guard, Decimal(f"{usual:g}"), on=on)
        return limit if on else None
    entered_limit = controls.number_input(
        guard_name(guard),
        min_value=0,
        value=int(usual),
        step=1,
        key=draft.key(f"brake-{name}"),
        width=130,
        label_visibility="collapsed",
        disabled=not on,
    )
    return int(entered_limit or 0) if on else None


def _share_input(draft: SettingsDraft, guard: Guard, usual: Decimal, *, on: bool) -> Decimal:
    """Draw a percentage and return it. An invalid entry is reported and returns the old percentage."""
    entered_share = controls.text_input(
        guard_name(guard),
        typed_text(usual),
        key=draft.key(f"brake-{guard.name}-{language()}"),
        width=130,
        label_visibility="collapsed",
        disabled=not on,
        icon=":material/percent:",
        autocomplete="off",
    )
    share = read_number(entered_share or "0")
    if share is not None and share >= 0:
        return share
    draft.wrong[f"brakes.{guard.name}"] = text("number_wrong", value=entered_share, example=typed_text(Decimal("12.5")))
    return usual
