"""A VAT code as a fact of a cause: with its percentage and its system, so that people read which one is meant."""

import re
from decimal import Decimal

UNKNOWN = "-"
_VALUE = re.compile(r"VAT code (\w+ \S+ .+)", re.ASCII)


def vat_fact(code: str, rate: Decimal | None, system: str) -> str:
    """Return a VAT code for the sentences of a cause; programs read it without, as the code alone."""
    return f"{system} {UNKNOWN if rate is None else f'{rate.normalize():f}'} {code}"


def read_vat_fact(fact: str) -> tuple[str, str, str]:
    """Return the code, its percentage and its system; of a fact that an earlier version kept the code alone."""
    system, rate, code = [*fact.split(" ", 2), "", ""][:3]
    return (code, "" if rate == UNKNOWN else rate, system) if code else (fact, "", "")


def vat_value(code: str, rate: Decimal | None, system: str) -> str:
    """Return a VAT code as a fact that can be any value, and is one here."""
    return f"VAT code {vat_fact(code, rate, system)}"


def read_vat_value(fact: str) -> tuple[str, str, str] | None:
    """Return the code, its percentage and its system; None of a fact that is another value."""
    found = _VALUE.fullmatch(fact)
    return read_vat_fact(found[1]) if found else None


def is_vat_code(field: str) -> bool:
    """Tell whether a field, by its name or path, holds a VAT code."""
    return field.rpartition("/")[2].rpartition(".")[2] in ("vat_code", "books_vat_code", "page_vat_code")
