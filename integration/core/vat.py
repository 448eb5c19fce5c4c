"""VAT codes as facts of a cause, with percentage and system, so that people can identify the code."""

import re
from decimal import Decimal

UNKNOWN = "-"
_VALUE = re.compile(r"VAT code (\w+ \S+ .+)", re.ASCII)


def vat_fact(code: str, rate: Decimal | None, system: str) -> str:
    """Return a VAT code with system and percentage, for the sentences of a cause. Programs use the bare code."""
    return f"{system} {UNKNOWN if rate is None else f'{rate.normalize():f}'} {code}"


def read_vat_fact(fact: str) -> tuple[str, str, str]:
    """Return code, percentage and system of a fact."""
    system, rate, code = fact.split(" ", 2)
    return code, "" if rate == UNKNOWN else rate, system


def vat_value(code: str, rate: Decimal | None, system: str) -> str:
    """Return a VAT code as a fact that may hold any value."""
    return f"VAT code {vat_fact(code, rate, system)}"


def read_vat_value(fact: str) -> tuple[str, str, str] | None:
    """Return code, percentage and system, or None if the fact is not a VAT code."""
    match = _VALUE.fullmatch(fact)
    return read_vat_fact(match[1]) if match else None


def is_vat_code(field: str) -> bool:
    """Return True if the field with this name or path holds a VAT code."""
    return field.rpartition("/")[2].rpartition(".")[2] in ("vat_code", "books_vat_code", "page_vat_code")
