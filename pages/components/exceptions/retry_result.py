"""Results of retries: how many records are solved, and under which causes the others are parked."""

from collections.abc import Mapping

import streamlit as st

from integration.application.application import Application
from integration.core.issues import CauseGroup, IssueGroupKey
from integration.core.states import RunState
from integration.services.runs.exceptions import RetryResult, group_address
from pages.components.exceptions.repairs import noun
from pages.components.shared.flows import group_headline
from pages.components.shared.layout import mark, small
from pages.components.shared.wording import Markdown, counted, number, text

MOST_CAUSES = 3  # causes that a result links to
COUNT_WIDTH = 78  # width in pixels of the number of records on a card

Tries = Mapping[IssueGroupKey, RetryResult]


def retry_sentence(one: RetryResult) -> Markdown:
    """Return the result of a retry as a sentence, or an empty text if all records are solved."""
    facts = {"solved": number(one.solved), "read": number(one.run.counts.read)}
    if one.same and one.elsewhere:
        return text("try_both", same=number(one.same), others=number(one.elsewhere), **facts)
    if one.same:
        return counted("try_same", one.same, **facts)
    return counted("try_others", one.elsewhere, **facts) if one.elsewhere else ""


def retry_result(app: Application, one: RetryResult, groups: Mapping[IssueGroupKey, CauseGroup]) -> None:
    """Draw the result of a retry, with links to its preview and to the new causes of its records."""
    if said := retry_sentence(one):
        small(f"{mark('parked')} {said}")
    planned = one.run.counts.planned if one.run.state is RunState.READY else 0
    if planned:
        small(f"{mark('waiting')} {counted(f'try_waits_{noun(app, one.group)}', planned)}")
    with st.container(horizontal=True, gap="small"):
        if planned and st.button(text("btn_open_preview"), icon=":material/difference:", key=f"plan-{one.run.id}"):
            st.switch_page("pages/preview.py", query_params={"flow": one.run.flow, "plan": one.run.id})
        for cause in [cause for cause in one.others if cause in groups][:MOST_CAUSES]:
            label = text("try_other_cause", cause=group_headline(app, groups[cause]))
            if st.button(label, type="tertiary", icon=":material/arrow_forward:", key=f"to-{group_address(cause)}"):
                st.query_params["cause"] = group_address(cause)
                st.rerun()


def solved_cards(app: Application, tries: Tries, groups: Mapping[IssueGroupKey, CauseGroup]) -> None:
    """Draw solved causes whose records wait in a preview for approval."""
    for one in tries.values():
        if one.group.group_key in groups or one.run.state is not RunState.READY:
            continue
        with st.container(border=True, gap="small", horizontal=True, vertical_alignment="center"):
            with st.container(width=COUNT_WIDTH, gap=None):
                st.markdown(f"**{number(one.run.counts.read)}**")
                small(f":gray[{counted(f'noun_{noun(app, one.group)}', one.run.counts.read)}]")
            with st.container(width="stretch", gap="xsmall"):
                st.markdown(f"**{group_headline(app, one.group)}**")
                retry_result(app, one, groups)
