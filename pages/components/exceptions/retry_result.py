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
from pages.components.shared.wording import Markdown, number, quantity_text, text

MAX_CAUSES = 3  # causes that a result links to
COUNT_WIDTH = 78  # width in pixels of the number of records on a card

Tries = Mapping[IssueGroupKey, RetryResult]


def retry_sentence(retry: RetryResult) -> Markdown:
    """Return the result of a retry as a sentence, or an empty text if all records are solved."""
    facts = {"solved": number(retry.solved), "read": number(retry.run.counts.read_count)}
    if retry.same and retry.moved_count:
        return text("try_both", same=number(retry.same), others=number(retry.moved_count), **facts)
    if retry.same:
        return quantity_text("try_same", retry.same, **facts)
    return quantity_text("try_others", retry.moved_count, **facts) if retry.moved_count else ""


def retry_result(app: Application, retry: RetryResult, groups: Mapping[IssueGroupKey, CauseGroup]) -> None:
    """Draw the result of a retry, with links to its preview and to the new causes of its records."""
    if sentence := retry_sentence(retry):
        small(f"{mark('parked')} {sentence}")
    address = group_address(retry.group.group_key)
    planned = retry.run.counts.planned if retry.run.state is RunState.READY else 0
    if planned:
        small(f"{mark('waiting')} {quantity_text(f'try_waits_{noun(app, retry.group)}', planned)}")
    with st.container(horizontal=True, gap="small"):
        if planned and st.button(text("btn_open_preview"), icon=":material/difference:", key=f"plan-{address}"):
            st.switch_page("pages/preview.py", query_params={"flow": retry.run.flow, "plan": retry.run.id})
        for cause in [cause for cause in retry.counts_by_cause if cause in groups][:MAX_CAUSES]:
            label = text("try_other_cause", cause=group_headline(app, groups[cause]))
            other = group_address(cause)
            if st.button(label, type="tertiary", icon=":material/arrow_forward:", key=f"from-{address}-to-{other}"):
                st.query_params["cause"] = other
                st.rerun()


def solved_cards(app: Application, tries: Tries, groups: Mapping[IssueGroupKey, CauseGroup]) -> None:
    """Draw solved causes whose records wait in a preview for approval."""
    for retry in tries.values():
        if retry.group.group_key in groups or retry.run.state is not RunState.READY:
            continue
        with st.container(border=True, gap="small", horizontal=True, vertical_alignment="center"):
            with st.container(width=COUNT_WIDTH, gap=None):
                st.markdown(f"**{number(retry.run.counts.read_count)}**")
                small(f":gray[{quantity_text(f'noun_{noun(app, retry.group)}', retry.run.counts.read_count)}]")
            with st.container(width="stretch", gap="xsmall"):
                st.markdown(f"**{group_headline(app, retry.group)}**")
                retry_result(app, retry, groups)
