"""What a flow is: which kinds of record go from which system to which, and who owns which field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from integration.core.issues import PASSING, STOCK
from integration.core.records import Kind

Mirrors = Mapping[tuple[str, Kind], tuple[str, Kind]]
"""Links of one flow that another flow knows the other way round: the same customer, whoever brought it over."""


class Ownership(StrEnum):
    """Who decides about a field's value once both systems have the record."""

    ON_CREATE = "on_create"  # written once, with the record
    KEEP_EQUAL = "keep_equal"  # the source wins
    KEEP_UNLESS_CHANGED = "keep_unless_changed"  # the source wins until somebody edits the target
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind of record of a flow: what is read, what it becomes, and whether it is what the flow counts.

    What is `derived` is not read by itself: it comes out of the records of the counted stage, as the debtor comes out
    of an order. What is written `once` is a document: never changed after, and a later change is a question. `needs`
    are the fields that name a record of another kind which has to be in the target before. `grouped_by` is the field of
    the record read by which people sort its lines: the article group, the country, the branch.
    """

    source: Kind
    target: Kind
    counted: bool = True
    derived: bool = False
    once: bool = False
    needs: Mapping[str, Kind] = field(default_factory=dict)
    grouped_by: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """One kind of business object going one way. Stages run in order: a product needs its group."""

    name: str
    source: str
    target: str
    stages: tuple[Stage, ...]
    by_changes: bool = True  # whether the source's change stamps tell of every change; else everything is read
    passing: tuple[str, ...] = PASSING + STOCK  # how names of values begin that change without a look at the record

    @property
    def counted(self) -> int:
        """The position of the stage whose records the flow counts."""
        return next(place for place, stage in enumerate(self.stages) if stage.counted)

    @property
    def linked(self) -> Kind:
        """The kind of the links that stand for one record read each: articles, though products are written."""
        stage = self.stages[self.counted]
        return Kind.ARTICLE if stage.target is Kind.PRODUCT else stage.target

    def stage(self, target: Kind) -> int:
        """Return the position of the stage that writes this kind."""
        return next(place for place, stage in enumerate(self.stages) if stage.target == target)
