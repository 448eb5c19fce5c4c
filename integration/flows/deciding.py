"""Decisions of a person about a source record, stored in the record. A decision holds for one state of the record."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from integration.core.records import Record
from integration.core.rules import as_text

KEEP, AGAIN = "keep", "again"  # keep the booking as it is; book again with the current source values
MARK_LENGTH = 16


class DecisionSubject(StrEnum):
    """Subjects of a decision, each with the field in which the answer is stored.

    A record with questions about two subjects has one answer for each.
    """

    CHANGE = "decision"  # a booked document that has changed in the source
    REFUND = "decision_refund"  # a refund of a sale that is not booked
    BESIDE = "decision_beside"  # a sale that another document may include
    SAME = "decision_same"  # a record of the target with the same number
    TYPED = "decision_typed"  # a manual entry in the target that may be this document
    UNREADABLE = "decision_unreadable"  # an unreadable record of the target that may be this one


@dataclass(frozen=True, slots=True)
class PersonDecision:
    """The option that was chosen and the reason; empty if nobody decided about the current state of the record."""

    option: str = ""
    reason: str = ""


UNDECIDED = PersonDecision()


def decision_mark(record: Record, of: str = "") -> str:
    """Return the mark of the current state of a record, and of the subject `of` if there can be several."""
    digest = as_text(record.values.get("digest"))[:MARK_LENGTH]
    return f"{digest}.{of}" if of else digest


def stored_decision(record: Record, about: DecisionSubject, mark: str, options: Collection[str]) -> PersonDecision:
    """Return the stored decision about a subject if it has this mark and one of the options; else UNDECIDED."""
    option, _, rest = as_text(record.values.get(about)).partition(" ")
    of, _, reason = rest.partition(" ")
    return PersonDecision(option, reason) if option in options and of == mark else UNDECIDED


def decision_text(option: str, mark: str, reason: str) -> str:
    """Return a decision in its stored form."""
    return " ".join(filter(None, (option, mark, reason)))
