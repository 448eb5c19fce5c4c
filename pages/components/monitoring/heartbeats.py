"""Heartbeats to an outside monitor, and the opening hours of the shop. Both make silence noticeable."""

from datetime import time

import streamlit as st

from integration.alerts.heartbeat_pings import WHOLE
from integration.application.application import Application
from integration.services.opening_hours import COUNTRIES
from integration.words.countries import countries
from pages.components.shared.application import person
from pages.components.shared.layout import act, inline, note, section
from pages.components.shared.wording import Markdown, flow_name, language, moment, option_name, plain, text, weekdays


def heartbeat_settings(app: Application) -> None:
    """Draw the heartbeat addresses of the console and of each flow."""
    section(text("signs_title"), text("signs_about"))
    start_times = app.pings.start_times()
    with st.container(border=True, gap="small"):
        for flow in (WHOLE, *app.flows):
            _heartbeat_row(app, flow, is_on=flow in start_times)


def _heartbeat_row(app: Application, flow: str, *, is_on: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        address = st.text_input(
            text("signs_whole") if flow == WHOLE else flow_name(flow), type="password", key=f"ping-{flow}",
            placeholder=text("signs_kept") if is_on else text("signs_example"), width="stretch",
        )  # fmt: skip
        with st.container(width=300):
            st.markdown(_last_ping_text(app, flow) if is_on else inline("off", text("signs_off")))
        if st.button(text("btn_sign_save"), key=f"ping-save-{flow}", disabled=not address):
            act(lambda: app.pings.change(flow, address, person()))
        if is_on and st.button(text("btn_sign_end"), key=f"ping-end-{flow}", type="tertiary"):
            act(lambda: app.pings.change(flow, "", person()))


def _last_ping_text(app: Application, flow: str) -> Markdown:
    last = app.monitoring.last_ping(flow)
    if last is None:
        return inline("waiting", text("signs_none_yet"))
    if last.sent_at is None:
        return f"{inline('failed', text('channel_failing'))} {plain(last.error)}"
    return inline("ok", text("sent_at", moment=moment(last.sent_at)))


def opening_hours(app: Application) -> None:
    """Draw the form of the opening hours."""
    section(text("openings_title"), text("openings_about"))
    now = app.opening_hours.current_hours()
    names = countries(language())
    with st.form("openings", border=True):
        days = st.multiselect(
            text("openings_days"), list(range(7)), sorted(now.weekdays), key="openings-days",
            format_func=option_name(lambda day: weekdays()[day]),
        )  # fmt: skip
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            opens: time | None = st.time_input(text("openings_opens"), now.opens, key="openings-opens")
            closes: time | None = st.time_input(text("openings_closes"), now.closes, key="openings-closes")
            hours = st.number_input(
                text("openings_hours"), 0, 500, now.proof_hours, help=text("openings_hours_help"), key="openings-hours"
            )
            country = st.selectbox(
                text("openings_country"), ("", *COUNTRIES), ("", *COUNTRIES).index(now.country), key="openings-country",
                format_func=option_name(lambda code: names[code] if code else text("openings_no_holidays")),
            )  # fmt: skip
        if st.form_submit_button(text("btn_openings_save"), key="openings-save"):
            values = {"weekdays": days, "opens": opens, "closes": closes, "proof_hours": hours, "country": country}
            act(lambda: app.opening_hours.change(values, person()))
    note(text("openings_zone"))
