"""VAT numbers as they are compared: without blanks and signs, and whether or not they say which country they are of."""

import re

# The letters in front of numbers of the European Union, and of those beside it that have a form of their own.
PREFIXES = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IT", "LT", "LU",
        "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "XI", "GB",
    }
)  # fmt: skip
NOT_IN_THE_UNION = frozenset({"GB"})
_OF_COUNTRY = {"GR": "EL"}  # where the prefix is not the code of the country
_SWISS = re.compile(r"^(CHE\d{9})(MWST|TVA|IVA|TPV)$")  # Swiss numbers say in words that they are for VAT
_SWISS_PREFIX = "CHE"


def bare_vat_number(number: str) -> str:
    """Return a number in capitals without blanks and signs; a Swiss one without the word that it is for VAT."""
    return _SWISS.sub(r"\1", signs_of(number))


def signs_of(number: str) -> str:
    """Return a number in capitals without blanks and signs, with every word in it."""
    return re.sub(r"[^\w+*]|_", "", number).upper()


def vat_prefix(country: str) -> str:
    """Return what the VAT numbers of a country begin with, by its ISO code: GR is EL."""
    return _OF_COUNTRY.get(country.upper(), country.upper())


def without_prefix(number: str) -> str:
    """Return what two spellings of a number have in common at least: all of it but the letters of its country."""
    return _apart(number)[1]


def same_vat_number(one: str, other: str, country: str = "", other_country: str = "") -> bool:
    """Tell whether two numbers are the same one, each with the country that its owner is in.

    One without the letters of a country is of the country its owner is in; where nobody tells that by a code of two
    letters, it may be of any.
    """
    (prefix, rest), (other_prefix, other_rest) = _apart(one), _apart(other)
    if not rest or rest != other_rest:
        return False
    ours, theirs = prefix or _told(country), other_prefix or _told(other_country)
    return ours == theirs or not (ours and theirs) or not (prefix or other_prefix)


def is_of_the_union(number: str) -> bool:
    """Tell whether a number says that it is of a country whose customers are on the EU sales list."""
    return _apart(number)[0] in PREFIXES - NOT_IN_THE_UNION


def _apart(number: str) -> tuple[str, str]:
    """Return the letters of a number's country, where it has some, and the rest of it."""
    bare = bare_vat_number(number)
    if bare.startswith(_SWISS_PREFIX):
        return "CH", bare[len(_SWISS_PREFIX) :]
    return (bare[:2], bare[2:]) if bare[:2] in PREFIXES else ("", bare)


def _told(country: str) -> str:
    code = country.strip()
    return vat_prefix(code) if len(code) == 2 else ""  # noqa: PLR2004 - letters of an ISO code
