"""Protocol of the targets in the books, one for each kind of record, and their shared functions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

from integration.connectors.accountview.answers import refusal_cause
from integration.connectors.accountview.client import AccountViewClient
from integration.connectors.accountview.codec import Body, Cell, Row, stamp
from integration.connectors.accountview.layout import Layout
from integration.connectors.accountview.settings import SYSTEM, BusinessObject
from integration.connectors.protocol import References
from integration.core.errors import RejectedError
from integration.core.plan import Change
from integration.core.records import CurrentRecord, Kind, Record, Value

_NOT_SENT = frozenset({"debtor", "debtor_number", "address", "trade_invoice"})


class PlannedReferences:
    """References to records that need not exist yet: each has the number 0."""

    def reference(self, kind: Kind, key: str) -> str | None:  # noqa: ARG002
        return "0"

    def key(self, kind: Kind, reference: str) -> str | None:  # noqa: ARG002
        return None

    def distinct(self, kind: Kind, key: str) -> Collection[str]:  # noqa: ARG002
        return ()


PLANNED = PlannedReferences()


class BooksTarget(Protocol):
    """Looks up and creates records of one kind; see `Connector` for what each method promises."""

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return AccountView's current records, by key."""

    def require_storable(self, desired: Record, *, is_new: bool) -> None:
        """Raise RejectedError for what a write would refuse before a call if the needed records existed."""

    def create(self, desired: Record, references: References) -> str:
        """Create a record and return AccountView's own number for it, or an empty text if the answer lacks it."""


def not_found_yet(records: Sequence[Record], current: Mapping[str, object]) -> list[Record]:
    """Return the wanted records that were not found yet."""
    return [record for record in records if record.key not in current]


def reference_of(record: Record) -> str:
    """Return our reference of a document."""
    return str(record.values.get("reference") or "").strip()


def date_of(record: Record) -> date | None:
    """Return the booking date of a document, or None."""
    value = record.values.get("date")
    return value if isinstance(value, date) else None


def writable_values(record: Record) -> dict[str, Value]:
    """Return the values that are written to columns unchanged, without references to other records."""
    return {name: value for name, value in record.values.items() if name not in _NOT_SENT}


def field_text_of(record: Record, name: str) -> str:
    """Return one value of a record as text, empty when there is none."""
    return str(record.values.get(name) or "").strip()


def decimal_of(record: Record, name: str) -> Decimal | None:
    """Return one value of a record as a number; None if it is not a number."""
    value = record.values.get(name)
    return value if isinstance(value, Decimal) else None


def without_case(value: str) -> str:
    """Return a text for comparison: without surrounding blanks and case-folded."""
    return value.strip().casefold()


def rank(number: str) -> tuple[bool, int, str]:
    """Return a sort key that puts AccountView's numbers in ascending order."""
    return not number.isdecimal(), int(number) if number.isdecimal() else 0, number


def change_stamp(layout: Layout, row: Row) -> str:
    """Return the change stamp of a row, empty when there is none."""
    return stamp(row.get(layout.names.get("changed", ""))) or ""


# ---- references to other records


def owner(record: Record, references: References) -> str:
    """Return the number of the debtor of a record, empty if it is unknown."""
    fixed = field_text_of(record, "debtor_number")
    return fixed or references.reference(Kind.DEBTOR, field_text_of(record, "debtor")) or ""


def owner_shown(layout: Layout, row: Row, desired: Record, references: References) -> dict[str, Value]:
    """Return the debtor of a row: the wanted number or key where it matches the row, otherwise the row's number."""
    number, fixed = layout.text(row, "debtor"), field_text_of(desired, "debtor_number")
    owner_values: dict[str, Value] = {}
    if "debtor_number" in desired.values:
        owner_values["debtor_number"] = fixed if without_case(fixed) == number.casefold() or not fixed else number
    if not fixed or desired.values.get("debtor"):
        owner_values["debtor"] = key_or_number(Kind.DEBTOR, desired.values.get("debtor"), number, references)
    return owner_values


def key_or_number(kind: Kind, key: Value, number: str, references: References) -> str:
    """Return our key if it is linked to this number, otherwise the number."""
    linked_number = references.reference(kind, key) if isinstance(key, str) and key else None
    return str(key) if linked_number is not None and linked_number.casefold() == number.casefold() else number


def debtor_number(desired: Record, references: References) -> str:
    """Return the number of the debtor to write. Raises RejectedError for a debtor that does not exist yet."""
    fixed = field_text_of(desired, "debtor_number")
    if fixed:
        return fixed
    key = field_text_of(desired, "debtor")
    return linked_number(references.reference(Kind.DEBTOR, key) if key else None, "debtor", key) if key else ""


def linked_number(number: str | None, field: str, key: str) -> str:
    """Return the number. Raises RejectedError, naming field and key, if it is missing."""
    if not number:
        raise RejectedError("needed_record_missing", system=SYSTEM, field=field, key=key)
    return number


def pointer(layout: Layout, name: str, number: str) -> dict[str, Cell]:
    """Return the cell that refers to a record, none without a number."""
    return layout.encoded({name: number}) if number else {}


def create_record(client: AccountViewClient, of: BusinessObject, layout: Layout, cells: Mapping[str, Cell]) -> str:
    """Create a record without lines and return its number, or an empty text if the answer lacks it.

    Raises RejectedError before any call if a required column is empty.
    """
    layout.require_required(cells)
    rows = client.create(of, Body(cells), client.today())
    return layout.text(rows[of.table.upper()][0], "number")


# ---- refusals


def with_cause(error: RejectedError, change: Change) -> RejectedError:
    """Return a refusal with the error code of its cause, where its text shows the cause."""
    values, facts = change.desired.values, dict(error.facts)
    facts.setdefault("document", reference_of(change.desired) or change.title)
    if error.code == "email_too_long":
        facts.setdefault("customer", change.title)
    if error.code != "accountview_rejected":
        return RejectedError(error.code, **facts)
    code, cause_facts = refusal_cause(facts.get("message", ""))
    day = values.get("date")
    if code == "period_closed" and not isinstance(day, date):  # a record without a date is in no period
        code, cause_facts = error.code, {}
    elif code == "period_closed" and isinstance(day, date):
        cause_facts |= {"date": str(day), "period": str(values.get("period") or day.month)}
    return RejectedError(code, **{**facts, **cause_facts})
