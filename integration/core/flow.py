"""What a flow is: which kinds of record go from which system to which, and who owns which field."""

from collections.abc import Iterable, Mapping
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

    Its `name` is what is kept of it with whatever is read and planned in it: no other stage of the flow has it.
    What is `derived` is not read by itself: it comes out of the records of the counted stage, as the debtor comes out
    of an order. What is written `once` is a document: never changed after, and a later change is a question. What
    `doubles` is another record where its write is sent again, as each document is: the target has no key of ours that
    keeps a second one out. It is `unverifiable` where a person said that nobody can look for it or read it back: the
    target's yes is believed. What is `moving` the target changes itself every day, so that another value there is no
    drift. What is `exact` is sent one by one, and one that reads back otherwise stops all that follow. `needs` are the
    fields that name a record of another kind which has to be in the target before. `grouped_by` is the field of the
    record read by which people sort its lines: the article group, the country, the branch. What of a record no other
    one read may have is `unique`. What is switched `off` is not read; what a plan made before has of it is still
    carried out. What is asked for by `names` the flow knows itself: the source cannot tell which of its records are
    meant. What is `hashed` comes to nothing else as long as what it is made of and what the target holds come as they
    did before: its records stand alone, and none is written for another. Where several records read go into one
    written, each becomes one of its `parts`, of that kind and with a link of its own: the target may have it elsewhere.
    """

    name: str
    source: Kind
    target: Kind
    counted: bool = True
    derived: bool = False
    write_once: bool = False
    not_idempotent: bool = False
    unverifiable: bool = False
    volatile: bool = False
    one_by_one: bool = False
    off: bool = False
    keyed_source: bool = False
    hashed: bool = False
    needs: Mapping[str, Kind] = field(default_factory=dict)
    grouped_by: str = ""
    unique: tuple[Unique, ...] = ()
    parts: Kind | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """Business objects going one way. Stages run in order: a product needs its group.

    No two stages read the same kind and write the same. Where several are counted, each record read is in one of them.
    """

    name: str
    source: str
    target: str
    stages: tuple[Stage, ...]
    by_changes: bool = True  # whether the source's change stamps tell of every change; else everything is read
    passing: tuple[str, ...] = PASSING + STOCK  # how names of values begin that change without a look at the record

    @property
    def counting(self) -> tuple[Stage, ...]:
        """The stages whose records the flow counts, without those that are off."""
        return tuple(stage for stage in self.stages if stage.counted and not stage.off)

    @property
    def counted(self) -> Stage:
        """The stage whose records the flow counts, the first of several."""
        return self.counting[0]

    @property
    def linked(self) -> tuple[Kind, ...]:
        """The kinds of the links that stand for one record read each: articles, though products are written."""
        return _linked(stage for stage in self.stages if stage.counted)

    @property
    def expected(self) -> tuple[Kind, ...]:
        """Those of them whose records are read: a source that has them tells some when all is asked for."""
        return _linked(stage for stage in self.counting if not stage.keyed_source)

    @property
    def order(self) -> tuple[str, ...]:
        """The names of the stages, in their order."""
        return tuple(stage.name for stage in self.stages)

    def stage(self, name: str) -> Stage:
        """Return the stage of this name, the first where none is given."""
        return next(stage for stage in self.stages if name in ("", stage.name))

    def read_for(self, part: Kind) -> Kind:
        """Return the kind of record out of which a kind is made, the first of several."""
        direct = (one.source for one in self.stages if one.target is part and not one.derived and not one.off)
        return next(direct, self.counted.source)

    def after(self, stage: Stage) -> Stage | None:
        """Return the stage that follows, or None after the last."""
        return next(iter(self._following(stage)), None)

    def read_after(self, stage: Stage | None) -> Stage | None:
        """Return the next stage that is read by itself, the first one after None; or None when there is none left."""
        following = self.stages if stage is None else self._following(stage)
        return next((one for one in following if not one.derived and not one.off), None)

    def _following(self, stage: Stage) -> tuple[Stage, ...]:
        return self.stages[self.order.index(stage.name) + 1 :]


def _linked(stages: Iterable[Stage]) -> tuple[Kind, ...]:
    return tuple(dict.fromkeys(stage.parts or stage.target for stage in stages))
