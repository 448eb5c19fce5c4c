"""The overview: items that wait for a person, and the status of the flows."""

from datetime import UTC, datetime

import streamlit as st

from integration.services.connections.sandbox_host import SandboxHost
from integration.services.runs.runs import Runs
from pages.components.overview.attention import connection_rows, last_days
from pages.components.overview.first_steps import first_steps
from pages.components.overview.first_week import first_week
from pages.components.overview.former_codes import former_codes_questions
from pages.components.overview.place import place_question
from pages.components.overview.system_question import system_questions
from pages.components.setup.steps import unfinished
from pages.components.shared.application import application, may, refreshing
from pages.components.shared.flows import flow_cards, invitation, start_preview
from pages.components.shared.layout import empty, failures, head, log_aside, section
from pages.components.shared.runs import added, runs_of_today, sum_strip
from pages.components.shared.waiting import waiting_items, waiting_list
from pages.components.shared.wording import flow_name, long_day, moment, sandbox_badges, text

REFRESH_SECONDS = 15

app = application()
now = datetime.now(UTC)


@refreshing(REFRESH_SECONDS)
def status_summary() -> None:
    """Draw the part of the page that refreshes itself. A changed connection reruns the whole page."""
    if status_since() != st.session_state["stood"]:
        st.rerun()
    begins = app.first_week.begins_with()
    statuses = app.flows.statuses()
    if begins:
        first_steps(app, next(status for status in statuses if status.flow.name == begins))
    items = waiting_items(app, statuses)
    if items.first_items or not begins:
        section(text("needs_person"))
    if items.first_items:
        waiting_list(app, items)
    elif not begins:
        empty("task_alt", text("needs_nothing"), text("needs_nothing_about"))
    section(text("nav_flows"))
    flow_cards(app, statuses)
    runs = runs_of_today(app)
    with st.grid(5, min_column_width=125) as grid:
        with grid.cell(column_span=3):
            section(text("today_adds_up"))
            with st.container(border=True, gap="xsmall"):
                if runs:
                    sum_strip(added(runs))
                else:
                    st.markdown(f":small[:gray[{text('today_nothing')}]]")
        with grid.cell(column_span=2):
            section(text("connections"))
            connection_rows(app)
    if not begins:
        first_week(app)
    last_days(app)


def status_since() -> list[bool | None]:
    """Return the status of both connections, which the sidebar also shows."""
    return [status.ok for status in app.connection_monitor.statuses()]


def new_preview() -> None:
    """Draw the menu that starts a preview of any flow."""
    flow = st.menu_button(
        text("btn_preview_of"),
        list(app.flows),
        key="new_preview",
        type="secondary" if app.first_week.begins_with() else "primary",  # the first steps have the primary button
        icon=":material/difference:",
        format_func=flow_name,
    )
    if flow:
        start_preview(app, flow)


def advance_day() -> None:
    """Draw the button that simulates a day of sales in the sample shop, so that there are new records."""
    if st.button(
        text("btn_pass_a_day"),
        icon=":material/wb_twilight:",
        type="tertiary",
        key="advance_day",
        help=text("pass_a_day_about"),
    ):
        app.sandbox.advance_day()
        st.toast(text("day_passed"))


st.session_state["stood"] = status_since()
unfinished_at = app.setup.unfinished_step()
if not any(status.connected for status in app.connections.statuses()):
    head(text("nav_overview"), text("welcome_about"))
    failures()
    log_aside(app.log.broken_files())
    if unfinished_at:
        unfinished(unfinished_at)
    invitation(app)
else:
    with head(text("nav_overview"), f"{long_day(now)}, {moment(now)}", sandbox_badges(app.sandbox.is_connected)):
        if app.sandbox.runs_here and may(SandboxHost.advance_day):
            advance_day()
        if may(Runs.preview):
            new_preview()
    failures()
    place_question(app)
    system_questions(app)
    former_codes_questions(app)
    log_aside(app.log.broken_files())
    if unfinished_at:
        unfinished(unfinished_at)
    status_summary()
