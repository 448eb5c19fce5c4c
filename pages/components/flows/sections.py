"""The settings of a flow: the cards of its sections, and how each sort of answer is drawn."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from integration.flows.forms import (
    Choose,
    Code,
    Codes,
    Day,
    Example,
    Money,
    PerKey,
    Pick,
    Rates,
    Rows,
    Several,
    Shape,
    SourceField,
    Switch,
    Together,
    Whole,
    Words,
    names,
)
from integration.services import Application
from pages.components.shared import inputs
from pages.components.shared.draft import Draft, editor
from pages.components.shared.inputs import Form, field_label, source_field, source_fields
from pages.components.shared.layout import note, small
from pages.components.shared.tables import CONFIG
from pages.components.shared.traces import trace_frame, why_of
from pages.components.shared.wording import flow_text, read_number, text, typed_text


def rates(form: Form, shape: Rates) -> dict[str, Decimal]:
    """Draw the rates of currencies and return what is on screen."""
    draft, label = form.draft, form.label(shape.name)
    currency, now = draft.value("default_currency"), draft.value(shape.name)
    st.markdown(f":small[**{label}**]")
    frame = pd.DataFrame(
        {"currency": list(now), "rate": [typed_text(Decimal(rate)) for rate in now.values()]}, dtype="string"
    )
    columns = {
        "currency": CONFIG.TextColumn(text("col_currency"), max_chars=3, width=110, required=True),
        "rate": CONFIG.TextColumn(text("col_rate", currency=currency), width=190, required=True),
    }
    edited = editor(draft.key(shape.name), frame, columns, label, num_rows="dynamic", width=340)
    found: dict[str, Decimal] = {}
    for row in edited.fillna("").to_dict("records"):
        name, given = str(row["currency"]).strip().upper(), str(row["rate"]).strip()
        rate = read_number(given)
        if rate and rate > 0 and re.fullmatch("[A-Z]{3}", name):
            found[name] = rate
        elif name or given:
            draft.wrong[shape.name] = text("rate_wrong", currency=name or "–", rate=given or "–")
    note(text("rates_about", currency=currency))
    return found


def example(form: Form, shape: Example) -> None:
    """Ask for a record and show how its values come about."""
    del shape
    flow = form.flow
    small(f"**{flow_text('example', flow)}**")
    keys = (f"example-{flow}", f"example-show-{flow}")
    found = why_of(form.app, flow, keys, "calculate", text("example_about"), 200)
    if found:
        st.table(trace_frame(found), hide_index=True, border="horizontal")
    if found is not None and form.draft.changed:
        note(f":orange[:material/info: {text('example_saved_only')}]")


def pick_with_objects(form: Form, shape: Pick) -> str:
    """Draw one of a few options, of which some need an object of the books that an installation may not have.

    What lacks its object leads to where that is named.
    """
    lacking = {option: name for option, name in shape.needs.items() if not form.app.names.has_object(name)}
    if not lacking:
        return inputs.pick(form, shape)
    with st.container(gap="xsmall"):
        chosen = inputs.pick(form, shape, lacking)
        for name in lacking.values():
            note(text(f"no_object_{name}"))
            if st.button(text(f"btn_name_{name}"), type="tertiary", icon=":material/label:", key=f"name_{name}"):
                where = {"step": "accountview", "names": "true", "object": name}
                st.switch_page("pages/setup.py", query_params=where)
    return chosen


def draw(form: Form, shape: Shape) -> None:
    """Draw a setting where it is asked at all, take what is on screen into the draft, and say what is wrong with it."""
    if shape.only is not None and form.draft.value(shape.only.name) not in shape.only.among:
        return
    given = DRAWN[type(shape)](form, shape)
    if shape.name:
        form.draft.put(shape.name, given)
        form.draft.beside(shape.name)


def _together(form: Form, shape: Together) -> None:
    with st.container(gap="xsmall"):
        if shape.title:
            st.markdown(f":small[**{text(shape.title)}** :gray[{text(f'{shape.title}_about')}]]")
        with st.container(horizontal=True, gap="medium" if shape.title else "small"):
            for each in shape.shapes:
                draw(form, each)


def options_of(form: Form, shape: PerKey) -> dict[str, str]:
    """Return what each code can get, with its words; nothing where any text will do."""
    of = shape.options
    if of is None:
        return {}
    fields = source_fields(form.app, form.flow, of.kind) or []
    first = {code: text(word) for code, word in of.first.items()}
    return first | {one.name: field_label(fields, one.name) for one in fields if one.type is of.type}


# How each sort of answer is drawn.
DRAWN: Mapping[type[Shape], Callable[[Form, Any], Any]] = {
    Together: _together,
    Switch: inputs.switch,
    Pick: pick_with_objects,
    Choose: inputs.choose,
    Several: inputs.several,
    Code: inputs.code,
    Codes: inputs.codes,
    Words: inputs.words,
    Whole: inputs.whole,
    Money: inputs.money,
    Day: inputs.day,
    SourceField: source_field,
    PerKey: lambda form, shape: inputs.per_key(form, shape, options_of(form, shape)),
    Rows: inputs.rows,
    Rates: rates,
    Example: example,
}


def settings_tab(app: Application, draft: Draft) -> None:
    """Draw every setting that is a question of its own."""
    form = Form(app, draft)
    with st.grid(2, min_column_width=330):
        for section in app.flows.spec(draft.flow).sections:
            with st.container(border=True, gap="small", height="stretch"):
                heading(text(section.title), *names(section.shapes))
                for shape in section.shapes:
                    draw(form, shape)
                for each in section.notes:
                    note(text(each))


def heading(title: str, *names: str) -> None:
    """Draw the head of a card; the one a repair leads to is marked."""
    asked_for = st.query_params.get("field", "").partition(".")[0]
    tops = {name.partition(".")[0] for name in names}
    pointer = f" :blue-badge[:material/build: {text('to_repair')}]" if asked_for and asked_for in tops else ""
    st.subheader(f"{title}{pointer}", anchor=False)
