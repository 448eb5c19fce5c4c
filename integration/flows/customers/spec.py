"""The flow of customers as one value: debtors of the books become relations of the till."""

from collections.abc import Mapping
from typing import Any

from integration.core.causes import By, Repair
from integration.core.records import Kind
from integration.flows.customers.logic import EXTERNAL_ID, Customers
from integration.flows.customers.questions import QUESTIONS
from integration.flows.customers.sections import SECTIONS
from integration.flows.customers.settings import FLOW, CustomerSettings
from integration.flows.spec import MAPPINGS, Asked, FlowSpec, Needs
from integration.flows.tables import ValueTable


def _make(
    settings: CustomerSettings,
    body: Mapping[str, Any],
    version: int,
    tables: Mapping[str, Mapping[str, str]],
    asked: Asked,
) -> Customers:
    del asked
    return Customers(settings, body, version, tables)


CUSTOMERS = FlowSpec(
    flow=FLOW,
    settings=CustomerSettings,
    make=_make,
    mapping=MAPPINGS / "customers.toml",
    parts=((Kind.RELATION, None),),
    found_by=frozenset({EXTERNAL_ID}),
    tables=(ValueTable("price_groups"),),
    repairs={
        "create_switched_off": Repair(tab="settings", name="create"),
        "customer_ambiguous": Repair(By.CHOICE, kind=Kind.RELATION),
        "customer_shared": Repair(By.CHOICE, kind=Kind.RELATION),
        "customer_taken": Repair(By.CHOICE, "settings", "other_external_id", Kind.RELATION),
    },
    mirrors={Kind.RELATION: ("orders", Kind.DEBTOR)},
    objects=("debtors",),
    needs=lambda _: Needs((Kind.DEBTOR,)),
    sections=SECTIONS,
    questions=QUESTIONS,
    brakes=("changes", "changes_percent", "retirements"),
    filter_first="country",
    noun="customer",
    turn=3,  # a debtor that an order brought is a customer then
)
