"""VAT numbers in one spelling."""

import pytest

from integration.flows.vat_numbers import checked_vat_number

VAT_NUMBER = "NL004495445B01"


@pytest.mark.parametrize(
    ("given_number", "country", "checked"),
    [
        (VAT_NUMBER, "NL", VAT_NUMBER),
        ("nl 0044.95.445.B01", "NL", VAT_NUMBER),
        ("004495445B01", "NL", VAT_NUMBER),
        ("NL004495446B01", "NL", ""),
        ("BE0403019261", "NL", "BE0403019261"),
        ("CHE-123.456.789", "CH", "CHE123456789"),
        ("CHE-123.456.789 MWST", "CH", "CHE123456789"),
        ("CHE-123.456.789 TVA", "CH", "CHE123456789"),
        ("EL094259216", "GR", "EL094259216"),
        ("GB980780684", "GB", "GB980780684"),
        ("?", "DE", ""),
    ],
)
def test_vat_numbers_of_the_eu_are_checked(given_number: str, country: str, checked: str) -> None:
    assert checked_vat_number(given_number, country) == checked
