"""The audit log: the result of its verification, its entries with filters, and its export as a file."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.services.audit import COLUMNS, AuditCheckResult, AuditEntry, AuditSearch, facts_of
from integration.words import say
from pages.components.shared.application import person
from pages.components.shared.downloads import downloads
from pages.components.shared.frames import rows_in
from pages.components.shared.layout import (
    attempt,
    empty,
    facts_table,
    no_match,
    note,
    page_offset,
    pages,
    search,
    section,
    select_input,
    small,
)
from pages.components.shared.tables import browse, values
from pages.components.shared.timeline import event_name
from pages.components.shared.wording import Markdown, flow_name, language, moment, number, plain, text

SIZE = 50


def audit(app: Application) -> None:
    """Draw the result of the verification, the filters, one page of entries, and the selected entry."""
    section(text("audit_title"), text("audit_about"))
    _draw_chain(app)
    criteria = _search_filters(app)
    total = app.audit.count(criteria)
    if not total:
        if criteria == AuditSearch():
            empty("history_edu", text("audit_none"), text("audit_none_about"))
        elif no_match(text("audit_no_match"), text("audit_no_match_about")):
            st.query_params.from_dict({"tab": "audit"})
            st.rerun()
        return
    offset = page_offset("page", total, SIZE)
    entries = app.audit.entries(criteria, offset, SIZE)
    names = {name: text(f"col_audit_{name}") for name in ("seq", "at", "actor", "action", "subjects", "reason")}
    frame = pd.DataFrame([_row(entry) for entry in entries]).rename(columns=names)
    row = browse(frame, {}, "audit-entries", text("audit_title"))
    pages("page", total, SIZE)
    if row is not None and row < len(entries):
        _draw_entry(entries[row])


def _draw_chain(app: Application) -> None:
    """Show whether the hash chain is intact, with the buttons that verify and download it."""
    checked = app.audit.checked()
    if checked is None:
        note(text("audit_unchecked"))
    elif checked.broken is None:
        sentence = text("audit_whole", time=moment(checked.at), number=number(checked.head.seq))
        st.success(sentence, icon=":material/link:")
    else:
        st.error(_broken_text(checked), icon=":material/link_off:")
    anchor = next(iter(app.audit.anchors(1)), None)
    if anchor is not None:
        head = plain(f"{anchor.head.seq}:{anchor.head.hash}")
        small(text("audit_anchored", time=moment(anchor.at), head=head, number=number(anchor.stamps)))
    with st.container(horizontal=True, gap="small"):
        if st.button(text("btn_audit_verify"), icon=":material/verified:", key="audit-verify"):
            with st.spinner(text("audit_verifying")):
                attempt(app.audit.verify)
            st.rerun()
        st.download_button(
            text("btn_audit_file"),
            data=lambda: app.audit.file(person()),
            file_name="audit.zip",
            icon=":material/folder_zip:",
            on_click="ignore",
            mime="application/zip",
            key="audit-file",
        )
        criteria, by = _search_of_address(), person()
        downloads("audit", lambda: rows_in(COLUMNS, app.audit.listed(criteria, by)))


def _broken_text(checked: AuditCheckResult) -> Markdown:
    assert checked.broken is not None  # noqa: S101 - only called for a broken chain
    texts = say("audit_broken", facts_of(checked.broken), language())
    return plain(f"{texts.problem} {texts.data} {texts.do}")


def _search_filters(app: Application) -> AuditSearch:
    """Draw the filters and return the search they describe."""
    actors, actions = app.audit.actors_and_actions()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        search(text("audit_search"))
        select_input(
            "actor",
            {"": text("audit_everybody"), **{name: name for name in actors}},
            text("col_audit_actor"),
            200,
            ("page",),
        )
        action_names = {action: event_name(action) for action in actions}
        select_input(
            "action", {"": text("audit_every_action"), **action_names}, text("col_audit_action"), 260, ("page",)
        )
        flows = {flow: flow_name(flow) for flow in app.flows}
        select_input("flow", {"": text("log_all_flows"), **flows}, text("col_flow"), 200, ("page",))
    return _search_of_address()


def _search_of_address() -> AuditSearch:
    """Return the search that the address describes."""
    parameters: Mapping[str, str] = {
        name: st.query_params.get(name, "") for name in ("actor", "action", "flow", "find")
    }
    return AuditSearch(
        actor=parameters["actor"], action=parameters["action"], flow=parameters["flow"], text=parameters["find"].strip()
    )


def _row(entry: AuditEntry) -> dict[str, object]:
    subjects = ", ".join(entry.subjects)
    return {
        "seq": entry.seq,
        "at": moment(entry.at),
        "actor": entry.actor,
        "action": event_name(entry.action),
        "subjects": f"{subjects} (+{entry.count - len(entry.subjects)})"
        if entry.count > len(entry.subjects) > 0
        else subjects or entry.run,
        "reason": entry.reason,
    }


def _draw_entry(entry: AuditEntry) -> None:
    """Draw one entry with its old and new values side by side."""
    with st.container(border=True):
        entry_facts = {
            "actor": entry.actor,
            "session": entry.session,
            "run": entry.run,
            "kind": entry.kind,
            "code": entry.code,
        }
        entry_facts |= {"reason": entry.reason, "subjects": ", ".join(entry.subjects)}
        st.markdown(f"**{plain(event_name(entry.action))}** · {plain(entry.seq)} · {plain(moment(entry.at))}")
        facts_table({text(f"col_audit_{name}"): plain(value) for name, value in entry_facts.items() if value})
        if entry.facts:
            values(dict(entry.facts))
        paths = list(dict.fromkeys([*entry.before, *entry.after]))
        if paths:
            columns = (text("col_audit_field"), text("col_audit_before"), text("col_audit_after"))
            lines = [(path, entry.before.get(path, ""), entry.after.get(path, "")) for path in paths]
            browse(pd.DataFrame(lines, columns=list(columns)), {}, "audit-changes", text("audit_changes"))
