"""The steps from a plan to its commit: brakes, the approval of a second person, and the commit button."""

from collections.abc import Mapping
from functools import partial

import streamlit as st

from integration.application.application import Application
from integration.core.flow import Flow
from integration.core.plan import Approval
from integration.core.run import Mode, Run
from pages.components.shared.application import focus_field, guarded, person
from pages.components.shared.changes import what_changes
from pages.components.shared.documents import code_and_name
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import bottom_bar, note, result_of, small
from pages.components.shared.notes import discard_button
from pages.components.shared.plan_selection import ask_before_commit, is_asking, redraw_ticks, stop_asking, take_in
from pages.components.shared.wording import (
    Markdown,
    author_name,
    cause_headline,
    euros,
    flow_text,
    kind_name,
    moment,
    number,
    plain,
    quantity_text,
    read_number,
    say,
    system_name,
    text,
)

SHOWN_RECORDS = 10


def brake_box(run: Run, *, asks: bool) -> None:
    """Show the brakes that hold the plan. With `asks`, draw a field for the number that each brake counted.

    The number typed there is filled in when the confirmation opens.
    """
    if not run.brakes:
        return
    with st.container(border=True, gap="xsmall"):
        for brake in run.brakes:
            sentences = say(brake.code, brake.facts)
            st.markdown(
                f":orange[:material/front_hand:] **{text('brake_holds')}: {plain(cause_headline(brake.code, {}))}** "
                f":small[:gray[{plain(sentences.problem)} {plain(sentences.do)}]]",
                help=meaning("brake"),
            )
            if asks:
                _number_field(f"brake-{brake.code}", brake.count)
        note(text("nothing_written"))


def outdated_bar(app: Application, run: Run, flow: Flow, changes: int) -> bool:
    """Draw the bar of an outdated plan. Return whether a new preview was requested."""
    with bottom_bar(f":gray[{text('nothing_written')}]"):
        discard_button(app, run, text("btn_discard"))
        label = quantity_text("btn_commit", changes, system=system_name(flow.target))
        st.button(label, icon=":material/send:", key="commit", disabled=True)
        return st.button(text("btn_preview_again"), type="primary", icon=":material/refresh:", key="again")


def commit_bar(app: Application, run: Run, flow: Flow, changes: int) -> None:
    """Draw the bar with the selection and the commit button, which is the only one that writes."""
    chosen = changes - len(run.excluded)
    writes = quantity_text("write", app.plans.writes(run.id, frozenset(run.excluded)))
    extent = quantity_text("bar_chosen", changes, chosen=number(chosen))
    sums = f"{' · '.join(_sums(app, run))}."
    with bottom_bar(f"**{extent} · {writes}.** {sums} :gray[{text('nothing_written')}]"):
        if run.excluded and st.button(text("btn_choose_all"), type="tertiary", key="choose_all"):
            take_in(app, run, list(run.excluded))
            redraw_ticks()
        discard_button(app, run, text("btn_discard"))
        label = quantity_text("btn_commit", chosen, system=system_name(flow.target))
        asks = "Ctrl+Enter" if run.brakes else None  # the shortcut may open a confirmation, but never write
        if st.button(
            label, type="primary", icon=":material/send:", key="commit", disabled=not chosen, shortcut=asks,
            help=meaning("commit"),
        ):  # fmt: skip
            ask_before_commit(run)
    if not is_asking(run) or not chosen:
        return
    if run.brakes:
        closed = partial(stop_asking, run)
        dialog = st.dialog(text("brake_title"), width="medium", icon=":material/front_hand:", on_dismiss=closed)
        dialog(guarded(_ask_confirmation))(app, run, label, writes)
    else:
        _commit(app, run, {})


def _sums(app: Application, run: Run) -> list[Markdown]:
    """Return what an approval covers: the number of each kind, the amount, and prices up and down."""
    sums = app.plans.sums(run.id, run.excluded)
    phrases = [f"{kind_name(kind)} {number(count)}" for kind, count in sums.kinds.items()]
    if sums.booked is not None:
        phrases.append(flow_text("bar_booked", run.flow, amount=euros(sums.booked)))
    if sums.dearer or sums.cheaper:
        phrases.append(text("bar_prices", up=number(sums.dearer), down=number(sums.cheaper)))
    return phrases


def _ask_confirmation(app: Application, run: Run, label: Markdown, writes: Markdown) -> None:
    """Ask for the number that each brake counted, so that a person checks a plan above its limits twice."""
    typed: dict[str, int] = {}
    for brake in run.brakes:
        sentences = say(brake.code, brake.facts)
        st.markdown(f"**{plain(cause_headline(brake.code, {}))}** {plain(sentences.problem)} {plain(sentences.do)}")
        _braked_records(app, run, brake.code)
        typed_number = st.session_state.get(f"brake-{brake.code}") or ""
        answer = _number_field(f"typed-{brake.code}", brake.count, typed_number)
        if read_number(answer or "") == brake.count:
            typed[brake.code] = brake.count
    note(text("brake_then", writes=writes))
    focus_field()
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button(text("btn_back_to_plan"), type="tertiary", key="back"):
            stop_asking(run)
            st.rerun()
        ready = len(typed) == len(run.brakes)
        if st.button(label, type="primary", icon=":material/send:", key="really", disabled=not ready):
            _commit(app, run, typed)


def _number_field(key: str, count: int, typed_number: str = "") -> str | None:
    """Draw the field for the number that a brake counted."""
    label = text("brake_type", count=count)
    return st.text_input(
        label, typed_number, key=key, live=True, autocomplete="off", placeholder=number(count), width=280
    )


def _braked_records(app: Application, run: Run, code: str) -> None:
    """Draw the first records that a brake counted. A brake on the whole plan marks none."""
    marked, marked_count = app.plans.marked(run.id, code, SHOWN_RECORDS)
    if not marked:
        return
    named_rows = [(*code_and_name(row), row) for row in marked]
    key, name, change_title = text("col_code"), text("col_name"), text("col_what")
    undone, target = run.mode is Mode.UNDO, app.flows[run.flow].target
    table_rows = [
        {
            key: plain(record_code),
            name: plain(title),
            change_title: plain(what_changes(app, row, undone=undone, system=target)),
        }
        for record_code, title, row in named_rows
    ]
    st.table(table_rows, border="horizontal", hide_index=True)
    if marked_count > len(marked):
        note(text("and_more", number=number(marked_count - len(marked))))


def _commit(app: Application, run: Run, typed: Mapping[str, int]) -> None:
    stop_asking(run)
    approval = Approval(run.mark, person().ref, confirmed=dict(typed))
    if result_of(lambda: app.runs.commit(run.id, approval)):
        st.switch_page("pages/runs.py", query_params={"run": run.id})
    st.rerun()


def four_eyes_box(app: Application, run: Run) -> None:
    """Show that a plan needs two approvals, and who has approved it."""
    exceeded_limits = app.four_eyes.exceeded_limits(run)
    if not exceeded_limits:
        return
    first = app.four_eyes.first_approval(run)
    sentence = (
        text("four_eyes_first", name=plain(author_name(first.by)), time=moment(first.until))
        if first
        else text("four_eyes_none")
    )
    with st.container(border=True, gap="xsmall", key="four-eyes"):
        st.markdown(
            f":orange[:material/group:] **{text('four_eyes_needed')}** :small[:gray[{sentence}]]",
            help=meaning("four_eyes_title"),
        )
        for brake in exceeded_limits:
            small(text("four_eyes_count", count=brake.count, limit=plain(brake.limit)))
        small(text("four_eyes_parts"))
