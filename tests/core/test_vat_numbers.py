"""VAT numbers as they are compared."""

import pytest

from integration.core.vat_numbers import bare_vat_number, same_vat_number, vat_prefix, without_prefix


def test_blanks_signs_and_the_swiss_word_for_vat_are_no_part_of_a_number() -> None:
    assert bare_vat_number("nl 0012.34.567-B01") == "NL001234567B01"
    assert bare_vat_number("CHE-123.456.789 MWST") == "CHE123456789"
    assert bare_vat_number("IE1A_23/4+B") == "IE1A234+B"


def test_a_prefix_is_the_code_of_the_country_but_in_greece() -> None:
    assert (vat_prefix("nl"), vat_prefix("GR")) == ("NL", "EL")
    assert [without_prefix(number) for number in ("EL094259216", "CHE-123.456.789 TVA", "12")] == [
        "094259216", "123456789", "12",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "other", "country", "other_country", "is_same"),
    [
        ("DE136695976", "de 136 695 976", "", "", True),
        ("DE136695976", "PT136695976", "", "", False),
        ("DE136695976", "136695976", "", "DE", True),
        ("DE136695976", "136695976", "", "PT", False),
        ("DE136695976", "136695976", "", "", True),
        ("DE136695976", "136695976", "", "Deutschland", True),
        ("136695976", "DE136695976", "PT", "", False),
        ("136695976", "136695976", "DE", "PT", True),
        ("EL094259216", "094259216", "", "GR", True),
        ("CHE-123.456.789 MWST", "123456789", "", "CH", True),
        ("DE136695976", "DE136695977", "", "", False),
        ("", "", "", "", False),
    ],
)
def test_a_number_without_its_country_is_of_the_one_its_owner_is_in(
    number: str, other: str, country: str, other_country: str, *, is_same: bool
) -> None:
    assert same_vat_number(number, other, country, other_country) is is_same
