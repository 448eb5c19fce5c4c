"""MplusKASSA as a connector: which part of it each kind of record belongs to."""

from collections.abc import Collection, Mapping, Sequence

from integration.connectors.http import Gateway
from integration.connectors.mplus import codec
from integration.connectors.mplus.check import Check
from integration.connectors.mplus.choices import Choices
from integration.connectors.mplus.client import Client
from integration.connectors.mplus.documents import Documents
from integration.connectors.mplus.fields import Fields
from integration.connectors.mplus.groups import Groups
from integration.connectors.mplus.products import Products
from integration.connectors.mplus.relations import Relations
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.stock import Stock
from integration.connectors.mplus.target import Target, about, not_for
from integration.connectors.protocol import References
from integration.core.connections import Finding, Tell, unheard
from integration.core.errors import RejectedError
from integration.core.plan import Action, Change
from integration.core.records import Batch, Field, Held, Kind, Record, Written


class Mplus:
    """One MplusKASSA installation."""

    def __init__(self, settings: MplusSettings, gateway: Gateway | None = None) -> None:
        self.settings = settings
        self.in_flight = settings.in_flight
        self._client = Client(settings, gateway)
        self._fields = Fields(settings, self._client)
        self._choices = Choices(self._client, self._fields)
        self._check = Check(settings, self._client, self._choices)
        products = Products(settings, self._client, self._fields)
        self._sources: Mapping[Kind, Documents] = dict.fromkeys(codec.DOCUMENTS, Documents(settings, self._client))
        self._targets: Mapping[Kind, Target] = {
            Kind.GROUP: Groups(settings, self._client),
            Kind.PRODUCT: products,
            Kind.RELATION: Relations(settings, self._client, self._fields),
            Kind.STOCK: Stock(settings, self._client, products),
        }

    def begin(self) -> None:
        """Do nothing: the till says by itself that there is nothing, in one way."""

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    # ---- set-up

    def check(self, tell: Tell = unheard) -> list[Finding]:
        """Return the connection check, stopping at the first thing that is wrong; see `Connector.check`."""
        return self._check.connection(tell)

    def fields(self, kind: Kind) -> list[Field]:
        """Return our words, every other simple field by its wire name, and the custom fields the till defines."""
        return self._fields.of(kind)

    def choices(self, name: str) -> dict[str, str]:
        """Return codes and captions for a question of the set-up; see `Choices.of` for the names."""
        return self._choices.of(name)

    # ---- the till as a source

    def extract(self, kind: Kind, since: str | None = None, after: str | None = None) -> Batch:
        """Return one page of orders, invoices or receipts from the marker `since` on; see `Documents.extract`."""
        return self._source(kind).extract(kind, since, after)

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the orders, invoices or receipts with these ids; what is not there is left out."""
        return self._source(kind).fetch(kind, keys)

    # ---- the till as a target

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return what the till holds now, by our keys; the targets say how each kind is found."""
        held: dict[str, Held] = {}
        for kind, target in self._targets.items():
            chosen = [record for record in wanted if record.kind is kind]
            if chosen:
                held |= target.lookup(chosen, references)
        return held

    def changed(self, kind: Kind, since: str, after: str | None = None) -> Batch:
        """Return one page of what changed in the target after the marker `since`."""
        return self._target(kind).changed(since, after)

    def calls(self, change: Change) -> int:
        """Return how many write calls this change takes."""
        return self._target(change.kind).calls(change)

    def shows(self, kind: Kind) -> bool:
        """Tell that the till shows what it has: every answer says by itself that it is one, an empty list too."""
        return kind in self._targets

    def write(self, change: Change, held: Held | None, references: References, token: str) -> Written:
        """Carry out one change and return the till's number, with the marker of the change if told.

        Raises RejectedError when the till refuses the record and InDoubtError when no usable answer came.
        """
        target = self._target(change.kind)
        with about(change, held):
            if held is None and change.action is not Action.CREATE:
                raise RejectedError("target_record_missing")
            return target.write(change, held, references, token)

    def _source(self, kind: Kind) -> Documents:
        return self._sources[kind] if kind in self._sources else not_for(kind)

    def _target(self, kind: Kind) -> Target:
        return self._targets[kind] if kind in self._targets else not_for(kind)
