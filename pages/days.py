"""Closed days: the state of each in the till and in the books, and their differences. Writes to no system."""

from datetime import date

import streamlit as st

from pages.components.days.clearing import clearing_actions, the_clearing_accounts
from pages.components.days.drift import drift_results
from pages.components.days.gift_cards import gift_card_balances
from pages.components.days.month import (
    last_day_of,
    month_actions,
    month_listed,
    month_of_address,
    state_badge,
    the_month,
)
from pages.components.days.one_day import day_actions, the_day
from pages.components.days.period import (
    PARAMETERS,
    period_actions,
    period_badge,
    period_filters,
    period_shown,
    the_period,
)
from pages.components.shared.application import application
from pages.components.shared.downloads import downloads
from pages.components.shared.layout import choice, failures, head
from pages.components.shared.missing_rows import rows_at_days
from pages.components.shared.wording import language, moment, plain, sandbox_badges, text, whole_day, zone

VIEWS = ("calendar", "period", "clearing")

app = application()


def day_of_address() -> date | None:
    """Return the day in the address, or None if it is missing or invalid."""
    try:
        return date.fromisoformat(st.query_params.get("day", ""))
    except ValueError:
        return None


def one_day(day: date) -> None:
    """Draw one day of a branch."""
    branches = app.days.till_branches()
    branch = st.query_params.get("branch", "") or next(iter(branches), "")
    listed_day = app.days.find(day, branch)
    report = listed_day.report if listed_day else None
    name, number = branches.get(branch), plain(branch)
    branch_text = text("day_branch", name=plain(name), number=number) if name else text("branch_short", branch=number)
    checked = text("day_checked", moment=moment(report.checked_at)) if report else text("day_never_checked")
    badges = [state_badge(listed_day)] if listed_day else []
    about = f"{branch_text} · {checked}"
    with head(whole_day(day), about, [*badges, *sandbox_badges(app.sandbox.is_connected)]):
        day_actions(app, day, branch, report)
    failures()
    the_day(app, day, branch, listed_day)


def view() -> str:
    """Return the view in the address: calendar, period or clearing."""
    view_name = st.query_params.get("view", "")
    return view_name if view_name in VIEWS else VIEWS[0]


def view_choice() -> None:
    """Draw the choice of the view."""
    choice("view", VIEWS, VIEWS[0], lambda name: text(f"view_{name}"), no_longer=PARAMETERS)


def one_period() -> None:
    """Draw a period."""
    report = period_shown(app)
    tables = app.period_sheets.tables(report, language(), zone())
    badges = [period_badge(report, tables)] if report.days else []
    with head(text("nav_days"), text("period_about"), [*badges, *sandbox_badges(app.sandbox.is_connected)]):
        period_actions(app, report)
    failures()
    view_choice()
    period_filters(app, report)
    the_period(app, report, tables)


def clearing_view() -> None:
    """Draw the clearing accounts of a period."""
    period = app.periods.period(st.query_params.get("period", ""))
    with head(text("nav_days"), text("clearing_about"), sandbox_badges(app.sandbox.is_connected)):
        clearing_actions(app, period)
    failures()
    view_choice()
    the_clearing_accounts(app, period)


def all_days() -> None:
    """Draw a month, and the results of the nightly drift check."""
    if view() == "period":
        one_period()
        return
    if view() == "clearing":
        clearing_view()
        return
    month = month_of_address(app)
    with head(text("nav_days"), text("days_about"), sandbox_badges(app.sandbox.is_connected)):
        month_actions(app, month)
    failures()
    view_choice()
    rows_at_days(app, app.days.flow)
    the_month(app, month)
    if listed_days := app.days.listed(month, last_day_of(month)):
        downloads(f"days-{month:%Y-%m}", lambda: month_listed(listed_days), key="days")
    gift_card_balances(app)
    drift_results(app)


if day := day_of_address():
    one_day(day)
else:
    all_days()
