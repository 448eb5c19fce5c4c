"""The repair of a record with several options: a person decides for each record or for the whole group."""

import hashlib
from collections.abc import Callable, Sequence

import streamlit as st

from integration.application.application import Application
from integration.core.issues import CauseGroup, OpenIssue
from integration.flows.deciding import KEEP
from integration.services.runs.exceptions import MAX_GROUP_RECORDS
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.layout import note
from pages.components.shared.wording import Markdown, plain, quantity_text, text

MAX_REASON = 200  # characters
ONE_BY_ONE = 10  # records of a group that are decided in one form
# Facts that are shown before a decision, by kind of record, with the sentence for each.
NAMED = {"day": {"difference": "decision_off", "behind": "decision_late"}}


def decide(
    app: Application,
    group: CauseGroup,
    options: Sequence[str],
    noun: str,
    repair: Callable[[Callable[[], None]], None],
) -> None:
    """Ask for a decision about each record of a group or about all, and draw the preview button."""
    decisions = _decide_all(app, group, options, noun) if is_for_all(group) else _decide_each(app, group, options, noun)
    reason = _reason() if KEEP in decisions else ""
    decided = sum(map(len, decisions.values()))
    label = quantity_text(f"btn_decide_{noun}", decided or group.count)
    if controls.button(label, type="primary", icon=":material/check:", key="decide", disabled=not decided):
        repair(lambda: _save_decisions(app, group.flow, decisions, reason))


def is_for_all(group: CauseGroup) -> bool:
    """Draw the choice between one decision for all records and one for each. Return True for all."""
    if group.count == 1:
        return False
    way = controls.segmented_control(
        text("decision_way"),
        ("each", "all"),
        default="each",
        required=True,
        key="decision_way",
        format_func=lambda option: text(f"decision_{option}"),
        label_visibility="collapsed",
    )
    return way == "all"


def _decide_each(app: Application, group: CauseGroup, options: Sequence[str], noun: str) -> dict[str, list[OpenIssue]]:
    decisions: dict[str, list[OpenIssue]] = {}
    open_issues = app.exceptions.issues_of(group.group_key, limit=ONE_BY_ONE)
    for open_issue in open_issues:
        st.markdown(text("decision_question", record=plain(open_issue.title)))
        for name, sentence in NAMED.get(noun, {}).items():
            if fact := open_issue.issue.facts.get(name):
                note(text(sentence, **{name: plain(fact)}))
        if option := _option(
            options, noun, f"{open_issue.id}-{open_issue.issue.facts.get('mark', '')}", plain(open_issue.title)
        ):
            decisions.setdefault(option, []).append(open_issue)
    if len(open_issues) < group.count:
        note(text("decision_first", number=len(open_issues)))
    return decisions


def _decide_all(app: Application, group: CauseGroup, options: Sequence[str], noun: str) -> dict[str, list[OpenIssue]]:
    open_issues = app.exceptions.issues_of(group.group_key, limit=MAX_GROUP_RECORDS)
    marks = "".join(open_issue.issue.facts.get("mark", "") for open_issue in open_issues)
    option = _option(options, noun, hashlib.sha256(marks.encode()).hexdigest()[:10], text("decision_all"))
    return {option: open_issues} if option else {}


def _option(options: Sequence[str], noun: str, key: str, record: Markdown) -> str | None:
    """Draw the options and return the chosen one. The key changes with the record, so a change asks again."""
    return controls.radio(
        text("decision_question", record=record),
        options,
        index=None,
        key=f"decision-{key}",
        format_func=lambda option: text(f"decision_{option}"),
        captions=[text(f"decision_{noun}_{option}_about") for option in options],
        label_visibility="collapsed",
    )


def _reason() -> str:
    return controls.text_input(text("decision_reason"), key="decision_reason", autocomplete="off", max_chars=MAX_REASON)


def _save_decisions(app: Application, flow: str, decisions: dict[str, list[OpenIssue]], reason: str) -> None:
    for option, open_issues in decisions.items():
        app.exceptions.decide(flow, open_issues, option, person(), reason if option == KEEP else "")
