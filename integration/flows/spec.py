"""Defines a flow as one value, and the protocols of its logic and of the queries of its logic."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

from integration.connectors.protocol import SourceTable
from integration.core.booking_comparison import DocumentVersions
from integration.core.booking_state import BookingStates
from integration.core.causes import Repair, cause
from integration.core.errors import IntegrationError, Reason
from integration.core.flow import Flow, Stage
from integration.core.issues import Issue, IssueState, Skip, unreadable_record_issue
from integration.core.link_evidence import Evidence
from integration.core.links import Link
from integration.core.movements import Movement, StockReservation, UnbookedMovement
from integration.core.plan import Change, Policy
from integration.core.records import Batch, CurrentRecord, Field, Kind, Record, Unreadable
from integration.core.staged_records import MARK_SEPARATOR, StagedRecord, UnparsedRecord
from integration.core.system_roles import SystemRole
from integration.core.traces import Trace
from integration.flows.forms import Question, Section, names
from integration.flows.settings import CodeList, FlowSettings, OwnDocumentMarks, ValueTable
from integration.shipped import SHIPPED

# The folder of the shipped mappings.
MAPPINGS = SHIPPED / "data" / "mappings"


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """One record that the target should have, made from staged members with the same parent, or the reasons why not.

    Every member is accounted for exactly once: as a part of `desired`, in `parked` or in `skipped`. `members` are the
    keys of the documents that a derived record is made from. `prerequisite` is a record that must be in the target
    before `desired`. With `is_uncounted` the record accounts for none of the records that were read, as a prerequisite
    does.
    """

    desired: Record | None
    title: str
    group: str = ""
    parked: tuple[Issue, ...] = ()
    skipped: tuple[Skip, ...] = ()
    members: tuple[str, ...] = ()
    prerequisite: Record | None = None
    prerequisite_title: str = ""
    is_uncounted: bool = False
    counted_codes: tuple[str, ...] = ()  # codes that a plan counts, besides its brakes; one for each part concerned
    unit: str = ""  # unit of its quantities, as the source names it
    inputs: Mapping[str, str] = field(default_factory=dict)  # inputs of volatile figures: see `Desired`

    @property
    def weight(self) -> int:
        """Number of source records that `desired` accounts for."""
        return 0 if self.is_uncounted or self.desired is None else len(self.desired.sources)

    @classmethod
    def from_single_member(cls, member: StagedRecord) -> Self:
        """Return the target record of a parent with one member: its record, or the reason why there is none."""
        parked = (member.issue,) if member.issue else ()
        return cls(member.record, member.title, parked=parked, skipped=(member.skip,) if member.skip else ())


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One page of keys of source records to fetch, and the position of the next page: None after the last page."""

    keys: tuple[str, ...]
    after: str | None = None


class FlowLogic(Protocol):
    """The logic of one flow, with the defaults that most flows share. It reads and writes no system itself."""

    flow: Flow
    policy: Policy  # field ownership
    settings: FlowSettings  # that the logic was built from
    mapping_version: int  # of the mapping in use
    reads: frozenset[str] = frozenset()  # source fields that influence the result, also under the source's own names
    retires: bool = False  # whether records that vanished from the source are proposed for retirement
    frees: frozenset[str] = frozenset()  # unique fields whose values a retired part frees for others
    resends: bool = False  # whether a non-idempotent write is repeated when a lookup does not find it
    max_records: int | None = None  # maximum number of records that one run reads
    basis: str = ""  # fingerprint of all inputs of the logic; empty if unknown

    def before_reading(self, stage: Stage) -> None:
        """Store the state that is needed from before the read, because it may change while the source is read."""
        return

    def read_key_page(self, stage: Stage, after: str | None) -> KeyPage:
        """Return one page of keys to fetch, for a stage whose source is read by key."""
        return KeyPage(())

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[StagedRecord]:
        """Return the records, each mapped and checked separately, in the given order."""

    def unparsed(self, stage: Stage, keys: Collection[str]) -> Mapping[str, UnparsedRecord]:
        """Return known results of records of a `hashed` stage, by key, before they are read; other records are read."""
        return {}

    def claimed_marks(self, stage: Stage, record: Unreadable) -> Collection[str]:
        """Return the marks that an unreadable record claims as far as it can be read: no other record gets them."""
        return ()

    def shape(
        self,
        stage: Stage,
        members: Sequence[StagedRecord],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> TargetRecord:
        """Return the target record of the members of one parent.

        `duplicates` and `marks` hold the numbers and marks that must be unique in the stage but occur in more than one
        record, with the keys of those records. The default requires that every parent has exactly one member.
        """
        (member,) = members
        return TargetRecord.from_single_member(member)

    def objection(
        self, stage: Stage, desired: Record, current: CurrentRecord | None, link: Link | None
    ) -> Issue | None:
        """Return an issue if the record in the target is not the intended one or a person must decide; else None."""
        return None

    def evidence_of_unlinked(self, keys: Collection[str]) -> Mapping[str, Evidence]:
        """Return what another flow knows of the identity of records that this flow has not linked yet."""
        return {}

    def remarks(
        self, stage: Stage, desired: Record, current: CurrentRecord | None, link: Link | None
    ) -> tuple[Issue, ...]:
        """Return issues that are reported with a record but do not prevent its write."""
        return ()

    def read_failures(self, stage: Stage) -> Sequence[Issue]:
        """Return issues for additional data of a stage that could not be read; they prevent no write."""
        return ()

    def writable_part(self, stage: Stage, desired: Record, current: CurrentRecord | None) -> Record | Skip:
        """Return the part of the desired record that may be written now, with all its parts, or why there is none."""

    def conflicts_between(
        self, stage: Stage, desired: Sequence[Record], *, sending: bool = False
    ) -> Mapping[str, Issue | Skip]:
        """Return the new records that must not be written because of other records, by key, with the reason.

        The runner calls this once per page while it makes a plan, and again immediately before it sends a new record
        (`sending`).
        """
        return {}

    def alternatives(self, stage: Stage, desired: Record) -> tuple[Record, ...]:
        """Return the other forms in which the target may already have a new record, so that it is not created twice.

        The target is queried for these while a plan is made, and again immediately before a new record is sent.
        """
        return ()

    def withdraw(self, stage: Stage, change: Change) -> Change | Skip | Issue:
        """Return the change that undoes a create, or why the record stays: a record that may be in use is not deleted.

        An issue is the reason why the undo waits for a person.
        """
        return Skip("undo_keeps", change.key, {"key": change.title})

    def reversible(self, change: Change) -> Change:
        """Return the part of an update that an undo can put back; a target may be unable to clear fields."""
        return change

    def compare_booking(self, record: Record) -> DocumentVersions | None:
        """Return a document as it was booked and as it would be booked now; None if no part of it is booked."""
        return None

    def trace(self, stage: Stage, record: Record) -> list[Trace]:
        """Return for every target field the trace of its value from this source record."""

    def change_reasons(self, change: Change) -> Mapping[str, Reason]:
        """Return reasons that follow from a change itself, by value path; an empty path applies to the whole change."""
        return {}


def stage_records(logic: FlowLogic, stage: Stage, records: Sequence[Record]) -> list[StagedRecord]:
    """Return the records, each mapped and checked separately, in order; an unreadable record becomes an issue."""
    if not any(isinstance(record, Unreadable) for record in records):
        return logic.stage(stage, records)
    readable = iter(logic.stage(stage, [record for record in records if not isinstance(record, Unreadable)]))
    return [
        StagedRecord(
            record.key,
            record.key,
            record.key,
            mark=MARK_SEPARATOR.join(sorted(logic.claimed_marks(stage, record))),
            issue=unreadable_record_issue(record, logic.flow.source),
        )
        if isinstance(record, Unreadable)
        else next(readable)
        for record in records
    ]


class Source(Protocol):
    """The read interface of a system; see `connectors/protocol.py`."""

    def extract(
        self, kind: Kind, since: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Batch:
        """Return one page of the records that changed since a cursor, or of all records if `since` is None."""

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the records under these keys."""


def page_in(
    source: Source, logic: FlowLogic, stage: Stage, *, since: str | None, after: str | None, most: int | None = None
) -> Batch:
    """Return one page of source records of a stage: extracted from the source, or fetched by the keys of the flow."""
    if not stage.keyed_source:
        return source.extract(stage.source, since, after, most)
    key_page = logic.read_key_page(stage, after)
    return Batch(tuple(source.fetch(stage.source, key_page.keys)) if key_page.keys else (), key_page.after)


class Movements(Protocol):
    """Query and update interface for the stock movements of the till; see `services/mappings/movements.py`."""

    def unbooked(self) -> Mapping[int, UnbookedMovement]:
        """Return the movements that are not known to be in the books."""

    def orders_with_reservations(self) -> Collection[str]:
        """Return the orders of the till that reserve stock."""

    def settle(self, numbers: Collection[int], orders: Collection[str]) -> None:
        """Mark these movements as in the books, and exactly these orders."""

    def settled_movements(self, documents: Collection[str]) -> Mapping[int, UnbookedMovement]:
        """Return the movements of these documents that are marked as in the books."""

    def reopen(self, numbers: Collection[int]) -> None:
        """Remove the mark from movements that are no longer in the books."""

    def begin(self, begin: datetime) -> None:
        """Read new movements and reservations before a run reads the books."""

    def read_on(self, begin: datetime) -> int:
        """Read new movements up to now and return the number of the newest one."""

    def open(self, articles: Collection[str], upto: int | None = None) -> Sequence[Movement]:
        """Return the movements of these articles that are not known to be in the books."""

    def movements_without_article(self) -> Sequence[Movement]:
        """Return the movements whose article cannot be determined because they cannot be read well enough."""

    def reservations_of(self, articles: Collection[str]) -> Sequence[tuple[StockReservation, bool]]:
        """Return the reservations of these articles by orders, each with whether the books have the order."""


class RenamedCode(NamedTuple):
    """The names of a code of a value table: when its row was saved, and now."""

    was: str
    now: str


class FlowContext(Protocol):
    """Queries that the logic of a flow may make about both systems and about links."""

    def rates(self, system: str) -> Mapping[str, Decimal]:
        """Return the VAT percentages of a system by VAT code."""

    def allot(self, flow: str, kind: Kind, key: str) -> str:
        """Return the number that is permanently allocated to a key of a flow."""

    def allotted(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, str]:
        """Return the numbers permanently allocated to keys of a flow; keys without a number are left out."""

    def present(self, system: str, kind: Kind, keys: Collection[str]) -> set[str]:
        """Return which of these records exist in a system."""

    def linked(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, str]:
        """Return which of these keys a flow has linked, with their references."""

    def links(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, Link]:
        """Return the links of these keys in a flow."""

    def linked_references(self, flow: str, kind: Kind, references: Collection[str]) -> set[str]:
        """Return which of these target references a flow has linked."""

    def booking_states(self, flow: str, kinds: Collection[Kind], keys: Collection[str]) -> BookingStates:
        """Return the booking states of documents that may become one of these kinds; see `core/booking_state.py`."""

    def documents_made_from(
        self, flow: str, kinds: Collection[Kind], keys: Collection[str]
    ) -> Mapping[str, Collection[str]]:
        """Return, for each key, the documents of a flow that are made from it and are booked or may be booked."""

    def booked_ending(self, flow: str, kinds: Collection[Kind], ending: str) -> Collection[str]:
        """Return the keys of a flow with this ending under which something is booked or may be booked."""

    def issues(self, flow: str, causes: Collection[str], state: IssueState) -> Sequence[Issue]:
        """Return the issues of a flow with one of these causes in one state: open, or dismissed by a person."""

    def links_after(self, flow: str, kind: Kind, after: str, limit: int) -> Sequence[Link]:
        """Return up to `limit` links of a flow in key order, starting after a key."""

    def records(self, system: str, kind: Kind, keys: Collection[str]) -> Sequence[Record]:
        """Return the current records of a system under these keys; missing records are left out."""

    def current_records(self, flow: str, system: str, desired: Sequence[Record]) -> Mapping[str, CurrentRecord]:
        """Return a system's current versions of these records, with the same lookup that a plan of the flow uses."""

    def uninvoiced(self, flow: str, system: str, orders: Sequence[Record]) -> dict[str, Unreadable | None]:
        """Return which of these sales orders are not invoiced yet; all of them if the system does not report that.

        The value is the unreadable record if it cannot be determined whether the order is invoiced, else None.
        """

    def pictures(self, files: Sequence[str]) -> Sequence[Record | IntegrationError]:
        """Return for each file name in the books the picture with `content` and `size`, or why there is none."""

    def today(self) -> date:
        """Return the current day."""

    def setting(self, flow: str, name: str) -> object:
        """Return the value of a setting of another flow."""

    def movements(self) -> Movements:
        """Return the stock movements of the till, for the flow that asks."""

    def renamed_codes(self, table: str) -> Mapping[str, RenamedCode]:
        """Return the codes of an identified value table of the flow that now belong to another record."""

    def codes(self, code_list: CodeList) -> Mapping[str, str]:
        """Return codes and captions of a list that the flow declares in `code_lists`."""


# Value tables by name, each with rows that translate a code of one system into one of the other.
Tables = Mapping[str, Mapping[str, str]]

# Creates a logic from settings, the body and version of the mapping, the value tables and the query context.
Make = Callable[[Any, Mapping[str, Any], int, Tables, FlowContext], FlowLogic]


@dataclass(frozen=True, slots=True)
class Requirements:
    """The record kinds that a flow reads or writes in the books, beyond those of the connection check."""

    kinds: tuple[Kind, ...] = ()
    read_only_kinds: tuple[Kind, ...] = ()  # only read; the flow writes other kinds
    as_invoices: bool = False  # whether orders are written as trade invoices


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpec:
    """Everything that depends on the flow. All other code takes flow-specific facts from this value."""

    flow: Flow
    settings: type[FlowSettings]
    make: Make
    mapping: Path  # initial mapping of a new installation

    # Returns the flow for given settings, if the settings choose the kinds of record.
    flow_for_settings: Callable[[Any], Flow] | None = None

    # The roles of the systems whose VAT percentages the logic needs. Other percentages need not be available.
    vat_rate_systems: tuple[SystemRole, ...] = ()

    # The code lists that the logic needs with given settings. If one of them changes, the logic is rebuilt.
    code_lists: Callable[[Any], tuple[CodeList, ...]] = lambda _: ()
    # The settings of other flows that the logic uses, as pairs of flow and setting.
    depends_on_settings: tuple[tuple[str, str], ...] = ()

    # ---- its mapping

    # The kinds of record that it writes, each with the kind that its rules read. None stands for the source kind of
    # the stage that writes the kind; if no active stage writes it, there is no such part.
    parts: tuple[tuple[Kind, Kind | None], ...]

    # Computed fields that rules can read in addition to the source fields.
    computed: tuple[Field, ...] = ()

    # The target fields that are written, if not all of them are.
    writable: frozenset[str] | None = None

    # Rule targets whose field in the target a setting chooses, e.g. the price with or without VAT.
    target_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    # Rule targets by which a record is found again; they must always have a rule.
    match_fields: frozenset[str] = frozenset()

    # ---- its records

    # The value tables whose two sides are declared. For any other table, both systems are asked for a list of its name.
    tables: tuple[ValueTable, ...] = ()

    # Repairs of causes that differ from those in the other flows.
    repairs: Mapping[str, Repair] = field(default_factory=dict)

    # Kinds whose links another flow has in the opposite direction, with that flow and its kind.
    mirrors: Mapping[Kind, tuple[str, Kind]] = field(default_factory=dict)

    # Returns the source key of a target key, if one source record can have several target records (its bookings).
    record_of: Callable[[str], str] = str
    own_document_marks: OwnDocumentMarks | None = None  # that distinguish its documents from those of another console

    # Our names of the objects of the books that the flow uses.
    objects: tuple[str, ...] = ()

    # The requirements on the books with given settings, beyond the connection check.
    needs: Callable[[Any], Requirements] = lambda _: Requirements()

    # The source tables of its kinds of record; each kind is read from one table.
    reads: tuple[SourceTable, ...] = ()

    # ---- on screen

    # The cards of its settings in display order. Filters, brakes and the schedule have their own tabs.
    sections: tuple[Section, ...] = ()

    # The questions of the set-up. All other settings have a default that suits most installations.
    questions: tuple[Question, ...] = ()

    # The initial field of a new filter; empty means the first field of the source.
    filter_first: str = ""

    # The list with the names of the groups by which plan lines are sorted; None means article groups.
    groups: CodeList | None = None

    # The noun for one of its records on buttons.
    noun: str = "record"

    # Whether the flow is preselected in a new installation.
    suggested: bool = False

    # Alternative settings that the fault lab applies on top of the proposed ones, to test more functions of the flow.
    lab_variants: tuple[Mapping[str, Any], ...] = ()

    # Position in a demo; the lowest comes first.
    demo_order: int = 0

    @property
    def name(self) -> str:
        return self.flow.name

    def repair_of(self, code: str) -> Repair:
        """Return the repair of a cause: that of this flow, or the common one."""
        return self.repairs.get(code) or cause(code).repair

    def has_place(self, repair: Repair) -> bool:
        """Return True if the page of the flow has the setting, table or tab that a repair leads to."""
        match repair.tab if repair.name else "":
            case "settings":
                return repair.name in {name for section in self.sections for name in names(section.shapes)}
            case "tables":
                return repair.name in {table.name for table in self.tables}
        return bool(repair.tab)

    def with_settings(self, settings: FlowSettings) -> Flow:
        """Return the flow with the kinds of record that its settings choose."""
        return self.flow_for_settings(settings) if self.flow_for_settings is not None else self.flow

    def parts_of(self, flow: Flow) -> dict[Kind, Kind]:
        """Return the kinds that the active stages of the flow write, each with the kind that its rules read."""
        written_by = {stage.target for stage in flow.stages if not stage.off}
        made_of = {kind: flow.read_for(kind) for kind in written_by}
        sources = {target: kind or made_of.get(target) for target, kind in self.parts}
        return {target: kind for target, kind in sources.items() if kind is not None}

    def table(self, name: str) -> ValueTable:
        declared = next((table for table in self.tables if table.name == name), None)
        return declared or ValueTable(
            name, CodeList(self.flow.source_role, name), CodeList(self.flow.target_role, name)
        )
