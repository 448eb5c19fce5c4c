"""Days in a real browser: questions of the set-up, booking, check, and a difference that a person made."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from integration.application.application import Application
from integration.sandbox.server import Sandbox, running
from integration.services.daybooks.days import DayListed
from tests.browser.conftest import DONE, SETTLE, at_rest, button, commit, new_plan, picture
from tests.consoles import WHO
from tests.people import make_actor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

BRANCH = "1"
DAYS = 6  # that are booked, before the shop's present one
EVERY_MINUTES = 15
PROPOSED = re.compile(r"Accept \d+ suggestions")


@pytest.fixture(scope="module")
def systems() -> Iterator[Sandbox]:
    """Both systems of a small shop that has sold something."""
    with running(articles=60) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def application_with_days(second_application: Application, systems: Sandbox) -> Application:
    """The installation with the flow of days switched on and its set-up questions open."""
    second_application.setup.choose({"days": EVERY_MINUTES}, make_actor(WHO))
    since = systems.shop.today - timedelta(days=DAYS)
    debtor = str(systems.state("CONTACT")[0]["SUB_NR"])
    second_application.flows.change("days", {"date_from": since, "collective_debtor": debtor}, make_actor(WHO))
    return second_application


def test_days_are_set_up_booked_checked_and_a_difference_is_seen_by_its_name(
    connected_console: str, application_with_days: Application, systems: Sandbox, page: Page
) -> None:
    answer_questions(page, connected_console)

    new_plan(page, connected_console, "days")
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Waiting")
    expect(at_rest(page).get_by_role("columnheader", name="Debit").first).to_be_visible()
    expect(at_rest(page).get_by_role("columnheader", name="Credit").first).to_have_css("text-align", "right")
    button(page, "Receipts behind each line")
    dialog = at_rest(page).get_by_role("dialog")
    expect(dialog.get_by_text(re.compile(r"\d+\.\d+\.\d{4}\.\d+")).first).to_be_visible()
    picture(page, "days-1-behind-each-line")
    page.keyboard.press("Escape")
    commit(page, re.compile(r"Commit [\d,.]+ change"))
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(DONE)

    month = f"{systems.shop.today:%Y-%m}"
    page.goto(f"{connected_console}/days?month={month}", wait_until="commit")
    button(page, "Check this month")
    day = a_booked_day(application_with_days, systems)
    expect(at_rest(page).get_by_text("Equal").first).to_be_visible()
    picture(page, "days-2-month")

    number = day.pages[0].partition("/")[2]
    line = next(
        row for row in systems.state("DJ_LINE") if row["PAGE_NR"] == number and str(row["ACCT_NR"]).startswith("80")
    )
    other = "8040" if line["ACCT_NR"] != "8040" else "8010"
    systems.accountview.edit("DJ_LINE", str(line["REC_ID"]), {"ACCT_NR": other}, by="KARIN")
    page.goto(f"{connected_console}/days?day={day.date}&branch={BRANCH}", wait_until="commit")
    expect(at_rest(page).get_by_text("Both sides are equal, to the cent.")).to_be_visible()
    button(page, "Check now")
    changed = re.compile(rf"Page {day.pages[0]} line \d+: .*{line['ACCT_NR']} became {other}")
    expect(at_rest(page).get_by_text(changed)).to_be_visible()
    picture(page, "days-3-different")
    check_downloads(page, f"day-{day.date}-{BRANCH}", day.pages[0])

    button(page, "Open the exception")
    expect(page).to_have_url(re.compile(r"/exceptions\?cause="))
    expect(at_rest(page).get_by_text(day.date.isoformat()).first).to_be_attached()  # in a canvas
    expect(page.get_by_test_id("stException")).to_have_count(0)


def answer_questions(page: Page, address: str) -> None:
    """Accept the proposed answers, and type the VAT code of the books for code 3 of the till."""
    for _ in range(2):  # the lists of both systems are asked for behind the page that is the first to want them
        page.goto(f"{address}/setup?step=questions", wait_until="commit")
        expect(at_rest(page).get_by_role("button", name=PROPOSED)).to_be_visible()
        page.wait_for_timeout(SETTLE)
    button(page, PROPOSED)
    expect(at_rest(page).get_by_text("1 question open")).to_be_visible()
    at_rest(page).get_by_role("combobox", name=re.compile("^3 · ")).click()
    at_rest(page).get_by_role("option", name=re.compile("^3 ")).click()
    button(page, "Use this answer")
    expect(page.get_by_text("1 question open")).to_have_count(0)
    page.goto(f"{address}/setup?step=ready", wait_until="commit")
    expect(at_rest(page).get_by_text("Nothing that stops a flow is missing")).to_be_visible()


def a_booked_day(application: Application, systems: Sandbox) -> DayListed:
    """Return a day of the first branch that has turnover and is booked."""
    today = systems.shop.today
    days = application.days.listed(today - timedelta(days=DAYS), today, BRANCH)
    return next(day for day in days if day.pages)


def check_downloads(page: Page, name: str, number: str) -> None:
    """Download both sheets of the day on screen, and check their type."""
    with page.expect_download() as pdf:
        button(page, "PDF")
    assert pdf.value.suggested_filename == f"{name}.pdf"
    content = Path(pdf.value.path()).read_bytes()
    assert content.startswith(b"%PDF-")
    assert b"%%EOF" in content[-32:]
    with page.expect_download() as excel:
        button(page, "Excel")
    assert excel.value.suggested_filename == f"{name}.xlsx"
    with ZipFile(excel.value.path()) as book:
        assert book.testzip() is None
        assert number in book.read("xl/sharedStrings.xml").decode()
