"""A worked month of three branches: every figure of its period beside a second opinion, on screen and in Excel."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from integration.core.days.period import Period, date_range
from integration.core.days.report import DayState
from integration.core.days.vat_return import VatBox
from integration.services.daybooks.periods import Origin, PeriodReport
from tests.clocks import ShiftedClock, now
from tests.consoles import WHO, Console, open_application
from tests.people import make_actor
from tests.stores import stores_in
from tests.worked_month import (
    OSS,
    Place,
    Row,
    Sums,
    books_vat,
    cents,
    clearing,
    day_of,
    lines_of,
    our_place,
    place_of,
    till_turnover,
    till_vat,
    worksheets,
)

pytestmark = pytest.mark.long

DAYS = 30
MORNING = date(2026, 12, 1)
CARDS, WINDOW = "1010", 10
OPENING = [{"ACCT_NR": CARDS, "AMOUNT": "-1250.00", "TRN_DESC": "Begin"}]  # a debit in the daybook of the bank
FLOW = "days"
HIGH, LOW, ZERO, GIFT_CARD = 2, 1, 3, 80
OTHERS = (("8030", "100", "1", "21"), ("8040", "-50", "2", "-4.5"))  # of a page typed in the books: credit is positive


@dataclass
class Month:
    """A booked month with late documents, two undone days, a deleted page, and pages of others."""

    console: Console
    period: Period
    germans: frozenset[int]
    undone: tuple[Place, ...]
    deleted_page: Place  # the day whose page somebody deleted

    def report(self, branch: str = "") -> PeriodReport:
        return self.console.application.periods.report(self.period, branch)

    def documents(self) -> list[Row]:
        """Return the receipts and invoices of the period at the till as they are now."""
        sandbox = self.console.sandbox
        rows = [*sandbox.state("receipts", "mplus"), *sandbox.state("invoices", "mplus")]
        return [row for row in rows if self.period.first <= day_of(row["financialDate"]) <= self.period.last]

    def documents_with_figures(self) -> list[Row]:
        """Return the documents of days with figures."""
        excluded = {(day.date, int(day.branch)) for day in self.report().without_figures}
        return [document for document in self.documents() if tuple(place_of(document)) not in excluded]

    def ledger(self) -> list[Row]:
        """Return the rows of the ledger in the period."""
        rows: list[Row] = list(self.console.rows("TRANSACT"))
        return [row for row in rows if f"{self.period.first}" <= str(row["TRN_DATE"])[:10] <= f"{self.period.last}"]

    def pages(self) -> list[Row]:
        return list(self.console.rows("DJ_PAGE"))


def sell(console: Console, place: Place, lines: list[tuple[int, int, int]], **more: Any) -> None:
    """Enter a receipt with turnover group, VAT code and price in cents per line; paid by PIN by default."""
    paid = more.pop("paid", {"PIN": sum(price for _, _, price in lines)})
    data = [{"quantity": 1, "price": price, "turnoverGroup": group, "vatCode": code} for group, code, price in lines]
    receipt = {
        "financialDate": place.day.isoformat(), "entryTimestamp": f"{place.day}T12:00:00", "workplaceNumber": 1,
        "financialBranchNumber": place.branch,
        "lineList": {"line": [{"articleNumber": 0, "text": "Iets", "data": line_data} for line_data in data]},
        "paymentList": {"payment": [{"method": method, "amount": amount} for method, amount in paid.items()]}, **more,
    }  # fmt: skip
    console.sandbox.till.add("receipts", receipt)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    """The month: sales of the sample shop with their missing settings added, booked once."""
    # Amounts of other days may be within a fee of each other by chance, and no matching is sure then.
    clock = ShiftedClock()
    clock.pass_days((MORNING - now().date()).days)
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True, machine=clock) as application:
        console = Console(application)
        books, today = console.sandbox.accountview, console.sandbox.shop.today
        oss = {"VAT_CODE": OSS, "VAT_NAME": "OSS Duitsland", "VAT_PCT": "21", "VAT_TYPE": "1", "CALC_TYPE": "1"}
        books.add("VAT", {**oss, "VAT_ACCT": "1530", "FRM_CODE": "9A", "IS_REVERSE": False})
        application.setup.choose({FLOW: 5}, make_actor(WHO))
        application.setup.accept(make_actor(WHO))
        rules = stores_in(application).rules
        rules.add_rows({"vat_codes_sales": {"3": "3", "DE:2:no": OSS}, "day_accounts": {"30/3": "8300"}}, WHO)
        period = date_range(today - timedelta(days=DAYS), today - timedelta(days=1))
        german = int(console.till_client.customer("Herr Schmidt", "schmidt@example.de", country="DE"))
        first, second = (period.first + timedelta(days=number) for number in (3, 4))
        sell(console, Place(first, 1), [(20, HIGH, 9999)], relationNumber=german)
        sell(console, Place(first, 2), [(30, ZERO, 5500), (10, HIGH, 74999), (40, HIGH, 1001)])
        sell(console, Place(first, 3), [(GIFT_CARD, 4, 5000), (70, LOW, 1995)])
        sell(console, Place(second, 3), [(70, LOW, 3995), (40, HIGH, 2495)], paid={"GIFTCARD": 3500, "PIN": 2990})
        settings = {"date_from": period.first, "collective_debtor": "20001", "down_payments_account": "1575"}
        settings |= {"payout_accounts": (CARDS,), "balance_accounts": ("1560",), "clearing_from": period.first}
        application.flows.change(FLOW, settings, make_actor(WHO))
        undone = (Place(first, 2), Place(second, 3))
        runs = [console.run(FLOW, f"{place.day}/{place.branch}") for place in undone]
        assert [run.counts.proven for run in runs] == [1, 1]
        console.run(FLOW)
        for run in runs:
            assert console.commit(console.undo(run)).counts.proven == 1
        booked = {our_place(page) for page in console.rows("DJ_PAGE")}
        late = [place for place in sorted(filter(None, booked)) if place.day > second][:2]
        lost_place = max(place for place in filter(None, booked) if place not in late)
        for place in late:
            console.sandbox.till.late_receipt(place.day.isoformat(), place.branch)
        page = next(row for row in console.rows("DJ_PAGE") if our_place(row) == lost_place)
        books.remove("DJ_PAGE", str(page["PAGE_NR"]))
        header = {"DJ_CODE": "700", "HDR_DESC": "Met de hand", "TRN_DATE": f"{second}T00:00:00", "SUB_NR": "20002"}
        lines = [
            {"ACCT_NR": account, "AMOUNT": amount, "VAT_CODE": code, "VAT_AMT": vat, "TRN_DESC": "Met de hand"}
            for account, amount, code, vat in OTHERS
        ]
        books.book(header, lines, by="KARIN")
        books.book({"DJ_CODE": "200", "HDR_DESC": "Begin", "TRN_DATE": f"{period.first}T00:00:00"}, OPENING, by="KARIN")
        application.days.check_span(period.first, period.last)
        application.periods.read_books(period)
        yield Month(console, period, frozenset({german}), undone, lost_place)


def amounts(report: PeriodReport, side: str) -> dict[str, Sums]:
    """Return the figures of VAT of one side in cents, without those that are zero."""
    totals: dict[str, Sums] = {}
    for figure in report.vat:
        amount = to_cents(getattr(figure, side))
        moved = (amount, 0) if figure.about == "base" else (0, amount)
        totals[figure.key] = totals.get(figure.key, Sums()).plus(*moved)
    return {code: sums for code, sums in totals.items() if any(sums)}


def to_cents(amount: Decimal | None) -> int:
    assert amount is not None
    assert amount * 100 == int(amount * 100)
    return int(amount * 100)


def test_the_month_has_everything_that_it_should(month: Month) -> None:
    sold = month.documents()
    codes = {line["vatCode"] for document in sold for line in lines_of(document)}
    assert {HIGH, LOW, ZERO} <= codes
    assert {place_of(document).branch for document in sold} >= {1, 2, 3}
    assert len({place_of(document).day for document in sold}) == DAYS
    assert any(row["ACCT_NR"] == "4400" for row in month.ledger())  # a difference of a drawer
    assert any(row["ACCT_NR"] == "1560" and cents(row["AMOUNT"]) > 0 for row in month.ledger())  # a card redeemed
    assert {day.state for day in month.report().days} >= {DayState.EQUAL, DayState.DIFFERENT, DayState.PARKED}


def test_every_figure_of_vat_is_that_of_the_second_opinion(month: Month) -> None:
    report = month.report()
    till, books = till_vat(month.documents_with_figures(), month.germans), books_vat(month.ledger(), month.pages())
    assert amounts(report, "till") == till
    assert amounts(report, "books") == {code: sums for code, sums in books["days"].items() if any(sums)}
    off = {figure.key: figure.difference for figure in report.vat if figure.about == "vat" and figure.difference}
    assert {code: to_cents(amount) for code, amount in off.items()} == {
        code: books["days"].get(code, Sums()).vat - till[code].vat
        for code in till
        if books["days"].get(code, Sums()).vat != till[code].vat
    }
    assert set(off) >= {"1"}
    lost = {(day.date, int(day.branch)) for day in report.different}
    assert {*map(tuple, month.undone), tuple(month.deleted_page)} <= lost
    assert len(lost) == 5  # and the two days with a late receipt


def test_the_return_agrees_with_the_ledger(month: Month) -> None:
    report, books = month.report(), books_vat(month.ledger(), month.pages())
    assert report.books is not None
    of_foreign = {code: report.books.origin_sum(Origin.FOREIGN, code) for code in report.books.codes()}
    foreign_totals = {
        code: Sums(to_cents(figure.excl), to_cents(figure.vat)) for code, figure in of_foreign.items() if figure
    }
    assert foreign_totals == books["foreign"]
    assert {"700"} == {row.page.partition("/")[0] for row in report.books.foreign}
    whole = {
        code: Sums(*(sum(part) for part in zip(*(books[of].get(code, Sums()) for of in books), strict=True)))
        for code in {*books["days"], *books["foreign"]}
    }
    lines = {line.box: line for line in report.lines}
    assert set(lines) == {VatBox.NL_1A, VatBox.NL_1B, VatBox.NL_3A, VatBox.OSS}
    for box, code in ((VatBox.NL_1A, "1"), (VatBox.NL_1B, "2"), (VatBox.NL_3A, "3"), (VatBox.OSS, OSS)):
        line = lines[box].books
        assert line is not None
        assert Sums(to_cents(line.base), to_cents(line.vat)) == whole[code]
    output_vat, input_ = report.totals(of_books=True)
    assert (to_cents(output_vat), to_cents(input_)) == (whole["1"].vat + whole["2"].vat, 0)
    (oss,) = report.oss()
    assert oss[:2] == ("DE", OSS)


def test_turnover_is_that_of_the_second_opinion_in_every_branch(month: Month) -> None:
    documents = month.documents_with_figures()
    for branch in ("", "1", "2", "3"):
        turnover = {
            (int(row.branch), int(row.group), row.account): to_cents(row.amount)
            for row in month.report(branch).turnover
        }
        branch_documents = [
            document for document in documents if branch in ("", str(document["financialBranchNumber"]))
        ]
        assert {key: amount for key, amount in turnover.items() if amount} == till_turnover(
            branch_documents, month.germans
        )


def test_the_excel_file_has_the_same_figures(month: Month) -> None:
    content = month.console.application.period_sheets.excel(month.report(), "en", UTC)
    sheets = worksheets(io.BytesIO(content))
    first = next(iter(sheets.values()))
    till, books = till_vat(month.documents_with_figures(), month.germans), books_vat(month.ledger(), month.pages())
    rows = {str(row[0]): row[1:] for row in first if row}
    for code, sums in till.items():
        for name, about in ((": taxable amount", "base"), (": VAT", "vat")):
            (row,) = (cells for text, cells in rows.items() if text.startswith(f"{code} ·") and text.endswith(name))
            books_amount = getattr(books["days"].get(code, Sums()), about)
            till_amount = getattr(sums, about)
            assert [round(float(cell) * 100) for cell in row[:3]] == [
                till_amount,
                books_amount,
                books_amount - till_amount,
            ], (code, about)
    turnover = till_turnover(month.documents_with_figures(), month.germans)
    (table,) = (cells for name, cells in sheets.items() if name.startswith("Turnover by branch, group"))
    assert round(float(table[-1][3]) * 100) == sum(turnover.values())
    assert sorted(round(float(row[3]) * 100) for row in table[1:-1] if row[3]) == sorted(turnover.values())
    boxes = {str(row[0])[:2]: row for row in sheets["VAT return"][1:]}
    of_books = {code: books["days"].get(code, Sums()).vat + books["foreign"].get(code, Sums()).vat for code in "12"}
    assert round(float(boxes["1a"][5]) * 100) == of_books["1"]
    assert round(float(boxes["5a"][5]) * 100) == sum(of_books.values())


@pytest.mark.parametrize("language", ["nl", "de"])
def test_the_period_is_printed(month: Month, language: str) -> None:
    assert month.console.application.period_sheets.pdf(month.report(), language, UTC).startswith(b"%PDF")


def test_the_days_behind_a_figure_add_up_to_it(month: Month) -> None:
    for figure in month.report().vat:
        figures = [(day, row) for day in figure.days if (row := day.figure(figure.about, figure.key)) is not None]
        assert len(figures) == len(figure.days)
        assert sum((row.till or Decimal(0) for _, row in figures), Decimal(0)) == figure.till
        assert sum((row.books or Decimal(0) for _, row in figures), Decimal(0)) == figure.books
        assert all(day.documents.get(figure.key) for day, row in figures if row.till)


def test_a_year_before_and_other_periods_have_no_figures_of_this_one(month: Month) -> None:
    periods = month.console.application.periods
    report = periods.report(date_range(date(2025, 1, 1), date(2025, 1, 31)))
    assert (report.days, report.vat, report.turnover, report.is_equal) == ((), (), (), False)
    new_report = periods.report(month.period, a_year_before=True)
    assert {row.before for row in new_report.turnover} == {Decimal(0)}


# ---- clearing accounts


def test_every_figure_of_a_clearing_account_is_that_of_the_second_opinion(month: Month) -> None:
    result = month.console.application.clearing_accounts.read(month.period)
    (account, cards_sold), expected = (
        result.accounts,
        clearing(month.ledger(), month.pages(), CARDS, month.period.first, WINDOW),
    )
    match = account.match
    assert match is not None
    assert to_cents(account.opening) == expected.opening == 125_000
    assert to_cents(account.closing) == to_cents(match.balance) == expected.closing
    by_day: dict[date, list[int]] = {}
    for place, amount in expected.takings.items():
        by_day.setdefault(place.day, [0, 0])[0] += amount
    for payout in expected.payouts:
        by_day.setdefault(payout.day, [0, 0])[1] += payout.amount
    assert {day.date: [to_cents(day.takings), to_cents(day.payouts)] for day in account.days} == by_day
    assert {settled.payouts[0].page: to_cents(settled.fee) for settled in match.settlements} == expected.settled
    assert {
        Place(taking.date, int(taking.branch)): to_cents(taking.amount) for taking in match.unpaid_takings
    } == expected.under_way
    assert sorted((payout.date, payout.page, to_cents(payout.amount)) for payout in match.unmatched) == [
        payout[:3] for payout in expected.unmatched
    ]
    assert (to_cents(match.unbooked_fees), to_cents(match.opening_rest)) == (expected.open_fees, expected.opening_left)
    gifts = clearing(month.ledger(), month.pages(), "1560", month.period.first, WINDOW)
    assert to_cents(cards_sold.closing) == gifts.closing
    assert sum(expected.settled.values()) > 0  # fees, open takings and differences all occur
    assert expected.under_way
    assert expected.unmatched


def test_the_excel_file_has_the_figures_of_clearing_accounts(month: Month) -> None:
    application = month.console.application
    expected = clearing(month.ledger(), month.pages(), CARDS, month.period.first, WINDOW)
    sheets = worksheets(
        io.BytesIO(application.clearing_sheets.excel(application.clearing_accounts.read(month.period), "en", UTC))
    )
    first = [row for row in next(iter(sheets.values())) if row]
    begin = next(place for place, row in enumerate(first) if str(row[0]).startswith(f"{CARDS} Balances"))
    figures = {
        str(row[0]): round(float(row[1]) * 100)
        for row in first[begin + 2 : begin + 12]
        if len(row) > 1 and row[1] not in ("", "Balance")
    }
    from_till, paid = sum(expected.takings.values()), sum(payout.amount for payout in expected.payouts)
    assert figures == {
        "Opening balance": expected.opening, "From the till": from_till, "Paid out": -paid,
        "Closing balance": expected.closing, "Rest of the opening balance": expected.opening_left,
        "Under way": sum(expected.under_way.values()), "Fees not booked": expected.open_fees,
        "Payouts without takings": -sum(payout.amount for payout in expected.unmatched),
    }  # fmt: skip
    payouts = sheets[f"{CARDS} Payouts and fees"][1:]
    assert {str(row[6]): round(float(row[5]) * 100) for row in payouts[:-1]} == expected.settled
    assert round(float(payouts[-1][5]) * 100) == sum(expected.settled.values())
    waiting = sheets[f"{CARDS} Under way, oldest first"][1 : 1 + len(expected.under_way)]
    assert [round(float(row[2]) * 100) for row in waiting] == [
        expected.under_way[place] for place in sorted(expected.under_way)
    ]
    movement_rows = sheets[f"{CARDS} Movements by day"]
    assert [round(float(cell) * 100) for cell in movement_rows[-1][1:4]] == [from_till, -paid, expected.closing]
