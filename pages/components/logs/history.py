"""The history of one record: its timeline, its current state, and the totals of a document."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.links import Link
from integration.core.records import Kind, Record, RecordType, kinds
from integration.core.rules import as_text
from integration.core.totals.booked import without_sums
from integration.flows.settings import TILL
from integration.services.log.log import payload_of
from integration.services.runs.exceptions import cause_of, group_address
from pages.components.logs.records import event_frame, result_name
from pages.components.logs.waiting_status import around, wait_sentence
from pages.components.shared.application import guarded
from pages.components.shared.documents import REMEMBERED, totals_table
from pages.components.shared.downloads import downloads
from pages.components.shared.layout import (
    FIFTH,
    STATE_STYLES,
    empty,
    facts_table,
    head,
    inline,
    note,
    page_offset,
    pages,
    section,
)
from pages.components.shared.rows import field_text
from pages.components.shared.runs import short_id
from pages.components.shared.searching import known_caption, known_value
from pages.components.shared.tables import code_block, values
from pages.components.shared.timeline import (
    Happened,
    TimelineEntry,
    changed_values,
    draw_timeline,
    entry,
    event_moment,
    event_name,
    fold_steps,
    rows_of,
    texts_of,
)
from pages.components.shared.wording import (
    Markdown,
    author_name,
    clock_time,
    field_name,
    flow_name,
    kind_name,
    link,
    moment,
    number,
    plain,
    quantity_text,
    sandbox_badges,
    say,
    short_day,
    struck,
    system_name,
    text,
)

STATES = ("proven", "accepted", "parked", "in_doubt", "planned", "sent", "left", "skipped", "unchanged")
SENT = ("sent", "proven", "accepted", "in_doubt")
MAX_EVENTS = 1_000
SIZE = 40
MAX_VALUES = 12
SUMS = ("sold_", "booked_", "digest", "rounding")  # shown as totals, or of no use to people


def one_history(app: Application, record: str) -> None:
    """Draw the history of one record. `record` is flow and key, such as `products:TS-RED-M`."""
    flow, _, key = record.partition(":")
    key = app.flows.spec(flow).record_of(key) if flow in app.flows else key
    history = app.log.history(flow, key, MAX_EVENTS)
    events = history.iloc[::-1].reset_index(drop=True)
    rows = rows_of(events)
    key_rows = [row for row in rows if row["key"] == key] or rows
    own = next((row for row in key_rows if row["event"] in STATES), key_rows[0] if key_rows else {})
    _draw_head(app, flow, key, events, own)
    if not rows:
        empty("receipt_long", text("history_empty"), text("history_empty_about"))
        _linked(app, flow, key)
        return
    with st.grid(5, min_column_width=FIFTH) as grid:
        with grid.cell(column_span=3):
            _timeline(_related_events(app, flow, history), own)
        with grid.cell(column_span=2):
            _current_state(app, flow, [row for row in rows if row["kind"] == own["kind"]])


def _draw_head(app: Application, flow: str, key: str, events: pd.DataFrame, own: Happened) -> None:
    rows = rows_of(events)
    flow_caption = flow_name(flow) if flow in app.flows else plain(flow)
    about = f"{flow_caption} · {plain(key)}"
    if rows:
        first_facts = {"first": moment(event_moment(rows[-1])), "events": quantity_text("count_event", len(rows))}
        about = text("history_about", flow=flow_caption, code=plain(_code(own)), **first_facts)
    state = _last_state([row for row in rows if row["kind"] == own["kind"]])
    badges = [inline(state, result_name(state))] if state in STATE_STYLES else []
    with head(_title(own, key), about, [*badges, *sandbox_badges(app.sandbox.is_connected)]):
        if st.button(text("btn_all_records"), icon=":material/arrow_back:", type="tertiary", key="all_records"):
            st.query_params.clear()
            st.rerun()
        with st.popover(text("btn_copy_link"), icon=":material/link:"):
            note(text("copy_link_about"))
            code_block(f"{st.context.url or ''}?{urlencode({'record': f'{flow}:{key}'})}")
        as_kept = events[["run", "event", "code", "facts", "before", "after"]]
        downloads("history", lambda: event_frame(events).join(as_kept))


def _code(own: Happened) -> str:
    """Return the code that people know: for a document or payment its number, because its key is technical."""
    return str(own["title"] if own["kind"] in kinds(RecordType.DOCUMENT, RecordType.PAYMENT) else own["key"])


def _title(own: Happened, key: str) -> Markdown:
    title, kind = plain(own.get("title") or key), str(own.get("kind") or "")
    return f"{kind_name(kind)} {title}" if kind in kinds(RecordType.DOCUMENT) else title


def _last_state(rows: Sequence[Happened]) -> str:
    return next((str(row["event"]) for row in rows if row["event"] in STATES), "")


# ---- the timeline ---------------------------------------------------------------------------------------------------


def _timeline(rows: Sequence[Happened], own: Happened) -> None:
    """Draw the timeline of a record in pages. Successful steps are folded into one line, unless the switch is on."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="stretch"):
            section(text("history_title"))
        every = st.toggle(text("history_every_step"), key="steps", bind="query-params")
    entries = [_with_wait(_entry(row, own), rows, place) for place, row in enumerate(rows)]
    entries = entries if every else fold_steps(entries)
    first = page_offset("part", len(entries), SIZE)
    chosen_entry = draw_timeline(entries[first : first + SIZE], "history", details=True)
    pages("part", len(entries), SIZE)
    if len(rows) == MAX_EVENTS:
        note(text("history_cut", number=number(MAX_EVENTS)))
    if chosen_entry is not None:
        st.dialog(text("btn_details"), width="large")(guarded(_details))(chosen_entry)


def _related_events(app: Application, flow: str, history: pd.DataFrame) -> list[Happened]:
    """Return the events of a record and the related events of other objects, newest first."""
    tables = [table.name for table in app.flows.spec(flow).tables] if flow in app.flows else []
    own_rows, other_rows = rows_of(history), rows_of(app.log.around_history(history, flow, tables))
    return sorted([*own_rows, *around(own_rows, other_rows)], key=event_moment, reverse=True)


def _with_wait(timeline_entry: TimelineEntry, rows: Sequence[Happened], place: int) -> TimelineEntry:
    """Return the entry of an event. For a closed issue, it says what the record waited for and until when."""
    if timeline_entry.event != "issue_closed" or not (sentence := wait_sentence(rows, place)):
        return timeline_entry
    return replace(timeline_entry, title=event_name(timeline_entry.event), lines=[sentence, *timeline_entry.lines])


def _entry(event: Happened, own: Happened) -> TimelineEntry:
    """Return the entry of an event. The title names another object, such as a debtor or a later booking."""
    timeline_entry = entry(event)
    is_own = event["kind"] in ("", own["kind"]) and event["key"] in ("", own["key"])
    if is_own or not event["title"]:
        return timeline_entry
    kind_of = kind_name(event["kind"])
    booking_number = str(event["key"]).partition(f"{own['key']}#")[2].partition("#")[0]
    number = f" ({text('history_booking', number=booking_number)})" if booking_number.isdecimal() else ""
    return replace(timeline_entry, title=f"{kind_of} {event['title']}{number}: {timeline_entry.title}")


def _details(timeline_entry: TimelineEntry) -> None:
    """Draw the details of an entry: changed fields, sent values, facts, and each step with its time."""
    st.markdown(f"**{plain(timeline_entry.title)}**")
    note(f"{short_day(timeline_entry.at)}, {clock_time(timeline_entry.at)}")
    main_event = next((event for event in timeline_entry.events if payload_of(event).after), timeline_entry.events[0])
    payload = payload_of(main_event)
    if payload.after:
        _draw_difference(main_event, payload.before)
        is_sent = any(event["event"] in SENT for event in timeline_entry.events)
        with st.expander(text("details_sent" if is_sent else "details_planned"), icon=":material/upload:"):
            values(payload.after)
    if payload.facts:
        with st.expander(text("details_facts"), icon=":material/data_object:", expanded=not payload.after):
            values(payload.facts)
    if len(timeline_entry.events) > 1:
        section(text("details_steps"))
        with st.container(gap=None):
            for event in timeline_entry.events:
                note(f"{clock_time(event_moment(event))} · {plain(event_name(str(event['event'])))}")
    if run := str(timeline_entry.events[0].get("run") or ""):
        note(f"{text('col_run')} {link(plain(short_id(run)), 'runs', run=run)}")


def _draw_difference(event: Happened, before: Mapping[str, str]) -> None:
    changed = changed_values(event)
    if not changed:
        note(text("details_nothing"))
        return
    field, was, becomes = text("col_field"), text("details_before"), text("details_after")
    rows = [
        {
            field: plain(_path_label(str(event["kind"]), path)),
            was: struck(old) if old else f":gray[{text('empty_value')}]",
            becomes: f"**{plain(new)}**",
        }
        for path, old, new in changed
    ]
    st.table(rows, border="horizontal", hide_index=True)
    same = len(texts_of(event.get("after"))) - len(changed)
    if before and same > 0:
        note(quantity_text("details_same", same))


# ---- the current state ----------------------------------------------------------------------------------------------


def _current_state(app: Application, flow: str, rows: Sequence[Happened]) -> None:
    record_ids = dict.fromkeys((str(row["kind"]), str(row["key"])) for row in rows)
    linked = (app.links.get(flow, Kind(kind), [key]).get(key) for kind, key in record_ids if kind in kinds())
    known_link = next(filter(None, linked), None)
    section(text("now_title"))
    with st.container(border=True):
        facts_table(_facts(app, flow, rows, known_link))
    agreed = known_link.agreed if known_link else None
    if flow in app.flows and agreed and agreed.kind.type is RecordType.DOCUMENT:
        section(text("to_the_cent"))
        with st.container(border=True):
            totals_table(app, agreed, app.flows.configured_flow(flow))
    if agreed:
        section(text("agreed_title"), text("agreed_about"))
        with st.container(border=True, gap="xsmall"):
            _draw_agreed(app, flow, agreed)


def _facts(app: Application, flow: str, rows: Sequence[Happened], known_link: Link | None) -> dict[Markdown, Markdown]:
    """Return the current facts of a record by caption."""
    newest: Happened = rows[0]
    facts: dict[Markdown, Markdown] = {}
    if flow in app.flows:
        source, target = system_name(app.flows[flow].source), system_name(app.flows[flow].target)
        source_number, target_number = _numbers(newest, known_link)
        target_text = f"**{plain(target_number)}**" if target_number else text("now_not_there")
        facts = {
            text("now_in", system=source): f"**{plain(source_number)}**",
            text("now_in", system=target): target_text,
        }
    facts |= _search_facts(app, flow, rows)
    if debtor := _debtor(app, flow, known_link.agreed if known_link else None):
        facts[plain(field_name("debtor"))] = plain(debtor)
    state = _last_state(rows)
    facts[text("col_status")] = inline(state, result_name(state)) if state in STATE_STYLES else "–"
    if known_link and known_link.retired:
        facts[text("now_retired")] = text("yes")
    if (issue := app.exceptions.open_issue(flow, str(newest["key"]))) is not None:
        address = group_address(cause_of(flow, issue.cause, issue.field, issue.facts))
        sentence = plain(say(issue.cause, issue.facts).problem)
        facts[text("now_waits")] = f"{sentence} {link(text('btn_open'), 'exceptions', cause=address)}"
    proven = next((row for row in rows if row["event"] == "proven"), None)
    if proven is not None:
        facts[text("now_proven")] = moment(event_moment(proven))
        if by := _approved_by(app, str(proven["run"])):
            facts[text("col_approved")] = by
    if run := str(newest["run"] or ""):
        facts[text("now_run")] = link(plain(short_id(run)), "runs", run=run)
    others = [
        flow_key for flow_key in app.log.flows_of(str(newest["key"])) if flow_key != flow and flow_key in app.flows
    ]
    if others:
        links = [link(flow_name(flow_key), "logs", record=f"{flow_key}:{newest['key']}") for flow_key in others]
        facts[text("now_also")] = " · ".join(links)
    return facts


def _numbers(newest: Happened, known_link: Link | None) -> tuple[str, str]:
    """Return the numbers of a record in both systems. For a payment these are the open item and its invoice."""
    code, target_number = _code(newest), known_link.reference if known_link else ""
    if known_link and known_link.agreed and known_link.agreed.kind.type is RecordType.PAYMENT:
        return as_text(known_link.agreed.flat().get("item")) or code, code if target_number else ""
    return code, target_number


def _debtor(app: Application, flow: str, agreed: Record | None) -> str:
    """Return the number of the debtor of a document or payment, or an empty text if it is unknown."""
    agreed_values = agreed.flat() if agreed else {}
    debtor_number, of = (as_text(agreed_values.get(name)) for name in ("debtor_number", "debtor"))
    if debtor_number or not of:
        return debtor_number
    linked = app.links.get(flow, Kind.DEBTOR, [of]).get(of)
    return linked.reference if linked else ""


def _approved_by(app: Application, run: str) -> Markdown:
    """Return who approved the run that proved a record. Empty without approval, or if the run is gone."""
    try:
        approval = app.runs.get(run).approval
    except KeyError:
        return ""
    return plain(author_name(approval.by)) if approval else ""


BRANCH = "branch"  # only the till has branches, even if a document of the books names one
SHOWN_ALREADY = ("key", "title", "name", "there")


def _search_facts(app: Application, flow: str, rows: Sequence[Happened]) -> dict[Markdown, Markdown]:
    """Return the search keys of a record that are not shown elsewhere: customer, total, references. Adds its group."""
    newest = rows[0]
    facts: dict[Markdown, Markdown] = {}
    for search_name in app.search.names(flow, str(newest["key"])):
        if search_name.kind == newest["kind"] and search_name.type not in SHOWN_ALREADY:
            value = known_value(search_name.type, search_name.value)
            caption = known_caption(app, flow, search_name.type)
            facts[caption] = f"{facts[caption]} · {value}" if caption in facts else value
    group = next((code for row in rows if (code := texts_of(row["facts"]).get("group"))), "")
    if group and flow in app.flows and (of := app.flows.spec(flow).groups) is not None:
        facts[text(f"filter_{app.flows[flow].counted_stage.grouped_by}")] = plain(
            app.lists.captions(of.system, of.name).get(group, group)
        )
    return facts


def _linked(app: Application, flow: str, key: str) -> None:
    """Draw the link of a record that has no events in the log, if there is one."""
    known_link = next((link for _, link in app.links.find_exact([flow], key, 1)), None)
    if known_link is None or flow not in app.flows:
        return
    section(text("now_title"))
    with st.container(border=True):
        target = text("now_in", system=system_name(app.flows[flow].target))
        facts_table({target: f"**{plain(known_link.reference)}**"})
    if known_link.agreed:
        with st.container(border=True, gap="xsmall"):
            _draw_agreed(app, flow, known_link.agreed)


def _draw_agreed(app: Application, flow: str, agreed: Record) -> None:
    """Draw the agreed values of a record as the target names them. A button opens the rest of a long list."""
    system = app.flows[flow].target if flow in app.flows else ""
    agreed_values = {
        path: value_text
        for path, value in without_sums(agreed).flat().items()
        if (
            value_text := field_text(
                app, TILL.system if path == BRANCH else system, named_field(agreed.kind, path), value
            )
        )
        and path not in REMEMBERED
        and not path.startswith(SUMS)
    }
    rows = {
        plain(_path_label(agreed.kind, path)): plain(value) for path, value in list(agreed_values.items())[:MAX_VALUES]
    }
    facts_table(rows)
    if len(agreed_values) > MAX_VALUES and st.button(
        quantity_text("agreed_more", len(agreed_values) - MAX_VALUES), type="tertiary", key="all_values"
    ):
        st.dialog(text("agreed_title"), width="large")(guarded(_all_agreed))(agreed.kind, agreed_values)


def named_field(kind: str, path: str) -> str:
    """Return the path of a document or payment field with its kind in front. Other paths are unchanged."""
    part, _, name = path.rpartition("/")
    if kind not in kinds(RecordType.DOCUMENT, RecordType.PAYMENT) or "." in name:
        return path
    return f"{Kind.LINE if part else kind}.{name}"


def _all_agreed(kind: str, values: Mapping[str, str]) -> None:
    field, value_title = text("col_field"), text("col_value")
    rows = [{field: plain(_path_label(kind, path)), value_title: plain(value)} for path, value in values.items()]
    st.table(rows, border="horizontal", hide_index=True)


def _path_label(kind: str, path: str) -> str:
    part = path.rpartition("/")[0]
    return f"{part} · {field_name(path)}" if part or "." in path else field_name(f"{kind}.{path}")
