"""The rows that the value tables of a flow lack: each with its amount and a choice, and one button that adds them."""

from collections.abc import Mapping, Sequence

import streamlit as st

from integration import words
from integration.application.application import Application
from integration.core.causes import RepairKind
from integration.core.issues import CauseGroup
from integration.flows.settings import ValueTable
from integration.services.runs.missing_rows import MissingRows, RowToAdd
from pages.components.shared import controls
from pages.components.shared.application import disable_unless_allowed, person
from pages.components.shared.flows import at_stake, group_headline, preview_causes
from pages.components.shared.inputs import code_field, codes_or_error, lists_of
from pages.components.shared.layout import attempt, mark, note, small
from pages.components.shared.rows import Lists, code_label, row_label
from pages.components.shared.wording import (
    Markdown,
    euros,
    language,
    number,
    plain,
    quantity_text,
    system_name,
    table_name,
    text,
)

ROW = "row-"  # prefix of the keys of the fields
FIELD_WIDTH, ROW_WIDTH = 260, 440  # pixels
FEW = 2  # from this number on, all missing rows are shown together


def has_rows_together(app: Application, group: CauseGroup) -> bool:
    """Return True if the repair of a cause is the table of all rows that its flow lacks."""
    if app.flows.spec(group.flow).repair_of(group.cause).by is RepairKind.ROWS:
        return True
    return group.cause in app.exceptions.row_causes(group.flow) and len(app.missing_rows.rows(group.flow)) >= FEW


def missing_rows(app: Application, flow: str) -> None:
    """Draw every missing row of a flow with the button that adds the rows and starts a preview."""
    rows, groups = app.missing_rows.rows(flow, _chosen_counterparts()), app.missing_rows.groups(flow)
    st.markdown(text("rows_question"))
    chosen: dict[tuple[str, str], str] = {}
    for table in dict.fromkeys(row.table for row in rows):
        chosen |= _table(app, table, [row for row in rows if row.table == table], app.flows.noun(flow))
    added = {of: other for of, other in chosen.items() if other}
    count = sum(group.count for group in groups)
    label = quantity_text(f"btn_rows_{app.flows.noun(flow)}", count)
    if len(added) < len(rows):
        note(quantity_text("rows_left", len(rows) - len(added)))
    if controls.button(label, type="primary", icon=":material/build:", key="add_rows", disabled=not added):
        if attempt(lambda: app.missing_rows.add(flow, added, person())):
            preview_causes(app, groups)
        st.rerun()
    note(text("repair_writes_nothing", system=system_name(app.flows[flow].target)))


def _chosen_counterparts() -> dict[tuple[str, str], str]:
    """Return the counterparts in the fields of this page: a row that depends on one of them is shown with it."""
    fields = {
        str(key).removeprefix(ROW): str(code or "")
        for key, code in st.session_state.items()
        if str(key).startswith(ROW)
    }
    split_names = ((name.partition("-"), code) for name, code in fields.items())
    return {(table, key): code for (table, _, key), code in split_names}


def rows_at_days(app: Application, flow: str) -> None:
    """Draw the missing rows of a flow on the page of closed days, if some days are parked for them."""
    groups = app.missing_rows.groups(flow)
    if not groups:
        return
    with st.container(border=True, gap="small", key="days-rows"):
        for group in groups:
            amount = at_stake(group)
            small(f"{mark('parked')} **{group_headline(app, group)}** · {_count_text(group.count, 'day')}")
            if amount:
                note(amount)
        if st.toggle(text("rows_show"), key="show_rows"):
            with disable_unless_allowed(MissingRows.add):
                missing_rows(app, flow)


def _table(app: Application, table: ValueTable, rows: Sequence[RowToAdd], noun: str) -> Mapping[tuple[str, str], str]:
    """Draw the missing rows of one table, and return the chosen code for each row; empty if none is chosen."""
    lists, theirs = lists_of(app, table), codes_or_error(app, table.theirs)
    small(f"**{plain(table_name(table.name))}**")
    if lists is None or theirs is None:
        return {}
    chosen = {}
    with st.grid(2, min_column_width=ROW_WIDTH) as grid:
        for row in rows:
            with grid.cell(), st.container(horizontal=True, gap="small", vertical_alignment="center"):
                chosen[row.row_key] = _row(app, table, row, noun, lists, theirs)
    return chosen


def _row(
    app: Application,
    table: ValueTable,
    row: RowToAdd,
    noun: str,
    lists: Lists,
    theirs: Mapping[str, str],
) -> str:
    """Draw one missing row with its amount and a choice, and return the chosen code; empty if none is chosen."""
    label = plain(row_label(app, table, row.key, lists))
    with st.container(width="stretch", gap=None):
        small(label)
        note(_waiting_text(row, noun))
    key = f"{ROW}{table.name}-{row.key}"
    now = st.session_state.get(key, row.proposal)
    st.markdown(mark("ok") if now else ":gray[:material/arrow_forward:]", width=24)
    return code_field(
        label,
        row.proposal,
        theirs,
        key,
        none=text("table_no_row"),
        longest=None,
        labels=lambda code: code_label(app, table.theirs, code, theirs),
        of=table.theirs,
        label_visibility="collapsed",
        width=FIELD_WIDTH,
    )


def _waiting_text(row: RowToAdd, noun: str) -> Markdown:
    records = _count_text(row.records, noun)
    return f"{euros(row.amount)} · {records}" if row.amount else records


def _count_text(records: int, noun: str) -> Markdown:
    return f"{number(records)} {plain(words.count(f'noun_{noun}', records, language()))}"
