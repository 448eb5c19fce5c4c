"""The debtor for documents without a customer: one for all of them, or one for each branch that they are of."""

from collections import Counter
from collections.abc import Callable, Mapping

import streamlit as st

from integration.core.issues import CauseGroup
from integration.core.rules import as_text
from integration.flows.settings import BOOKS, TILL, books_list, till_list
from integration.services import Application
from integration.services.exceptions import MOST
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.inputs import code_field, codes_or_error
from pages.components.shared.layout import ask_live, note
from pages.components.shared.rows import code_label
from pages.components.shared.wording import Markdown, counted, plain, system_name, text

DEBTORS, BRANCHES = books_list("debtors"), till_list("branches")
DEFAULT, BY_BRANCH = "default_debtor", "default_debtors_by_branch"  # settings of documents


def choose_default_debtor(
    app: Application, group: CauseGroup, noun: str, repair: Callable[[Callable[[], None]], None]
) -> None:
    """Ask for the debtor, and for each branch for its own where a person wants so; `repair` carries the answer out."""
    setting = app.flows.spec(group.flow).repair_of(group.cause).name
    by_branch = BY_BRANCH in app.flows.settings(group.flow).model_dump()
    debtors = codes_or_error(app, DEBTORS)
    branches = _branches(app, group) if by_branch else {}
    if debtors is None or branches is None:
        return
    st.markdown(text(f"{setting}_question"))
    way = "all"
    if len(branches) > 1:
        way = controls.segmented_control(
            text(f"{setting}_question"),
            ("all", "branch"),
            default="all",
            required=True,
            key="debtor_way",
            format_func=lambda one: text(f"debtor_{one}"),
            label_visibility="collapsed",
        )
    asked: Mapping[str, Markdown] = {"": text("debtor_all")} if way == "all" else branches
    chosen = {code: _debtor(app, label, f"debtor-{code}", debtors) for code, label in asked.items()}
    ready = all(chosen.values())
    label = counted(f"btn_repair_{noun}", group.count)
    if controls.button(label, type="primary", icon=":material/build:", key="use_debtor", disabled=not ready):
        repair(lambda: _keep(app, group.flow, _settings(app, group.flow, setting, chosen)))
    note(text("debtor_effect", system=system_name(BOOKS)))


def _branches(app: Application, group: CauseGroup) -> dict[str, Markdown] | None:
    """Return the branches of the documents with what each is called and how many of them it has; None where unknown."""
    keys = [one.issue.key for one in app.exceptions.issues_of(group.of, limit=MOST)]
    name = f"branches {group.flow} {keys[:1]} {len(keys)}"
    records = ask_live(app, name, lambda: app.exceptions.records(group.flow, keys))
    if records is None:
        return None
    count = Counter(as_text(one.values.get("branch")) for one in records.values())
    captions = app.lists.captions(TILL, BRANCHES.name)
    return {
        code: text("debtor_of_branch", branch=plain(captions.get(code, code)), number=number)
        for code, number in sorted(count.items())
        if code
    }


def _debtor(app: Application, label: Markdown, key: str, debtors: Mapping[str, str]) -> str:
    return code_field(
        label, "", debtors, key, none=text("row_choose"), labels=lambda code: code_label(app, DEBTORS, code, debtors),
        of=DEBTORS,
    )  # fmt: skip


def _keep(app: Application, flow: str, settings: Mapping[str, object]) -> None:
    app.flows.change(flow, settings, person())


def _settings(app: Application, flow: str, setting: str, chosen: Mapping[str, str]) -> dict[str, object]:
    """Return the settings that make the chosen debtors the default, by branch; of an empty branch, for all."""
    if setting != DEFAULT:
        return {setting: chosen[""]}
    now = app.flows.settings(flow).model_dump()
    mode = {DEFAULT: now[DEFAULT] if now[DEFAULT] != "off" else "fallback"}
    if "" in chosen:
        return {**mode, "debtor_number": chosen[""]}
    return {**mode, BY_BRANCH: {**now[BY_BRANCH], **chosen}}
