"""Waiting plans for a phone: each with its amount, brakes, short form, and the commit button."""

import streamlit as st

from integration.core.run import Run
from integration.core.states import ACTIVE, RunState
from integration.services.runs.runs import Runs
from pages.components.phone.plan import plan_in_short, plan_link
from pages.components.preview.committing import brake_box, commit_bar, four_eyes_box
from pages.components.shared.application import application, may
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import empty, failures, head, inline, mark, note, show_error
from pages.components.shared.plan_selection import changes_notice, current_plan, stored_plan, watch_plan
from pages.components.shared.run_states import run_state
from pages.components.shared.runs import outcome, progress_strip
from pages.components.shared.waiting import waiting_items, waiting_list
from pages.components.shared.wording import author_name, flow_name, moment, plain, quantity_text, sandbox_badges, text

app = application()


def draw_all() -> None:
    """Draw active runs and everything that waits. A plan has a link to its short form."""
    plans = app.runs.waiting_plans()
    about = quantity_text("phone_about", len(plans)) if plans else text("phone_none_about")
    head(text("nav_phone"), about, sandbox_badges(app.sandbox.is_connected))
    failures()
    for run in app.runs.latest(states=list(ACTIVE), limit=len(app.flows)):
        progress_strip(app, run.id)
    items = waiting_items(app)
    if items.first_items:
        waiting_list(app, items, actions=plan_link)
    else:
        empty("task_alt", text("needs_nothing"), text("needs_nothing_about"))


def one_plan(run: Run) -> None:
    """Draw one waiting plan in short form, with the bar that commits it."""
    run = current_plan(app, run)
    about = text("phone_made", moment=moment(run.started_at), by=plain(author_name(run.by)))
    head(flow_name(run.flow), about, [inline(run_state(run)), *sandbox_badges(app.sandbox.is_connected)])
    failures()
    if run.state is not RunState.READY:
        if run.state in ACTIVE:
            progress_strip(app, run.id)
        else:
            note(text("phone_no_longer"))
            if run.state is RunState.DONE and run.approval is not None:
                sign, sentence = outcome(app, run)
                note(f"{mark(sign)} {sentence}")
        draw_next_steps(run)
        return
    changes_notice(run)
    outdated = app.runs.outdated(run)
    if outdated is not None:
        show_error(outdated.code, outdated.facts, "interrupted")
    brake_box(run, asks=outdated is None and may(Runs.commit))
    four_eyes_box(app, run)
    watch_plan(app, run)
    plan_in_short(app, run)
    draw_next_steps(run)
    if may(Runs.commit) and outdated is None:
        run = stored_plan(app, run)
        commit_bar(app, run, app.flows[run.flow], app.plans.count(run.id, "changes"))


def draw_next_steps(run: Run) -> None:
    """Draw the links back to the list, which leaves the plan waiting, and to the whole plan."""
    with st.container(horizontal=True, gap="small"):
        waits = run.state is RunState.READY
        label = text("btn_leave_waiting" if waits else "btn_what_waits")
        if st.button(label, icon=":material/arrow_back:", key="leave_waiting"):
            st.switch_page("pages/phone.py")
        if st.button(
            text("btn_whole_plan"),
            icon=":material/difference:",
            type="tertiary",
            key="whole_plan",
            help=meaning("plan"),
        ):
            st.switch_page("pages/preview.py", query_params={"flow": run.flow, "plan": run.id})


def requested_plan() -> Run | None:
    """Return the plan in the address, or None if it does not exist."""
    try:
        return app.runs.get(st.query_params.get("plan", ""))
    except KeyError:
        return None


requested = requested_plan()
if requested is None:
    draw_all()
else:
    with st.container(key=f"plan-{requested.id}"):
        one_plan(requested)
