"""The till as a source of documents, against the till sandbox, compared with its stored documents."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import httpx
import pytest
from lxml import etree
from pydantic import SecretStr
from structlog.testing import capture_logs

from integration.connectors.http import Gateway
from integration.connectors.mplus.client import NAMESPACE, SOAP, Client, qualified
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.documents import CODES_SECONDS, TillDocuments
from integration.connectors.mplus.settings import MplusSettings
from integration.core.errors import MalformedAnswerError, UnavailableError
from integration.core.records import Batch, Kind, Record, Unreadable, kinds, record_from_json, record_to_json
from integration.sandbox.server import Sandbox
from tests.connectors.canned import Canned
from tests.connectors.mplus.tills import NOWHERE, a_till, answering, call_names, settings_of

TABLES = {kind: f"{kind}s" for kind in (Kind.ORDER, Kind.INVOICE, Kind.RECEIPT, Kind.PROPOSAL)}
IDS = {kind: f"{kind}Id" for kind in TABLES}
OPERATIONS = {kind: f"get{kind.capitalize()}s" for kind in TABLES}
REPAIR_HOUR = "9900002"
Extracted = dict[Kind, dict[str, Record]]
EVERY_KIND = pytest.mark.parametrize("kind", list(TABLES))


@pytest.fixture(scope="module")
def documents_by_key(module_sandbox: Sandbox) -> Extracted:
    """Every document of the shared till by key, read once because no test changes them."""
    module_sandbox.switches.disarm()
    till = a_till(module_sandbox)
    documents = {kind: extract_all(till, kind) for kind in TABLES}
    till.close()
    return documents


def pages(till: Mplus, kind: Kind, since: str | None = None) -> list[Batch]:
    """Return an extract, page by page."""
    batches = [till.extract(kind, since)]
    while batches[-1].after is not None:
        batches.append(till.extract(kind, since, batches[-1].after))
    return batches


def extract_all(till: Mplus, kind: Kind, since: str | None = None) -> dict[str, Record]:
    """Return the records of an extract by their keys; none comes twice."""
    records = [record for batch in pages(till, kind, since) for record in batch.records]
    assert len({record.key for record in records}) == len(records)
    return {record.key: record for record in records}


def stored_documents(sandbox: Sandbox, kind: Kind) -> dict[str, dict[str, Any]]:
    """Return the documents as the till keeps them, by id."""
    return {document[IDS[kind]]: document for document in sandbox.state(TABLES[kind], "mplus")}


def parts(record: Record, kind: Kind) -> list[Record]:
    """Return the parts of one kind."""
    return [part for part in record.parts if part.kind is kind]


def day(shape: Mapping[str, int] | None) -> date | None:
    """Return a day as the till keeps it."""
    return date(shape["year"], shape["mon"], shape["day"]) if shape else None


def euros(cents: int | None) -> Decimal | None:
    """Return an amount as the till keeps it."""
    return None if cents is None else Decimal(cents) / 100


def text(number: int | None) -> str | None:
    """Return a number as a code."""
    return None if number is None else str(number)


def tail(word: str | None, start: str) -> str | None:
    """Return a word of the interface in lower case, without its prefix."""
    return None if word is None else word.removeprefix(start).lower()


# ---- every field


def head_of(kind: Kind, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a document the till keeps should have, written down a second time."""
    number = document[f"{kind}Number"]
    places = ("branchNumber", "workplaceNumber", "year", "number")
    entered = document["entryTimestamp"]
    clock = "{year}-{mon:02}-{day:02}T{hour:02}:{min:02}:{sec:02}".format(**entered)
    zone = timezone(timedelta(minutes=entered["timezone"]))
    state = tail(document.get("state"), f"{kind.upper()}-STATE-")
    methods = {payment["method"] for payment in payments_of(document)}
    cancelled = {
        Kind.ORDER: document.get("cancelState") == "ORDER-CANCEL-STATE-COMPLETE", Kind.PROPOSAL: state == "cancelled",
    }  # fmt: skip
    values = {
        "number": ".".join(str(number[name]) for name in places if name in number),
        "external_id": document.get("extOrderId"),
        "type": document[f"{kind}Type"].removeprefix(f"{kind.upper()}-TYPE-"),
        "date": day(document["financialDate"]),
        "entered": datetime.fromisoformat(clock).replace(tzinfo=zone).astimezone(UTC),
        "delivery_date": day(document.get("deliveryDate")),
        "due_date": day(document.get("dueDate")),
        "branch": text(document["financialBranchNumber"]),
        "entry_branch": text(document["entryBranchNumber"]),
        "workplace": text(document["workplaceNumber"]),
        "employee": text(document["employeeNumber"]),
        "category": text(document.get("orderCategoryNumber")),
        "delivery_state": tail(document.get("deliveryState"), "ORDER-DELIVERY-STATE-"),
        "cancel_state": tail(document.get("cancelState"), "ORDER-CANCEL-STATE-"),
        "complete_state": tail(document.get("completeState"), "ORDER-COMPLETE-STATE-"),
        "state": state,
        "cancelled": cancelled.get(kind),
        "paid": {Kind.ORDER: document.get("fullyPaid"), Kind.PROPOSAL: None}.get(kind, state in ("paid", "handled")),
        "vat_method": tail(document["vatMethod"], "VAT-METHOD-"),
        "total_incl": euros(document["totalInclAmount"]),
        "total_excl": euros(document["totalExclAmount"]),
        "paid_amount": euros(document.get("prepaidAmount", document.get("paidAmount"))),
        "reference": document.get("reference"),
        "relation": text(document.get("relationNumber")) or "",
        "delivery_method": document.get("deliveryMethod"),
        "payment_method": methods.pop() if len(methods) == 1 else None,
        "credit_of": document.get("creditedInvoiceId") or document.get("creditedReceiptId"),
        "marker": text(document["syncMarker"]),
        "counter": text(document["changeCounter"]),
    }
    return {name: value for name, value in values.items() if value is not None}


def payments_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the payments of a document that the till keeps; a proposal has none."""
    payments: list[dict[str, Any]] = document.get("paymentList", {}).get("payment", [])
    return payments


def line_of(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a line the till keeps should have."""
    data = line["data"]
    values = {
        "article": text(line["articleNumber"]) if line["articleNumber"] else "",
        "code": "",
        "text": line["text"],
        "quantity": Decimal(data["quantity"]).scaleb(-data["decimalPlaces"]),
        "price_incl": euros(data["price"]),
        "price_excl": euros(data["priceExcl"]),
        "discount_percent": euros(data.get("discountPercentage")),
        "amount_incl": euros(data["totalInclAmount"]),
        "amount_excl": euros(data["totalExclAmount"]),
        "vat_code": text(data["vatCode"]),
        "vat_percent": euros(data["vatPercentage"]),
        "turnover_group": text(data["turnoverGroup"]),
    }
    return {name: value for name, value in values.items() if value is not None}


@EVERY_KIND
def test_every_document_of_the_till_is_extracted_with_every_field(
    sandbox: Sandbox, documents_by_key: Extracted, kind: Kind
) -> None:
    records, documents = documents_by_key[kind], stored_documents(sandbox, kind)
    assert records.keys() == documents.keys()
    for key, record in records.items():
        assert record.kind is kind
        ours = head_of(kind, documents[key])
        assert {name: record.values.get(name) for name in ours} == ours
        absent = {"delivery_date", "due_date", "state", "cancelled", "paid", "payment_method", "credit_of"}
        absent -= ours.keys()
        assert not absent & record.values.keys()


@EVERY_KIND
def test_every_line_is_extracted_with_every_field(sandbox: Sandbox, documents_by_key: Extracted, kind: Kind) -> None:
    documents = stored_documents(sandbox, kind)
    for key, record in documents_by_key[kind].items():
        lines = parts(record, Kind.LINE)
        expected = [line_of(till_line) for till_line in documents[key]["lineList"]["line"]]
        assert [{name: line.values.get(name) for name in ours} for line, ours in zip(lines, expected, strict=True)] == (
            expected
        )
        assert [line.key for line in lines] == [str(place) for place in range(1, len(lines) + 1)]


@EVERY_KIND
def test_vat_and_payments_are_extracted_with_every_field(
    sandbox: Sandbox, documents_by_key: Extracted, kind: Kind
) -> None:
    documents = stored_documents(sandbox, kind)
    for key, record in documents_by_key[kind].items():
        assert {part.key: part.values for part in parts(record, Kind.VAT)} == {
            f"vat:{place}": {
                "code": text(vat_group["vatCode"]),
                "percent": euros(vat_group["vatPercentage"]),
                "excl": euros(vat_group["exclAmount"]),
                "vat": euros(vat_group["vatAmount"]),
            }
            for place, vat_group in enumerate(documents[key]["vatGroupList"]["vatGroup"], 1)
        }
        assert {part.key: part.values for part in parts(record, Kind.PAYMENT)} == {
            f"payment:{place}": {
                "method": payment["method"],
                "name": payment["description"],
                "type": payment["paymentMethodType"].removeprefix("PAYMENT-METHOD-TYPE-").lower(),
                "amount": euros(payment["amount"]),
                "date": day(payment["financialDate"]),
                **({"reference": payment["externalReference"]} if "externalReference" in payment else {}),
            }
            for place, payment in enumerate(payments_of(documents[key]), 1)
        }


@EVERY_KIND
def test_lines_and_vat_add_up_to_the_document(documents_by_key: Extracted, kind: Kind) -> None:
    for record in documents_by_key[kind].values():
        lines, vat = parts(record, Kind.LINE), parts(record, Kind.VAT)
        assert sum(line.values["amount_incl"] for line in lines) == record.values["total_incl"]  # type: ignore[misc]
        assert sum(vat_part.values["excl"] for vat_part in vat) == record.values["total_excl"]  # type: ignore[misc]


@EVERY_KIND
def test_the_customer_is_in_the_document_as_the_till_holds_it_now(
    sandbox: Sandbox, documents_by_key: Extracted, kind: Kind
) -> None:
    cards = {str(relation["relationNumber"]): relation for relation in sandbox.state("relations", "mplus")}
    ours = {
        "name": "name", "company": "companyName", "contact": "contact", "street": "address", "postcode": "zipcode",
        "city": "city", "country": "country", "phone": "telephone", "email": "email", "vat_number": "vatNumber",
        "chamber_number": "commerceNumber", "external_id": "extRelationId",
    }  # fmt: skip
    with_customer = [record for record in documents_by_key[kind].values() if record.values["relation"]]
    assert with_customer
    for record in with_customer:
        card = cards[str(record.values["relation"])]
        (customer,) = parts(record, Kind.RELATION)
        assert customer.key == "customer"
        assert {name: customer.values.get(name) for name in ours} == {name: card.get(ours[name]) for name in ours}
        assert customer.values["price_group"] == text(card["priceGroupNumber"])
        assert customer.values["vat_method"] == "inclusive"
        assert customer.values["marker"] == text(card["syncMarker"])
        assert record.values["country"] == card["country"]


def test_a_delivery_address_is_a_part_and_a_receipt_has_none(sandbox: Sandbox, documents_by_key: Extracted) -> None:
    documents = stored_documents(sandbox, Kind.ORDER)
    for key, record in documents_by_key[Kind.ORDER].items():
        address = documents[key].get("deliveryAddress")
        expected = [] if address is None else [
            {
                "name": address["name"], "contact": address["contact"], "street": address["address"],
                "postcode": address["zipcode"], "city": address["city"], "country": address["country"],
            }
        ]  # fmt: skip
        assert [dict(part.values) for part in parts(record, Kind.ADDRESS)] == expected
    assert not any(parts(record, Kind.ADDRESS) for record in documents_by_key[Kind.RECEIPT].values())


@pytest.mark.parametrize("kind", [Kind.ORDER, Kind.RECEIPT])
def test_a_document_without_a_customer_has_no_such_part(documents_by_key: Extracted, kind: Kind) -> None:
    walk_ins = [record for record in documents_by_key[kind].values() if record.values["relation"] == ""]
    assert walk_ins
    assert not any(parts(record, Kind.RELATION) or "country" in record.values for record in walk_ins)


@EVERY_KIND
def test_keys_of_parts_are_unique_and_records_survive_storage(documents_by_key: Extracted, kind: Kind) -> None:
    for record in documents_by_key[kind].values():
        names = Counter(part.key for part in record.parts)
        assert not names or max(names.values()) == 1
        assert record_from_json(json.loads(json.dumps(record_to_json(record)))) == record


@EVERY_KIND
def test_every_value_is_of_a_field_that_is_offered(documents_by_key: Extracted, till: Mplus, kind: Kind) -> None:
    offered = {part: {field.name for field in till.fields(part)} for part in kinds()}
    for record in documents_by_key[kind].values():
        assert record.values.keys() <= offered[kind]
        for part in record.parts:
            assert part.values.keys() <= offered[part.kind] | {"marker"}


def test_fields_have_one_name_each_a_caption_and_ours_first(till: Mplus) -> None:
    for kind in (*TABLES, Kind.LINE, Kind.VAT, Kind.PAYMENT, Kind.ADDRESS):
        fields = till.fields(kind)
        assert all(field.kind is kind and field.caption for field in fields)
        assert len({field.name for field in fields}) == len(fields)
    assert [field.name for field in till.fields(Kind.LINE)][:4] == ["article", "text", "code", "quantity"]


def test_an_invoice_says_from_which_orders_it_comes(own_sandbox: Sandbox) -> None:
    till = a_till(own_sandbox)
    open_orders = {
        key: record
        for key, record in extract_all(till, Kind.ORDER).items()
        if record.values["delivery_state"] == "nothing" and not record.values["cancelled"]
    }
    key = next(iter(open_orders))
    client = Client(till.settings)
    payment = {"method": "PIN", "amount": 10_000_000}
    client.write("payOrder", request={"orderId": key, "prepay": False, "paymentList": {"payment": [payment]}})
    client.close()
    newest = max(extract_all(till, Kind.INVOICE).values(), key=lambda record: int(str(record.values["marker"])))
    till.close()
    assert newest.values["orders"] == (key,)
    assert "orders" not in open_orders[key].values


# ---- pages and markers


@EVERY_KIND
def test_pages_are_not_sorted_and_still_hold_every_document_once(sandbox: Sandbox, kind: Kind) -> None:
    till = a_till(sandbox, document_page=7)
    batches = pages(till, kind)
    till.close()
    markers = [[int(str(record.values["marker"])) for record in batch.records] for batch in batches]
    assert any(page != sorted(page) for page in markers)
    assert sorted(marker for page in markers for marker in page) == sorted(
        document["syncMarker"] for document in stored_documents(sandbox, kind).values()
    )
    assert [batch.after for batch in batches[:-1]] == [str(max(page) + 1) for page in markers[:-1]]
    assert [batch.stamp for batch in batches[:-1]] == [str(max(page)) for page in markers[:-1]]
    assert batches[-1] == Batch((), None, batches[-2].stamp)


def test_a_page_can_be_read_again(sandbox: Sandbox) -> None:
    till = a_till(sandbox, document_page=20)
    first = till.extract(Kind.ORDER)
    assert till.extract(Kind.ORDER, None, first.after) == till.extract(Kind.ORDER, None, first.after)
    till.close()


def test_what_changes_while_pages_turn_comes_once_more(own_sandbox: Sandbox) -> None:
    till = a_till(own_sandbox, document_page=20)
    first = till.extract(Kind.ORDER)
    behind = first.records[0].key
    own_sandbox.till.edit("orders", behind, {"reference": "changed"})
    rest = till.extract(Kind.ORDER, None, first.after)
    while behind not in {record.key for record in rest.records}:
        assert rest.after is not None
        rest = till.extract(Kind.ORDER, None, rest.after)
    till.close()


def test_an_incremental_extract_holds_what_changed_and_the_overlap_only(own_sandbox: Sandbox) -> None:
    till = a_till(own_sandbox, document_overlap=3)
    stamp = pages(till, Kind.ORDER)[-1].stamp
    assert stamp == "60"
    own_sandbox.till.edit("orders", "WEB-00005", {"reference": "changed"})
    batch = till.extract(Kind.ORDER, stamp)
    till.close()
    assert sorted(int(str(record.values["marker"])) for record in batch.records) == [57, 58, 59, 60, 61]
    assert next(record.values["reference"] for record in batch.records if record.values["marker"] == "61") == "changed"
    assert (batch.after, batch.stamp) == (None, "61")


def test_the_overlap_ends_where_markers_begin(sandbox: Sandbox) -> None:
    till = a_till(sandbox, document_overlap=10_000)
    assert len(till.extract(Kind.ORDER, "60").records) == 60
    till.close()


def test_a_stamp_never_falls_while_the_marker_does_not(sandbox: Sandbox) -> None:
    till = a_till(sandbox, document_overlap=30, document_page=5)
    first = till.extract(Kind.ORDER, "60")
    assert first.stamp == "60"
    assert first.after == "35"
    assert extract_all(till, Kind.ORDER, "60").keys() == {
        key for key, document in stored_documents(sandbox, Kind.ORDER).items() if document["syncMarker"] >= 30
    }
    till.close()


@EVERY_KIND
def test_a_marker_that_went_back_is_reported_and_everything_is_read(sandbox: Sandbox, till: Mplus, kind: Kind) -> None:
    present = max(document["syncMarker"] for document in stored_documents(sandbox, kind).values())
    with capture_logs() as lines:
        batches = pages(till, kind, str(present + 5000))
    assert {record.key for batch in batches for record in batch.records} == stored_documents(sandbox, kind).keys()
    assert batches[-1].stamp == str(present)
    (line,) = lines
    assert line["event"] == "marker_went_back"
    assert line["log_level"] == "warning"
    assert (line["since"], line["present"], line["kind"]) == (present + 5000, present, kind)


def test_the_marker_that_is_exactly_the_present_one_did_not_go_back(sandbox: Sandbox, till: Mplus) -> None:
    assert stored_documents(sandbox, Kind.ORDER)
    with capture_logs() as lines:
        assert len(till.extract(Kind.ORDER, "60").records) == 26
    assert lines == []


# ---- how many calls


ONCE = ("getReceipts",)  # how the list is ordered is looked at on its first page
ARTICLE_LOOKUPS = ("getProducts",)  # articles that the till does not have: whether it held them back


def test_a_page_of_documents_takes_three_calls(sandbox: Sandbox, till: Mplus) -> None:
    first = till.extract(Kind.RECEIPT)
    assert len(first.records) == 200
    assert call_names(sandbox) == ["getReceipts", *ONCE, "getRelations", "getProducts", *ARTICLE_LOOKUPS]
    sandbox.ledger.clear()
    till.extract(Kind.RECEIPT, None, first.after)
    assert call_names(sandbox) == ["getReceipts", "getRelations", "getProducts", *ARTICLE_LOOKUPS]


def test_the_first_page_of_an_incremental_extract_takes_one_call_more_and_the_last_none(
    sandbox: Sandbox, till: Mplus
) -> None:
    till.extract(Kind.ORDER, "60")
    sandbox.ledger.clear()
    assert till.extract(Kind.ORDER, "60").after is None
    assert call_names(sandbox) == [
        "getCurrentSyncMarkers",
        "getOrders",
        "getRelations",
        "getProducts",
        *ARTICLE_LOOKUPS,
    ]


def test_a_complete_extract_ends_with_one_empty_answer(sandbox: Sandbox, till: Mplus) -> None:
    pages(till, Kind.INVOICE)
    assert call_names(sandbox) == [
        "getInvoices",
        "getInvoices",
        "getRelations",
        "getProducts",
        *ARTICLE_LOOKUPS,
        "getInvoices",
    ]


def test_customers_and_articles_are_asked_for_each_once(sandbox: Sandbox, till: Mplus) -> None:
    records = till.extract(Kind.ORDER).records
    calls = {call.operation: call.keys for call in reversed(sandbox.ledger.calls("mplus"))}
    assert set(calls["getRelations"]) == {
        str(record.values["relation"]) for record in records if record.values["relation"]
    }
    assert set(calls["getProducts"]) == {
        line.values["article"] for record in records for line in parts(record, Kind.LINE)
    }


def test_without_customers_no_customer_is_asked_for(own_sandbox: Sandbox) -> None:
    till = a_till(own_sandbox)
    keys = [
        key for key, document in stored_documents(own_sandbox, Kind.RECEIPT).items() if "relationNumber" not in document
    ]
    assert len(till.fetch(Kind.RECEIPT, keys[:3])) == 3
    assert set(call_names(own_sandbox)) == {"getReceipts", "getProducts"}
    till.close()


# ---- documents by their ids


@EVERY_KIND
def test_documents_are_fetched_by_their_ids_as_they_are_extracted(
    documents_by_key: Extracted, till: Mplus, kind: Kind
) -> None:
    records = documents_by_key[kind]
    keys = list(records)[:5]
    fetched = till.fetch(kind, [*keys, "not-there", "", "with\ta tab"])
    assert {record.key: record for record in fetched} == {key: records[key] for key in keys}


@EVERY_KIND
def test_many_ids_are_fetched_in_portions(sandbox: Sandbox, kind: Kind) -> None:
    till = a_till(sandbox, document_page=5)
    keys = list(stored_documents(sandbox, kind))[:12]
    assert {record.key for record in till.fetch(kind, keys)} == set(keys)
    till.close()
    assert call_names(sandbox).count(OPERATIONS[kind]) == -(-len(keys) // 5)


def test_no_ids_ask_nothing(sandbox: Sandbox, till: Mplus) -> None:
    assert till.fetch(Kind.ORDER, []) == []
    assert call_names(sandbox) == []


# ---- external article ids


def test_lines_carry_the_external_id_of_their_article(own_sandbox: Sandbox) -> None:
    own_sandbox.till.edit("articles", REPAIR_HOUR, {"extArticleId": "REPARATIE"})
    till = a_till(own_sandbox)
    lines = [line for record in extract_all(till, Kind.ORDER).values() for line in parts(record, Kind.LINE)]
    till.close()
    assert {line.values["code"] for line in lines if line.values["article"] == REPAIR_HOUR} == {"REPARATIE"}
    assert {line.values["code"] for line in lines if line.values["article"] != REPAIR_HOUR} == {""}


def test_an_external_id_is_remembered_for_a_short_time_and_a_missing_one_is_not(own_sandbox: Sandbox) -> None:
    now = [1000.0]
    client = Client(settings_of(own_sandbox))
    documents = TillDocuments(settings_of(own_sandbox), client, clock=lambda: now[0])
    own_sandbox.till.edit("articles", REPAIR_HOUR, {"extArticleId": "REPARATIE"})

    def requested_articles() -> set[str]:
        own_sandbox.ledger.clear()
        documents.extract(Kind.ORDER, None, None)
        calls = [call.keys for call in own_sandbox.ledger.calls("mplus") if call.operation == "getProducts"]
        assert all({*calls[0]} >= {*call} for call in calls[1:])
        return set(calls[0])

    everyone = requested_articles()
    assert REPAIR_HOUR in everyone
    now[0] += CODES_SECONDS - 1
    assert requested_articles() == everyone - {REPAIR_HOUR}
    now[0] += 1
    assert requested_articles() == everyone
    client.close()


def test_a_fetch_asks_for_external_ids_anew(own_sandbox: Sandbox) -> None:
    own_sandbox.till.edit("articles", REPAIR_HOUR, {"extArticleId": "REPARATIE"})
    till = a_till(own_sandbox)
    with_repair = next(
        record
        for record in extract_all(till, Kind.ORDER).values()
        if any(line.values["article"] == REPAIR_HOUR for line in parts(record, Kind.LINE))
    )
    own_sandbox.till.edit("articles", REPAIR_HOUR, {"extArticleId": "UURLOON"})
    (order,) = till.fetch(Kind.ORDER, [with_repair.key])
    till.close()
    assert "UURLOON" in {line.values["code"] for line in parts(order, Kind.LINE)}


# ---- the digest


def digest_after(own: Sandbox, **values: Any) -> tuple[str, str]:
    """Return the digest of one order before and after a person at the till changed it."""
    till = a_till(own)
    key = next(
        key
        for key, document in stored_documents(own, Kind.ORDER).items()
        if document["deliveryState"].endswith("NOTHING")
    )
    (before,) = till.fetch(Kind.ORDER, [key])
    own.till.edit("orders", key, values)
    (after,) = till.fetch(Kind.ORDER, [key])
    till.close()
    assert before.values["marker"] != after.values["marker"]
    return str(before.values["digest"]), str(after.values["digest"])


def test_delivery_payment_and_counters_do_not_change_the_digest(own_sandbox: Sandbox) -> None:
    before, after = digest_after(
        own_sandbox,
        deliveryState="ORDER-DELIVERY-STATE-COMPLETE",
        completeState="ORDER-COMPLETE-STATE-COMPLETE",
        fullyPaid=True,
        prepaidAmount=999,
        orderCategoryNumber=4,
    )
    assert len(before) == 64
    assert before == after


@pytest.mark.parametrize(
    "values",
    [
        {"cancelState": "ORDER-CANCEL-STATE-COMPLETE"},
        {"relationNumber": 1007},
        {"financialDate": {"day": 31, "mon": 1, "year": 2026}},
        {"totalInclAmount": 12},
        {"lineList": [{"articleNumber": 10016, "data": {"quantity": 1, "price": 5, "totalInclAmount": 5}}]},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_the_books_take_over_changes_the_digest(own_sandbox: Sandbox, values: dict[str, Any]) -> None:
    before, after = digest_after(own_sandbox, **values)
    assert before != after


def test_days_that_deliver_orders_leave_their_digest_unless_one_was_cancelled_before(own_sandbox: Sandbox) -> None:
    till = a_till(own_sandbox)
    before = extract_all(till, Kind.ORDER)
    for _ in range(3):
        own_sandbox.till.advance_day()
    after = extract_all(till, Kind.ORDER)
    till.close()
    moved = [key for key, record in before.items() if after[key].values["marker"] != record.values["marker"]]
    assert len(moved) > 1
    for key in moved:
        same = before[key].values["cancelled"] == after[key].values["cancelled"]
        assert (before[key].values["digest"] == after[key].values["digest"]) == same


def test_a_word_that_the_interface_did_not_have_is_handed_on_as_it_is(own_sandbox: Sandbox) -> None:
    till = a_till(own_sandbox)
    key = next(iter(extract_all(till, Kind.ORDER)))
    own_sandbox.till.edit("orders", key, {"cancelState": "ORDER-CANCEL-STATE-WITHDRAWN"})
    (order,) = till.fetch(Kind.ORDER, [key])
    values = order.values
    till.close()
    assert values["cancel_state"] == "withdrawn"
    assert "cancelled" not in values


# ---- how this till writes numbers


@pytest.mark.parametrize(
    ("hundredths", "places"),
    [
        (True, "always"),
        (False, "when needed"),
        *(pytest.param(*case, marks=pytest.mark.long) for case in ((True, "when needed"), (False, "always"))),
    ],
)
def test_quantities_and_percentages_mean_the_same_however_they_are_written(
    own_sandbox: Sandbox, places: str, *, hundredths: bool
) -> None:
    own_sandbox.till.edit("conventions", "decimal_places", {"value": places})
    own_sandbox.till.edit("conventions", "percentages_in_hundredths", {"value": hundredths})
    till = a_till(own_sandbox)
    before = extract_all(till, Kind.RECEIPT).keys()
    own_sandbox.till.advance_day()
    own_sandbox.till.advance_day()
    lines = [
        line
        for key, record in extract_all(till, Kind.RECEIPT).items()
        if key not in before
        for line in parts(record, Kind.LINE)
    ]
    till.close()
    assert {line.values["vat_percent"] for line in lines} <= {Decimal(0), Decimal(9), Decimal(21)}
    assert {line.values.get("discount_percent") for line in lines} > {None}
    assert {line.values.get("discount_percent") for line in lines} <= {None, Decimal(10), Decimal(15), Decimal(25)}
    for line in lines:
        quantity, price = line.values["quantity"], line.values["price_incl"]
        assert isinstance(quantity, Decimal)
        assert isinstance(price, Decimal)
        share = line.values.get("discount_percent", Decimal(0))
        assert isinstance(share, Decimal)
        assert abs(quantity * price * (100 - share) / 100 - Decimal(str(line.values["amount_incl"]))) < Decimal("0.02")


# ---- trouble


@pytest.mark.parametrize("operation", ["getOrders", "getRelations", "getProducts", "getCurrentSyncMarkers"])
def test_half_an_answer_is_asked_for_again(sandbox: Sandbox, till: Mplus, operation: str) -> None:
    till.extract(Kind.ORDER, "60")
    sandbox.ledger.clear()
    till.extract(Kind.ORDER, "60")
    times = call_names(sandbox).count(operation)
    sandbox.ledger.clear()
    sandbox.switches.arm("half", system="mplus", operation=operation, times=1)
    assert len(till.extract(Kind.ORDER, "60").records) == 26
    assert call_names(sandbox).count(operation) == times + 1


@pytest.mark.parametrize("operation", ["getOrders", "getRelations", "getProducts", "getCurrentSyncMarkers"])
def test_half_an_answer_is_never_taken_for_a_whole_one(sandbox: Sandbox, till: Mplus, operation: str) -> None:
    sandbox.switches.arm("half", system="mplus", operation=operation, times=None)
    with pytest.raises(UnavailableError):
        till.extract(Kind.ORDER, "60")


def a_source(*answers: str) -> tuple[TillDocuments, list[etree._Element]]:
    """Return a source whose till gives these answers in turn, and the questions it gets."""
    questions: list[etree._Element] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if b"getCurrentSyncMarkers" in request.content:  # the till does not tell its present marker
            return httpx.Response(200, content=orders().replace("GetOrders", "GetCurrentSyncMarkers").encode())
        questions.append(next(etree.fromstring(request.content).iter(qualified("getOrders"))))
        body = answers[min(len(questions), len(answers)) - 1]
        return httpx.Response(200, content=body.encode())

    settings = MplusSettings(url="http://127.0.0.1:18083/", ident="i", secret=SecretStr("s"), per_second=10_000)
    gateway = Gateway(
        system="MplusKASSA",
        host_shown="",
        limits=settings.limits,
        secrets=("s",),
        transport=Canned(answer),
    )
    return TillDocuments(settings, Client(settings, gateway)), questions


def orders(*markers: str) -> str:
    """Return an answer with one bare order for each marker."""
    elements = "".join(
        f"<ns:order><ns:orderId>o{marker}</ns:orderId>"
        + (f"<ns:syncMarker>{marker}</ns:syncMarker>" if marker else "")
        + "</ns:order>"
        for marker in markers
    )
    return (
        f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}" xmlns:ns="urn:mplusqapi"><SOAP-ENV:Body><ns:GetOrdersResponse>'
        f"<ns:orderList>{elements}</ns:orderList></ns:GetOrdersResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )


def test_an_answer_that_breaks_off_tells_how_many_documents_came() -> None:
    whole = orders("1", "2", "3")
    source, questions = a_source(whole[: whole.index("<ns:orderId>o3")])
    with pytest.raises(UnavailableError, match="answer_incomplete") as caught:
        source.extract(Kind.ORDER, None, None)
    assert caught.value.facts["count"] == "2"
    assert len(questions) == 3


def test_nothing_but_the_marker_restricts_what_is_asked() -> None:
    source, questions = a_source(orders("9"))
    assert source.extract(Kind.ORDER, None, "8").stamp == "9"
    request = questions[0].find(qualified("request"))
    assert request is not None
    assert [(etree.QName(child).localname, child.text) for child in request] == [
        ("syncMarker", "8"),
        ("syncMarkerLimit", "200"),
        ("articlePluNumbers", None),
        ("articleBarcodes", None),
        ("includeLineList", "true"),
    ]


@pytest.mark.parametrize("marker", ["7", "", "x"])
def test_documents_that_would_turn_pages_backwards_or_not_at_all_are_unreadable(marker: str) -> None:
    source, _ = a_source(orders(marker))
    with pytest.raises(MalformedAnswerError, match=r"answer_(unreadable|incomplete)"):
        source.extract(Kind.ORDER, None, "8")


def test_a_till_without_documents_has_a_stamp_all_the_same() -> None:
    source, _ = a_source(orders())
    assert source.extract(Kind.ORDER, None, None) == Batch((), None, "0")


LINE = "<ns:lineList><ns:line><ns:data>{}</ns:data></ns:line></ns:lineList>"
DAY = "<ns:day>{}</ns:day><ns:mon>{}</ns:mon><ns:year>2026</ns:year>"
WRONG = {
    "financialDate": f"<ns:financialDate>{DAY.format(31, 2)}</ns:financialDate>",
    "quantity": LINE.format("<ns:quantity>1.5</ns:quantity>"),
    "price": LINE.format(f"<ns:price>{'9' * 40}</ns:price>"),
    "totalInclAmount": "<ns:totalInclAmount>veel</ns:totalInclAmount>",
    "articleNumber": "<ns:lineList><ns:line><ns:articleNumber>x1</ns:articleNumber></ns:line></ns:lineList>",
    "relationNumber": "<ns:relationNumber>nobody</ns:relationNumber>",
    "exclAmount": "<ns:vatGroupList><ns:vatGroup><ns:exclAmount>21%</ns:exclAmount></ns:vatGroup></ns:vatGroupList>",
    "entryTimestamp": f"<ns:entryTimestamp>{DAY.format(1, 1)}<ns:hour>25</ns:hour></ns:entryTimestamp>",
}


@pytest.mark.parametrize("field", WRONG)
def test_a_document_that_cannot_be_read_stands_among_the_others_as_such(field: str) -> None:
    answer = orders("1", "2", "3").replace("<ns:orderId>o2</ns:orderId>", f"<ns:orderId>o2</ns:orderId>{WRONG[field]}")
    for records in (
        a_source(answer)[0].extract(Kind.ORDER, None, "1").records,
        tuple(a_source(answer)[0].fetch(Kind.ORDER, ["o1", "o2", "o3"])),
    ):
        first, wrong, last = records
        assert (first.key, last.key) == ("o1", "o3")
        assert isinstance(wrong, Unreadable)
        assert (wrong.kind, wrong.key, wrong.field) == (Kind.ORDER, "o2", field)
        assert WRONG[field] in "".join(line.strip() for line in wrong.raw.splitlines())
        assert not any(isinstance(record, Unreadable) for record in (first, last))


def test_a_document_whose_customer_does_not_say_who_it_is_waits() -> None:
    def answer(request: httpx.Request) -> str:
        if b"getRelations" in request.content:
            relation = "<relation><name>Wie?</name></relation>"
            relations = f"<relationList>{relation}</relationList>"
            return f'<GetRelationsResponse xmlns="{NAMESPACE}">{relations}</GetRelationsResponse>'
        order_elements = "".join(
            f"<order><orderId>o{number}</orderId><syncMarker>{number}</syncMarker><relationNumber>{number}</relationNumber></order>"
            for number in (0, 7)
        )
        return f'<GetOrdersResponse xmlns="{NAMESPACE}"><orderList>{order_elements}</orderList></GetOrdersResponse>'

    of_nobody, wrong = TillDocuments(NOWHERE, answering(answer)).extract(Kind.ORDER, None, "0").records
    assert not isinstance(of_nobody, Unreadable)
    assert isinstance(wrong, Unreadable)
    assert (wrong.key, wrong.field) == ("o7", "relationNumber")


def test_a_document_without_an_id_is_known_by_what_it_looks_like() -> None:
    answer = orders("1", "2").replace("<ns:orderId>o2</ns:orderId>", "")
    batches = [a_source(answer)[0].extract(Kind.ORDER, None, "1") for _ in range(2)]
    wrong = batches[0].records[1]
    assert isinstance(wrong, Unreadable)
    assert (wrong.field, wrong.key[0], len(wrong.key)) == ("orderId", "?", 13)
    assert batches[0] == batches[1]
    assert batches[0].stamp == "2"


def test_a_page_turns_by_the_markers_that_can_be_read() -> None:
    batch = a_source(orders("8", "x", ""))[0].extract(Kind.ORDER, None, "8")
    assert batch.stamp == "8"
    assert len(batch.records) == 3


def test_a_document_nobody_asked_for_is_not_fetched() -> None:
    source, _ = a_source(orders("1", "2"))
    assert [record.key for record in source.fetch(Kind.ORDER, ["o2"])] == ["o2"]


# ---- what the set-up asks


def test_choices_of_documents_come_with_captions(till: Mplus) -> None:
    assert till.choices("payment_methods")["IDEAL"] == "iDEAL"
    assert till.choices("delivery_methods") == {"PICKUP": "Afhalen", "SHIP": "Verzenden", "BIKE": "Fietskoerier"}
    assert till.choices("order_categories")["4"] == "Afgehandeld"
    assert till.choices("employees")["999999"] == "Beheerder"
    assert till.choices("branches").keys() == {"1", "2", "3"}
    assert till.choices("workplaces")["2/1"] == "AMF kassa 1"


# ---- when a customer was last sold to


def test_a_customer_was_last_sold_to_on_the_newest_day_of_its_orders_invoices_and_receipts(
    documents_by_key: Extracted, till: Mplus
) -> None:
    newest: dict[str, date] = {}
    for kind in (Kind.ORDER, Kind.INVOICE, Kind.RECEIPT):
        for record in documents_by_key[kind].values():
            relation, day = str(record.values.get("relation") or ""), record.values.get("date")
            if relation and isinstance(day, date):
                newest[relation] = max(day, newest.get(relation, day))
    days = sorted(newest.values())
    assert days
    assert till.last_activity_dates(newest, days[0]) == newest
    since = days[len(days) // 2]
    assert till.last_activity_dates([*newest, "999999"], since) == {
        customer: day for customer, day in newest.items() if day >= since
    }


def test_when_a_customer_was_last_sold_to_cannot_be_reported_where_a_newer_document_is_unclear() -> None:
    """Customers 1 to 4 have an order each, and nobody a receipt; 5 has nothing."""

    def order(relation: str, day: str) -> str:
        return f"<order><relationNumber>{relation}</relationNumber><financialDate>{day}</financialDate></order>"

    def date_xml(day: object) -> str:
        return f"<day>{day}</day><mon>3</mon><year>2026</year>"

    order_elements = [
        order("1", date_xml(5)),
        order("2", date_xml(9)),
        order("2", date_xml("?")),
        order("3", date_xml(7)),
        order("4", ""),
    ]
    no_customer = f"<order><relationNumber>0</relationNumber><financialDate>{date_xml(20)}</financialDate></order>"

    def answering_with(*more: str) -> TillDocuments:
        all_orders = "".join((*order_elements, no_customer, *more))

        def answer(request: httpx.Request) -> str:
            element = etree.fromstring(request.content).find(f".//{qualified('request')}")
            assert element is not None
            name = etree.QName(element.getparent()).localname.removeprefix("get")
            orders = f"<orderList>{all_orders}</orderList>" if name == "Orders" else ""
            return f'<Get{name}Response xmlns="{NAMESPACE}">{orders}</Get{name}Response>'

        return TillDocuments(NOWHERE, answering(answer))

    customers, since = ["1", "2", "3", "4", "5"], date(2026, 1, 1)
    first_date, third_date = date(2026, 3, 5), date(2026, 3, 7)
    assert answering_with().last_document_days(customers, since) == {
        "1": first_date,
        "2": None,
        "3": third_date,
        "4": None,
    }
    nobodys = f"<order><financialDate>{date_xml(6)}</financialDate></order>"
    unclear = {"1": None, "2": None, "3": third_date, "4": None, "5": None}
    assert answering_with(nobodys).last_document_days(customers, since) == unclear
    assert answering_with(order("viel", date_xml(6))).last_document_days(customers, since) == unclear


def test_a_document_asked_for_by_an_id_that_it_does_not_say_waits_alone() -> None:
    """Of these o3 is gone."""
    order_contents = {"o1": "<orderId>o1</orderId><syncMarker>1</syncMarker>", "o2": "<syncMarker>2</syncMarker>"}

    def answer(request: httpx.Request) -> str:
        requested_ids = [
            element.text or ""
            for element in etree.fromstring(request.content).iter(
                qualified("ids"), qualified("orderIds"), qualified("id")
            )
        ]
        order_elements = "".join(
            f"<order>{order_contents[order_id]}</order>" for order_id in requested_ids if order_id in order_contents
        )
        return f'<GetOrdersResponse xmlns="{NAMESPACE}"><orderList>{order_elements}</orderList></GetOrdersResponse>'

    records = TillDocuments(NOWHERE, answering(answer)).fetch(Kind.ORDER, ["o1", "o2", "o3"])
    assert [(record.key, isinstance(record, Unreadable)) for record in records] == [("o1", False), ("o2", True)]
