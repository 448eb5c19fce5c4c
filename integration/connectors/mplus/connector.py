"""MplusKASSA as a connector: which part of it each kind of record belongs to."""

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
from integration.connectors.mplus.history import TillHistory, promises
from integration.connectors.mplus.identity import read_identity
from integration.connectors.mplus.pictures import TillPictures
from integration.connectors.mplus.pricing import TillPricing
from integration.connectors.mplus.products import TillProducts
from integration.connectors.mplus.relations import TillRelations
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.settlements import Settlements
from integration.connectors.mplus.stock import TillStock
from integration.connectors.mplus.target import TillTarget, naming_record, not_at_till
from integration.connectors.protocol import GiftCardsLeft, InstallationFacts, References, ReservationPage
from integration.core.connections import Finding, Tell, ignore_progress
from integration.core.errors import RejectedError
from integration.core.markers import UNKNOWN, ChangeRanges
from integration.core.moves import Move
from integration.core.plan import Action, Change
from integration.core.prices import Charge, TillPrice
from integration.core.records import Batch, Field, Held, Kind, Record, Written
from integration.core.system_identity import SystemIdentity


class TillSource(Protocol):
    """How records of one kind are read; see `Connector` for what each method promises."""

    def extract(self, kind: Kind, since: str | None, after: str | None, most: int | None) -> Batch:
        """Return one page of what changed from the stamp `since` on."""

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the records under these keys."""


class Mplus:
    """One MplusKASSA installation."""

    def __init__(
        self, settings: MplusSettings, gateway: Gateway | None = None, learned: InstallationFacts | None = None
    ) -> None:
        """`learned` keeps what is found out of the installation; without it that holds for this connection alone."""
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
        self.targets: dict[Kind, TillTarget] = {  # a flow with records of its own adds how they are written
            Kind.GROUP: TillGroups(settings, self._client),
            Kind.PRODUCT: products,
            Kind.PICTURE: TillPictures(settings, self._client),
            Kind.RELATION: TillRelations(settings, self._client, self._fields),
            Kind.STOCK: self._stock,
            Kind.SETTLEMENT: Settlements(settings, self._client),
        }

    def begin(self) -> None:
        """Do nothing: the till says by itself that there is nothing, in one way."""

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    # ---- whether it answers

    def heard(self) -> HealthSnapshot:
        """Return whether the till answers, as the calls so far tell."""
        return self._client.answering.now()

    def look(self) -> None:
        """Make the least call there is; see `Answers.look`."""
        self._client.probe()

    def identity(self) -> SystemIdentity:
        """Return the licensed company, the branches with their workplaces, and the newest change numbers."""
        return read_identity(self._client)

    # ---- set-up

    def check(self, tell: Tell = ignore_progress) -> list[Finding]:
        """Return the connection check, stopping at the first thing that is wrong; see `Connector.check`."""
        return self._check.connection(tell)

    def fields(self, kind: Kind) -> list[Field]:
        """Return our words, every other simple field by its wire name, and the custom fields the till defines."""
        return self._fields.of(kind)

    def choices(self, name: str) -> dict[str, str]:
        """Return codes and captions for a question of the set-up; see `Choices.of` for the names."""
        return self._choices.of(name)

    # ---- the till as a source

    def extract(self, kind: Kind, since: str | None = None, after: str | None = None, most: int | None = None) -> Batch:
        """Return one page of documents of a kind from the marker `since` on, or of days.

        See `Documents.extract` and `Days.extract`.
        """
        return self._source(kind).extract(kind, since, after, most)

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the documents of a kind with these ids, or days by key; what is not there is left out."""
        return self._source(kind).fetch(kind, keys)

    # ---- what moved at the till

    def newest_move(self) -> int:
        """Return the number of the newest movement of stock, 0 before the first."""
        return self._history.present()

    def moves(self, after: int, begin: datetime) -> list[Move]:
        """Return the next movements of stock; see `History.page`."""
        return self._history.page(after, begin)

    def promises(self, since: str | None, after: str | None = None) -> ReservationPage:
        """Return one page of what orders that changed from a marker on keep aside now."""
        return promises(self._documents, since, after)

    def gift_cards(self) -> list[GiftCardsLeft]:
        """Return what is left on gift cards, by the turnover group they are sold in; see `cards_left`."""
        return cards_left(self._client)

    # ---- the till as a target

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return what the till holds now, by our keys; the targets say how each kind is found.

        What is linked and missing among others is asked for alone, before anybody takes it for gone.
        """
        held: dict[str, Held] = {}
        for kind, target in self.targets.items():
            chosen = [record for record in wanted if record.kind is kind]
            if not chosen:
                continue
            held |= target.lookup(chosen, references)
            if len(chosen) > 1 and kind is not Kind.GROUP:  # groups are told as one tree
                for one in [each for each in chosen if each.key not in held and references.reference(kind, each.key)]:
                    held |= target.lookup([one], references)
        return held

    def hashes(self, wanted: Sequence[Record]) -> dict[str, str]:
        """Return hashes of the levels that the till holds now; of nothing else it tells any. See `HashedTarget`."""
        levels = [record for record in wanted if record.kind is Kind.STOCK]
        return self._stock.hashes(levels) if levels else {}

    def changed(self, kind: Kind, since: str, after: str | None = None, known: ChangeRanges = UNKNOWN) -> Batch:
        """Return one page of what changed in the target after the marker `since`; a page ends at a marker too."""
        return self._target(kind).changed(known.past(after or since))

    def calls(self, change: Change) -> int:
        """Return how many write calls this change takes."""
        return self._target(change.kind).calls(change)

    def shows(self, kind: Kind) -> bool:
        """Tell that the till shows what it has: every answer says by itself that it is one, an empty list too."""
        return kind in self.targets

    def write(self, change: Change, held: Held | None, references: References, token: str) -> Written:
        """Carry out one change and return the till's number, with the marker of the change if told.

        Raises RejectedError when the till refuses the record and InDoubtError when no usable answer came.
        """
        target = self._target(change.kind)
        with naming_record(change, held):
            if held is None and change.action is not Action.CREATE:
                raise RejectedError("target_record_missing")
            return target.write(change, held, references, token)

    def last_used(self, customers: Collection[str], since: date) -> dict[str, date | None]:
        """Return when each of these relations was last on a document; see `Documents.last_of`."""
        return self._documents.last_of(customers, since)

    # ---- what is paid

    def tells_prices(self) -> bool:
        """Tell whether this installation answers what a customer pays; see `Pricing.answers`."""
        return self._pricing.answers()

    def charged(self, asked: Sequence[Charge]) -> list[TillPrice | None]:
        """Return what the till says that is paid, in the order asked; None where it gives no answer."""
        return self._pricing.charged(asked)

    def _source(self, kind: Kind) -> TillSource:
        return self._sources[kind] if kind in self._sources else not_at_till(kind)

    def _target(self, kind: Kind) -> TillTarget:
        return self.targets[kind] if kind in self.targets else not_at_till(kind)
