"""Actions on several causes, or on several records of one cause, and the report of refused ones."""

from collections.abc import Sequence

import streamlit as st

from integration.application.application import Application
from integration.core.issues import CauseGroup, IssueState
from integration.services.runs.bulk import Bulk, BulkFailure, BulkResult
from integration.services.runs.exceptions import group_address
from pages.components.shared.application import guarded, may, person
from pages.components.shared.flows import group_headline
from pages.components.shared.layout import label_with_object, mark, note, small
from pages.components.shared.wording import Markdown, counted, number, option_name, plain, say, text, who

_CHOSEN, _TOLD, _ROUND = "several_chosen", "several_told", "several_round"


def selection_switch(groups: Sequence[CauseGroup]) -> bool:
    """Draw the switch that turns on the selection of causes. Return whether it is on."""
    return len(groups) > 1 and may(Bulk.set_aside) and st.toggle(text("choose_several"), key="choose_several")


def tick(group: CauseGroup, title: Markdown) -> None:
    """Draw the checkbox that selects a cause."""
    address = group_address(group.group_key)
    key = f"tick-{st.session_state.get(_ROUND, 0)}-{address}"
    chosen: set[str] = st.session_state.setdefault(_CHOSEN, set())

    def moved() -> None:  # a callback, because the selection is drawn above the causes
        (chosen.add if st.session_state[key] else chosen.discard)(address)

    label = label_with_object(text("choose_cause"), title)
    st.checkbox(label, address in chosen, key=key, on_change=moved, label_visibility="collapsed")


def several_bar(app: Application, groups: Sequence[CauseGroup], state: IssueState) -> None:
    """Draw the number of selected causes and the actions for all of them."""
    wanted: set[str] = st.session_state.get(_CHOSEN, set())
    chosen = [group for group in groups if group_address(group.group_key) in wanted]
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key="several"):
        records = number(sum(group.count for group in chosen))
        st.markdown(f"**{counted('several_chosen', len(chosen), records=records)}**", width="stretch")
        if len(chosen) < len(groups) and st.button(text("btn_choose_every"), type="tertiary", key="several_all"):
            _anew({group_address(group.group_key) for group in groups})
        if chosen:
            actions(app, chosen, state)


def actions(app: Application, chosen: Sequence[CauseGroup], state: IssueState, only: Sequence[int] = ()) -> None:
    """Draw the actions for the selected causes, or for the selected records (`only`) of one cause."""
    if state is IssueState.SET_ASIDE:
        if st.button(text("btn_take_back"), icon=":material/undo:", key="several_back"):
            _did(app.bulk.take_back(chosen, person(), only))
        return
    if may(Bulk.try_again) and st.button(text("more_again"), icon=":material/refresh:", key="several_again"):
        _did(app.bulk.try_again(chosen, person(), only))
    if not only and st.button(text("more_assign"), icon=":material/person:", key="several_assign"):
        st.dialog(text("assign_title"), icon=":material/person:")(guarded(_ask_who))(app, chosen)
    if st.button(text("more_aside"), icon=":material/inventory_2:", key="several_aside"):
        st.dialog(text("aside_title"), icon=":material/inventory_2:")(guarded(_ask_reason))(app, chosen, only)


def _ask_reason(app: Application, chosen: Sequence[CauseGroup], only: Sequence[int]) -> None:
    small(f"**{_what(app, chosen, only)}**")
    note(text("aside_about"))
    reason = (st.text_input(text("aside_reason"), key="several_reason", autocomplete="off") or "").strip()
    if st.button(text("more_aside"), type="primary", key="several_aside_now", disabled=not reason):
        _did(app.bulk.set_aside(chosen, reason, person(), only))


def _ask_who(app: Application, chosen: Sequence[CauseGroup]) -> None:
    small(f"**{_what(app, chosen, ())}**")
    note(text("assign_about"))
    to = assignee(app, "several_to")
    if st.button(text("more_assign"), type="primary", key="several_assign_now"):
        _did(app.bulk.assign(chosen, to, person()))


def assignee(app: Application, key: str, now: str = "") -> str:
    """Draw the choice of an assignee and return the name: nobody, the current person, or a known person."""
    known = [] if app.people.asks_log_in() else app.issues.people()
    offer = list(dict.fromkeys(["", person().ref, *app.people.names(), *known, now]))
    chosen = st.selectbox(
        text("assign_to"),
        offer,
        index=offer.index(now),
        key=key,
        accept_new_options=not app.people.asks_log_in(),
        format_func=option_name(lambda one: who(one) if one else text("assign_nobody")),
    )
    return (chosen or "").strip()


def _what(app: Application, chosen: Sequence[CauseGroup], only: Sequence[int]) -> Markdown:
    if only:
        return f"{group_headline(app, chosen[0])} · {counted('cause_records', len(only))}"
    records = number(sum(group.count for group in chosen))
    return counted("several_chosen", len(chosen), records=records)


def _did(done: BulkResult) -> None:
    st.session_state[_TOLD] = done
    st.session_state["said"] = counted("several_done", done.records)
    _anew(set())


def _anew(chosen: set[str]) -> None:
    st.session_state[_CHOSEN] = chosen
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.rerun()


def refused_actions(app: Application) -> None:
    """Show once for which causes or records an action was refused, and why."""
    done: BulkResult | None = st.session_state.pop(_TOLD, None)
    if done is None or not done.refused:
        return
    with st.container(border=True, gap="xsmall", key="several_told"):
        st.markdown(f"{mark('parked')} **{counted('several_refused', len(done.refused))}**")
        for one in done.refused:
            small(f"{group_headline(app, one.group)} — {plain(_why(one))}")


def _why(one: BulkFailure) -> str:
    if not one.code:
        return text("several_gone")
    sentences = say(one.code, {"flow": one.group.flow, **one.facts})
    return f"{sentences.what} {sentences.do}"
