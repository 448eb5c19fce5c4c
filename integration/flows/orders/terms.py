"""Payment terms of the books: by what a document was paid with, or by the days its customer has."""

from collections.abc import Mapping

from integration.core.records import Value
from integration.core.rules import as_text

PAYMENT_TERMS = "payment_terms"
_OF_BEFORE = "payment_methods"  # what the table was called; rules that somebody wrote may still name it
TERMS = frozenset({PAYMENT_TERMS, _OF_BEFORE})


def with_terms(tables: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    """Return value tables in which the rows for terms stand under both names of their table."""
    rows = {**tables.get(_OF_BEFORE, {}), **tables.get(PAYMENT_TERMS, {})}
    return {**tables, **dict.fromkeys(TERMS, rows)} if rows else tables


def terms_code(values: Mapping[str, Value], days: Value, rows: Mapping[str, str]) -> Value:
    """Return the code by which a document has its terms: its payment method, else the days of its customer.

    Where neither has a row it is the method, so that a person is asked about that.
    """
    method, within = as_text(values.get("payment_method")), as_text(days)
    return within if method not in rows and within in rows else values.get("payment_method")
