"""A cause as a card: how many, why, since when, who has it; the open one with its repair and its records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import pandas as pd
import streamlit as st

from integration.core.queue import CauseGroup, IssueState, OpenIssue, Trouble
from integration.core.records import Record
from integration.core.run import Mode
from integration.services import Application
from integration.services.exceptions import Try, address_of
from pages.components.exceptions.repairs import mend, noun, preview_group
from pages.components.exceptions.retries import COUNT_WIDTH, Tries, tells, try_line
from pages.components.shared.application import person
from pages.components.shared.causes import headline
from pages.components.shared.draft import asked
from pages.components.shared.failures import guarded
from pages.components.shared.layout import attempt, note, page_offset, pages, small
from pages.components.shared.runs import progress_strip
from pages.components.shared.states import LOOKS
from pages.components.shared.tables import Columns, browse
from pages.components.shared.wording import (
    counted,
    euros,
    flow_name,
    moment,
    money_text,
    number,
    plain,
    say,
    table_day,
    text,
    who,
)

STATUS: dict[str, tuple[IssueState, bool]] = {
    "open": (IssueState.OPEN, False),
    "mine": (IssueState.OPEN, True),
    "aside": (IssueState.SET_ASIDE, False),
}
"""The filters of the page: which state is shown, and whether only what this person has."""

CORRECTED = "corrected"
RECORDS = 25
REACH = 4  # causes a page shows above the open one; with more it begins at that


# ---- the head of the page


def about(groups: Sequence[CauseGroup]) -> str:
    """Return the sentence under the title: how many records wait, and for how many causes."""
    waiting = sum(group.count for group in groups)
    if not waiting:
        return text("exceptions_none_about")
    return counted("exceptions_about", waiting, causes=number(len(groups)))


def status_label(app: Application) -> Callable[[str], str]:
    """Return how the filters by status are labelled: each with its number of records."""

    def label(status: str) -> str:
        if status == CORRECTED:
            return f"{text('exceptions_corrected')} **{number(sum(app.corrections.counts().values()))}**"
        state, mine = STATUS[status]
        groups = app.exceptions.groups(state=state, assigned=person() if mine else "")
        return f"{text(f'exceptions_{status}')} **{number(sum(group.count for group in groups))}**"

    return label


def statuses(app: Application) -> tuple[str, ...]:
    """Return the filters of the page; what is corrected here is one once there is something, or it is asked for."""
    corrected = app.corrections.counts() or st.query_params.get("status") == CORRECTED
    return (*STATUS, CORRECTED) if corrected else tuple(STATUS)


def counted_by_flow(groups: Sequence[CauseGroup]) -> dict[str, int]:
    """Return how many records wait by flow, and in all."""
    found = {"all": sum(group.count for group in groups)}
    for group in groups:
        found[group.flow] = found.get(group.flow, 0) + group.count
    return found


def counted_corrections(app: Application) -> dict[str, int]:
    """Return how many values are corrected here by flow, and in all."""
    counts = app.corrections.counts()
    return {"all": sum(counts.values()), **counts}


def active_strip(app: Application) -> None:
    """Draw the progress of what is tried again at this moment."""
    for status in app.flows.statuses():
        if status.active and status.active.mode is Mode.CHOSEN:
            progress_strip(app, status.active.id)


def in_preview(app: Application, tries: Tries) -> None:
    """Say which records that were tried again by themselves wait in a preview, and lead there."""
    told = {one.run.id for one in tries.values()}
    for status in app.flows.statuses():
        run = status.waiting
        if run is None or run.mode is not Mode.CHOSEN or run.id in told:
            continue
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            look, parked = LOOKS["waiting"], app.plans.count(run.id, "park")
            sentence = counted("chosen_plan", app.plans.count(run.id, "changes"), parked=number(parked))
            flow = flow_name(run.flow)
            st.markdown(f":{look.colour}[:material/{look.icon}:] **{flow}:** {sentence}", width="stretch")
            if st.button(text("btn_open_preview"), key=f"plan-{run.flow}"):
                st.switch_page("pages/preview.py", query_params={"flow": run.flow, "plan": run.id})


def keys_bar(places: Sequence[str], asked_for: str) -> None:
    """Draw the way from one cause to the next while one is open; N and P do the same."""
    if asked_for not in places or len(places) < 2:  # noqa: PLR2004 - one has no neighbour
        return
    at = places.index(asked_for)
    with st.container(horizontal=True, gap="xsmall", horizontal_alignment="right"):
        if st.button(
            text("btn_previous_cause"),
            icon=":material/arrow_upward:",
            key="previous",
            type="tertiary",
            shortcut="P",
            disabled=at == 0,
        ):
            _open(places[at - 1])
        if st.button(
            text("btn_next_cause"),
            icon=":material/arrow_downward:",
            key="next",
            type="tertiary",
            shortcut="N",
            disabled=at == len(places) - 1,
        ):
            _open(places[at + 1])


def _open(place: str) -> None:
    for name in ("records", "page"):
        st.query_params.pop(name, None)
        st.session_state.pop(name, None)
    if place:
        st.query_params["cause"] = place
    else:
        st.query_params.pop("cause", None)
    st.rerun()


# ---- one cause


@dataclass(frozen=True, slots=True)
class Queue:
    """What a card has to know beside its own cause: every open one, those set aside, and what was tried."""

    state: IssueState
    find: str
    waiting: Mapping[Trouble, CauseGroup]
    aside: Mapping[Trouble, CauseGroup]
    tries: Tries

    def tried(self, group: CauseGroup) -> Try | None:
        """Return the newest try at a cause that still says something about it."""
        one = self.tries.get(group.of)
        return one if self.state is IssueState.OPEN and tells(one, group) else None


def cause_card(app: Application, group: CauseGroup, queue: Queue, *, is_open: bool, first: bool = False) -> None:
    """Draw one cause; the open one with its repair at the left and its records at the right. O opens the first."""
    place, state = address_of(group.of), queue.state
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(width=COUNT_WIDTH, gap=None):
                st.markdown(f"### {number(group.count)}")
                note(counted(f"noun_{noun(app, group)}", group.count))
            with st.container(width="stretch", gap=None):
                st.markdown(f"**{headline(app, group)}**")
                note(_seen(group))
                if group.note:
                    note(f":material/sticky_note_2: {text('cause_note', note=plain(group.note))}")
            _open_or_close(state, place, is_open=is_open, first=first)
            if state is IssueState.OPEN:
                _more(app, group, place)
        if state is IssueState.OPEN and (others := queue.aside.get(group.of)):
            _grown(others, place)
        if one := queue.tried(group):
            try_line(app, one, queue.waiting)
        if is_open:
            _body(app, group, state, queue.find)


def _grown(aside: CauseGroup, place: str) -> None:
    """Say that a cause that was set aside has come back because it has grown."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        who_and_why = {"person": plain(who(aside.by)), "reason": plain(aside.reason)}
        st.markdown(
            f":small[:gray[:material/inventory_2: {counted('cause_more_aside', aside.count, **who_and_why)}]]",
            width="content",
        )
        if st.button(text("cause_show_aside"), type="tertiary", key=f"aside-of-{place}"):
            st.session_state.pop("_status", None)
            st.query_params.update(status="aside", cause=place)
            st.rerun()


def _seen(group: CauseGroup) -> str:
    parts = [flow_name(group.flow)]
    if group.sold:
        parts.append(text("cause_sold", amount=euros(group.sold)))
    parts.append(text("cause_seen", first=moment(group.first_seen), last=moment(group.last_seen)))
    if group.assigned:
        parts.append(f":material/person: {text('cause_with', person=plain(who(group.assigned)))}")
    if group.reason:
        parts.append(text("cause_aside_by", person=plain(who(group.by)), reason=plain(group.reason)))
    return " · ".join(parts)


def begins_at(places: Sequence[str], asked_for: str, size: int) -> int:
    """Return where a page of causes begins: with the open one where that would be far down, else with its page."""
    at = places.index(asked_for) if asked_for in places else 0
    start = at // size * size
    return at if at - start >= REACH else start


def above(places: Sequence[str], begin: int) -> None:
    """Say how many causes stand above the first that is shown, with the way to them."""
    if begin and st.button(
        counted("causes_above", begin), icon=":material/expand_less:", type="tertiary", key="causes_above"
    ):
        _open(places[max(0, begin - REACH)])


def _open_or_close(state: IssueState, place: str, *, is_open: bool, first: bool) -> None:
    if is_open:
        if st.button(text("btn_close_cause"), key=f"close-{place}", type="tertiary"):
            _open("")
        return
    label = text("btn_repair" if state is IssueState.OPEN else "btn_look")
    if st.button(label, key=f"open-{place}", width=128, shortcut="O" if first else None):
        _open(place)


def _more(app: Application, group: CauseGroup, place: str) -> None:
    """Offer what can be done beside the repair; what needs an answer asks for it in a dialog."""
    made, today = app.exceptions.made_with(group), app.drafts.current(group.flow)
    again = ("again",) if made in (0, today) else ("today", "as_it_was")
    labels = {"today": text("more_today", version=today), "as_it_was": text("more_as_it_was", version=made)}
    chosen = st.menu_button(
        text("btn_more"),
        (*again, "aside", "assign", "note"),
        key=f"more-{place}",
        type="tertiary",
        format_func=lambda one: labels.get(one) or text(f"more_{one}"),
    )
    match chosen:
        case "again" | "today":
            preview_group(app, group)
        case "as_it_was":
            preview_group(app, group, made)
        case "aside":
            _dialog("aside_title", "inventory_2", lambda: _ask_reason(app, group, ()))
        case "assign":
            _dialog("assign_title", "person", lambda: _ask_who(app, group))
        case "note":
            _dialog("note_title", "sticky_note_2", lambda: _ask_note(app, group))


def _dialog(title: str, icon: str, body: Callable[[], None]) -> None:
    st.dialog(text(title), icon=f":material/{icon}:")(guarded(body))()


def _ask_reason(app: Application, group: CauseGroup, only: Sequence[int]) -> None:
    small(f"**{headline(app, group)}**")
    note(text("aside_about"))
    reason = (st.text_input(text("aside_reason"), key="aside_reason", autocomplete="off") or "").strip()
    label = counted(f"btn_aside_{noun(app, group)}", len(only) or group.count)
    if st.button(label, type="primary", key="aside_now", disabled=not reason):
        if attempt(lambda: app.exceptions.set_aside(group.of, reason, person(), only)):
            st.session_state["said"] = text("aside_done", place=text("exceptions_aside"))
            if not only:
                st.query_params.pop("cause", None)
        st.rerun()


def _ask_who(app: Application, group: CauseGroup) -> None:
    note(text("assign_about"))
    known = list(dict.fromkeys(["", person(), *app.exceptions.people()]))
    chosen = st.selectbox(
        text("assign_to"),
        known,
        index=known.index(group.assigned),
        key="assign_to",
        accept_new_options=True,
        format_func=lambda one: who(one) if one else text("assign_nobody"),
    )
    if st.button(text("more_assign"), type="primary", key="assign_now"):
        attempt(lambda: app.exceptions.assign(group.of, chosen or "", person()))
        st.rerun()


def _ask_note(app: Application, group: CauseGroup) -> None:
    small(f"**{headline(app, group)}**")
    given = st.text_area(text("more_note"), group.note, key="note_text") or ""
    if st.button(text("btn_keep_note"), type="primary", key="note_now"):
        attempt(lambda: app.exceptions.annotate(group.of, given, person()))
        st.rerun()


# ---- the open one


def _body(app: Application, group: CauseGroup, state: IssueState, find: str) -> None:
    sentences = say(group.cause, {"system": app.flows[group.flow].target, **group.facts})
    with st.grid(5, min_column_width=190) as grid:
        with grid.cell(column_span=2), st.container(gap="small"):
            if state is IssueState.OPEN:
                mend(app, group)
            else:
                note(text("aside_about"))
                if st.button(text("btn_take_back"), icon=":material/undo:", key="take_back", type="primary"):
                    attempt(lambda: app.exceptions.take_back(group.of, person()))
                    st.rerun()
            if sentences.data:
                note(plain(sentences.data))
        with grid.cell(column_span=3):
            _records(app, group, state, find)


def _records(app: Application, group: CauseGroup, state: IssueState, find: str) -> None:
    """Draw the records of a cause, page by page, and what can be done with the one that was clicked."""
    offset = page_offset("records", group.count, RECORDS)
    found = app.exceptions.issues_of(group.of, state, find, offset, RECORDS)
    frame, total = _frame(app, group, found)
    clicked = browse(
        frame,
        _columns(frame),
        f"records-{address_of(group.of)}-{offset}",
        text("records_of_cause"),
        {"sold": table_day, "incl": money_text},
    )
    pages("records", group.count, RECORDS)
    if total is not None and group.count <= RECORDS:
        note(text("cause_total", amount=euros(total)))
    if clicked is None or clicked >= len(found):
        note(text("records_hint"))
        return
    one = found[clicked]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        small(f"**{plain(one.title or one.issue.key)}**")
        if st.button(text("btn_life"), icon=":material/timeline:", type="tertiary", key="life"):
            st.switch_page("pages/logs.py", query_params={"record": f"{group.flow}:{one.issue.key}"})
        if state is IssueState.OPEN:
            if st.button(text("btn_aside_this"), icon=":material/inventory_2:", type="tertiary", key="aside_one"):
                _dialog("aside_title", "inventory_2", lambda: _ask_reason(app, group, (one.id,)))
        elif st.button(text("btn_take_back"), icon=":material/undo:", type="tertiary", key="back_one"):
            attempt(lambda: app.exceptions.take_back(group.of, person(), (one.id,)))
            st.rerun()


def _frame(app: Application, group: CauseGroup, found: Sequence[OpenIssue]) -> tuple[pd.DataFrame, Decimal | None]:
    """Return the table of records, of documents with branch, day and amount as the till has them now."""
    flow = app.flows[group.flow]
    documents = flow.counted.once
    columns: dict[str, list[object]] = {"key": [], "title": []}
    for one in found:
        columns["key"].append(one.issue.facts.get("document") or one.issue.key if documents else one.issue.key)
        columns["title"].append(one.title)
    total: Decimal | None = None
    if documents:
        records = _documents(app, group, found)
        branches = asked(app, f"{flow.source} branches", lambda: app.lists.choices(flow.source, "branches")) or {}
        sold = [records.get(one.issue.key) for one in found]
        if any(sold):
            del columns["title"]
            columns["branch"] = [branches.get(_value(record, "branch"), _value(record, "branch")) for record in sold]
            columns["sold"] = [_day(record) for record in sold]
            amounts = [_amount(record) for record in sold]
            columns["incl"] = [None if amount is None else float(amount) for amount in amounts]
            total = sum((amount for amount in amounts if amount is not None), Decimal(0))
    if "title" in columns and columns["title"] == columns["key"]:
        del columns["title"]
    columns["first_seen"] = [moment(one.first_seen) for one in found]
    return pd.DataFrame(columns), total


def _documents(app: Application, group: CauseGroup, found: Sequence[OpenIssue]) -> dict[str, Record]:
    keys = [one.issue.key for one in found]
    name = f"records {group.flow} {address_of(group.of)} {keys[:1]} {len(keys)}"
    return asked(app, name, lambda: app.exceptions.records(group.flow, keys)) or {}


def _value(record: Record | None, name: str) -> str:
    return "" if record is None else str(record.flat().get(name) or "")


def _day(record: Record | None) -> date | None:
    day = record.flat().get("entered") or record.flat().get("date") if record else None
    return day.date() if isinstance(day, datetime) else day if isinstance(day, date) else None


def _amount(record: Record | None) -> Decimal | None:
    amount = record.flat().get("total_incl") if record else None
    return amount if isinstance(amount, Decimal) else None


def _columns(frame: pd.DataFrame) -> Columns:
    config = st.column_config
    columns: Columns = {
        "key": config.TextColumn(text("col_document" if "sold" in frame.columns else "col_code")),
        "title": config.TextColumn(text("col_name")),
        "branch": config.TextColumn(text("col_branch"), width=150),
        "sold": config.DateColumn(text("col_sold"), width=96),
        "incl": config.NumberColumn(text("col_incl"), width=100),
        "first_seen": config.TextColumn(text("col_first_seen"), width=104),
    }
    return {name: column for name, column in columns.items() if name in frame.columns}
