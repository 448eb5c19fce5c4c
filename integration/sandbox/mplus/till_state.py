"""Combines all parts of one till: its set-up, its data, and the handler of each operation."""

import dataclasses
import io
import pickle
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from integration.sandbox.mplus.billing import Billing
from integration.sandbox.mplus.catalogue import Catalogue
from integration.sandbox.mplus.context import Handler, Reference, Setup, TillContext
from integration.sandbox.mplus.contract import RefusedError, WireFields
from integration.sandbox.mplus.counts import DrawerCounts
from integration.sandbox.mplus.document_entry import DocumentEntry
from integration.sandbox.mplus.documents import INVOICE, ORDER, PROPOSAL, RECEIPT, DocumentSet, SaleQueries
from integration.sandbox.mplus.gift_cards import IssuedCards
from integration.sandbox.mplus.groups import Groups
from integration.sandbox.mplus.images import Images
from integration.sandbox.mplus.journals import Journals
from integration.sandbox.mplus.orders import Orders
from integration.sandbox.mplus.origins import Origins
from integration.sandbox.mplus.pricing import Pricing
from integration.sandbox.mplus.products import Products
from integration.sandbox.mplus.proposals import Proposals
from integration.sandbox.mplus.relations import Relations
from integration.sandbox.mplus.stock import Stock
from integration.sandbox.mplus.sums import OrderTotals
from integration.sandbox.mplus.takings import Takings

READS = ("get", "find", "report", "determine")
JOINED = ("_handlers", "_tables")  # attributes set by `TillState.join`


class TillPart(Protocol):
    """One part of the till."""

    def operations(self) -> dict[str, Handler]:
        """Return the handlers of this part, by operation."""


class _StatePickler(pickle.Pickler):
    """Pickles a till, in a fifth of the time of copying its objects; shared objects are stored by position."""

    def __init__(self, file: io.BytesIO, shared: Sequence[object]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._places = {id(shared_object): place for place, shared_object in enumerate(shared)}

    def persistent_id(self, referent: object) -> int | None:
        return self._places.get(id(referent))


class _StateUnpickler(pickle.Unpickler):  # reads only data that this process has just written
    """Unpickles the data that `_StatePickler` wrote."""

    def __init__(self, file: io.BytesIO, shared: Sequence[object]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, place: int) -> object:
        return self._shared[place]


class TillState:
    """One till with all its parts."""

    def __init__(self, context: TillContext, setup: Setup) -> None:
        self.context = context
        self.reference = Reference(context, setup)
        self.catalogue = Catalogue(context)
        self.groups = Groups(context, self.catalogue)
        self.products = Products(context, self.reference, self.catalogue, self.groups)
        self.relations = Relations(context, self.reference)
        self.pricing = Pricing(context, self.reference, self.catalogue, self.relations)
        self.images = Images(context, self.catalogue)
        self.orders, self.invoices, self.receipts = (
            DocumentSet(context, ORDER),
            DocumentSet(context, INVOICE),
            DocumentSet(context, RECEIPT),
        )
        self.proposals = DocumentSet(context, PROPOSAL)
        self._document_sets = {
            "orders": self.orders, "invoices": self.invoices, "receipts": self.receipts, "proposals": self.proposals,
        }  # fmt: skip
        origins = Origins(
            context, self.reference, {document_set.kind: document_set for document_set in self._document_sets.values()}
        )
        self.sales = Orders(
            context, self.reference, self.catalogue, self.relations, (self.orders, self.invoices), origins
        )
        self.stock = Stock(context, self.reference, self.catalogue, self.sales.reserved)
        self.receipts.on_new = self.invoices.on_new = self.stock.sell
        document_sets = {"RECEIPT": self.receipts, "INVOICE": self.invoices, "ORDER": self.orders}
        self.takings = Takings(context, document_sets)
        self.counts = DrawerCounts(context, self.reference, self.takings)
        self.journals = Journals(context, self.reference, self.takings)
        self.gift_cards = IssuedCards(context, self.reference, self.takings)
        self.totals = OrderTotals(context, self.reference, self.catalogue)
        self.document_entry = DocumentEntry(context, self.reference, self.totals, origins)
        context.balances = frozenset(
            row["turnoverGroup"] for row in setup.turnover_groups if not row["turnoverGroupType"].endswith("TURNOVER")
        )
        self.join()

    def copies(self) -> Callable[[], "TillState"]:
        """Return a function that makes independent copies of this till in its present state.

        The copies share objects that never change.
        """
        kinds = (document_set.kind for document_set in self._document_sets.values())
        shared = (self.context.contract, self.context.conventions, self.reference.setup, *kinds)
        buffer = io.BytesIO()
        _StatePickler(buffer, shared).dump(self)
        pickled = buffer.getvalue()
        return lambda: _StateUnpickler(io.BytesIO(pickled), shared).load()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in JOINED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.join()

    def join(self) -> None:
        """Assign operations and tables to the parts."""
        self._handlers = self._all_handlers()
        self._tables: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "products": self.products.state,
            "articles": self.products.articles,
            "groups": self.groups.state,
            "relations": self.relations.state,
            **{name: document_set.state for name, document_set in self._document_sets.items()},
            "counts": self.counts.state,
            "gift_cards": self.gift_cards.state,
            "questions": self.journals.state,
            "stock": self.stock.state,
            "deviations": self.pricing.state,
            "images": self.images.state,
            "markers": lambda: [self.markers()],
        }

    def carry_out(self, operation: str, request: WireFields) -> WireFields:
        """Return the content of the answer to a call."""
        return self._handlers[operation](request)

    def table(self, name: str) -> list[dict[str, Any]]:
        """Return all rows of a table, including those that readers do not see yet. LookupError for an unknown table."""
        return self._tables[name]()

    def markers(self) -> dict[str, int]:
        """Return the highest marker of each kind."""
        return {
            "articleSyncMarker": self.catalogue.markers.last,
            "articleGroupSyncMarker": self.groups.markers.last,
            "relationSyncMarker": self.relations.markers.last,
            "employeeSyncMarker": max((row["syncMarker"] for row in self.reference.setup.employees), default=0),
            "invoiceSyncMarker": self.invoices.markers.last,
            "receiptSyncMarker": self.receipts.markers.last,
            "orderSyncMarker": self.orders.markers.last,
            "proposalSyncMarker": self.proposals.markers.last,
            "stockId": self.stock.last_stock_id,
        }

    def edit(self, table: str, key: str, values: Mapping[str, Any]) -> None:  # noqa: C901 - a table each
        """Change one object as a person at the till would. LookupError if it does not exist."""
        match table:
            case "articles":
                self.products.edit(int(key), self.context.build("Article", values))
            case "products":
                self.products.edit_product(int(key), self.context.build("Product", values))
            case "groups":
                self.groups.rename(int(key), str(values["name"]))
            case "relations":
                self._edit_relation(int(key), values)
            case "orders" | "invoices" | "receipts" | "proposals":
                self._edit_document(self._document_sets[table], key, values)
            case "stock":
                branch, article = (int(part) for part in key.split("/"))
                self.stock.set_level(branch, article, Decimal(str(values["amount"])), "STOCK-HISTORY-TYPE-MANUAL")
            case "deviations":
                self.pricing.put(self.context.build("ArticleBranchDeviationLine", values))
            case "images":
                self.images.put(int(key), values["names"])
            case "counts":
                self.counts.edit(key, values)
            case "conventions":
                self._change_convention(key, values["value"])
            case _:
                raise LookupError(f"{table} cannot be edited")

    def add(self, table: str, values: Mapping[str, Any]) -> str:
        """Add a document, count or relation as a person at the till would; return the id of a document.

        LookupError for another table.
        """
        self.counts.settle()
        match table:
            case "orders" | "invoices" | "receipts" | "proposals":
                return self.document_entry.enter(self._document_sets[table], values).id
            case "training":
                return self.document_entry.enter(self.receipts, values, rehearsed=True).id
            case "counts":
                self.counts.put(values)
            case "relations":
                self.relations.create(self.context.build("Relation", values))
            case _:
                raise LookupError(f"nothing can be added to {table}")
        return ""

    def _change_convention(self, question: str, choice: Any) -> None:
        questions = {field.name for field in dataclasses.fields(self.context.conventions)}
        if question not in questions:
            raise LookupError(f"there is no convention {question}")
        self.context.conventions = dataclasses.replace(self.context.conventions, **{question: choice})

    def _edit_relation(self, number: int, values: Mapping[str, Any]) -> None:
        if number not in self.relations.relations:
            raise LookupError(f"there is no relation {number}")
        self.relations.update(self.context.build("Relation", {"relationNumber": number, **values}))

    def _edit_document(self, document_set: DocumentSet, key: str, values: Mapping[str, Any]) -> None:
        document = document_set.documents.get(key) or document_set.by_ext.get(key)
        if document is None:
            raise LookupError(f"there is no {document_set.kind.element} {key}")
        changed = self.context.build(document_set.kind.type, values)
        document_set.put(self.context.contract.merged(document_set.kind.type, document_set.fields(document), changed))

    def _all_handlers(self) -> dict[str, Handler]:
        parts: tuple[TillPart, ...] = (
            self.reference,
            self.products,
            self.groups,
            self.stock,
            self.relations,
            self.pricing,
            self.images,
            self.sales,
            SaleQueries(self.context, self.invoices, self.receipts),
            Billing(self.context, self.reference, self.totals, self.invoices),
            Proposals(self.context, self.reference, self.relations, self.totals, self.proposals),
            self.journals,
            self.counts,
            self.gift_cards,
        )
        handlers = {name: handler for part in parts for name, handler in part.operations().items()}
        handlers["getCurrentSyncMarkers"] = lambda _: self.context.build(
            "getCurrentSyncMarkersResponse", self.markers()
        )
        handlers["getCurrentSyncMarkersV2"] = self._requested_markers
        if missing := self.context.contract.operations.keys() ^ handlers.keys():
            raise RefusedError(f"The interface and the till differ in {', '.join(sorted(missing))}")
        return handlers

    def _requested_markers(self, request: WireFields) -> WireFields:
        ask = request.child("request")
        markers = {
            name: value for name, value in self.markers().items() if ask.flag(f"include{name[0].upper()}{name[1:]}")
        }
        return self.context.build("GetCurrentSyncMarkersV2Response", markers)


def writes(operation: str) -> bool:
    """Return True if an operation changes data."""
    return bool(operation) and not operation.startswith(READS)
