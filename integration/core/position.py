"""Position at which a preview continues."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from integration.core.records import Kind


class Task(StrEnum):
    """Task of a preview. The tasks before `UNDO` make a plan in this order, or `UNDO` makes one; `FINISH` ends it."""

    EXTRACT = "extract"
    TOUCHED = "touched"  # read source records again that were edited in the target
    PARKED = "parked"  # read parked records again because their inputs changed
    CARRY = "carry"  # read the source records again that the waiting plan would change
    SIBLINGS = "siblings"  # read the other variants of changed articles
    COMPARE = "compare"
    VANISHED = "vanished"  # records missing from the source
    UNDO = "undo"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Position:
    """Position of a preview: the task, the name of the flow's stage, and the start of the next page.

    An empty `stage` means the first one. `keys`, `max_records` and `since` limit what is read: the records with these
    keys, a maximum number, and for each kind of the source the changes since a stamp.
    """

    task: Task = Task.EXTRACT
    stage: str = ""
    after: str | None = None
    keys: tuple[str, ...] = ()
    max_records: int | None = None
    since: Mapping[Kind, str] = field(default_factory=dict)
    stamps: Mapping[Kind, str] = field(default_factory=dict)  # the highest stamp read, by kind
    marker: str | None = None  # the target's marker before anything was compared; None: not read yet
    read_count: int = 0
    expected: int = 0  # estimated number of records to read; 0: unknown
    planned: int = 0  # number of read records that are planned
    changes: int = 0
    retirements: int = 0
    watched: Mapping[str, int] = field(default_factory=dict)  # count of each guard, by its name
    filled: Mapping[str, int] = field(default_factory=dict)  # number of records with a value in each source field
    retried: int = 0  # parked records that were read again because their inputs changed
    undone: int = 0  # the last reversed line of the run that is undone
    trusting: bool = False  # records with unchanged hashes are not read again

    @property
    def has_enough(self) -> bool:
        """True if the maximum number of records is read."""
        return self.max_records is not None and self.read_count >= self.max_records

    @property
    def remaining(self) -> int | None:
        """The number of records that may still be read; None for no limit."""
        return None if self.max_records is None else max(self.max_records - self.read_count, 1)

    def start_of(self, task: Task) -> "Position":
        """Return the position at the beginning of another task."""
        return replace(self, task=task, stage="", after=None)

    def with_counts(self, changes: int, retirements: int, guard_counts: Mapping[str, int]) -> "Position":
        """Return the position with these counts added."""
        codes = (*self.watched, *guard_counts)
        sums = {code: self.watched.get(code, 0) + guard_counts.get(code, 0) for code in codes}
        return replace(self, changes=self.changes + changes, retirements=self.retirements + retirements, watched=sums)

    def with_filled(self, source: Kind, counts: Mapping[str, int]) -> "Position":
        """Return the position with the counts of filled fields of a page added."""
        sums = {name: self.filled.get(f"{source}.{name}", 0) + count for name, count in counts.items()}
        return replace(self, filled={**self.filled, **{f"{source}.{name}": total for name, total in sums.items()}})


START = Position()
