"""What the flow of products is, and what it can be told."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from integration.core.errors import ConfigurationError
from integration.core.flow import Flow, Stage, Unique
from integration.core.records import Kind
from integration.flows.settings import BOOKS, TILL, FlowSettings, Strict

FLOW = Flow(
    "products",
    source=BOOKS,
    target=TILL,
    stages=(
        Stage(Kind.GROUP, Kind.GROUP, counted=False, needs={"parent": Kind.GROUP}),
        Stage(Kind.ARTICLE, Kind.PRODUCT, grouped_by="group", unique=(Unique.NUMBER, Unique.MARK)),
    ),
)

Rate = Annotated[Decimal, Field(gt=0)]


class Part(Strict):
    """One of the two parts of an article, switched by itself."""

    create: bool = True
    update: bool = True


class ProductSettings(FlowSettings):
    """How products flow. Raises ConfigurationError, naming the setting, for what cannot be used."""

    flow: ClassVar[str] = "products"

    sku_rule: Literal["code", "field", "allotted"] = "code"
    sku_field: str = ""  # for the rule `field`
    parent_field: str = "parent"  # articles that share its value become one product; empty: each is its own

    price_basis: Literal["excl", "incl"] = "excl"  # what the price of the source is
    price_sent: Literal["excl", "incl"] = "incl"  # the other is computed by the till
    decimals: int = Field(2, ge=0, le=2)  # the price in whole cents is rounded once more to so many
    zero_price: Literal["send", "park"] = "send"
    default_currency: str = "EUR"
    rates: dict[str, Rate] = Field(default_factory=dict)  # one unit of a currency in the default one

    content: Part = Part()
    offer: Part = Part()
    groups: bool = True
    blocked: Literal["skip", "inactive"] = "skip"
    retire: bool = True

    def reads(self) -> Iterator[tuple[str, str, bool]]:
        """Yield the fields that hold the number and the parent."""
        if self.sku_rule == "field":
            yield "sku_field", self.sku_field, True
        if self.parent_field:
            yield "parent_field", self.parent_field, "parent_field" in self.model_fields_set

    def check(self) -> None:
        """Raise ConfigurationError for settings that do not go together."""
        if self.sku_rule == "field" and not self.sku_field:
            raise ConfigurationError(
                "flow_setting_invalid", flow="products", setting="sku_field", expected="expected_article_field"
            )
