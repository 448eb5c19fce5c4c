"""The plan: what would be written, field by field, before anything is written."""

# ruff: noqa: TID251 - pages speak to the browser

import streamlit as st

from integration.core.run import Mode, RunState
from pages.components.application import application
from pages.components.flows import start_preview
from pages.components.layout import choice, empty, failures, head, pages, search
from pages.components.plan import PAGE, brake_box, commit_bar, plan_detail, plan_table
from pages.components.plan_head import (
    about_plan,
    lines_by_show,
    plan_of_address,
    plan_outcome,
    show_first,
    show_label,
    sum_line,
)
from pages.components.runs import progress_strip, stopped_by
from pages.components.states import inline, run_state
from pages.components.wording import flow_name, number, plain, sandbox_badges, text

app = application()
run = plan_of_address(app)

if run is None:
    head(text("nav_preview"), text("preview_about"), sandbox_badges(app.sandboxed))
    failures()
    if empty("difference", text("preview_none"), text("preview_none_about"), text("btn_first"), key="first"):
        start_preview(app, st.query_params.get("flow") or next(iter(app.flows)))
    st.stop()

flow = app.flows[run.flow]
badges = [inline(run_state(run.state)), *sandbox_badges(app.sandboxed)]
with head(text("nav_preview"), about_plan(run, flow), badges):
    if run.state is not RunState.PREVIEWING:
        if st.button(text("btn_preview_again"), icon=":material/refresh:", key="again"):
            start_preview(app, run.flow)
        if st.button(text("btn_read_all"), icon=":material/sync:", type="tertiary", key="complete"):
            start_preview(app, run.flow, Mode.COMPLETE)
        download = st.container(width="content")
failures()

if run.state is RunState.PREVIEWING:
    progress_strip(app, run.id)
    st.stop()

stopped_by(run)
if run.state is RunState.READY:
    brake_box(run)
else:
    plan_outcome(app, run)

numbers = lines_by_show(app, run)
shows = ("all", "create", "update", "retire", "park", "skip", "unchanged")
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    show = choice("show", shows, show_first(numbers), show_label(numbers), forget=("record", "page"))
    find = search("find", text("find_in_plan"))
with download:
    st.download_button(
        text("btn_csv"), data=lambda: app.csv(run.id, show, find), file_name=f"{run.flow}-{run.id[:8]}-{show}.csv",
        icon=":material/download:", on_click="ignore", mime="text/csv",
    )  # fmt: skip

lines = 0 if show == "unchanged" else app.row_count(run.id, show, find)
if show == "unchanged":
    empty("equal", text("unchanged_title", number=number(numbers["unchanged"])), text("unchanged_about"))
elif not lines:
    if find:
        if empty("filter_alt_off", text("nothing_found", find=plain(find)), text("nothing_found_about"),
                 text("btn_clear_filters"), key="clear"):  # fmt: skip
            st.query_params.pop("find", None)
            st.rerun()
    else:
        empty("task_alt", text(f"none_{show}"), text("none_about", flow=flow_name(run.flow)))
else:
    offset = (int(st.session_state.get("page") or 1) - 1) * PAGE
    rows = app.rows(run.id, show, find, offset if offset < lines else 0, PAGE)
    ticks = run.state is RunState.READY and show in ("all", "create", "update", "retire")
    name = f"{show}-{find}-{offset}-{st.session_state.get('ticks_round', 0)}"
    with st.grid(5, min_column_width=190) as grid:
        with grid.cell(column_span=3):
            looked_at = plan_table(run, rows, show, name, ticks=ticks)
            pages("page", lines, PAGE)
            sum_line(run.counts)
        with grid.cell(column_span=2):
            if looked_at is not None:
                plan_detail(app, run, flow, looked_at)

if run.state is RunState.READY:
    commit_bar(app, run, flow, app.row_count(run.id, "changes"))
