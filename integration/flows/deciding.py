"""What a person decided about a record of the source, read from the record: it holds for one state of it alone."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from integration.core.records import Record
from integration.core.rules import as_text

KEEP, AGAIN = "keep", "again"  # as it is; once more, as the source has it now
MARK_LENGTH = 16


class About(StrEnum):
    """What a record can be asked about, as the field that the answer is kept under.

    Each has an answer of its own: a record that is asked about for two reasons at once keeps both.
    """

    CHANGE = "decision"  # what is booked, and the source has otherwise since
    REFUND = "decision_refund"  # what takes back a sale that is not booked
    BESIDE = "decision_beside"  # what may be sold by another document
    SAME = "decision_same"  # what stands in the target under its number
    TYPED = "decision_typed"  # what somebody may have written in the target
    UNREADABLE = "decision_unreadable"  # what cannot be read in the target, and may be it


@dataclass(frozen=True, slots=True)
class Decided:
    """The option that was taken, and why; empty where nobody decided about what the record is now."""

    option: str = ""
    reason: str = ""


UNDECIDED = Decided()


def decision_mark(record: Record, of: str = "") -> str:
    """Return the mark of what a record is now, and of what it is about, where that can be several things."""
    digest = as_text(record.values.get("digest"))[:MARK_LENGTH]
    return f"{digest}.{of}" if of else digest


def decided(record: Record, about: About, mark: str, options: Collection[str]) -> Decided:
    """Return what was decided about something, as `decision_text` keeps it, where that was about this mark."""
    option, _, rest = as_text(record.values.get(about)).partition(" ")
    of, _, reason = rest.partition(" ")
    return Decided(option, reason) if option in options and of == mark else UNDECIDED


def decision_text(option: str, mark: str, reason: str) -> str:
    """Return a decision as it is kept."""
    return " ".join(filter(None, (option, mark, reason)))
