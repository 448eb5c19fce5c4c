"""What the books take in: one target for each kind of record, and what all of them need."""

from collections.abc import Mapping, Sequence
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
from integration.core.records import Held, Kind, Record, Value

_NOT_SENT = frozenset({"debtor", "debtor_number", "address", "trade_invoice"})


class BooksTarget(Protocol):
    """How records of one kind are looked up and created; see `Connector` for what each method promises."""

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return what AccountView holds of these records, by their keys."""

    def create(self, wanted: Record, references: References) -> str:
        """Create a record and return AccountView's own number for it; empty where the answer does not tell it."""


def absent(wanted: Sequence[Record], held: Mapping[str, object]) -> list[Record]:
    """Return the records that nothing was found for yet."""
    return [record for record in wanted if record.key not in held]


def reference_of(record: Record) -> str:
    """Return our reference of a document."""
    return str(record.values.get("reference") or "").strip()


def date_of(record: Record) -> date | None:
    """Return the day a document is booked on."""
    value = record.values.get("date")
    return value if isinstance(value, date) else None


def own(record: Record) -> dict[str, Value]:
    """Return the values that go into columns as they are: no pointers, nothing that AccountView fills itself."""
    return {name: value for name, value in record.values.items() if name not in _NOT_SENT}


def field_text_of(record: Record, name: str) -> str:
    """Return one value of a record as text; empty when there is none."""
    return str(record.values.get(name) or "").strip()


def decimal_of(record: Record, name: str) -> Decimal | None:
    """Return one value of a record as a number; None where it holds none."""
    value = record.values.get(name)
    return value if isinstance(value, Decimal) else None


def without_case(value: str) -> str:
    """Return a text as it is compared: without blanks around it and without capitals."""
    return value.strip().casefold()


def rank(number: str) -> tuple[bool, int, str]:
    """Return what sorts numbers of AccountView, the lowest first."""
    return not number.isdecimal(), int(number) if number.isdecimal() else 0, number


def change_stamp(layout: Layout, row: Row) -> str:
    """Return the change stamp of a row."""
    return stamp(row.get(layout.names.get("changed", ""))) or ""


# ---- what points to another record


def owner(record: Record, references: References) -> str:
    """Return the number of the debtor that a record belongs to; empty where nobody knows it."""
    fixed = field_text_of(record, "debtor_number")
    return fixed or references.reference(Kind.DEBTOR, field_text_of(record, "debtor")) or ""


def owner_shown(layout: Layout, row: Row, wanted: Record, references: References) -> dict[str, Value]:
    """Return whose it is: the fixed number or our key as wanted, where that is the debtor found; else the number."""
    number, fixed = layout.text(row, "debtor"), field_text_of(wanted, "debtor_number")
    shown: dict[str, Value] = {}
    if "debtor_number" in wanted.values:
        shown["debtor_number"] = fixed if without_case(fixed) == number.casefold() or not fixed else number
    if not fixed or wanted.values.get("debtor"):
        shown["debtor"] = pointed(Kind.DEBTOR, wanted.values.get("debtor"), number, references)
    return shown


def pointed(kind: Kind, key: Value, number: str, references: References) -> str:
    """Return our key when it stands for this number, else the number."""
    known = references.reference(kind, key) if isinstance(key, str) and key else None
    return str(key) if known is not None and known.casefold() == number.casefold() else number


def debtor_number(wanted: Record, references: References) -> str:
    """Return the number of the debtor to write. Raises RejectedError for one that is not there yet."""
    fixed = field_text_of(wanted, "debtor_number")
    if fixed:
        return fixed
    key = field_text_of(wanted, "debtor")
    return linked_number(references.reference(Kind.DEBTOR, key) if key else None, "debtor", key) if key else ""


def linked_number(number: str | None, field: str, key: str) -> str:
    """Return a number that is known. Raises RejectedError, naming field and key, where there is none."""
    if not number:
        raise RejectedError("needed_record_missing", system=SYSTEM, field=field, key=key)
    return number


def pointer(layout: Layout, name: str, number: str) -> dict[str, Cell]:
    """Return the column that points to a record; nothing where no number is given."""
    return layout.encoded({name: number}) if number else {}


def create_record(client: AccountViewClient, of: BusinessObject, layout: Layout, cells: Mapping[str, Cell]) -> str:
    """Create a record that has no lines and return its number; empty where the answer does not tell it."""
    layout.expect_required(cells)
    rows = client.create(of, Body(cells), client.today())
    return layout.text(rows[of.table.upper()][0], "number")


# ---- refusals


def translated(error: RejectedError, change: Change) -> RejectedError:
    """Return a refusal of the books under the name of its cause, where its text tells it."""
    values, facts = change.wanted.values, dict(error.facts)
    facts.setdefault("document", reference_of(change.wanted) or change.title)
    if error.code == "email_too_long":
        facts.setdefault("customer", change.title)
    if error.code != "accountview_rejected":
        return RejectedError(error.code, **facts)
    code, told = refusal_cause(facts.get("message", ""))
    day = values.get("date")
    if code == "period_closed" and not isinstance(day, date):  # what has no day is in no period
        code, told = error.code, {}
    elif code == "period_closed" and isinstance(day, date):
        told |= {"date": str(day), "period": str(values.get("period") or day.month)}
    return RejectedError(code, **{**facts, **told})
