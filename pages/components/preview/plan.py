"""The top of the preview page: which plan is shown, how it is counted, and what became of it."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from integration.core.flow import Flow
from integration.core.plan import Approval
from integration.core.run import ACTIVE, Counts, Run, RunState
from integration.services import Application
from pages.components.shared.application import person
from pages.components.shared.changes import what_changes
from pages.components.shared.document import known_as
from pages.components.shared.failures import guarded, refreshing
from pages.components.shared.layout import act, attempt, bottom_bar, note
from pages.components.shared.plan import chosen_out, tick_anew
from pages.components.shared.states import mark
from pages.components.shared.wording import (
    counted,
    flow_name,
    moment,
    number,
    plain,
    read_number,
    say,
    system_name,
    term,
    text,
    way,
    who,
)

WATCH_SECONDS = 2
SHOWN_RECORDS = 10


def plan_of_address(app: Application) -> Run | None:
    """Return the plan the address names, else the one at work, the one that waits, or the last one."""
    if asked := st.query_params.get("plan", ""):
        try:
            return app.runs.get(asked)
        except KeyError:
            st.query_params.pop("plan", None)
    wanted = st.query_params.get("flow", "")
    flow = wanted if wanted in app.flows else None
    found = (app.runs.latest(flow, states, limit=1) for states in (list(ACTIVE), [RunState.READY], None))
    return next((runs[0] for runs in found if runs), None)


def about_plan(run: Run, flow: Flow) -> str:
    """Return what a plan is: which flow, which way, made when and by whom, with which mapping."""
    made = term("plan_made", moment=moment(run.started_at), by=plain(who(run.by)))
    read = term(f"mode_{run.mode}", system=system_name(flow.source))
    version = term("mapping_version", version=run.mapping_version)
    return " · ".join([flow_name(run.flow), way(flow.source, flow.target), made, read, version])


def sum_line(counts: Counts) -> None:
    """Say that every record read is accounted for, or how many are not."""
    parts = {
        "planned": counts.planned,
        "proven": counts.proven,
        "in_doubt": counts.in_doubt,
        "unchanged": counts.unchanged,
        "skipped": counts.skipped,
        "parked": counts.parked,
    }
    said = " + ".join(term(f"sum_{name}", number=number(value)) for name, value in parts.items() if value)
    line = f"{counted('sum_read', counts.read)} = {said or number(0)}"
    if counts.difference:
        note(f":red[:material/error: {text('sum_differs', difference=number(counts.difference))}] {line}")
    else:
        note(f"{mark('ok')} {line}")


def watch(app: Application, run: Run) -> None:
    """Draw the page anew once the plan is no longer what is on screen: a colleague may have committed it."""
    seen = str(app.runs.outdated(run))

    def look() -> None:
        now = app.runs.get(run.id)
        if now.state is not run.state or str(app.runs.outdated(now)) != seen:
            st.rerun()

    refreshing(WATCH_SECONDS)(look)()


def plan_outcome(app: Application, run: Run) -> None:
    """Say what became of a plan that no longer waits."""
    counts, about = run.counts, ""
    match run.state:
        case RunState.DONE if run.approval is None:
            agree = counts.unchanged or not counts.parked
            sign, said = "ok", counted("outcome_agree", counts.unchanged) if agree else text("outcome_nothing")
            about = f" :small[:gray[{text('outcome_agree_about')}]]"
        case RunState.DONE:
            said = counted("outcome_proven", counts.proven, system=system_name(app.flows[run.flow].target))
            sign = "proven"
        case RunState.COMMITTING:
            sign, said = "running", text("outcome_committing")
        case RunState.DISCARDED:
            sign, said = "discarded", text("outcome_discarded")
        case _:
            sign, said = "interrupted", text("outcome_stopped")
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{mark(sign)} **{said}**{about}", width="stretch")
        if st.button(text("btn_open_run"), icon=":material/history:", type="tertiary", key="open_run"):
            st.switch_page("pages/runs.py", query_params={"run": run.id})
    if about and counts.parked:
        note(counted("outcome_parked", counts.parked))


def brake_box(run: Run) -> None:
    """Say which brakes hold the plan, above everything else."""
    if not run.brakes:
        return
    with st.container(border=True, gap="xsmall"):
        for brake in run.brakes:
            sentences = say(brake.code, {"count": str(brake.count), "limit": brake.limit})
            st.markdown(
                f":orange[:material/front_hand:] **{text('brake_holds')}: {plain(sentences.what)}** "
                f":small[:gray[{plain(sentences.do)}]]"
            )
        note(text("nothing_written"))


def outdated_bar(app: Application, run: Run, flow: Flow, changes: int) -> bool:
    """Draw the bar of a plan that can no longer be written, and tell whether another one is asked for."""
    with bottom_bar(f":gray[{text('nothing_written')}]"):
        _discard(app, run)
        label = counted("btn_commit", changes, system=system_name(flow.target))
        st.button(label, icon=":material/send:", key="commit", disabled=True)
        return st.button(text("btn_preview_again"), type="primary", icon=":material/refresh:", key="again")


def _discard(app: Application, run: Run) -> None:
    if st.button(text("btn_discard"), type="tertiary", key="discard"):
        act(lambda: app.runs.discard(run.id, person()))


def commit_bar(app: Application, run: Run, flow: Flow, changes: int) -> None:
    """Draw the bar that says what is chosen and offers the one button that writes."""
    left_out = frozenset(chosen_out(run))
    chosen = changes - len(left_out)
    writes = counted("write", app.plans.writes(run.id, left_out))
    said = counted("bar_chosen", changes, chosen=number(chosen))
    with bottom_bar(f"**{said} · {writes}.** :gray[{text('nothing_written')}]"):
        if left_out and st.button(text("btn_choose_all"), type="tertiary", key="choose_all"):
            chosen_out(run).clear()
            tick_anew()
        _discard(app, run)
        label = counted("btn_commit", chosen, system=system_name(flow.target))
        asks = "Ctrl+Enter" if run.brakes else None  # a shortcut may open a question, and never write
        if st.button(label, type="primary", icon=":material/send:", key="commit", disabled=not chosen, shortcut=asks):
            st.session_state["ask_commit"] = run.id
    if st.session_state.pop("ask_commit", "") != run.id:
        return
    if run.brakes:
        dialog = st.dialog(text("brake_title"), width="medium", icon=":material/front_hand:")
        dialog(guarded(_ask))(app, run, label, writes)
    else:
        _commit(app, run, {})


def _ask(app: Application, run: Run, label: str, writes: str) -> None:
    """Ask for the number each brake counted, so that a plan over its limits is looked at twice."""
    typed: dict[str, int] = {}
    for brake in run.brakes:
        sentences = say(brake.code, {"count": str(brake.count), "limit": brake.limit})
        st.markdown(f"**{plain(sentences.what)}** {plain(sentences.do)}")
        _braked(app, run, brake.code)
        answer = st.text_input(
            text("brake_type", count=brake.count),
            key=f"typed-{brake.code}",
            live=True,
            autocomplete="off",
            placeholder=number(brake.count),
        )
        if read_number(answer or "") == brake.count:
            typed[brake.code] = brake.count
    note(text("brake_then", writes=writes))
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button(text("btn_back_to_plan"), type="tertiary", key="back"):
            st.rerun()
        ready = len(typed) == len(run.brakes)
        if st.button(label, type="primary", icon=":material/send:", key="really", disabled=not ready):
            _commit(app, run, typed)


def _braked(app: Application, run: Run, code: str) -> None:
    """Show the first records a brake counted; a brake on the whole plan marks none of them."""
    marked, found = app.plans.marked(run.id, code, SHOWN_RECORDS)
    if not marked:
        return
    shown = pd.DataFrame(
        [(*map(plain, known_as(row)), plain(what_changes(row))) for row in marked],
        columns=[text("col_code"), text("col_name"), text("col_what")],
    )
    st.table(shown, border="horizontal", hide_index=True)
    if found > len(marked):
        note(text("and_more", number=number(found - len(marked))))


def _commit(app: Application, run: Run, typed: Mapping[str, int]) -> None:
    approval = Approval(run.fingerprint, person(), frozenset(chosen_out(run)), confirmed=dict(typed))
    if attempt(lambda: app.runs.commit(run.id, approval)):
        st.session_state.get("left_out", {}).pop(run.id, None)
        st.switch_page("pages/runs.py", query_params={"run": run.id})
    st.rerun()
