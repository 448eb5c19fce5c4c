"""What a flow is: which kinds of record go from which system to which, and who owns which field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from integration.core.issues import PASSING, STOCK
from integration.core.records import Kind

# Links of one flow that another flow knows the other way round: the same customer, whoever brought it over.
Mirrors = Mapping[tuple[str, Kind], tuple[str, Kind]]


class Ownership(StrEnum):
    """Who decides about a field's value once both systems have the record."""

    ON_CREATE = "on_create"  # written once, with the record
    KEEP_EQUAL = "keep_equal"  # the source wins
    KEEP_UNLESS_CHANGED = "keep_unless_changed"  # the source wins until somebody edits the target
    NEVER = "never"


class Unique(StrEnum):
    """What of a record as read no other one may have, by its name in `Staged`."""

    NUMBER = "number"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind of record of a flow: what is read, what it becomes, and whether it is what the flow counts.

    What is `derived` is not read by itself: it comes out of the records of the counted stage, as the debtor comes out
    of an order. What is written `once` is a document: never changed after, and a later change is a question. It is
    `unproven` where a person said that nobody can look for it or read it back: the target's yes is believed. `needs`
    are the fields that name a record of another kind which has to be in the target before. `grouped_by` is the field of
    the record read by which people sort its lines: the article group, the country, the branch. What of a record no
    other one read may have is `unique`.
    """

    source: Kind
    target: Kind
    counted: bool = True
    derived: bool = False
    once: bool = False
    unproven: bool = False
    needs: Mapping[str, Kind] = field(default_factory=dict)
    grouped_by: str = ""
    unique: tuple[Unique, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """One kind of business object going one way. Stages run in order: a product needs its group.

    No two stages write the same kind.
    """

    name: str
    source: str
    target: str
    stages: tuple[Stage, ...]
    by_changes: bool = True  # whether the source's change stamps tell of every change; else everything is read
    passing: tuple[str, ...] = PASSING + STOCK  # how names of values begin that change without a look at the record

    @property
    def counted(self) -> Stage:
        """The stage whose records the flow counts."""
        return next(stage for stage in self.stages if stage.counted)

    @property
    def linked(self) -> Kind:
        """The kind of the links that stand for one record read each: articles, though products are written."""
        target = self.counted.target
        return Kind.ARTICLE if target is Kind.PRODUCT else target

    def stage(self, target: Kind) -> Stage:
        """Return the stage that writes this kind."""
        return next(stage for stage in self.stages if stage.target == target)

    def order(self, stage: Stage) -> int:
        """Return how many stages come before this one: what is kept of it."""
        return self.stages.index(stage)

    def after(self, stage: Stage) -> Stage | None:
        """Return the stage that follows, or None after the last."""
        return next(iter(self.stages[self.order(stage) + 1 :]), None)

    def read_after(self, stage: Stage | None) -> Stage | None:
        """Return the next stage that is read by itself, the first one after None; or None when there is none left."""
        following = self.stages if stage is None else self.stages[self.order(stage) + 1 :]
        return next((one for one in following if not one.derived), None)
