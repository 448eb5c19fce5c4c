"""Credits of booked documents: the same document with opposite signs, under its own key and reference."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from integration.core.plan import Change
from integration.core.records import Kind, Record, Value
from integration.core.rules import as_text
from integration.flows.orders.references import CREDIT_ENDING, of_credit

CREDIT = "#credit"
# Kinds without a credit. A quotation with a negative amount would be an offer that nobody made.
WITHOUT_CREDIT = frozenset({Kind.QUOTATION})
INVERTED_FIELDS = frozenset(
    {"quantity", "amount", "vat", "vat_base", "discount", "rounding", "redeemed", "paid", "open", "shipping_cost"}
)
# Prefixes of the names of totals.
SUMS = ("sold_", "booked_")


def credit(change: Change, dated: Mapping[str, Value]) -> Change | None:
    """Return the change that credits the booking of another change; `dated` gives the date of the credit.

    None if no reference fits, since references are never truncated, and None if the change is itself a credit: a
    credited document is booked again instead.
    """
    if change.key.endswith(CREDIT):
        return None
    reference = of_credit(change.kind, as_text(change.desired.values.get("reference")))
    if reference is None:
        return None
    key = change.key + CREDIT
    return replace(
        change,
        key=key,
        title=change.title + CREDIT_ENDING,
        desired=with_opposite_signs(change.desired, key, reference, dated),
        agreed=with_opposite_signs(change.agreed, key, reference, dated),
    )


def with_opposite_signs(record: Record, key: str, reference: str, dated: Mapping[str, Value] | None = None) -> Record:
    """Return a record with opposite signs: quantities of an order, amounts of a posting."""
    parts = tuple(replace(part, values=_reversed_values(part)) for part in record.parts)
    return Record(
        record.kind, key, {**_reversed_values(record), **(dated or {}), "reference": reference}, parts, record.source
    )


def _reversed_values(record: Record) -> dict[str, Value]:
    return {
        name: -value if isinstance(value, Decimal) and (name in INVERTED_FIELDS or name.startswith(SUMS)) else value
        for name, value in record.values.items()
    }
