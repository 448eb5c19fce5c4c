"""Search keys of records, in addition to key, title and changed values."""

from collections.abc import Iterator
from decimal import Decimal

from integration.core.plan import Change
from integration.core.records import Kind, Record, RecordType
from integration.core.rules import as_text

TOTALS = ("sold_incl", "total_incl")  # of a document: the stored value, and the till's value
NAMES = ("company", "name", "last_name")


def search_keys(record: Record) -> dict[str, str]:
    """Return customer, e-mail, total and payment references of a document. Other records have some of these."""
    customers = [part for part in record.parts if part.kind is Kind.RELATION]
    payments = (as_text(part.values.get("reference")) for part in record.parts if part.kind is Kind.PAYMENT)
    keys = {
        "customer": as_text(record.values.get("customer")) or next(_nonempty_texts(customers, NAMES), ""),
        "email": as_text(record.values.get("email")) or next(_nonempty_texts(customers, ("email",)), ""),
        "total": next(
            (format(amount, "f") for name in _totals(record) if isinstance(amount := record.values.get(name), Decimal)),
            "",
        ),
        "payment": " ".join(dict.fromkeys(filter(None, payments))),
    }
    return {name: value for name, value in keys.items() if value}


def display_facts(change: Change) -> dict[str, str]:
    """Return the search keys of a changed record and the unit of its quantities."""
    return search_keys(change.agreed) | ({"unit": change.unit} if change.unit else {})


def document_total(record: Record) -> Decimal | None:
    """Return the total of a document or payment, or the revenue of a daybook page, VAT included; else None."""
    return next((amount for name in _totals(record) if isinstance(amount := record.values.get(name), Decimal)), None)


def _totals(record: Record) -> tuple[str, ...]:
    return ("amount",) if record.kind.type is RecordType.PAYMENT else TOTALS


def _nonempty_texts(records: list[Record], names: tuple[str, ...]) -> Iterator[str]:
    return (text for record in records for name in names if (text := as_text(record.values.get(name)).strip()))
