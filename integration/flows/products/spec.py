"""The flow of products as one value: articles and article groups of the books become products of the till."""

from collections.abc import Mapping
from typing import Any

from integration.core.records import Kind
from integration.flows.products.logic import PRICE, Products
from integration.flows.products.questions import QUESTIONS
from integration.flows.products.sections import SECTIONS
from integration.flows.products.settings import FLOW, ProductSettings
from integration.flows.spec import MAPPINGS, Asked, FlowSpec
from integration.flows.systems import BOOKS, books, till
from integration.flows.tables import ValueTable


def _make(
    settings: ProductSettings,
    body: Mapping[str, Any],
    version: int,
    tables: Mapping[str, Mapping[str, str]],
    asked: Asked,
) -> Products:
    def allot(code: str) -> str:
        return asked.allot(FLOW.name, Kind.ARTICLE, code)

    return Products(settings, body, version, tables, asked.rates(BOOKS), allot)


PRODUCTS = FlowSpec(
    flow=FLOW,
    settings=ProductSettings,
    make=_make,
    mapping=MAPPINGS / "products.toml",
    rated=(BOOKS,),
    parts=((Kind.PRODUCT, None), (Kind.ARTICLE, Kind.ARTICLE), (Kind.GROUP, None)),
    sent_as={PRICE: ("article.price_incl", "article.price_excl")},
    tables=(ValueTable("vat_codes", books("vat_codes"), till("vat_codes"), looks_up=True, cause="vat_code_unmapped"),),
    objects=("articles", "groups", "vat"),
    sections=SECTIONS,
    questions=QUESTIONS,
    brakes=("changes", "changes_percent", "price_percent", "retirements"),
    filter_first="group",
    noun="article",
    suggested=True,
    turn=1,
)
