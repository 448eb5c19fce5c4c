"""Balances of the gift cards in the till, with the account of each group in the books."""

import streamlit as st

from integration.application.application import Application
from integration.flows.settings import BOOKS, TILL
from integration.services.daybooks.days import Days
from pages.components.shared.application import may
from pages.components.shared.downloads import downloads
from pages.components.shared.frames import rows_in
from pages.components.shared.layout import ask_live, mark, note, section_with_actions
from pages.components.shared.rows import code_caption
from pages.components.shared.wording import amount_text, number, plain, text

BALANCES_KEY = "gift_cards_asked"


def gift_card_balances(app: Application) -> None:
    """Draw the balances after a person asks for them."""
    if not may(Days.gift_cards):
        return
    actions = section_with_actions(text("gift_cards_title"), text("gift_cards_about"))
    if actions.button(text("btn_ask_till"), icon=":material/redeem:", key="ask_gift_cards"):
        st.session_state[BALANCES_KEY] = True
    balances = ask_live(app, "gift_cards", app.days.gift_cards) if st.session_state.get(BALANCES_KEY) else None
    if balances is None:
        return
    if not balances:
        note(text("gift_cards_none"))
        return
    lines = [(balance.group, account, balance.count, balance.balance) for balance, account in balances]
    unreadable = sum(balance.unreadable for balance, _ in balances)
    columns = ["turnover_group", "account", "cards", "left", "unreadable"]
    file_rows = [(*line, balance.unreadable) for line, (balance, _) in zip(lines, balances, strict=True)]
    downloads("gift-cards", lambda: rows_in(columns, file_rows), at=actions)
    groups, accounts = app.lists.captions(TILL.system, "turnover_groups"), app.lists.captions(BOOKS.system, "ledgers")
    rows = [
        {
            text("col_turnover_group"): plain(code_caption(group, groups)),
            text("col_account"): plain(code_caption(account, accounts)),
            text("col_cards"): number(count),
            text("col_left"): amount_text(remaining),
        }
        for group, account, count, remaining in lines
        if count
    ]
    if rows:
        st.table(rows, border="horizontal", hide_index=True)
    if unreadable:
        note(f":orange[{mark('parked')} {text('gift_cards_unreadable', count=unreadable)}]")
