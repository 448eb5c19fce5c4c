"""Ledger entries, read by day."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import httpx
import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.errors import RejectedError
from integration.core.records import Kind, Record, Unreadable
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.connectors.accountview.conversation import query_parameters
from tests.connectors.accountview.day_page import DAY, LEDGER, VAT, a_day_page
from tests.connectors.accountview.samples import (
    accountview_answering,
    calls_since,
    connect_accountview,
    create_record,
    newest_call,
)
from tests.fakes import Links

KEY = DAY.isoformat()


def entries(books: AccountView, *days: str, reference: str = "MZ6101700100") -> list[Record]:
    """The entries of the page with a reference."""
    return [entry for entry in books.fetch(Kind.ENTRY, days or [KEY]) if entry.values.get("reference") == reference]


def sums(records: list[Record]) -> dict[str, Decimal]:
    totals: Counter[str] = Counter()
    for record in records:
        totals[str(record.values["account"])] += record.values["amount"]  # type: ignore[assignment,operator]
    return {account: Decimal(amount) for account, amount in totals.items()}


@pytest.mark.parametrize("mode", ["L", "G", "S", "K"])
def test_entries_of_a_posted_page_are_what_it_put_on_each_account(mode: str, sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox) as books:
        number = create_record(books, a_day_page(mode), links).reference
        records = entries(books)

    assert sums(records) == LEDGER
    assert {record.values["posted"] for record in records} == {True}
    assert {f"{record.values['daybook']}/{record.values['page']}" for record in records} == {number}
    assert {record.values["date"] for record in records} == {DAY}
    assert len({record.key for record in records}) == len(records)
    (open_item,) = (record for record in records if record.values["account"] == "1300")
    assert (open_item.values["debtor"], open_item.values["item"]) == ("20007", "MP12262202")


def test_bases_and_vat_of_each_code_stand_on_the_rows_that_were_sent(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox) as books:
        create_record(books, a_day_page(), links)
        coded = [record for record in entries(books) if record.values["vat_code"]]

    for code, base, vat in (("1", "-1500.09", "-315.04"), ("2", "-273.88", "-24.64"), ("3", "-55.00", "0.00")):
        own = [record.values for record in coded if record.values["vat_code"] == code]
        assert sum(values["vat_base"] or 0 for values in own) == Decimal(base)  # type: ignore[misc]
        assert sum(values["vat"] or 0 for values in own) == Decimal(vat)  # type: ignore[misc]


@pytest.mark.parametrize("mode", ["L", "G", "K"])
def test_a_page_that_waits_to_be_posted_is_reported_as_not_posted_until_it_is(mode: str, links: Links) -> None:
    with (
        running(articles=60, trades=False, conventions=Conventions(posting="by hand")) as other,
        connect_accountview(other) as books,
    ):
        create_record(books, a_day_page(mode), links)
        before = entries(books)
        other.accountview.post()
        after = entries(books)

    added = {"1500", "1510", *(["1000"] if mode == "K" else [])}
    of_lines = {account: amount for account, amount in LEDGER.items() if account not in added}
    if mode == "G":  # the VAT of a gross page is in its amounts
        of_lines |= {account: of_lines[account] + vat for account, vat in VAT.items()}
    assert {record.values["posted"] for record in before} == {False}
    assert sums(before) == of_lines
    assert len({record.key for record in before}) == len(before)
    assert {record.values["posted"] for record in after} == {True}
    assert sums(after) == LEDGER


def test_a_concept_waits_even_where_pages_are_posted_at_once(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox) as books:
        number = create_record(books, a_day_page(concept=True), links).reference
        assert {record.values["posted"] for record in entries(books)} == {False}
        sandbox.accountview.post()
        assert {record.values["posted"] for record in entries(books)} == {False}
        sandbox.accountview.post(number.partition("/")[2])
        assert {record.values["posted"] for record in entries(books)} == {True}


def test_a_page_that_somebody_deletes_is_gone(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox) as books:
        number = create_record(books, a_day_page(), links).reference
        sandbox.accountview.remove("DJ_PAGE", number.partition("/")[2])
        assert entries(books) == []


def test_a_line_that_somebody_moves_is_reported_with_who_did_it(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox) as books:
        number = create_record(books, a_day_page(), links).reference
        before = entries(books)[0].values
        (line,) = (row for row in sandbox.state("DJ_LINE")
                   if row["PAGE_NR"] == number.partition("/")[2] and row["ACCT_NR"] == "8030")  # fmt: skip
        sandbox.accountview.edit("DJ_LINE", str(line["REC_ID"]), {"ACCT_NR": "8010"}, by="ANJA")
        records = entries(books)

    assert sums(records) == {account: amount for account, amount in LEDGER.items() if account != "8030"} | {
        "8010": Decimal("-299.66")
    }
    assert {record.values["changed_by"] for record in records} == {"ANJA"} != {before["changed_by"]}
    assert {record.values["changed"] > before["changed"] for record in records} == {True}  # type: ignore[operator]


def test_a_page_that_somebody_types_is_reported_with_who_did_it(sandbox: Sandbox) -> None:
    sandbox.accountview.book(
        {"DJ_CODE": "600", "HDR_DESC": "bon 4102", "TRN_DATE": f"{KEY}T00:00:00.000Z"},
        [
            {"ACCT_NR": "8000", "TRN_DESC": "bon 4102", "AMOUNT": -557.10, "VAT_CODE": "1", "VAT_AMT": -117.00},
            {"ACCT_NR": "8030", "TRN_DESC": "bon 4102", "AMOUNT": -33.02, "VAT_CODE": "1", "VAT_AMT": -6.93},
            {"ACCT_NR": "1010", "TRN_DESC": "bon 4102", "AMOUNT": 714.05},
        ],
        by="PIET",
    )
    with connect_accountview(sandbox) as books:
        records = [record for record in books.fetch(Kind.ENTRY, [KEY]) if record.values["changed_by"] == "PIET"]

    assert sums(records) == {
        "8000": Decimal("-557.10"), "8030": Decimal("-33.02"), "1500": Decimal("-123.93"), "1010": Decimal("714.05"),
    }  # fmt: skip
    assert {record.values["text"] for record in records} == {"bon 4102"}
    assert {record.values["period"] for record in records} == {Decimal(10)}
    assert not any(record.values["reference"] for record in records)


def test_a_week_is_one_question_of_each_object(sandbox: Sandbox, links: Links) -> None:
    week = [f"2026-10-{day}" for day in range(12, 19)]
    with connect_accountview(sandbox) as books:
        create_record(books, a_day_page(), links)
        books.fetch(Kind.ENTRY, week)  # learns how each object says that there is nothing
        start = newest_call(sandbox)
        records = entries(books, *week)
        call_counts = calls_since(sandbox, start)

    assert sums(records) == LEDGER
    assert call_counts == {"GJ1 GET": 3, "DJ2 GET": 2}  # 29 rows in pages of 25, and each time a page without any


def test_days_of_two_fiscal_years_are_asked_for_in_their_own() -> None:
    conventions = Conventions(years="apart", year_begins="10-18")
    with running(articles=60, trades=False, conventions=conventions) as other, connect_accountview(other) as books:
        create_record(books, a_day_page(), Links())
        later = a_day_page(date=date(2026, 10, 18), reference="MZ6101800100")
        create_record(books, later, Links())
        records = books.fetch(Kind.ENTRY, [KEY, "2026-10-18"])

    assert sums([record for record in records if record.values["reference"] == "MZ6101700100"]) == LEDGER
    assert sums([record for record in records if record.values["reference"] == "MZ6101800100"]) == LEDGER


def test_where_no_last_day_can_be_asked_for_later_days_are_left_out_all_the_same() -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        query = query_parameters(request)
        match query["BusinessObject"]:
            case "FLD":
                table = query.get("FilterValue1", "TRANSACT").strip()
                return httpx.Response(200, json={"DCT_FLD": [_column(table, name, kind) for name, kind in _COLUMNS]})
            case "GJ1" if query.get("FilterOperator2") == "DateOnOrBeforeDate":
                return _refusal_response("Operator DateOnOrBeforeDate is onbekend.")
            case "GJ1":
                rows = [_row("1", "2026-10-17", 5), _row("2", "2026-10-18", 7)]
                return httpx.Response(200, json={"TRANSACT": rows})
            case "PER":
                return httpx.Response(200, json={"ADM_PER": []})
            case _:
                return httpx.Response(200, json={"DJ_PAGE": []})

    (only,) = accountview_answering(answering).fetch(Kind.ENTRY, [KEY])
    assert (only.key, only.values["amount"], only.values["posted"]) == ("2026-10-17/1", Decimal(5), True)
    assert "reference" not in only.values  # no page tells it


def test_an_amount_that_is_no_number_is_not_left_out_of_a_sum() -> None:
    (only,) = entries_of([_row("1", "2026-10-17", "veel")])
    assert isinstance(only, Unreadable)
    assert (only.field, only.raw_value) == ("AMOUNT", "veel")


def entries_of(rows: Sequence[object], pages: Sequence[object] = ()) -> list[Record]:
    """Return the entries of a day for which the books have these ledger rows and daybook pages."""

    def answering(request: httpx.Request) -> httpx.Response:
        query = query_parameters(request)
        match query["BusinessObject"]:
            case "FLD":
                table = query.get("FilterValue1", "TRANSACT").strip()
                return httpx.Response(200, json={"DCT_FLD": [_column(table, name, kind) for name, kind in _COLUMNS]})
            case "GJ1":
                return httpx.Response(200, content=json.dumps({"TRANSACT": list(rows)}).encode())
            case "PER":
                return httpx.Response(200, json={"ADM_PER": []})
            case "DJ1":
                return httpx.Response(200, json={"DAILY": []})
            case _:
                return httpx.Response(200, content=json.dumps({"DJ_PAGE": list(pages)}).encode())

    return accountview_answering(answering).fetch(Kind.ENTRY, [KEY])


@pytest.mark.parametrize("broken", [None, "8000", 7, ["8000"]])
def test_a_ledger_row_that_is_no_object_is_unreadable_and_hides_no_other(broken: object) -> None:
    first, second = entries_of([_row("1", "2026-10-17", 5), broken])
    assert (first.values["amount"], isinstance(second, Unreadable)) == (Decimal(5), True)
    (only,) = entries_of([None])
    assert isinstance(only, Unreadable)


@pytest.mark.parametrize(("second", "amounts"), [(5, [Decimal(5)]), (7, [])])
def test_a_ledger_row_that_comes_twice_counts_once_or_is_unreadable(second: int, amounts: list[Decimal]) -> None:
    entries = entries_of([_row("1", "2026-10-17", 5), _row("1", "2026-10-17", second)])
    assert len(entries) == 1
    assert [record.values["amount"] for record in entries if not isinstance(record, Unreadable)] == amounts


def test_a_ledger_row_with_two_dates_may_be_of_the_day_and_is_unreadable() -> None:
    (only,) = entries_of([_row("1", "2026-10-17", 5), _row("1", "2026-10-18", 5)])
    assert isinstance(only, Unreadable)
    assert only.field == "TRN_DATE"


@pytest.mark.parametrize(
    ("line", "page"),
    [({"ACCT_NR": "8000", "AMOUNT": 5}, {}), (None, {}), ("8000", {}), ({"ACCT_NR": "8000", "AMOUNT": 5}, None)],
)
def test_a_page_or_a_line_that_is_no_object_is_unreadable(line: object, page: dict[str, object] | None) -> None:
    header = {"TRN_DATE": "2026-10-17", "DJ_CODE": "600", "PAGE_NR": "26002", "DJ_LINE": [line]}
    entries = entries_of([_row("1", "2026-10-17", 5)], [None if page is None else header])
    broken = [record for record in entries if isinstance(record, Unreadable)]
    assert len(entries) == 2
    assert len(broken) == (0 if isinstance(line, dict) and page is not None else 1)


def test_without_an_object_for_the_ledger_nobody_says_what_stands_on_it(sandbox: Sandbox) -> None:
    nowhere = {"transactions": {"code": "", "table": ""}}
    with connect_accountview(sandbox, objects=nowhere) as books, pytest.raises(RejectedError, match="object_missing"):
        books.fetch(Kind.ENTRY, [KEY])


def test_what_entries_need_is_looked_at(sandbox: Sandbox) -> None:
    with connect_accountview(sandbox) as books:
        assert [finding.ok for finding in books.needs(Kind.ENTRY)] == [True, True]
        assert books.fetch(Kind.ENTRY, []) == []


_COLUMNS = (
    ("REC_ID", "C"), ("TRN_DATE", "D"), ("ACCT_NR", "C"), ("AMOUNT", "Y"), ("DJ_CODE", "C"), ("PAGE_NR", "C"),
    ("INV_NR", "C"),
)  # fmt: skip


def _column(table: str, name: str, kind: str) -> dict[str, object]:
    return {"DBF_NAME": table, "FIELD_NAME": name, "FIELD_TYPE": kind}


def _row(number: str, day: str, amount: object) -> dict[str, object]:
    return {
        "REC_ID": number, "TRN_DATE": f"{day}T00:00:00", "ACCT_NR": "8000", "AMOUNT": amount, "DJ_CODE": "600",
        "PAGE_NR": "26001",
    }  # fmt: skip


def _refusal_response(message: str) -> httpx.Response:
    return httpx.Response(400, json={"ErrorType": "AccountViewError", "ErrorMessage": message})


def test_a_debtor_was_last_used_on_the_newest_day_of_the_ledger(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox) as books:
        create_record(books, a_day_page("L"), links)
        dates = books.last_activity_dates(["20007", "29999"], DAY)
        assert "29999" not in dates
        newest = dates["20007"]
        assert newest is not None
        assert newest >= DAY
        assert books.last_activity_dates(["20007"], max(books.client.today(), newest) + timedelta(days=1)) == {}
    with connect_accountview(sandbox, objects={"transactions": {"code": "", "table": ""}}) as books:
        assert books.last_activity_dates(["20007"], DAY) == {}


@pytest.mark.parametrize(
    ("unclear", "expected"),
    [
        ({}, date(2026, 10, 17)),
        ({"SUB_NR": "20008"}, date(2026, 10, 17)),  # of somebody else
        ({"TRN_DATE": "2026-10-16T00:00:00", "SUB_NR": None}, date(2026, 10, 17)),  # of whomever, it is older
        ({"SUB_NR": None}, None),
        ({"TRN_DATE": ""}, None),
        ({"TRN_DATE": "gisteren"}, None),
    ],
)
def test_when_a_debtor_was_last_used_cannot_be_reported_where_a_newer_row_is_unclear(
    unclear: dict[str, object], expected: date | None
) -> None:
    first = _row("1", "2026-10-17", 5) | {"SUB_NR": "20007"}
    second = first | {"REC_ID": "2", "TRN_DATE": "2026-10-18T00:00:00"} | unclear if unclear else first

    def answering(request: httpx.Request) -> httpx.Response:
        query = query_parameters(request)
        match query["BusinessObject"]:
            case "FLD":
                table = query.get("FilterValue1", "TRANSACT").strip()
                columns = [_column(table, name, kind) for name, kind in (*_COLUMNS, ("SUB_NR", "C"))]
                return httpx.Response(200, json={"DCT_FLD": columns})
            case "GJ1":
                return httpx.Response(200, json={"TRANSACT": [first, second]})
            case _:
                return httpx.Response(200, json={"ADM_PER": []})

    assert accountview_answering(answering).last_activity_dates(["20007"], DAY) == {"20007": expected}


@pytest.mark.parametrize(
    ("copy", "line", "kinds"), [({}, {}, [False]), ({"USR_ID": "JD"}, {}, [True]), ({}, {"AMOUNT": 7}, [True])]
)
def test_copies_of_a_page_are_one_page_and_unreadable_where_they_differ(
    copy: dict[str, object], line: dict[str, object], kinds: list[bool]
) -> None:
    page = {"TRN_DATE": "2026-10-17", "DJ_CODE": "600", "PAGE_NR": "26002"}
    lines = {"ACCT_NR": "8000", "AMOUNT": 5}
    pages = [{**page, "DJ_LINE": [lines]}, {**page, **copy, "DJ_LINE": [{**lines, **line}]}]
    assert [isinstance(record, Unreadable) for record in entries_of([], pages)] == kinds
