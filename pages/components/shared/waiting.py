"""The waiting list: one row for each item that waits for a person, the same on every page."""

from collections.abc import Callable, Sequence

import streamlit as st

from integration.alerts.waiting_list import WaitingItem, WaitingItems
from integration.application.application import Application
from integration.services.runs.exceptions import AmountAtStake, Exceptions
from integration.services.runs.flows import FlowStatus
from integration.services.runs.runs import Runs
from pages.components.shared.application import may, may_open
from pages.components.shared.flows import amount_at_stake_text, group_detail, more_exceptions, try_again
from pages.components.shared.layout import badge, badge_width, label_with_object
from pages.components.shared.wording import (
    Markdown,
    euros,
    flow_name,
    flow_text,
    language,
    moment,
    plain,
    quantity_text,
    system_name,
    term,
    text,
    zone,
)

MAX_SHARED_ROWS = 6  # rows of a list that shares the page with other content

RowActions = Callable[[WaitingItem], None]


def waiting_items(
    app: Application, statuses: Sequence[FlowStatus] | None = None, limit: int | None = MAX_SHARED_ROWS
) -> WaitingItems:
    """Return the waiting list in the language of the session. `statuses` are flow statuses that were read already."""
    return app.waiting_list.items(language(), zone(), statuses, limit)


def waiting_list(app: Application, items: WaitingItems, actions: RowActions | None = None) -> None:
    """Draw the rows and the link to the others. `actions` adds buttons of the page; the key O opens the first row."""
    wide = max((badge_width(item_shown.state) for item_shown in items.first_items), default=0)
    with st.container(border=True, gap="xsmall", key="rows_needs"):
        for at, item in enumerate(items.first_items):
            if at:
                st.divider()
            waiting_row(app, item, wide, actions, shortcut=None if at else "O")
    if items.remaining_count:
        more_exceptions(items.remaining_count)


def waiting_row(
    app: Application, item: WaitingItem, wide: int, actions: RowActions | None = None, shortcut: str | None = None
) -> None:
    """Draw one row: badge, description, retry, and the button that opens its next step."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        badge(item.state, width=wide)
        st.markdown(row_text(app, item), width="stretch")
        if actions is not None:
            actions(item)
        _try_again(app, item)
        if may_open(item.page) and st.button(
            label_with_object(verb(item), plain(item.name)), key=f"need-{item.key}", width=132, shortcut=shortcut
        ):
            st.switch_page(f"pages/{item.page}.py", query_params=dict(item.params))


def row_text(app: Application, item: WaitingItem) -> Markdown:
    """Return the text of a row: name; flow, number, amount and age; the detail and what to do."""
    detail = group_detail(app, item.group) if item.group is not None else plain(item.detail)
    ends = detail.endswith((".", plain("."), "?"))
    about = " ".join(part for part in (detail if ends or not detail else f"{detail}.", plain(item.step)) if part)
    lines = [f":small[**{plain(item.name)}**]", f":small[:gray[{row_facts(item)}]]", f":small[:gray[{about}]]"]
    return "  \n".join(lines)


def row_facts(item: WaitingItem) -> Markdown:
    """Return flow or system, number, amount and age of an item."""
    about = flow_name(item.flow) if item.flow else plain(system_name(item.system)) if item.system else ""
    number = quantity_text(item.unit, item.count) if item.count else ""
    amount = _amount_text(item, item.amount) if item.amount else ""
    since = term("waiting_since", moment=moment(item.since)) if item.since else ""
    return " · ".join(part for part in (about, number, amount, since) if part)


def _amount_text(item: WaitingItem, amount: AmountAtStake) -> Markdown:
    if item.run is not None:
        return flow_text("bar_booked", item.flow, amount=euros(amount.amount))
    return amount_at_stake_text(item.flow, amount)


def verb(item: WaitingItem) -> Markdown:
    """Return the label of the button of a row. People who may not repair get "look"."""
    return text("btn_look" if item.group is not None and not may(Exceptions.correct) else f"btn_{item.verb}")


def _try_again(app: Application, item: WaitingItem) -> None:
    group = item.group
    if (
        group is not None
        and may(Runs.try_again)
        and st.button(
            label_with_object(text("btn_try_again_short"), plain(item.name)),
            key=f"again-{item.key}",
            type="tertiary",
            help=text("try_again_about"),
        )
    ):
        try_again(app, group.flow, group.cause, group.field)
