"""Erasure of a person: which data stay, which words identify the person, and their replacements."""

import json

import pytest

from integration.core.erasure import ERASED, Customer, DataSubject, customer_of, identifying_words, person_from_json
from integration.core.records import Kind, Record

ONE = Customer("39001", "62")
PERSON = DataSubject(
    ONE,
    frozenset({"doc-1"}),
    frozenset({"Anna Özdemir", "anna@post.example", "Kerklaan 7", "Bo"}),
    frozenset({"3704 JR", "Zeist"}),
)


@pytest.mark.parametrize(
    ("flow", "kind", "key", "own"),
    [
        ("customers", "relation", "39001", True),
        ("customers", "", "39001", True),
        ("customers", "relation", "62", False),
        ("orders", "debtor", "62", True),
        ("orders", "address", "62/85a9", True),
        ("orders", "address", "=39001/85a9", True),
        ("orders", "address", "621/85a9", False),
        ("orders", "sales_order", "62", False),
        ("products", "", "39001", False),
        ("customers", "unheard_of", "39001", True),
        ("orders", "unheard_of", "62/7", True),
        ("orders", "unheard_of", "621", False),
        ("unheard_of", "unheard_of", "39001", False),
    ],
)
def test_records_of_a_customer_are_known_by_flow_and_key(flow: str, kind: str, key: str, own: bool) -> None:
    assert ONE.is_described_by(flow, kind, key) is own


def test_a_customer_that_one_side_knows_has_nothing_of_the_other() -> None:
    assert Customer("39001").numbers == (("debtor", "39001"),)
    assert not Customer("39001").is_described_by("orders", "debtor", "")
    assert not Customer(relation="62").is_described_by("customers", "relation", "")
    assert not Customer(relation="62").is_described_by("orders", "address", "=/85a9")
    assert Customer(relation="62").is_described_by("orders", "debtor", "62")


def test_a_document_is_of_whom_it_names() -> None:
    assert ONE.is_named_by({"debtor": "62"})
    assert ONE.is_named_by({"debtor_number": "39001"})
    assert not ONE.is_named_by({"debtor": "39001"})
    assert not ONE.is_named_by("62")
    assert not Customer("39001").is_named_by({"debtor": ""})
    assert not Customer(relation="62").is_named_by({"debtor_number": ""})


def test_what_is_about_others_or_about_articles_stays_as_it_is() -> None:
    assert PERSON.is_of_another("customers", "relation", "39002")
    assert PERSON.is_of_another("customers", "", "39002")
    assert PERSON.is_of_another("products", "article", "39001")
    assert not PERSON.is_of_another("customers", "relation", "39001")
    assert not PERSON.is_of_another("orders", "sales_order", "doc-9")
    assert not PERSON.is_of_another("customers", "", "")


def test_words_are_redacted_wherever_they_stand_and_others_stay() -> None:
    assert PERSON.redacted("for ANNA ÖZDEMIR, by mail") == f"for {ERASED}, by mail"
    assert PERSON.redacted({"a": ["anna@post.example", 7, None], "b": ("Kerklaan 7",)}) == {
        "a": [ERASED, 7, None], "b": [ERASED],
    }  # fmt: skip
    assert PERSON.redacted("johanna@post.example, j.anna@post.example, Kerklaan 71") == (
        "johanna@post.example, j.anna@post.example, Kerklaan 71"
    )
    assert PERSON.redacted("bo") == ERASED
    assert PERSON.redacted("Bo de Wit") == "Bo de Wit"
    assert PERSON.redacted("Zeist") == "Zeist"
    assert PERSON.redacted("Zeist", near=True) == ERASED
    assert DataSubject(ONE).redacted("Anna Özdemir") == "Anna Özdemir"


def test_what_may_name_a_person_is_found_as_it_lies_in_a_table() -> None:
    for text in ("anna özdemir", "ANNA ÖZDEMIR", json.dumps("Anna Özdemir"), json.dumps("ANNA ÖZDEMIR")):
        assert PERSON.may_be_in(text), text
    assert not PERSON.may_be_in("3704 jr")
    assert PERSON.may_be_in("3704 jr", near=True)
    assert PERSON.is_named_in({"name": "Anna Özdemir"})
    assert not PERSON.is_named_in({"name": "Anna"})
    assert "anna özdemir" in PERSON.search_spellings()
    assert PERSON.is_own_document("doc-1")
    assert not PERSON.is_own_document("doc-2")


def test_of_a_document_the_values_that_name_a_person_are_no_longer_agreed() -> None:
    record = {"kind": "sales_order", "values": {"email": "anna@post.example", "number": "2026.1", "city": "Zeist"}}
    assert PERSON.agreed(record) == {"kind": "sales_order", "values": {"number": "2026.1"}}
    assert PERSON.agreed({"values": None}) == {"values": {}}


def test_of_a_record_of_the_person_numbers_and_names_of_values_stay() -> None:
    facts = {"customer": "Anna", "number": "62", "documents": "doc-1", "field": "vat", "value": "x", "sum": "1, 2.50"}
    assert PERSON.facts(facts) == facts | {"customer": ERASED, "value": ERASED}
    assert PERSON.redacted_values({"name": "Anna", "debtor": "62"}) == {"name": ERASED, "debtor": "62"}
    assert PERSON.redacted_values(None) is None


def test_a_person_travels_as_json() -> None:
    assert person_from_json(json.loads(json.dumps(PERSON.to_json()))) == PERSON
    assert PERSON.ids == {"doc-1", "39001", "62"}


def test_words_come_out_of_records_changes_and_what_the_log_tells() -> None:
    change = {"wanted": {"values": {"name": "Anna ", "city": "Zeist", "active": True, "phone": ""}}, "before": None}
    assert identifying_words(change) == ({"Anna"}, {"Zeist"})
    assert identifying_words({"delivery/name": "Bo", "lines": [{"email": "a@b"}]}) == ({"Bo", "a@b"}, set())
    assert identifying_words("Anna") == (set(), set())


def test_a_record_that_is_read_is_about_a_customer_by_number() -> None:
    assert customer_of(Record(Kind.DEBTOR, "39001", {})) == ("debtor", "39001")
    assert customer_of(Record(Kind.ORDER, "doc-1", {"relation": "62"})) == ("relation", "62")
    assert customer_of(Record(Kind.ORDER, "doc-1", {"relation": ""})) is None
    assert customer_of(Record(Kind.ARTICLE, "7", {})) is None
