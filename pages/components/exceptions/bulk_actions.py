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
from pages.components.shared.wording import Markdown, author_name, number, option_name, plain, quantity_text, say, text

_SELECTION_KEY, _RESULT_KEY, _ROUND = "several_chosen", "several_told", "several_round"


def selection_switch(groups: Sequence[CauseGroup]) -> bool:
    """Draw the switch that turns on the selection of causes. Return whether it is on."""
    return len(groups) > 1 and may(Bulk.dismiss) and st.toggle(text("choose_several"), key="choose_several")


def tick(group: CauseGroup, title: Markdown) -> None:
    """Draw the checkbox that selects a cause."""
    address = group_address(group.group_key)
    key = f"tick-{st.session_state.get(_ROUND, 0)}-{address}"
    chosen: set[str] = st.session_state.setdefault(_SELECTION_KEY, set())

    def moved() -> None:  # a callback, because the selection is drawn above the causes
        (chosen.add if st.session_state[key] else chosen.discard)(address)

    label = label_with_object(text("choose_cause"), title)
    st.checkbox(label, address in chosen, key=key, on_change=moved, label_visibility="collapsed")


def several_bar(app: Application, groups: Sequence[CauseGroup], state: IssueState) -> None:
    """Draw the number of selected causes and the actions for all of them."""
    chosen_addresses: set[str] = st.session_state.get(_SELECTION_KEY, set())
    chosen = [group for group in groups if group_address(group.group_key) in chosen_addresses]
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key="several"):
        records = number(sum(group.count for group in chosen))
        st.markdown(f"**{quantity_text('several_chosen', len(chosen), records=records)}**", width="stretch")
        if len(chosen) < len(groups) and st.button(text("btn_choose_every"), type="tertiary", key="several_all"):
            _reset_selection({group_address(group.group_key) for group in groups})
        if chosen:
            actions(app, chosen, state)


def actions(app: Application, chosen: Sequence[CauseGroup], state: IssueState, only: Sequence[int] = ()) -> None:
    """Draw the actions for the selected causes, or for the selected records (`only`) of one cause."""
    if state is IssueState.DISMISSED:
        if st.button(text("btn_reopen"), icon=":material/undo:", key="several_back"):
            _show_result(app.bulk.reopen(chosen, person(), only))
        return
    if may(Bulk.try_again) and st.button(text("more_again"), icon=":material/refresh:", key="several_again"):
        _show_result(app.bulk.try_again(chosen, person(), only))
    if not only and st.button(text("more_assign"), icon=":material/person:", key="several_assign"):
        st.dialog(text("assign_title"), icon=":material/person:")(guarded(_ask_who))(app, chosen)
    if st.button(text("more_dismiss"), icon=":material/inventory_2:", key="several_dismiss"):
        st.dialog(text("dismiss_title"), icon=":material/inventory_2:")(guarded(_ask_reason))(app, chosen, only)


def _ask_reason(app: Application, chosen: Sequence[CauseGroup], only: Sequence[int]) -> None:
    small(f"**{_selection_text(app, chosen, only)}**")
    note(text("dismissed_about"))
    reason = (st.text_input(text("dismiss_reason"), key="several_reason", autocomplete="off") or "").strip()
    if st.button(text("more_dismiss"), type="primary", key="several_dismiss_now", disabled=not reason):
        _show_result(app.bulk.dismiss(chosen, reason, person(), only))


def _ask_who(app: Application, chosen: Sequence[CauseGroup]) -> None:
    small(f"**{_selection_text(app, chosen, ())}**")
    note(text("assign_about"))
    to = assignee(app, "several_to")
    if st.button(text("more_assign"), type="primary", key="several_assign_now"):
        _show_result(app.bulk.assign(chosen, to, person()))


def assignee(app: Application, key: str, now: str = "") -> str:
    """Draw the choice of an assignee and return the name: nobody, the current person, or a known person."""
    previous_people = [] if app.people.asks_log_in() else app.issues.people()
    offer = list(dict.fromkeys(["", person().ref, *app.people.names(), *previous_people, now]))
    chosen = st.selectbox(
        text("assign_to"),
        offer,
        index=offer.index(now),
        key=key,
        accept_new_options=not app.people.asks_log_in(),
        format_func=option_name(lambda ref: author_name(ref) if ref else text("assign_nobody")),
    )
    return (chosen or "").strip()


def _selection_text(app: Application, chosen: Sequence[CauseGroup], only: Sequence[int]) -> Markdown:
    if only:
        return f"{group_headline(app, chosen[0])} · {quantity_text('cause_records', len(only))}"
    records = number(sum(group.count for group in chosen))
    return quantity_text("several_chosen", len(chosen), records=records)


def _show_result(bulk_result: BulkResult) -> None:
    st.session_state[_RESULT_KEY] = bulk_result
    st.session_state["said"] = quantity_text("several_done", bulk_result.records)
    _reset_selection(set())


def _reset_selection(chosen: set[str]) -> None:
    st.session_state[_SELECTION_KEY] = chosen
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.rerun()


def refused_actions(app: Application) -> None:
    """Show once for which causes or records an action was refused, and why."""
    bulk_result: BulkResult | None = st.session_state.pop(_RESULT_KEY, None)
    if bulk_result is None or not bulk_result.refused:
        return
    with st.container(border=True, gap="xsmall", key="several_told"):
        st.markdown(f"{mark('parked')} **{quantity_text('several_refused', len(bulk_result.refused))}**")
        for failure in bulk_result.refused:
            small(f"{group_headline(app, failure.group)} — {plain(_failure_text(failure))}")


def _failure_text(failure: BulkFailure) -> str:
    if not failure.code:
        return text("several_gone")
    sentences = say(failure.code, {"flow": failure.group.flow, **failure.facts})
    return f"{sentences.problem} {sentences.do}"
