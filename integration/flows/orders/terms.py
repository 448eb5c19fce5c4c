"""Payment terms of the books, by the payment method of a document or the payment days of its customer."""

from collections.abc import Mapping

from integration.core.records import Value
from integration.core.rules import as_text

PAYMENT_TERMS = "payment_terms"
_FORMER_TABLE = "payment_methods"  # former name of the table; existing rules may still use it
TERMS = frozenset({PAYMENT_TERMS, _FORMER_TABLE})


def with_terms(tables: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    """Return value tables with the rows of payment terms under both names of their table."""
    rows = {**tables.get(_FORMER_TABLE, {}), **tables.get(PAYMENT_TERMS, {})}
    return {**tables, **dict.fromkeys(TERMS, rows)} if rows else tables


def terms_code(values: Mapping[str, Value], days: Value, rows: Mapping[str, str]) -> Value:
    """Return the key of the payment terms: the payment method, else the payment days of the customer.

    If neither has a row, it is the method, so that a person is asked about the method.
    """
    method, within = as_text(values.get("payment_method")), as_text(days)
    return within if method not in rows and within in rows else values.get("payment_method")
