"""A flow as one value, and what each has to say about its records that the others would say differently."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, Self

from integration.connectors.protocol import SourceTable
from integration.core.booking_comparison import BothSides
from integration.core.booking_state import Standings
from integration.core.causes import Repair, cause
from integration.core.errors import IntegrationError, Reason
from integration.core.flow import Flow, Stage
from integration.core.issues import Issue, IssueState, Skip, not_readable
from integration.core.links import Link
from integration.core.moves import Move, Promise, Unbooked
from integration.core.plan import Change, Policy
from integration.core.records import Batch, Field, Held, Kind, Record, Unreadable
from integration.core.staged import Staged, Unstaged
from integration.core.traces import Trace
from integration.flows.forms import Question, Section, names
from integration.flows.settings import FlowSettings, Listed, OwnDocumentMarks, ValueTable
from integration.shipped import SHIPPED

# Where the mappings of our flows are.
MAPPINGS = SHIPPED / "data" / "mappings"


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """What the members of one parent come to: one record the target should have, and who is not in it and why.

    Every member is in a part of `desired`, in `parked` or in `skipped`, and in one of them only. `members` are the keys
    of the documents a derived record comes out of. `ahead` is a record that has to be in the target before `desired`;
    what goes ahead `is_beside`: it accounts for nothing that was read.
    """

    desired: Record | None
    title: str
    group: str = ""
    parked: tuple[Issue, ...] = ()
    skipped: tuple[Skip, ...] = ()
    members: tuple[str, ...] = ()
    ahead: Record | None = None
    ahead_title: str = ""
    is_beside: bool = False
    noted: tuple[str, ...] = ()  # what a plan counts of its parts beside brakes: a code for each
    unit: str = ""  # in which its quantities are counted, as the source has it
    inputs: Mapping[str, str] = field(default_factory=dict)  # of running figures: see `Desired`

    @property
    def weight(self) -> int:
        """How many records read what is desired accounts for."""
        return 0 if self.is_beside or self.desired is None else len(self.desired.sources)

    @classmethod
    def alone(cls, one: Staged) -> Self:
        """Return what a parent with one member comes to: its record, or why there is none."""
        parked = (one.issue,) if one.issue else ()
        return cls(one.record, one.title, parked=parked, skipped=(one.skip,) if one.skip else ())


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One page of records of the source by their keys, and where the next page starts: None after the last."""

    keys: tuple[str, ...]
    after: str | None = None


class FlowLogic(Protocol):
    """What is particular to a flow, with what most flows say alike. Nothing here reads or writes a system."""

    flow: Flow
    policy: Policy  # who owns which target field
    settings: FlowSettings  # it was made of
    mapping_version: int  # of the mapping in use
    reads: frozenset[str] = frozenset()  # fields of the source, under its own names too, that decide about a record
    retires: bool = False  # whether what vanished from the source is proposed for retirement
    frees: frozenset[str] = frozenset()  # unique fields that a part which is retired gives up
    resends: bool = False  # whether what doubles is sent again by itself after a look that does not show it
    most: int | None = None  # how many records one run reads at most
    basis: str = ""  # a mark of all that it is made of; empty where nobody knows it

    def before_reading(self, stage: Stage) -> None:
        """Take note of what has to be known as it is before the source is read: what comes after may not be in it."""
        return

    def named(self, stage: Stage, after: str | None) -> KeyPage:
        """Return which records of a stage that is read by names are asked for, page by page."""
        return KeyPage(())

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[Staged]:
        """Return each record mapped and checked by itself, in the order given."""

    def unstaged(self, stage: Stage, keys: Collection[str]) -> Mapping[str, Unstaged]:
        """Return what is known of records of a `hashed` stage before they are read; one that is left out is read."""
        return {}

    def shape(
        self,
        stage: Stage,
        members: Sequence[Staged],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> TargetRecord:
        """Return what the members of one parent come to.

        `duplicates` and `marks` hold the numbers and marks that are unique in the stage and that more than one record
        has, with the keys of those. Where every parent has one member, it comes to what that is.
        """
        (one,) = members
        return TargetRecord.alone(one)

    def objection(self, stage: Stage, desired: Record, held: Held | None, link: Link | None) -> Issue | None:
        """Return why the record the target holds is not the one meant, or None."""
        return None

    def remarks(self, stage: Stage, desired: Record, held: Held | None, link: Link | None) -> tuple[Issue, ...]:
        """Return what a person is told about a record beside what is written of it: it does not hold that up."""
        return ()

    def read_failures(self, stage: Stage) -> Sequence[Issue]:
        """Return what could not be read beside the records of a stage: it is told, and holds none of them up."""
        return ()

    def writable_part(self, stage: Stage, desired: Record, held: Held | None) -> Record | Skip:
        """Return what of the desired record may be created or updated now, with all its parts; or why nothing."""

    def conflicts_between(
        self, stage: Stage, desired: Sequence[Record], *, sending: bool = False
    ) -> Mapping[str, Issue | Skip]:
        """Return which new records stay out of the target because of others, by key, and why.

        It is asked once a page while a plan is made, and again right before something new is sent.
        """
        return {}

    def alternatives(self, stage: Stage, desired: Record) -> tuple[Record, ...]:
        """Return as what else a new record may be in the target, so that it is not made there once more.

        The target is asked for these while a plan is made, and again right before something new is sent.
        """
        return ()

    def withdraw(self, stage: Stage, change: Change) -> Change | Skip | Issue:
        """Return what undoes a create, or why it stays: what somebody may use by now is never deleted.

        An issue says why it waits for a person.
        """
        return Skip("undo_keeps", change.key, {"key": change.title})

    def reversible(self, change: Change) -> Change:
        """Return what of an update can be put back: what the target had nothing for, it may not be able to empty."""
        return change

    def compare_booking(self, record: Record) -> BothSides | None:
        """Return a document as it was booked and as it would be booked now; None where nothing of it is."""
        return None

    def trace(self, stage: Stage, record: Record) -> list[Trace]:
        """Return for every target field how it came to its value from this source record."""

    def change_reasons(self, change: Change) -> Mapping[str, Reason]:
        """Return reasons that lie in a change itself, by the path of a value; under no path for all of it."""
        return {}


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


class Source(Protocol):
    """A system as its records are read; see `connectors/protocol.py`."""

    def extract(self, kind: Kind, since: str | None = None, after: str | None = None, most: int | None = None) -> Batch:
        """Return one page of what changed from a stamp on, of everything when it is None."""

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the records under these keys."""


def page_in(
    source: Source, logic: FlowLogic, stage: Stage, *, since: str | None, after: str | None, most: int | None = None
) -> Batch:
    """Return one page of the records of a stage: of what the source tells, or of what the flow names."""
    if not stage.keyed_source:
        return source.extract(stage.source, since, after, most)
    named = logic.named(stage, after)
    return Batch(tuple(source.fetch(stage.source, named.keys)) if named.keys else (), named.after)


class Movements(Protocol):
    """What the movements of the till are asked; see `services/mappings/movements.py`."""

    def unbooked(self) -> Mapping[int, Unbooked]:
        """Return the movements that the books are not known to have."""

    def promising(self) -> Collection[str]:
        """Return the orders of the till that keep something aside."""

    def settle(self, numbers: Collection[int], orders: Collection[str]) -> None:
        """Mark movements as in the books, and of the orders exactly these."""

    def settled(self, documents: Collection[str]) -> Mapping[int, Unbooked]:
        """Return the movements of these documents that are marked as in the books."""

    def reopen(self, numbers: Collection[int]) -> None:
        """Take the mark off movements: the books do not have them any more."""

    def begin(self, begin: datetime) -> None:
        """Read on before a run reads the books, also what orders keep aside."""

    def read_on(self, begin: datetime) -> int:
        """Read on up to now and return the newest movement there is."""

    def open(self, articles: Collection[str], upto: int | None = None) -> Sequence[Move]:
        """Return the movements of articles that the books are not known to have."""

    def unplaced(self) -> Sequence[Move]:
        """Return the movements that can be read so little that nobody knows which article they are about."""

    def promised(self, articles: Collection[str]) -> Sequence[tuple[Promise, bool]]:
        """Return what orders keep aside of articles, each with whether the books have the order."""


class FlowContext(Protocol):
    """What the logics of the flows ask about both systems and about what is linked."""

    def rates(self, system: str) -> Mapping[str, Decimal]:
        """Return the VAT percentages of a system by its code."""

    def allot(self, flow: str, kind: Kind, key: str) -> str:
        """Return the number that a key of a flow is given for good."""

    def allotted(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, str]:
        """Return the numbers that keys of a flow were given for good; a key without one is left out."""

    def present(self, system: str, kind: Kind, keys: Collection[str]) -> set[str]:
        """Return which of these records a system has."""

    def linked(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, str]:
        """Return which of these keys a flow has linked, with their reference."""

    def links(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, Link]:
        """Return the links that a flow has of these keys."""

    def referred(self, flow: str, kind: Kind, references: Collection[str]) -> set[str]:
        """Return which of these references of the target a flow has linked."""

    def standings(self, flow: str, kinds: Collection[Kind], keys: Collection[str]) -> Standings:
        """Return where documents of a flow stand that may become one of these kinds; see `core/booking_state.py`."""

    def made_of(self, flow: str, kinds: Collection[Kind], keys: Collection[str]) -> Mapping[str, Collection[str]]:
        """Return the documents of a flow that come out of each of these, and are booked or may be."""

    def booked_ending(self, flow: str, kinds: Collection[Kind], ending: str) -> Collection[str]:
        """Return the keys of a flow that end so, and under which something is booked or may be."""

    def issues(self, flow: str, causes: Collection[str], state: IssueState) -> Sequence[Issue]:
        """Return what a flow has of these causes in one state: open, or set aside by somebody."""

    def links_after(self, flow: str, kind: Kind, after: str, limit: int) -> Sequence[Link]:
        """Return so many links of a flow in the order of their keys, those behind a key."""

    def records(self, system: str, kind: Kind, keys: Collection[str]) -> Sequence[Record]:
        """Return the records of a system under these keys, as they are now; what is not there is left out."""

    def held(self, flow: str, system: str, wanted: Sequence[Record]) -> Mapping[str, Held]:
        """Return what a system holds of these records, found as a plan of the flow would find it."""

    def uninvoiced(self, flow: str, system: str, orders: Sequence[Record]) -> dict[str, Unreadable | None]:
        """Return which of these sales orders a system has not invoiced yet, all of them where it tells of none.

        With one of which nobody can tell comes what cannot be read.
        """

    def pictures(self, files: Sequence[str]) -> Sequence[Record | IntegrationError]:
        """Return the picture each name of the books stands for, with `content` and `size`, or why there is none."""

    def setting(self, flow: str, name: str) -> object:
        """Return what another flow is set to."""

    def movements(self) -> Movements:
        """Return what moved at the till, for the flow that asks."""

    def codes(self, listed: Listed) -> Mapping[str, str]:
        """Return codes and captions of a list, of those the flow says it is made with."""


# The value tables by their names, each with the rows of which a code becomes another.
Tables = Mapping[str, Mapping[str, str]]

# How a logic is made: of settings, the mapping's body and version, the value tables, and whom it may ask.
Make = Callable[[Any, Mapping[str, Any], int, Tables, FlowContext], FlowLogic]


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a flow needs of the books beyond the check of the connection: the kinds it reads or writes there."""

    kinds: tuple[Kind, ...] = ()
    looked_at: tuple[Kind, ...] = ()  # only read, by a flow that writes others
    as_invoices: bool = False  # whether orders are written as trade invoices


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpec:
    """Everything that depends on the flow. Whoever needs to know something of a flow asks its value."""

    flow: Flow
    settings: type[FlowSettings]
    make: Make
    mapping: Path  # that a new installation gets

    # Where settings choose the kinds of record: the flow with these settings.
    as_set: Callable[[Any], Flow] | None = None

    # The systems whose VAT percentages the logic is made with; the others need not be there.
    vat_rate_systems: tuple[str, ...] = ()

    # The lists that the logic is made with, as the flow is set; a change in one of them makes it anew.
    code_lists: Callable[[Any], tuple[Listed, ...]] = lambda _: ()
    # The settings of other flows that the logic asks for, each with its flow.
    depends_on_settings: tuple[tuple[str, str], ...] = ()

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
    match_fields: frozenset[str] = frozenset()

    # ---- its records

    # The value tables whose two sides are known. Of any other, both systems are asked for a list of its name.
    tables: tuple[ValueTable, ...] = ()

    # What repairs a cause in this flow where it is not as in the others.
    repairs: Mapping[str, Repair] = field(default_factory=dict)

    # Links that another flow knows the other way round, with that flow and its kind.
    mirrors: Mapping[Kind, tuple[str, Kind]] = field(default_factory=dict)

    # The key of the record read that a key written stands for, where one record can have several: its bookings.
    record_of: Callable[[str], str] = str
    own_document_marks: OwnDocumentMarks | None = None  # by which its documents are told from those of another console

    # Our names of the objects of the books that it uses.
    objects: tuple[str, ...] = ()

    # What it needs of the books as it is set, beyond the check of the connection.
    needs: Callable[[Any], Requirements] = lambda _: Requirements()

    # Where its source has the kinds of record that it brings, each of which is read from one table.
    reads: tuple[SourceTable, ...] = ()

    # ---- on screen

    # The cards of its settings in their order. Filters, brakes and the schedule have tabs of their own.
    sections: tuple[Section, ...] = ()

    # What it is asked in the set-up. Everything else has an answer that suits most.
    questions: tuple[Question, ...] = ()

    # The field that a new filter looks at until another one is chosen; else the first of the source.
    filter_first: str = ""

    # The list that says how the groups are called by which people sort its lines; else they are article groups.
    groups: Listed | None = None

    # What one of its records is called on buttons.
    noun: str = "record"

    # Whether a new installation is offered it as chosen.
    suggested: bool = False

    # What the fault lab sets beyond what is proposed, so that it tries more of what a flow can do; in several ways.
    lab_variants: tuple[Mapping[str, Any], ...] = ()

    # When its turn is in a demo; the lowest is first.
    demo_order: int = 0

    @property
    def name(self) -> str:
        """The name of the flow."""
        return self.flow.name

    def repair_of(self, code: str) -> Repair:
        """Return what repairs a cause, as the flow says or as it is in all of them."""
        return self.repairs.get(code) or cause(code).repair

    def has_place(self, repair: Repair) -> bool:
        """Tell whether the page of the flow has the setting or table that a repair names; the other tabs it has all."""
        match repair.tab if repair.name else "":
            case "settings":
                return repair.name in {name for section in self.sections for name in names(section.shapes)}
            case "tables":
                return repair.name in {table.name for table in self.tables}
        return bool(repair.tab)

    def with_settings(self, settings: FlowSettings) -> Flow:
        """Return the flow with the kinds of record that its settings choose."""
        return self.as_set(settings) if self.as_set is not None else self.flow

    def parts_of(self, flow: Flow) -> dict[Kind, Kind]:
        """Return the kinds that the flow writes as it is set, each with the kind of record that its rules read."""
        written_by = {stage.target for stage in flow.stages if not stage.off}
        made_of = {kind: flow.read_for(kind) for kind in written_by}
        read = {written: kind or made_of.get(written) for written, kind in self.parts}
        return {written: kind for written, kind in read.items() if kind is not None}

    def table(self, name: str) -> ValueTable:
        """Return a value table by its name."""
        known = next((one for one in self.tables if one.name == name), None)
        return known or ValueTable(name, Listed(self.flow.source, name), Listed(self.flow.target, name))
