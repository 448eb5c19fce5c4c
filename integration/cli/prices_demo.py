"""Demo of customer prices: names their object of the books, maps them, switches them on, and checks the results."""

from dataclasses import dataclass, replace
from decimal import Decimal

from integration.application.application import Application
from integration.core.people import DEMO
from integration.core.rules import rules_from
from integration.services.connections.sandbox_host import PRICES
from integration.services.prices import PriceComparison

RULES = {
    "products": (
        {"target": "article.articleDiscountGroupNumber", "expression": "K9_DGRP or None", "ownership": "keep_equal"},
    ),
    "customers": (
        {
            "target": "relation.price_group", "source": "price_list", "table": "price_groups", "unmapped": "park",
            "ownership": "keep_equal",
        },
        {"target": "relation.discount_percent", "expression": "DISC_PCT or None", "ownership": "keep_equal"},
        {"target": "relation.credit_limit", "expression": "CRED_LIM or None", "ownership": "keep_equal"},
        {
            "target": "relation.payment_days", "source": "payment_condition", "table": "payment_days",
            "unmapped": "empty", "ownership": "keep_unless_changed",
        },
    ),
}  # fmt: skip
TABLES = {
    "price_groups": {"GROOT": "3"},
    "price_branches": {"1": "1", "2": "2", "3": "3"},
    "payment_days": {"14": "14"},
}
FLOWS = ("products", "customers")


@dataclass(frozen=True, slots=True)
class PricedOutcome:
    """Number of prices that the till was asked for, and how many are equal to the books."""

    price_count: int
    same: int
    different: tuple[PriceComparison, ...]


def have_prices(application: Application) -> None:
    """Name the sandbox's price object, map the price fields of customers and articles, and switch prices on."""
    application.names.put({f"prices.{name}": value for name, value in PRICES.items()}, DEMO)
    for table, rows in TABLES.items():
        application.tables.save(table, rows, DEMO)
    for flow in FLOWS:
        published = application.mappings.published(flow)
        added = rules_from({"version": published.mapping.version, "rules": list(RULES[flow])}).rules
        mapping = replace(published.mapping, rules=(*published.mapping.rules, *added))
        application.mappings.publish(flow, mapping, published.version, DEMO, "prices of customers")
        application.flows.change(flow, {"customer_prices": True}, DEMO)


def proven(application: Application) -> PricedOutcome:
    """Ask the till for every agreed price, and compare each with the books."""
    comparisons = application.prices.prove(application.prices.customers(), application.prices.articles())
    different = tuple(comparison for comparison in comparisons if not comparison.proven)
    return PricedOutcome(len(comparisons), len(comparisons) - len(different), different)


def amount_cell(amount: Decimal | None) -> str:
    """Return an amount as text for a terminal line."""
    return "–" if amount is None else f"{amount:.2f}"
