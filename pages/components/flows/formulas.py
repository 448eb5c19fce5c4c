"""The settings that are like no other: exchange rates, and a formula with an example beside it."""

import re
from decimal import Decimal

import pandas as pd
import streamlit as st

from integration.core.rules import Trace
from integration.flows.forms import Example, Rates
from pages.components.shared.draft import editor
from pages.components.shared.inputs import Asking
from pages.components.shared.layout import attempt, note, small, trouble
from pages.components.shared.traces import trace_frame
from pages.components.shared.wording import flow_text, plain, read_number, system_name, text, typed_text


def rates(asking: Asking, shape: Rates) -> None:
    """Draw the rates of currencies and take what is on screen into the draft."""
    draft = asking.draft
    currency = draft.value("default_currency")
    st.markdown(f":small[**{asking.label(shape.name)}**]")
    now = draft.value(shape.name)
    frame = pd.DataFrame(
        {"currency": list(now), "rate": [typed_text(Decimal(rate)) for rate in now.values()]}, dtype="string"
    )
    config = st.column_config
    edited = editor(
        draft.key(shape.name),
        frame,
        num_rows="dynamic",
        width=340,
        alt=asking.label(shape.name),
        columns={
            "currency": config.TextColumn(text("col_currency"), max_chars=3, width=110, required=True),
            "rate": config.TextColumn(text("col_rate", currency=currency), width=190, required=True),
        },
    )
    found: dict[str, Decimal] = {}
    for row in edited.fillna("").to_dict("records"):
        name, given = str(row["currency"]).strip().upper(), str(row["rate"]).strip()
        if not name and not given:
            continue
        rate = _rate(given)
        if rate is None or not re.fullmatch("[A-Z]{3}", name):
            draft.wrong[shape.name] = text("rate_wrong", currency=name or "–", rate=given or "–")
            continue
        found[name] = rate
    draft.put(shape.name, found)
    note(text("rates_about", currency=currency))


def _rate(given: str) -> Decimal | None:
    rate = read_number(given)
    return rate if rate is not None and rate > 0 else None


def example(asking: Asking, shape: Example) -> None:
    """Ask for a record and show how its values come about."""
    del shape
    flow, source = asking.flow, system_name(asking.app.flows[asking.flow].source)
    small(f"**{flow_text('example', flow)}**")
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        code = st.text_input(
            flow_text("why_of", flow, source=source), key=f"example-{flow}", width=200, autocomplete="off"
        )
        if st.button(text("btn_show"), icon=":material/calculate:", key=f"example-show-{flow}"):
            st.session_state[f"example-of-{flow}"] = (code or "").strip()
    asked_for = st.session_state.get(f"example-of-{flow}", "")
    if not asked_for:
        note(text("example_about"))
        return
    found: list[Trace] = []
    with st.spinner(text("why_wait")):
        good = attempt(lambda: found.extend(asking.app.drafts.why(flow, asked_for)))
    if not good:
        trouble(*st.session_state.pop("failure"))
    elif not found:
        note(flow_text("why_unknown", flow, source=source, code=plain(asked_for)))
    else:
        st.table(trace_frame(found), hide_index=True, border="horizontal")
    if asking.draft.changed:
        note(f":orange[:material/info: {text('example_saved_only')}]")
