"""Where a preview stands: what it goes on with after an interruption, and what it has counted by then."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from integration.core.records import Kind


class Task(StrEnum):
    """What a preview is at. A plan is made by the first five in their order, or by undoing, and then finished."""

    EXTRACT = "extract"
    TOUCHED = "touched"  # what was edited in the target is read again from the source
    SIBLINGS = "siblings"  # and the other variants of what changed
    COMPARE = "compare"
    VANISHED = "vanished"  # what the source no longer has
    UNDO = "undo"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a preview goes on: the task, the stage of the flow by its order, and where the next page begins.

    `keys`, `most` and `since` say what is read: the records under these keys, so many at most, and per kind of the
    source what changed since a stamp.
    """

    task: Task = Task.EXTRACT
    stage: int = 0
    after: str | None = None
    keys: tuple[str, ...] = ()
    most: int | None = None
    since: Mapping[Kind, str] = field(default_factory=dict)
    stamps: Mapping[Kind, str] = field(default_factory=dict)  # the highest of each kind read
    marker: str | None = None  # where the target stood before anything was compared; None: not asked yet
    read: int = 0
    planned: int = 0  # of what was read, in records
    changes: int = 0
    retirements: int = 0
    watched: Mapping[str, int] = field(default_factory=dict)  # changes that each brake counts by itself
    undone: int = 0  # the last line of the other run that was turned around

    @property
    def has_enough(self) -> bool:
        """Whether as many records are read as may be."""
        return self.most is not None and self.read >= self.most

    def at(self, task: Task) -> "Position":
        """Return the beginning of another task."""
        return replace(self, task=task, stage=0, after=None)

    def counting(self, changes: int, retirements: int, watched: Mapping[str, int]) -> "Position":
        """Return the position with so many more lines of a plan."""
        sums = {code: self.watched.get(code, 0) + watched.get(code, 0) for code in (*self.watched, *watched)}
        return replace(
            self, changes=self.changes + changes, retirements=self.retirements + retirements, watched=sums
        )  # fmt: skip


START = Position()
