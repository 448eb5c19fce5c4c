"""VAT numbers in one spelling, whichever system they come from: checked, with their country in front."""

from stdnum.eu import vat
from stdnum.exceptions import ValidationError

from integration.core.vat_numbers import bare_vat_number, vat_prefix

MEMBERS = (vat.MEMBER_STATES | {"el"}) - {"gr"}  # prefixes of numbers that can be checked


def checked_vat_number(given: str, country: str) -> str:
    """Return a VAT number in one spelling; empty when form or check digits do not fit.

    A number without its country is read as one of the customer's country, by its ISO code. Only those of the EU are
    checked. One of Switzerland stands without the word behind it that says it is for VAT, which no column of the books
    has room for.
    """
    bare, prefix = bare_vat_number(given), vat_prefix(country)
    for number in (bare, f"{prefix}{bare}"):
        if number[:2].lower() in MEMBERS:
            try:
                return vat.validate(number)
            except ValidationError:
                continue
    is_of_the_eu = prefix.lower() in MEMBERS or bare[:2].lower() in MEMBERS
    return "" if is_of_the_eu or not bare else bare
