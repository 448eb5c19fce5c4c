"""Comparison of VAT numbers, without spaces and punctuation, and with or without a country prefix."""

import re

# Prefixes of VAT numbers of the European Union, and of countries outside it with a form of their own.
PREFIXES = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IT", "LT", "LU",
        "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "XI", "GB",
    }
)  # fmt: skip
NOT_IN_THE_UNION = frozenset({"GB"})
_OF_COUNTRY = {"GR": "EL"}  # prefixes that differ from the country's ISO code
_SWISS = re.compile(r"^(CHE\d{9})(MWST|TVA|IVA|TPV)$")  # Swiss numbers end with a word that means VAT
_SWISS_PREFIX = "CHE"


def bare_vat_number(number: str) -> str:
    """Return a number in capitals without spaces and punctuation, and without the Swiss word for VAT."""
    return _SWISS.sub(r"\1", normalized_vat_number(number))


def normalized_vat_number(number: str) -> str:
    """Return a number in capitals without spaces and punctuation."""
    return re.sub(r"[^\w+*]|_", "", number).upper()


def vat_prefix(country: str) -> str:
    """Return the VAT number prefix of a country by its ISO code: GR is EL."""
    return _OF_COUNTRY.get(country.upper(), country.upper())


def without_prefix(number: str) -> str:
    """Return a number without its country prefix."""
    return _split_prefix(number)[1]


def same_vat_number(number: str, other: str, country: str = "", other_country: str = "") -> bool:
    """Return True if two VAT numbers are the same, given the countries of their owners.

    A number without a prefix belongs to its owner's country. If there is no two-letter country code, it may belong to
    any country.
    """
    (prefix, rest), (other_prefix, other_rest) = _split_prefix(number), _split_prefix(other)
    if not rest or rest != other_rest:
        return False
    ours, theirs = prefix or _prefix_of(country), other_prefix or _prefix_of(other_country)
    return ours == theirs or not (ours and theirs) or not (prefix or other_prefix)


def is_of_the_union(number: str) -> bool:
    """Return True if the number's prefix is of a country whose customers are on the EU sales list."""
    return _split_prefix(number)[0] in PREFIXES - NOT_IN_THE_UNION


def _split_prefix(number: str) -> tuple[str, str]:
    """Return the country prefix of a number, empty if it has none, and the rest."""
    bare = bare_vat_number(number)
    if bare.startswith(_SWISS_PREFIX):
        return "CH", bare[len(_SWISS_PREFIX) :]
    return (bare[:2], bare[2:]) if bare[:2] in PREFIXES else ("", bare)


def _prefix_of(country: str) -> str:
    code = country.strip()
    return vat_prefix(code) if len(code) == 2 else ""  # noqa: PLR2004 - letters of an ISO code
