"""Causes as cards: number, reason, age, assignee and the result of the last retry. An open card has the records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.causes import RepairKind
from integration.core.issues import CauseGroup, IssueGroupKey, IssueState, OpenIssue
from integration.core.records import Value
from integration.services.runs.bulk import Bulk
from integration.services.runs.exceptions import Exceptions, RetryResult, group_address
from pages.components.exceptions.booking_comparison import both_sides, is_of_document
from pages.components.exceptions.bulk_actions import actions, assignee, tick
from pages.components.exceptions.repairs import noun, preview_group, repair
from pages.components.exceptions.retry_result import Tries, retry_result
from pages.components.exceptions.sparkline import sparkline
from pages.components.shared.application import disable_unless_allowed, guarded, may, may_open, person
from pages.components.shared.column_widths import ROOM
from pages.components.shared.flows import group_headline
from pages.components.shared.layout import (
    FIFTH,
    FIFTHS,
    act,
    ask_live,
    attempt,
    badge,
    badge_width,
    clear_address,
    keep_in_address,
    label_with_object,
    note,
    page_offset,
    pages,
    small,
)
from pages.components.shared.missing_rows import has_rows_together
from pages.components.shared.tables import CONFIG, Written, browse, code_block, table_choice
from pages.components.shared.waiting import row_text
from pages.components.shared.wording import (
    Markdown,
    author_name,
    euros,
    language,
    moment,
    money_text,
    plain,
    quantity_text,
    say,
    system_name,
    table_day,
    text,
    zone,
)

# The filters of the page: the state, and whether only causes of the current person are shown.
STATUS: dict[str, tuple[IssueState, bool]] = {
    "open": (IssueState.OPEN, False),
    "mine": (IssueState.OPEN, True),
    "dismissed": (IssueState.DISMISSED, False),
}

CORRECTED = "corrected"
RECORDS = 25
RAW_HEIGHT = 320  # pixels of a record in its original form
REACH = 4  # most causes above the open one; otherwise the page begins with it


# ---- the head of the page


def keys_bar(addresses: Sequence[str], asked_for: str) -> None:
    """Draw the buttons to the previous and the next cause while one is open. P and N press them."""
    if asked_for not in addresses or len(addresses) < 2:  # noqa: PLR2004 - a single cause has no neighbour
        return
    at = addresses.index(asked_for)
    ways = (("previous", "upward", "P", at - 1), ("next", "downward", "N", at + 1))
    with st.container(horizontal=True, gap="xsmall", horizontal_alignment="right"):
        for name, arrow, shortcut, to in ways:
            if st.button(
                text(f"btn_{name}_cause"),
                icon=f":material/arrow_{arrow}:",
                key=name,
                type="tertiary",
                shortcut=shortcut,
                disabled=not 0 <= to < len(addresses),
            ):
                _open_cause(addresses[to])


def _open_cause(address: str) -> None:
    clear_address("records", "page")
    keep_in_address("cause", address)
    st.rerun()


# ---- one cause


@dataclass(frozen=True, slots=True)
class Versions:
    """The mapping version of each run, and the current version of each flow."""

    versions_by_run: Mapping[str, int]
    today: Mapping[str, int]

    @classmethod
    def for_causes(cls, app: Application, groups: Sequence[CauseGroup]) -> Self:
        """Return the versions for these causes. Each run and each flow is read once."""
        plan_versions = {
            run: app.exceptions.mapping_version(group)
            for run, group in {cause_group.run: cause_group for cause_group in groups}.items()
        }
        return cls(
            plan_versions, {flow: app.drafts.current(flow) for flow in {cause_group.flow for cause_group in groups}}
        )


@dataclass(frozen=True, slots=True)
class CardContext:
    """Facts that a card needs besides its own cause: other open causes, dismissed causes, and retries."""

    state: IssueState
    find: str
    waiting: Mapping[IssueGroupKey, CauseGroup]
    dismissed_groups: Mapping[IssueGroupKey, CauseGroup]
    tries: Tries
    new_records: Mapping[
        IssueGroupKey, Mapping[date, int]
    ]  # number of new records on each of the last days, for causes that have a sparkline
    corrects: bool  # whether this person may repair
    versions: Versions | None  # None if this person does not get the menu of further actions

    def latest_retry(self, group: CauseGroup) -> RetryResult | None:
        """Return the newest finished retry of a cause that started after the cause was first seen."""
        retry = self.tries.get(group.group_key)
        is_ended = retry is not None and retry.run.ended_at is not None and retry.run.started_at >= group.first_seen
        return retry if is_ended and self.state is IssueState.OPEN else None


def cause_card(
    app: Application,
    group: CauseGroup,
    queue: CardContext,
    *,
    is_open: bool,
    first: bool = False,
    several: bool = False,
) -> None:
    """Draw one cause. An open card has the repair on the left and the records on the right. O opens the first."""
    item = app.waiting_list.cause_item(group, language(), zone())
    address, state, title = group_address(group.group_key), queue.state, plain(item.name)
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if several:
                tick(group, title)
            if state is IssueState.OPEN:
                badge(item.state, width=badge_width(item.state))
            with st.container(width="stretch", gap=None):
                st.markdown(row_text(app, item))
                note(_seen_text(group))
                if group.note:
                    note(f":material/sticky_note_2: {text('cause_note', note=plain(group.note))}")
            if days := queue.new_records.get(group.group_key):
                sparkline(days)
            _open_or_close(queue, address, title, is_open=is_open, first=first)
            if state is IssueState.OPEN and queue.versions is not None:
                _action_menu(app, group, queue.versions, address, title)
        if state is IssueState.OPEN and (others := queue.dismissed_groups.get(group.group_key)):
            _new_records_note(others, address)
        if retry := queue.latest_retry(group):
            retry_result(app, retry, queue.waiting)
        if is_open:
            _body(app, group, state, queue.find)


def _new_records_note(dismissed: CauseGroup, address: str) -> None:
    """Show that a dismissed cause has new records, with a link to the dismissed ones."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        sentence = quantity_text(
            "cause_more_dismissed",
            dismissed.count,
            person=plain(author_name(dismissed.by)),
            reason=plain(dismissed.reason),
        )
        st.markdown(f":small[:gray[:material/inventory_2: {sentence}]]", width="content")
        if st.button(text("cause_show_dismissed"), type="tertiary", key=f"dismissed-of-{address}"):
            st.session_state.pop("_status", None)
            st.query_params.update(status="dismissed", cause=address)
            st.rerun()


def _seen_text(group: CauseGroup) -> Markdown:
    parts = [text("cause_last_seen", last=moment(group.last_seen))]
    if group.assigned:
        parts.append(f":material/person: {text('cause_with', person=plain(author_name(group.assigned)))}")
    if group.reason:
        parts.append(text("cause_dismissed_by", person=plain(author_name(group.by)), reason=plain(group.reason)))
    return " · ".join(parts)


def begins_at(addresses: Sequence[str], asked_for: str, size: int) -> int:
    """Return the offset of the first shown cause: that of the page, or of the open cause if it is too far down."""
    at = addresses.index(asked_for) if asked_for in addresses else 0
    start = at // size * size
    return at if at - start >= REACH else start


def earlier_causes_link(addresses: Sequence[str], begin: int) -> None:
    """Draw the number of causes above the first shown one, with the link to them."""
    if begin and st.button(
        quantity_text("causes_above", begin), icon=":material/expand_less:", type="tertiary", key="causes_above"
    ):
        _open_cause(addresses[max(0, begin - REACH)])


def _open_or_close(queue: CardContext, address: str, title: Markdown, *, is_open: bool, first: bool) -> None:
    if is_open:
        if st.button(text("btn_close_cause"), key=f"close-{address}", type="tertiary"):
            _open_cause("")
        return
    repairs = queue.state is IssueState.OPEN and queue.corrects
    label = label_with_object(text("btn_repair" if repairs else "btn_look"), title)
    if st.button(label, key=f"open-{address}", width=128, shortcut="O" if first else None):
        _open_cause(address)


def _action_menu(app: Application, group: CauseGroup, versions: Versions, address: str, title: Markdown) -> None:
    """Draw the menu of actions besides the repair. Some of them open a dialog."""
    plan_version, today = versions.versions_by_run[group.run], versions.today[group.flow]
    retry_options = ("again",) if plan_version in (0, today) else ("today", "as_it_was")
    labels = {"today": text("more_today", version=today), "as_it_was": text("more_as_it_was", version=plan_version)}
    chosen = st.menu_button(
        label_with_object(text("btn_more"), title),
        (*retry_options, "dismiss", "assign", "note"),
        key=f"more-{address}",
        type="tertiary",
        format_func=lambda option: labels.get(option) or text(f"more_{option}"),
    )
    match chosen:
        case "again" | "today":
            preview_group(app, group)
        case "as_it_was":
            preview_group(app, group, plan_version)
        case "dismiss":
            _dialog("dismiss_title", "inventory_2", lambda: _ask_reason(app, group, ()))
        case "assign":
            _dialog("assign_title", "person", lambda: _ask_who(app, group))
        case "note":
            _dialog("note_title", "sticky_note_2", lambda: _ask_note(app, group))


def _dialog(title: str, icon: str, body: Callable[[], None]) -> None:
    st.dialog(text(title), icon=f":material/{icon}:")(guarded(body))()


def _ask_reason(app: Application, group: CauseGroup, only: Sequence[int]) -> None:
    small(f"**{group_headline(app, group)}**")
    note(text("dismissed_about"))
    reason = (st.text_input(text("dismiss_reason"), key="dismiss_reason", autocomplete="off") or "").strip()
    label = quantity_text(f"btn_dismiss_{noun(app, group)}", len(only) or group.count)
    if st.button(label, type="primary", key="dismiss_now", disabled=not reason):
        if attempt(lambda: app.exceptions.dismiss(group.group_key, reason, person(), only)):
            st.session_state["said"] = text("dismiss_done", place=text("exceptions_dismissed"))
            if not only:
                st.query_params.pop("cause", None)
        st.rerun()


def _ask_who(app: Application, group: CauseGroup) -> None:
    note(text("assign_about"))
    to = assignee(app, "assign_to", group.assigned)
    if st.button(text("more_assign"), type="primary", key="assign_now"):
        act(lambda: app.issues.assign(group.group_key, to, person().ref))


def _ask_note(app: Application, group: CauseGroup) -> None:
    small(f"**{group_headline(app, group)}**")
    entered_note = st.text_area(text("more_note"), group.note, key="note_text") or ""
    if st.button(text("btn_keep_note"), type="primary", key="note_now"):
        act(lambda: app.issues.annotate(group.group_key, entered_note.strip(), person().ref))


# ---- the open cause


def _body(app: Application, group: CauseGroup, state: IssueState, find: str) -> None:
    repair_span = _repair_span(app, group, state)
    with st.grid(FIFTHS, min_column_width=FIFTH) as grid:
        with grid.cell(column_span=repair_span), st.container(gap="small"):
            if state is IssueState.OPEN:
                with disable_unless_allowed(Exceptions.correct):
                    repair(app, group)
            else:
                note(text("dismissed_about"))
                if may(Exceptions.reopen) and st.button(
                    text("btn_reopen"), icon=":material/undo:", key="reopen", type="primary"
                ):
                    act(lambda: app.exceptions.reopen(group.group_key, person()))
            if data := say(group.cause, {"system": app.flows[group.flow].target, **group.facts}).data:
                note(plain(data))
        with grid.cell(column_span=FIFTHS - repair_span or FIFTHS):
            _records(app, group, state, find)


def _repair_span(app: Application, group: CauseGroup, state: IssueState) -> int:
    """Return how many fifths of the width a repair gets: all for a table of missing rows, more than half for a choice.

    The records of the cause get the rest, or stand below.
    """
    if state is IssueState.OPEN and has_rows_together(app, group):
        return FIFTHS
    return 3 if app.flows.spec(group.flow).repair_of(group.cause).by is RepairKind.CHOICE else 2


def _records(app: Application, group: CauseGroup, state: IssueState, find: str) -> None:
    """Draw the records of a cause, one page at a time, and the actions for the clicked one."""
    offset = page_offset("records", group.count, RECORDS)
    open_issues = app.exceptions.issues_of(group.group_key, state, find, offset, RECORDS)
    frame, total = _frame(app, group, open_issues)
    clicked = _record_table(app, group, state, open_issues, frame, f"records-{group_address(group.group_key)}-{offset}")
    pages("records", group.count, RECORDS)
    if total is not None and group.count <= RECORDS:
        note(text("cause_total", amount=euros(total)))
    if clicked is None and len(open_issues) == 1 and is_of_document(group):
        clicked = 0
    if clicked is None or clicked >= len(open_issues):
        note(text("beside_hint" if is_of_document(group) else "records_hint"))
        return
    open_issue = open_issues[clicked]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        small(f"**{plain(open_issue.title or open_issue.issue.key)}**")
        if may_open("logs") and st.button(
            text("btn_history"), icon=":material/timeline:", type="tertiary", key="history"
        ):
            st.switch_page("pages/logs.py", query_params={"record": f"{group.flow}:{open_issue.issue.key}"})
        if may(Exceptions.dismiss):
            _dismissal_button(app, group, state, open_issue)
    if is_of_document(group):
        both_sides(app, group, open_issue)
    if raw := open_issue.issue.facts.get("raw"):
        note(text("as_it_came", system=system_name(open_issue.issue.facts["system"])))
        code_block(raw, RAW_HEIGHT)


def _dismissal_button(app: Application, group: CauseGroup, state: IssueState, open_issue: OpenIssue) -> None:
    """Draw the button that dismisses one record, or the one that takes a dismissal back."""
    if state is IssueState.OPEN:
        if st.button(text("btn_dismiss_this"), icon=":material/inventory_2:", type="tertiary", key="dismiss_one"):
            _dialog("dismiss_title", "inventory_2", lambda: _ask_reason(app, group, (open_issue.id,)))
    elif st.button(text("btn_reopen"), icon=":material/undo:", type="tertiary", key="back_one"):
        act(lambda: app.exceptions.reopen(group.group_key, person(), (open_issue.id,)))


def _record_table(
    app: Application,
    group: CauseGroup,
    state: IssueState,
    open_issues: Sequence[OpenIssue],
    frame: pd.DataFrame,
    name: str,
) -> int | None:
    """Draw the table of records with the actions for ticked ones, and return the clicked one."""
    several = len(open_issues) > 1 and may(Bulk.dismiss) and st.toggle(text("choose_records"), key=f"several-{name}")
    clicked, ticked = _clicked_record(frame, name, several=several)
    if ticked:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f"**{quantity_text('records_chosen', len(ticked))}**", width="stretch")
            actions(
                app, [group], state, [open_issues[place].id for place in sorted(ticked) if place < len(open_issues)]
            )
    return clicked


def _frame(
    app: Application, group: CauseGroup, open_issues: Sequence[OpenIssue]
) -> tuple[pd.DataFrame, Decimal | None]:
    """Return the table of records and its total. Documents have the current branch, date and amount of the till."""
    documents = app.flows[group.flow].counted_stage.write_once
    keys = [
        open_issue.issue.facts.get("document") or open_issue.issue.key if documents else open_issue.issue.key
        for open_issue in open_issues
    ]
    titles = [open_issue.title for open_issue in open_issues]
    columns: dict[str, list[Any]] = {"key": keys} if titles == keys else {"key": keys, "title": titles}
    sold = _till_documents(app, group, open_issues) if documents else []
    total: Decimal | None = None
    if any(sold):
        source = app.flows[group.flow].source
        branches = ask_live(app, f"{source} branches", lambda: app.lists.choices(source, "branches")) or {}
        codes = [str(values.get("branch") or "") for values in sold]
        amounts = [values.get("total_incl") for values in sold]
        known_amounts = [amount for amount in amounts if isinstance(amount, Decimal)]
        total = sum(known_amounts, Decimal(0)) if known_amounts else None
        columns = {
            "key": keys,
            "branch": [branches.get(code, code) for code in codes],
            "sold": [_day(values) for values in sold],
        }
        if known_amounts:
            columns["incl"] = [float(amount) if isinstance(amount, Decimal) else None for amount in amounts]
    return pd.DataFrame({**columns, "first_seen": [moment(open_issue.first_seen) for open_issue in open_issues]}), total


def _till_documents(app: Application, group: CauseGroup, open_issues: Sequence[OpenIssue]) -> list[dict[str, Value]]:
    """Return the current documents of issues in the till; a document that the till does not have is empty."""
    keys = [open_issue.issue.key for open_issue in open_issues]
    name = f"records {group.flow} {group_address(group.group_key)} {keys[:1]} {len(keys)}"
    records = ask_live(app, name, lambda: app.exceptions.records(group.flow, keys)) or {}
    return [records[key].flat() if key in records else {} for key in keys]


def _day(values: Mapping[str, Value]) -> date | None:
    day = values.get("entered") or values.get("date")
    return day.date() if isinstance(day, datetime) else day if isinstance(day, date) else None


def _clicked_record(frame: pd.DataFrame, key: str, *, several: bool) -> tuple[int | None, set[int]]:
    """Draw the records and return the clicked one, and with `several` the ticked ones."""
    columns = {
        "key": CONFIG.TextColumn(text("col_document" if "sold" in frame.columns else "col_code")),
        "title": CONFIG.TextColumn(text("col_name")),
        "branch": CONFIG.TextColumn(text("col_branch")),
        "sold": CONFIG.DateColumn(text("col_sold")),
        "incl": CONFIG.NumberColumn(text("col_incl")),
        "first_seen": CONFIG.TextColumn(text("col_first_seen")),
    }
    shown_columns = {name: column for name, column in columns.items() if name in frame.columns}
    room = ROOM * 3 // 5
    formatters: Written = {"sold": table_day, "incl": money_text}
    if several:
        return table_choice(frame, shown_columns, f"{key}-ticks", text("records_of_cause"), (), formatters, room)
    return browse(frame, shown_columns, key, text("records_of_cause"), formatters, room), set()
