"""Runs: when each started, and how it ended."""

import streamlit as st

from integration.core.run import Run
from integration.core.states import ACTIVE, RunState
from pages.components.shared.application import application
from pages.components.shared.downloads import downloads
from pages.components.shared.flows import offer_preview
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import (
    FIFTH,
    choice,
    clear_address,
    empty,
    failures,
    head,
    inline,
    page_offset,
    pages,
    search,
    section,
    section_with_actions,
)
from pages.components.shared.notes import plan_notes
from pages.components.shared.plan import plan_lines
from pages.components.shared.run_states import run_state
from pages.components.shared.runs import (
    is_of_removed_flow,
    parked_causes,
    progress_strip,
    run_actions,
    run_facts,
    run_phases,
    run_sum,
    run_table,
    runs_listed,
    short_id,
    stopped_by,
)
from pages.components.shared.timeline import run_timeline
from pages.components.shared.wording import (
    author_name,
    flow_name,
    moment,
    number,
    plain,
    sandbox_badges,
    source_to_target,
    text,
)

SIZE = 25
SHOWS = ("all", "proven", "accepted", "in_doubt", "parked", "skip", "left")
ENDED = {
    "any": None,
    "done": [RunState.DONE],
    "waiting": [RunState.READY],
    "stopped": [RunState.FAILED, RunState.INTERRUPTED],
    "discarded": [RunState.DISCARDED],
}

app = application()


def one_run(run_id: str) -> None:
    """Draw one run: its sum, its events, its facts with the approval, and its records by result."""
    run = app.runs.get(run_id)
    if is_of_removed_flow(app, run):
        return
    flow = app.flows[run.flow]
    about = f"{source_to_target(flow.source, flow.target)} · {moment(run.started_at)} · {plain(author_name(run.by))}"
    badges = [inline(run_state(run)), *sandbox_badges(app.sandbox.is_connected)]
    with head(f"{flow_name(run.flow)} · {text('run_title', run=plain(short_id(run.id)))}", about, badges):
        if st.button(text("btn_all_runs"), icon=":material/arrow_back:", type="tertiary", key="all_runs"):
            st.query_params.clear()
            st.rerun()
        run_actions(app, run)
    failures()
    stopped_by(run)
    if run.state in ACTIVE:
        progress_strip(app, run.id)
    with st.grid(5, min_column_width=FIFTH) as grid:
        with grid.cell(column_span=3):
            section(text("run_adds_up"))
            with st.container(border=True, gap="xsmall"):
                run_sum(app, run.id)
            section(text("run_events"))
            run_timeline(app, run.id)
        with grid.cell(column_span=2):
            section(text("run_facts"))
            with st.container(border=True):
                run_facts(app, run)
            plan_notes(app, run)
            run_phases(app, run)
    parked_causes(app, run)
    _records(run)


def _records(run: Run) -> None:
    tools = section_with_actions(text("run_records"))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        numbers = {name: number(app.plans.count(run.id, name)) for name in SHOWS}
        forgotten = ("record", "page", "field", "cause")
        show = choice("show", SHOWS, "all", lambda name: f"{text(f'show_{name}')} **{numbers[name]}**", forgotten)
        find = search(text("find_in_plan"))
    plan_lines(app, run, show, find, text("none_run_about"), at=tools)


def history() -> None:
    """Draw the list of runs, newest first, below the active ones."""
    with head(text("nav_runs"), text("runs_about"), sandbox_badges(app.sandbox.is_connected), meaning("run")):
        download = st.container(width="content")
    failures()
    for active in app.runs.latest(states=list(ACTIVE), limit=len(app.flows)):
        progress_strip(app, active.id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        flow = choice(
            "flow", ("all", *app.flows), "all", lambda name: text("all") if name == "all" else flow_name(name)
        )
        ended = choice("ended", tuple(ENDED), "any", lambda name: text(f"ended_{name}"))
    wanted_flow, states = None if flow == "all" else flow, ENDED[ended]
    total = app.runs.count(wanted_flow, states)
    downloads("runs", lambda: runs_listed(app.runs.latest(wanted_flow, states, limit=max(1, total))), at=download)
    if not total and (wanted_flow or states):
        if empty("filter_alt_off", text("runs_no_match"), text("runs_no_match_about"), text("btn_clear_filters")):
            st.query_params.clear()
            clear_address("flow", "ended")
            st.rerun()
    elif not total:
        offer_preview(
            app, "history", text("runs_none"), text("runs_none_about"), text("btn_first"), next(iter(app.flows))
        )
    else:
        clicked = run_table(app, app.runs.latest(wanted_flow, states, page_offset("page", total, SIZE), SIZE))
        pages("page", total, SIZE)
        if clicked is not None:
            st.switch_page("pages/runs.py", query_params={"run": clicked.id})


if run_id := st.query_params.get("run", ""):
    one_run(run_id)
else:
    history()
