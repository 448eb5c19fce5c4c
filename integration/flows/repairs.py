"""What repairs a cause of a flow."""

from collections.abc import Mapping

from integration.core.causes import Repair, cause
from integration.flows.customers.logic import REPAIRS as CUSTOMERS
from integration.flows.orders.settings import REPAIRS as ORDERS
from integration.flows.stock.logic import REPAIRS as STOCK

REPAIRS: Mapping[str, Mapping[str, Repair]] = {"stock": STOCK, "customers": CUSTOMERS, "orders": ORDERS}


def repair_of(flow: str, code: str) -> Repair:
    """Return what repairs a cause, as the flow says or as it is in all of them."""
    return REPAIRS.get(flow, {}).get(code) or cause(code).repair
