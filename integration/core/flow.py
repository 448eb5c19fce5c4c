"""Definition of a flow: the kinds of records it transfers between the systems, and the owner of each field."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from integration.core.issues import PASSING, STOCK
from integration.core.records import Kind, Record
from integration.core.system_roles import SystemRole

# Flow and kind whose links pair the same records in the opposite direction, by flow and kind.
Mirrors = Mapping[tuple[str, Kind], tuple[str, Kind]]


class Ownership(StrEnum):
    """Rule that decides which system wins for a field once both systems have the record."""

    ON_CREATE = "on_create"  # written once, with the record
    KEEP_EQUAL = "keep_equal"  # the source wins
    KEEP_UNLESS_CHANGED = "keep_unless_changed"  # the source wins until somebody edits the target
    NEVER = "never"


class Unique(StrEnum):
    """A value of a record read that no other record may share, by its name in `StagedRecord`."""

    NUMBER = "number"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a flow: the kind it reads, the kind it writes, and how records of this kind behave.

    - `name`: stored with everything that the stage reads and plans; unique within the flow.
    - `is_counted`: the flow counts the records of this stage.
    - `derived`: the records are not read by themselves but come from those of the counted stage, as the debtor of an
      order does.
    - `write_once`: the records are documents, which are never changed. A later change becomes a question.
    - `not_idempotent`: sending a write again creates a second record, because the target has no key of ours that
      rejects it. This holds for all documents.
    - `own_key`: the target stores the record under a key of ours and refuses or overwrites a second one, so a repeated
      write does no harm.
    - `unverifiable`: a person declared that the target cannot be searched or read back, so its positive answer counts.
    - `volatile`: the target itself changes the values every day, so a different value does not count as drift.
    - `one_by_one`: changes are sent one at a time, and one that reads back differently stops all that follow.
    - `off`: the stage is not read. Changes of plans made before are still written.
    - `keyed_source`: the flow asks the source for known keys, because the source cannot tell which records are meant.
    - `hashed`: the result changes only if the hash of its inputs or of the target record changes. Records of this
      stage do not depend on each other.
    - `needs`: fields with the kind of the records that the target must have first. A field may hold several keys.
    - `grouped_by`: field of the source record that groups its lines for people: article group, country or branch.
    - `unique`: values that no two records read may share.
    - `parts`: several source records become one target record, each as a part of this kind with its own link, because
      the target may have the part in another record.
    """

    name: str
    source: Kind
    target: Kind
    is_counted: bool = True
    derived: bool = False
    write_once: bool = False
    not_idempotent: bool = False
    own_key: bool = False
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

    def is_repeatable(self, *, is_new: bool) -> bool:
        """Return True if a write does no harm when it is repeated after a lookup.

        It then sets values of a record that the target finds by our key.
        """
        if self.write_once or self.one_by_one or self.unverifiable:
            return False
        return self.own_key or not is_new

    def needed_records(self, record: Record) -> Iterator[tuple[Kind, str]]:
        """Yield kind and key of each record that the target must have before this one."""
        for name, kind in self.needs.items():
            value = record.values.get(name)
            yield from ((kind, str(key)) for key in (value if isinstance(value, tuple) else (value,)) if key)


@dataclass(frozen=True, slots=True)
class Flow:
    """Transfer of business objects in one direction. Stages run in order: a product needs its group first.

    No two stages read the same kind and write the same kind. If several stages are counted, each source record is in
    exactly one of them.
    """

    name: str
    source_role: SystemRole
    target_role: SystemRole
    stages: tuple[Stage, ...]
    by_changes: bool = True  # whether the source's change stamps report every change; otherwise everything is read
    other_links: tuple[tuple[str, Kind], ...] = ()  # links of other flows that decide how its records are mapped
    volatile_prefixes: tuple[str, ...] = PASSING + STOCK  # prefixes of values that change without an edit of the record

    @property
    def source(self) -> str:
        """The name of the system that it reads in this installation."""
        return self.source_role.system

    @property
    def target(self) -> str:
        """The name of the system that it writes in this installation."""
        return self.target_role.system

    @property
    def counted_stages(self) -> tuple[Stage, ...]:
        """The counted stages that are not off."""
        return tuple(stage for stage in self.stages if stage.is_counted and not stage.off)

    @property
    def counted_stage(self) -> Stage:
        """The first counted stage that is not off."""
        return self.counted_stages[0]

    @property
    def linked_kinds(self) -> tuple[Kind, ...]:
        """The kinds whose links each stand for one source record. For products this is the article."""
        return _linked_kinds(stage for stage in self.stages if stage.is_counted)

    @property
    def expected_kinds(self) -> tuple[Kind, ...]:
        """The linked kinds that a complete run must find records of, if the source has any."""
        return _linked_kinds(stage for stage in self.counted_stages if not stage.keyed_source)

    @property
    def link_inputs(self) -> tuple[tuple[str, Kind], ...]:
        """The links that a parked record may wait for, as flow and kind: its own flow's, and those of other flows."""
        own = (kind for stage in self.stages if not stage.volatile for kind in (stage.target, stage.parts) if kind)
        return (*((self.name, kind) for kind in dict.fromkeys(own)), *self.other_links)

    @property
    def order(self) -> tuple[str, ...]:
        """The names of the stages in their order."""
        return tuple(stage.name for stage in self.stages)

    def stage(self, name: str) -> Stage:
        """Return the stage with this name, or the first stage for an empty name."""
        return next(stage for stage in self.stages if name in ("", stage.name))

    def read_for(self, part: Kind) -> Kind:
        """Return the source kind that a target kind is made from, the first of several."""
        direct = (stage.source for stage in self.stages if stage.target is part and not stage.derived and not stage.off)
        return next(direct, self.counted_stage.source)

    def next_stage(self, stage: Stage) -> Stage | None:
        """Return the next stage, or None after the last."""
        return next(iter(self._later_stages(stage)), None)

    def next_read_stage(self, stage: Stage | None) -> Stage | None:
        """Return the next stage that is read by itself, or None. Start with None for the first one."""
        following = self.stages if stage is None else self._later_stages(stage)
        return next((candidate for candidate in following if not candidate.derived and not candidate.off), None)

    def _later_stages(self, stage: Stage) -> tuple[Stage, ...]:
        return self.stages[self.order.index(stage.name) + 1 :]


def _linked_kinds(stages: Iterable[Stage]) -> tuple[Kind, ...]:
    return tuple(dict.fromkeys(stage.parts or stage.target for stage in stages))
