"""Which settings and which logic each flow has, and what a logic may ask while it maps records."""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, Protocol

from integration.core.errors import ConfigurationError
from integration.core.flow import Flow
from integration.flows.customers.logic import Customers, CustomerSettings
from integration.flows.orders.logic import Orders, OrderSettings
from integration.flows.products.logic import Products, ProductSettings
from integration.flows.settings import FlowSettings
from integration.flows.spec import FLOWS, FlowLogic, documents
from integration.flows.stock.logic import Stock, StockSettings

SETTINGS: Mapping[str, type[FlowSettings]] = {
    one.flow: one for one in (ProductSettings, StockSettings, CustomerSettings, OrderSettings)
}


class Asked(Protocol):
    """What the logics of the flows ask about both systems and about what is linked."""

    def rates(self, system: str) -> Mapping[str, Decimal]:
        """Return the VAT percentages of a system by its code."""

    def allot(self, code: str) -> str:
        """Return the article number a code is given for good."""

    def known(self, codes: Collection[str]) -> set[str]:
        """Return which of these article codes the books have."""

    def booked(self, becomes: str, ids: Collection[str]) -> Mapping[str, str]:
        """Return which of these documents are booked as orders or postings, with their reference."""

    def numbers(self, codes: Collection[str]) -> Mapping[str, str]:
        """Return the till's article numbers of these codes, where they are linked."""


Make = Callable[[Any, Mapping[str, Any], int, Mapping[str, Mapping[str, str]], Asked], FlowLogic]


def _products(settings: Any, body: Mapping[str, Any], version: int, tables: Any, asked: Asked) -> FlowLogic:
    return Products(settings, body, version, tables, asked.rates("accountview"), asked.allot)


def _stock(settings: Any, body: Mapping[str, Any], version: int, tables: Any, asked: Asked) -> FlowLogic:
    return Stock(settings, body, version, tables, asked.numbers)


def _customers(settings: Any, body: Mapping[str, Any], version: int, tables: Any, asked: Asked) -> FlowLogic:
    del asked
    return Customers(settings, body, version, tables)


def _orders(settings: Any, body: Mapping[str, Any], version: int, tables: Any, asked: Asked) -> FlowLogic:
    def linked(ids: Collection[str]) -> Mapping[str, str]:
        return asked.booked(settings.becomes, ids)

    return Orders(
        settings, body, version, tables, asked.rates("accountview"), asked.rates("mplus"), asked.known, linked
    )  # fmt: skip


_MAKE: Mapping[str, Make] = {
    "products": _products, "stock": _stock, "customers": _customers, "orders": _orders,
}  # fmt: skip


RATED: Mapping[str, tuple[str, ...]] = {"products": ("accountview",), "orders": ("accountview", "mplus")}
"""The systems whose VAT percentages the logic of a flow is made with; the others need not be there."""


def settings_of(flow: str, stored: Mapping[str, Any]) -> FlowSettings:
    """Return the settings of a flow. Raises ConfigurationError, naming the setting, for what cannot be used."""
    return SETTINGS[flow](**stored)


def flow_of(flow: str, settings: FlowSettings) -> Flow:
    """Return a flow with the kinds of record that its settings choose."""
    return documents(settings.source, settings.target) if isinstance(settings, OrderSettings) else FLOWS[flow]


def logic_of(
    flow: str,
    settings: FlowSettings,
    body: Mapping[str, Any],
    version: int,
    tables: Mapping[str, Mapping[str, str]],
    asked: Asked,
) -> FlowLogic:
    """Return the logic of a flow. Raises ConfigurationError when its mapping cannot be used."""
    if flow not in _MAKE:
        raise ConfigurationError("setting_invalid", setting=flow, expected="expected_one_of", options=", ".join(_MAKE))
    return _MAKE[flow](settings, body, version, tables, asked)
