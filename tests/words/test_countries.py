"""Names of countries: codes of two and three letters, and names in three languages."""

import pytest

from integration.words.countries import countries, country_code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("NL", "NL"), ("nl", "NL"), ("NLD", "NL"), ("DEU", "DE"), (" bel ", "BE"), ("GBR", "GB"), ("USA", "US"),
        ("Nederland", "NL"), ("Netherlands", "NL"), ("Niederlande", "NL"), ("Holland", "NL"),
        ("Duitsland", "DE"), ("Germany", "DE"), ("Deutschland", "DE"), ("belgie", "BE"), ("Österreich", "AT"),
        ("", ""), ("Atlantis", ""), ("XXX", ""), ("001", ""),
    ],
)  # fmt: skip
def test_a_country_is_known_by_its_codes_and_its_names(name: str, code: str) -> None:
    assert country_code(name) == code


def test_every_country_is_known_by_its_name_in_each_language() -> None:
    for language in ("en", "nl", "de"):
        missed = {name: code for code, name in countries(language).items() if country_code(name) != code}
        assert missed == {}
