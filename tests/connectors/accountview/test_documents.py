"""Documents found by our reference, and documents that are not written."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.errors import InDoubtError, RejectedError
from integration.core.plan import differences
from integration.core.records import Kind, Record, Unreadable
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.faults import ErrorAnswer, Fault
from integration.sandbox.server import Sandbox, running
from tests.builders import a_create
from tests.connectors.accountview.conversation import TABLES
from tests.connectors.accountview.samples import (
    INVOICES,
    TODAY,
    a_debtor,
    a_line,
    a_posting,
    accountview_answering,
    an_address,
    an_order,
    calls_since,
    connect_accountview,
    create_record,
    look_up_record,
    newest_call,
    with_a_debtor,
)
from tests.fakes import Links, MemoryTokenStore
from tests.flows.orders.tills import an_order as an_order_of_the_till
from tests.flows.orders.tills import booking
from tests.recording_server import alter_column, altering_proxy
from tests.timeouts import LATE, wait_until


@pytest.mark.parametrize("fault", ["cut_after", "half", "garbage"])
@pytest.mark.parametrize(
    "desired", [a_debtor("630"), an_order("630"), a_posting("630")], ids=lambda record: record.kind
)
def test_a_silent_write_is_in_doubt_and_found_by_looking(
    fault: str, desired: Record, sandbox: Sandbox, links: Links
) -> None:
    with connect_accountview(sandbox) as accountview:
        accountview.lookup([desired], links)
        sandbox.switches.arm(fault, system="accountview", operation="* POST")
        with pytest.raises(InDoubtError):
            create_record(accountview, desired, links)
        assert differences(desired, look_up_record(accountview, desired, links).record) == ()
        assert len(sandbox.ledger.calls(write=True)) == 1


@pytest.mark.parametrize("answer", ErrorAnswer)
@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.ERROR_AFTER])
def test_an_error_answer_to_a_write_leaves_its_outcome_unknown(
    fault: Fault, answer: ErrorAnswer, sandbox: Sandbox, links: Links
) -> None:
    with connect_accountview(sandbox) as accountview:
        desired = an_order("632")
        accountview.lookup([desired], links)
        with sandbox.switches.armed(fault, operation="SO1 POST", answer=answer), pytest.raises(InDoubtError):
            create_record(accountview, desired, links)
        (call,) = sandbox.ledger.calls(write=True)
        assert call.note == f"{fault} {answer}"
        assert bool(accountview.lookup([desired], links)) is call.accepted is fault.accepts


def test_what_is_accepted_and_shown_later_is_found_later(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox) as accountview:
        sandbox.switches.arm("late", system="accountview", operation="SO1 POST", seconds=LATE)
        reference = create_record(accountview, an_order("631"), links).reference
        assert accountview.lookup([an_order("631")], links) == {}
        wait_until(lambda: bool(accountview.lookup([an_order("631")], links)), "the late order")
        assert accountview.lookup([an_order("631")], links)["631"].reference == reference


def test_the_lookup_returns_a_document_that_a_person_entered_with_our_reference(sandbox: Sandbox, links: Links) -> None:
    sandbox.accountview.add("SO_HDR", {"ORD_NR": "26999901", "RPL_INV": "20002", "COMMENT1": "mplus-632"})
    with connect_accountview(sandbox) as accountview:
        current = look_up_record(accountview, an_order("632"), links)
        assert current.reference == "26999901"
        assert current.record.values["reference"] == "MPLUS-632"
        assert current.record.values["debtor_number"] == "20002"
        assert "1/article" in differences(an_order("632"), current.record)


def test_an_invoice_is_not_the_order_of_its_number(sandbox: Sandbox, links: Links) -> None:
    sold = replace(an_order_of_the_till("order-638", type="INVOICE"), kind=Kind.INVOICE)
    order, invoice = booking(an_order_of_the_till("order-638")), booking(sold, documents="invoice", becomes="order")
    with connect_accountview(sandbox) as accountview:
        create_record(accountview, an_order("638", reference=str(order.values["reference"])), links, keep=False)
        assert accountview.lookup([replace(order, key="order"), replace(invoice, key="invoice")], links).keys() == {
            "order"
        }


def test_our_reference_on_two_documents_is_a_question(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox) as accountview:
        first, second = (create_record(accountview, an_order("633"), links, keep=False).reference for _ in range(2))
        current = look_up_record(accountview, an_order("633"), links)
        assert (current.reference, current.other_references) == (first, (second,))
        pages = [create_record(accountview, a_posting("633"), links, keep=False).reference for _ in range(2)]
        posting = look_up_record(accountview, a_posting("633"), links)
        assert [posting.reference, *posting.other_references] == pages


def test_a_field_that_cannot_be_filtered_is_searched_by_date_instead(links: Links) -> None:
    conventions = Conventions(unfilterable=frozenset({"COMMENT1", "HST_AH_COMMENT1"}))
    with (
        running(articles=60, trades=False, conventions=conventions) as other,
        connect_accountview(other) as accountview,
    ):
        create_record(accountview, an_order("635"), links, keep=False)
        current = accountview.lookup([an_order("635"), an_order("636")], links)
        assert current.keys() == {"635"}
        assert differences(an_order("635"), current["635"].record) == ()
        other.accountview.invoice(current["635"].reference)
        assert look_up_record(accountview, an_order("635"), links).evidence == "history"


@pytest.mark.parametrize(
    ("table", "column", "is_unreadable"),
    [("SO_HDR", "", False), ("SO_HDR", "TO_EMAIL", True), ("SO_LINE", "ORD_QTY", True)],
)
def test_copies_of_an_order_are_one_order_and_park_it_where_they_differ(
    table: str, column: str, is_unreadable: bool, sandbox: Sandbox, links: Links
) -> None:
    keeper, order = MemoryTokenStore(), an_order(f"605{column}")

    def with_copy(body: bytes) -> bytes:
        tables = json.loads(body) if body.startswith(b"{") else {}
        for header in list(tables.get("SO_HDR", ()) if "SO_LINE" in tables else ()):
            lines = [line for line in tables["SO_LINE"] if line["SO_HDR_Id"] == header["SO_HDR_Id"]]
            copies = {"SO_HDR": [dict(header)], "SO_LINE": [dict(line) for line in lines]}
            copies[table][0] |= {column: "7"} if column else {}
            number = len(tables["SO_HDR"])
            for name, rows in copies.items():
                tables[name] += [row | {"SO_HDR_Id": number} for row in rows]
        return json.dumps(tables).encode() if "SO_HDR" in tables else body

    with connect_accountview(sandbox, keeper) as accountview:
        create_record(accountview, order, links, keep=False)
    with (
        altering_proxy(sandbox.accountview_url, with_copy) as url,
        connect_accountview(sandbox, keeper, url=url) as accountview,
    ):
        current = look_up_record(accountview, order, links)
    assert (isinstance(current.record, Unreadable), current.other_references) == (is_unreadable, ())
    if not is_unreadable:
        assert differences(order, current.record) == ()


@pytest.mark.parametrize(
    ("table", "place", "number"), [("SO_LINE", 0, 99), ("SO_LINE", -1, None), ("SO_HDR", 1, 0)]
)  # fmt: skip
def test_a_line_that_belongs_to_no_one_order_parks_the_orders_of_its_answer(
    table: str, place: int, number: int | None, sandbox: Sandbox, links: Links
) -> None:
    keeper, orders = MemoryTokenStore(), [an_order("621"), an_order("622")]

    def renumber(body: bytes) -> bytes:
        tables = json.loads(body) if body.startswith(b"{") else {}
        if len(tables.get("SO_HDR", ())) < 2 or "SO_LINE" not in tables:
            return body
        first = tables["SO_HDR"][0]["SO_HDR_Id"]
        tables[table][place]["SO_HDR_Id"] = first if table == "SO_HDR" else number
        return json.dumps(tables).encode()

    with connect_accountview(sandbox, keeper) as accountview:
        for order in orders:
            create_record(accountview, order, links, keep=False)
    with (
        altering_proxy(sandbox.accountview_url, renumber) as url,
        connect_accountview(sandbox, keeper, url=url) as accountview,
    ):
        current = accountview.lookup(orders, links)
    assert {key: isinstance(current_record.record, Unreadable) for key, current_record in current.items()} == {
        "621": True,
        "622": True,
    }


def test_an_order_whose_row_lacks_our_reference_waits_alone(sandbox: Sandbox, links: Links) -> None:
    keeper, keys = MemoryTokenStore(), ("601", "602", "603")  # the last is not there
    with connect_accountview(sandbox, keeper) as accountview:
        for key in keys[:2]:
            create_record(accountview, an_order(key), links, keep=False)
    with (
        alter_column(sandbox.accountview_url, "SO_HDR", {"COMMENT1": "MPLUS-601"}, "COMMENT1", "null") as url,
        connect_accountview(sandbox, keeper, url=url) as accountview,
    ):
        current_records = accountview.lookup([an_order(key) for key in keys], links)
    assert {key: isinstance(current.record, Unreadable) for key, current in current_records.items()} == {
        "601": True,
        "602": False,
    }


def test_another_refusal_of_a_read_is_not_taken_for_absence(
    shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore
) -> None:
    elsewhere = {"orders": {"code": "SO9", "table": "SO_HDR", "detail": "SO_LINE"}}
    with (
        connect_accountview(shared_sandbox, shared_keeper, objects=elsewhere) as accountview,
        pytest.raises(RejectedError, match="read_refused"),
    ):
        accountview.lookup([an_order("637")], Links())


def test_a_missing_field_for_our_reference_stops_the_lookup(
    shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore
) -> None:
    with (
        connect_accountview(shared_sandbox, shared_keeper, order_reference_field="K9_REF") as accountview,
        pytest.raises(RejectedError, match="field_unknown"),
    ):
        accountview.lookup([an_order("638")], Links())


def test_a_document_of_last_year_is_looked_for_in_its_own_year_and_in_this_one() -> None:
    calls: list[str] = []

    def answering(request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(urlsplit(str(request.url)).query))
        if query["BusinessObject"] == "FLD":
            table = query.get("FilterValue1", "SO_HDR").strip()
            names = ["COMMENT1", "ORD_NR"] if table == "SO_HDR" else ["HST_AH_COMMENT1", "REC_ID"]
            rows = [{"DBF_NAME": table, "FIELD_NAME": name, "FIELD_TYPE": "C"} for name in names]
            return httpx.Response(200, json={"DCT_FLD": rows})
        calls.append(f"{query['BusinessObject']} {query['BookDate']}")
        return httpx.Response(200, json={TABLES[query["BusinessObject"]]: []})

    accountview = accountview_answering(answering)
    assert accountview.lookup([an_order("639", date=date(2025, 12, 30))], Links()) == {}
    learned = ("SO1 2026-11-25", "ALH 2026-11-25")  # each before its first question
    document_calls = [call for call in calls if not call.startswith("PER")]
    assert document_calls == [
        learned[0],
        "SO1 2025-12-30",
        "SO1 2026-11-25",
        learned[1],
        "ALH 2025-12-30",
        "ALH 2026-11-25",
    ]


def test_pointers_show_our_key_if_it_stands_for_the_linked_record(books: AccountView, links: Links) -> None:
    with_a_debtor(books, links, "640")
    create_record(books, an_address("640"), links)
    desired = Record(
        Kind.SALES_ORDER, "640",
        {"reference": "MPLUS-640", "debtor": "640", "address": "640/c0ffee", "date": TODAY}, (a_line(1),),
    )  # fmt: skip
    create_record(books, desired, links)
    assert differences(desired, look_up_record(books, desired, links).record) == ()
    stranger = Links({(Kind.DEBTOR, "640"): "20001"})
    values = look_up_record(books, desired, stranger).record.values
    assert values["debtor"] == links.references[Kind.DEBTOR, "640"]
    assert values["address"] == links.references[Kind.ADDRESS, "640/c0ffee"]


@pytest.mark.parametrize(
    ("desired", "field"),
    [
        (an_order("641", debtor="nobody", debtor_number=""), "debtor"),
        (an_order("641", address="nobody/1"), "address"),
        (a_posting("641", debtor="nobody", debtor_number=""), "debtor"),
        (an_address("nobody"), "debtor"),
    ],
)
def test_a_pointer_to_what_is_missing_yet_is_refused_before_any_call(
    desired: Record, field: str, books: AccountView, shared_sandbox: Sandbox, links: Links
) -> None:
    start = newest_call(shared_sandbox)
    with pytest.raises(RejectedError, match="needed_record_missing") as caught:
        create_record(books, desired, links)
    assert caught.value.facts["field"] == field
    assert shared_sandbox.ledger.calls(write=True, since=start) == []


@pytest.mark.parametrize(
    ("desired", "code", "facts"),
    [
        (a_debtor("650", email=f"{'x' * 50}@y.example"), "email_too_long", {"length": "60", "limit": "50"}),
        (a_debtor("650", external_id="12345678901"), "field_too_long", {"field": "external_id", "limit": "10"}),
        (a_debtor("650", name="€ 😀"), "characters_not_supported", {"field": "name", "value": "😀"}),
        (a_debtor("650", account=""), "required_field_empty", {"field": "account"}),
        (a_debtor("650", shoe_size="42"), "field_unknown", {"field": "shoe_size"}),
        (a_debtor("650", number="42"), "field_unknown", {"field": "SUB_NR"}),
        (an_order("650", reference="x" * 41), "field_too_long", {"field": "reference", "limit": "40"}),
        (an_order("650", debtor_number=""), "required_field_empty", {"field": "debtor"}),
        (an_order("650", (a_line(1, article="A" * 16),)), "article_missing", {"article": "A" * 16}),
        (an_order("650", (a_line(1, account="8000"),)), "field_unknown", {"field": "ACCT_NR"}),
        (a_posting("650", reference="x" * 13), "field_too_long", {"field": "reference", "limit": "12"}),
        (a_posting("650", text=""), "required_field_empty", {"field": "text"}),
    ],
)
def test_what_does_not_fit_is_refused_before_any_call(
    desired: Record, code: str, facts: Mapping[str, str], books: AccountView, shared_sandbox: Sandbox, links: Links
) -> None:
    start = newest_call(shared_sandbox)
    with pytest.raises(RejectedError) as caught:
        create_record(books, desired, links)
    assert caught.value.code == code
    assert facts.items() <= caught.value.facts.items()
    assert shared_sandbox.ledger.calls(write=True, since=start) == []
    with pytest.raises(RejectedError, match=code):
        books.require_storable(a_create(desired))


def test_a_reference_to_a_planned_record_fills_a_required_field_in_the_preview(books: AccountView) -> None:
    books.require_storable(a_create(an_order("650", debtor_number="", debtor="planned")))


# ---- orders that were invoiced


@pytest.mark.parametrize("history", ["ALH", ""])
def test_which_orders_are_not_invoiced_is_reported_by_the_orders_and_by_the_history_where_there_is_one(
    sandbox: Sandbox, links: Links, history: str
) -> None:
    with connect_accountview(sandbox, objects={"history": {"code": history, "table": "HST_AL"}}) as accountview:
        open_, invoiced, missing = (an_order(number) for number in ("841", "842", "843"))
        numbers = {order.key: create_record(accountview, order, links).reference for order in (open_, invoiced)}
        sandbox.accountview.invoice(numbers[invoiced.key])
        uninvoiced = accountview.uninvoiced([open_, invoiced, missing], links)
    assert uninvoiced == dict.fromkeys([open_.key, *([missing.key] if history else [])])


def test_an_order_whose_row_lacks_our_reference_is_the_one_of_which_nobody_can_tell_if_it_was_invoiced(
    sandbox: Sandbox, links: Links
) -> None:
    keeper, keys = MemoryTokenStore(), ("851", "852")
    with connect_accountview(sandbox, keeper) as accountview:
        for key in keys:
            create_record(accountview, an_order(key), links, keep=False)
    with (
        alter_column(sandbox.accountview_url, "SO_HDR", {"COMMENT1": "MPLUS-851"}, "COMMENT1", "null") as url,
        connect_accountview(sandbox, keeper, url=url) as accountview,
    ):
        uninvoiced = accountview.uninvoiced([an_order(key) for key in keys], links)
    assert {key: wrong and wrong.field for key, wrong in uninvoiced.items()} == {"851": "COMMENT1", "852": None}


def test_an_invoiced_order_is_found_in_the_history(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox) as accountview:
        links.references[Kind.DEBTOR, "501"] = "20001"
        desired = an_order("634", debtor="501", debtor_number="")
        number = create_record(accountview, desired, Links(dict(links.references))).reference
        sandbox.accountview.invoice(number)
        current = look_up_record(accountview, desired, links)
        assert current.evidence == "history"
        assert current.record.values["reference"] == "MPLUS-634"
        assert current.record.values["debtor"] == "501"
        assert current.record.values["remark"] == "Graag aan de achterdeur"
        assert [part.values["quantity"] for part in current.record.parts] == [2, 1]
        assert not {"1/article", "1/price"} & set(differences(desired, current.record))
        assert current.reference.isdecimal()
        links.references[Kind.SALES_ORDER, "634"] = number
        assert look_up_record(accountview, desired, links).reference == number


def test_a_second_order_is_seen_beside_the_first_that_has_been_invoiced(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox, history={"order_number": "ORD_NR"}) as accountview:
        desired = an_order("641")
        first, second, third = (create_record(accountview, desired, links, keep=False).reference for _ in range(3))
        sandbox.accountview.invoice(first)
        current = look_up_record(accountview, desired, links)
        assert (current.reference, current.other_references) == (second, (third, first))
        sandbox.accountview.invoice(third)
        sandbox.accountview.invoice(second)
        current = look_up_record(accountview, desired, links)
        assert (current.evidence, {current.reference, *current.other_references}) == ("history", {first, second, third})
        links.references[Kind.SALES_ORDER, "641"] = second
        assert look_up_record(accountview, desired, links).reference == second


def test_an_order_of_which_a_part_is_in_the_history_is_one_order(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox, history={"order_number": "ORD_NR"}) as accountview:
        desired = an_order("642")
        number = create_record(accountview, desired, links, keep=False).reference
        part = {"HST_AH_COMMENT1": "MPLUS-642", "HST_AH_ORD_NR": number, "HST_AH_RPL_INV": "20001", "ART_QTY": 1}
        sandbox.accountview.add("HST_AL", {"REC_ID": "9999642", "HST_AH_HDR_TYPE": 1, **part})
        current = look_up_record(accountview, desired, links)
    assert (current.reference, current.other_references) == (number, ())


# ---- sales orders and trade invoices


def test_every_field_of_an_order_that_the_dictionary_shows_can_be_written(books: AccountView, links: Links) -> None:
    line = a_line(1, discount_percent=Decimal(10), text="Fiets, rood", vat_code="1", delivery_date=date(2026, 12, 1))
    desired = an_order(
        "605", (line,), invoice_date=TODAY, delivery_date=date(2026, 12, 1), note="intern", salesperson="jan",
        payment_condition="14", payment_reference="ref", shipping_method="post", price_list="web", currency="EUR",
    )  # fmt: skip
    create_record(books, desired, links)
    assert differences(desired, look_up_record(books, desired, links).record) == ()


def test_fifty_orders_are_looked_up_in_a_handful_of_calls(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox) as accountview:
        orders = [an_order(str(1000 + place)) for place in range(50)]
        start = newest_call(sandbox)
        assert accountview.lookup(orders, links) == {}
        learned = Counter({"dictionary": 2, "AR1 GET": 3, "SO1 GET": 1, "ALH GET": 1, "PER GET": 3})
        looked = Counter({"dictionary": 4, "AR1 GET": 2, "SO1 GET": 3, "ALH GET": 3, "PER GET": 2})
        assert calls_since(sandbox, start) == learned + looked
        for record in orders[:25]:
            create_record(accountview, record, links, keep=False)
        start = newest_call(sandbox)
        assert accountview.lookup(orders, links).keys() == {record.key for record in orders[:25]}
        assert calls_since(sandbox, start) == {"SO1 GET": 3, "ALH GET": 2}


def test_a_trade_invoice_goes_to_its_own_object(
    shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore, links: Links
) -> None:
    desired = an_order("680", trade_invoice=True)
    with connect_accountview(shared_sandbox, shared_keeper, objects=INVOICES) as accountview:
        result = create_record(accountview, desired, links)
        current = look_up_record(accountview, desired, links)
    (row,) = (invoice for invoice in shared_sandbox.state("K9_INV") if invoice["COMMENT1"] == "MPLUS-680")
    assert current.reference == result.reference == str(row["EXT_KEY"])
    assert differences(desired, current.record) == ()
    assert "ORD_DATE" not in row


@pytest.mark.parametrize("desired", [an_order("684"), a_posting("684")], ids=lambda record: record.kind)
def test_the_tills_own_id_is_written_and_read_where_it_has_a_column(
    desired: Record, shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore, links: Links
) -> None:
    columns = {"till_id": "K9_TILL_ID"}
    desired = replace(desired, values={**desired.values, "till_id": "8d1f0b7e6d0c4d539a573c2f1f2b7a10"})
    with connect_accountview(shared_sandbox, shared_keeper, sales_order=columns, posting=columns) as accountview:
        assert accountview.choices("till_ids") == dict.fromkeys(("sales_order", "posting"), "K9_TILL_ID")
        create_record(accountview, desired, links)
        assert differences(desired, look_up_record(accountview, desired, links).record) == ()
    with connect_accountview(shared_sandbox, shared_keeper) as accountview:
        assert accountview.choices("till_ids") == {}


@pytest.mark.parametrize("numbers", ["added", "printed"])
def test_a_trade_invoice_is_found_whether_or_not_it_has_a_number(
    numbers: Literal["added", "printed"], links: Links
) -> None:
    desired = an_order("682", trade_invoice=True)
    with (
        running(articles=60, trades=False, conventions=Conventions(invoice_numbers=numbers)) as other,
        connect_accountview(other, objects=INVOICES) as accountview,
    ):
        create_record(accountview, desired, links)
        (row,) = other.state("K9_INV")
        assert look_up_record(accountview, desired, links).reference == str(row.get("INV_NR") or row["EXT_KEY"])
        other.accountview.edit("K9_INV", str(row["REC_ID"]), {"INV_NR": "2600000007"})
        assert look_up_record(accountview, desired, links).reference == "2600000007"


def test_an_order_and_a_trade_invoice_of_more_are_reported_as_two(
    shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore, links: Links
) -> None:
    desired, more = an_order("683"), an_order("683", (a_line(1, quantity=Decimal(3)), a_line(2)), trade_invoice=True)
    with connect_accountview(shared_sandbox, shared_keeper, objects=INVOICES) as accountview:
        order = create_record(accountview, desired, links).reference
        invoice = create_record(accountview, more, links, keep=False).reference
        current = look_up_record(accountview, desired, links)
        assert (current.reference, current.other_references) == (order, (invoice,))
        (row,) = (header for header in shared_sandbox.state("K9_INV") if header["COMMENT1"] == "MPLUS-683")
        for line in [detail for detail in shared_sandbox.state("K9_INVL") if detail["HDR_ID"] == row["REC_ID"]]:
            shared_sandbox.accountview.edit("K9_INVL", str(line["REC_ID"]), {"ART_QTY": 1})
        current = look_up_record(accountview, desired, links)
        assert (current.reference, current.other_references) == (order, ())


def test_without_an_object_for_trade_invoices_none_is_written(books: AccountView, links: Links) -> None:
    with pytest.raises(RejectedError, match="object_missing"):
        create_record(books, an_order("681", trade_invoice=True), links)


# ---- pages of a daybook


def test_lines_are_numbered_in_the_order_they_were_posted(books: AccountView, links: Links) -> None:
    lines = tuple(a_line(place, quantity=Decimal(place)) for place in range(1, 13))
    desired = an_order("606", lines)
    create_record(books, desired, links)
    assert [part.values["quantity"] for part in look_up_record(books, desired, links).record.parts] == list(
        range(1, 13)
    )
