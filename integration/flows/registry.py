"""The list of all flows. To add a flow, add its value here; no other module names it."""

from collections.abc import Iterable, Mapping

from integration.connectors.protocol import SourceTable
from integration.core.flow import Mirrors
from integration.core.records import Kind
from integration.core.system_roles import SystemRole
from integration.flows.customers.spec import CUSTOMERS
from integration.flows.days.spec import DAYS
from integration.flows.orders.spec import ORDERS
from integration.flows.payments.spec import PAYMENTS
from integration.flows.products.spec import PRODUCTS
from integration.flows.spec import FlowSpec
from integration.flows.stock.spec import STOCK

# Flows by name, in display order.
Specs = Mapping[str, FlowSpec]

FLOWS: Specs = {spec.name: spec for spec in (PRODUCTS, STOCK, CUSTOMERS, ORDERS, DAYS, PAYMENTS)}


def mirrors_of(flows: Iterable[FlowSpec]) -> Mirrors:
    """Return, by flow and kind, the links that another flow has in the opposite direction."""
    return {(spec.name, kind): mirror for spec in flows for kind, mirror in spec.mirrors.items()}


def tables_of(flows: Specs) -> dict[SystemRole, list[SourceTable]]:
    """Return the source tables of the flows by the role of the system that has them."""
    tables: dict[SystemRole, list[SourceTable]] = {}
    for spec in flows.values():
        tables.setdefault(spec.flow.source_role, []).extend(spec.reads)
    return tables


def writer_of(flows: Iterable[FlowSpec], kind: Kind) -> FlowSpec:
    """Return the flow whose counted stage writes records of this kind. Raises StopIteration if there is none."""
    return next(spec for spec in flows if spec.flow.counted_stage.target is kind)
