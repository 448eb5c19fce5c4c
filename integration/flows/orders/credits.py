"""The document that takes a booked one back: the same sold back, under a key and a reference of its own."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from integration.core.plan import Change
from integration.core.records import Kind, Record, Value
from integration.core.rules import as_text
from integration.flows.orders.references import CREDIT_ENDING, of_credit

CREDIT = "#credit"
# What nothing takes back: a quotation of a negative amount would be an offer that nobody made.
WITHOUT_CREDIT = frozenset({Kind.QUOTATION})
TURNED = frozenset(
    {"quantity", "amount", "vat", "vat_base", "discount", "rounding", "redeemed", "paid", "open", "shipping_cost"}
)
# How the names of what both sides come to begin, also as earlier versions kept them.
SUMS = ("sold_", "booked_")


def credit(change: Change, dated: Mapping[str, Value]) -> Change | None:
    """Return the change that credits what another one booked, with values that say when it stands in the books.

    None where no reference fits, for that is never cut, and of a credit: what was taken back is booked again.
    """
    if change.key.endswith(CREDIT):
        return None
    reference = of_credit(change.kind, as_text(change.wanted.values.get("reference")))
    if reference is None:
        return None
    key = change.key + CREDIT
    return replace(
        change,
        key=key,
        title=change.title + CREDIT_ENDING,
        wanted=sold_back(change.wanted, key, reference, dated),
        agreed=sold_back(change.agreed, key, reference, dated),
    )


def sold_back(record: Record, key: str, reference: str, dated: Mapping[str, Value] | None = None) -> Record:
    """Return the same sold back: quantities of an order, amounts of a posting."""
    parts = tuple(replace(part, values=_turned(part)) for part in record.parts)
    return Record(record.kind, key, {**_turned(record), **(dated or {}), "reference": reference}, parts, record.source)


def _turned(record: Record) -> dict[str, Value]:
    return {
        name: -value if isinstance(value, Decimal) and (name in TURNED or name.startswith(SUMS)) else value
        for name, value in record.values.items()
    }
