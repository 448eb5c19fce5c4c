"""The plan: what would be written, field by field, before anything is written."""

from dataclasses import astuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.core.run import Among, Mode, Run, RunState
from pages.components.preview.plan import (
    about_plan,
    brake_box,
    commit_bar,
    outdated_bar,
    plan_of_address,
    plan_outcome,
    sum_line,
    watch,
)
from pages.components.shared.application import application
from pages.components.shared.flows import start_preview
from pages.components.shared.layout import (
    choice,
    clear_search,
    csv_button,
    empty,
    failures,
    head,
    no_match,
    note,
    page_offset,
    pages,
    search,
    trouble,
)
from pages.components.shared.plan import (
    PAGE,
    choose_shown,
    facet_filters,
    forget_filters,
    plan_detail,
    plan_table,
)
from pages.components.shared.runs import progress_strip, short_id, stopped_by, undo
from pages.components.shared.states import inline, run_state
from pages.components.shared.wording import flow_name, number, plain, sandbox_badges, text

SHOWS = ("all", "create", "update", "retire", "park", "skip", "unchanged")

app = application()


def nothing_yet() -> None:
    """Draw the invitation to the first preview."""
    head(text("nav_preview"), text("preview_about"), sandbox_badges(app.sandbox.is_connected))
    failures()
    if empty("difference", text("preview_none"), text("preview_none_about"), text("btn_first"), key="first"):
        asked = st.query_params.get("flow", "")
        start_preview(app, asked if asked in app.flows else next(iter(app.flows)))


def plan_page(run: Run) -> None:
    """Draw one plan from its head to the bar that commits it."""
    badges = [inline(run_state(run.state)), *sandbox_badges(app.sandbox.is_connected)]
    actions = head(text("nav_preview"), about_plan(run, app.flows[run.flow]), badges)
    if run.state is RunState.PREVIEWING:
        failures()
        progress_strip(app, run.id)
        return
    outdated = app.runs.outdated(run) if run.state is RunState.READY else None
    with actions:
        if run.state is not RunState.COMMITTING:
            preview_again(run, is_offered_below=outdated is not None)
        download = st.container(width="content")
    failures()
    stopped_by(run)
    if run.mode is Mode.UNDO:
        note(f":blue[:material/undo:] {text('undo_plan', run=short_id(run.undo_of))}")
    if run.state is RunState.READY:
        if outdated is not None:
            trouble(outdated.code, outdated.facts, "interrupted")
        brake_box(run)
        watch(app, run)
    else:
        plan_outcome(app, run)
    if run.state is RunState.COMMITTING:
        progress_strip(app, run.id)
    plan_lines(run, download)
    if run.state is not RunState.READY:
        return
    changes = app.plans.count(run.id, "changes")
    if outdated is None:
        commit_bar(app, run, app.flows[run.flow], changes)
    elif outdated_bar(app, run, app.flows[run.flow], changes):
        anew(run)


def preview_again(run: Run, *, is_offered_below: bool) -> None:
    """Offer to make the plan anew, unless the bar below does, or to read everything."""
    if not is_offered_below and st.button(text("btn_preview_again"), icon=":material/refresh:", key="again"):
        anew(run)
    if run.mode is not Mode.UNDO and st.button(
        text("btn_read_all"), icon=":material/sync:", type="tertiary", key="complete"
    ):
        start_preview(app, run.flow, Mode.COMPLETE)


def anew(run: Run) -> None:
    """Make a plan anew: what changed, or what takes back an earlier run."""
    if run.mode is Mode.UNDO and (earlier := run.undo_of):
        undo(app, app.runs.get(earlier))
    start_preview(app, run.flow)


def plan_lines(run: Run, download: DeltaGenerator) -> None:
    """Draw the lines of a plan with the filters above them and the detail beside them."""
    numbers = {name: app.plans.count(run.id, name) for name in SHOWS if name != "unchanged"}
    numbers["unchanged"] = run.counts.unchanged  # which have no lines
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        show = choice(
            "show",
            SHOWS,
            next((name for name in ("update", "create", "retire") if numbers[name]), "all"),
            lambda name: f"{text(f'show_{name}')} **{number(numbers[name])}**",
            ("record", "page", "field", "cause"),
        )
        find = search("find", text("find_in_plan"))
    if show == "unchanged":
        empty("equal", text("unchanged_title", number=number(numbers["unchanged"])), text("unchanged_about"))
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        among = facet_filters(app, run, show)
    csv_button(f"{run.flow}-{run.id[:8]}-{show}.csv", lambda: app.plans.csv(run.id, show, find, among), at=download)
    lines = app.plans.count(run.id, show, find, among)
    if lines:
        some_lines(run, show, find, among, lines)
    elif not find and among == Among():
        empty("task_alt", text(f"none_{show}"), text("none_about", flow=flow_name(run.flow)))
    elif no_match(
        text("nothing_found", find=plain(find)) if find else text("nothing_filtered"), text("nothing_found_about")
    ):
        forget_filters()
        clear_search("find")


def some_lines(run: Run, show: str, find: str, among: Among, lines: int) -> None:
    """Draw one page of lines and the one that is looked at."""
    offset = page_offset("page", lines, PAGE)
    rows = app.plans.rows(run.id, show, find, offset, PAGE, among)
    ticks = run.state is RunState.READY and show in ("all", "create", "update", "retire")
    name = "-".join([show, find, *astuple(among), str(offset), str(st.session_state.get("ticks_round", 0))])
    with st.grid(5, min_column_width=190) as grid:
        with grid.cell(column_span=3):
            looked_at = plan_table(app, run, rows, show, name, ticks=ticks)
            pages("page", lines, PAGE)
            if ticks:
                choose_shown(app, run, show, find, among)
            sum_line(run.counts)
        with grid.cell(column_span=2):
            if looked_at is not None:
                plan_detail(app, run, app.flows[run.flow], looked_at)


found = plan_of_address(app)
if found is None:
    nothing_yet()
else:
    plan_page(found)
