"""Checks VAT numbers and returns them in one spelling, with their country prefix."""

from stdnum.eu import vat
from stdnum.exceptions import ValidationError

from integration.core.vat_numbers import bare_vat_number, vat_prefix

MEMBERS = (vat.MEMBER_STATES | {"el"}) - {"gr"}  # prefixes of VAT numbers that can be checked


def checked_vat_number(vat_number: str, country: str) -> str:
    """Return a VAT number in one spelling; empty if its form or check digits are wrong.

    A number without a prefix is read as one of the customer's country, given as ISO code. Only EU numbers are checked.
    A Swiss number is returned without its VAT suffix, because the columns of the books are too short for it.
    """
    bare, prefix = bare_vat_number(vat_number), vat_prefix(country)
    for number in (bare, f"{prefix}{bare}"):
        if number[:2].lower() in MEMBERS:
            try:
                return vat.validate(number)
            except ValidationError:
                continue
    is_of_the_eu = prefix.lower() in MEMBERS or bare[:2].lower() in MEMBERS
    return "" if is_of_the_eu or not bare else bare
