"""Defines the protocols that a system implements to take part in a flow."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, Self, runtime_checkable

from integration.connectors.call_health import HealthSnapshot
from integration.core.connections import Finding, FindingsCallback, ignore_progress
from integration.core.markers import UNKNOWN, ChangeRanges
from integration.core.movements import Movement, StockReservation
from integration.core.plan import Change
from integration.core.prices import PriceQuery, TillPrice
from integration.core.records import Batch, CurrentRecord, Field, FieldPresence, Kind, Record, Unreadable, WriteResult
from integration.core.system_identity import SystemIdentity


class References(Protocol):
    """Maps our keys to the references of the target, from the stored links."""

    def reference(self, kind: Kind, key: str) -> str | None:
        """Return the target's reference of the record with this key of ours, or None."""

    def key(self, kind: Kind, reference: str) -> str | None:
        """Return our key of the record with this reference of the target, or None."""

    def distinct(self, kind: Kind, key: str) -> Collection[str]:
        """Return the references known to belong to other records: evidence never matches them with this key."""


@runtime_checkable
class Identifiable(Protocol):
    """A system that can identify its installation."""

    def identity(self) -> SystemIdentity:
        """Return the values that identify the installation, without those that it lacks or may not disclose."""


class InstallationFacts(Protocol):
    """Stores facts that a connection discovered about its installation, for as long as the installation is the same."""

    def get(self) -> Mapping[str, str]:
        """Return the stored facts by name, never those of another installation."""

    def put(self, values: Mapping[str, str]) -> None:
        """Replace the stored facts."""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """Describes where a system stores records of a kind: the code of the object, its table, and their columns.

    The columns have our names: `code` is their key, `changed` the change stamp where there is one.
    """

    kind: Kind
    object: str
    table: str
    columns: Mapping[str, str]


class Connector(Protocol):
    """Our adapter for one system; it speaks in records.

    Every method may raise UnavailableError, AccessDeniedError, RejectedError or MalformedAnswerError.
    """

    in_flight: int  # the number of calls that the system may have at once

    def check(self, on_progress: FindingsCallback = ignore_progress) -> list[Finding]:
        """Return the steps of the connection check up to the first one that fails. Never raises.

        Each time a step succeeds, `on_progress` receives all steps; later ones are marked as not checked yet.
        """

    def fields(self, kind: Kind) -> list[Field]:
        """Return the fields that a kind has in this installation."""

    def choices(self, name: str) -> dict[str, str]:
        """Return codes with captions for a question of the set-up, such as `vat_codes` or `branches`."""

    def extract(
        self, kind: Kind, since: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Batch:
        """Return one page of the records that changed since the stamp `since`, or of all records when it is None.

        `after` is the page mark of the previous batch. Repeating a page is safe. `limit` is the largest number of
        documents on a page; kinds that are always read completely ignore it.
        """

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the source's records with these keys, without those that no longer exist."""

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the target's current records for these records, by key, without those that the target lacks.

        `CurrentRecord.elsewhere` names the wanted parts that the target has in another record, or under another number.
        """

    def shows(self, kind: Kind) -> bool:
        """Return True if the target lists records of a kind, or states explicitly that it has none.

        The records need not be ours. An answer that may be empty for other reasons proves nothing, and gives False.
        """

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        """Carry out one change and return the system's own reference.

        `current` is the record as it was just looked up (None for a create). `token` is the same on every attempt.
        Raises RejectedError when the system refuses the record and InDoubtError when no usable answer came.
        """

    def calls(self, change: Change) -> int:
        """Return how many write calls this change takes: the number on the button."""

    def begin(self) -> None:
        """Forget how the system answered in earlier runs, because a run begins or resumes."""

    def close(self) -> None:
        """Close all connections."""

    def read_changes(
        self, kind: Kind, since: str, after: str | None = None, known_ranges: ChangeRanges = UNKNOWN
    ) -> Batch:
        """Return one page of the target's records that changed since the marker `since`.

        Each record has only its key (the target's own reference), the keys of its parts and the value `marker`. Records
        whose markers are in `known_ranges` are left out where that saves a call.
        """


@dataclass(frozen=True, slots=True)
class GiftCardBalance:
    """Number and remaining value of the usable gift cards of one turnover group.

    Both leave out the cards that cannot be read, whose number is `unreadable`. The group is empty for unreadable cards
    without a readable group.
    """

    group: str
    count: int
    balance: Decimal
    unreadable: int = 0


@runtime_checkable
class GiftCardIssuer(Connector, Protocol):
    """A system that knows the remaining value of the gift cards it sold."""

    def gift_cards(self) -> list[GiftCardBalance]:
        """Return the gift cards per turnover group. Raises RejectedError if the installation does not report them."""


@dataclass(frozen=True, slots=True)
class ReservationPage:
    """One page of orders: their ids, the stock they reserve now, the next page mark, and the newest marker read."""

    orders: tuple[str, ...]
    reservations: tuple[StockReservation, ...]
    after: str | None
    stamp: str | None


@runtime_checkable
class StockHistory(Connector, Protocol):
    """A system that reports every stock movement under a rising number."""

    def newest_movement(self) -> int:
        """Return the number of the newest movement, 0 before the first."""

    def movements(self, after: int, begin: datetime) -> list[Movement]:
        """Return the next movements after a number, oldest first. When `after` is 0, they start at `begin`."""

    def reservation_page(self, since: str | None, after: str | None = None) -> ReservationPage:
        """Return one page of the current reservations of orders that changed since the marker `since`."""


@runtime_checkable
class HealthCheckable(Connector, Protocol):
    """A remote system, which may be unavailable."""

    def health_snapshot(self) -> HealthSnapshot:
        """Return the health of the connection as the calls so far show it."""

    def probe(self) -> None:
        """Make the cheapest call that shows whether the system answers."""


@runtime_checkable
class Countable(Connector, Protocol):
    """A system that can estimate its number of records before they are read."""

    def estimate_count(self, kind: Kind) -> int:
        """Return the approximate number of records of a kind, or 0 where the system cannot say."""


@runtime_checkable
class ReportsFields(Connector, Protocol):
    """A source that reports which fields its records had, also for records that were fetched by key."""

    def fetched(self, kind: Kind, keys: Collection[str]) -> Batch:
        """Return the records that `fetch` returns, as one page."""


@runtime_checkable
class ChecksValues(Connector, Protocol):
    """A target that knows which values it cannot store before it is sent any."""

    def require_storable(self, change: Change) -> None:
        """Raise RejectedError, as `write` would before a call if all records that this one needs existed.

        That is for a value that has no field or does not fit it, and for a required field without a value.
        """


@runtime_checkable
class Invoicing(Connector, Protocol):
    """A system that reports which of its sales orders it has invoiced."""

    def uninvoiced(self, orders: Sequence[Record], references: References) -> dict[str, Unreadable | None]:
        """Return the sales orders, by key, that the system has not invoiced yet, as far as it shows that.

        Where the invoice state of an order cannot be determined, its value says what cannot be read.
        """

    def keeps_invoiced(self) -> bool:
        """Return True if an invoiced sales order can still be found. Otherwise a missing one may have been invoiced."""


@dataclass(frozen=True, slots=True)
class UnparsedPage:
    """One unparsed page of an extract: key and hash of each record.

    `parse` returns the records, without those with the given keys; `fields` describes the fields of the
    returned records. The other attributes are as in `Batch`.
    """

    hashes: tuple[tuple[str, str], ...]
    parse: Callable[[Collection[str]], tuple[Record, ...]]
    after: str | None
    stamp: str | None = None
    fields: Callable[[], FieldPresence] = FieldPresence


@runtime_checkable
class HashedSource(Connector, Protocol):
    """A source that can return hashes of its records without parsing them."""

    def extract_unparsed(self, kind: Kind, since: str | None = None, after: str | None = None) -> UnparsedPage | None:
        """Return the page that `extract` would return, unparsed; None where the source cannot do that for this kind.

        The hash of a record changes only when its content changes, or the settings by which it is parsed.
        """


@runtime_checkable
class HashedTarget(Connector, Protocol):
    """A target that can return hashes of its records without parsing them."""

    def hashes(self, records: Sequence[Record]) -> dict[str, str]:
        """Return `CurrentRecord.hash` as `lookup` would, by key, for the records that have one.

        The wanted records need only the values and parts by which they are looked up.
        """


@dataclass(frozen=True, slots=True)
class Document:
    """A document in the books as lists show it: its reference, ours or not, and the number it has in the books.

    The number is empty where the list does not show it, or may show another one later.
    """

    reference: str
    number: str


@dataclass(frozen=True, slots=True)
class DictionaryColumn:
    """One column as the data dictionary describes it. `type` is the dictionary's letter."""

    name: str
    caption: str
    type: str
    length: int | None = None
    upper: bool = False
    custom: bool = False
    required: bool = False
    blocked: bool = False  # cannot be written through the API
    contradiction: str = ""  # its types, if the dictionary describes it in several ways; values then have no known type

    @property
    def rules(self) -> tuple[object, ...]:
        """Return what decides how values of the column are read and written; not its caption."""
        return self.type, self.length, self.upper, self.required, self.blocked


@runtime_checkable
class Configurable(Connector, Protocol):
    """A system whose object and field names differ per installation, and which may lack some of them."""

    def forget(self) -> None:
        """Discard the installation's structure read so far, so that a check reads the current one."""

    def remember(self, before: Self) -> None:
        """Copy the facts that another connection to the same installation read under other field names."""

    def needs(self, kind: Kind, *, for_insert: bool = False, as_invoices: bool = False) -> list[Finding]:
        """Return the missing requirements of a kind: the right to its object, and its fields. Never raises.

        `for_insert` adds the right to insert records. With `as_invoices`, that right is needed for the object of trade
        invoices instead, and its fields as well.
        """

    def missing_fields(self, kind: Kind, names: Collection[str]) -> dict[str, str]:
        """Return the fields that records of a kind lack, each with the name that should hold it.

        A field of ours without a name in the settings has "". A name that is not a field of ours maps to itself.
        """

    def described(
        self, kinds: Collection[Kind], *, as_invoices: bool = False, fresh: bool = False
    ) -> Mapping[str, Sequence[tuple[object, ...]]]:
        """Return, by table, how the installation describes the columns that hold the fields of these kinds.

        Each description has name, contradiction, type, length, and whether the column is required or blocked. Recent
        reads are reused unless `fresh` is set, which reads and replaces them. Kinds that the system does not have are
        left out.
        """

    def objects(self) -> dict[str, str]:
        """Return the codes of all objects of the installation, with their captions."""

    def dictionary(self, table: str) -> Sequence[DictionaryColumn]:
        """Return the columns of a table as the installation describes them now, none if it does not exist."""

    def newest_documents(self, kind: Kind, daybook: str = "") -> list[list[Document]]:
        """Return the latest documents of a kind, newest first: one list for each place where they may be.

        Covers this fiscal year and the one before, and also the place to which documents move once they are invoiced.
        Pages of `daybook` have a list of their own, beside the latest pages of all daybooks.
        """

    def propose_fields(self) -> dict[Kind, dict[str, str]]:
        """Return a name for each unnamed field for which a caption suggests one."""

    def highest_records(self, name: str, count: int) -> list[Record]:
        """Return the articles with the highest values of a field, highest first."""


@runtime_checkable
class Pricing(Connector, Protocol):
    """A system that can calculate the price a customer pays."""

    def can_calculate_prices(self) -> bool:
        """Return True if this installation can calculate prices and the settings allow asking for them."""

    def till_prices(self, queries: Sequence[PriceQuery]) -> list[TillPrice | None]:
        """Return the price for each query, in the same order; None where the system gives no price."""


@runtime_checkable
class LastActivity(Connector, Protocol):
    """A system that can report when a customer last occurred on one of its documents."""

    def last_activity_dates(self, customers: Collection[str], since: date) -> dict[str, date | None]:
        """Return the latest date, from `since` on, of a sale to or booking on each customer; keys are the system's own.

        The date is None where an unreadable part of the answer may be newer. Customers without activity since then are
        left out. The result is empty where the system does not show activity.
        """
