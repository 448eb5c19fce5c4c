"""Cost of goods on a day page: posted from stock to cost, never twice, never guessed."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from integration.core.days.books import DayBooks, DayPage, Mode, SeparateBooking
from integration.core.days.entries import LedgerEntry
from integration.core.days.lookalike_entries import lookalike_pages
from integration.core.days.report import page_notes
from integration.core.days.till import total
from integration.core.records import Kind, Record
from tests.core.days.example import BOOKS, DAY, DOCUMENTS, GROUPS, cost, day_record, euros, missing
from tests.core.days.test_page import ledger_of, page_for, refusal_of

ON = replace(BOOKS, costs=True)
INVOICE = "id-2026.731"  # the bicycle of 544.50, sold by the only invoice of the day
COSTS = (
    cost("receipt 10/2 40010"), cost("receipt 20/2 8005"), cost("receipt 40/2 -150"), cost("invoice 10/2 30000"),
)  # fmt: skip


def with_costs(*costs: Record, prices: Mapping[str, str] | None = None) -> Record:
    """The worked-out day with these costs; `prices` are purchase prices of a line, by document and group."""
    record = day_record()
    parts = tuple(
        _with_purchase_prices(part, prices or {}) if part.key.startswith("id-") else part for part in record.parts
    )
    return replace(record, parts=(*parts[: -len(DOCUMENTS)], *(costs or COSTS), *parts[-len(DOCUMENTS) :]))


def _with_purchase_prices(document: Record, prices: Mapping[str, str]) -> Record:
    def with_price(line: Record) -> Record:
        price = prices.get(f"{document.key} {line.values.get('turnover_group')}")
        more = {"quantity": euros("2"), "purchasePrice": euros(price)} if price and line.kind is Kind.LINE else {}
        return replace(line, values={**line.values, **more})

    return replace(document, parts=tuple(map(with_price, document.parts)))


def costs_on(page: DayPage) -> list[tuple[str, str, str]]:
    """The lines about goods: account, text and amount."""
    return [(line.account, line.text, str(line.amount)) for line in page.lines if line.about in ("cost", "stock")]


def test_switched_off_a_page_is_what_it_was() -> None:
    assert page_for(with_costs()) == page_for(day_record())


def test_cost_stands_against_stock_without_vat_and_nothing_else_moves() -> None:
    before, page = page_for(day_record()), page_for(with_costs(), ON)
    assert costs_on(page) == [("3000", "Voorraad Fietsen", "-778.65"), ("7000", "Kostprijs Fietsen", "778.65")]
    assert {(line.vat_code, line.vat, line.vat_base) for line in page.lines if line.account in ("3000", "7000")} == {
        ("", euros(0), None)
    }
    assert [line for line in page.lines if line.about not in ("cost", "stock")] == list(before.lines)
    assert total(line.gross_amount for line in page.lines) == 0
    assert ledger_of(page.lines) == {**ledger_of(before.lines), "3000": euros("-778.65"), "7000": euros("778.65")}


def test_a_line_for_each_group_has_what_came_back_on_the_other_side() -> None:
    page = page_for(with_costs(), replace(ON, by_group=True, cost_centres={"@1": "UTR"}))
    assert sorted(costs_on(page)) == [
        ("3000", "Voorraad Accessoires", "1.50"), ("3000", "Voorraad Fietsen", "-700.10"),
        ("3000", "Voorraad Kleding", "-80.05"), ("7000", "Kostprijs Accessoires", "-1.50"),
        ("7000", "Kostprijs Fietsen", "700.10"), ("7000", "Kostprijs Kleding", "80.05"),
    ]  # fmt: skip
    assert {line.cost_centre for line in page.lines if line.about == "cost"} == {"UTR"}


@pytest.mark.parametrize("mode", ["gross", "separate", "cash"])
def test_in_every_manner_of_telling_vat_a_page_with_costs_adds_up(mode: Mode) -> None:
    books = replace(ON, mode=mode, drawer_account="1000")
    sign = -1 if mode == "cash" else 1
    amounts = {line.account: line.amount * sign for line in page_for(with_costs(), books).lines if line.about == "cost"}
    assert amounts == {"7000": euros("778.65")}


def test_groups_of_which_the_till_tells_no_cost_are_named_and_have_no_line() -> None:
    page = page_for(with_costs(), ON)
    (note,) = page_notes(page)
    assert (note.code, note.facts) == (
        "groups_without_cost", {"groups": "30 Onderdelen, 50 Diensten, 70 Boeken en kaarten"},
    )  # fmt: skip
    assert "50 Diensten" not in page_notes(page_for(with_costs(*COSTS, cost("receipt 50/1 0")), ON))[0].facts["groups"]
    half = with_costs(*COSTS, cost("receipt 30/2 100"), cost("receipt 50/1 0"), cost("receipt 70/1 0"))
    assert page_notes(page_for(half, ON))[0].facts["groups"] == "30 Onderdelen"  # its code 3 is not told
    assert page_notes(page_for(with_costs())) == ()


def test_a_cost_that_cannot_be_read_parks_the_day_and_only_where_it_counts() -> None:
    wrong = cost("receipt 10/2 0")
    values = {name: value for name, value in wrong.values.items() if name != "cost"}
    record = with_costs(replace(wrong, values={**values, "field": "purchaseAmount", "found": "veel"}))
    error = refusal_of(record, ON)
    assert (error.cause, error.facts) == (
        "day_cost_unreadable", {"group": "10", "field": "purchaseAmount", "value": "veel"},
    )  # fmt: skip
    assert page_for(record) == page_for(day_record())


@pytest.mark.parametrize(
    ("accounts", "books", "cause"),
    [
        ("7000 3000", replace(ON, till_accounts=False, accounts={**{key: group[2] for key, group in GROUPS.items()}},
                              method_accounts={"*": "1010"}), "day_cost_account_missing"),
        ("0700 3000", replace(ON, ledgers={**BOOKS.ledgers, "700": "", "0700": ""}), "day_cost_account_missing"),
        ("7000", replace(ON), "day_stock_account_missing"),
    ],
)  # fmt: skip
def test_an_account_that_nobody_can_tell_parks_the_day(accounts: str, books: DayBooks, cause: str) -> None:
    error = refusal_of(with_costs(cost("receipt 10/2 100", accounts=accounts)), books)
    assert missing(error)[0].cause == cause


def test_an_account_that_the_books_lack_parks_the_day() -> None:
    assert refusal_of(with_costs(cost("receipt 10/2 100", accounts="7999 3000")), replace(ON)).cause == "ledger_missing"


def test_a_row_of_the_value_table_comes_before_the_till() -> None:
    books = replace(ON, cost_accounts={"10": "4400", "*": "4510"}, stock_accounts={"*": "1020"})
    page = page_for(with_costs(), replace(books, by_group=True))
    assert {(line.account, line.text) for line in page.lines if line.about == "cost"} == {
        ("4400", "Kostprijs Fietsen"), ("4510", "Kostprijs Kleding"), ("4510", "Kostprijs Accessoires"),
    }  # fmt: skip
    assert {line.account for line in page.lines if line.about == "stock"} == {"1020"}


def test_what_the_books_cost_by_themselves_is_not_booked_twice_and_a_posting_is_not_lost() -> None:
    record = with_costs(prices={f"{INVOICE} 10": "150.00"})
    by_books = replace(ON, separate_bookings={INVOICE: SeparateBooking(is_posted=False)})
    assert costs_on(page_for(record, by_books))[-1] == ("7000", "Kostprijs Fietsen", "478.65")
    posted = replace(ON, separate_bookings={INVOICE: SeparateBooking(with_payments=True)})
    assert costs_on(page_for(record, posted))[-1] == ("7000", "Kostprijs Fietsen", "778.65")


def test_goods_of_an_invoice_that_is_only_paid_on_the_day_cost_nothing_on_it() -> None:
    record = with_costs(prices={f"{INVOICE} 10": "150.00"})
    sold, sold_before = record.parts[-1], {**record.parts[-1].values, "date": DAY.replace(day=3)}
    old = replace(sold, key="id-old", values=sold_before, parts=tuple(p for p in sold.parts if p.kind is Kind.LINE))
    by_books = replace(ON, separate_bookings={INVOICE: SeparateBooking(is_posted=False)})
    page = page_for(replace(record, parts=(*record.parts, old)), by_books)
    assert costs_on(page)[-1] == ("7000", "Kostprijs Fietsen", "478.65")


@pytest.mark.parametrize("price", ["", "149.99"])
def test_what_a_document_cost_is_never_guessed(price: str) -> None:
    record = with_costs(prices={f"{INVOICE} 10": price})
    error = refusal_of(record, replace(ON, separate_bookings={INVOICE: SeparateBooking(is_posted=False)}))
    assert (error.cause, error.facts["behind"], error.facts["found"]) == ("day_cost_apart", "2026.731", "300.00")
    assert page_for(record, replace(BOOKS, separate_bookings={INVOICE: SeparateBooking(is_posted=False)})).lines


def test_counts_alone_have_no_costs() -> None:
    assert costs_on(page_for(with_costs(), replace(ON, contents="counts"))) == []


def test_a_day_that_somebody_typed_without_its_costs_is_known_however_much_its_goods_cost() -> None:
    lines = page_for(with_costs(cost("receipt 10/2 500000")), ON).lines
    typed = [LedgerEntry(DAY, "1010", euros("1813.98"), "601/7"), LedgerEntry(DAY, "8000", euros("-1.00"), "601/7")]
    assert [lookalike.page for lookalike in lookalike_pages({}, lines, typed, ())] == ["601/7"]
