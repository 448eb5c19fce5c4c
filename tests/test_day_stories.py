"""Days between a till and its books: one story per test, on the whole application and both systems.

All stories share one shop, of which the last days are booked and proven before the first of them. Each has days of
its own, of those that are booked or of those before, and speaks of nothing else.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from typing import Any

import pytest

from integration.core.days.report import DayReport, DayState
from integration.core.errors import RejectedError
from integration.core.issues import IssueState
from integration.core.missing_codes import missing_codes_in
from integration.core.money import CENT
from integration.core.plan import Approval
from integration.core.run import Run
from integration.core.states import RunState, Step
from integration.sandbox.mplus.seed.days import BUSY
from integration.services.daybooks.days import DIFFERS
from tests.consoles import WHO, Console, open_application, wait_for_run
from tests.people import make_actor
from tests.stores import stores_in

FLOW = "days"
ALL = BUSY + 3  # days before the shop's present one, with each that is special
FEW = 10  # enough for the stories, of which most look at one day
BRANCH = "1"
DEBTOR, DOWN_PAYMENTS = "20001", "1575"
CHANGED = "day_changed_after_booking"
NIGHTS = 3
BLOCKED = ("ledger_blocked", "ledger_account_unusable")  # known before, or told by the books: lists are kept a minute


@dataclass
class Shop:
    """One operator at one console, and the days that no story has taken yet."""

    console: Console
    runs: list[Run]
    reports: list[DayReport]
    booked: list[DayReport]
    before: date  # the first of the days that are booked

    def take(self, condition: Callable[[DayReport], bool] = lambda _: True) -> DayReport:
        """Return a booked day that is like this, and that no other story has."""
        day = next(report for report in self.booked if condition(report))
        self.booked.remove(day)
        return day

    def not_booked(self, condition: Callable[[DayReport], bool] = lambda _: True) -> DayReport:
        """Return a closed day like this that nobody has booked yet, and that no other story has."""
        while True:
            self.before -= timedelta(days=1)
            day = self.console.application.days.check(self.before, BRANCH)
            if day.state is DayState.CLOSED and day.expected and condition(day):
                return day

    def run(self, *keys: str) -> Run:
        """Preview and commit days."""
        return self.console.run(FLOW, *keys)

    def check(self, day: DayReport) -> DayReport:
        """Check a day now, and return its report."""
        return self.console.application.days.check(day.date, day.branch)

    def is_equal(self, day: DayReport) -> bool:
        """Return True if a day has equal figures in both systems and no finding."""
        now = self.check(day)
        return now.state is DayState.EQUAL and not now.findings and not any(row.difference for row in now.rows)

    def line(self, run: Run, key: str) -> Any:
        """Return the line of a plan about a day."""
        return self.console.lines(run)[key]

    def issue_states(self, day: DayReport) -> dict[str, IssueState]:
        """Return the states of the issues of a day, by cause."""
        issues = stores_in(self.console.application).issues.of_key(FLOW, day.key)
        return {open_issue.issue.cause: open_issue.state for open_issue in issues}

    def pages(self, day: DayReport) -> list[dict[str, Any]]:
        """Return the pages of the books with a reference of ours for a day."""
        ours = f"MZ{day.date.year - 2020}{day.date:%m%d}{int(day.branch):03}"
        rows = [row for row in self.console.rows("DJ_PAGE") if str(row.get("INV_NR", "")).startswith(ours)]
        return sorted(rows, key=lambda row: str(row["INV_NR"]))


def number(day: DayReport) -> str:
    """Return the number of the page of a day, without its daybook."""
    return day.pages[0].number.partition("/")[2]


def named_findings(report: DayReport) -> list[tuple[str, Mapping[str, str]]]:
    return [(finding.code, finding.facts) for finding in report.findings]


@pytest.fixture(scope="module")
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop as the set-up proposes it, with its last days booked."""
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        application.setup.choose({FLOW: 5}, make_actor(WHO))
        application.setup.accept(make_actor(WHO))
        console = Console(application)
        since = console.sandbox.shop.today - timedelta(days=getattr(request, "param", FEW))
        application.flows.change(FLOW, {"date_from": since}, make_actor(WHO))
        runs = [console.run(FLOW)]
        answers = {"collective_debtor": DEBTOR, "down_payments_account": DOWN_PAYMENTS, "date_from": None}
        application.flows.change(FLOW, answers, make_actor(WHO))
        causes = ("day_debtor_missing", "day_down_payments_off")  # of the questions that are answered now
        runs.append(console.run(FLOW, *(key for cause in causes for key in application.exceptions.keys(FLOW, cause))))
        reports = application.days.check_span(since, console.sandbox.shop.today)
        booked = [report for report in reports if report.pages and report.branch == BRANCH]
        yield Shop(console, runs, reports, booked, since)


@contextmanager
def convention(shop: Shop, system: str, question: str, value: object, before: object) -> Iterator[None]:
    """Change one convention of a system inside the block."""
    sandbox_system: Any = shop.console.sandbox.find_system(system)
    sandbox_system.edit("conventions", question, {"value": value})
    try:
        yield
    finally:
        sandbox_system.edit("conventions", question, {"value": before})


# ---- booked


@pytest.mark.long
@pytest.mark.parametrize("shop", [ALL], indirect=True)
def test_what_the_set_up_proposes_books_every_closed_day_once_and_equal(shop: Shop) -> None:
    first, second = shop.runs
    assert (first.counts.proven > 60, first.counts.difference, first.counts.in_doubt) == (True, 0, 0)
    # Not booked: a day with an invoice that nobody has booked, and the last one of the shop, which its tills have not
    # closed; that waits, or is parked once it is over by the clock of this machine.
    parked_reports = [report for report in shop.reports if report.cause in {"day_document_apart", "day_not_closed"}]
    assert (second.counts.proven, second.counts.difference) == (first.counts.parked - len(parked_reports), 0)
    booked = [report for report in shop.reports if report.pages]
    assert len(booked) == first.counts.proven + second.counts.proven
    assert [report.key for report in booked if report.state is not DayState.EQUAL or report.findings] == []
    rows = [row for report in booked for row in report.rows]
    assert {row.about for row in rows} == {"base", "vat", "account", "method"}
    assert [row for row in rows if row.difference or row.till is None or row.books is None] == []
    others = {report.state for report in shop.reports if not report.pages and report not in parked_reports}
    assert others <= {DayState.EMPTY, DayState.WAITING, DayState.OPEN}


def test_a_second_run_of_booked_days_writes_nothing(shop: Shop) -> None:
    days = [report.key for report in islice((report for report in shop.booked if shop.is_equal(report)), 3)]
    before = shop.console.writes()
    run = shop.run(*days)
    assert (run.counts.unchanged, run.counts.planned, shop.console.writes()) == (3, 0, before)


# ---- somebody in the books


def test_a_page_that_was_deleted_is_named_and_not_booked_again_by_itself(shop: Shop) -> None:
    day = shop.take()
    shop.console.sandbox.accountview.remove("DJ_PAGE", number(day))
    now = shop.check(day)
    facts = {"page": day.pages[0].number, "reference": day.pages[0].reference}
    assert (now.state, named_findings(now)) == (DayState.DIFFERENT, [("page_gone", facts)])
    assert [page.is_there for page in now.pages] == [False]
    assert {row.books for row in now.comparisons("account")} == {Decimal(0)}
    assert shop.issue_states(day) == {DIFFERS: IssueState.OPEN}
    before = shop.console.writes()
    shop.run(day.key)
    assert (shop.console.writes(), shop.pages(day)) == (before, [])


def test_a_receipt_booked_once_more_by_hand_is_named_with_its_page(shop: Shop) -> None:
    day = shop.take(
        lambda report: any(receipts_of(shop, report)) and any(line.account == "1010" for line in report.expected)
    )
    receipt = next(receipts_of(shop, day))
    amount = Decimal(receipt["totalInclAmount"]) / 100
    page = {"DJ_CODE": "600", "TRN_DATE": f"{day.date}T00:00:00", "HDR_DESC": f"bon {receipt_name(receipt)}"}
    revenue = next(line.account for line in day.pages[0].lines if line.account.startswith("80"))
    lines = [{"ACCT_NR": revenue, "AMOUNT": f"{-amount}"}, {"ACCT_NR": "1010", "AMOUNT": f"{amount}"}]
    shop.console.sandbox.accountview.book(page, lines, by="KARIN")
    theirs = shop.console.rows("DJ_PAGE", HDR_DESC=page["HDR_DESC"])[0]["PAGE_NR"]
    now = shop.check(day)
    facts = {"page": f"600/{theirs}", "document": receipt_name(receipt), "by": "KARIN", "amount": f"{amount:.2f}"}
    facts["date"] = day.date.isoformat()
    assert (now.state, named_findings(now)) == (DayState.DIFFERENT, [("page_by_hand", facts)])
    assert not any(row.difference for row in now.rows)
    shop.console.sandbox.accountview.remove("DJ_PAGE", theirs)
    assert shop.is_equal(day)


def receipts_of(shop: Shop, day: DayReport) -> Iterator[dict[str, Any]]:
    """Yield the receipts of a day that were paid for by card alone."""
    on = {"day": day.date.day, "mon": day.date.month, "year": day.date.year}
    for receipt in shop.console.sandbox.state("receipts", "mplus"):
        paid = [payment["method"] for payment in receipt["paymentList"]["payment"]]
        is_here = receipt["financialDate"] == on and str(receipt["financialBranchNumber"]) == day.branch
        if is_here and paid == ["PIN"] and receipt["totalInclAmount"] > 0:
            yield receipt


def receipt_name(receipt: Mapping[str, Any]) -> str:
    receipt_number = receipt["receiptNumber"]
    return ".".join(str(receipt_number[name]) for name in ("branchNumber", "workplaceNumber", "year", "number"))


# ---- somebody at the till


def test_a_late_receipt_is_a_question_and_is_booked_once_as_a_person_says(shop: Shop) -> None:
    day = shop.take()
    shop.console.sandbox.till.late_receipt(day.date.isoformat(), int(day.branch))
    late = receipt_name(shop.console.sandbox.state("receipts", "mplus")[-1])
    now = shop.check(day)
    assert (now.state, named_findings(now)) == (
        DayState.DIFFERENT,
        [("document_late", {"document": late, "amount": "18.15"})],
    )
    off = {row.key: row.difference for row in now.comparisons("account") if row.difference}
    assert off == {"1010": Decimal("-18.15"), "8030": Decimal("15.00"), "1500": Decimal("3.15")}

    before = shop.console.writes()
    parked_line = shop.line(shop.run(day.key), day.key)
    assert (parked_line.step, parked_line.cause, parked_line.facts["behind"]) == (Step.PARKED, CHANGED, late)
    assert shop.console.writes() == before
    decide(shop, day, "difference")
    booked = shop.run(day.key)
    assert booked.counts.proven == 1
    first, more = shop.pages(day)
    assert (first["INV_NR"][-2:], more["INV_NR"][-2:]) == ("00", "01")
    lines = {row["ACCT_NR"]: Decimal(row["AMOUNT"]) for row in shop.console.rows("DJ_LINE", PAGE_NR=more["PAGE_NR"])}
    assert lines == {"8030": Decimal("-15.00"), "1010": Decimal("18.15")}
    assert shop.is_equal(day)
    assert set(shop.issue_states(day).values()) == {IssueState.CLOSED}
    before = shop.console.writes()
    assert (shop.run(day.key).counts.unchanged, shop.console.writes()) == (1, before)


def decide(shop: Shop, day: DayReport, option: str) -> None:
    """Answer the question that a day is, as a person does."""
    application = shop.console.application
    issues = [
        open_issue
        for open_issue in stores_in(application).issues.list(FLOW, CHANGED)
        if open_issue.issue.key == day.key
    ]
    assert len(issues) == 1
    application.exceptions.decide(FLOW, issues, option, make_actor(WHO))


def test_a_drawer_counted_anew_is_a_difference_until_its_correction_is_booked(shop: Shop) -> None:
    day = shop.take(lambda report: any(count.difference for count in report.counts))
    count = next(drawer_count for drawer_count in day.counts if drawer_count.difference)
    cents = int((count.counted_amount - count.difference) * 100)
    shop.console.sandbox.till.edit("counts", f"{day.branch}/{count.workplace}/{count.number}", {"counted": cents})
    now = shop.check(day)
    differences = {(code, facts["account"], facts["difference"]) for code, facts in named_findings(now)}
    off = {"4400": f"{count.difference}", "1000": f"{-count.difference}"}
    assert (now.state, differences) == (DayState.DIFFERENT, {("till_changed", *item) for item in off.items()})
    assert f"Kasverschil kassa {count.workplace}" in {facts["text"] for _, facts in named_findings(now)}
    assert shop.line(shop.run(day.key), day.key).cause == CHANGED
    decide(shop, day, "difference")
    assert shop.run(day.key).counts.proven == 1
    assert shop.is_equal(day)


# ---- days that are not booked yet


@pytest.mark.long
def test_a_day_typed_on_the_next_one_in_another_daybook_after_the_plan_is_asked_about_and_not_doubled(
    shop: Shop,
) -> None:
    day, console = shop.not_booked(lambda report: any(line.account == "1010" for line in report.expected)), shop.console
    paid = sum((line.amount for line in day.expected if line.account == "1010"), Decimal(0))
    page = {"DJ_CODE": "100", "TRN_DATE": f"{day.date + timedelta(days=1)}T00:00:00", "HDR_DESC": "dag van gisteren"}
    lines = [{"ACCT_NR": "8010", "AMOUNT": f"{paid}"}, {"ACCT_NR": "1010", "AMOUNT": f"{-paid}"}]  # of cash: turned
    console.application.flows.change(FLOW, {"days_around": 1}, make_actor(WHO))
    planned = console.preview(FLOW, day.key)
    assert console.lines(planned)[day.key].step is not Step.PARKED
    console.sandbox.accountview.book(page, lines, by="KARIN")
    theirs = console.rows("DJ_PAGE", HDR_DESC=page["HDR_DESC"])[0]["PAGE_NR"]
    before = console.writes()
    for run in (console.commit(planned), shop.run(day.key)):  # right before it is sent, and when it is planned
        line = shop.line(run, day.key)
        assert (line.step, line.cause, line.facts["page"]) == (Step.PARKED, "day_booked_by_hand", f"100/{theirs}")
    assert shop.check(day).state is DayState.PARKED
    assert (console.writes(), shop.pages(day)) == (before, [])
    console.sandbox.accountview.remove("DJ_PAGE", theirs)
    assert shop.run(day.key).counts.proven == 1
    assert shop.is_equal(day)
    console.application.flows.change(FLOW, {"days_around": 0}, make_actor(WHO))


def test_a_page_that_is_not_posted_for_some_nights_is_no_difference(shop: Shop) -> None:
    day = shop.not_booked()
    with convention(shop, "accountview", "posting", "by hand", "at once"):
        assert shop.run(day.key).counts.proven == 1
        for _ in range(NIGHTS):
            now = shop.check(day)
            assert (now.state, named_findings(now)) == (
                DayState.NOT_POSTED,
                [("not_posted", {"page": now.pages[0].number})],
            )
            assert not any(row.difference for row in now.rows)
        assert shop.issue_states(day) == {}
        shop.console.sandbox.accountview.post()
    assert shop.is_equal(day)


def test_a_till_without_its_financial_journal_books_nothing(shop: Shop) -> None:
    day = shop.not_booked()
    before = shop.console.writes()
    with convention(shop, "mplus", "unknown_operations", ["getFinancialJournal"], []):
        run = shop.console.preview(FLOW, day.key)
        assert (run.state, run.error, run.facts["operation"]) == (
            RunState.FAILED, "operation_unknown", "getFinancialJournal",
        )  # fmt: skip
        with pytest.raises(RejectedError, match="operation_unknown"):
            shop.check(day)
    assert shop.console.writes() == before
    assert shop.run(day.key).counts.proven == 1
    assert shop.is_equal(day)


@pytest.mark.long
def test_what_goods_were_bought_for_is_booked_with_days_only_where_and_since_a_person_wants_it(shop: Shop) -> None:
    plain, day, before = shop.not_booked(), shop.not_booked(), shop.take(shop.is_equal)
    shop.run(plain.key)
    till, article = shop.console.sandbox.till, shop.console.sandbox.state("products", "mplus")[0]["articleList"][0]
    till.edit("articles", str(article["articleNumber"]), {"purchasePrice": 1205})
    for report in (plain, day):
        sale = {
            "receiptNumber": {"branchNumber": 1, "workplaceNumber": 1, "year": report.date.year, "number": 9100},
            "financialDate": report.date.isoformat(), "entryTimestamp": f"{report.date}T11:30:00", "workplaceNumber": 1,
            "lineList": {"line": [{"articleNumber": article["articleNumber"], "text": "Bel", "data": {
                "quantity": 3, "price": 2420, "turnoverGroup": 10, "vatCode": 2}}]},
            "paymentList": {"payment": [{"method": "PIN", "amount": 7260}]},
        }  # fmt: skip
        till.add("receipts", sale)
    off = shop.check(day)
    change = shop.console.application.flows.change
    change(FLOW, {"cost_of_sales": True}, make_actor(WHO))
    try:
        parked = shop.line(shop.run(day.key), day.key)
        code, *_ = missing_codes_in(parked.facts)
        assert (code.cause, code.facts["account"]) == ("day_cost_account_missing", "7000")  # nobody agreed to it
        change(FLOW, {"till_accounts": True}, make_actor(WHO))
        assert shop.run(day.key).counts.proven == 1
        goods = [(line.account, line.amount) for line in shop.check(day).expected if line not in off.expected]
        assert goods == [("3000", Decimal("-36.15")), ("7000", Decimal("36.15"))]
        now, (page,) = shop.check(day), shop.pages(day)
        assert (now.state, now.findings, [note.code for note in now.notes]) == (
            DayState.EQUAL,
            (),
            ["groups_without_cost"],
        )
        posted = {row["ACCT_NR"]: row["AMOUNT"] for row in shop.console.rows("DJ_LINE", PAGE_NR=page["PAGE_NR"])}
        assert (Decimal(posted["3000"]), Decimal(posted["7000"])) == (Decimal("-36.15"), Decimal("36.15"))
        assert sum((line.gross_amount for line in now.expected), Decimal(0)) == 0
        assert shop.is_equal(before)  # booked without, and stays so
        late = shop.check(plain)
        assert "7000" not in {line.account for line in late.expected}
        change(FLOW, {"cost_of_sales": False}, make_actor(WHO))
        assert shop.check(day).state is DayState.EQUAL  # booked with it, and stays so
    finally:
        change(FLOW, {"cost_of_sales": False, "till_accounts": False}, make_actor(WHO))


def test_a_blocked_account_parks_the_whole_day_and_is_named(shop: Shop) -> None:
    day = shop.not_booked()
    line = next(expected_line for expected_line in day.expected if expected_line.account.startswith("80"))
    shop.console.sandbox.accountview.edit("LEDGER", line.account, {"REC_BLK": True})
    try:
        parked = shop.line(shop.run(day.key), day.key)
        assert (parked.step, parked.facts["account"]) == (Step.PARKED, line.account)
        assert parked.cause in BLOCKED
        assert shop.pages(day) == []
    finally:
        shop.console.sandbox.accountview.edit("LEDGER", line.account, {"REC_BLK": False})
    assert shop.run(day.key).counts.proven == 1
    assert shop.is_equal(day)


def test_books_that_compute_vat_stop_the_run_after_the_first_page(shop: Shop) -> None:
    days = sorted((shop.not_booked(is_off_when_computed) for _ in range(3)), key=lambda day: day.key)
    with convention(shop, "accountview", "vat_amounts", "computed", "kept"):
        run = shop.console.preview(FLOW, *(day.key for day in days))
        result = commit_plan(shop, run)
    assert (result.state, result.error) == (RunState.INTERRUPTED, "deviation_stops")
    assert (result.counts.parked, result.counts.planned) == (1, len(days) - 1)
    first = days[0]
    assert [len(shop.pages(day)) for day in days] == [1, 0, 0]
    assert shop.issue_states(first) == {"read_back_differs": IssueState.OPEN}
    application = shop.console.application
    assert [report.state for report in application.days.listed(first.date, first.date, BRANCH)] == [DayState.PARKED]

    (page,) = shop.pages(first)
    for line, expected_line in zip(shop.console.rows("DJ_LINE", PAGE_NR=page["PAGE_NR"]), first.expected, strict=True):
        shop.console.sandbox.accountview.edit("DJ_LINE", line["REC_ID"], {"VAT_AMT": f"{expected_line.vat}"})
    application.runs.resume(run.id, make_actor(WHO))
    assert wait_for_run(application, run.id).state is RunState.DONE
    assert shop.run(first.key).counts.unchanged == 1
    assert shop.issue_states(first) == {"read_back_differs": IssueState.CLOSED}
    assert [day.key for day in days if not shop.is_equal(day)] == []
    assert [row["PAGE_NR"] for row in shop.pages(first)] == [page["PAGE_NR"]]


def is_off_when_computed(day: DayReport) -> bool:
    """Return True if the VAT of an expected line differs from its amount times the rate, as VAT per receipt can."""
    rates = {"1": Decimal("0.21"), "2": Decimal("0.09")}
    return any(
        line.vat != (line.amount * rates[line.vat_code]).quantize(CENT, ROUND_HALF_UP)
        for line in day.expected
        if line.vat_code in rates
    )


def commit_plan(shop: Shop, run: Run) -> Run:
    """Commit a plan, and return the run once it is no longer active."""
    application = shop.console.application
    confirmed = {brake.code: brake.count for brake in run.brakes}
    application.runs.commit(run.id, Approval(run.fingerprint, WHO, confirmed=confirmed))
    return wait_for_run(application, run.id)
