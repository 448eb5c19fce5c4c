"""The connector of MplusKASSA, which passes each call to the part that handles the kind of record."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from integration.connectors.call_health import HealthSnapshot
from integration.connectors.http import Gateway
from integration.connectors.mplus import codec
from integration.connectors.mplus.check import TillCheck
from integration.connectors.mplus.choices import TillChoices
from integration.connectors.mplus.client import Client
from integration.connectors.mplus.days import TillDays
from integration.connectors.mplus.documents import TillDocuments
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.gift_cards import cards_left
from integration.connectors.mplus.groups import TillGroups
from integration.connectors.mplus.history import TillHistory, reservation_page
from integration.connectors.mplus.identity import read_identity
from integration.connectors.mplus.pictures import TillPictures
from integration.connectors.mplus.pricing import TillPricing
from integration.connectors.mplus.products import TillProducts
from integration.connectors.mplus.relations import TillRelations
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.settlements import Settlements
from integration.connectors.mplus.stock import TillStock
from integration.connectors.mplus.target import ChecksRecords, TillTarget, naming_record, not_at_till
from integration.connectors.protocol import GiftCardBalance, InstallationFacts, References, ReservationPage
from integration.core.connections import Finding, FindingsCallback, ignore_progress
from integration.core.errors import RejectedError
from integration.core.markers import UNKNOWN, ChangeRanges
from integration.core.movements import Movement
from integration.core.plan import Action, Change
from integration.core.prices import PriceQuery, TillPrice
from integration.core.records import Batch, CurrentRecord, Field, Kind, Record, WriteResult
from integration.core.system_identity import SystemIdentity


class TillSource(Protocol):
    """Reads records of one kind; see `Connector` for what each method promises."""

    def extract(self, kind: Kind, since: str | None, after: str | None, limit: int | None) -> Batch:
        """Return one page of the records that changed since the stamp `since`."""

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the records with these keys."""


class Mplus:
    """One MplusKASSA installation, as source and target."""

    def __init__(
        self, settings: MplusSettings, gateway: Gateway | None = None, learned: InstallationFacts | None = None
    ) -> None:
        """`learned` stores facts about the installation; without it they are kept for this connection only."""
        self.settings = settings
        self.in_flight = settings.in_flight
        self._client = Client(settings, gateway)
        self._fields = TillFields(settings, self._client)
        self._choices = TillChoices(self._client, self._fields)
        self._pricing = TillPricing(settings, self._client)
        self._check = TillCheck(settings, self._client, self._choices, self._pricing)
        products = TillProducts(settings, self._client, self._fields)
        documents = TillDocuments(settings, self._client)
        self._history = TillHistory(settings, self._client)
        self._documents = documents
        self._stock = TillStock(settings, self._client, products, self._history, learned)
        self._sources: Mapping[Kind, TillSource] = {
            **dict.fromkeys(codec.DOCUMENTS, documents),
            Kind.DAY: TillDays(settings, self._client, documents),
        }
        self.targets: dict[Kind, TillTarget] = {  # a flow with records of its own adds their target
            Kind.GROUP: TillGroups(settings, self._client),
            Kind.PRODUCT: products,
            Kind.PICTURE: TillPictures(settings, self._client),
            Kind.RELATION: TillRelations(settings, self._client, self._fields),
            Kind.STOCK: self._stock,
            Kind.SETTLEMENT: Settlements(settings, self._client),
        }

    def begin(self) -> None:
        """Do nothing: the till always states explicitly, and in one form, that nothing was found."""

    def close(self) -> None:
        self._client.close()

    # ---- health

    def health_snapshot(self) -> HealthSnapshot:
        return self._client.answering.snapshot()

    def probe(self) -> None:
        """Make the cheapest call; see `HealthCheckable.probe`."""
        self._client.probe()

    def identity(self) -> SystemIdentity:
        """Return the licensed company, the branches with their workplaces, and the newest change numbers."""
        return read_identity(self._client)

    # ---- set-up

    def check(self, on_progress: FindingsCallback = ignore_progress) -> list[Finding]:
        """Return the steps of the connection check up to the first one that fails; see `Connector.check`."""
        return self._check.connection(on_progress)

    def fields(self, kind: Kind) -> list[Field]:
        """Return our fields, every other simple field by its wire name, and the custom fields that the till defines."""
        return self._fields.list_fields(kind)

    def choices(self, name: str) -> dict[str, str]:
        """Return codes and captions for a question of the set-up; see `TillChoices.list_codes` for the names."""
        return self._choices.list_codes(name)

    # ---- the till as a source

    def extract(
        self, kind: Kind, since: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Batch:
        """Return one page of days, or of the documents of a kind from the marker `since` on.

        See `TillDocuments.extract` and `TillDays.extract`.
        """
        return self._source(kind).extract(kind, since, after, limit)

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the documents of a kind with these ids, or the days with these keys, without missing ones."""
        return self._source(kind).fetch(kind, keys)

    # ---- stock movements of the till

    def newest_movement(self) -> int:
        """Return the number of the newest stock movement, 0 before the first."""
        return self._history.present()

    def movements(self, after: int, begin: datetime) -> list[Movement]:
        """Return the next stock movements; see `TillHistory.page`."""
        return self._history.page(after, begin)

    def reservation_page(self, since: str | None, after: str | None = None) -> ReservationPage:
        """Return one page of the current reservations of orders that changed since a marker."""
        return reservation_page(self._documents, since, after)

    def gift_cards(self) -> list[GiftCardBalance]:
        """Return the remaining value of gift cards, by the turnover group they are sold in; see `cards_left`."""
        return cards_left(self._client)

    # ---- the till as a target

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the till's current records, by our keys; each target defines how its kind is matched.

        A linked record that is missing in a joint lookup is looked up once more alone before it counts as gone.
        """
        current: dict[str, CurrentRecord] = {}
        for kind, target in self.targets.items():
            chosen = [record for record in records if record.kind is kind]
            if not chosen:
                continue
            current |= target.lookup(chosen, references)
            if len(chosen) > 1 and kind is not Kind.GROUP:  # groups are always read as one tree
                for linked_record in [
                    record for record in chosen if record.key not in current and references.reference(kind, record.key)
                ]:
                    current |= target.lookup([linked_record], references)
        return current

    def hashes(self, records: Sequence[Record]) -> dict[str, str]:
        """Return hashes of the till's current stock levels; other kinds have none. See `HashedTarget`."""
        levels = [record for record in records if record.kind is Kind.STOCK]
        return self._stock.hashes(levels) if levels else {}

    def read_changes(
        self, kind: Kind, since: str, after: str | None = None, known_ranges: ChangeRanges = UNKNOWN
    ) -> Batch:
        """Return one page of the till's changes after the marker `since`; `after` is the stamp of the page before."""
        return self._target(kind).read_changes(known_ranges.last_contiguous(after or since))

    def calls(self, change: Change) -> int:
        """Return how many write calls this change takes."""
        return self._target(change.kind).calls(change)

    def shows(self, kind: Kind) -> bool:
        """Return True for every target: the till's answers always say explicitly that a list is empty."""
        return kind in self.targets

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        """Carry out one change and return the till's number, with the marker of the change if the answer has it.

        Raises RejectedError when the till refuses the record and InDoubtError when no usable answer came.
        """
        target = self._target(change.kind)
        with naming_record(change, current):
            if current is None and change.action is not Action.CREATE:
                raise RejectedError("target_record_missing")
            return target.write(change, current, references, token)

    def require_storable(self, change: Change) -> None:
        """Raise RejectedError for a value that has no field or does not fit it; see `ChecksValues`."""
        target = self._target(change.kind)
        if isinstance(target, ChecksRecords):
            with naming_record(change, None):
                target.require_storable(change)

    def last_activity_dates(self, customers: Collection[str], since: date) -> dict[str, date | None]:
        """Return the date of the last document of each of these relations; see `TillDocuments.last_document_days`."""
        return self._documents.last_document_days(customers, since)

    # ---- prices

    def can_calculate_prices(self) -> bool:
        """Return True if this installation can calculate customer prices; see `TillPricing.answers`."""
        return self._pricing.answers()

    def till_prices(self, queries: Sequence[PriceQuery]) -> list[TillPrice | None]:
        """Return the till's price for each query, in the same order; None where it gives no price."""
        return self._pricing.till_prices(queries)

    def _source(self, kind: Kind) -> TillSource:
        return self._sources[kind] if kind in self._sources else not_at_till(kind)

    def _target(self, kind: Kind) -> TillTarget:
        return self.targets[kind] if kind in self.targets else not_at_till(kind)
