"""Clearing accounts in a period: balances, takings under way, fees, and movements by day."""

from functools import partial

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.days.clearing import ClearingAccount, PayoutMatch
from integration.core.days.period import Period
from integration.services.daybooks.clearing_accounts import ClearingAccounts, ClearingReport
from integration.services.daybooks.period_sheets import period_title
from integration.words import amount_text, ledger_text
from pages.components.shared.application import may
from pages.components.shared.charts import steps
from pages.components.shared.downloads import downloads
from pages.components.shared.layout import act, empty, icon_button, keep_in_address, note, section, small
from pages.components.shared.tables import CONFIG, table
from pages.components.shared.wording import language, moment, plain, table_day, term, text

TICKS = "%d-%m"


def clearing_actions(app: Application, period: Period) -> None:
    """Draw the links to other periods, and the buttons that ask the books."""
    for by, icon, name in ((-1, "chevron_left", "earlier"), (1, "chevron_right", "later")):
        is_to_come = by > 0 and period.last >= app.days.today()
        if icon_button(icon, text(f"btn_{name}_period"), f"{name}_clearing", disabled=is_to_come):
            keep_in_address("period", app.periods.shift_period(period, by).name)
            st.rerun()
    if not may(ClearingAccounts.read):
        return
    if st.button(text("btn_check_payouts"), icon=":material/notifications:", key="check_payouts"):
        act(app.clearing_accounts.check)
    if st.button(text("btn_read_books"), icon=":material/menu_book:", type="primary", key="read_clearing"):
        act(partial(_read, app, period))


def _read(app: Application, period: Period) -> None:
    with st.status(text("asking_systems"), expanded=True) as status:
        app.clearing_accounts.read(period, lambda day: status.update(label=text("period_reading", day=table_day(day))))


def the_clearing_accounts(app: Application, period: Period) -> None:
    """Draw every clearing account of a period, or how to read them."""
    section(plain(period_title(period, language())))
    report = app.clearing_accounts.report(period)
    if report is None:
        if empty("account_balance", text("clearing_none"), text("clearing_none_about"), text("btn_clearing_settings")):
            asked = {"flow": app.days.flow, "tab": "settings", "field": "payout_accounts"}
            st.switch_page("pages/flows.py", query_params=asked)
        return
    note(f"{text('period_books_read')}: {plain(moment(report.read_at))}")
    if report.unreadable:
        note(text("clearing_unreadable", count=plain(report.unreadable)))
    downloads(f"clearing-{period.name.replace('..', '-to-')}", lambda: clearing_listed(report), key="clearing")
    for one in report.accounts:
        _account(one, report)


def clearing_listed(report: ClearingReport) -> pd.DataFrame:
    """Return the movements by day of all accounts as a table for a file."""
    lines = [
        {
            "account": one.account, "date": day.date.isoformat(), "takings": day.takings,
            "payouts": day.payouts, "balance": day.balance, "under_way": day.under_way,
        }
        for one in report.accounts
        for day in one.days
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=["account", "date", "takings", "payouts", "balance", "under_way"])


def _account(one: ClearingAccount, report: ClearingReport) -> None:
    with st.container(border=True):
        section(text("clearing_account", account=plain(one.account)))
        spoken = language()
        told = {
            text("col_opening"): ledger_text(one.opening, spoken),
            text("col_takings"): amount_text(one.takings, spoken),
            text("col_payouts"): amount_text(one.payouts, spoken),
            text("col_balance"): ledger_text(one.closing, spoken),
        }
        table([told], text("clearing_balances"), _right(list(told)))
        if one.match is not None:
            _under_way(one, one.match, report)
        if not one.days:
            note(text("clearing_quiet"))
            return
        if one.match is not None:
            frame = pd.DataFrame(
                {"under_way": [float(day.under_way) for day in one.days]},
                index=pd.DatetimeIndex([pd.Timestamp(day.date) for day in one.days]),
            )
            steps(frame, {"under_way": text("col_under_way")}, TICKS, text("clearing_chart", account=one.account))
        _days(one)


def _under_way(one: ClearingAccount, match: PayoutMatch, report: ClearingReport) -> None:
    spoken = language()
    late = {(each.date, each.branch) for each in one.late(report.until)}
    small(
        text(
            "clearing_line",
            under_way=amount_text(match.waiting, spoken),
            late=len(late), fees=amount_text(match.fees, spoken), open=amount_text(match.unbooked_fees, spoken),
        )
    )  # fmt: skip
    rows = [
        {
            text("col_date"): table_day(each.date), text("col_branch"): each.branch,
            term("col_amount"): amount_text(each.amount, spoken), text("col_pages"): each.page,
            text("choice_status"): text("clearing_late" if (each.date, each.branch) in late else "col_under_way"),
        }
        for each in match.under_way
    ]  # fmt: skip
    rows += [
        {
            text("col_date"): table_day(each.date), text("col_branch"): "",
            term("col_amount"): amount_text(-each.amount, spoken), text("col_pages"): each.page,
            text("choice_status"): text("clearing_unmatched"),
        }
        for each in match.unmatched
    ]  # fmt: skip
    if rows:
        table(rows, text("clearing_open"), _right([term("col_amount")]))


def _days(one: ClearingAccount) -> None:
    spoken = language()
    rows = [
        {
            text("col_date"): table_day(day.date), text("col_takings"): amount_text(day.takings, spoken),
            text("col_payouts"): amount_text(day.payouts, spoken),
            text("col_balance"): ledger_text(day.balance, spoken),
            **({text("col_under_way"): amount_text(day.under_way, spoken)} if one.match else {}),
        }
        for day in one.days
    ]  # fmt: skip
    table(rows, text("clearing_by_day"), _right(list(rows[0])[1:]))


def _right(titles: list[str]) -> dict[str, object]:
    return {title: CONFIG.TextColumn(title, alignment="right") for title in titles}
