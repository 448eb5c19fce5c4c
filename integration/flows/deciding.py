"""What a person decided about a record of the source, read from the record: it holds for one state of it alone."""

from collections.abc import Collection
from dataclasses import dataclass

from integration.core.records import Record
from integration.core.rules import as_text

KEEP, AGAIN = "keep", "again"  # as it is; once more, as the source has it now
DECISION = "decision"  # the field that a decision is kept under
MARK_LENGTH = 16


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


def decided(record: Record, mark: str, options: Collection[str]) -> Decided:
    """Return what was decided, as `written` keeps it, where that was about this mark."""
    option, _, rest = as_text(record.values.get(DECISION)).partition(" ")
    of, _, reason = rest.partition(" ")
    return Decided(option, reason) if option in options and of == mark else UNDECIDED


def decision_text(option: str, mark: str, reason: str) -> str:
    """Return a decision as it is kept."""
    return " ".join(filter(None, (option, mark, reason)))
