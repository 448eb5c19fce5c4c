"""Search keys: the words by which people know a record."""

from dataclasses import replace
from decimal import Decimal

from integration.core.plan import Action, Change
from integration.core.records import Kind, Record, Value
from integration.core.search_keys import display_facts, document_total, search_keys


def test_a_document_of_the_till_is_known_by_what_its_parts_say() -> None:
    parts = (
        Record(Kind.RELATION, "c", {"name": "Vos", "email": "vos@post.example"}),
        Record(Kind.PAYMENT, "p", {"reference": "tr_1"}),
        Record(Kind.PAYMENT, "q", {"reference": "tr_1"}),
        Record(Kind.PAYMENT, "r", {}),
    )
    document = Record(Kind.ORDER, "1", {"total_incl": Decimal("12.50")}, parts)
    assert search_keys(document) == {
        "customer": "Vos",
        "email": "vos@post.example",
        "total": "12.50",
        "payment": "tr_1",
    }


def test_a_document_as_it_was_booked_says_it_itself() -> None:
    values: dict[str, Value] = {"customer": "Vos", "email": "vos@post.example", "sold_incl": Decimal(3)}
    assert search_keys(Record(Kind.SALES_ORDER, "1", values)) == {
        "customer": "Vos", "email": "vos@post.example", "total": "3",
    }  # fmt: skip


def test_what_has_none_of_it_is_known_by_nothing_else() -> None:
    assert search_keys(Record(Kind.PRODUCT, "1", {"name": "Tea", "total_incl": "12"})) == {}


def test_a_document_comes_to_its_total_and_a_page_to_its_revenue() -> None:
    assert document_total(Record(Kind.SALES_ORDER, "1", {"sold_incl": Decimal("-3.10")})) == Decimal("-3.10")
    assert document_total(Record(Kind.DAY_PAGE, "1", {"sold_incl": Decimal(210), "name": "Tea"})) == Decimal("210.00")
    assert document_total(Record(Kind.PRODUCT, "1", {"name": "Tea"})) is None


def test_a_payment_is_known_by_its_debtor_and_comes_to_its_amount() -> None:
    paid = Record(Kind.SETTLEMENT, "1", {"customer": "Vos", "amount": Decimal("121.00")})
    assert search_keys(paid) == {"customer": "Vos", "total": "121.00"}
    assert document_total(paid) == Decimal("121.00")


def test_a_change_is_reported_with_the_unit_of_what_it_counts_where_that_is_known() -> None:
    stock = Record(Kind.STOCK, "1001", {"number": "1001"})
    change = Change(
        action=Action.UPDATE, kind=Kind.STOCK, key="1001", title="Tea", sources=(), desired=stock,
        before=stock, agreed=stock,
    )  # fmt: skip
    assert display_facts(change) == {}
    assert display_facts(replace(change, unit="KILO")) == {"unit": "KILO"}
