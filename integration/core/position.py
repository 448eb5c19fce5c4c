"""Where a preview goes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from integration.core.records import Kind


class Task(StrEnum):
    """What a preview is at. A plan is made by those before `UNDO` in their order, or by undoing, and then finished."""

    EXTRACT = "extract"
    TOUCHED = "touched"  # what was edited in the target is read again from the source
    CARRY = "carry"  # and what the plan that waits would change
    SIBLINGS = "siblings"  # and the other variants of what changed
    COMPARE = "compare"
    VANISHED = "vanished"  # what the source no longer has
    UNDO = "undo"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a preview goes on: the task, the stage of the flow by its name, and where the next page begins.

    Where no stage is named it is the first. `keys`, `most` and `since` say what is read: the records under these keys,
    so many at most, and per kind of the source what changed since a stamp.
    """

    task: Task = Task.EXTRACT
    stage: str = ""
    after: str | None = None
    keys: tuple[str, ...] = ()
    most: int | None = None
    since: Mapping[Kind, str] = field(default_factory=dict)
    stamps: Mapping[Kind, str] = field(default_factory=dict)  # the highest of each kind read
    marker: str | None = None  # where the target stood before anything was compared; None: not asked yet
    read: int = 0
    expected: int = 0  # about as many records are to be read; 0: nobody knows
    planned: int = 0  # of what was read, in records
    changes: int = 0
    retirements: int = 0
    watched: Mapping[str, int] = field(default_factory=dict)  # changes that each brake counts by itself
    undone: int = 0  # the last line of the other run that was turned around
    trusting: bool = False  # what hashes say to be as it was when both systems agreed is not read any more

    @property
    def has_enough(self) -> bool:
        """Whether as many records are read as may be."""
        return self.most is not None and self.read >= self.most

    @property
    def remaining(self) -> int | None:
        """How many records may still be read; None for any number."""
        return None if self.most is None else max(self.most - self.read, 1)

    def at(self, task: Task) -> "Position":
        """Return the beginning of another task."""
        return replace(self, task=task, stage="", after=None)

    def counting(self, changes: int, retirements: int, guard_counts: Mapping[str, int]) -> "Position":
        """Return the position with so many more lines of a plan."""
        codes = (*self.watched, *guard_counts)
        sums = {code: self.watched.get(code, 0) + guard_counts.get(code, 0) for code in codes}
        return replace(self, changes=self.changes + changes, retirements=self.retirements + retirements, watched=sums)


START = Position()
