"""What a system must be able to do to take part in a flow."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, Self, runtime_checkable

from integration.connectors.call_health import HealthSnapshot
from integration.core.connections import Finding, Tell, ignore_progress
from integration.core.markers import UNKNOWN, ChangeRanges
from integration.core.moves import Move, Promise
from integration.core.plan import Change
from integration.core.prices import Charge, TillPrice
from integration.core.records import Batch, Field, Fields, Held, Kind, Record, Unreadable, Written
from integration.core.system_identity import SystemIdentity


class References(Protocol):
    """Which of our keys is which reference of the target: the links, as a connector may ask them."""

    def reference(self, kind: Kind, key: str) -> str | None:
        """Return the target's reference of what we know under this key."""

    def key(self, kind: Kind, reference: str) -> str | None:
        """Return our key of what the target knows under this reference."""

    def distinct(self, kind: Kind, key: str) -> Collection[str]:
        """Return the references that are known to be another record than ours: no evidence matches them with it."""


@runtime_checkable
class Identifiable(Protocol):
    """A system that says which installation it is."""

    def identity(self) -> SystemIdentity:
        """Return what identifies the installation. What it may not tell, or does not have, is left out."""


class InstallationFacts(Protocol):
    """What a connection found out of an installation and goes on with: kept as long as it is the same one."""

    def get(self) -> Mapping[str, str]:
        """Return what was found out, by name; nothing of another installation."""

    def put(self, values: Mapping[str, str]) -> None:
        """Keep what was found out in the place of what was."""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """Where a system has records of a kind that a flow brings: the code of the object, its table, and their columns.

    The columns stand under our names: `code` is their key, `changed` the change stamp where there is one.
    """

    kind: Kind
    object: str
    table: str
    columns: Mapping[str, str]


class Connector(Protocol):
    """One system, spoken to in records.

    Every method may raise UnavailableError, AccessDeniedError, RejectedError or MalformedAnswerError.
    """

    in_flight: int  # how many calls the system may have at once

    def check(self, tell: Tell = ignore_progress) -> list[Finding]:
        """Return the connection check, stopping at the first look that finds something wrong. Never raises.

        `tell` is given all lines each time one is found well; those that are still to come are not checked yet.
        """

    def fields(self, kind: Kind) -> list[Field]:
        """Return the fields of a kind as this installation has them."""

    def choices(self, name: str) -> dict[str, str]:
        """Return codes and their captions for a question of the set-up: vat_codes, branches, ..."""

    def extract(self, kind: Kind, since: str | None = None, after: str | None = None, most: int | None = None) -> Batch:
        """Return one page of what changed from the stamp `since` on, of everything when it is None.

        `after` is the page mark of the batch before. Repeating a page is safe. A page of documents has `most` at most;
        of what is always wanted whole, that changes nothing.
        """

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the source's records under these keys; a key that is gone is left out."""

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return what the target holds now for these records, by their keys; what it does not have is left out.

        Parts of a record that the target has in another record, or under another number than is wanted, are told in
        `Held.elsewhere`.
        """

    def shows(self, kind: Kind) -> bool:
        """Tell whether the target shows records of a kind: it has any, ours or not, or says that it has none.

        An answer that is empty for other reasons too says nothing.
        """

    def write(self, change: Change, held: Held | None, references: References, token: str) -> Written:
        """Carry out one change and return the system's own reference.

        `held` is what was just looked up (None for a create). `token` is the same on every attempt. Raises
        RejectedError when the system refuses the record and InDoubtError when no usable answer came.
        """

    def calls(self, change: Change) -> int:
        """Return how many write calls this change takes: the number on the button."""

    def begin(self) -> None:
        """Take nothing for granted that earlier runs learned of how the system answers: a run begins, or goes on."""

    def close(self) -> None:
        """Close all connections."""

    def changed(self, kind: Kind, since: str, after: str | None = None, known: ChangeRanges = UNKNOWN) -> Batch:
        """Return one page of what changed in the target from the marker `since` on: records with key and marker.

        What has a marker that is `known` is left out as far as that saves a call.

        Of each record only the key, which is the target's own reference here, the parts' keys and the value `marker`
        are filled.
        """


@dataclass(frozen=True, slots=True)
class GiftCardsLeft:
    """The gift cards of one turnover group that can still be used: how many, and what is left on them."""

    group: str
    count: int
    left: Decimal


@runtime_checkable
class IssuingGiftCards(Connector, Protocol):
    """A system that knows what is left on the gift cards it sold."""

    def gift_cards(self) -> list[GiftCardsLeft]:
        """Return the cards of each turnover group. Raises RejectedError where this installation does not tell."""


@dataclass(frozen=True, slots=True)
class ReservationPage:
    """A page of orders: their ids, what they keep aside now, where the next page starts, and how far markers came."""

    orders: tuple[str, ...]
    kept: tuple[Promise, ...]
    after: str | None
    stamp: str | None


@runtime_checkable
class StockHistory(Connector, Protocol):
    """A system that tells every movement of its stock, each under a number that rises."""

    def newest_move(self) -> int:
        """Return the number of the newest movement, 0 before the first."""

    def moves(self, after: int, begin: datetime) -> list[Move]:
        """Return the next movements after a number, oldest first; after 0 those from a moment on."""

    def promises(self, since: str | None, after: str | None = None) -> ReservationPage:
        """Return one page of what orders that changed from the marker `since` on keep aside now."""


@runtime_checkable
class HealthCheckable(Connector, Protocol):
    """A system that somebody calls elsewhere, and which may be away."""

    def heard(self) -> HealthSnapshot:
        """Return whether it answers, as the calls so far tell."""

    def look(self) -> None:
        """Make the least call there is, which tells nothing but whether it answers."""


@runtime_checkable
class Countable(Connector, Protocol):
    """A system of which can be found out how many records it has before they are read."""

    def about(self, kind: Kind) -> int:
        """Return about how many records of a kind there are; 0 where that is not to be found out."""


@runtime_checkable
class ReportsFields(Connector, Protocol):
    """A source of which is told which fields came, also with records that are asked for by their keys."""

    def fetched(self, kind: Kind, keys: Collection[str]) -> Batch:
        """Return what `fetch` would as one page."""


@runtime_checkable
class Invoicing(Connector, Protocol):
    """A system that tells of its sales orders which it has invoiced."""

    def uninvoiced(self, orders: Sequence[Record], references: References) -> dict[str, Unreadable | None]:
        """Return which of these sales orders, by their keys, it has not invoiced yet, as far as that is to be seen.

        With one of which nobody can tell comes what cannot be read.
        """

    def keeps_invoiced(self) -> bool:
        """Tell whether a sales order can still be found once it is invoiced; else one that is gone may be that."""


@dataclass(frozen=True, slots=True)
class Unread:
    """One page of an extract as it came: key and hash of each record, of which nothing was read yet.

    `read` returns the records, but for those under some keys; `fields` is about those that it returned. The rest is as
    in a `Batch`.
    """

    hashes: tuple[tuple[str, str], ...]
    read: Callable[[Collection[str]], tuple[Record, ...]]
    after: str | None
    stamp: str | None = None
    fields: Callable[[], Fields] = Fields


@runtime_checkable
class HashedSource(Connector, Protocol):
    """A system that can say what its records are like without reading them."""

    def unread(self, kind: Kind, since: str | None = None, after: str | None = None) -> Unread | None:
        """Return the page that `extract` would, unread; None where that cannot be had of this kind.

        The hash of a record stays the same until anything of it, or how it is read, is another.
        """


@runtime_checkable
class HashedTarget(Connector, Protocol):
    """A system that can say what it holds of records without reading it."""

    def hashes(self, wanted: Sequence[Record]) -> dict[str, str]:
        """Return what `lookup` would tell as `Held.hash`, by key, of those that it has one of.

        Of what is wanted, the values and parts by which it is looked up are enough.
        """


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the books as lists show it: our reference, or that of somebody else, and the books' own number.

    Without a number where the place does not tell it, or may tell another one later.
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
    blocked: bool = False  # not to be written from outside


@runtime_checkable
class Configurable(Connector, Protocol):
    """A system whose objects and fields have other names in every installation, and which may lack some of them."""

    def forget(self) -> None:
        """Read what the installation has anew when it is asked for next: a check looks at what was read since then."""

    def remember(self, before: Self) -> None:
        """Count what a connection has read of the same installation under other names of its fields."""

    def needs(self, kind: Kind, *, written: bool = False, as_invoices: bool = False) -> list[Finding]:
        """Return what a kind of record needs beyond the check: the right to its object, and its fields. Never raises.

        `written` records need the right to insert them; as trade invoices, that and the fields of another object.
        """

    def unknown(self, kind: Kind, names: Collection[str]) -> dict[str, str]:
        """Return which of these fields records of a kind do not have, each with the name that should hold it.

        A field of ours that the settings leave without a name has "", a name that is none of ours itself.
        """

    def described(
        self, kinds: Collection[Kind], *, as_invoices: bool = False, fresh: bool = False
    ) -> Mapping[str, Sequence[tuple[object, ...]]]:
        """Return by table what the installation says of the fields that records of these kinds are kept in.

        Of each its name, type and length, and whether it is required or blocked. What was read once counts, unless
        `fresh`: then it is read again, and that counts from now on. Kinds that the system does not have are left out.
        """

    def objects(self) -> dict[str, str]:
        """Return the codes of all objects of the installation, with what they are called."""

    def dictionary(self, table: str) -> Sequence[DictionaryColumn]:
        """Return the columns of a table as the installation describes them now, none where it has no such table."""

    def newest(self, kind: Kind) -> list[list[Document]]:
        """Return the documents of a kind that were made last, the newest first: a page of each place they may be in.

        Those of this fiscal year and of the one before, also where they were moved once they were invoiced.
        """

    def propose_fields(self) -> dict[Kind, dict[str, str]]:
        """Return a name for each field that has none, where a caption suggests one."""

    def most(self, name: str, count: int) -> list[Record]:
        """Return the articles that have most of a field, most first."""


@runtime_checkable
class Pricing(Connector, Protocol):
    """A system that can be asked what somebody pays."""

    def tells_prices(self) -> bool:
        """Tell whether this installation answers the question at all, and is set to be asked."""

    def charged(self, asked: Sequence[Charge]) -> list[TillPrice | None]:
        """Return what is paid for each, in the order asked; None where there is no answer for it."""


@runtime_checkable
class LastActivity(Connector, Protocol):
    """A system that can be asked when a customer last stood on one of its documents."""

    def last_used(self, customers: Collection[str], since: date) -> dict[str, date | None]:
        """Return the newest day, from `since` on, of what was sold to or booked on each of these customers of its own.

        It is None where a part of the answer that cannot be read may be newer. Who had nothing since then is left out,
        and so is everybody where the system does not show it.
        """
