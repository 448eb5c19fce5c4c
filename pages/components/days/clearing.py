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
        act(partial(_read_accounts, app, period))


def _read_accounts(app: Application, period: Period) -> None:
    with st.status(text("asking_systems"), expanded=True) as status:
        app.clearing_accounts.read(period, lambda day: status.update(label=text("period_reading", day=table_day(day))))


def the_clearing_accounts(app: Application, period: Period) -> None:
    """Draw every clearing account of a period, or how to read them."""
    section(plain(period_title(period, language())))
    report = app.clearing_accounts.report(period)
    if report is None:
        if empty("account_balance", text("clearing_none"), text("clearing_none_about"), text("btn_clearing_settings")):
            parameters = {"flow": app.days.flow, "tab": "settings", "field": "payout_accounts"}
            st.switch_page("pages/flows.py", query_params=parameters)
        return
    note(f"{text('period_books_read')}: {plain(moment(report.read_at))}")
    if report.unreadable:
        note(text("clearing_unreadable", count=plain(report.unreadable)))
    downloads(f"clearing-{period.name.replace('..', '-to-')}", lambda: clearing_listed(report), key="clearing")
    for account in report.accounts:
        _account(account, report)


def clearing_listed(report: ClearingReport) -> pd.DataFrame:
    """Return the movements by day of all accounts as a table for a file."""
    lines = [
        {
            "account": account.account, "date": day.date.isoformat(), "takings": day.takings,
            "payouts": day.payouts, "balance": day.balance, "under_way": day.under_way,
        }
        for account in report.accounts
        for day in account.days
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=["account", "date", "takings", "payouts", "balance", "under_way"])


def _account(account: ClearingAccount, report: ClearingReport) -> None:
    with st.container(border=True):
        section(text("clearing_account", account=plain(account.account)))
        spoken = language()
        balances = {
            text("col_opening"): ledger_text(account.opening, spoken),
            text("col_takings"): amount_text(account.takings, spoken),
            text("col_payouts"): amount_text(account.payouts, spoken),
            text("col_balance"): ledger_text(account.closing, spoken),
        }
        table([balances], text("clearing_balances"), _right_aligned(list(balances)))
        if account.match is not None:
            _open_lines(account, account.match, report)
        if not account.days:
            note(text("clearing_quiet"))
            return
        if account.match is not None:
            frame = pd.DataFrame(
                {"under_way": [float(day.under_way) for day in account.days]},
                index=pd.DatetimeIndex([pd.Timestamp(day.date) for day in account.days]),
            )
            steps(frame, {"under_way": text("col_under_way")}, TICKS, text("clearing_chart", account=account.account))
        _days(account)


def _open_lines(account: ClearingAccount, match: PayoutMatch, report: ClearingReport) -> None:
    spoken = language()
    late = {(payout_line.date, payout_line.branch) for payout_line in account.late(report.until)}
    small(
        text(
            "clearing_line",
            under_way=amount_text(match.waiting, spoken),
            late=len(late), fees=amount_text(match.fees, spoken), open=amount_text(match.unbooked_fees, spoken),
        )
    )  # fmt: skip
    rows = [
        {
            text("col_date"): table_day(payout_line.date),
            text("col_branch"): payout_line.branch,
            term("col_amount"): amount_text(payout_line.amount, spoken),
            text("col_pages"): payout_line.page,
            text("choice_status"): text(
                "clearing_late" if (payout_line.date, payout_line.branch) in late else "col_under_way"
            ),
        }
        for payout_line in match.under_way
    ]
    rows += [
        {
            text("col_date"): table_day(payout_line.date), text("col_branch"): "",
            term("col_amount"): amount_text(-payout_line.amount, spoken), text("col_pages"): payout_line.page,
            text("choice_status"): text("clearing_unmatched"),
        }
        for payout_line in match.unmatched
    ]  # fmt: skip
    if rows:
        table(rows, text("clearing_open"), _right_aligned([term("col_amount")]))


def _days(account: ClearingAccount) -> None:
    spoken = language()
    rows = [
        {
            text("col_date"): table_day(day.date), text("col_takings"): amount_text(day.takings, spoken),
            text("col_payouts"): amount_text(day.payouts, spoken),
            text("col_balance"): ledger_text(day.balance, spoken),
            **({text("col_under_way"): amount_text(day.under_way, spoken)} if account.match else {}),
        }
        for day in account.days
    ]  # fmt: skip
    table(rows, text("clearing_by_day"), _right_aligned(list(rows[0])[1:]))


def _right_aligned(titles: list[str]) -> dict[str, object]:
    return {title: CONFIG.TextColumn(title, alignment="right") for title in titles}
