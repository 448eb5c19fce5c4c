"""The short form of a plan: its extent, its lines by action, and the first changes in words."""

import streamlit as st

from integration.alerts.waiting_list import WaitingItem
from integration.application.application import Application
from integration.core.plan_lines import PlanRow
from integration.core.run import Mode, Run
from pages.components.shared.changes import what_changes
from pages.components.shared.documents import code_and_name
from pages.components.shared.layout import inline, mark, note, small
from pages.components.shared.wording import Markdown, euros, flow_name, flow_text, number, plain, quantity_text, text

SHOWN = 8
ACTIONS = ("create", "update", "retire", "park", "skip")


def plan_link(item: WaitingItem) -> None:
    """Draw the link from a waiting plan to its short form."""
    if item.run is None:
        return
    label = text("btn_look_at_plan", flow=flow_name(item.flow))
    if st.button(label, icon=":material/arrow_forward:", key=f"look-{item.run.id}"):
        st.switch_page("pages/phone.py", query_params={"plan": item.run.id})


def plan_extent(app: Application, run: Run) -> Markdown:
    """Return the extent of the selected changes: their number, the booked amount if any, and the number of writes."""
    chosen = app.plans.count(run.id, "changes") - len(run.excluded)
    sold = app.plans.sold(run.id, run.excluded)
    phrases = [f"**{quantity_text('phone_changes', chosen)}**"]
    if sold is not None:
        phrases.append(f"**{flow_text('bar_booked', run.flow, amount=euros(sold))}**")
    phrases.append(quantity_text("write", app.plans.writes(run.id, frozenset(run.excluded))))
    return " · ".join(phrases)


def plan_in_short(app: Application, run: Run) -> None:
    """Draw the extent of a plan, the number of lines by action, and its first changes."""
    with st.container(border=True, gap="xsmall"):
        small(plan_extent(app, run))
        numbers = {action: app.plans.count(run.id, action) for action in ACTIONS}
        small(
            " · ".join(
                f"{mark(action)} {text(f'show_{action}')} **{number(many)}**"
                for action, many in numbers.items()
                if many
            )
        )
    with st.container(border=True, gap="xsmall", key="rows_short"):
        rows = representative_changes(app, run)
        for at, row in enumerate(rows):
            if at:
                st.divider()
            _line(app, run, row)
        if (rest := app.plans.count(run.id, "changes") - len(rows)) > 0:
            note(text("and_more", number=number(rest)))


def representative_changes(app: Application, run: Run) -> list[PlanRow]:
    """Return a few changes that represent a plan: those a brake counted, retirements, updates and new records.

    The last new records are taken, because groups and debtors that they need come first.
    """
    rows_by_seq = {row.seq: row for brake in run.brakes for row in app.plans.marked(run.id, brake.code, SHOWN)[0]}
    for action in ("retire", "update"):
        rows_by_seq |= {row.seq: row for row in app.plans.rows(run.id, action, limit=SHOWN)}
    new = app.plans.rows(run.id, "create", offset=max(0, app.plans.count(run.id, "create") - SHOWN), limit=SHOWN)
    return [*rows_by_seq.values(), *new][:SHOWN]


def _line(app: Application, run: Run, row: PlanRow) -> None:
    """Draw one change: its record and its summary."""
    left_out = f" {inline('left')}" if row.seq in run.excluded else ""
    small(f"{mark(str(row.action))} **{plain(' · '.join(part for part in code_and_name(row) if part))}**{left_out}")
    undone, target = run.mode is Mode.UNDO, app.flows[run.flow].target
    note(plain(what_changes(app, row, undone=undone, system=target)))
