"""The plan: what would be written, field by field, before anything is written."""

from collections.abc import Mapping
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.core.flow import Flow
from integration.core.plan import Approval
from integration.core.run import ACTIVE, Counts, Mode, PreviewRequest, Run, RunState
from integration.services import Application
from pages.components.shared.application import application, guarded, person, refreshing
from pages.components.shared.changes import known_as, what_changes
from pages.components.shared.choosing import (
    ask,
    asking,
    looked_at,
    settled_choice,
    stop_asking,
    take_in,
    tick_anew,
    what_moved,
)
from pages.components.shared.flows import show_plan, start_preview
from pages.components.shared.layout import (
    act,
    attempt,
    bottom_bar,
    choice,
    empty,
    failures,
    forget,
    head,
    inline,
    mark,
    note,
    run_state,
    search,
    trouble,
)
from pages.components.shared.plan import plan_lines
from pages.components.shared.runs import progress_strip, short_id, stopped_by, undo
from pages.components.shared.wording import (
    Markdown,
    counted,
    flow_name,
    moment,
    number,
    plain,
    read_number,
    sandbox_badges,
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


def about_plan(run: Run, flow: Flow) -> Markdown:
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
        "accepted": counts.accepted,
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
        if now.state is not run.state or now.mark != run.mark or str(app.runs.outdated(now)) != seen:
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
    chosen = changes - len(run.left_out)
    writes = counted("write", app.plans.writes(run.id, frozenset(run.left_out)))
    said = counted("bar_chosen", changes, chosen=number(chosen))
    with bottom_bar(f"**{said} · {writes}.** :gray[{text('nothing_written')}]"):
        if run.left_out and st.button(text("btn_choose_all"), type="tertiary", key="choose_all"):
            take_in(app, run, list(run.left_out))
            tick_anew()
        _discard(app, run)
        label = counted("btn_commit", chosen, system=system_name(flow.target))
        asks = "Ctrl+Enter" if run.brakes else None  # a shortcut may open a question, and never write
        if st.button(label, type="primary", icon=":material/send:", key="commit", disabled=not chosen, shortcut=asks):
            ask(run)
    if not asking(run) or not chosen:
        return
    if run.brakes:
        closed = partial(stop_asking, run)
        dialog = st.dialog(text("brake_title"), width="medium", icon=":material/front_hand:", on_dismiss=closed)
        dialog(guarded(_ask))(app, run, label, writes)
    else:
        _commit(app, run, {})


def _ask(app: Application, run: Run, label: Markdown, writes: Markdown) -> None:
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
            stop_asking(run)
            st.rerun()
        ready = len(typed) == len(run.brakes)
        if st.button(label, type="primary", icon=":material/send:", key="really", disabled=not ready):
            _commit(app, run, typed)


def _braked(app: Application, run: Run, code: str) -> None:
    """Show the first records a brake counted; a brake on the whole plan marks none of them."""
    marked, found = app.plans.marked(run.id, code, SHOWN_RECORDS)
    if not marked:
        return
    known = [(*known_as(row), row) for row in marked]
    key, name, what = text("col_code"), text("col_name"), text("col_what")
    shown = [{key: plain(one), name: plain(title), what: plain(what_changes(row))} for one, title, row in known]
    st.table(shown, border="horizontal", hide_index=True)
    if found > len(marked):
        note(text("and_more", number=number(found - len(marked))))


def _commit(app: Application, run: Run, typed: Mapping[str, int]) -> None:
    stop_asking(run)
    if attempt(lambda: app.runs.commit(run.id, Approval(run.mark, person(), confirmed=dict(typed)))):
        st.switch_page("pages/runs.py", query_params={"run": run.id})
    st.rerun()


# ---- the page -------------------------------------------------------------------------------------------------------


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
    run = looked_at(app, run)
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
    what_moved(run)
    _kind_of_plan(run)
    if run.state is RunState.READY:
        if outdated is not None:
            trouble(outdated.code, outdated.facts, "interrupted")
        other_plans(run)
        brake_box(run)
        watch(app, run)
    else:
        plan_outcome(app, run)
    if run.state is RunState.COMMITTING:
        progress_strip(app, run.id)
    lines(run, download)
    if run.state is not RunState.READY:
        return
    run = settled_choice(app, run)
    changes = app.plans.count(run.id, "changes")
    if outdated is None:
        commit_bar(app, run, app.flows[run.flow], changes)
    elif outdated_bar(app, run, app.flows[run.flow], changes):
        anew(run)


def _kind_of_plan(run: Run) -> None:
    """Say what is particular to a plan: that it undoes another, or that nothing of it will be proven."""
    if run.mode is Mode.UNDO:
        note(f":blue[:material/undo:] {text('undo_plan', run=plain(short_id(run.undo_of)))}")
    if app.flows.is_unproven(run.flow):
        note(f":violet[:material/done:] {text('plan_unproven', system=system_name(app.flows[run.flow].target))}")


def other_plans(run: Run) -> None:
    """Say which other plans of the flow wait, and lead there: each is committed by itself."""
    for other in app.runs.every_waiting(run.flow):
        if other.id == run.id:
            continue
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            made = {"moment": moment(other.started_at), "mode": text(f"mode_short_{other.mode}")}
            said = counted("other_plan", app.plans.count(other.id, "planned"), **made)
            st.markdown(f":small[{mark('waiting')} {said}]", width="stretch")
            if st.button(text("btn_open_preview"), type="tertiary", key=f"other-{other.id}"):
                forget("record", "page", "field", "group", "cause")
                st.query_params["plan"] = other.id
                st.rerun()


def preview_again(run: Run, *, is_offered_below: bool) -> None:
    """Offer to make the plan anew, unless the bar below does, or to read everything."""
    if not is_offered_below and st.button(text("btn_preview_again"), icon=":material/refresh:", key="again"):
        anew(run)
    if run.mode is not Mode.UNDO and st.button(
        text("btn_read_all"), icon=":material/sync:", type="tertiary", key="complete"
    ):
        start_preview(app, run.flow, Mode.COMPLETE)


def anew(run: Run) -> None:
    """Make a plan anew: what changed, the records that were chosen, or what takes back an earlier run."""
    if run.mode is Mode.UNDO and (earlier := run.undo_of):
        undo(app, app.runs.get(earlier))
    if run.mode is Mode.CHOSEN:
        version = run.mapping_version if run.has_earlier_mapping else None
        asked = PreviewRequest(run.flow, person(), run.mode, run.position.keys, run.notes, version)
        show_plan(run.flow, lambda: app.runs.preview(asked))
    start_preview(app, run.flow)


def lines(run: Run, download: DeltaGenerator) -> None:
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
    none = text("none_about", flow=flow_name(run.flow))
    ticks = run.state is RunState.READY and show in ("all", "create", "update", "retire")
    plan_lines(app, run, show, find, none, ticks=ticks, below=lambda: sum_line(run.counts), at=download)


found = plan_of_address(app)
if found is None:
    nothing_yet()
else:
    plan_page(found)
