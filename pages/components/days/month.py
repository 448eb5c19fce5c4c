"""One month of closed days: a calendar with the state of each day, and a list by branch."""

import calendar
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.days.report import DayState
from integration.core.grouping import group_by_key
from integration.services.daybooks.day_sheets import verdict_text
from integration.services.daybooks.days import DayListed, Days
from pages.components.days.sheet_tables import ask_day_by_day
from pages.components.shared.application import may
from pages.components.shared.column_widths import BESIDE
from pages.components.shared.layout import (
    STATE_STYLES,
    THIRD,
    act,
    clear_address,
    empty,
    icon_button,
    inline,
    keep_in_address,
    note,
    section,
    select_input,
    state_tag,
)
from pages.components.shared.tables import CONFIG, browse
from pages.components.shared.wording import (
    Markdown,
    amount_text,
    cause_headline,
    language,
    month_name,
    plain,
    table_day,
    text,
    weekdays,
    whole_day,
)

# With several branches, a day shows the state that needs most attention.
WORST = (
    DayState.DIFFERENT, DayState.PARKED, DayState.UNKNOWN, DayState.WAITING, DayState.CLOSED, DayState.BOOKED,
    DayState.NOT_POSTED, DayState.OPEN, DayState.EQUAL, DayState.EMPTY, DayState.LEFT_OUT,
)  # fmt: skip
FIRST_YEAR = 2000


def month_of_address(app: Application) -> date:
    """Return the first day of the month in the address, otherwise of the month with a day of interest."""
    today = app.days.today()
    try:
        month = date.fromisoformat(f"{st.query_params.get('month', '')}-01")
    except ValueError:
        return app.days.day_of_interest().replace(day=1)
    return month if FIRST_YEAR <= month.year <= today.year + 1 else app.days.day_of_interest().replace(day=1)


def last_day_of(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def month_actions(app: Application, month: date) -> None:
    """Draw the links to other months and the button that checks the days of this month."""
    earlier, later = month - timedelta(days=1), last_day_of(month) + timedelta(days=1)
    if icon_button("chevron_left", text("btn_earlier_month"), "earlier_month"):
        _open_month(earlier)
    if icon_button("chevron_right", text("btn_later_month"), "later_month", disabled=later > app.days.today()):
        _open_month(later)
    if may(Days.check_span) and st.button(
        text("btn_check_month"), icon=":material/fact_check:", type="primary", key="check_month"
    ):
        act(lambda: _check(app, month))


def _open_month(day: date) -> None:
    keep_in_address("month", f"{day:%Y-%m}")
    st.rerun()


def _check(app: Application, month: date) -> None:
    last = min(last_day_of(month), app.days.today())
    branch = st.query_params.get("branch", "")
    branch = branch if branch in app.days.branches() else ""
    ask_day_by_day(partial(app.days.check_span, month, last, branch), "days_checking")


def branch_filter(app: Application) -> str:
    """Draw the choice of a branch, if there are several, and return it; empty for all branches."""
    branches = app.days.branches()
    if len(branches) <= 1:
        return ""
    names = {
        number: text("branch_short", branch=number) if name == number else name for number, name in branches.items()
    }
    return select_input("branch", {"": text("stock_all_branches"), **names}, text("stock_branch"))


def the_month(app: Application, month: date) -> None:
    """Draw the calendar of a month with its list beside it."""
    branch = branch_filter(app)
    listed_days = app.days.listed(month, last_day_of(month), branch)
    check = text("btn_check_month") if may(Days.check_span) else ""
    if not listed_days and empty("calendar_month", text("days_none"), text("days_none_about"), check):
        act(lambda: _check(app, month))
    with st.grid(3, min_column_width=THIRD) as grid:
        with grid.cell():
            section(month_name(month))
            _calendar(app, month, listed_days)
            _legend(listed_days)
        with grid.cell(column_span=2):
            if listed_days:
                _list(listed_days)


def _calendar(app: Application, month: date, listed_days: Sequence[DayListed]) -> None:
    days = group_by_key((listed_day.date, listed_day) for listed_day in listed_days)
    with st.container(border=True, gap="xsmall"), st.grid(7, min_column_width=28, gap="xxsmall"):
        for name in weekdays():
            note(plain(name))
        for week in calendar.Calendar().monthdatescalendar(month.year, month.month):
            for day in week:
                _day(app, day, days.get(day, ()), is_here=day.month == month.month)


def find_worst_day(listed_days: Sequence[DayListed]) -> DayListed | None:
    """Return the day of the branch whose state needs most attention, or None if there are no days."""
    return min(listed_days, key=lambda listed_day: WORST.index(listed_day.state), default=None)


def _day(app: Application, day: date, listed_days: Sequence[DayListed], *, is_here: bool) -> None:
    if not is_here:
        st.space("small")
        return
    worst_day = find_worst_day(listed_days)
    worst = worst_day.state if worst_day else None
    icon = f":material/{STATE_STYLES[f'day_{worst}'].icon}:" if worst else None
    colour = STATE_STYLES[f"day_{worst}"].colour if worst else "gray"
    label = f"{day.day}" if worst is None else f":{colour}[**{day.day}** {icon}]"
    hint = whole_day(day) if worst is None else f"{whole_day(day)}: {text(f'badge_day_{worst}')}"
    is_future = day > app.days.today()
    if st.button(label, key=f"day-{day}", type="tertiary", help=hint, disabled=is_future, width="stretch"):
        open_day(day, worst_day.branch if worst_day else next(iter(app.days.branches()), ""))


def open_day(day: date, branch: str) -> None:
    """Show one day of a branch."""
    keep_in_address("day", day.isoformat())
    keep_in_address("branch", branch)
    st.rerun()


def _legend(listed_days: Sequence[DayListed]) -> None:
    """Draw how many days have each state, in the order of `WORST`."""
    present_states = [state for state in WORST if any(listed_day.state is state for listed_day in listed_days)]
    counts = {state: sum(listed_day.state is state for listed_day in listed_days) for state in present_states}
    count_labels = (f"{inline(f'day_{state}')} {counts[state]}" for state in present_states)
    st.markdown(":small[" + " &nbsp; ".join(count_labels) + "]" if present_states else "")
    if len({listed_day.branch for listed_day in listed_days}) > 1:
        note(text("days_worst"))


def _list(listed_days: Sequence[DayListed]) -> None:
    section(text("days_list"))
    newest = list(reversed(listed_days))
    frame = pd.DataFrame([_row(listed_day) for listed_day in newest])
    columns: Mapping[str, object] = {
        "day": CONFIG.TextColumn(text("col_day")),
        "branch": CONFIG.TextColumn(text("col_branch")),
        "state": CONFIG.TextColumn(text("choice_status")),
        "difference": CONFIG.TextColumn(text("col_difference"), alignment="right"),
        "pages": CONFIG.TextColumn(text("col_pages")),
    }
    clicked = browse(frame, columns, "days_table", text("days_list"), room=BESIDE)
    if clicked is not None:
        open_day(newest[clicked].date, newest[clicked].branch)


def _row(listed_day: DayListed) -> dict[str, str]:
    state = state_tag(f"day_{listed_day.state}")
    if listed_day.state is DayState.DIFFERENT and listed_day.report is not None:
        state = f"{STATE_STYLES[f'day_{listed_day.state}'].sign} {verdict_text(listed_day.report, language())}"
    is_refused = bool(listed_day.cause) and listed_day.state in (DayState.PARKED, DayState.CLOSED)
    return {
        "day": table_day(listed_day.date),
        "branch": (
            listed_day.branch_name
            if listed_day.branch_name != listed_day.branch
            else text("branch_short", branch=listed_day.branch)
        ),
        "state": f"{state}: {cause_headline(listed_day.cause, listed_day.facts or {})}" if is_refused else state,
        "difference": amount_text(listed_day.difference) if listed_day.difference else "",
        "pages": ", ".join(listed_day.pages),
    }


def month_listed(listed_days: Sequence[DayListed]) -> pd.DataFrame:
    """Return a list of days as a table for a file, with bare codes and ISO dates."""
    lines = [
        {
            "date": listed_day.date.isoformat(),
            "branch": listed_day.branch,
            "branch_name": listed_day.branch_name,
            "state": str(listed_day.state),
            "cause": listed_day.cause,
            "difference": listed_day.difference,
            "pages": " ".join(listed_day.pages),
            "checked_at": listed_day.checked_at.isoformat() if listed_day.checked_at else "",
        }
        for listed_day in listed_days
    ]
    names = ("date", "branch", "branch_name", "state", "cause", "difference", "pages", "checked_at")
    return pd.DataFrame(lines, columns=names)


def state_badge(listed_day: DayListed) -> Markdown:
    """Return the badge of the state of a day as Markdown; a difference has its amount."""
    report = listed_day.report
    return inline(f"day_{listed_day.state}", plain(verdict_text(report, language())) if report else "")


def back_to_month(day: date) -> None:
    """Show the month of a day."""
    clear_address("day")
    keep_in_address("month", f"{day:%Y-%m}")
    st.rerun()
