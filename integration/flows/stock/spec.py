"""The flow of stock as one value: what the books have of an article becomes its level in each branch of the till."""

from collections.abc import Collection, Mapping
from typing import Any

from integration.core.causes import By, Repair
from integration.core.records import Field, FieldType, Kind
from integration.flows.products.settings import FLOW as PRODUCTS
from integration.flows.spec import MAPPINGS, Asked, FlowSpec, Needs
from integration.flows.stock.logic import Stock
from integration.flows.stock.questions import QUESTIONS
from integration.flows.stock.sections import SECTIONS
from integration.flows.stock.settings import AMOUNT, BRANCH, FLOW, MANAGED, QUANTITY, StockSettings


def _make(
    settings: StockSettings,
    body: Mapping[str, Any],
    version: int,
    tables: Mapping[str, Mapping[str, str]],
    asked: Asked,
) -> Stock:
    def numbers(codes: Collection[str]) -> Mapping[str, str]:
        return asked.linked(PRODUCTS.name, Kind.ARTICLE, codes)

    return Stock(settings, body, version, tables, numbers)


STOCK = FlowSpec(
    flow=FLOW,
    settings=StockSettings,
    make=_make,
    mapping=MAPPINGS / "stock.toml",
    parts=((Kind.LEVEL, Kind.ARTICLE), (Kind.STOCK, None)),
    computed=(
        Field(QUANTITY, "Quantity of the branch", FieldType.NUMBER, Kind.ARTICLE),
        Field(BRANCH, "Number of the branch", FieldType.CODE, Kind.ARTICLE),
    ),
    writable=frozenset({AMOUNT, MANAGED}),
    repairs={
        "blocked": Repair(),
        "expression_failed": Repair(By.VALUE, "settings", "formula"),
        "sku_duplicate": Repair(),
    },
    objects=("articles", "warehouses"),
    needs=lambda _: Needs((Kind.ARTICLE,)),
    sections=SECTIONS,
    questions=QUESTIONS,
    brakes=("changes", "changes_percent", "zero_percent"),
    filter_first="group",
    noun="article",
    suggested=True,
    turn=4,
)
