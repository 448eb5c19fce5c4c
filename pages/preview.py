"""The plan of a run: every change, field by field, before anything is written."""

from collections import Counter

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.application.application import Application
from integration.core.flow import Flow
from integration.core.run import Counts, Mode, PreviewRequest, Run
from integration.core.states import ACTIVE, RunState
from integration.services.runs.plan_selection import PlanSelection
from integration.services.runs.runs import Runs
from pages.components.preview.committing import brake_box, commit_bar, four_eyes_box, outdated_bar
from pages.components.shared.application import application, may, person
from pages.components.shared.flows import offer_preview, show_plan, start_preview
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import (
    choice,
    clear_address,
    empty,
    failures,
    head,
    inline,
    mark,
    note,
    search,
    show_error,
)
from pages.components.shared.notes import plan_notes
from pages.components.shared.plan import plan_lines
from pages.components.shared.plan_selection import (
    changes_notice,
    current_plan,
    stored_plan,
    watch_plan,
)
from pages.components.shared.run_states import run_state
from pages.components.shared.runs import (
    is_of_removed_flow,
    outcome,
    parked_causes,
    progress_strip,
    short_id,
    start_undo,
    stopped_by,
    what_was_read,
)
from pages.components.shared.saved_filters import open_saved, saved_filters
from pages.components.shared.wording import (
    Markdown,
    author_name,
    flow_name,
    flow_text,
    moment,
    number,
    plain,
    quantity_text,
    sandbox_badges,
    source_to_target,
    system_name,
    term,
    text,
)


def plan_of_address(app: Application) -> Run | None:
    """Return the plan in the address, otherwise the active, the waiting, or the last one."""
    if plan_id := st.query_params.get("plan", ""):
        try:
            return app.runs.get(plan_id)
        except KeyError:
            st.query_params.pop("plan", None)
    flow_parameter = st.query_params.get("flow", "")
    flow = flow_parameter if flow_parameter in app.flows else None
    latest_runs = (app.runs.latest(flow, states, limit=1) for states in (list(ACTIVE), [RunState.READY], None))
    return next((runs[0] for runs in latest_runs if runs), None)


def about_plan(run: Run, flow: Flow) -> Markdown:
    """Return the description of a plan: flow, systems, time, person, what was read, and mapping version."""
    creation_text = term("plan_made", moment=moment(run.started_at), by=plain(author_name(run.by)))
    read_text = what_was_read(run, flow)
    version = term("mapping_version", version=run.mapping_version)
    return " · ".join(
        [flow_name(run.flow), source_to_target(flow.source, flow.target), creation_text, read_text, version]
    )


def sum_line(counts: Counts) -> None:
    """Show that every record read is accounted for, or how many are not."""
    parts = {
        "planned": counts.planned,
        "proven": counts.proven,
        "accepted": counts.accepted,
        "in_doubt": counts.in_doubt,
        "unchanged": counts.unchanged,
        "skipped": counts.skipped,
        "parked": counts.parked,
    }
    sum_text = " + ".join(term(f"sum_{name}", number=number(value)) for name, value in parts.items() if value)
    line = f"{quantity_text('sum_read', counts.read_count)} = {sum_text or number(0)}"
    if counts.difference:
        note(f":red[:material/error: {text('sum_differs', difference=number(counts.difference))}] {line}")
    else:
        waits = counts.parked and not (counts.proven or counts.accepted or counts.planned)
        note(f"{mark('parked' if waits else 'ok')} {line}")


def sums(run: Run) -> None:
    """Draw the sum of the plan, and how many articles keep a number that the rule would not assign today."""
    sum_line(run.counts)
    changes = app.plans.count(run.id, "changes")
    if run.state is RunState.READY and run.counts.planned not in (0, changes):
        facts = {"records": number(run.counts.planned), "changes": number(changes)}
        note(flow_text("plan_weighs", run.flow, **facts))
    if older := run.position.watched.get("older_number"):
        note(quantity_text("plan_older_numbers", older))


def plan_outcome(app: Application, run: Run) -> None:
    """Show the result of a plan that no longer waits."""
    counts = run.counts
    match run.state:
        case RunState.DONE if run.approval is None:
            agree = counts.unchanged or not counts.parked
            sentence = quantity_text("outcome_agree", counts.unchanged) if agree else text("outcome_nothing")
            about = text("outcome_parked_about" if counts.parked else "outcome_agree_about")
            sign, sentence = "parked" if counts.parked else "ok", f"**{sentence}** :small[:gray[{about}]]"
        case RunState.DONE:
            sign, sentence = outcome(app, run)
        case RunState.COMMITTING:
            sign, sentence = "running", f"**{text('outcome_committing')}**"
        case RunState.DISCARDED:
            sign, sentence = "discarded", f"**{text('outcome_discarded')}**"
        case _:
            sign, sentence = "interrupted", f"**{text('outcome_stopped')}**"
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{mark(sign)} {sentence}", width="stretch")
        if st.button(text("btn_open_run"), icon=":material/history:", type="tertiary", key="open_run"):
            st.switch_page("pages/runs.py", query_params={"run": run.id})


# ---- the page -------------------------------------------------------------------------------------------------------


SHOWS = ("all", "create", "update", "retire", "park", "skip", "unchanged")

app = application()
open_saved(app, "preview")


def first_preview() -> None:
    """Draw the empty state that offers the first preview."""
    head(text("nav_preview"), text("preview_about"), sandbox_badges(app.sandbox.is_connected), meaning("preview"))
    failures()
    flow_parameter = st.query_params.get("flow", "")
    flow = flow_parameter if flow_parameter in app.flows else next(iter(app.flows))
    offer_preview(app, "difference", text("preview_none"), text("preview_none_about"), text("btn_first"), flow)


def plan_page(run: Run) -> None:
    """Draw one plan from its head to the bar that commits it."""
    run = current_plan(app, run)
    badges = [inline(run_state(run)), *sandbox_badges(app.sandbox.is_connected)]
    actions = head(text("nav_preview"), about_plan(run, app.flows[run.flow]), badges, meaning("preview"))
    if run.state is RunState.PREVIEWING:
        failures()
        progress_strip(app, run.id)
        return
    outdated = app.runs.outdated(run) if run.state is RunState.READY else None
    with actions:
        if run.state is not RunState.COMMITTING and may(PlanSelection.leave):
            preview_again(run, is_offered_below=outdated is not None)
        download = st.container(width="content")
    failures()
    waiting_flows(run)
    stopped_by(run)
    changes_notice(run)
    _kind_of_plan(run)
    plan_notes(app, run)
    if run.state is RunState.READY:
        if outdated is not None:
            show_error(outdated.code, outdated.facts, "interrupted")
        other_plans(run)
        brake_box(run, asks=outdated is None and may(Runs.commit))
        four_eyes_box(app, run)
        watch_plan(app, run)
    else:
        plan_outcome(app, run)
    if run.state is RunState.COMMITTING:
        progress_strip(app, run.id)
    lines_and_causes(run, download)
    if run.state is not RunState.READY or not may(Runs.commit):
        return
    run = stored_plan(app, run)
    changes = app.plans.count(run.id, "changes")
    if outdated is None:
        commit_bar(app, run, app.flows[run.flow], changes)
    elif outdated_bar(app, run, app.flows[run.flow], changes):
        make_plan_again(run)


def lines_and_causes(run: Run, download: DeltaGenerator) -> None:
    """Draw the lines and the causes of what is parked; the causes come first where nothing waits to be written."""
    if run.state is RunState.READY:
        lines(run, download)
        parked_causes(app, run)
    else:
        parked_causes(app, run)
        lines(run, download)


def _kind_of_plan(run: Run) -> None:
    """Show what is special about a plan: that it undoes a run, has expired lines, or cannot be proven."""
    if run.mode is Mode.UNDO:
        note(f":blue[:material/undo:] {text('undo_plan', run=plain(short_id(run.undo_of)))}")
    if run.pruned_at is not None:
        note(text("plan_lines_not_kept", time=moment(run.pruned_at)))
    if app.flows.is_unproven(run.flow):
        note(f":violet[:material/done:] {text('plan_unproven', system=system_name(app.flows[run.flow].target))}")


def waiting_flows(run: Run) -> None:
    """Draw the switch between flows with waiting plans, each with its number of changes. The menu has their sum."""
    waiting = Counter[str]()
    for waiting_run in app.runs.waiting_plans():
        waiting[waiting_run.flow] += app.plans.count(waiting_run.id, "planned")
    flows = [name for name in app.flows if name in waiting or name == run.flow]
    if len(flows) < 2:  # noqa: PLR2004 - a single flow needs no switch
        return
    st.query_params["flow"] = run.flow
    forgotten = ("plan", "show", "find", "record", "page", "field", "group", "cause")
    chosen = choice("flow", flows, run.flow, lambda name: f"{flow_name(name)} **{number(waiting[name])}**", forgotten)
    if chosen != run.flow:
        st.rerun()


def other_plans(run: Run) -> None:
    """Name the other waiting plans of the flow with links. Each is committed by itself."""
    for other in app.runs.waiting_plans(run.flow):
        if other.id == run.id:
            continue
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            plan_facts = {"moment": moment(other.started_at), "mode": text(f"mode_short_{other.mode}")}
            sentence = quantity_text("other_plan", app.plans.count(other.id, "planned"), **plan_facts)
            st.markdown(f":small[{mark('waiting')} {sentence}]", width="stretch")
            if st.button(text("btn_open_preview"), type="tertiary", key=f"other-{other.id}"):
                clear_address("record", "page", "field", "group", "cause")
                st.query_params["plan"] = other.id
                st.rerun()


def preview_again(run: Run, *, is_offered_below: bool) -> None:
    """Draw the buttons that make the plan again, unless the bar below has that button, or read everything."""
    if not is_offered_below and st.button(text("btn_preview_again"), icon=":material/refresh:", key="again"):
        make_plan_again(run)
    if not is_pending_undo(run) and st.button(
        text("btn_read_all"), icon=":material/sync:", type="tertiary", key="complete", help=meaning("btn_read_all")
    ):
        start_preview(app, run.flow, Mode.COMPLETE)


def is_pending_undo(run: Run) -> bool:
    """Return True if a plan undoes a run and is not approved yet. After its approval, a new plan is a normal one."""
    return run.mode is Mode.UNDO and run.approval is None


def make_plan_again(run: Run) -> None:
    """Make a plan again: an undo, the chosen records, or the changes since the last run."""
    if is_pending_undo(run):
        start_undo(app, app.runs.get(run.undo_of))
    if run.mode is Mode.CHOSEN:
        version = run.mapping_version if run.has_earlier_mapping else None
        request = PreviewRequest(run.flow, person(), run.mode, run.position.keys, run.notes, version)
        show_plan(run.flow, lambda: app.runs.preview(request))
    start_preview(app, run.flow)


def lines(run: Run, download: DeltaGenerator) -> None:
    """Draw the lines of a plan, with filters above and the detail beside them."""
    numbers = {name: app.plans.count(run.id, name) for name in SHOWS if name != "unchanged"}
    numbers["unchanged"] = run.counts.unchanged  # they have no lines in the plan
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        show = choice(
            "show",
            SHOWS,
            next((name for name in ("update", "create", "retire") if numbers[name]), "all"),
            lambda name: f"{text(f'show_{name}')} **{number(numbers[name])}**",
            ("record", "page", "field", "cause"),
        )
        find = search(text("find_in_plan"))
        saved_filters(app, "preview")
    if show == "unchanged":
        empty("equal", text("unchanged_title", number=number(numbers["unchanged"])), text("unchanged_about"))
        return
    none = text("none_about", flow=flow_name(run.flow))
    ticks = run.state is RunState.READY and show in ("all", "create", "update", "retire")
    plan_lines(app, run, show, find, none, ticks=ticks, below=lambda: sums(run), at=download)


displayed = plan_of_address(app)
if displayed is None:
    first_preview()
elif not is_of_removed_flow(app, displayed):
    with st.container(key=f"plan-{displayed.id}"):  # a key per plan, so that no widget of the previous plan stays
        plan_page(displayed)
