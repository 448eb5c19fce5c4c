"""The document that takes a booked one back: the same sold back, under a key and a reference of its own."""

from dataclasses import replace
from decimal import Decimal

from integration.core.plan import Change
from integration.core.records import Record, Value
from integration.core.rules import as_text
from integration.flows.orders.references import CREDIT_ENDING, of_credit

CREDIT = "#credit"
TURNED = frozenset({"quantity", "amount", "vat", "vat_base", "discount", "rounding", "redeemed"})
# How the names of what both sides come to begin, also as earlier versions kept them.
SUMS = ("sold_", "booked_")


def credit(change: Change) -> Change | None:
    """Return the change that credits what another one booked; None where no reference fits: that is never cut."""
    number = as_text(change.agreed.values.get("number"))
    reference = of_credit(change.kind, as_text(change.wanted.values.get("reference")), number)
    if reference is None:
        return None
    key = change.key + CREDIT
    return replace(
        change,
        key=key,
        title=change.title + CREDIT_ENDING,
        wanted=_opposite(change.wanted, key, reference),
        agreed=_opposite(change.agreed, key, reference),
    )


def _opposite(record: Record, key: str, reference: str) -> Record:
    """Return the same sold back: quantities of an order, amounts of a posting."""
    parts = tuple(replace(part, values=_turned(part)) for part in record.parts)
    values = {name: value for name, value in _turned(record).items() if name != "reference_before"}  # it has none
    return Record(record.kind, key, {**values, "reference": reference}, parts, record.source)


def _turned(record: Record) -> dict[str, Value]:
    return {
        name: -value if isinstance(value, Decimal) and (name in TURNED or name.startswith(SUMS)) else value
        for name, value in record.values.items()
    }
