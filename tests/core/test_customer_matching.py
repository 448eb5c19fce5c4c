"""Evidence that two records are the same customer."""

from integration.core.customer_matching import matching_evidence, shared_evidence
from integration.core.records import Kind, Record, Value


def relation(key: str, **values: Value) -> Record:
    return Record(Kind.RELATION, key, values)


def test_a_customer_is_reported_by_what_it_has_and_by_its_key_where_it_has_no_number() -> None:
    assert matching_evidence(relation("12", company="Fietsen B.V.", name="", email=None)) == {
        "number": "12",
        "name": "Fietsen B.V.",
    }
    assert matching_evidence(relation("12", number="30001", external_id=""))["number"] == "30001"


def test_spelling_does_not_count_and_what_only_one_has_does_not_either() -> None:
    ours = relation("10001", vat_number="NL 0012.34.567-B01", email="Els@Dewit.example", name="Els de Wit", city="Ede")
    other = relation(
        "R7", external_id="10001", vat_number="NL001234567B01", email="els@dewit.example", name="E. de Wit"
    )
    assert shared_evidence(ours, other) == ("number", "vat_number", "email")


def test_two_without_anything_in_common_have_nothing_that_speaks_for_them() -> None:
    assert shared_evidence(relation("1", city="Ede"), relation("2", city="Zeist")) == ()


def test_a_vat_number_without_its_country_speaks_for_who_is_in_that_country() -> None:
    ours = relation("1", vat_number="NL001234567B01")
    assert shared_evidence(ours, relation("2", vat_number="0012.34.567.B01", country="NL")) == ("vat_number",)
    assert shared_evidence(ours, relation("2", vat_number="001234567B01", country="BE")) == ()
    assert shared_evidence(ours, relation("2")) == ()
