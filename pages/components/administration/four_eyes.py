"""Four eyes: the limits above which a plan needs the approval of a second person."""

import streamlit as st

from integration.application.application import Application
from integration.core.people import Right
from pages.components.shared.application import person
from pages.components.shared.change_requests import change_requests
from pages.components.shared.layout import note, result_of, section
from pages.components.shared.wording import flow_name, guard_name, option_name, text

FORMS = "four-eyes-forms"  # number of saved forms; the form after a save shows the limits in force


def four_eyes(app: Application) -> None:
    """Draw the second limits of one flow as a form."""
    section(text("four_eyes_title"), text("four_eyes_about"))
    flows = [flow for flow in app.flows if app.four_eyes.brakes(flow)]
    chosen = [flow for flow in flows if app.four_eyes.limits(flow)]
    note(text("four_eyes_flows", flows=", ".join(map(flow_name, chosen))) if chosen else text("four_eyes_off"))
    change_requests(
        app,
        [
            change_request
            for change_request in app.change_requests.waiting()
            if change_request.right is Right.ADMINISTER
        ],
    )
    with st.expander(text("four_eyes_edit")):
        flow = st.selectbox(
            text("col_flow"), flows, key="four-eyes-flow", width=260, format_func=option_name(flow_name)
        )
        _form(app, flow)


def _form(app: Application, flow: str) -> None:
    now, forms = app.four_eyes.limits(flow), st.session_state.get(FORMS, 0)
    keys = {code: f"four-eyes-{flow}-{code}-{now.get(code)}-{forms}" for code in app.four_eyes.brakes(flow)}
    with st.form(f"four-eyes-{flow}", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            limits = {
                code: st.number_input(guard_name(guard), 0, None, now.get(code), key=keys[code], width=200)
                for code, guard in app.four_eyes.brakes(flow).items()
            }
        if st.form_submit_button(text("btn_four_eyes_save"), type="primary", key="four-eyes-save"):
            new_limits = {code: None if limit is None else int(limit) for code, limit in limits.items()}
            in_force = result_of(lambda: app.four_eyes.change(flow, new_limits, person()))
            if in_force is not None:
                st.session_state["said"] = text("four_eyes_saved" if in_force else "four_eyes_waits")
                st.session_state[FORMS] = forms + 1
            st.rerun()
