"""Clearing accounts in a period: balances, takings under way, fees, and movements by day."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.days.clearing import ClearingAccount, ClearingDay
from integration.core.days.period import Period
from integration.services.daybooks.clearing_accounts import ClearingAccounts
from integration.services.daybooks.clearing_sheets import ClearingSheets, ClearingTables
from integration.services.daybooks.period_sheets import period_title
from pages.components.days.sheet_tables import (
    ask_day_by_day,
    period_links,
    remarks_box,
    sheet_buttons,
    text_table_section,
)
from pages.components.shared.application import may
from pages.components.shared.charts import steps
from pages.components.shared.layout import act, empty, keep_in_address, note, section
from pages.components.shared.wording import language, plain, text, zone


def clearing_actions(app: Application, period: Period) -> None:
    """Draw the links to other periods, and the buttons that ask the books."""
    period_links(app, period, "clearing", _open_period)
    report = app.clearing_accounts.report(period)
    if report is not None and may(ClearingSheets.pdf):
        sheet_buttons(app.clearing_sheets, report, f"clearing-{period.name.replace('..', '-to-')}", "clearing")
    if not may(ClearingAccounts.read):
        return
    if st.button(text("btn_check_payouts"), icon=":material/notifications:", key="check_payouts"):
        act(app.clearing_accounts.check)
    if st.button(text("btn_read_books"), icon=":material/menu_book:", type="primary", key="read_clearing"):
        act(lambda: ask_day_by_day(partial(app.clearing_accounts.read, period), "period_reading"))


def _open_period(period: Period) -> None:
    keep_in_address("period", period.name)
    st.rerun()


def the_clearing_accounts(app: Application, period: Period) -> None:
    """Draw every clearing account of a period, or how to read them."""
    section(plain(period_title(period, language())))
    report = app.clearing_accounts.report(period)
    if report is None:
        if empty("account_balance", text("clearing_none"), text("clearing_none_about"), text("btn_clearing_settings")):
            parameters = {"flow": app.days.flow, "tab": "settings", "field": "payout_accounts"}
            st.switch_page("pages/flows.py", query_params=parameters)
        return
    tables = app.clearing_sheets.tables(report, language(), zone())
    note(f"{text('period_books_read')}: {plain(tables.moment(report.read_at))} · {plain(tables.verdict())}")
    remarks_box(tables.remarks())
    for account in report.accounts:
        _account(account, tables)


def _account(account: ClearingAccount, tables: ClearingTables) -> None:
    with st.container(border=True):
        section(text("clearing_account_title", account=plain(tables.account_name(account.account))))
        with st.grid(2, min_column_width=300) as grid:
            with grid.cell():
                text_table_section(tables.text_table(tables.balances(account)))
            if account.match is not None:
                with grid.cell():
                    text_table_section(tables.text_table(tables.balance_parts(account, account.match)))
        if account.match is not None:
            text_table_section(tables.text_table(tables.open_entries(account, account.match)))
        if not account.days:
            note(text("clearing_quiet"))
            return
        if account.match is not None:
            alt = text("clearing_chart", account=account.account)
            steps(takings_under_way(account.days), {"under_way": text("col_under_way")}, text("axis_day"), alt)
        text_table_section(tables.text_table(tables.movements(account)))
        if account.match is not None:
            text_table_section(tables.text_table(tables.payouts(account.match)))


def takings_under_way(days: Sequence[ClearingDay]) -> pd.DataFrame:
    """Return the amount under way by day for a step chart. The last level lasts until the end of its day."""
    dates = [*(day.date for day in days), days[-1].date + timedelta(days=1)]
    amounts = [float(day.unpaid_amount) for day in (*days, days[-1])]
    return pd.DataFrame({"under_way": amounts}, index=pd.DatetimeIndex(dates))
