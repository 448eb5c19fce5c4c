"""Days as an operator and a bookkeeper look at them."""

import json
from dataclasses import replace
from datetime import UTC, date, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from integration.application.application import Application
from integration.core.days.report import DayState
from integration.core.errors import RejectedError
from integration.core.issues import Issue, IssueOccurrence
from integration.core.records import Kind
from integration.core.run import Mode, PreviewRequest
from integration.core.states import RunState
from integration.services.daybooks.days import DayListed
from integration.services.runs.exceptions import cause_of, group_address
from pages.components.days.month import find_worst_day
from tests.pages.conftest import Open, commit_run, press, texts, wait_for_run
from tests.people import make_actor
from tests.stores import sandbox_of, stores_in

DAYS = 6


@pytest.fixture(scope="module")
def booked_week(connected_application: Application) -> tuple[Application, date]:
    """A console that booked the days of a week, and one day of branch 1 among them."""
    today = connected_application.days.today()
    connected_application.proposals.fill("test")
    values = {
        "till_accounts": True, "difference_account": "4400", "banked_account": "1090",
        "date_from": (today - timedelta(days=DAYS)).isoformat(),
    }  # fmt: skip
    connected_application.flows.change("days", values, make_actor("test"))
    run = wait_for_run(
        connected_application,
        connected_application.runs.preview(PreviewRequest("days", make_actor("test"), Mode.COMPLETE)),
    )
    assert commit_run(connected_application, run).state is RunState.DONE
    pages = [day for day in connected_application.days.listed(today - timedelta(days=DAYS), today) if day.pages]
    assert pages
    return connected_application, next((day for day in pages if day.branch == "1"), pages[0]).date


def labels(test: AppTest) -> list[str]:
    return [button.label for button in [*test.button, *test.get("download_button")]]


def cells(test: AppTest) -> set[str]:
    return {str(cell) for table in test.table for cell in table.value.to_numpy().ravel()}


def open_day(open_page: Open, day: date) -> AppTest:
    test = open_page("days", day=day.isoformat(), branch="1")
    assert not test.exception
    return test


def test_a_month_of_which_nothing_is_known_offers_to_compare_it(
    connected_application: Application, open_page: Open
) -> None:
    del connected_application
    test = open_page("days", month="2001-02")
    assert not test.exception
    assert "Nothing is known of this month yet." in texts(test)
    assert "February 2001" in texts(test)


@pytest.mark.parametrize("month", ["2026-13", "0001-01", "9999-12"])
def test_a_month_that_is_none_is_the_one_that_needs_attention(
    connected_application: Application, open_page: Open, month: str
) -> None:
    test = open_page("days", month=month)
    assert not test.exception
    assert f"{connected_application.days.day_of_interest():%B %Y}" in texts(test)


def test_the_calendar_marks_each_day_and_leads_to_it(booked_week: tuple[Application, date], open_page: Open) -> None:
    _, day = booked_week
    test = open_page("days", month=f"{day:%Y-%m}")
    assert not test.exception
    assert ": " in str(test.button(key=f"day-{day}").help)  # the day, and how it stands
    press(test, f"day-{day}")
    assert not test.exception
    assert test.query_params["day"] in (day.isoformat(), [day.isoformat()])
    assert "All days" in labels(test)


def test_a_day_of_the_calendar_is_that_of_the_branch_that_needs_attention() -> None:
    states = {"1": DayState.EQUAL, "2": DayState.DIFFERENT, "3": DayState.WAITING}
    listed_days = [DayListed(date(2026, 11, 27), branch, "", state) for branch, state in states.items()]
    assert find_worst_day(listed_days) == listed_days[1]
    assert find_worst_day(listed_days[:1]) == listed_days[0]
    assert find_worst_day([]) is None


def test_a_day_is_compared_on_demand_and_has_its_sheets(booked_week: tuple[Application, date], open_page: Open) -> None:
    app, day = booked_week
    test = press(open_day(open_page, day), "check_day")
    assert not test.exception
    listed_day = app.days.find(day, "1")
    assert listed_day is not None
    assert "Both sides are equal, to the cent." in texts(test)
    assert {"PDF", "Excel", "Check now"} <= set(labels(test))
    assert [header.value for header in test.header][:3] == ["VAT", "Payment methods", "Ledger accounts"]
    assert f"Page {listed_day.pages[0]}" in texts(test).replace("\\", "")


def test_a_day_that_a_run_parked_and_nobody_compared_has_its_cause_and_leads_to_its_exception(
    booked_week: tuple[Application, date], open_page: Open
) -> None:
    app, _ = booked_week
    facts = {"day": "2001-02-03", "branch": "1", "method": "CHEQUE", "kind": "OTHER"}
    issue = Issue("day_method_account_missing", "2001-02-03/1", "", facts)
    stores_in(app).issues.open(app.days.flow, "a run", [IssueOccurrence(issue, Kind.DAY, "2001-02-03")])
    test = open_day(open_page, date(2001, 2, 3))
    assert "Parked" in texts(test)
    assert "Payment method CHEQUE" in texts(test)
    assert {"Open the exception", "Open preview", "Check now"} <= set(labels(test))


def test_a_line_moved_by_hand_is_named_and_leads_to_its_exception(
    booked_week: tuple[Application, date], open_page: Open
) -> None:
    app, day = booked_week
    books = sandbox_of(app)
    report = app.days.check(day, "1")
    number = report.pages[0].number.partition("/")[2]
    line = next(row for row in books.state("DJ_LINE") if row["PAGE_NR"] == number)
    try:
        books.accountview.edit("DJ_LINE", str(line["REC_ID"]), {"ACCT_NR": "8100"})
        test = press(open_day(open_page, day), "check_day")
        assert not test.exception
        assert "Different" in test.title[0].value
        assert f"ledger account {line['ACCT_NR']} became 8100" in texts(test)
        assert "Open the exception" in labels(test)
        issue = app.exceptions.open_issue("days", f"{day.isoformat()}/1")
        assert issue is not None
        cause = group_address(cause_of("days", issue.cause, issue.field, issue.facts))
        exception = open_page("exceptions", cause=cause)
        assert not exception.exception
        assert "Open the day" in labels(exception)
    finally:
        books.accountview.edit("DJ_LINE", str(line["REC_ID"]), {"ACCT_NR": line["ACCT_NR"]})
    test = press(open_day(open_page, day), "check_day")
    assert "Open the exception" not in labels(test)


def test_a_period_shows_both_sides_the_return_and_what_the_books_have_besides(
    booked_week: tuple[Application, date], open_page: Open
) -> None:
    app, day = booked_week
    app.days.check_span(day, day)
    name = f"{day}..{day}"
    test = open_page("days", view="period", period=name)
    assert not test.exception
    headers = [header.value for header in test.header]
    assert {"VAT", "VAT return", "Turnover by branch, group and account"} <= set(headers)
    assert "Check it with your bookkeeper" in texts(test)
    assert "The books were not read yet" in texts(test)
    assert "In the books under these codes" not in headers
    test = press(test, "read_books")
    assert not test.exception
    assert "In the books under these codes" in [header.value for header in test.header]
    assert {"PDF", "Excel", "Read the books", "Check this period"} <= set(labels(test))
    code = app.periods.report(app.periods.period(name)).vat[0].key
    behind = open_page("days", view="period", period=name, code=code)
    assert "Days in these figures" in [header.value for header in behind.header]
    app.days.check(day, "12")  # a closed branch
    branch_page = open_page("days", view="period", period=name, branch="12")
    assert "read_books" not in {button.key for button in branch_page.button}
    assert "for all branches only" in texts(branch_page)
    assert "Branch 12" in branch_page.selectbox[0].options
    assert "[Branch 12 · " in open_page("days", day=day.isoformat(), branch="12").markdown[0].value


def test_clearing_accounts_show_takings_under_way(booked_week: tuple[Application, date], open_page: Open) -> None:
    app, day = booked_week
    name = f"{day}..{day}"
    test = press(open_page("days", view="clearing", period=name), "read_clearing")
    assert not test.exception
    assert "No clearing account or no first day is set" in texts(test)
    report = app.days.check(day, "1")
    account = next(line.account for line in report.expected if line.method == "PIN")
    settings = {"payout_accounts": (account,), "clearing_from": day.isoformat()}
    app.flows.change("days", settings, make_actor("test"))
    try:
        test = press(open_page("days", view="clearing", period=name), "read_clearing")
        assert not test.exception
        headers = [header.value for header in test.header]
        assert f"Account {account} Pin onderweg" in headers
        assert {"Parts of the closing balance", "Payouts and fees", "Under way, oldest first"} <= set(headers)
        assert "Under way: " in texts(test)
        assert {"PDF", "Excel"} <= set(labels(test))
        assert "Check payouts" in labels(test)
        (chart,) = test.get("plotly_chart")
        axis = json.loads(chart.proto.spec)["layout"]["xaxis"]
        assert (axis["dtick"], axis["tickformat"]) == (86_400_000, "%-d %b")  # one label for each day
        clearing_report = app.clearing_accounts.report(app.periods.period(name))
        assert clearing_report is not None
        assert [account_report.account for account_report in clearing_report.accounts] == [account]
        checked = [app.days.check(day, branch) for branch in app.days.branches()]
        booked_rows = [
            row for day_report in checked for row in day_report.rows if (row.about, row.key) == ("account", account)
        ]
        assert clearing_report.accounts[0].takings == sum(row.books or 0 for row in booked_rows)
    finally:
        app.flows.change("days", {"payout_accounts": (), "clearing_from": None}, make_actor("test"))


def test_books_that_cannot_be_asked_say_so(booked_week: tuple[Application, date], open_page: Open) -> None:
    app, day = booked_week
    test = open_page("days", view="period", period=f"{day:%Y-%m}")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(app.access.connector("accountview"), "fetch", _raise_rejected)
        test = press(test, "read_books")
    assert not test.exception
    assert "transactions" in texts(test)


def _raise_rejected(*_: object) -> None:
    raise RejectedError("object_missing", system="accountview", object="transactions", kind="entry")


@pytest.mark.parametrize(
    "address",
    [
        {"view": "period", "period": "x..y", "branch": "'"}, {"view": "period", "period": "2100", "code": "<b>"},
        {"day": "2026-02-30"}, {"day": "2026-10-17", "branch": "'; DROP"}, {"day": "9999-12-31", "branch": "1"},
    ],
)  # fmt: skip
def test_an_address_of_nonsense_shows_a_page_all_the_same(
    connected_application: Application, open_page: Open, address: dict[str, str]
) -> None:
    del connected_application
    assert not open_page("days", **address).exception


def test_the_nightly_look_is_reported_by_kind_and_can_be_done_now(
    connected_application: Application, open_page: Open
) -> None:
    run = wait_for_run(
        connected_application,
        connected_application.runs.preview(PreviewRequest("products", make_actor("test"), Mode.COMPLETE)),
    )
    commit_run(connected_application, run)
    connected_application.flows.change("products", {"on": True, "schedule_minutes": 59}, make_actor("test"))
    test = press(open_page("days"), "look_again")
    assert not test.exception
    table_texts = [table.value.to_string() for table in test.table]
    assert any("Products: Product" in text for text in table_texts), table_texts
    connected_application.flows.change("products", {"on": False}, make_actor("test"))


@pytest.mark.long
@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_the_sheets_of_a_day_are_made_in_every_language(booked_week: tuple[Application, date], language: str) -> None:
    app, day = booked_week
    report = app.days.check(day, "1")
    strange = replace(report, branch_name="=1+1\u202e")
    for day_report in (report, strange):
        assert app.day_sheets.pdf(day_report, language, UTC).startswith(b"%PDF")
        assert app.day_sheets.excel(day_report, language, UTC).startswith(b"PK")


def test_gift_cards_are_shown_with_their_account_once_the_till_is_asked(
    booked_week: tuple[Application, date], open_page: Open
) -> None:
    del booked_week
    test = open_page("days")
    assert "80 · Cadeaubonnen" not in cells(test)
    test = press(test, "ask_gift_cards")
    assert not test.exception
    assert {"80 · Cadeaubonnen", "85 · Reparatiebonnen"} <= cells(test)
    assert any(cell.startswith("1560") for cell in cells(test))


def test_nothing_connected_is_no_trouble(fresh: Application, open_page: Open) -> None:
    del fresh
    test = open_page("days")
    assert not test.exception
    assert "Nothing is known of this month yet." in texts(test)
