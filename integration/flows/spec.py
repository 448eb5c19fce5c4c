"""A flow as one value, and what each has to say about its records that the others would say differently."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, Self

from integration.core.causes import Repair, cause
from integration.core.flow import Flow, Stage
from integration.core.issues import Issue, Skip, not_readable
from integration.core.plan import Change, Limits, Policy
from integration.core.records import Field, Held, Kind, Record, Unreadable
from integration.core.rules import Trace
from integration.core.run import Link, Staged
from integration.flows.forms import Question, Section
from integration.flows.settings import FlowSettings, Listed, ValueTable

# Where the mappings of our flows are.
MAPPINGS = Path(__file__).parents[2] / "data" / "mappings"


@dataclass(frozen=True, slots=True)
class Shaped:
    """What the members of one parent come to: one record the target should have, and who is not in it and why.

    Every member is in a part of `desired`, in `parked` or in `skipped`, and in one of them only. `members` are the keys
    of the documents a derived record comes out of.
    """

    desired: Record | None
    title: str
    group: str = ""
    parked: tuple[Issue, ...] = ()
    skipped: tuple[Skip, ...] = ()
    members: tuple[str, ...] = ()

    @classmethod
    def alone(cls, one: Staged) -> Self:
        """Return what a parent with one member comes to: its record, or why there is none."""
        parked = (one.issue,) if one.issue else ()
        return cls(one.record, one.title, parked=parked, skipped=(one.skip,) if one.skip else ())


class FlowLogic(Protocol):
    """What is particular to a flow, with what most flows say alike. Nothing here reads or writes a system."""

    flow: Flow
    policy: Policy  # who owns which target field
    limits: Limits  # when a plan stops for a typed confirmation
    mapping_version: int  # of the mapping in use
    retires: bool = False  # whether what vanished from the source is proposed for retirement
    most: int | None = None  # how many records one run reads at most

    def watched(self, change: Change) -> tuple[str, ...]:
        """Return the codes of the brakes that count this change by itself: brake_price, brake_stock_zero, ...

        A code comes as often as there is something to count, such as a price of an article.
        """
        return ()

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[Staged]:
        """Return each record mapped and checked by itself, in the order given."""

    def shape(
        self,
        stage: Stage,
        members: Sequence[Staged],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> Shaped:
        """Return what the members of one parent come to.

        `duplicates` and `marks` hold the numbers and marks that are unique in the stage and that more than one record
        has, with the keys of those.
        """

    def objection(self, stage: Stage, desired: Record, held: Held | None, link: Link | None) -> Issue | None:
        """Return why the record the target holds is not the one meant, or None."""
        return None

    def fitting(self, stage: Stage, desired: Record, held: Held | None) -> Record | Skip:
        """Return what of the desired record may be created or updated now, with all its parts; or why nothing."""

    def withdraw(self, stage: Stage, change: Change) -> Change | Skip:
        """Return what undoes a create, or why it stays: what somebody may use by now is never deleted."""
        return Skip("undo_keeps", change.key, {"key": change.title})

    def trace(self, stage: Stage, record: Record) -> list[Trace]:
        """Return for every target field how it came to its value from this source record."""


def staged_in(logic: FlowLogic, stage: Stage, records: Sequence[Record]) -> list[Staged]:
    """Return each record mapped and checked by itself, in the order given; one that cannot be read is parked."""
    if not any(isinstance(record, Unreadable) for record in records):
        return logic.stage(stage, records)
    readable = iter(logic.stage(stage, [record for record in records if not isinstance(record, Unreadable)]))
    return [
        Staged(record.key, record.key, record.key, issue=not_readable(record, logic.flow.source))
        if isinstance(record, Unreadable)
        else next(readable)
        for record in records
    ]


class Asked(Protocol):
    """What the logics of the flows ask about both systems and about what is linked."""

    def rates(self, system: str) -> Mapping[str, Decimal]:
        """Return the VAT percentages of a system by its code."""

    def allot(self, flow: str, kind: Kind, key: str) -> str:
        """Return the number that a key of a flow is given for good."""

    def present(self, system: str, kind: Kind, keys: Collection[str]) -> set[str]:
        """Return which of these records a system has."""

    def linked(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, str]:
        """Return which of these keys a flow has linked, with their reference."""

    def links(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, Link]:
        """Return the links that a flow has of these keys."""

    def codes(self, listed: Listed) -> Mapping[str, str]:
        """Return codes and captions of a list, of those the flow says it is made with."""


# How a logic is made: of settings, the mapping's body and version, the value tables, and whom it may ask.
Make = Callable[[Any, Mapping[str, Any], int, Mapping[str, Mapping[str, str]], Asked], FlowLogic]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a flow needs of the books beyond the check of the connection: the kinds it reads or writes there."""

    kinds: tuple[Kind, ...] = ()
    as_invoices: bool = False  # whether orders are written as trade invoices


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpec:
    """Everything that depends on the flow. Whoever needs to know something of a flow asks its value."""

    flow: Flow
    settings: type[FlowSettings]
    make: Make
    # The mapping that a new installation gets.
    mapping: Path

    # Where settings choose the kinds of record: the flow with these settings.
    as_set: Callable[[Any], Flow] | None = None

    # The systems whose VAT percentages the logic is made with; the others need not be there.
    rated: tuple[str, ...] = ()

    # The lists that the logic is made with, as the flow is set; a change in one of them makes it anew.
    made_with: Callable[[Any], tuple[Listed, ...]] = lambda _: ()

    # ---- its mapping

    # The kinds of record it writes, each with the kind that the rules for it read. None is what the stage that writes
    # the kind reads; where no stage of the flow as set does, there is no such part.
    parts: tuple[tuple[Kind, Kind | None], ...]

    # What rules can read beside the fields of the source.
    computed: tuple[Field, ...] = ()

    # Where only some fields of the target are written: which.
    writable: frozenset[str] | None = None

    # Targets of rules of which a setting says as which field they are sent: the price, with VAT or without.
    sent_as: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    # Targets by which a record is found again, so that no rule can leave them alone.
    found_by: frozenset[str] = frozenset()

    # ---- its records

    # The value tables whose two sides are known. Of any other, both systems are asked for a list of its name.
    tables: tuple[ValueTable, ...] = ()

    # What repairs a cause in this flow where it is not as in the others.
    repairs: Mapping[str, Repair] = field(default_factory=dict)

    # Links that another flow knows the other way round, with that flow and its kind.
    mirrors: Mapping[Kind, tuple[str, Kind]] = field(default_factory=dict)

    # Our names of the objects of the books that it uses.
    objects: tuple[str, ...] = ()

    # What it needs of the books as it is set, beyond the check of the connection.
    needs: Callable[[Any], Needs] = lambda _: Needs()

    # ---- on screen

    # The cards of its settings in their order. Filters, brakes and the schedule have tabs of their own.
    sections: tuple[Section, ...] = ()

    # What it is asked in the set-up. Everything else has an answer that suits most.
    questions: tuple[Question, ...] = ()

    # The brakes that can stop a plan of it.
    brakes: tuple[str, ...] = ("changes", "changes_percent")

    # The field that a new filter looks at until another one is chosen; else the first of the source.
    filter_first: str = ""

    # The list that says how the groups are called by which people sort its lines; else they are article groups.
    groups: Listed | None = None

    # What one of its records is called on buttons.
    noun: str = "record"

    # Whether a new installation is offered it as chosen.
    suggested: bool = False

    # When its turn is in a demo; the lowest is first.
    turn: int = 0

    @property
    def name(self) -> str:
        """The name of the flow."""
        return self.flow.name

    def repair_of(self, code: str) -> Repair:
        """Return what repairs a cause, as the flow says or as it is in all of them."""
        return self.repairs.get(code) or cause(code).repair

    def with_settings(self, settings: FlowSettings) -> Flow:
        """Return the flow with the kinds of record that its settings choose."""
        return self.as_set(settings) if self.as_set is not None else self.flow

    def parts_of(self, flow: Flow) -> dict[Kind, Kind]:
        """Return the kinds that the flow writes as it is set, each with the kind of record that its rules read."""
        by_stage = {stage.target: stage.source for stage in flow.stages}
        read = {written: kind or by_stage.get(written) for written, kind in self.parts}
        return {written: kind for written, kind in read.items() if kind is not None}

    def table(self, name: str) -> ValueTable:
        """Return a value table by its name."""
        known = next((one for one in self.tables if one.name == name), None)
        return known or ValueTable(name, Listed(self.flow.source, name), Listed(self.flow.target, name))
