"""Runs on screen: progress of an active run, the sum of its records, and the list of runs."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import streamlit as st

from integration.application.application import Application
from integration.core.flow import Flow
from integration.core.issues import CauseGroup
from integration.core.run import ALL_FOR, PARKED_FOR, Counts, Mode, Run
from integration.core.states import ACTIVE, RunState
from integration.services.runs.exceptions import Exceptions, group_address
from integration.services.runs.runs import Runs
from pages.components.shared.application import may, person, refreshing
from pages.components.shared.flows import at_stake, group_headline, more_exceptions, show_plan
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import (
    act,
    attempt,
    empty,
    facts_table,
    label_with_object,
    mark,
    note,
    section,
    show_error,
    small,
    state_tag,
    tint,
)
from pages.components.shared.notes import discard_button
from pages.components.shared.run_states import RUN_STATES, run_state
from pages.components.shared.wording import (
    Markdown,
    author_name,
    coded,
    duration,
    flow_name,
    moment,
    number,
    plain,
    quantity_text,
    records_of,
    say,
    span,
    system_name,
    table_time,
    term,
    text,
)

if TYPE_CHECKING:  # the first page is drawn without pandas
    import pandas as pd

REFRESH_SECONDS = 1
SLOW = 10  # records per second
MAX_CAUSES = 5  # causes shown with a run
VERIFYING = "badge_verifying"  # word for writes in doubt while their run still looks them up
AT_ONCE = 100  # runs read with one query
COUNTED = ("proven", "parked", "unchanged", "skipped")
OUTCOMES = {  # results of a record, with the term that explains each
    **{name: name for name in ("proven", "unchanged", "skipped", "parked", "in_doubt")},
    "accepted": "badge_accepted",
    "waiting": "badge_waiting",
}


# ---- active runs ----------------------------------------------------------------------------------------------------


@refreshing(REFRESH_SECONDS)
def progress_strip(app: Application, run_id: str) -> None:
    """Draw the progress of an active run: records, speed and estimated time left.

    The page is rerun when the run stops.
    """
    run = app.runs.get(run_id)
    if run.state not in ACTIVE:
        st.rerun()
    flow = app.flows[run.flow]
    share = min(1.0, run.progress_done / run.progress_total) if run.progress_total else 0.0
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            title = term(
                f"phase_{run.phase or 'extract'}", source=system_name(flow.source), target=system_name(flow.target)
            )
            st.markdown(f"**{flow_name(run.flow)} · {title}**", width="content")
            if may(Runs.preview) and st.button(
                text("btn_cancel_after_page"), icon=":material/stop:", type="tertiary", key=f"cancel-{run_id}"
            ):
                attempt(lambda: app.runs.cancel(run_id, person()))
                st.toast(text("cancel_asked_preview" if run.state is RunState.PREVIEWING else "cancel_asked"))
        st.progress(share, text=f":small[{' · '.join(_progress(app, run))}]")
        if run.error:
            sentences = say(run.error, {"flow": run.flow, "run": short_id(run.id), **run.facts})
            since = app.runs.wait_start(run) or run.started_at
            waits = text("run_held_since", moment=moment(since), span=duration(since))
            note(f":orange[:material/pause_circle: {plain(sentences.problem)}] {waits} {plain(sentences.do)}")
        note(text("may_close") + (f" {text('nothing_written')}" if run.state is RunState.PREVIEWING else ""))


def _progress(app: Application, run: Run) -> list[Markdown]:
    done_count, total = run.progress_done, run.progress_total
    writing = run.state is RunState.COMMITTING
    if total:
        reading = "progress_read_of" if run.phase == "extract" else "progress_compared"
        at_once = writing and 0 < done_count == app.plans.count(run.id, "proven")  # shown once if both are equal
        key = "progress_proven" if at_once else "progress_written" if writing else reading
        phrases = [text(key, done=number(done_count), total=number(total))]
    else:
        phrases = [quantity_text("progress_read", done_count)]
    if writing:
        phrases += _change_counts(app, run, proven=not (total and at_once))
    speed = app.runs.speed(run)
    if speed.per_second:  # a slow speed has a decimal, so that it is not shown as 0
        decimals = Decimal("0.1") if speed.per_second < SLOW else Decimal(1)
        phrases.append(text("progress_rate", rate=number(Decimal(speed.per_second).quantize(decimals))))
    if speed.seconds_left:
        phrases.append(term("progress_left", duration=span(max(1, round(speed.seconds_left)))))
    return phrases


def _change_counts(app: Application, run: Run, *, proven: bool) -> Iterator[Markdown]:
    """Yield the counts of the changes of an active run. A change just sent is not counted as in doubt."""
    lines = {name: app.plans.count(run.id, name) for name in ("sent", "proven", "accepted", "parked", "park")}
    if lines["sent"]:
        is_limited = app.runs.is_at_limit(run, lines["sent"])
        target = system_name(app.flows[run.flow].target)
        yield term("progress_calls" if is_limited else "progress_sent", number=number(lines["sent"]), system=target)
    settled = {
        "badge_proven": lines["proven"] if proven else 0,
        "badge_accepted": lines["accepted"],
        "badge_parked": lines["parked"] - lines["park"],  # records that the plan itself parked were not to be written
        VERIFYING: app.runs.in_doubt_count(run),
    }
    yield from (f"{number(value)} {term(name)}" for name, value in settled.items() if value)


# ---- the sum of the records -----------------------------------------------------------------------------------------


def sum_strip(counts: Counts, kind: str = "", *, verifying: bool = False) -> None:
    """Draw the records read and their results as a sum, with a warning if the sum is wrong.

    If all records are of one `kind`, they are called so. `verifying` means that the run is active and still looks up
    writes in doubt.
    """
    parts = {name: getattr(counts, name) for name in COUNTED}
    rest = {"accepted": counts.accepted, "in_doubt": counts.in_doubt, "waiting": counts.planned}
    parts |= {name: value for name, value in rest.items() if value}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.metric(
            text("col_read"),
            records_of(kind, counts.read_count) if kind else number(counts.read_count),
            width="content",
        )
        for place, (name, value) in enumerate(parts.items()):
            st.metric(" ", "+" if place else "=", label_visibility="hidden", width="content")
            caption_key = VERIFYING if name == "in_doubt" and verifying else f"badge_{name}"
            st.metric(text(caption_key), number(value), width="content", help=meaning(OUTCOMES[name]))
    if counts.difference:
        note(f":red[:material/error: **{text('sum_differs', difference=number(counts.difference))}**]")
    elif counts.parked and not (counts.proven or counts.accepted or counts.planned):
        note(f":orange[{mark('parked')} {quantity_text('sum_waits', counts.parked)}]")
    else:
        note(f"{mark('ok')} {text('sum_fits')}")


def run_sum(app: Application, run_id: str) -> None:
    """Draw the sum of a run, refreshed every two seconds while the run is active."""

    def draw() -> None:
        run = app.runs.get(run_id)
        sum_strip(
            run.counts, kind_read(app.flows.configured_flow(run.flow)), verifying=run.state is RunState.COMMITTING
        )

    refreshing(2 if app.runs.get(run_id).state in ACTIVE else None)(draw)()


def added(runs: Sequence[Run]) -> Counts:
    """Return the sum of the counts of several runs."""
    names = ("read_count", *COUNTED, "accepted", "in_doubt", "planned")
    return Counts(**{name: sum(getattr(run.counts, name) for run in runs) for name in names})


def kind_read(flow: Flow) -> str:
    """Return the kind of record that a flow counts; `document` if there are several kinds."""
    kinds = {stage.source for stage in flow.counted_stages}
    return str(kinds.pop()) if len(kinds) == 1 else "document"


# ---- the list -------------------------------------------------------------------------------------------------------


def run_table(app: Application, runs: Sequence[Run]) -> Run | None:
    """Draw runs, newest first, and return the clicked run."""
    from pages.components.shared.tables import CONFIG, browse  # noqa: PLC0415 - as said at the top

    columns: dict[str, Any] = {
        "run": CONFIG.TextColumn(text("col_run")),
        "flow": CONFIG.TextColumn(text("col_flow")),
        "state": CONFIG.MultiselectColumn(
            text("col_status"), options=list(map(state_tag, RUN_STATES)), color=list(map(tint, RUN_STATES))
        ),
        "started": CONFIG.DatetimeColumn(text("col_started")),
        "read": CONFIG.NumberColumn(text("col_read")),
        "of": CONFIG.TextColumn(text("col_kind")),
        **{
            name: CONFIG.NumberColumn(text(f"col_{name}"), help=meaning(name) if name in OUTCOMES else None)
            for name in COUNTED
        },
        "took": CONFIG.TextColumn(text("col_duration"), help=text("run_duration_about")),
        "mode": CONFIG.TextColumn(text("fact_mode")),
        "by": CONFIG.TextColumn(text("col_by")),
    }
    clicked = browse(run_frame(app, runs), columns, "runs-table", text("nav_runs"), {"started": table_time})
    return None if clicked is None else runs[clicked]


def run_frame(app: Application, runs: Sequence[Run]) -> "pd.DataFrame":
    """Return runs as a table, for the screen and the download."""
    import pandas as pd  # noqa: PLC0415 - as said at the top

    worked = app.runs.worked(runs)
    zone = datetime.now().astimezone().tzinfo if not st.context.timezone else st.context.timezone
    started = pd.Series([run.started_at for run in runs], dtype="datetime64[us, UTC]")
    return pd.DataFrame(
        {
            "run": [short_id(run.id) for run in runs],
            "flow": [flow_name(run.flow) for run in runs],
            "state": [[state_tag(run_state(run))] for run in runs],
            "started": started.dt.tz_convert(zone).dt.tz_localize(None),
            "read": [run.counts.read_count for run in runs],
            "of": [quantity_text(f"noun_{app.flows.noun(run.flow)}", run.counts.read_count) for run in runs],
            **{name: [getattr(run.counts, name) for run in runs] for name in COUNTED},
            "took": [span(worked[run.id].total_seconds()) if run.id in worked else "" for run in runs],
            "mode": [text(f"mode_short_{run.mode}") for run in runs],
            "by": [author_name(run.by) for run in runs],
        }
    )


def is_of_removed_flow(app: Application, run: Run) -> bool:
    """Return True, and say so, if the flow of a run no longer exists. Such a run cannot be shown or written."""
    if run.flow in app.flows:
        return False
    if empty("help", text("unknown_flow", name=plain(run.flow)), text("unknown_flow_about"), text("btn_all_runs")):
        st.switch_page("pages/runs.py")
    return True


def runs_listed(runs: Sequence[Run]) -> "pd.DataFrame":
    """Return runs as a table for a file, with bare codes and ISO times."""
    import pandas as pd  # noqa: PLC0415 - as said at the top

    table_rows = [
        {
            "run": run.id,
            "flow": run.flow,
            "state": run.state,
            "mode": run.mode,
            "by": run.by,
            "started_at": run.started_at.isoformat(),
            "ended_at": run.ended_at.isoformat() if run.ended_at else "",
            "read": run.counts.read_count,
            "proven": run.counts.proven,
            "accepted": run.counts.accepted,
            "unchanged": run.counts.unchanged,
            "skipped": run.counts.skipped,
            "parked": run.counts.parked,
            "in_doubt": run.counts.in_doubt,
            "not_written": run.counts.planned,
        }
        for run in runs
    ]
    return pd.DataFrame(table_rows)


def short_id(run_id: str) -> str:
    """Return the short id of a run, without its date and time."""
    return run_id.rpartition("-")[2]


# ---- one run --------------------------------------------------------------------------------------------------------


def what_was_read(run: Run, flow: Flow) -> Markdown:
    """Return how much a run read, and why it read everything or parked records if only changes were requested."""
    mode_text = term(f"mode_{Mode(run.mode)}", system=system_name(flow.source))
    for name in (ALL_FOR, PARKED_FOR):
        if because := [term(f"all_for_{changed}") for changed in run.notes.get(name, "").split(",") if changed]:
            return f"{mode_text}, {term(name, what=', '.join(because))}"
    return mode_text


def outcome(app: Application, run: Run) -> tuple[str, Markdown]:
    """Return the result of a written plan: its badge state and its sentences."""
    counts, system = run.counts, system_name(app.flows[run.flow].target)
    nothing = run.had_no_effect
    sentence = text("outcome_none_proven") if nothing else quantity_text("outcome_proven", counts.proven, system=system)
    waits = f" {quantity_text('outcome_also_parked', counts.parked)}" if counts.parked else ""
    return "done_nothing" if nothing else "done_parked" if counts.parked else "proven", f"**{sentence}**{waits}"


def run_facts(app: Application, run: Run) -> None:
    """Draw the facts of one run: times, people, how much it read, and the approval."""
    flow = app.flows[run.flow]
    worked = app.runs.worked([run]).get(run.id)
    rows = {
        text("col_started"): f"{moment(run.started_at)} · {plain(author_name(run.by))}",
        text("col_duration"): text("still_open") if worked is None else span(worked.total_seconds()),
        text("col_reads"): what_was_read(run, flow),
        text("col_mapping"): text("mapping_version", version=run.mapping_version),
    }
    if run.mode is Mode.UNDO and run.undo_of:
        rows[text("col_undoes")] = text("run_title", run=plain(short_id(run.undo_of)))
    if run.fingerprint:
        rows[text("col_fingerprint")] = coded(run.fingerprint[:16])
    if run.approval is not None:
        approval_text = plain(author_name(run.approval.by))
        if excluded_count := app.plans.count(run.id, "left"):
            approval_text += f" · {quantity_text('run_left_out', excluded_count)}"
        if run.approval.confirmed:
            approval_text += f" · {quantity_text('run_confirmed', len(run.approval.confirmed))}"
        rows[text("col_approved")] = approval_text
    facts_table(rows)


def run_phases(app: Application, run: Run) -> None:
    """Draw the phases of a run with their durations. Draws nothing if they were not recorded."""
    phases = app.runs.phases(run.id)
    if not phases:
        return
    section(text("run_phases"))
    name, took, began = text("col_phase"), text("col_duration"), text("col_started")
    rows = [
        {
            name: text(f"stretch_{phase.name}"),
            took: duration(phase.started_at, phase.ended_at)
            if phase.ended_at
            else f"{mark('running')} {text('still_open')}",
            began: moment(phase.started_at),
        }
        for phase in phases
    ]
    if run.ended_at:
        rows.append(
            {name: f"**{text('phases_total')}**", took: f"**{duration(run.started_at, run.ended_at)}**", began: ""}
        )
    st.table(rows, border="horizontal", hide_index=True)


def run_actions(app: Application, run: Run) -> None:
    """Draw the buttons for a run in its state."""
    acts = may(Runs.resume)
    if run.state is RunState.INTERRUPTED and acts:
        discard_button(app, run, text("btn_discard_rest"))
        if st.button(
            text("btn_resume"), icon=":material/play_arrow:", type="primary", key="resume", help=meaning("resume")
        ):
            act(lambda: app.runs.resume(run.id, person()))
    undoes = acts and run.state is RunState.DONE and run.counts.proven and run.pruned_at is None
    if undoes and st.button(
        text("btn_undo"), icon=":material/undo:", type="tertiary", key="undo", help=meaning("undo")
    ):
        start_undo(app, run)
    if run.state is RunState.PREVIEWING:
        return
    waits = run.state is RunState.READY
    key = "open_preview" if waits else "open_plan"
    label, icon = text(f"btn_{key}"), ":material/difference:"
    if st.button(label, icon=icon, type="primary" if waits else "secondary", key=key, help=meaning("plan")):
        st.switch_page("pages/preview.py", query_params={"flow": run.flow, "plan": run.id})


def start_undo(app: Application, run: Run) -> None:
    """Start a plan that undoes a run, and show it. Nothing is written before the plan is approved."""
    show_plan(run.flow, lambda: app.runs.undo(run.id, by=person()))


def stopped_by(run: Run) -> None:
    """Show the error that stopped a run. The progress of an active run shows its own error."""
    if run.error and run.state not in ACTIVE:
        state = "failed" if run.state is RunState.FAILED else "interrupted"
        show_error(run.error, {"flow": run.flow, "run": short_id(run.id), **run.facts}, state)


def parked_causes(app: Application, run: Run) -> None:
    """Draw the number of parked records of a run and their open causes, each with its amount and repair."""
    if not run.counts.parked or run.state in ACTIVE:
        return
    section(text("run_parked"), quantity_text("run_parked_about", run.counts.parked))
    causes = app.exceptions.of_run(run)
    with st.container(border=True, gap="xsmall", key="rows_parked"):
        for at, group in enumerate(causes[:MAX_CAUSES]):
            if at:
                st.divider()
            _parked_cause(app, group)
        if not causes:
            note(text("run_parked_gone"))
    if (rest := len(causes) - MAX_CAUSES) > 0:
        more_exceptions(rest, run.flow)


def _parked_cause(app: Application, group: CauseGroup) -> None:
    title, address = group_headline(app, group), group_address(group.group_key)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap=None):
            small(f"**{title}**")
            since = text("need_since", moment=moment(group.first_seen))
            note(
                " · ".join(
                    part for part in (quantity_text("cause_records", group.count), at_stake(group), since) if part
                )
            )
        if st.button(
            label_with_object(text("btn_repair" if may(Exceptions.correct) else "btn_look"), title),
            key=f"need-{address}",
            width=132,
        ):
            st.switch_page("pages/exceptions.py", query_params={"flow": group.flow, "cause": address})


def runs_of_today(app: Application) -> list[Run]:
    """Return the runs that started today, without discarded ones."""
    midnight = datetime.now(UTC).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    recent_runs: list[Run] = []
    while len(recent_runs) % AT_ONCE == 0:
        page = app.runs.latest(offset=len(recent_runs), limit=AT_ONCE)
        recent_runs += page
        if not page or page[-1].started_at < midnight:
            break
    return [run for run in recent_runs if run.started_at >= midnight and run.state is not RunState.DISCARDED]
