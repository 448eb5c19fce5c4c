"""The top of the preview page: which plan is shown, how it is counted, and what became of it."""

from collections.abc import Callable, Mapping

import streamlit as st

from integration.core.flow import Flow
from integration.core.run import ACTIVE, Counts, Run, RunState
from integration.services import Application
from pages.components.shared.failures import refreshing
from pages.components.shared.layout import note
from pages.components.shared.states import mark
from pages.components.shared.wording import counted, flow_name, moment, number, plain, system_name, term, text, way, who

WATCH_SECONDS = 2


def plan_of_address(app: Application) -> Run | None:
    """Return the plan the address names, else the one at work, the one that waits, or the last one."""
    asked = st.query_params.get("plan", "")
    if asked:
        try:
            return app.runs.get(asked)
        except KeyError:
            st.query_params.pop("plan", None)
    wanted = st.query_params.get("flow", "")
    flow = wanted if wanted in app.flows else None
    for states in (ACTIVE, (RunState.READY,)):
        if found := app.runs.latest(flow, list(states), limit=1):
            return found[0]
    latest = app.runs.latest(flow, limit=1)
    return latest[0] if latest else None


def about_plan(run: Run, flow: Flow) -> str:
    """Return what a plan is: which flow, which way, made when and by whom, with which mapping."""
    made = term("plan_made", moment=moment(run.started_at), by=plain(who(run.by)))
    read = term(f"mode_{run.mode}", system=system_name(flow.source))
    version = term("mapping_version", version=run.mapping_version)
    return " · ".join([flow_name(run.flow), way(flow.source, flow.target), made, read, version])


def lines_by_show(app: Application, run: Run) -> dict[str, int]:
    """Return how many lines each filter of a plan shows; what is unchanged has no lines, only a number of records."""
    shown = ("all", "create", "update", "retire", "park", "skip")
    return {name: app.plans.count(run.id, name) for name in shown} | {"unchanged": run.counts.unchanged}


def show_first(lines: Mapping[str, int]) -> str:
    """Return the filter a plan opens with: the first kind of change it has."""
    return next((name for name in ("update", "create", "retire") if lines[name]), "all")


def show_label(lines: Mapping[str, int]) -> Callable[[str], str]:
    """Return how the filters of a plan are labelled: each with its count."""
    return lambda name: f"{text(f'show_{name}')} **{number(lines[name])}**"


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
    counts = run.counts
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        match run.state:
            case RunState.DONE if run.approval is None:
                agree = counts.unchanged or not counts.parked
                line = counted("outcome_agree", counts.unchanged) if agree else text("outcome_nothing")
                st.markdown(f"{mark('ok')} **{line}** :small[:gray[{text('outcome_agree_about')}]]", width="stretch")
            case RunState.DONE:
                proven = counted("outcome_proven", counts.proven, system=system_name(app.flows[run.flow].target))
                st.markdown(f"{mark('proven')} **{proven}**", width="stretch")
            case RunState.COMMITTING:
                st.markdown(f"{mark('running')} **{text('outcome_committing')}**", width="stretch")
            case RunState.DISCARDED:
                st.markdown(f"{mark('discarded')} **{text('outcome_discarded')}**", width="stretch")
            case _:
                st.markdown(f"{mark('interrupted')} **{text('outcome_stopped')}**", width="stretch")
        if st.button(text("btn_open_run"), icon=":material/history:", type="tertiary", key="open_run"):
            st.switch_page("pages/runs.py", query_params={"run": run.id})
    if run.state is RunState.DONE and run.approval is None and counts.parked:
        note(counted("outcome_parked", counts.parked))
