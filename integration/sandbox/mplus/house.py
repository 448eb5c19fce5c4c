"""All parts of one till put together: what it is set up with, what it holds, and which part answers which call."""

import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from integration.sandbox.mplus.catalogue import Catalogue
from integration.sandbox.mplus.contract import Fields, RefusedError
from integration.sandbox.mplus.desk import Desk, Handler, Reference, Setup
from integration.sandbox.mplus.documents import INVOICE, ORDER, RECEIPT, Bills, Shelf
from integration.sandbox.mplus.groups import Groups
from integration.sandbox.mplus.journals import Journals
from integration.sandbox.mplus.orders import Orders
from integration.sandbox.mplus.products import Products
from integration.sandbox.mplus.relations import Relations
from integration.sandbox.mplus.stock import Stock

READS = ("get", "find")


class Part(Protocol):
    """One part of the till."""

    def operations(self) -> dict[str, Handler]:
        """The calls that it answers."""


class House:
    """One till with everything in it."""

    def __init__(self, desk: Desk, setup: Setup) -> None:
        self.desk = desk
        self.reference = Reference(desk, setup)
        self.catalogue = Catalogue(desk)
        self.groups = Groups(desk, self.catalogue)
        self.products = Products(desk, self.reference, self.catalogue, self.groups)
        self.relations = Relations(desk, self.reference)
        self.orders, self.invoices, self.receipts = Shelf(desk, ORDER), Shelf(desk, INVOICE), Shelf(desk, RECEIPT)
        self.sales = Orders(desk, self.reference, self.catalogue, self.relations, (self.orders, self.invoices))
        self.stock = Stock(desk, self.reference, self.catalogue, self.sales.reserved)
        self._handlers = self._all_handlers()
        self._tables: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "products": self.products.state,
            "articles": self.products.articles,
            "groups": self.groups.state,
            "relations": self.relations.state,
            "orders": self.orders.state,
            "invoices": self.invoices.state,
            "receipts": self.receipts.state,
            "stock": self.stock.state,
            "markers": lambda: [self.markers()],
        }

    def carry_out(self, operation: str, request: Fields) -> Fields:
        """The content of the answer to a call."""
        return self._handlers[operation](request)

    def table(self, name: str) -> list[dict[str, Any]]:
        """Everything one table holds, whatever readers may see yet. LookupError for an unknown table."""
        return self._tables[name]()

    def markers(self) -> dict[str, int]:
        """The highest marker of each kind."""
        return {
            "articleSyncMarker": self.catalogue.markers.last,
            "articleGroupSyncMarker": self.groups.markers.last,
            "relationSyncMarker": self.relations.markers.last,
            "employeeSyncMarker": max((row["syncMarker"] for row in self.reference.setup.employees), default=0),
            "invoiceSyncMarker": self.invoices.markers.last,
            "receiptSyncMarker": self.receipts.markers.last,
            "orderSyncMarker": self.orders.markers.last,
            "stockId": self.stock.last,
        }

    def edit(self, table: str, key: str, values: Mapping[str, Any]) -> None:
        """Changes one object as a person at the till would. LookupError when it is not there."""
        match table:
            case "articles":
                self.products.edit(int(key), self.desk.build("Article", values))
            case "products":
                self.products.edit_product(int(key), self.desk.build("Product", values))
            case "groups":
                self.groups.rename(int(key), str(values["name"]))
            case "relations":
                self._edit_relation(int(key), values)
            case "orders":
                self._edit_order(key, values)
            case "stock":
                branch, article = (int(part) for part in key.split("/"))
                self.stock.set(branch, article, Decimal(str(values["amount"])), "STOCK-HISTORY-TYPE-MANUAL")
            case "conventions":
                self._settle(key, values["value"])
            case _:
                raise LookupError(f"{table} cannot be edited")

    def _settle(self, question: str, choice: Any) -> None:
        known = {field.name for field in dataclasses.fields(self.desk.conventions)}
        if question not in known:
            raise LookupError(f"there is no convention {question}")
        self.desk.conventions = dataclasses.replace(self.desk.conventions, **{question: choice})

    def _edit_relation(self, number: int, values: Mapping[str, Any]) -> None:
        if number not in self.relations.relations:
            raise LookupError(f"there is no relation {number}")
        self.relations.update(self.desk.build("Relation", {"relationNumber": number, **values}))

    def _edit_order(self, key: str, values: Mapping[str, Any]) -> None:
        document = self.orders.documents.get(key) or self.orders.by_ext.get(key)
        if document is None:
            raise LookupError(f"there is no order {key}")
        changed = self.desk.build("Order", values)
        self.orders.put(self.desk.contract.merged("Order", self.orders.fields(document), changed))

    def _all_handlers(self) -> dict[str, Handler]:
        parts: tuple[Part, ...] = (
            self.reference,
            self.products,
            self.groups,
            self.stock,
            self.relations,
            self.sales,
            Bills(self.desk, self.invoices, self.receipts),
            Journals(self.desk, self.reference, self.receipts, self.invoices),
        )
        handlers = {name: handler for part in parts for name, handler in part.operations().items()}
        handlers["getCurrentSyncMarkers"] = lambda _: self.desk.build("getCurrentSyncMarkersResponse", self.markers())
        handlers["getCurrentSyncMarkersV2"] = self._asked_markers
        if missing := self.desk.contract.operations.keys() ^ handlers.keys():
            raise RefusedError(f"The interface and the till differ in {', '.join(sorted(missing))}")
        return handlers

    def _asked_markers(self, request: Fields) -> Fields:
        ask = request.child("request")
        wanted = {
            name: value for name, value in self.markers().items() if ask.flag(f"include{name[0].upper()}{name[1:]}")
        }
        return self.desk.build("GetCurrentSyncMarkersV2Response", wanted)


def writes(operation: str) -> bool:
    """Whether the call is meant to change something."""
    return bool(operation) and not operation.startswith(READS)
