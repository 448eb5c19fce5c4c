"""Open items in the ledger: sold, received and other amounts, in the year of the item and in the current one."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.items import ItemQuery
from integration.core.errors import RejectedError
from integration.core.records import Kind, Record, Unreadable
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.connectors.accountview.conversation import query_parameters
from tests.connectors.accountview.samples import accountview_answering, connect_accountview

OWED = {"SUB_NR": "20003", "INV_NR": "MI60102000A1"}
KEY = "2026-10-17/MI60102000A1/8f3c"


def book(sandbox: Sandbox, daybook: str, amount: str, page: Mapping[str, Any], **line: Any) -> None:
    header = {"DJ_CODE": daybook, "TRN_DATE": "2026-10-17T00:00:00", **page}
    lines = [{"ACCT_NR": "8000", "AMOUNT": amount, **line}]
    if daybook == "600":
        lines.append({"ACCT_NR": "4410", "AMOUNT": str(-Decimal(amount))})
    sandbox.accountview.book(header, lines)


def book_sale(sandbox: Sandbox, amount: str) -> None:
    book(sandbox, "700", amount, OWED)


def book_receipt(sandbox: Sandbox, amount: str, daybook: str = "200", day: str = "2026-11-02") -> None:
    book(sandbox, daybook, amount, {"TRN_DATE": f"{day}T00:00:00"}, **OWED, ACCT_NR="1300")


@pytest.fixture
def books(sandbox: Sandbox) -> Iterator[AccountView]:
    with connect_accountview(sandbox) as connector:
        yield connector


def read(books: AccountView, *keys: str) -> list[Record]:
    return books.fetch(Kind.ITEM, keys or (KEY,))


def sums(record: Record) -> dict[str, str]:
    return {name: f"{record.values[name]:f}".rstrip("0").rstrip(".") for name in ("sold", "paid", "other", "besides")}


def test_an_item_is_what_was_sold_what_came_in_and_what_stands_there_besides(
    sandbox: Sandbox, books: AccountView
) -> None:
    book_sale(sandbox, "121.00")
    book_receipt(sandbox, "50.00")
    book_receipt(sandbox, "71.00", "100", "2026-11-03")
    (item,) = read(books)
    assert (item.key, item.values["debtor"], item.values["item"]) == (KEY, "20003", "MI60102000A1")
    assert sums(item) == {"sold": "121", "paid": "121", "other": "", "besides": ""}
    assert item.values["paid_on"] == date(2026, 11, 3)
    book(sandbox, "600", "9.50", {}, **OWED, ACCT_NR="1300")
    (item,) = read(books)
    assert sums(item) == {"sold": "121", "paid": "121", "other": "9.5", "besides": "1"}


def test_an_item_that_the_ledger_does_not_know_has_come_to_nothing(books: AccountView) -> None:
    (item,) = read(books, KEY, "no key", "2026-13-01/X/y", "2026-10-17/y")

    assert sums(item) == {"sold": "", "paid": "", "other": "", "besides": ""}
    assert item.values["debtor"] == ""


def test_what_came_in_after_the_year_of_the_sale_counts_with_it() -> None:
    conventions = Conventions(years="apart", year_begins="11-01")
    with running(articles=60, conventions=conventions) as other, connect_accountview(other) as books:
        book_sale(other, "121.00")
        book_receipt(other, "21.00", day="2026-10-30")
        book_receipt(other, "100.00", day="2026-11-02")
        (item,) = read(books)

    assert sums(item) == {"sold": "121", "paid": "121", "other": "", "besides": ""}


def test_what_came_in_between_the_year_of_the_sale_and_this_one_counts_with_it() -> None:
    conventions = Conventions(years="apart")
    with running(articles=60, conventions=conventions) as other, connect_accountview(other) as books:
        years = {str(row["TRN_DATE"])[:4] for row in other.state("TRANSACT")}
        book(other, "700", "121.00", {**OWED, "TRN_DATE": "2024-12-30T00:00:00"})
        book_receipt(other, "121.00", day="2025-02-01")
        (item,) = read(books, "2024-12-30/MI60102000A1/8f3c")

    assert sums(item) == {"sold": "121", "paid": "121", "other": "", "besides": ""}, years


COLUMNS = [("REC_ID", "C"), ("TRN_DATE", "D"), ("ACCT_NR", "C"), ("AMOUNT", "Y"), ("DJ_CODE", "C"),
           ("PAGE_NR", "C"), ("INV_NR", "C"), ("SUB_NR", "C")]  # fmt: skip


def ledger_row(number: str, amount: object, daybook: str = "200", **values: str) -> str:
    """Return a row of the ledger as JSON."""
    place = {"REC_ID": number, "TRN_DATE": "2026-10-17", "ACCT_NR": "1300", "DJ_CODE": daybook, "PAGE_NR": "7"}
    return json.dumps({**place, **OWED, "AMOUNT": amount, **values})


def books_with_ledger(*rows: str) -> AccountView:
    """Return books whose ledger has these rows."""

    def answering(request: httpx.Request) -> httpx.Response:
        match query_parameters(request)["BusinessObject"]:
            case "FLD":
                fields = [{"DBF_NAME": "TRANSACT", "FIELD_NAME": name, "FIELD_TYPE": kind} for name, kind in COLUMNS]
                return httpx.Response(200, json={"DCT_FLD": fields})
            case "GJ1":
                number = query_parameters(request).get("FilterValue1", "")
                matching_rows = [row for row in rows if number in row or (row == "null" and number == OWED["INV_NR"])]
                return httpx.Response(200, content=f'{{"TRANSACT": [{", ".join(matching_rows)}]}}'.encode())
            case _:
                return httpx.Response(200, json={"ADM_PER": [], "DAILY": []})

    return accountview_answering(answering)


def test_one_whose_row_cannot_be_read_stands_there_as_such() -> None:
    (item,) = read(books_with_ledger(ledger_row("1", "veel")))
    assert isinstance(item, Unreadable)
    assert (item.key, item.raw_value) == (KEY, "veel")


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([ledger_row("1", -50).replace('"ACCT_NR"', '"acct_nr": "1400", "ACCT_NR"')], "ACCT_NR"),
        ([ledger_row("1", -50), ledger_row("1", -71)], "AMOUNT"),
        ([ledger_row("1", -50), ledger_row("1", -50)], ""),
        ([ledger_row("1", -50), ledger_row("2", -50)], ""),
        (["null"], "INV_NR"),
    ],
    ids=["a column twice", "a row twice", "the same row twice", "two rows", "no object"],
)
def test_a_row_that_contradicts_itself_or_another_parks_its_item_alone(rows: list[str], field: str) -> None:
    books = books_with_ledger(*rows, ledger_row("3", 9, INV_NR="MI60102000A2"))
    (first,), (second,) = read(books), read(books, "2026-10-17/MI60102000A2/9a")
    assert (first.field if isinstance(first, Unreadable) else "") == field
    if not field:
        assert (first.values["other"], first.values["besides"]) == (-50 * len(set(rows)), len(set(rows)))
    assert not isinstance(second, Unreadable)


def test_items_are_asked_for_by_their_numbers_alone(books: AccountView) -> None:
    with pytest.raises(RejectedError, match="request_refused"):
        books.extract(Kind.ITEM)
    assert {field.name for field in books.fields(Kind.ITEM)} >= {"sold", "paid", "other", "besides", "paid_on"}
    assert books.needs(Kind.ITEM)
    assert all(finding.ok for finding in books.needs(Kind.ITEM))


@pytest.mark.parametrize(
    ("key", "number"),
    [("2026-10-17/MI1/8f3c", "MI1"), ("2026-10-17/MP-2026/1/8f3c", "MP-2026/1"), ("2026-10-17/8f3c", None), ("", None)],
)
def test_a_key_is_a_day_a_number_and_a_word_of_who_asks(key: str, number: str | None) -> None:
    query = ItemQuery.read(key)

    assert (query.number if query else None) == number
