"""Source values of fields that are stored in another form."""

from integration.core.records import Kind, Record
from integration.core.source_values import is_cut, split_source_values, with_source_values


def test_a_text_that_is_cut_is_noted_whole() -> None:
    source = {"company": "Fietsenmakerij De Vrolijke Ketting", "name": "Els", "street": "Kerkstraat 1"}
    values = {"name": "Fietsenmakerij De Vro", "street": "Kerkstraat 1", "contact": "Els", "city": ""}
    assert with_source_values(values, source) == {"as_reported:name": "Fietsenmakerij De Vrolijke Ketting"}


def test_letters_that_the_target_lacks_are_noted_and_blanks_and_capitals_are_not() -> None:
    source = {"city": "Łódź", "postcode": "1234ab", "street": None}
    assert with_source_values({"city": "Lódz", "postcode": "1234 AB"}, source, "cp1252") == {"as_reported:city": "Łódź"}
    assert with_source_values({"city": "Lódz"}, source) == {}


def test_a_part_that_is_meant_and_what_comes_from_elsewhere_are_not_noted() -> None:
    source = {"company": "Fietsen B.V."}
    assert with_source_values({"search_code": "FIETSEN", "name": "Anders", "phone": 5}, source) == {}  # type: ignore[dict-item]


def test_a_vat_number_is_noted_where_letters_or_digits_differ() -> None:
    for vat_number in ("CHE-123.456.789 MWST", "123.456.789"):
        assert with_source_values({"vat_number": "CHE123456789"}, {"vat_number": vat_number}) == {
            "as_reported:vat_number": vat_number
        }
    assert with_source_values({"vat_number": "CHE123456789"}, {"vat_number": "CHE-123.456.789"}) == {}
    assert with_source_values({"vat_number": ""}, {"vat_number": "NL1"}) == {}


def test_what_is_noted_is_no_value_of_the_record() -> None:
    plain = Record(Kind.DEBTOR, "1", {"name": "Els"})
    assert split_source_values(plain) == (plain, {})
    noted_one = Record(Kind.DEBTOR, "1", {"name": "Els", "as_reported:name": "Elsje"})
    assert split_source_values(noted_one) == (plain, {"name": "Elsje"})


def test_other_letters_are_not_fewer() -> None:
    assert is_cut("Els", "Elsje")
    assert not is_cut("Lódz", "Łódź")
