"""The repair of a missing code in a setting, such as the default debtor: one code for all or one for each branch."""

from collections import Counter
from collections.abc import Callable, Mapping

import streamlit as st

from integration.application.application import Application
from integration.core.issues import CauseGroup
from integration.core.rules import as_text
from integration.flows.settings import BOOKS, TILL, till_list
from integration.services.runs.exceptions import MAX_GROUP_RECORDS
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.inputs import code_field, codes_or_error
from pages.components.shared.layout import ask_live, note
from pages.components.shared.rows import code_label
from pages.components.shared.wording import number, plain, quantity_text, system_name, text

BRANCHES = till_list("branches")
DEFAULT, BY_BRANCH = "default_debtor", "default_debtors_by_branch"  # settings of document flows


def choose_code(app: Application, group: CauseGroup, noun: str, repair: Callable[[Callable[[], None]], None]) -> None:
    """Ask for the code of the setting, or one code per branch. `repair` is called with the function that saves it."""
    setting = app.flows.spec(group.flow).repair_of(group.cause).name or group.facts["setting"]
    code = "debtor_number" if setting == DEFAULT else setting
    code_list = app.exceptions.code_setting(group.flow, code).of
    codes = codes_or_error(app, code_list)
    branches = _branches(app, group) if setting == DEFAULT else {}
    if codes is None or branches is None:
        return
    st.markdown(text(f"{setting}_question"))
    way = "all"
    by_branch = getattr(app.flows.settings(group.flow), BY_BRANCH, {}) if setting == DEFAULT else {}
    if len(branches) > 1 or (branches and by_branch):
        way = controls.segmented_control(
            text(f"{setting}_question"),
            ("all", "branch"),
            default="branch" if by_branch else "all",
            required=True,
            key="code_way",
            format_func=lambda option: text(f"debtor_{option}"),
            label_visibility="collapsed",
        )
    proposed = app.exceptions.proposed_code(group.flow, code)
    captions = app.lists.captions(TILL.system, BRANCHES.name) if way == "branch" else {}
    chosen: dict[str, str] = {}
    for branch, documents in (branches if way == "branch" else {"": 0}).items():
        label = text(f"setting_{setting}")
        if branch:
            label = text("debtor_of_branch", branch=plain(captions.get(branch, branch)), number=number(documents))
        chosen[branch] = code_field(
            label,
            proposed if proposed in codes else "",
            codes,
            f"{setting}-{branch}",
            none=text("row_choose"),
            labels=lambda code: code_label(app, code_list, code, codes),
            of=code_list,
        )
    chosen = {branch: code for branch, code in chosen.items() if code}
    is_part = way == "branch" and len(chosen) < len(branches)
    count = sum(branches[branch] for branch in chosen) if is_part else group.count
    button = quantity_text(f"btn_repair_{noun}", count)
    if controls.button(button, type="primary", icon=":material/build:", key="use_code", disabled=not chosen):
        repair(lambda: _save_setting(app, group.flow, _settings(app, group.flow, setting, chosen)))
    if way == "branch":
        note(text("debtor_partial"))
    note(text("debtor_effect", system=system_name(BOOKS.system)))


def _branches(app: Application, group: CauseGroup) -> dict[str, int] | None:
    """Return the number of documents of each branch, or None if the till does not answer."""
    keys = [open_issue.issue.key for open_issue in app.exceptions.issues_of(group.group_key, limit=MAX_GROUP_RECORDS)]
    name = f"branches {group.flow} {keys[:1]} {len(keys)}"
    records = ask_live(app, name, lambda: app.exceptions.records(group.flow, keys))
    if records is None:
        return None
    count = Counter(as_text(record.values.get("branch")) for record in records.values())
    return {code: documents for code, documents in sorted(count.items()) if code}


def _save_setting(app: Application, flow: str, settings: Mapping[str, object]) -> None:
    app.flows.change(flow, settings, person())


def _settings(app: Application, flow: str, setting: str, chosen: Mapping[str, str]) -> dict[str, object]:
    """Return the changed settings. A code under the empty branch applies to all branches."""
    if setting != DEFAULT:
        return {setting: chosen[""]}
    now = app.flows.settings(flow).model_dump()
    mode = {DEFAULT: now[DEFAULT] if now[DEFAULT] != "off" else "fallback"}
    if "" in chosen:
        return {**mode, "debtor_number": chosen[""]}
    return {**mode, BY_BRANCH: {**now[BY_BRANCH], **chosen}}
