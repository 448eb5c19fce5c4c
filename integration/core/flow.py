"""What a flow is: which kinds of record go from which system to which, and who owns which field."""

from dataclasses import dataclass
from enum import StrEnum

from integration.core.records import Kind


class Ownership(StrEnum):
    """Who decides about a field's value once both systems have the record."""

    ON_CREATE = "on_create"  # written once, with the record
    KEEP_EQUAL = "keep_equal"  # the source wins
    KEEP_UNLESS_CHANGED = "keep_unless_changed"  # the source wins until somebody edits the target
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind of record of a flow: what is read, what it becomes, and whether it is what the flow counts."""

    source: Kind
    target: Kind
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Flow:
    """One kind of business object going one way. Stages run in order: a product needs its group."""

    name: str
    source: str
    target: str
    stages: tuple[Stage, ...]

    def stage(self, target: Kind) -> int:
        """Return the position of the stage that writes this kind."""
        return next(place for place, stage in enumerate(self.stages) if stage.target == target)
